--- Keras in Lua: the same names, defaults and numbers. Layers, losses, metrics, optimizers and initializers are the core's
-- classes; models, training and callbacks are written here.
local core = require "celda.core"
local help, strict = require "help", core.strict

local keras = {
  Variable = core.Variable,
  GradientTape = core.GradientTape,
  __version__ = "3.15.1", -- whose behaviour this is
}

-- The classes of one kind; `functions` makes what stands under an alias ("mean_squared_error").
local function module_of(kind, functions)
  local module, constructors = core[kind], {}
  for _, class in ipairs(module.classes()) do
    constructors[module[class.name]] = true
    help.name(module[class.name], ("keras.%s.%s"):format(kind, class.name))
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

keras.Input = require "keras.keras_tensor".Input

keras.layers = module_of "layers"
keras.losses = module_of("losses", loss_function)
keras.metrics = module_of("metrics", metric_function)
keras.optimizers, keras.initializers = module_of "optimizers", module_of "initializers"
keras.activations = strict(core.activations, "keras.activations")
keras.Layer, keras.Sequential = require "keras.layer", require "keras.sequential"
help.register("keras.Sequential", [[
keras.Sequential{layer, ...}, keras.Sequential(layers, {trainable = true, name = nil})
A model that is a stack of layers. Its methods: add, pop, build, summary,
compile, fit, evaluate, predict, get_layer, get_weights, set_weights,
save_weights, load_weights, save, count_params, to_json; help(model.fit)
explains one.]], keras.Sequential)
help.register("keras.Model", [[
keras.Model(inputs, outputs[, {name = nil, trainable = true}])
A functional model: the layers between KerasTensors. keras.Input gives the
first one, a layer called on one gives the next:
  local inputs = keras.Input{28, 28, 1}
  local x = L.Conv2D(8, 3, {padding = "same"})(inputs)
  x = L.Flatten()(L.Add(){x, inputs})
  local model = keras.Model(inputs, L.Dense(10)(x))
Its methods are those of keras.Sequential. Models with several inputs or
outputs can be called, but fit trains only those with one of each.]], require "keras.functional")
keras.layers.Input, keras.layers.Layer = keras.Input, keras.Layer
for _, name in ipairs {"callbacks", "utils", "models"} do
  keras[name] = strict(require("keras." .. name), "keras." .. name)
end
keras.Model, keras.random = keras.models.Model, tensor.random
keras.backend = strict({
  --- Forgets how often each automatic name was given.
  clear_session = core.reset_names,
  floatx = function() return "float32" end,
  epsilon = function() return 1e-7 end,
  image_data_format = function() return "channels_last" end,
  backend = function() return "celda" end,
}, "keras.backend")
keras.config = keras.backend

return strict(keras, "keras")
