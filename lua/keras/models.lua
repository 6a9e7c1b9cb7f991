--- keras.models: models from their JSON, and from files.
local core = require "celda.core"
local shown = require "keras.arguments".shown
local model = require "keras.model"
local models = {Sequential = require "keras.sequential", Model = require "keras.functional"}

--- model_from_json(text): a new model as model:to_json() described it; its weights are drawn anew.
function models.model_from_json(text)
  if type(text) ~= "string" then core.raise("TypeError", "model_from_json: expected a string, not %s", shown(text)) end
  return model.from_json(json.decode(text))
end

--- load_model("model.celda"): what model:save wrote; training goes on where it was.
function models.load_model(...)
  local path = core.args("load_model", {"filepath"}, ...)
  if type(path) ~= "string" then core.raise("TypeError", "load_model: filepath must be a string, not %s", shown(path)) end
  local loaded = celda.load(path)
  if not model.is(loaded) then core.raise("ValueError", "'%s' holds no model", path) end
  return loaded
end
models.save_model = function(saved, ...) return saved:save(...) end

return models
