--- Functions made again from the text they were compiled from. A function is found in its chunk by its lines, and is the right
-- one if compiling it alone gives the same code; no code is ever written to a file or read from one.
local core = require "celda.core"
local load, debug = load, debug
local functions = {}

local parsed = setmetatable({}, {__mode = "v"}) -- by text

-- What stands in a text: {text, all = functions, constants = spans, at = functions by the place where they begin}
local function parse(text)
  local box = parsed[text]
  if box then return box end
  box = {text = text, at = {}}
  box.all, box.constants = core.find_functions(text)
  for _, f in ipairs(box.all) do box.at[f.first] = f end
  parsed[text] = box
  return box
end

-- The code of a function, as string.dump gives it (Lua 5.4's ldump.c), without what depends on the function around it: where
-- its upvalues come from.
local function code_of(f)
  local code = string.dump(f, true)
  local at = 33 -- behind the header and the number of upvalues
  local function size()
    local n, byte = 0, nil
    repeat
      byte = code:byte(at)
      n, at = n << 7 | byte & 0x7f, at + 1
    until byte & 0x80 ~= 0
    return n
  end
  local function skip(n) at = at + n end
  size() -- no name of a source
  size() -- the first and the last line
  size()
  skip(3)
  skip(4 * size())
  for _ = 1, size() do
    local tag = code:byte(at)
    skip(1)
    if tag == 0x03 or tag == 0x13 then skip(8) elseif tag & 0x0f == 4 then skip(size() - 1) end
  end
  local upvalues = size()
  return code:sub(1, at - 1) .. code:sub(at + 3 * upvalues)
end

-- A chunk that returns the function, in the lines where it was. Constants of the text around it are part of its code.
local function source_of(box, f, names)
  local lines = {}
  local locals = {}
  for _, name in ipairs(names) do if name ~= "_ENV" then locals[#locals + 1] = name end end
  if #locals > 0 then lines[1] = "local " .. table.concat(locals, ",") end
  for _, span in ipairs(box.constants) do
    if span.last < f.first then lines[#lines + 1] = box.text:sub(span.first, span.last) end
  end
  local body = box.text:sub(f.first, f.last)
  if f.method then body = (f.parameters and "(self," or "(self") .. body:sub(2) end
  return table.concat(lines, ";") .. ("\n"):rep(f.line - 1) .. " return function" .. body
end

local function names_of(f)
  local names = {}
  for i = 1, math.huge do
    local name = debug.getupvalue(f, i)
    if not name then return names end
    names[i] = name
  end
end

local function same(a, b)
  if #a ~= #b then return false end
  for i, name in ipairs(a) do if b[i] ~= name then return false end end
  return true
end

--- A function whose one upvalue is a variable of its own.
function functions.carrier()
  local value
  return function() return value end
end

--- The function that begins at `first` in `text`, with upvalues of these names, all nil; or nil.
function functions.make(chunk, text, first, names)
  local box = parse(text)
  local f = box.at[first]
  local outer = f and load(source_of(box, f, names), chunk, "t")
  local made = outer and outer()
  return made and same(names_of(made), names) and made or nil
end

-- The texts that a function may be from.
local function texts_of(chunk)
  local first = chunk:sub(1, 1)
  if first == "=" then return core.sources(chunk) end
  if first ~= "@" then return {chunk} end -- load("...")
  local noted = core.sources(chunk)
  local file = #noted == 0 and io.open(chunk:sub(2), "rb")
  if not file then return noted end
  local text = file:read "a"
  file:close()
  return {text}
end

--- Where a function stands: {chunk, text, first, names}; or nil and why not.
function functions.locate(f)
  local info = debug.getinfo(f, "S")
  if info.what == "C" then return nil, "a function of a C library" end
  local names, code = names_of(f), code_of(f)
  local texts = texts_of(info.source)
  for i = #texts, 1, -1 do
    for _, candidate in ipairs(parse(texts[i]).all) do
      if candidate.line == info.linedefined and candidate.last_line == info.lastlinedefined then
        local made = functions.make(info.source, texts[i], candidate.first, names)
        if made and code_of(made) == code then
          return {chunk = info.source, text = texts[i], first = candidate.first, names = names}
        end
      end
    end
  end
  return nil, "a function whose source is not known"
end

return functions
