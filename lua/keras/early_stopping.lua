--- EarlyStopping: ends training when a value has not got better for `patience` epochs.
local Monitor = require "keras.monitor"
local arguments = require "keras.arguments"

local EarlyStopping = Monitor:extend "EarlyStopping"

--- EarlyStopping{monitor = "val_loss", min_delta = 0, patience = 0, verbose = 0, mode = "auto", baseline = nil,
-- restore_best_weights = false, start_from_epoch = 0}
function EarlyStopping:init(...)
  arguments.take(self, {{"monitor", "string", "val_loss"}, {"min_delta", "number", 0}, {"patience", "integer", 0},
    {"verbose", "verbosity", 0}, {"mode", "mode", "auto"}, {"baseline", "number"},
    {"restore_best_weights", "boolean", false}, {"start_from_epoch", "integer", 0}}, ...)
  self:watch "Early stopping"
end

function EarlyStopping:on_train_begin()
  self.wait, self.stopped_epoch, self.best_epoch = 0, 0, 0
  self.best, self.best_weights = nil, nil
end

function EarlyStopping:on_epoch_end(epoch, logs)
  local value = self:value_of(logs)
  if value == nil or epoch < self.start_from_epoch then return end
  if self.restore_best_weights and not self.best_weights then
    self.best_weights, self.best_epoch = self.model:get_weights(), epoch
  end
  self.wait = self.wait + 1
  if self:is_improvement(value, self.best) then
    self.best, self.best_epoch = value, epoch
    if self.restore_best_weights then self.best_weights = self.model:get_weights() end
    if self.baseline == nil or self:is_improvement(value, self.baseline) then self.wait = 0 end
  elseif self.wait >= self.patience and epoch > 0 then
    self.stopped_epoch, self.model.stop_training = epoch, true
  end
end

function EarlyStopping:on_train_end()
  if self.stopped_epoch > 0 and self.verbose > 0 then
    io.write(("Epoch %d: early stopping\n"):format(self.stopped_epoch + 1))
  end
  if not self.best_weights then return end
  if self.verbose > 0 then
    io.write(("Restoring model weights from the end of the best epoch: %d.\n"):format(self.best_epoch + 1))
  end
  self.model:set_weights(self.best_weights)
end

return EarlyStopping
