--- Keras in Lua: the same names, defaults and numbers. Layers, losses, metrics, optimizers and initializers are the core's
-- classes; models, training and callbacks are written here.
local nn = celda.nn
local keras = {Variable = celda.Variable, GradientTape = celda.GradientTape}

-- A module of the classes of one kind: constructors under Keras's class names, functions under its aliases.
local function module_of(kind, with_aliases)
  local module = {}
  local names = {}
  for _, class in ipairs(nn.classes(kind)) do
    local name = class.name
    local function construct(...) return nn.new(kind, name, ...) end
    module[name] = construct
    names[#names + 1] = name
    if with_aliases then
      for alias in class.aliases:gmatch("%S+") do
        module[alias] = function(...) return nn.new(kind, name)(...) end
      end
    end
  end
  function module.deserialize(config) return nn.deserialize(kind, config) end
  function module.serialize(object) return object:serialize() end
  function module.get(identifier)
    if identifier == nil or type(identifier) == "userdata" or type(identifier) == "function" then return identifier end
    return nn.deserialize(kind, identifier)
  end
  return setmetatable(module, {__index = function(_, key)
    local near = type(key) == "string" and celda.nearest(key, names)
    error(("AttributeError: keras.%ss has no '%s'%s"):format(kind, tostring(key),
      near and ("; did you mean '%s'?"):format(near) or ""), 2)
  end})
end

local makers = {
  layers = function()
    local layers = module_of("layer")
    rawset(layers, "Input", function(...) return keras.Input(...) end)
    return layers
  end,
  losses = function() return module_of("loss", true) end,
  metrics = function() return module_of("metric") end,
  optimizers = function() return module_of("optimizer") end,
  initializers = function() return module_of("initializer") end,
  callbacks = function() return require "keras.callbacks" end,
  Sequential = function() return require("keras.sequential").Sequential end,
  activations = function()
    local activations = {}
    for _, name in ipairs(nn.activations()) do
      activations[name] = function(x) return nn.activation(name, x) end
    end
    return activations
  end,
  random = function() return tensor.random end,
  ops = function() return tensor end,
}

--- keras.Input(shape, {batch_size =, dtype =, name =}): where a model begins; shape is without the batch.
function keras.Input(...)
  local a = require "keras.args"("Input", {"shape", "batch_size", "dtype", "name"}, ...)
  local shape = a.shape
  if type(shape) ~= "table" then error("TypeError: Input: shape must be a list of integers, such as {28, 28, 1}", 2) end
  local plain = {}
  for i = 1, #shape do plain[i] = shape[i] end
  return nn.new("layer", "InputLayer", {shape = plain, batch_size = a.batch_size, dtype = a.dtype, name = a.name})
end

keras.utils = {
  --- All of celda's randomness starts from this seed, as Keras's does: initial weights, dropout masks, sample order.
  set_random_seed = celda.set_random_seed,
  --- Labels as rows with one 1: to_categorical(y, num_classes).
  to_categorical = function(y, num_classes)
    y = type(y) == "userdata" and y or tensor(y)
    return y:astype("int64"):one_hot(num_classes or y:max():item() + 1)
  end,
}
keras.backend = {clear_session = nn.clear_session}
keras.__version__ = "3.15"

return setmetatable(keras, {
  __index = function(self, key)
    local make = makers[key]
    if not make then
      local names = {"Input", "Variable", "GradientTape", "utils", "backend"}
      for name in pairs(makers) do names[#names + 1] = name end
      local near = type(key) == "string" and celda.nearest(key, names)
      error(("AttributeError: keras has no '%s'%s"):format(tostring(key),
        near and ("; did you mean '%s'?"):format(near) or ""), 2)
    end
    local module = make()
    rawset(self, key, module)
    return module
  end,
})
