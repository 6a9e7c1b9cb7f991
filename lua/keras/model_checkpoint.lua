--- ModelCheckpoint: saves the model, or its weights as safetensors, after each epoch or so many batches.
local Monitor = require "keras.monitor"
local arguments = require "keras.arguments"
local core = require "celda.core"
local weights = require "keras.weights"

local ModelCheckpoint = Monitor:extend "ModelCheckpoint"

--- ModelCheckpoint("weights.{epoch:02d}-{val_loss:.2f}.safetensors", {monitor = "val_loss", verbose = 0,
-- save_best_only = false, save_weights_only = nil, mode = "auto", save_freq = "epoch", initial_value_threshold = nil})
function ModelCheckpoint:init(...)
  arguments.take(self, {{"filepath", "string", required = true}, {"monitor", "string", "val_loss"},
    {"verbose", "verbosity", 0}, {"save_best_only", "boolean", false}, {"save_weights_only", "boolean"},
    {"mode", "mode", "auto"}, {"save_freq", "frequency", "epoch"}, {"initial_value_threshold", "number"}}, ...)
  weights.check_path("ModelCheckpoint", self.filepath)
  if self.save_weights_only == nil then self.save_weights_only = not self.filepath:find "%.celda$" end
  self:watch "ModelCheckpoint"
  self.best, self.batches = self.initial_value_threshold, 0
end

-- "{epoch:02d}" and "{val_loss:.2f}" as Python's str.format fills them.
local function fill(path, values)
  return (path:gsub("{([%w_]+):?([^}]*)}", function(name, format)
    local value = values[name]
    if value == nil then
      core.raise("ValueError", "Failed to format this callback filepath: \"%s\". Reason: '%s'", path, name)
    end
    if format == "" then return tostring(value) end
    if format:find "d$" then value = math.floor(value) end
    return ("%" .. format):format(value)
  end))
end

-- Whether to save now, and says so.
local function wanted(self, epoch, logs, path)
  local say = self.verbose > 0 and function(text, ...) io.write(("\nEpoch %d: " .. text .. "\n"):format(epoch + 1, ...)) end
    or function() end
  if not self.save_best_only then
    say("saving model to %s", path)
    return true
  end
  local value = self:value_of(logs)
  if value == nil then return true end
  local best = self.best and ("%.5f"):format(self.best) or "None"
  if not self:is_improvement(value, self.best) then
    say("%s did not improve from %s", self.monitor, best)
    return false
  end
  say("%s improved from %s to %.5f, saving model to %s", self.monitor, best, value, path)
  self.best = value
  return true
end

local function save(self, epoch, logs, batch)
  local values = {epoch = epoch + 1, batch = batch and batch + 1}
  for name, value in pairs(logs or {}) do values[name] = value end
  local path = fill(self.filepath, values)
  if not wanted(self, epoch, logs, path) then return end
  if self.save_weights_only then self.model:save_weights(path) else self.model:save(path) end
end

function ModelCheckpoint:on_epoch_begin(epoch) self.epoch = epoch end

function ModelCheckpoint:on_train_batch_end(batch, logs)
  if self.save_freq == "epoch" then return end
  self.batches = self.batches + 1
  if self.batches % self.save_freq == 0 then save(self, self.epoch, logs, batch) end
end

function ModelCheckpoint:on_epoch_end(epoch, logs)
  if self.save_freq == "epoch" then save(self, epoch, logs) end
end

return ModelCheckpoint
