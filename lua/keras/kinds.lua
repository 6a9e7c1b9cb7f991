--- keras.layers, losses, metrics, optimizers with their schedules, and initializers: the core's classes with Keras's aliases
-- and functions.
local core = require "celda.core"
local help, strict = require "help", core.strict

-- The classes of kind.name; `functions` makes what stands under an alias ("mean_squared_error").
local function module_of(kind, functions)
  local module, constructors = core[kind.name], {}
  for _, class in ipairs(module.classes()) do
    constructors[module[class.name]] = true
    help.name(module[class.name], kind.module .. "." .. class.name)
    for alias in class.aliases:gmatch "%S+" do
      module[alias] = functions and functions(module[class.name]) or module[class.name]
    end
  end
  --- An object from an object, a class, a name or a serialised form; any other function is given back as it is.
  function module.get(identifier)
    if constructors[identifier] then return identifier() end
    if identifier == nil or type(identifier) == "function" then return identifier end
    return module.deserialize(identifier)
  end
  return strict(module, kind.module)
end

-- keras.losses.mean_squared_error(y_true, y_pred, {...}): the loss of each sample.
local function loss_function(class)
  return function(y_true, y_pred, options)
    local config = {reduction = "none"}
    for name, value in pairs(options or {}) do config[name] = value end
    return class(config)(y_true, y_pred)
  end
end

-- keras.metrics.mean_squared_error(y_true, y_pred): its mean over the batch.
local function metric_function(class)
  return function(y_true, y_pred, options) return class(options or {name = "function"})(y_true, y_pred) end
end

local modules, functions = {}, {losses = loss_function, metrics = metric_function}
for _, kind in ipairs(core.kinds) do modules[kind.name] = module_of(kind, functions[kind.name]) end
modules.optimizers.schedules, modules.schedules = modules.schedules, nil
return modules
