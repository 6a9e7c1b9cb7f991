--- keras.models: models from their JSON.
local core = require "celda.core"
local Sequential = require "keras.sequential"
local models = {Sequential = Sequential}

--- model_from_json(text): a new model as model:to_json() described it; its weights are drawn anew.
function models.model_from_json(text)
  local whole = json.decode(text)
  if whole.class_name ~= "Sequential" then
    core.raise("UnsupportedError", "only Sequential models can be made from JSON, not %s", tostring(whole.class_name))
  end
  return Sequential.from_config(whole.config)
end

return models
