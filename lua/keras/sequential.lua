--- keras.Sequential: a stack of layers. Invariant: a model whose first layer says its input's shape is built as far as it
-- goes; any other is built by build() or by its first data.
local any_layer = require "keras.any_layer"
local core = require "celda.core"
local keras_tensor = require "keras.keras_tensor"
local model = require "keras.model"
local training = require "keras.training"

local Sequential = {class_name = "Sequential", kind = "layers", module = "keras"}
local fields = {} -- what is computed when it is read
local object = {} -- the metatable of models

-- The input's shape with the batch in front, where the first layer says it.
local function declared_shape(self)
  local first = self.stack[1]
  if not first then return nil end
  if model.is(first) then return first.built and first.input_shape or nil end
  if first.class_name == "InputLayer" then return core.shape(first.batch_shape) end
  local shape = first.input_shape
  return shape and {-1, table.unpack(shape)}
end

-- A shape that does not fit is found out before any layer is built for it. Layers written in Lua tell theirs when they are
-- built, so it is found out up to the first of these.
local function check_shapes(self, shape)
  for _, layer in ipairs(self.stack) do
    if type(layer) ~= "userdata" then return end
    shape = layer:compute_output_shape(shape)
  end
end

--- model:build{-1, 28, 28, 1}: makes the weights for inputs of this shape, the batch first.
function Sequential:build(shape)
  if not shape then core.raise("ValueError", "build: give the input's shape, the batch first: model:build{-1, 28, 28, 1}") end
  check_shapes(self, shape)
  local at, shapes = shape, {}
  for i, layer in ipairs(self.stack) do
    any_layer.build(layer, at, self.name)
    at = layer:compute_output_shape(at)
    shapes[i] = at
  end
  self._input_shape, self._shapes, self.built = shape, shapes, #self.stack > 0
end

--- The shape of what the model makes of inputs of this shape, the batch first; it need not be built.
function Sequential:compute_output_shape(shape)
  for _, layer in ipairs(self.stack) do shape = layer:compute_output_shape(shape) end
  return shape
end

-- As a layer of another model.
function Sequential:_build_once(shape) if not self.built then self:build(shape) end end

local function rebuild(self)
  self.built, self._shapes, self._symbols = false, nil, nil
  training.forget(self)
  local shape = declared_shape(self)
  if shape then self:build(shape) end
end

local function check_addition(self, layer)
  if not any_layer.is(layer) then
    core.raise("ValueError", "Only instances of `keras.Layer` can be added to a Sequential model. Received: %s (of type %s)",
      tostring(layer), core.kind_of(layer) or type(layer))
  end
  for _, other in ipairs(self.stack) do
    if other.name == layer.name then
      core.raise("ValueError", "All layers added to a Sequential model should have unique names. Name '%s' is already the "
        .. "name of a layer in this model. Update the `name` argument to pass a unique name.", layer.name)
    end
  end
  if layer.class_name == "InputLayer" and #self.stack > 0 then
    core.raise("ValueError", "Sequential model '%s' has already been configured to use input shape %s. You cannot add a "
      .. "different Input layer to it.", self.name, tostring(self.input_shape))
  end
end

--- Puts a layer on top.
function Sequential:add(layer)
  if keras_tensor.is(layer) and #layer.inputs == 0 then layer = layer.layer end -- as keras.Input gives it
  check_addition(self, layer)
  table.insert(self.stack, layer)
  local ok, problem = pcall(rebuild, self)
  if ok then return end
  table.remove(self.stack)
  rebuild(self)
  error(problem, 0)
end

--- Takes the top layer off and returns it.
function Sequential:pop()
  local layer = table.remove(self.stack)
  rebuild(self)
  return layer
end

