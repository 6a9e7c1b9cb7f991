--- Keras in Lua: the same names, defaults and numbers. Layers, losses, metrics, optimizers and initializers are the core's
-- classes; models, training and callbacks are written here.
local core = require "celda.core"
local help, strict = require "help", core.strict

local keras = {
  Variable = core.Variable,
  GradientTape = core.GradientTape,
  __version__ = "3.15.1", -- whose behaviour this is
}

keras.Input = require "keras.keras_tensor".Input

for name, module in pairs(require "keras.kinds") do keras[name] = module end
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
Its methods are those of keras.Sequential but add and pop. Models with several
inputs or outputs can be called, but fit trains only those with one of each.]], require "keras.functional")
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
