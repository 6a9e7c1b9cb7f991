-- The progress line's bytes against what Keras wrote, with a clock that gives Keras's times.
local clock, write = celda.clock, io.write
local now, written = 0, {}
local function at(seconds, f, ...)
  now = now + seconds
  f(...)
end

-- One pass of `steps` steps: the first takes `first` seconds, all others together `rest`, most of it after the last redraw
-- is due, as validation does.
local function pass(hooks, steps, first, rest, early, late, final)
  hooks.start()
  at(first, hooks.step, 0, early)
  for batch = 1, steps - 1 do at(0.001, hooks.step, batch, late) end
  at(rest - 0.001 * (steps - 1), hooks.finish, final)
end

local logger = keras.callbacks.ProgbarLogger(1)
local function epoch(number, ...)
  pass({
    start = function() logger:on_epoch_begin(number) end,
    step = function(batch, logs) logger:on_train_batch_end(batch, logs) end,
    finish = function(logs) logger:on_epoch_end(number, logs) end,
  }, 8, ...)
end

local function replay()
  logger:set_params{steps = 8, epochs = 2}
  logger:on_train_begin()
  local late = {accuracy = 0.3417, loss = 1.1923}
  epoch(0, 0.314, 7 * 0.023, {accuracy = 0.25, loss = 1.321}, late,
    {accuracy = 0.3417, loss = 1.1923, val_accuracy = 0.3187, val_loss = 1.1778})
  late = {accuracy = 0.3417, loss = 1.1853}
  epoch(1, 0.017, 7 * 0.008, {accuracy = 0.2812, loss = 1.259}, late,
    {accuracy = 0.3417, loss = 1.1853, val_accuracy = 0.3187, val_loss = 1.1716})
  logger = keras.callbacks.ProgbarLogger(1)
  logger:set_params{steps = 20, epochs = 1}
  late = {accuracy = 0.3391, loss = 1.1787}
  pass({
    start = function() logger:on_test_begin() end,
    step = function(batch, logs) logger:on_test_batch_end(batch, logs) end,
    finish = function(logs) logger:on_test_end(logs) end,
  }, 20, 0.017, 19 * 0.002, {accuracy = 0.4062, loss = 1.2192}, late, late)
end

celda.clock = function() return now end
io.write = function(...) for _, text in ipairs{...} do written[#written + 1] = text end end
local ok, message = pcall(replay)
celda.clock, io.write = clock, write
assert(ok, message)

local golden <close> = assert(io.open("tests/golden/text/keras_fit_verbose1.txt", "rb"))
local ours, theirs = table.concat(written), golden:read "a"
if ours ~= theirs then error(("Keras wrote\n%q\nand celda\n%q"):format(theirs, ours)) end
