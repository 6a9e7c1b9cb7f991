--- Keras in Lua: the same names, defaults and numbers. Layers, losses, metrics, optimizers and initializers are the core's
-- classes; models, training and callbacks are written here. Each part is loaded when it is first used.
local core = require "celda.core"
local help_name = require("help").name

local keras = {
  Variable = core.Variable,
  GradientTape = core.GradientTape,
  __version__ = "3.15.1", -- whose behaviour this is
}

-- Names that are not there are errors that give the nearest.
local function strict(module, name, names_of)
  return setmetatable(module, {__index = function(_, key)
    local names = {}
    for known in pairs(names_of or module) do if type(known) == "string" then names[#names + 1] = known end end
    local near = core.nearest(tostring(key), names)
    core.raise("NameError", "%s has no '%s'%s", name, tostring(key), near and ("; did you mean '" .. near .. "'?") or "")
  end})
end

-- The classes of one kind; `functions` makes what stands under an alias ("mean_squared_error").
local function module_of(kind, functions)
  local module = core[kind]
  for _, class in ipairs(module.classes()) do
    help_name(module[class.name], ("keras.%s.%s"):format(kind, class.name))
    for alias in class.aliases:gmatch "%S+" do
      module[alias] = functions and functions(module[class.name]) or module[class.name]
    end
  end
  function module.get(identifier)
    if identifier == nil or type(identifier) == "function" then return identifier end
    return module.deserialize(identifier)
  end
  return strict(module, "keras." .. kind)
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

--- keras.Input(shape): where a model's data come in; the shape of one sample, without the batch.
function keras.Input(...) return core.layers.InputLayer(...) end

local parts = {
  layers = function()
    local layers = module_of "layers"
    rawset(layers, "Input", keras.Input)
    rawset(layers, "Layer", require "keras.layer")
    return layers
  end,
  losses = function() return module_of("losses", loss_function) end,
  metrics = function() return module_of("metrics", metric_function) end,
  optimizers = function() return module_of "optimizers" end,
  initializers = function() return module_of "initializers" end,
  activations = function() return strict(core.activations, "keras.activations") end,
  callbacks = function() return strict(require "keras.callbacks", "keras.callbacks") end,
  utils = function() return strict(require "keras.utils", "keras.utils") end,
  models = function() return strict(require "keras.models", "keras.models") end,
  random = function() return tensor.random end,
  Layer = function() return require "keras.layer" end,
  Sequential = function() return require "keras.sequential" end,
  backend = function()
    return strict({
      --- Forgets how often each automatic name was given.
      clear_session = core.reset_names,
      floatx = function() return "float32" end,
      epsilon = function() return 1e-7 end,
      image_data_format = function() return "channels_last" end,
      backend = function() return "celda" end,
    }, "keras.backend")
  end,
}
parts.config = parts.backend

return setmetatable(keras, {
  __index = function(self, key)
    local make = parts[key]
    if make then
      rawset(self, key, make())
      return rawget(self, key)
    end
    local known = {}
    for name in pairs(parts) do known[name] = true end
    for name in pairs(self) do known[name] = true end
    return strict({}, "keras", known)[key]
  end,
})
