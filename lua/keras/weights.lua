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

--- model:save_weights(path): safetensors under Keras's variable paths.
function methods:save_weights(...)
  local path, overwrite = core.args("save_weights", {"filepath", "overwrite"}, ...)
  weights.check_path("save_weights", path)
  weights.check_built(self, "save its weights")
  check_overwrite(path, overwrite)
  local tensors, order = {}, {}
  for i, v in ipairs(self.weights) do tensors[v.path], order[i] = v.value, v.path end
  safetensors.save(path, tensors, {weights = json.encode(order)})
end

-- A path without the model's name, which may differ from session to session.
local function without_model(path) return (path:gsub("^[^/]*/", "")) end

--- model:load_weights(path): every weight must be in the file, with its shape. Weights are found by path; where a model
-- was built again and its layers count on (dense_1), by their order, which save_weights notes.
function methods:load_weights(...)
  local path = core.args("load_weights", {"filepath"}, ...)
  weights.check_built(self, "load weights")
  local tensors, metadata = safetensors.load(path)
  local order = metadata.weights and json.decode(metadata.weights) or {}
  local short, values = {}, {}
  for name, t in pairs(tensors) do short[without_model(name)] = t end
  for i, v in ipairs(self.weights) do
    values[i] = tensors[v.path] or short[without_model(v.path)]
      or #order == #self.weights and tensors[order[i]] or nil
    if not values[i] then core.raise("ValueError", "'%s' has no weight %s", path, v.path) end
  end
  assign_all(self, values)
end

return weights
