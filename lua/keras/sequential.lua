--- keras.Sequential: a stack of layers. Invariant: a model whose first layer says its input's shape is built as far as it
-- goes; any other is built by build() or by its first data.
local core = require "celda.core"
local training = require "keras.training"
local weights = require "keras.weights"

local Sequential = {class_name = "Sequential", kind = "layers"}
local fields = {} -- what is computed when it is read
local object = {} -- the metatable of models

local function is_layer(value)
  return core.kind_of(value) == "layers" or type(value) == "table" and getmetatable(value) ~= nil and value.kind == "layers"
end

-- The input's shape with the batch in front, where the first layer says it.
local function declared_shape(self)
  local first = self.stack[1]
  if not first then return nil end
  if first.class_name == "Sequential" then return first._input_shape end
  if first.class_name == "InputLayer" then
    local shape = {}
    for i, n in ipairs(first.batch_shape) do shape[i] = math.type(n) == "integer" and n or -1 end
    return shape
  end
  local shape = first.input_shape
  return shape and {-1, table.unpack(shape)}
end

-- A layer of the core, or one written in Lua.
local function build_layer(layer, shape, scope)
  local build = type(layer) == "userdata" and layer.build or layer._build_once
  build(layer, shape, scope)
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
    build_layer(layer, at, self.name)
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
  self.built, self._shapes = false, nil
  training.forget(self)
  local shape = declared_shape(self)
  if shape then self:build(shape) end
end

local function check_addition(self, layer)
  if not is_layer(layer) then
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

-- The input must be what the model was built for, where that is known.
local function check_input(self, x)
  local expected = self._input_shape
  local same = #expected == x.ndim
  for i, n in ipairs(expected) do same = same and (n < 0 or n == x.shape[i]) end
  if same then return end
  core.raise("ValueError", "Input 0 of layer \"%s\" is incompatible with the layer: expected shape=%s, found shape=%s",
    self.name, tostring(core.shape(expected)), tostring(x.shape))
end

--- model(x, {training = false}): what the stack makes of x.
function object:__call(x, options)
  local flag = options and options.training
  if flag == nil then flag = core.is_training() end
  x = core.kind_of(x) and x or tensor(x)
  if not self.built then self:build{-1, table.unpack(x.shape, 2)} end
  check_input(self, x)
  local before = core.set_training(flag)
  local _ <close> = setmetatable({}, {__close = function() core.set_training(before) end})
  for _, layer in ipairs(self.stack) do x = layer(x, {training = flag}) end
  return x
end

-- ---- what it holds -----------------------------------------------------------------------------------------------------

