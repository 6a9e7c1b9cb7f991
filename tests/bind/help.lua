local function said(thing)
  output()
  help(thing)
  return output()
end

test("methods of models show what stands above them in celda's own source", function()
  model = keras.Sequential()
  ok(said "model.fit":find("^model:fit%(x, y, {batch_size = 32"))
  ok(said(model.fit):find("^model:fit%("))
  eq(said "model.add", "Puts a layer on top.\n")
  eq(said "model.summary", said(keras.Sequential.summary))
  local text = said(model)
  ok(text:find("^<Sequential name=[%w_]+, built=false>\nkeras.Sequential{"), text)
  for _, name in ipairs{"summary", "fit", "predict"} do ok(text:find(name, 1, true), name) end
end)

test("tensors: functions, methods, and what an operation computes", function()
  x = tensor{1}
  ok(said "tensor":find("^tensor%(data%[, dtype%]%)"))
  ok(said "tensor.zeros":find("^tensor.zeros{2, 3}"))
  ok(said "x.sum":find("^x:sum%("))
  eq(said(x.sum), said(tensor.sum))
  ok(said "x.add":find "a %+ b")
  ok(said "keras.random.normal":find "^tensor.random.normal")
  eq(said(x), "a tensor: [1]\n")
end)

test("classes and their objects", function()
  ok(said "keras.layers.Dense":find("^keras.layers.Dense%(units"))
  ok(said(keras.layers.Dense(1)):find("^<Dense .->\nkeras.layers.Dense%(units"))
  for _, name in ipairs{"Sequential", "Variable", "GradientTape", "callbacks.EarlyStopping", "callbacks.ModelCheckpoint"} do
    ok(said("keras." .. name):find("keras." .. name, 1, true), name)
  end
end)

test("what is nothing's name is named, with the one that was perhaps meant", function()
  eq(said "Dens", "nothing is named 'Dens'; did you mean 'keras.layers.Dense'?\n")
  eq(said "math.flor", "nothing is named 'math.flor'; did you mean 'math.floor'?\n")
  eq(said "no name", "nothing is named 'no name'\n")
end)

test("every method and function of tensors has a text", function()
  for _, library in pairs{tensor = tensor, ["tensor.random"] = tensor.random, gzip = gzip, idx = idx, safetensors = safetensors} do
    for name, f in pairs(library) do
      if type(f) == "function" then ok(not said(f):find "a function of the host", name) end
    end
  end
end)

test("every function of Lua's library has a text", function()
  local old = {} -- of Lua 5.2
  for name in ("atan2 cosh sinh tanh pow frexp ldexp log10"):gmatch "%S+" do old[name] = true end
  for _, library in ipairs {"string", "table", "math", "io", "os", "utf8", "coroutine"} do
    for name, f in pairs(_G[library]) do
      if type(f) == "function" and not old[name] then
        ok(said(f):find(library .. "." .. name, 1, true), library .. "." .. name)
      end
    end
  end
  ok(said "print":find "^print%(")
  ok(said(pairs):find "^pairs%(")
  local pairs_of_lua = pairs
  pairs = function(mine) end
  ok(said "pairs":find "^function%(mine%)")
  pairs = pairs_of_lua
end)
