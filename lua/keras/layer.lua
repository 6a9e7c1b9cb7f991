--- Layers written in Lua: `local Scale = keras.Layer:extend "Scale"`, then init, build and call as in Keras. What call does
-- with tensors runs at once or is traced, like the layers of the core.
local any_layer = require "keras.any_layer"
local core = require "celda.core"
local keras_tensor = require "keras.keras_tensor"

local Layer = {class_name = "Layer", kind = "layers"}
local fields = {} -- what is computed when it is read

-- "MyLayer" -> "my_layer"
local function snake(name)
  return (name:gsub("(%l)(%u)", "%1_%2"):gsub("(%u)(%u%l)", "%1_%2"):lower())
end

local function add_part(self, part)
  for _, known in ipairs(self._parts) do if rawequal(known, part) then return end end
  table.insert(self._parts, part)
end

-- A layer's own layers and Variables count as its weights as soon as they are its fields.
local function set_field(self, key, value)
  if key == "trainable" then return self:set_trainable(value) end
  if any_layer.is(value) or core.kind_of(value) == "Variable" then add_part(self, value) end
  rawset(self, key, value)
end

local function construct(class, ...)
  local object = setmetatable({_parts = {}, built = false, name = core.unique_name(snake(class.class_name))}, class)
  object:init(...)
  return object
end

--- A class of layers. Its objects are made by calling it: init(...) gets the arguments.
function Layer:extend(name)
  local class = {
    class_name = name or "Layer",
    __name = name or "Layer",
    __newindex = set_field,
    __call = function(object, ...) return object:_run(...) end,
    __tostring = function(object) return ("<%s name=%s, built=%s>"):format(object.class_name, object.name, object.built) end,
  }
  class.__index = function(object, key)
    if fields[key] then return fields[key](object) end
    return class[key]
  end
  return setmetatable(class, {__index = self, __call = construct})
end
Layer.subclass = Layer.extend

function Layer:init() end

--- Makes the weights for inputs of this shape, the batch first (-1: unknown).
function Layer:build(_) end

--- The layer's formula; the second argument is {training = flag}.
function Layer:call(_, _)
  core.raise("UnsupportedError", "layer \"%s\" (%s) has no call method", self.name, self.class_name)
end

--- self:add_weight({3}, "zeros", {name = "scale", trainable = true}): in build.
function Layer:add_weight(...)
  local shape, initializer, dtype, trainable, name = core.args("add_weight",
    {"shape", "initializer", "dtype", "trainable", "name"}, ...)
  local path = ("%s/%s"):format(self._scope and self._scope .. "/" .. self.name or self.name, name or "weight")
  local v = core.Variable(initializer or "glorot_uniform", shape or {}, dtype, trainable, path)
  add_part(self, v)
  return v
end

--- Builds once; `scope` is the model's name in the weights' paths.
function Layer:_build_once(shape, scope)
  if self.built then return end
  rawset(self, "_scope", scope)
  self:build(shape)
  rawset(self, "built", true)
end

function Layer:_run(x, options)
  local made = keras_tensor.made_by(self, x, options and options.training)
  if made then return made end
  return any_layer.while_training(options and options.training, function(flag)
    self:_build_once(any_layer.shape_of(x))
    return self:call(x, {training = flag})
  end)
end

--- The shape of what call gives: found out by tracing it on one sample, unless a class knows better.
function Layer:compute_output_shape(shape)
  if type(shape[1]) == "table" then
    core.raise("UnsupportedError", "layer \"%s\" has several inputs: its class (%s) must say what compute_output_shape is", self.name,
      self.class_name)
  end
  local sample = {}
  for i, n in ipairs(shape) do sample[i] = n < 0 and 1 or n end
  self:_build_once(shape)
  local out = core.output_shape(function(x) return self:_run(x, {training = false}) end, sample)
  if shape[1] < 0 then out[1] = -1 end
  return out
end

function Layer:set_trainable(flag)
  rawset(self, "_frozen", not flag)
  for _, part in ipairs(self._parts) do part.trainable = flag end
end

function fields.output(self) return keras_tensor.end_of(self, "output") end
function fields.input(self) return keras_tensor.end_of(self, "input") end
any_layer.add_fields(fields, function(self) return self._parts end)

function Layer:get_weights()
  local values = {}
  for i, v in ipairs(self.weights) do values[i] = v:numpy() end
  return values
end

function Layer:set_weights(values)
  local weights = self.weights
  if #values ~= #weights then
    core.raise("ValueError", "You called `set_weights(weights)` on layer '%s' with a weight list of length %d, but the "
      .. "layer was expecting %d weights.", self.name, #values, #weights)
  end
  for i, v in ipairs(weights) do v:assign(values[i]) end
end

function Layer:count_params()
  local n = 0
  for _, v in ipairs(self.weights) do n = n + v.size end
  return n
end

function Layer:get_config() return {name = self.name, trainable = self.trainable} end

function Layer:serialize()
  return {module = "celda", class_name = self.class_name, config = self:get_config()}
end

return Layer
