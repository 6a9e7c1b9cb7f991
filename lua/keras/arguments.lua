--- Arguments of what is written in Lua, checked when they are given, in the words of the core's classes.
local core = require "celda.core"
local arguments = {}

local function integer(value) return type(value) == "number" and math.tointeger(value) or nil end

-- {what is wanted, function(value)}: the value as it is kept, nil where it is something else.
local kinds = {
  integer = {"an integer", integer},
  number = {"a number", function(value) return type(value) == "number" and value or nil end},
  string = {"a string", function(value) return type(value) == "string" and value or nil end},
  boolean = {"a boolean", function(value) if type(value) == "boolean" then return value end end},
  verbosity = {"an integer", function(value) return value == true and 1 or value == false and 0 or integer(value) end},
  mode = {"auto, min or max", function(value) return (value == "auto" or value == "min" or value == "max") and value or nil end},
  frequency = {"\"epoch\" or a positive integer", function(value)
    local n = integer(value)
    return value == "epoch" and value or n and n > 0 and n or nil
  end},
}

--- A value as errors show it.
function arguments.shown(value)
  if type(value) == "string" then return ("%q"):format(value) end
  if value == nil or type(value) == "number" or type(value) == "boolean" then return tostring(value) end
  local kind, metatable = core.kind_of(value), debug.getmetatable(value)
  if kind and kind:find "s$" then return value.class_name end -- "losses": an object
  local name = metatable and rawget(metatable, "__name")
  return "a " .. (kind or type(name) == "string" and name or type(value))
end

--- "EarlyStopping: argument patience must be an integer, not "3"".
function arguments.refuse(who, name, wanted, value)
  core.raise("ValueError", "%s: argument %s must be %s, not %s", who, name, wanted, arguments.shown(value))
end

--- Sets an object's fields from the arguments of its constructor, each of which is {name, kind[, default]}, and may be
-- left out unless it is `required`. The object's class names it in errors.
function arguments.take(object, described, ...)
  local names, who = {}, object.class_name
  for i, one in ipairs(described) do names[i] = one[1] end
  local given = table.pack(core.args(who, names, ...))
  for i, one in ipairs(described) do
    local name, kind, value = one[1], kinds[one[2]], given[i]
    if value == nil and one.required then core.raise("TypeError", "%s: missing argument '%s'", who, name) end
    if value == nil then value = one[3] end
    if value ~= nil then object[name] = kind[2](value) end
    if object[name] == nil and value ~= nil then arguments.refuse(who, name, kind[1], value) end
  end
end

return arguments
