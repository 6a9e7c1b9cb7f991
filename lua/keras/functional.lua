--- keras.Model: the layers between some KerasTensors and others that were made of them. Invariant: `calls` holds these KerasTensors,
-- each after those it is made of; `stack` holds their layers, from the inputs on, in Keras's order.
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
  return list
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
  local stack = layer_graph.in_order(calls, met)
  for _, t in ipairs(inputs) do -- those that no output needs
    if not met[t.layer] then stack[#stack + 1] = t.layer end
  end
  check_names(stack)
  local self = setmetatable({inputs = inputs, outputs = outputs, calls = calls, stack = stack, built = true,
    name = name or core.unique_name "functional"}, object)
  training.forget(self)
  return self
end

-- ---- use ---------------------------------------------------------------------------------------------------------------

-- What each output is when the inputs are `given`; made(layer, x) is what a layer makes of one input, or of a list.
local function run(self, given, made)
  local values = {}
  for i, t in ipairs(self.inputs) do values[t] = made(t.layer, given[i]) end
  for _, t in ipairs(self.calls) do
    if #t.inputs > 0 then
      local list = {}
      for i, from in ipairs(t.inputs) do list[i] = values[from] end
      values[t] = made(t.layer, t.listed and list or list[1])
    end
  end
  local results = {}
  for i, t in ipairs(self.outputs) do results[i] = values[t] end
  return #results == 1 and results[1] or results
end

-- The inputs as a list of tensors.
local function given_of(self, x)
  local count = #self.inputs
  local list, given = count == 1 and {x} or x, {}
  if type(list) ~= "table" or getmetatable(list) ~= nil or #list ~= count then
    core.raise("ValueError", "Layer \"%s\" expects %d inputs, as a list, but it received %s", self.name, count,
      type(list) == "table" and getmetatable(list) == nil and #list or "a " .. (core.kind_of(x) or type(x)))
  end
  for i, one in ipairs(list) do
    given[i] = core.kind_of(one) and one or tensor(one)
    model.check_input(self, i, self.inputs[i].shape, given[i])
  end
  return given
end

--- model(x, {training = false}): what it makes of x; several inputs, and several outputs, are lists.
function object:__call(x, options)
  local made = keras_tensor.made_by(self, x)
  if made then return made end
  local given = given_of(self, x)
  return model.while_training(options and options.training, function(flag)
    return run(self, given, function(layer, value) return layer(value, {training = flag}) end)
  end)
end

--- A functional model is built from the start.
function Functional:build() end

function Functional:_build_once() end

--- The shape of what the model makes of inputs of this shape, the batch first; of several inputs, a list of them.
function Functional:compute_output_shape(shape)
  return run(self, #self.inputs == 1 and {shape} or shape, function(layer, s) return layer:compute_output_shape(s) end)
end

--- fit, evaluate and predict give a model one tensor, and take one from it.
function Functional:_check_single(method)
  if #self.inputs == 1 and #self.outputs == 1 then return end
  core.raise("UnsupportedError", "%s: model '%s' has %d inputs and %d outputs, and fit, evaluate and predict are for models "
    .. "with one of each; call it instead, and train it with a keras.GradientTape", method, self.name, #self.inputs, #self.outputs)
end

-- ---- what it holds -----------------------------------------------------------------------------------------------------

local function single(list) return #list == 1 and list[1] or list end

local function shapes(list)
  local all = {}
  for i, t in ipairs(list) do all[i] = t.shape end
  return single(all)
end

function fields.layers(self) return table.move(self.stack, 1, #self.stack, 1, {}) end
function fields.input(self) return single(self.inputs) end
function fields.output(self) return single(self.outputs) end
function fields.input_shape(self) return shapes(self.inputs) end
function fields.output_shape(self) return shapes(self.outputs) end

--- The shape that layer number i of model.layers gives.
function Functional:_output_shape(i)
  return layer_graph.calls_of(self)[self.stack[i]][1].shape
end

--- For model:summary(): what each layer reads; nil where the layers are a mere stack.
function Functional:_connections() return layer_graph.connections(self) end

-- ---- JSON, as Keras writes it --------------------------------------------------------------------------------------------

local function describe_tensor(t, number)
  local shape = {}
  for i, n in ipairs(t.shape) do shape[i] = n < 0 and json.null or n end
  return {class_name = "__keras_tensor__", config = {shape = shape, dtype = t.dtype, keras_history = {t.layer.name, number[t], 0}}}
end

local function describe_call(t, number)
  local reads = {}
  for i, from in ipairs(t.inputs) do reads[i] = describe_tensor(from, number) end
  return {args = t.listed and {reads} or reads, kwargs = json.decode "{}"}
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

-- A function that gives the KerasTensor that stands for {layer's name, number of its call, 0}.
local function maker(config)
  local layers, described, made = {}, {}, {}
  for _, one in ipairs(config.layers) do
    layers[one.name], described[one.name], made[one.name] = model.layer_of(one), one, {}
  end
  local function make(history)
    local name, i = history[1], history[2] + 1
    if made[name][i] then return made[name][i] end
    local node = described[name].inbound_nodes[i]
    if not node then
      made[name][i] = keras_tensor.of_layer(layers[name])
    else
      local listed, reads = node.args[1].class_name == nil, {}
      for k, one in ipairs(listed and node.args[1] or node.args) do reads[k] = make(one.config.keras_history) end
      made[name][i] = layers[name](listed and reads or reads[1])
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
  local inputs, outputs, trainable, name = core.args("Model", {"inputs", "outputs", "trainable", "name"}, ...)
  model.check_name(name)
  local self = new(list_of(inputs, "inputs"), list_of(outputs, "outputs"), name)
  if trainable == false then self.trainable = false end
  return self
end})
