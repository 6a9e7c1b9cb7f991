--- Values that every session has, found by the names that src/session/names.c gave them.
local core = require "celda.core"
local require, get_registry = require, debug.getregistry
local names = {}

local function root(module)
  if module == "_G" then return _G end
  if module == "registry" then return get_registry() end
  local type_name = module:match "^registry:(.*)$"
  if type_name then return get_registry()[type_name] end
  return (core.is_module(module) or module == "celda.core") and require(module) or nil
end

-- The number of a function's upvalue: by its name, or of a C function by its number.
local function upvalue_number(f, name)
  if tonumber(name) then return math.tointeger(name) end
  for i = 1, math.huge do
    local found = debug.getupvalue(f, i)
    if not found or found == name then return found and i end
  end
end

local steps = {
  ["."] = function(value, name) return type(value) == "table" and rawget(value, name) or nil end,
  ["["] = function(value, name) return type(value) == "table" and rawget(value, math.tointeger(name:sub(1, -2))) or nil end,
  ["@"] = function(value) return debug.getmetatable(value) end,
  ["^"] = function(value, name)
    local i = type(value) == "function" and upvalue_number(value, name)
    return i and select(2, debug.getupvalue(value, i))
  end,
}

--- The value of that name; an error where this celda has none.
function names.find(name)
  local module, path = name:match "^(.*):(.*)$"
  local value = module and root(module)
  for kind, step in (path or ""):gmatch "([.@^%[])([^.@^%[]*)" do
    if value == nil then break end
    value = steps[kind](value, step)
  end
  if value == nil then error(("this celda has no %s"):format(name), 0) end
  return value
end

--- The function and the number of its upvalue of that name.
function names.find_upvalue(name)
  local f, upvalue = name:match "^(.*)%^([^.@^%[]*)$"
  local value = names.find(f)
  local i = type(value) == "function" and upvalue_number(value, upvalue)
  if not i then error(("this celda has no %s"):format(name), 0) end
  return value, i
end

return names
