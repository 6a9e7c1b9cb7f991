--- TerminateOnNaN: ends training as soon as the loss is no number, or infinite.
local callbacks = require "keras.callbacks"
local arguments = require "keras.arguments"
local core = require "celda.core"

local TerminateOnNaN = callbacks.Callback:extend "TerminateOnNaN"

--- TerminateOnNaN{raise_error = false}: raise_error makes an error of it.
function TerminateOnNaN:init(...) arguments.take(self, {{"raise_error", "boolean", false}}, ...) end

function TerminateOnNaN:on_batch_end(batch, logs)
  local loss = logs and logs.loss
  if loss == nil or loss - loss == 0 then return end
  if self.raise_error then core.raise("ValueError", "NaN or Inf loss encountered at batch %d.", batch) end
  io.write(("Batch %d: Invalid loss, terminating training\n"):format(batch))
  self.model.stop_training = true
end

return TerminateOnNaN
