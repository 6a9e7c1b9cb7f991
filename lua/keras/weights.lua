--- A model's weights as lists of tensors, and as safetensors files under Keras's paths.
local core = require "celda.core"
local weights = {methods = {}}
local methods = weights.methods

function weights.check_built(self, what)
  if self.built then return end
  core.raise("ValueError", "model '%s' is not built, so it cannot %s: give its first layer an input_shape, or call "
    .. "model:build(shape)", self.name, what)
end

--- Copies of all weights, in the order of model.weights.
function methods:get_weights()
  local values = {}
  for i, v in ipairs(self.weights) do values[i] = v:numpy() end
  return values
end

-- All values must fit before any is changed.
local function assign_all(self, values)
  local variables = self.weights
  for i, v in ipairs(variables) do
    local value = core.kind_of(values[i]) and values[i] or tensor(values[i])
    if value.shape ~= v.shape then
      core.raise("ValueError", "weight %s has shape %s, a value of shape %s was given", v.path, tostring(v.shape),
        tostring(value.shape))
    end
  end
  for i, v in ipairs(variables) do v:assign(values[i]) end
end

--- model:set_weights(list): one value for each of model.weights, as get_weights gives them.
function methods:set_weights(values)
  local n = #self.weights
  if type(values) ~= "table" then core.raise("TypeError", "set_weights: expected a list of tensors, not a %s", core.kind_of(values) or type(values)) end
  if #values ~= n then
    core.raise("ValueError", "You called `set_weights(weights)` on layer '%s' with a weight list of length %d, but the "
      .. "layer was expecting %d weights.", self.name, #values, n)
  end
  assign_all(self, values)
end

--- The path must be a string, and of no kind of file that Keras writes and celda does not.
function weights.check_path(method, path)
  if type(path) ~= "string" then core.raise("TypeError", "%s: filepath must be a string, not a %s", method, type(path)) end
  local other = path:match "%.keras$" or path:match "%.h5$"
  if other then
    core.raise("UnsupportedError", "%s: %s files are not written; save(\"model.celda\") keeps the model, "
      .. "save_weights(\"model.safetensors\") weights that Keras can be given", method, other)
  end
end

local function check_overwrite(path, overwrite)
  local file = overwrite == false and io.open(path, "rb")
  if not file then return end
  file:close()
  core.raise("OSError", "'%s' is there already; overwrite = true replaces it", path)
end

--- model:save("model.celda"): all of it - layers, weights, optimizer, losses, metrics - for keras.models.load_model.
function methods:save(...)
  local path, overwrite = core.args("save", {"filepath", "overwrite"}, ...)
  weights.check_path("save", path)
  check_overwrite(path, overwrite)
  for _, what in ipairs(celda.save(path, self)) do
    io.stderr:write(("not saved: %s: %s\n"):format(what[1]:gsub("^value", self.name), what[2]))
  end
end

-- The names of a model's weights in a file: their paths, numbered where several have one.
local function names_of(self)
  local names, taken = {}, {}
  for i, v in ipairs(self.weights) do
    local name, n = v.path, 1
    while taken[name] do
      n = n + 1
      name = ("%s#%d"):format(v.path, n)
    end
    names[i], taken[name] = name, true
  end
  return names
end

--- model:save_weights(path): safetensors under Keras's variable paths.
function methods:save_weights(...)
  local path, overwrite = core.args("save_weights", {"filepath", "overwrite"}, ...)
  weights.check_path("save_weights", path)
  weights.check_built(self, "save its weights")
  check_overwrite(path, overwrite)
  local tensors, names = {}, names_of(self)
  for i, v in ipairs(self.weights) do tensors[names[i]] = v.value end
  safetensors.save(path, tensors, {weights = json.encode(names), model = self.name})
end

-- The first part that all names have, if they have at least three: a model's name.
local function common_model(tensors)
  local model
  for name in pairs(tensors) do
    local first = name:match "^([^/]+)/[^/]+/"
    if not first or model and first ~= model then return nil end
    model = first
  end
  return model
end

-- Without the name of its model, which may differ from session to session; layers directly in a functional model have none.
local function within(name, model)
  return model and name:sub(1, #model + 1) == model .. "/" and name:sub(#model + 2) or name
end

-- For each weight the tensor of its name; nil and the first name that is not there.
local function by_name(self, tensors, model)
  local short, values = {}, {}
  for name, t in pairs(tensors) do short[within(name, model)] = t end
  for i, name in ipairs(names_of(self)) do
    values[i] = tensors[name] or short[within(name, self.name)]
    if not values[i] then return nil, name end
  end
  return values
end

-- As many as the model has, in the order that was noted as JSON; nil where number or shapes do not fit.
local function by_order(self, tensors, noted)
  local order, values, variables = noted and json.decode(noted) or {}, {}, self.weights
  if #order ~= #variables then return nil end
  for i, name in ipairs(order) do
    local t = tensors[name]
    if not t or t.shape ~= variables[i].shape then return nil end
    values[i] = t
  end
  return values
end

--- model:load_weights(path): every weight must be in the file, with its shape. As in Keras, a model of the same build gets
-- them by their order, which save_weights notes, as names of layers count on (dense_1); any other finds them by name.
function methods:load_weights(...)
  local path = core.args("load_weights", {"filepath"}, ...)
  weights.check_built(self, "load weights")
  local tensors, metadata = safetensors.load(path)
  local values, missing = by_order(self, tensors, metadata.weights), nil
  if not values then values, missing = by_name(self, tensors, metadata.model or common_model(tensors)) end
  if not values then core.raise("ValueError", "'%s' has no weight %s", path, missing) end
  assign_all(self, values)
end

return weights
