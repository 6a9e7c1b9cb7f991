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

--- model:save_weights(path): safetensors under Keras's variable paths.
function methods:save_weights(...)
  local path, overwrite = core.args("save_weights", {"filepath", "overwrite"}, ...)
  weights.check_built(self, "save its weights")
  if overwrite == false then
    local file = io.open(path, "rb")
    if file then
      file:close()
      core.raise("OSError", "'%s' is there already; overwrite = true replaces it", path)
    end
  end
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
