--- Help texts by name and by value. `help(thing)` prints one; `?thing` in a session is the same.
-- Modules add theirs with help.register(name, text, value): the name as a user writes it ("keras.layers.Dense"), the
-- text, and the function or table that it is about, so that help(value) finds it too.
local core = require "celda.core"
local help = {}

local by_name, by_value = {}, setmetatable({}, {__mode = "k"})
local functions = {} -- by name
local sources = {}

function help.register(name, text, value)
  by_name[name] = text
  functions[name] = type(value) == "function" and value or nil
  if value ~= nil then by_value[value] = name end
end

--- Says under which name a value is documented.
function help.name(value, name) by_value[value] = name end

--- Registers a function that is asked for a name's text when nothing is registered under it.
function help.source(find) sources[#sources + 1] = find end

-- What a session's code sees: its top-level locals, then globals.
local function scope()
  local carriers = {}
  for _, variable in ipairs(core.locals()) do carriers[variable.name] = variable.carrier end
  return setmetatable({}, {__index = function(_, name)
    if carriers[name] then return (select(2, debug.getupvalue(carriers[name], 1))) end
    return _G[name]
  end})
end

-- The value that a dotted name stands for, without running anything but __index.
function help.value_of(name)
  local chunk = load("return " .. name:gsub(":", "."), "=help", "t", scope())
  if not chunk then return nil end
  local ok, value = pcall(chunk)
  if not ok then return nil end
  local meta = type(value) == "table" and debug.getmetatable(value)
  local load_module = type(meta) == "table" and rawget(meta, "__module") -- of celda's, not loaded yet
  return load_module and load_module(value) or value
end

-- The block of comment lines that ends right above a line of a file or of celda's own modules.
local function comment_above(info, text)
  local block, number = {}, 0
  for line in text:gmatch "([^\n]*)\n?" do
    number = number + 1
    if number == info.linedefined then break end
    local comment = line:match("^%s*%-%-+%s?(.*)$")
    if comment then block[#block + 1] = comment else block = {} end
  end
  return #block > 0 and table.concat(block, "\n") or nil
end

-- The text of a user's function's file, or of its cell.
local function source_of(f, info)
  if info.source:sub(1, 1) ~= "@" then
    local place = require "celda.functions".locate(f)
    return place and place.text or ""
  end
  local file <close> = io.open(info.source:sub(2))
  return file and file:read "a" or ""
end

-- The function that a method of celda's calls (core.method), or the value itself.
function help.behind(value)
  local _, inner = debug.getupvalue(value, 1)
  return debug.getinfo(value, "S").what == "C" and type(inner) == "function" and inner or value
end

--- The function that runs when a value is called: itself, or a class's that makes its objects; nil for any other value.
function help.callable(value)
  if type(value) == "function" then return value end
  if type(value) ~= "table" then return nil end
  local meta = debug.getmetatable(value)
  local init = rawget(value, "init") or type(meta) == "table" and rawget(meta, "__call")
  return type(init) == "function" and init or nil
end

local function describe_function(value)
  value = help.behind(value)
  local info = debug.getinfo(value, "Su")
  if info.what == "C" then return "a function of the host (C)" end
  local ours = celda.source(info.source:sub(2))
  local comment = comment_above(info, ours or source_of(value, info))
  if ours and comment then return comment end
  local names = {}
  for i = 1, info.nparams do names[i] = debug.getlocal(value, i) end
  if info.isvararg then names[#names + 1] = "..." end
  local head = ("function(%s)  defined at %s:%d"):format(table.concat(names, ", "), info.short_src, info.linedefined)
  return comment and head .. "\n" .. comment or head
end

local function describe_table(value)
  local names = {}
  for key in pairs(value) do if type(key) == "string" and key:sub(1, 1) ~= "_" then names[#names + 1] = key end end
  table.sort(names)
  return #names == 0 and "a table" or "a table with: " .. table.concat(names, ", ")
end

local function describe(value)
  local meta = getmetatable(value)
  if type(meta) == "table" and type(meta.__help) == "function" then return meta.__help(value) end
  if type(meta) == "table" and type(meta.__help) == "string" then return meta.__help end
  local kind = type(value)
  if kind == "function" then return describe_function(value) end
  if kind == "table" then return describe_table(value) end
  if type(meta) == "table" and meta.__name == "keras.object" then
    return tostring(value) .. "\n" .. (require "keras.docs"(value.kind .. "." .. value.class_name) or "")
  end
  return ("a %s: %s"):format(type(meta) == "table" and meta.__name or kind, tostring(value))
end

local function lookup(name)
  if by_name[name] then return by_name[name] end
  local text = require "keras.docs"(name)
  if text then return text end
  for _, find in ipairs(sources) do
    local text = find(name)
    if text then return text end
  end
end

-- Texts that are not registered by who has the functions.
local function load_texts()
  require "help.tensor"
  require "help.standard"
end

-- The text for a name, or for the value that it stands for; nil where there is neither.
local function text_of_name(name)
  load_texts()
  local value = help.value_of(name)
  local other = type(value) == "function" and functions[name] and functions[name] ~= value -- the user's
  local text = not other and lookup(name)
  return text or value ~= nil and (by_value[value] and lookup(by_value[value]) or describe(value)) or nil
end

-- "keras.layers.Dense" for "Dens" or "Dense".
local function class_like(name)
  for _, kind in ipairs(core.kinds) do
    local names = {}
    for i, class in ipairs(core[kind.name].classes()) do names[i] = class.name end
    local near = core.nearest(name, names)
    if near then return kind.module .. "." .. near end
  end
end

-- What is said of a name that nothing has; `other` it was perhaps meant to be.
local function missing(name, other)
  local meant = core.meant(name) or other or class_like(name)
  return ("nothing is named '%s'"):format(name) .. (meant and ("; did you mean '%s'?"):format(meant) or "")
end

--- The text for a name ("x.reshape", "keras.layers.Dense"), ending in a newline; of a name that nothing has, that it
-- was perhaps meant to be `other`.
function help.text_of(name, other)
  local text = text_of_name(name) or missing(name, other)
  return celda.wrap(text:gsub("%s*$", "") .. "\n")
end

--- The text for the value that a name stands for, nil where there is none. Runs nothing of the user's.
function help.of_value(name, value)
  load_texts()
  local other = type(value) == "function" and functions[name] and functions[name] ~= value
  local text = by_value[value] and lookup(by_value[value]) or not other and lookup(name)
    or type(value) == "function" and describe_function(value)
  return text and celda.wrap(text:gsub("%s*$", "") .. "\n") or nil
end

--- The text under which a value is registered, or nil.
function help.documented(value)
  load_texts()
  return by_value[value] and lookup(by_value[value])
end

--- The text of celda's own module that a function is from, and the comment above it; nil for any other function.
function help.source_and_comment(f)
  local info = debug.getinfo(help.behind(f), "S")
  local text = celda.source(info.source:sub(2))
  if text then return text, comment_above(info, text) or "" end
end

local function text_for(thing)
  load_texts()
  if type(thing) == "string" then return text_of_name(thing) or missing(thing) end
  local name = thing ~= nil and by_value[thing]
  return name and lookup(name) or describe(thing)
end

return setmetatable(help, {
  __call = function(_, thing)
    if thing == nil then
      print("help(thing) explains a function, a module or a value; %help lists the commands.")
    else
      print(celda.wrap((text_for(thing):gsub("%s*$", ""))))
    end
  end,
})
