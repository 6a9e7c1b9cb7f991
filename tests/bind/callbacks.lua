local L = keras.layers
local C = keras.callbacks

local x, y = tensor{{0.0}, {1.0}, {2.0}, {3.0}}, tensor{{0.0}, {2.0}, {4.0}, {6.0}}

local function line()
  local model = keras.Sequential{keras.Input{1}, L.Dense(1)}
  model:compile{optimizer = keras.optimizers.SGD(0.5), loss = "mse"}
  return model
end

-- A callback that replaces what training measured.
local function logs(values)
  return C.LambdaCallback{on_epoch_end = function(epoch, l) l.val_loss = values[epoch + 1] end}
end

local function read(path)
  local file <close> = assert(io.open(path))
  return file:read "a"
end

test("ReduceLROnPlateau", function()
  local function rates(values, options)
    local model = line()
    return model:fit(x, y, {epochs = #values, verbose = 0, callbacks = {logs(values), C.ReduceLROnPlateau(options)}}).history.learning_rate,
      model.optimizer.learning_rate:item()
  end
  -- the log has the rate with which the epoch was trained
  eq({rates({3, 3, 3, 3, 3}, {factor = 0.5, patience = 2})}, {{0.5, 0.5, 0.5, 0.25, 0.25}, 0.125})
  eq({rates({3, 3, 3, 3, 3}, {factor = 0.5, patience = 1, cooldown = 2})}, {{0.5, 0.5, 0.25, 0.25, 0.125}, 0.125})
  eq({rates({3, 3, 3, 3}, {factor = 0.5, patience = 1, min_lr = 0.25})}, {{0.5, 0.5, 0.25, 0.25}, 0.25})
  eq({rates({3, 2, 1, 0}, {patience = 1})}, {{0.5, 0.5, 0.5, 0.5}, 0.5})
  eq({rates({1, 2, 3, 2}, {mode = "max", factor = 0.5, patience = 1})}, {{0.5, 0.5, 0.5, 0.5}, 0.25})
  output()
  rates({1, 1}, {factor = 0.5, patience = 1, verbose = 1})
  ok(output():find("Epoch 2: ReduceLROnPlateau reducing learning rate to 0.25.", 1, true))
  rates({1}, {monitor = "val_los"})
  ok(output():find("Learning rate reduction is conditioned on metric `val_los` which is not available", 1, true))
  fails("does not support a factor >= 1.0. Received factor=1", C.ReduceLROnPlateau, {factor = 1})
  fails("argument patience must be an integer", C.ReduceLROnPlateau, {patience = "2"})
end)

test("what is better is what the metric of that name says", function()
  local model = keras.Sequential{keras.Input{1}, L.Dense(1)}
  model:compile{optimizer = "sgd", loss = "mse", metrics = {keras.metrics.BinaryAccuracy{name = "p"}}}
  local stop = C.EarlyStopping{monitor = "val_p"}
  stop:set_model(model)
  model:evaluate(x, y, {verbose = 0})
  ok(stop:is_improvement(2, 1) and not stop:is_improvement(1, 2))
  ok(C.ReduceLROnPlateau{monitor = "loss"}:is_improvement(1, 2))
end)

test("LearningRateScheduler", function()
  local model, seen = line(), {}
  local history = model:fit(x, y, {epochs = 3, verbose = 0, callbacks = {C.LearningRateScheduler(function(epoch, rate)
    seen[#seen + 1] = {epoch, rate}
    return rate / 2
  end)}})
  eq(seen, {{0, 0.5}, {1, 0.25}, {2, 0.125}})
  eq(history.history.learning_rate, {0.25, 0.125, 0.0625})
  fails("The output of the `schedule` function should be a number. Got: \"fast\"", model.fit, model, x, y,
    {verbose = 0, callbacks = {C.LearningRateScheduler(function() return "fast" end)}})
  fails("LearningRateScheduler: argument schedule must be a function, not 0.1", C.LearningRateScheduler, 0.1)
end)

test("TerminateOnNaN", function()
  local model = line()
  model:compile{optimizer = "sgd", loss = function(t, p) return (t - p) / 0 end}
  output()
  local history = model:fit(x, y, {epochs = 5, verbose = 0, callbacks = {C.TerminateOnNaN()}})
  eq(#history.epoch, 1)
  ok(output():find("Batch 0: Invalid loss, terminating training", 1, true))
  fails("NaN or Inf loss encountered at batch 0.", model.fit, model, x, y,
    {verbose = 0, callbacks = {C.TerminateOnNaN{raise_error = true}}})
end)

test("CSVLogger", function()
  local path = scratch .. "/log.csv"
  local function fit(options, epochs)
    options.filename = path
    line():fit(x, y, {epochs = epochs or 2, verbose = 0, callbacks = {logs{0.5, 0.25}, C.CSVLogger(options)}})
    return read(path)
  end
  ok(fit{}:match "^epoch,loss,val_loss\n0,[%d.e-]+,0.5\n1,[%d.e-]+,0.25\n$")
  ok(fit({append = true, separator = ","}, 1):match "^epoch,loss,val_loss\n0,.*\n1,.*\n0,[%d.e-]+,0.5\n$")
  ok(fit{separator = ";"}:match "^epoch;loss;val_loss\n0;")
  line():fit(x, y, {epochs = 1, verbose = 0, callbacks = {C.CSVLogger(path)}})
  ok(read(path):match "^epoch,loss,val_loss\n0,[%d.e-]+,NA\n$")
  local notebook <close> = io.open(scratch .. "/mine.csv", "w")
  notebook:write("x = 1\n"):flush()
  fails("mine.csv' is there and is no file of CSVLogger's", function()
    line():fit(x, y, {verbose = 0, callbacks = {C.CSVLogger(scratch .. "/mine.csv")}})
  end)
  eq(read(scratch .. "/mine.csv"), "x = 1\n")
  fails("OSError", function() line():fit(x, y, {verbose = 0, callbacks = {C.CSVLogger(scratch .. "/no/such/log.csv")}}) end)
end)
