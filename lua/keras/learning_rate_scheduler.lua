--- LearningRateScheduler: a function says what each epoch's learning rate is.
local arguments = require "keras.arguments"
local callbacks = require "keras.callbacks"
local core = require "celda.core"
local help = require "help"

local LearningRateScheduler = callbacks.Callback:extend "LearningRateScheduler"

--- LearningRateScheduler(function(epoch, rate) return rate end, {verbose = 0}): epochs count from 0.
function LearningRateScheduler:init(...)
  local schedule, verbose = core.args("LearningRateScheduler", {"schedule", "verbose"}, ...)
  if not help.callable(schedule) then arguments.refuse("LearningRateScheduler", "schedule", "a function", schedule) end
  arguments.take(self, {{"verbose", "verbosity", 0}}, {verbose = verbose})
  self.schedule = schedule
end

function LearningRateScheduler:on_epoch_begin(epoch)
  local optimizer = self.model.optimizer
  local rate = self.schedule(epoch, optimizer.learning_rate:item())
  if type(rate) ~= "number" then
    core.raise("ValueError", "The output of the `schedule` function should be a number. Got: %s", arguments.shown(rate))
  end
  optimizer.learning_rate = rate
  if self.verbose > 0 then
    io.write(("\nEpoch %d: LearningRateScheduler setting learning rate to %s.\n"):format(epoch + 1, json.encode(rate)))
  end
end

function LearningRateScheduler:on_epoch_end(_, logs) logs.learning_rate = self.model.optimizer.learning_rate:item() end

return LearningRateScheduler
