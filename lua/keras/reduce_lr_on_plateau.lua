--- ReduceLROnPlateau: smaller steps when a value has not got better for `patience` epochs.
local Monitor = require "keras.monitor"
local arguments = require "keras.arguments"
local core = require "celda.core"

local ReduceLROnPlateau = Monitor:extend "ReduceLROnPlateau"

--- ReduceLROnPlateau{monitor = "val_loss", factor = 0.1, patience = 10, verbose = 0, mode = "auto", min_delta = 0.0001,
-- cooldown = 0, min_lr = 0}
function ReduceLROnPlateau:init(...)
  arguments.take(self, {{"monitor", "string", "val_loss"}, {"factor", "number", 0.1}, {"patience", "integer", 10},
    {"verbose", "verbosity", 0}, {"mode", "mode", "auto"}, {"min_delta", "number", 1e-4}, {"cooldown", "integer", 0},
    {"min_lr", "number", 0}}, ...)
  if self.factor >= 1 then
    core.raise("ValueError", "ReduceLROnPlateau does not support a factor >= 1.0. Received factor=%g", self.factor)
  end
  self:watch "Learning rate reduction is"
end

function ReduceLROnPlateau:on_train_begin() self.best, self.wait, self.rest = nil, 0, 0 end

local function reduce(self, epoch)
  local old = self.model.optimizer.learning_rate:item()
  local new = math.max(old * self.factor, self.min_lr)
  if new >= old then return end
  self.model.optimizer.learning_rate = new
  self.rest, self.wait = self.cooldown, 0
  if self.verbose > 0 then
    io.write(("\nEpoch %d: ReduceLROnPlateau reducing learning rate to %s.\n"):format(epoch + 1, json.encode(new)))
  end
end

function ReduceLROnPlateau:on_epoch_end(epoch, logs)
  logs.learning_rate = self.model.optimizer.learning_rate:item()
  local value = self:value_of(logs)
  if value == nil then return end
  if self.rest > 0 then self.rest, self.wait = self.rest - 1, 0 end
  if self:is_improvement(value, self.best) then
    self.best, self.wait = value, 0
  elseif self.rest == 0 then
    self.wait = self.wait + 1
    if self.wait >= self.patience then reduce(self, epoch) end
  end
end

return ReduceLROnPlateau
