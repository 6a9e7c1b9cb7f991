--- keras.Sequential: a stack of layers. It is built when the input's shape is known: from an Input or input_shape, by
-- build(), or by the first data.
local args = require "keras.args"
local training = require "keras.training"

local Sequential = {}
local fields = {}

local function is_layer(value)
  if type(value) == "userdata" then return value.kind == "layer" end
  return type(value) == "table" and value.call ~= nil
end

--- keras.Sequential({layers}, {name =})
local function new(_, ...)
  local a = args("Sequential", {"layers", "trainable", "name"}, ...)
  local self = setmetatable({stack = {}, name = a.name or celda.nn.unique_name("sequential"), built = false}, Sequential)
  for _, layer in ipairs(a.layers or {}) do self:add(layer) end
  return self
end

function Sequential:add(layer)
  if not is_layer(layer) then
    error(("ValueError: only layers can be added to a Sequential, not a %s"):format(type(layer)), 2)
  end
  for _, other in ipairs(self.stack) do
    if rawequal(other, layer) or other.name == layer.name then
      error(("ValueError: all layers of a model need names of their own; there is a '%s' already"):format(layer.name), 2)
    end
  end
  if layer.class_name == "InputLayer" and #self.stack > 0 then
    error("ValueError: an Input can only be the first of a Sequential", 2)
  end
  self.stack[#self.stack + 1] = layer
  training.forget_programs(self)
  self.built = false
  self:build_if_known()
end

function Sequential:pop()
  local layer = table.remove(self.stack)
  training.forget_programs(self)
  self.built = false
  self.shapes = nil
  self:build_if_known()
  return layer
end

-- The input's shape with an unknown batch, where the first layer says it.
local function declared_shape(self)
  local first = self.stack[1]
  if not first then return nil end
  local shape
  if first.class_name == "InputLayer" then
    local config = first:get_config()
    shape = {}
    for i, n in ipairs(config.batch_shape) do shape[i] = math.type(n) == "integer" and n or -1 end
    return shape
  end
  shape = first.input_shape
  if not shape or #shape == 0 then return nil end
  return {-1, table.unpack(shape)}
end

function Sequential:build_if_known()
  local shape = declared_shape(self)
  if shape then self:build(shape) end
end

--- Creates the weights for inputs of this shape, the batch first: model:build{-1, 28, 28, 1}.
function Sequential:build(shape)
  local at, shapes = shape, {}
  self.input_shape = shape
  for i, layer in ipairs(self.stack) do
    layer:build(at, self.name)
    at = layer:compute_output_shape(at)
    shapes[i] = at
  end
  self.shapes, self.built = shapes, #self.stack > 0
end

function Sequential:output_shape_of(i) return self.shapes and self.shapes[i] end

function Sequential:__call(x, options)
  local training_now = options and options.training or false
  if not self.built then
    local shape = {table.unpack(x.shape)}
    shape[1] = -1
    self:build(shape)
  end
  for _, layer in ipairs(self.stack) do x = layer(x, {training = training_now}) end
  return x
end

-- Variables of all layers in Keras's order: trainable and others as the layers have them.
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
function fields.weights(self) return gather(self, "weights") end
function fields.variables(self) return gather(self, "weights") end
function fields.trainable_variables(self) return gather(self, "trainable_variables") end
fields.trainable_weights = fields.trainable_variables
function fields.non_trainable_variables(self) return gather(self, "non_trainable_variables") end
fields.non_trainable_weights = fields.non_trainable_variables
function fields.output_shape(self) return self.shapes and self.shapes[#self.shapes] end
function fields.metrics_names(self) return training.metric_names(self) end

local function check_built(self, what)
  if not self.built then
    error(("ValueError: model '%s' has no weights yet, so it cannot %s: give its first layer an input_shape, or call build()")
      :format(self.name, what), 3)
  end
end

--- model:get_layer("conv2d_1") or model:get_layer(2), counted from 1.
function Sequential:get_layer(which)
  local layers, names = self.layers, {}
  if math.type(which) == "integer" then
    local layer = layers[which]
    if not layer then error(("ValueError: no layer %d; the model has %d"):format(which, #layers), 2) end
    return layer
  end
  for i, layer in ipairs(layers) do
    if layer.name == which then return layer end
    names[i] = layer.name
  end
  local near = celda.nearest(tostring(which), names)
  error(("ValueError: no layer '%s'%s"):format(tostring(which), near and ("; did you mean '%s'?"):format(near) or ""), 2)
end

function Sequential:get_weights()
  check_built(self, "give weights")
  local values = {}
  for i, v in ipairs(self.weights) do values[i] = v:numpy() end
  return values
end

function Sequential:set_weights(values)
  check_built(self, "take weights")
  local weights = self.weights
  if #values ~= #weights then
    error(("ValueError: the model has %d weights, %d were given"):format(#weights, #values), 2)
  end
  for i, v in ipairs(weights) do v:assign(values[i]) end
end

function Sequential:count_params()
  check_built(self, "count parameters")
  local n = 0
  for _, v in ipairs(self.weights) do n = n + v.size end
  return n
end

function Sequential:summary() io.write(require "keras.summary"(self)) end

--- Weights as safetensors under Keras's paths; loading checks every name and shape.
function Sequential:save_weights(path)
  check_built(self, "save weights")
  local tensors = {}
  for _, v in ipairs(self.weights) do tensors[v.path] = v:numpy() end
  safetensors.save(path, tensors)
end

function Sequential:load_weights(path)
  check_built(self, "load weights")
  local tensors = safetensors.load(path)
  for _, v in ipairs(self.weights) do
    if not tensors[v.path] then error(("ValueError: '%s' has no weight '%s'"):format(path, v.path), 2) end
  end
  for _, v in ipairs(self.weights) do v:assign(tensors[v.path]) end
end

function Sequential:get_config()
  local layers = {}
  for i, layer in ipairs(self.stack) do layers[i] = layer:serialize() end
  return {name = self.name, trainable = true, layers = layers}
end

for name, method in pairs(training.methods) do Sequential[name] = method end

function Sequential.__index(self, key)
  local method = rawget(Sequential, key)
  if method ~= nil then return method end
  if fields[key] then return fields[key](self) end
end

function Sequential.__tostring(self)
  return ("<Sequential name=%s, built=%s>"):format(self.name, self.built and "True" or "False")
end

local constructor = setmetatable({}, {__call = new, __index = Sequential})
return {Sequential = constructor}