--- model(x, {training = false}): what the stack makes of x.
function object:__call(...)
  local x, given = core.args(self.name, {"inputs", "training"}, ...)
  local made = keras_tensor.made_by(self, x, given)
  if made then return made end
  x = core.kind_of(x) and x or tensor(x)
  if not self.built then self:build{-1, table.unpack(x.shape, 2)} end
  x = model.adapted(self, 1, self._input_shape, x)
  return any_layer.while_training(given, function(flag)
    for _, layer in ipairs(self.stack) do x = layer(x, {training = flag}) end
    return x
  end)
end

-- ---- what it holds -----------------------------------------------------------------------------------------------------

function fields.layers(self)
  local layers = {}
  for _, layer in ipairs(self.stack) do
    if layer.class_name ~= "InputLayer" then layers[#layers + 1] = layer end
  end
  return layers
end

-- KerasTensors from the input through the stack, so that each layer has its output.
local function symbols(self)
  if not self.built then
    core.raise("ValueError", "Sequential model '%s' has no defined inputs and outputs yet: give its first layer an input_shape, "
      .. "or call it", self.name)
  end
  if self._symbols then
    for _, t in ipairs(self._symbols) do keras_tensor.note(t) end
    return self._symbols
  end
  local first = self.stack[1]
  local is_input = first.class_name == "InputLayer"
  local t = is_input and keras_tensor.of_layer(first) or keras_tensor.Input{batch_shape = self._input_shape}
  local all = {t}
  for i = is_input and 2 or 1, #self.stack do
    t = self.stack[i](t)
    all[#all + 1] = t
  end
  rawset(self, "_symbols", all)
  return all
end

function fields.input(self) return symbols(self)[1] end
function fields.inputs(self) return {self.input} end
function fields.outputs(self) return {self.output} end

function fields.output(self)
  local all = symbols(self)
  return all[#all]
end

function fields.input_shape(self) return self._input_shape and core.shape(self._input_shape) end
function fields.output_shape(self) return self._shapes and core.shape(self._shapes[#self._shapes]) end

--- The shapes that model.layers give; none while the model is not built.
function Sequential:_output_shapes()
  local first, shapes = self.stack[1], self._shapes or {}
  return first and first.class_name == "InputLayer" and table.move(shapes, 2, #shapes, 1, {}) or shapes
end

--- A stack's layers read each the one before.
function Sequential:_connections() return nil end

--- It has one input and one output.
function Sequential:_check_single() end

-- ---- JSON --------------------------------------------------------------------------------------------------------------

function Sequential:get_config()
  local layers, shape = {}, nil
  for i, layer in ipairs(self.stack) do layers[i] = layer:serialize() end
  if self.built then shape = any_layer.shape_json(self._input_shape) end
  return {name = self.name, trainable = self.trainable, layers = layers, build_input_shape = shape}
end

-- ---- the class ---------------------------------------------------------------------------------------------------------

model.class(Sequential, fields, object, {_shapes = true, _input_shape = true, _symbols = true})

--- Sequential.from_config(config): a model as get_config described it.
function Sequential.from_config(config)
  local layers, shape = {}, config.build_input_shape
  for i, layer in ipairs(config.layers) do layers[i] = model.layer_of(layer) end
  local self = Sequential(layers, {name = config.name, trainable = config.trainable})
  if not self.built and shape and shape ~= json.null then self:build(core.shape(shape)) end
  return self
end

--- keras.Sequential([layers[, trainable, name]])
return setmetatable(Sequential, {__call = function(_, ...)
  local layers, trainable, name = core.args("Sequential", {"layers", "trainable", "name"}, ...)
  if layers ~= nil and type(layers) ~= "table" or any_layer.is(layers) or keras_tensor.is(layers) then
    core.raise("TypeError", "Sequential: layers must be a list, as in keras.Sequential{layer, layer}, not %s",
      any_layer.is(layers) and "a " .. layers.class_name or require "keras.arguments".shown(layers))
  end
  model.check_name(name)
  local self = setmetatable({stack = {}, built = false, name = name or core.unique_name "sequential"}, object)
  for _, layer in ipairs(layers or {}) do self:add(layer) end
  if trainable == false then self.trainable = false end
  return self
end})
