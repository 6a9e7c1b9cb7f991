--- KerasTensors: what keras.Input gives, and any layer that is called on such: a shape and a dtype without values, and the
-- layer and the inputs that will make them. A functional model is what lies between some of them.
local any_layer = require "keras.any_layer"
local core = require "celda.core"

local KerasTensor = {__name = "KerasTensor"}

local function is(value) return getmetatable(value) == KerasTensor end

local made = 0 -- how many, for their order

-- `options`: layer, inputs, whether these were a list, training as it was given.
local function new(shape, dtype, options)
  made = made + 1
  options.shape, options.dtype, options.ndim = core.shape(shape), dtype, #shape
  options.name, options.serial = core.unique_name "keras_tensor", made
  return setmetatable(options, KerasTensor)
end

-- What each layer made last. A layer that nobody has any more goes, and its KerasTensors with it.
local last = setmetatable({}, {__mode = "k"})

--- Notes that t is what its layer made last, as a model does with those of a file.
local function note(t)
  last[t.layer] = t
  return t
end

--- What a layer made last, or was called on: "output" or "input".
local function end_of(layer, name)
  local t = last[layer]
  if not t then
    core.raise("ValueError", "The layer %s has never been called and thus has no defined %s.", layer.name, name)
  end
  if name == "output" or #t.inputs == 0 then return t end
  return t.listed and table.move(t.inputs, 1, #t.inputs, 1, {}) or t.inputs[1]
end
core.set_layer_ends(end_of)

-- What an InputLayer gives.
local function of_layer(layer)
  return note(new(layer.batch_shape, layer:get_config().dtype, {layer = layer, inputs = {}, listed = false}))
end

--- keras.Input(shape, {batch_size = nil, dtype = "float32", name = nil}): where a model's data come in; the shape of one
-- sample, without the batch.
local function Input(shape, ...)
  local sizes, keywords = {}, {}
  for key, value in pairs(type(shape) == "table" and getmetatable(shape) == nil and shape or {}) do
    (math.type(key) == "integer" and sizes or keywords)[key] = value
  end
  if #sizes > 0 and next(keywords) ~= nil then return of_layer(core.layers.InputLayer(sizes, keywords)) end -- {4, 4, name = "x"}
  return of_layer(core.layers.InputLayer(shape, ...))
end

-- What a layer makes of a KerasTensor, or of a list of them.
local function call(layer, x, training)
  local listed, inputs = not is(x), {}
  for i, one in ipairs(listed and x or {x}) do
    if not is(one) then
      core.raise("ValueError", "layer \"%s\" was called on a list of KerasTensors and of others: number %d is a %s", layer.name,
        i, core.kind_of(one) or type(one))
    end
    inputs[i], made = one, math.max(made, one.serial) -- it may have been loaded
  end
  local shape = any_layer.shape_of(x)
  any_layer.build(layer, shape)
  local out = layer:compute_output_shape(shape)
  if type(out[1]) == "table" then
    core.raise("UnsupportedError", "layer \"%s\" has several outputs; within another model there must be one", layer.name)
  end
  return note(new(out, "float32", {layer = layer, inputs = inputs, listed = listed, training = training}))
end

--- What `layer` makes of x where it is a KerasTensor, or a list with one; nil where it is neither.
local function made_by(layer, x, training)
  return core.is_symbolic(x) and call(layer, x, training) or nil
end

-- The core asks for this where one of its layers is called on something that is no tensor, or a list with such.
KerasTensor.__layer_call = call

-- ---- arithmetic: the layers that do the same --------------------------------------------------------------------------

local function scaled(x, scale, offset) return core.layers.Rescaling{scale = scale, offset = offset}(x) end

local function refuse(what)
  core.raise("TypeError", "%s of a KerasTensor, which has no values yet: layers can be called on it, and +, - and * take two of "
    .. "them, or one and a number; a layer of your own (keras.Layer:extend) computes anything else", what)
end

-- Two KerasTensors by the layer of that name; one and a number by `right` (x op number) or `left` (number op x).
local function operator(sign, name, right, left)
  return function(a, b)
    if name and is(a) and is(b) then return core.layers[name]()({a, b}) end
    if right and type(b) == "number" then return right(a, b) end
    if left and type(a) == "number" then return left(b, a) end
    refuse(sign)
  end
end

local function add(x, n) return scaled(x, 1, n) end
local function multiply(x, n) return scaled(x, n, 0) end
KerasTensor.__add = operator("+", "Add", add, add)
KerasTensor.__mul = operator("*", "Multiply", multiply, multiply)
KerasTensor.__sub = operator("-", "Subtract", function(x, n) return scaled(x, 1, -n) end, function(x, n) return scaled(x, -1, n) end)
KerasTensor.__div = operator("/", nil, function(x, n) return scaled(x, 1 / n, 0) end)
KerasTensor.__pow, KerasTensor.__mod, KerasTensor.__idiv = operator "^", operator "%", operator "//"
function KerasTensor.__unm(x) return scaled(x, -1, 0) end

-- What a tensor would have: a model's parts ask any value for the first two.
function KerasTensor.__index(_, key)
  if key == "kind" or key == "class_name" or key == "training" then return nil end
  refuse(type(key) == "string" and ("'%s'"):format(key) or "an element")
end
function KerasTensor.__len() refuse "the length" end

function KerasTensor.__tostring(x)
  return ("<KerasTensor shape=%s, dtype=%s, name=%s>"):format(tostring(x.shape), x.dtype, x.name)
end

return {Input = Input, note = note, end_of = end_of, of_layer = of_layer, is = is, made_by = made_by}