local function gather(self, field)
  local all = {}
  for _, layer in ipairs(self.stack) do
    local list = layer[field]
    table.move(list, 1, #list, #all + 1, all)
  end
  return all
end

function fields.layers(self)
  local layers = {}
  for _, layer in ipairs(self.stack) do
    if layer.class_name ~= "InputLayer" then layers[#layers + 1] = layer end
  end
  return layers
end

for _, name in ipairs {"weights", "variables", "trainable_weights", "trainable_variables", "non_trainable_weights",
  "non_trainable_variables"} do
  fields[name] = function(self) return gather(self, name) end
end

function fields.input_shape(self) return self._input_shape and core.shape(self._input_shape) end
function fields.output_shape(self) return self._shapes and core.shape(self._shapes[#self._shapes]) end
function fields.metrics_names(self) return training.metrics_names(self) end
function fields.metrics(self) return training.metrics(self) end
function fields.trainable(self) return not rawget(self, "_frozen") end

--- The shape that layer number i of model.layers gives; nil while the model is not built.
function Sequential:_output_shape(i)
  local first = self.stack[1]
  if first and first.class_name == "InputLayer" then i = i + 1 end
  return self._shapes and self._shapes[i]
end

--- model:get_layer("conv2d_1"), model:get_layer{name = ...} or model:get_layer{index = 2}, counted from 1.
function Sequential:get_layer(...)
  local name, index = core.args("get_layer", {"name", "index"}, ...)
  local layers, names = self.layers, {}
  if math.type(name) == "integer" then name, index = nil, name end
  if index then
    return layers[index < 0 and #layers + 1 + index or index]
      or core.raise("ValueError", "Was asked to retrieve layer at index %d but model only has %d layers.", index, #layers)
  end
  for i, layer in ipairs(layers) do
    if layer.name == name then return layer end
    names[i] = layer.name
  end
  local near = core.nearest(tostring(name), names)
  core.raise("ValueError", "No such layer: %s.%s", tostring(name), near and (" Did you mean '%s'?"):format(near) or
    " Existing layers are: " .. table.concat(names, ", ") .. ".")
end

--- How many numbers the weights are.
function Sequential:count_params()
  weights.check_built(self, "count its parameters")
  local n = 0
  for _, v in ipairs(self.weights) do n = n + v.size end
  return n
end

--- model:summary{line_length = nil, print_fn = io.write}: prints the layers, their output shapes and numbers of parameters.
function Sequential:summary(...)
  local width, write = core.args("summary", {"line_length", "print_fn"}, ...)
  if width ~= nil and math.type(width) ~= "integer" then
    core.raise("TypeError", "summary: line_length must be an integer, not a %s", type(width))
  end
  (write or io.write)(require "keras.summary"(self, width))
end

-- ---- JSON --------------------------------------------------------------------------------------------------------------

function Sequential:get_config()
  local layers, shape = {}, nil
  for i, layer in ipairs(self.stack) do layers[i] = layer:serialize() end
  if self.built then
    shape = {}
    for i, n in ipairs(self._input_shape) do shape[i] = n < 0 and json.null or n end
  end
  return {name = self.name, trainable = self.trainable, layers = layers, build_input_shape = shape}
end

function Sequential:serialize()
  return {module = "keras", class_name = "Sequential", config = self:get_config(), registered_name = json.null}
end

--- The model without its weights, as Keras's JSON.
function Sequential:to_json() return json.encode(self:serialize()) end

-- A layer from its JSON, not built: its model does that, so that its weights carry the model's name. A model within a model
-- is a layer, too.
local function deserialize(described)
  if described.class_name == "Sequential" then return Sequential.from_config(described.config) end
  local layer = {}
  for key, value in pairs(described) do if key ~= "build_config" then layer[key] = value end end
  return core.layers.deserialize(layer)
end

-- ---- the class ---------------------------------------------------------------------------------------------------------

for _, methods in ipairs {training.methods, weights.methods} do
  for name, method in pairs(methods) do Sequential[name] = method end
end
for name, f in pairs(Sequential) do
  if type(f) == "function" then Sequential[name] = core.method(f, name, "model", object) end
end

--- Sequential.from_config(config): a model as get_config described it.
function Sequential.from_config(config)
  local layers, shape = {}, config.build_input_shape
  for i, layer in ipairs(config.layers) do layers[i] = deserialize(layer) end
  local self = Sequential(layers, {name = config.name, trainable = config.trainable})
  if not self.built and shape and shape ~= json.null then self:build(core.shape(shape)) end
  return self
end

-- What a model has only after compile, fit or a setting.
local LATER = {optimizer = true, loss = true, compiled = true, history = true, stop_training = true, _frozen = true,
  _shapes = true, _input_shape = true, programs = true, _resume = true, _running = true}

object.__members = Sequential
object.__name = "Sequential"
function object:__help() return tostring(self) .. "\n" .. require "help".documented(Sequential) end
object.__transient = {programs = true, _running = true} -- fields that are not saved: they are made again when they are needed

function object:__index(key)
  if fields[key] then return fields[key](self) end
  local value = Sequential[key]
  if value ~= nil or LATER[key] then return value end
  local names = {}
  for _, known in ipairs {Sequential, fields, LATER} do
    for name in pairs(known) do if name:sub(1, 1) ~= "_" then names[#names + 1] = name end end
  end
  local near = core.nearest(tostring(key), names)
  core.raise("NameError", "Sequential has no '%s'%s", tostring(key), near and ("; did you mean '%s'?"):format(near) or "")
end

function object:__newindex(key, value)
  if key == "trainable" then
    rawset(self, "_frozen", not value)
    for _, layer in ipairs(self.stack) do layer.trainable = value end
  else
    rawset(self, key, value)
  end
end

function object:__tostring() return ("<Sequential name=%s, built=%s>"):format(self.name, self.built) end

--- keras.Sequential([layers[, trainable, name]])
return setmetatable(Sequential, {__call = function(_, ...)
  local layers, trainable, name = core.args("Sequential", {"layers", "trainable", "name"}, ...)
  if layers ~= nil and type(layers) ~= "table" or is_layer(layers) then
    core.raise("TypeError", "Sequential: layers must be a list, as in keras.Sequential{layer, layer}, not a %s",
      is_layer(layers) and layers.class_name or type(layers))
  end
  if name ~= nil and (type(name) ~= "string" or name:find "/") then
    core.raise("ValueError", "Argument `name` must be a string and cannot contain character `/`. Received: name=%s", tostring(name))
  end
  local self = setmetatable({stack = {}, built = false, name = name or core.unique_name "sequential"}, object)
  for _, layer in ipairs(layers or {}) do self:add(layer) end
  if trainable == false then self.trainable = false end
  return self
end})
