--- keras.Model: the layers between some KerasTensors and others that were made of them. Invariant: `calls` holds these KerasTensors,
-- each after those it is made of; `stack` holds their layers, from the inputs on, in Keras's order.
local any_layer = require "keras.any_layer"
local arguments = require "keras.arguments"
local core = require "celda.core"
local keras_tensor = require "keras.keras_tensor"
local layer_graph = require "keras.layer_graph"
local model = require "keras.model"
local training = require "keras.training"

local Functional = {class_name = "Functional", kind = "layers", module = "keras.src.models.functional", registered_name = "Functional"}
local fields = {} -- what is computed when it is read
local object = {} -- the metatable of models

-- A list of KerasTensors from one or several.
local function list_of(value, what)
  if value == nil then core.raise("TypeError", "Model: missing argument '%s'", what) end
  local list = type(value) == "table" and getmetatable(value) == nil and value or {value}
  if #list == 0 then core.raise("ValueError", "Model: argument %s is an empty list", what) end
  for _, one in ipairs(list) do
    if not keras_tensor.is(one) then
      core.raise("ValueError", "Model: all %s must be KerasTensors, as keras.Input and layers called on it give them, not %s",
        what, arguments.shown(one))
    end
  end
  return table.move(list, 1, #list, 1, {})
end

local function check_names(layers)
  local taken = {}
  for _, layer in ipairs(layers) do
    if taken[layer.name] then
      core.raise("ValueError", "The name \"%s\" is used by two layers in the model. All layer names should be unique.", layer.name)
    end
    taken[layer.name] = true
  end
end

local function new(inputs, outputs, name)
  local is_input = {}
  for i, t in ipairs(inputs) do
    if #t.inputs > 0 then
      core.raise("UnsupportedError", "Model: input %d is not from keras.Input but what layer \"%s\" makes", i, t.layer.name)
    end
    is_input[t] = true
  end
  local calls, met = layer_graph.walk(is_input, outputs)
  local stack = layer_graph.in_order(inputs, calls, met)
  check_names(stack)
  local self = setmetatable({inputs = inputs, outputs = outputs, calls = calls, stack = stack, built = true,
    name = name or core.unique_name "functional"}, object)
  training.forget(self)
  return self
end

-- ---- use ---------------------------------------------------------------------------------------------------------------

local function single(list) return #list == 1 and list[1] or list end

-- What each output is when the inputs are `given`; made(t, x) is what t's layer makes of one input, or of a list. What no
-- later call reads is let go.
local function run(self, given, made)
  local values, readers, results = {}, layer_graph.readers(self), {}
  for i, t in ipairs(self.inputs) do values[t] = made(t, given[i]) end
  for _, t in ipairs(self.calls) do
    if #t.inputs > 0 then
      local list = {}
      for i, from in ipairs(t.inputs) do
        list[i] = values[from]
        readers[from] = readers[from] - 1
        if readers[from] == 0 then values[from] = nil end
      end
      values[t] = made(t, t.listed and list or list[1])
    end
  end
  for i, t in ipairs(self.outputs) do results[i] = values[t] end
  return single(results)
end

-- What was given as inputs, as a list of as many.
local function inputs_of(self, x)
  local count, plain = #self.inputs, type(x) == "table" and getmetatable(x) == nil
  local listed = plain and #x == count and (count > 1 or core.kind_of(x[1]) or keras_tensor.is(x[1]))
  if listed then return x end
  if count == 1 and x ~= nil then return {x} end
  core.raise("ValueError", "Layer \"%s\" expects %s, but it received %s", self.name,
    count == 1 and "an input" or ("a list of %d inputs"):format(count), plain and ("%d"):format(#x) or arguments.shown(x))
end

--- model(x, {training = false}): what it makes of x; several inputs, and several outputs, are lists.
function object:__call(...)
  local x, flag = core.args(self.name, {"inputs", "training"}, ...)
  local list, given = inputs_of(self, x), {}
  local made = keras_tensor.made_by(self, #list == 1 and list[1] or list, flag)
  if made then return made end
  for i, one in ipairs(list) do
    given[i] = model.adapted(self, i, self.inputs[i].shape, core.kind_of(one) and one or tensor(one))
  end
  return any_layer.while_training(flag, function(now)
    return run(self, given, function(t, value)
      local own = t.training
      if flag ~= nil or own == nil then own = now end
      return t.layer(value, {training = own})
    end)
  end)
end

--- A functional model is built from the start.
function Functional:build() end

function Functional:_build_once() end

--- The shape of what the model makes of inputs of this shape, the batch first; of several inputs, a list of them.
function Functional:compute_output_shape(shape)
  if type(shape) ~= "table" then core.raise("TypeError", "compute_output_shape: a shape must be a list, not %s", arguments.shown(shape)) end
  return run(self, #self.inputs == 1 and {shape} or shape, function(t, s) return t.layer:compute_output_shape(s) end)
end

--- fit, evaluate and predict give a model one tensor, and take one from it.
function Functional:_check_single(method)
  if #self.inputs == 1 and #self.outputs == 1 then return end
  core.raise("UnsupportedError", "%s: model '%s' has %d inputs and %d outputs, and fit, evaluate and predict are for models "
    .. "with one of each; call it instead, and train it with a keras.GradientTape", method, self.name, #self.inputs, #self.outputs)
end

-- ---- what it holds -----------------------------------------------------------------------------------------------------

local function shapes(list)
  local all = {}
  for i, t in ipairs(list) do all[i] = t.shape end
  return single(all)
end

--- Their `output` is then what this model makes of them.
function fields.layers(self)
  for _, t in ipairs(self.inputs) do keras_tensor.note(t) end
  for _, t in ipairs(self.calls) do keras_tensor.note(t) end
  return table.move(self.stack, 1, #self.stack, 1, {})
end
function fields.input(self) return single(self.inputs) end
function fields.output(self) return single(self.outputs) end
function fields.input_shape(self) return shapes(self.inputs) end
function fields.output_shape(self) return shapes(self.outputs) end

--- The shapes that model.layers give, where they are called several times the last one.
function Functional:_output_shapes()
  local of, all = layer_graph.calls_of(self), {}
  for i, layer in ipairs(self.stack) do all[i] = of[layer][#of[layer]].shape end
  return all
end

--- For model:summary(): what each layer reads; nil where the layers are a mere stack.
function Functional:_connections() return layer_graph.connections(self) end

-- ---- JSON, as Keras writes it --------------------------------------------------------------------------------------------

local function describe_tensor(t, number)
  return {class_name = "__keras_tensor__", config = {shape = any_layer.shape_json(t.shape), dtype = t.dtype, keras_history = {t.layer.name, number[t], 0}}}
end

local function describe_call(t, number)
  local reads = {}
  for i, from in ipairs(t.inputs) do reads[i] = describe_tensor(from, number) end
  local options = t.training == nil and json.decode "{}" or {training = t.training}
  return {args = t.listed and {reads} or reads, kwargs = options}
end

local function describe_ends(list, number)
  local ends = {}
  for i, t in ipairs(list) do ends[i] = {t.layer.name, number[t], 0} end
  return single(ends)
end

function Functional:get_config()
  local of, number = layer_graph.calls_of(self)
  local layers = {}
  for i, layer in ipairs(self.stack) do
    local described, nodes = layer:serialize(), {}
    for _, t in ipairs(of[layer]) do
      if #t.inputs > 0 then nodes[#nodes + 1] = describe_call(t, number) end
    end
    described.name, described.inbound_nodes = layer.name, nodes
    layers[i] = described
  end
  return {name = self.name, trainable = self.trainable, layers = layers, input_layers = describe_ends(self.inputs, number),
    output_layers = describe_ends(self.outputs, number)}
end

model.class(Functional, fields, object, {})

-- Operators of Keras's, which are layers here.
local operators = {
  Add = function(a, b) return a + b end,
  Subtract = function(a, b) return a - b end,
  Multiply = function(a, b) return a * b end,
  Divide = function(a, b) return a / b end,
  TrueDivide = function(a, b) return a / b end,
  Negative = function(a) return -a end,
}

-- What a described node of inputs makes; make(history) gives a KerasTensor.
local function call_of(described, layer, node, make)
  local function value(one)
    if type(one) ~= "table" then return one end
    if one.class_name then return make(one.config.keras_history) end
    local list = {}
    for i, part in ipairs(one) do list[i] = value(part) end
    return list
  end
  local first, second = value(node.args[1]), value(node.args[2])
  if layer == nil then return operators[described.class_name](first, second) end
  if first == nil or second ~= nil then
    core.raise("UnsupportedError", "layer \"%s\" (%s) is called with one input, or a list of them, not with %d positional "
      .. "arguments", described.name, described.class_name, #node.args)
  end
  return layer(first, {training = node.kwargs and node.kwargs.training})
end

-- A function that gives the KerasTensor that stands for {layer's name, number of its call, 0}.
local function maker(config)
  local layers, described, made = {}, {}, {}
  for _, one in ipairs(config.layers) do
    local operator = one.module == "keras.src.ops.numpy" and operators[one.class_name]
    described[one.name], made[one.name] = one, {}
    if not operator then layers[one.name] = model.layer_of(one) end
  end
  local function make(history)
    local name, i = history[1], history[2] + 1
    local one = described[name] or core.raise("ValueError", "the JSON of the model has no layer \"%s\"", tostring(name))
    if not made[name][i] then
      local node = one.inbound_nodes[i]
      made[name][i] = node and call_of(one, layers[name], node, make) or keras_tensor.of_layer(layers[name])
    end
    return made[name][i]
  end
  return make
end

-- One {name, number, 0}, or a list of such.
local function ends_of(described, make)
  local list = {}
  for i, one in ipairs(type(described[1]) == "string" and {described} or described) do list[i] = make(one) end
  return list
end

--- Functional.from_config(config): a model as get_config described it.
function Functional.from_config(config)
  local make = maker(config)
  for _, one in ipairs(config.layers) do -- in their order, so that they draw their weights in it
    for i in ipairs(one.inbound_nodes) do make{one.name, i - 1, 0} end
  end
  local self = new(ends_of(config.input_layers, make), ends_of(config.output_layers, make), config.name)
  if config.trainable == false then self.trainable = false end
  return self
end

--- keras.Model(inputs, outputs[, {name = nil, trainable = true}])
return setmetatable(Functional, {__call = function(_, ...)
  local inputs, outputs, name, trainable = core.args("Model", {"inputs", "outputs", "name", "trainable"}, ...)
  model.check_name(name)
  if trainable ~= nil and type(trainable) ~= "boolean" then arguments.refuse("Model", "trainable", "a boolean", trainable) end
  local self = new(list_of(inputs, "inputs"), list_of(outputs, "outputs"), name)
  if trainable == false then self.trainable = false end
  return self
end})
