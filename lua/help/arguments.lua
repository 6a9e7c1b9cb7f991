--- The arguments that a function takes, for who is typing a call: from the tables that make Keras's constructors, from what
-- a function of celda's asks core.args for, or from how its help text says that it is called. Calls nothing of the user's.
local core = require "celda.core"
local help = require "help"

-- A default as Lua has it; the tables of the core have JSON.
local function lua_of(json)
  return json and (json:gsub("null", "nil"):gsub("%[", "{"):gsub("%]", "}"))
end

local classes -- constructor to class, made when first asked for

local function class_of(value)
  if not classes then
    classes = {}
    for _, kind in ipairs(core.kinds) do
      local module = core[kind.name]
      for _, class in ipairs(module.classes()) do classes[module[class.name]] = class end
    end
  end
  return classes[value]
end

-- Names under which the classes of a kind go, the one with a small letter first where there is one: "glorot_uniform", "adam".
local function names_of(kind)
  local list = {}
  for _, class in ipairs(core[kind].classes()) do list[#list + 1] = class.aliases:match "%l[%w_]*" or class.name end
  return list
end

local function activations()
  local list = {}
  for name in pairs(core.activations) do list[#list + 1] = name end
  return list
end

-- The strings that an argument may be, where they are known.
local function choices_of(name, kind, choices)
  if choices then
    local list = {}
    for choice in choices:gmatch "%S+" do list[#list + 1] = choice end
    return list
  end
  if kind == "the name of an activation" then return activations() end
  if kind == "an initializer or its name" then return names_of "initializers" end
  if name == "optimizer" then return names_of "optimizers" end
  if name == "loss" then return names_of "losses" end
end

local function of_class(class)
  local list = {}
  for _, arg in ipairs(class.args) do
    local kind = arg.choices and arg.choices:gsub("%S+", '"%0"'):gsub(" ", " or ") or arg.type
    if arg.type ~= "" then
      list[#list + 1] = {name = arg.name, default = lua_of(arg.default), kind = kind,
        choices = choices_of(arg.name, arg.type, arg.choices)}
    end
  end
  return list
end

-- What stands behind `name =` in a text: a table, a string or a word.
local function default_in(text, name)
  local value = text:match("%f[%w_]" .. name .. "%s*=%s*(.*)")
  return value and (value:match "^%b{}" or value:match '^%b""' or value:match "^[%w_.+-]+")
end

-- The names that the function asks core.args for, and the defaults that the comment above it gives.
local function asked_for(name, text, comment)
  local list = text:match('core%.args%("' .. name .. '",%s*(%b{})')
  local variable = not list and text:match('core%.args%("' .. name .. '",%s*([%w_]+)')
  list = list or variable and text:match("local " .. variable .. "%s*=%s*(%b{})")
  if not list then return nil end
  local arguments = {}
  for argument in list:gmatch '"([%w_]+)"' do
    arguments[#arguments + 1] = {name = argument, default = default_in(comment, argument), choices = choices_of(argument)}
  end
  return arguments
end

-- The names in "(shape, {minval = 0, dtype = "float32"})", with their defaults.
local function listed(inner)
  local arguments = {}
  for argument, equals in inner:gsub('%b""', '""'):gmatch "%f[%w_]([%a_][%w_]*)(%s*=?)" do
    local value = equals:find "=" and default_in(inner, argument)
    if value or not inner:find("=%s*" .. argument .. "%f[^%w_]") then
      arguments[#arguments + 1] = {name = argument, default = value}
    end
  end
  return arguments
end

-- From how a help text says that the function is called, where it says so in several ways from the one that says most.
local function signature(name, text)
  local best = {}
  for at in text:gmatch("()%f[%w_]" .. name .. "%s*[({]") do
    local rest = text:sub(at + #name)
    local arguments = listed(rest:match "^%s*(%b())" or rest:match "^%s*(%b{})" or "")
    if #arguments > #best then best = arguments end
  end
  for argument in (text:match "Further: ([%w_,%s]+)%." or ""):gmatch "[%w_]+" do best[#best + 1] = {name = argument} end
  return #best > 0 and best or nil
end

local function parameters(f)
  local list = {}
  for i = 1, debug.getinfo(f, "u").nparams do
    local name = debug.getlocal(f, i)
    if name ~= "self" then list[#list + 1] = {name = name} end
  end
  return list
end

--- A list of {name = ..., default = ..., kind = ..., choices = {...}} for the value that a call names `name`; nil where nothing is known.
return function(value, name)
  local f = help.callable(value)
  if not f then return nil end
  if class_of(f) then return of_class(class_of(f)) end
  local text, comment = help.source_and_comment(f)
  local documented = help.documented(value)
  if text then return asked_for(name, text, comment) or signature(name, documented or comment) or parameters(f) end
  if documented then return signature(name, documented) end
  return debug.getinfo(f, "S").what ~= "C" and parameters(f) or nil
end
