local function write(name, bytes)
  local path = scratch .. "/" .. name
  local file = assert(io.open(path, "wb"))
  file:write(bytes)
  file:close()
  return path
end

-- gzip of "hello hello hello", made by the system's gzip.
local function compressed(name, bytes)
  local path = write(name, bytes)
  assert(os.execute("gzip -kf " .. path))
  return path .. ".gz"
end

test("gzip.open reads what was written, in pieces", function()
  local path = compressed("text", ("hello "):rep(100000))
  local f <close> = gzip.open(path, "rb")
  eq(f:read(6), "hello ")
  eq(#f:read(), 600000 - 6)
  eq(f:read(), "")
  f:close()
  fails("closed", f.read, f)
  eq(gzip.open(scratch .. "/text"):read(5), "hello") -- not compressed at all
end)

test("what is wrong with a file is said", function()
  local path = compressed("bad", ("0123456789"):rep(5000))
  local file = assert(io.open(path, "rb"))
  local bytes = file:read "a"
  file:close()
  fails("cannot open", gzip.open, scratch .. "/nothing.gz")
  fails("truncated", function() return gzip.open(write("cut.gz", bytes:sub(1, -20))):read() end)
  fails("corrupt", function() return gzip.open(write("flip.gz", bytes:sub(1, -5) .. "XXXX")):read() end)
  fails("mode", gzip.open, path, "wb")
end)

test("IDX, plain and compressed", function()
  local idx3 = "\0\0\8\2\0\0\0\2\0\0\0\3" .. "\1\2\3\4\5\6"
  eq(idx.load(write("a.idx", idx3)), tensor({{1, 2, 3}, {4, 5, 6}}, "uint8"))
  eq(idx.load(compressed("b.idx", idx3)).shape, {2, 3})
  fails("OSError", idx.load, write("c.idx", idx3:sub(1, -2)))
  fails("OSError", idx.load, write("d.idx", "\1\2\3\4"))
  fails("OSError", idx.load, write("e.idx", ""))
end)

test("safetensors, there and back", function()
  local path = scratch .. "/w.safetensors"
  local saved = {a = tensor{{1, 2.5}}, ["b/c"] = tensor({1, 2}, "uint8"), d = tensor{true, false}, e = tensor(3)}
  safetensors.save(path, saved, {format = "celda"})
  local tensors, metadata = safetensors.load(path)
  for name, t in pairs(saved) do eq(tensors[name], t) end
  eq(metadata, {format = "celda"})
  fails("OSError", safetensors.load, scratch .. "/none.safetensors")
  local file = assert(io.open(path, "rb"))
  local bytes = file:read "a"
  file:close()
  for cut = 0, #bytes - 1, 7 do fails("OSError", safetensors.load, write("cut.safetensors", bytes:sub(1, cut))) end
  fails("a tensor's name must be a string", safetensors.save, path, {tensor{1}})
  eq(select(2, pcall(safetensors.load, path)) ~= nil, true)
end)

test("only a file of its own kind is written over", function()
  local function bytes_of(path)
    local file <close> = assert(io.open(path, "rb"))
    return file:read "a"
  end
  local x = tensor{1, 2}
  local writers = {
    weights = function(path) safetensors.save(path, {x = x}) end,
    npy = function(path) tensor.save(path, x) end,
    npz = function(path) tensor.savez(path, {x = x}) end,
  }
  for kind, save in pairs(writers) do
    local path = scratch .. "/kinds." .. kind
    save(path)
    save(path)
    local mine = bytes_of(path)
    for other, f in pairs(writers) do
      if other ~= kind then
        local target = write("over." .. other, mine)
        fails("it is not written over", f, target)
        eq(bytes_of(target), mine)
      end
    end
    save(write("empty." .. kind, ""))
    -- the last begins as safetensors does, but for the length
    for _, text in ipairs{"-- mine\n", "x", '{"cells": []}', "local x={1}"} do
      local target = write("text." .. kind, text)
      fails("'" .. target .. "' is there and is no ", save, target)
      eq(bytes_of(target), text)
    end
  end
  local session = scratch .. "/kinds.celda"
  celda.save(session, x)
  celda.save(session, x)
  fails("is a saved session, no file of weights", safetensors.save, session, {x = x})
  fails("is a file of weights (safetensors), no saved session", celda.save, scratch .. "/kinds.weights", x)
  fails("no regular file", safetensors.save, "/dev/null", {x = x})
end)

test("json, there and back", function()
  local text = '{"a": [1, 2.5, true, null, "x"], "b": {}, "c": []}'
  local value = json.decode(text)
  eq(value.a[4], json.null)
  eq(json.decode(json.encode(value)), value)
  ok(json.encode(value):find('"b": {}', 1, true) and json.encode(value):find('"c": []', 1, true))
  eq(json.encode({1, 2}, {indent = 2}), "[\n  1,\n  2\n]")
  fails("function has no JSON", json.encode, print)
  fails("NaN", json.encode, {0 / 0})
  fails("a list, or have string keys alone", json.encode, {1, a = 2})
  local loop = {}
  loop[1] = loop
  fails("in itself", json.encode, loop)
  fails("1:1: ']' expected", json.decode, "[")
end)

test("a data set that is not there: what was tried, and what to install", function()
  fails("apt-get install dataset-fashion-mnist", function()
    local getenv = os.getenv
    os.getenv = function(name) return name == "CELDA_DATASETS" and scratch or name == "HOME" and scratch or getenv(name) end
    local open = io.open
    io.open = function(path, ...) if not path:find("/usr/share/datasets", 1, true) then return open(path, ...) end end
    local _ <close> = setmetatable({}, {__close = function() os.getenv, io.open = getenv, open end})
    return datasets.fashion_mnist.load_data()
  end)
end)

test("NumPy's files, there and back", function()
  local x = tensor{{1.5, 2}, {3, 4}}
  tensor.save(scratch .. "/x", x.T)
  eq(tensor.load(scratch .. "/x.npy"), tensor{{1.5, 3}, {2, 4}})
  tensor.savez(scratch .. "/all.npz", {x = x, n = 3})
  local all = tensor.load(scratch .. "/all.npz")
  eq(all.x, x)
  eq(all.n:item(), 3)
  eq(tensor.load "tests/golden/numpy/big.npy", tensor({1, -2, 70000}, "int32"))
  fails("cannot open", tensor.load, scratch .. "/none.npy")
  fails("does not begin as one", tensor.load, write("no.npy", "nothing of this kind"))
  fails("/nowhere", tensor.save, "/nowhere/x", x)
  fails("a tensor's name must be a string", tensor.savez, scratch .. "/y", {x})
end)
