--- keras.models: models from their JSON, and from files.
local core = require "celda.core"
local Sequential = require "keras.sequential"
local models = {Sequential = Sequential}

--- keras.Model: functional models are not there yet. keras.Sequential stacks layers; a layer of your own
-- (keras.Layer:extend "Block") holds others, and its call combines them in any way.
function models.Model()
  core.raise("UnsupportedError", "there are no functional models yet; keras.Sequential stacks layers, and a layer of your own "
    .. "(keras.Layer:extend \"Block\") combines others as its call says")
end

--- model_from_json(text): a new model as model:to_json() described it; its weights are drawn anew.
function models.model_from_json(text)
  local whole = json.decode(text)
  if whole.class_name ~= "Sequential" then
    core.raise("UnsupportedError", "only Sequential models can be made from JSON, not %s", tostring(whole.class_name))
  end
  return Sequential.from_config(whole.config)
end

--- load_model("model.celda"): what model:save wrote; training goes on where it was.
function models.load_model(...)
  local path = core.args("load_model", {"filepath"}, ...)
  local model = celda.load(path)
  if type(model) ~= "table" or getmetatable(model) == nil or model.class_name ~= "Sequential" then
    core.raise("ValueError", "'%s' holds no model", path)
  end
  return model
end
models.save_model = function(model, ...) return model:save(...) end

return models
