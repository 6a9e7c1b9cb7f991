--- What models of every kind have: weights, layers by name, training, JSON, and the metatable of their objects. A model keeps
-- its layers in `stack`; its class knows how data go through them.
local any_layer = require "keras.any_layer"
local core = require "celda.core"
local training = require "keras.training"
local weights = require "keras.weights"

local model, methods, fields = {}, {}, {}
local classes = {} -- by name

--- Whether a value is a model.
function model.is(value) return type(value) == "table" and getmetatable(value) ~= nil and classes[value.class_name] ~= nil end

function model.check_name(name)
  if name == nil or type(name) == "string" and not name:find "/" then return end
  core.raise("ValueError", "Argument `name` must be a string and cannot contain character `/`. Received: name=%s", tostring(name))
end

-- Whether a tensor of this shape, but for the size of the batch, is what was expected.
local function fits(expected, shape)
  if #expected ~= #shape then return false end
  for d = 2, #expected do
    if expected[d] >= 0 and expected[d] ~= shape[d] then return false end
  end
  return true
end

--- Input number i as the model was built for it: as in Keras, a last dimension of 1 may be missing, or be there for nothing.
function model.adapted(self, i, expected, x)
  local shape = table.move(x.shape, 1, x.ndim, 1, {})
  if #shape == #expected - 1 and expected[#expected] == 1 then
    shape[#shape + 1] = 1
  elseif #shape == #expected + 1 and shape[#shape] == 1 then
    shape[#shape] = nil
  end
  if fits(expected, shape) then return #shape == x.ndim and x or x:reshape(shape) end
  core.raise("ValueError", "Input %d of layer \"%s\" is incompatible with the layer: expected shape=%s, found shape=%s",
    i - 1, self.name, tostring(core.shape(expected)), tostring(x.shape))
end

--- A layer from its JSON, not built: its model does that, so that its weights carry the model's name.
function model.layer_of(described)
  if classes[described.class_name] then return classes[described.class_name].from_config(described.config) end
  local layer = {}
  for key, value in pairs(described) do
    if key ~= "build_config" and key ~= "name" and key ~= "inbound_nodes" then layer[key] = value end
  end
  return core.layers.deserialize(layer)
end

--- A model from its JSON.
function model.from_json(described)
  local name = type(described) == "table" and described.class_name
  local class = classes[name]
  if not class then
    core.raise("UnsupportedError", "only Sequential and functional models can be made from JSON, not %s", tostring(name or described))
  end
  return class.from_config(described.config)
end

-- ---- fields ------------------------------------------------------------------------------------------------------------

any_layer.add_fields(fields, function(self) return self.stack end)
function fields.metrics_names(self) return training.metrics_names(self) end
function fields.metrics(self) return training.metrics(self) end

-- ---- methods -----------------------------------------------------------------------------------------------------------

--- model:get_layer("conv2d_1"), model:get_layer{name = ...} or model:get_layer{index = 2}, counted from 1.
function methods:get_layer(...)
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
function methods:count_params()
  weights.check_built(self, "count its parameters")
  local n = 0
  for _, v in ipairs(self.weights) do n = n + v.size end
  return n
end

--- model:summary{line_length = nil, print_fn = io.write}: prints the layers, their output shapes and numbers of parameters.
function methods:summary(...)
  local width, write = core.args("summary", {"line_length", "print_fn"}, ...)
  if width ~= nil and math.type(width) ~= "integer" then
    core.raise("TypeError", "summary: line_length must be an integer, not a %s", type(width))
  end
  (write or io.write)(require "keras.summary"(self, width))
end

function methods:serialize()
  return {module = self.module, class_name = self.class_name, config = self:get_config(),
    registered_name = self.registered_name or json.null}
end

--- The model without its weights, as Keras's JSON.
function methods:to_json() return json.encode(self:serialize()) end

-- ---- classes -----------------------------------------------------------------------------------------------------------

-- What a model has only after compile, fit or a setting.
local LATER = {optimizer = true, loss = true, compiled = true, history = true, stop_training = true, _frozen = true,
  programs = true, _resume = true, _running = true, registered_name = true}

-- The names that users may have meant.
local function known_names(class, own, later)
  local names = {}
  for _, known in ipairs {class, fields, own, LATER, later} do
    for name in pairs(known) do if name:sub(1, 1) ~= "_" then names[#names + 1] = name end end
  end
  return names
end

-- What completion offers of a model.
local function members(class, own)
  local all = {}
  for name, value in pairs(class) do
    if type(value) == "function" then all[name] = value end
  end
  for _, computed in ipairs {fields, own} do
    for name in pairs(computed) do all[name] = true end
  end
  return all
end

--- Makes a class of models of a table with class_name, its methods, `own` fields that are computed when they are read, and
-- the metatable of its objects; `later` names fields that these may lack.
function model.class(class, own, object, later)
  classes[class.class_name] = class
  for _, list in ipairs {methods, training.methods, weights.methods} do
    for name, method in pairs(list) do class[name] = class[name] or method end
  end
  for name, f in pairs(class) do
    if type(f) == "function" then class[name] = core.method(f, name, "model", object) end
  end
  object.__members, object.__name = members(class, own), class.class_name
  object.__transient = {programs = true, _running = true, _symbols = true} -- fields that are not saved: they are made again when they are needed
  function object:__help() return tostring(self) .. "\n" .. require "help".documented(class) end
  function object:__tostring() return ("<%s name=%s, built=%s>"):format(class.class_name, self.name, self.built) end

  function object:__index(key)
    local compute = own[key] or fields[key]
    if compute then return compute(self) end
    local value = class[key]
    if value ~= nil or LATER[key] or later[key] then return value end
    local near = core.nearest(tostring(key), known_names(class, own, later))
    core.raise("NameError", "%s has no '%s'%s", class.class_name, tostring(key), near and ("; did you mean '%s'?"):format(near) or "")
  end

  function object:__newindex(key, value)
    if key ~= "trainable" then
      if own[key] or fields[key] then core.raise("ValueError", "%s is computed; it cannot be set", key) end
      return rawset(self, key, value)
    end
    if type(value) ~= "boolean" then core.raise("TypeError", "trainable must be true or false, not %s", tostring(value)) end
    rawset(self, "_frozen", not value)
    for _, layer in ipairs(self.stack) do layer.trainable = value end
  end
end

return model
