--- fit, evaluate, predict, and their single batches.
local core = require "celda.core"
local callbacks = require "keras.callbacks"
local compile = require "keras.compile"
local data = require "keras.data"
local steps = require "keras.steps"

local training = {methods = {}, metrics = compile.metrics}
local methods = training.methods
for name, method in pairs(compile.methods) do methods[name] = method end

training.forget = compile.forget

function training.metrics_names(self)
  local names = {}
  for i, metric in ipairs(compile.metrics(self)) do names[i] = metric.name end
  return names
end

local function build_for(self, x)
  if not self.built then self:build{-1, table.unpack(x.shape, 2)} end
end

-- {loss = 0.5, accuracy = 0.9} from what a step returned.
local function logs_of(names, ...)
  local logs = {}
  for i, name in ipairs(names) do logs[name] = (select(i, ...)):item() end
  return logs
end

-- Logs as evaluate and train_on_batch return them: in the order of the metrics, a single one by itself.
local function in_order(self, logs, as_table)
  if as_table then return logs end
  local names, list = training.metrics_names(self), {}
  for i, name in ipairs(names) do list[i] = logs[name] end
  return #list == 1 and list[1] or list
end

-- ---- fit ---------------------------------------------------------------------------------------------------------------

-- The order of samples in an epoch; nil: as they lie.
local function order_of(n, shuffle, batch_size)
  if shuffle == false then return nil end
  if shuffle ~= nil and shuffle ~= true and shuffle ~= "batch" then
    core.raise("ValueError", "shuffle must be true, false or \"batch\", not %s", tostring(shuffle))
  end
  return core.sample_order(n, shuffle == "batch" and batch_size or nil)
end

local function batch_of(set, range)
  return {set[1][range], set[2] and set[2][range], set[3] and set[3][range]}
end

local function warn_of_nan(state, loss, epoch, step)
  if loss == loss or state.warned then return end
  state.warned = true
  io.stderr:write(("\nthe loss is NaN from step %d of epoch %d on\n"):format(step, epoch + 1))
end

-- What the metrics say now.
local function results_of(self)
  local values = {}
  for i, metric in ipairs(compile.metrics(self)) do values[i] = metric:result() end
  return logs_of(training.metrics_names(self), table.unpack(values))
end

-- `resumed` = {step, order}: the steps up to that one were done before.
local function run_epoch(self, f, epoch, resumed)
  local order, names = resumed and resumed.order or order_of(f.set.n, f.shuffle, f.batch_size), nil
  local first = resumed and resumed.step or 0
  local logs = first > 0 and results_of(self) or {}
  self._running.order = order
  for step = first + 1, f.steps do
    local range = data.range(step, f.batch_size, f.set.n)
    f.callbacks:on_train_batch_begin(step - 1)
    if order then
      logs = table.pack(f.run(f.set, order[range]))
    else
      logs = table.pack(f.run(batch_of(f.set, range)))
    end
    names = names or training.metrics_names(self)
    logs = logs_of(names, table.unpack(logs, 1, logs.n))
    warn_of_nan(f, logs.loss, epoch, step)
    f.callbacks:on_train_batch_end(step - 1, logs)
    if self.stop_training then break end
  end
  return logs
end

-- One pass over a set; the metrics start from zero.
local function test(self, set, batch_size, count, list, run)
  local names, logs = nil, {}
  self:reset_metrics()
  list:on_test_begin()
  for step = 1, count do
    list:on_test_batch_begin(step - 1)
    local values = table.pack(run(batch_of(set, data.range(step, batch_size, set.n))))
    names = names or training.metrics_names(self)
    logs = logs_of(names, table.unpack(values, 1, values.n))
    list:on_test_batch_end(step - 1, logs)
  end
  list:on_test_end(logs)
  return logs
end

local FIT = {"x", "y", "batch_size", "epochs", "verbose", "callbacks", "validation_split", "validation_data", "shuffle",
  "class_weight", "sample_weight", "initial_epoch", "steps_per_epoch", "validation_steps", "validation_batch_size",
  "validation_freq"}

-- fit's arguments by name, with what follows from them.
local function fit_of(self, ...)
  local f, values = {}, table.pack(core.args("fit", FIT, ...))
  for i, name in ipairs(FIT) do f[name] = values[i] end
  compile.check(self, "fit")
  f.set = data.check("fit", f.x, f.y, f.sample_weight, true)
  f.batch_size = data.batch_size(f.batch_size)
  f.validation_freq = data.positive("validation_freq", f.validation_freq, 1)
  f.epochs, f.initial_epoch = data.count("epochs", f.epochs, 1), data.count("initial_epoch", f.initial_epoch, 0)
  if f.validation_data then
    if type(f.validation_data) ~= "table" then
      core.raise("ValueError", "fit: validation_data must be {x, y} or {x, y, sample_weight}, not a %s",
        core.kind_of(f.validation_data) or type(f.validation_data))
    end
    f.validation = data.check("fit: validation_data", f.validation_data[1], f.validation_data[2], f.validation_data[3], true)
  elseif f.validation_split and f.validation_split ~= 0 then
    f.set, f.validation = data.split(f.set, f.validation_split)
  end
  f.set = data.weigh_classes(f.set, f.class_weight)
  f.steps = data.steps(f.set.n, f.batch_size, f.steps_per_epoch)
  f.run = steps.runner(self, "train")
  return f
end

-- Adds the results on the validation data to the epoch's logs.
local function validate(self, f, epoch, logs)
  if not f.validation or (epoch + 1) % f.validation_freq ~= 0 then return end
  f.test = f.test or steps.runner(self, "test")
  local size = f.validation_batch_size or f.batch_size
  local count = data.steps(f.validation.n, size, f.validation_steps)
  for name, value in pairs(test(self, f.validation, size, count, f.callbacks, f.test)) do logs["val_" .. name] = value end
end

--- model:fit(x, y, {batch_size = 32, epochs = 1, verbose = "auto", callbacks = {...}, validation_data = {x, y}, ...}):
-- trains, and returns a History. Ctrl-C keeps the weights of the last finished step and the history so far.
function methods:fit(...)
  local f = fit_of(self, ...)
  build_for(self, f.set[1])
  f.callbacks = callbacks.list(self, f.callbacks, f.verbose, {epochs = f.epochs, steps = f.steps})
  self._running = {sample = batch_of(f.set, "1:1")} -- for BackupAndRestore
  local _ <close> = setmetatable({}, {__close = function() self._running = nil end})
  self.history = f.callbacks.history -- Keras's predict and evaluate replace it by an empty one
  local _ <close> = f.callbacks
  self.stop_training = false
  local logs
  self._resume = nil
  f.callbacks:on_train_begin()
  local resumed = self._resume -- by BackupAndRestore: {epoch, step, order}
  for epoch = resumed and resumed.epoch or f.initial_epoch, f.epochs - 1 do
    if not resumed or resumed.step == 0 then self:reset_metrics() end
    f.callbacks:on_epoch_begin(epoch)
    logs = run_epoch(self, f, epoch, resumed)
    resumed = nil
    validate(self, f, epoch, logs)
    f.callbacks:on_epoch_end(epoch, logs)
    if self.stop_training then break end
  end
  f.callbacks:on_train_end(logs)
  return self.history
end

-- ---- evaluate, predict ---------------------------------------------------------------------------------------------------

--- model:evaluate(x, y, {batch_size = 32, verbose = "auto", sample_weight = nil, return_dict = false}): the loss, or a list
-- of the loss and the metrics.
function methods:evaluate(...)
  local x, y, batch_size, verbose, weight, limit, given, as_table = core.args("evaluate", {"x", "y", "batch_size", "verbose",
    "sample_weight", "steps", "callbacks", "return_dict"}, ...)
  compile.check(self, "evaluate")
  local set = data.check("evaluate", x, y, weight, true)
  batch_size = data.batch_size(batch_size)
  build_for(self, set[1])
  local count = data.steps(set.n, batch_size, limit)
  local list <close> = callbacks.list(self, given, verbose, {steps = count, epochs = 1})
  return in_order(self, test(self, set, batch_size, count, list, steps.runner(self, "test")), as_table)
end

-- Room for n rows like those of `first`.
local function rows_like(first, n)
  return tensor.zeros({n, table.unpack(first.shape, 2)}, {dtype = first.dtype})
end

--- model:predict(x, {batch_size = 32, verbose = "auto"}): what the model makes of all samples.
function methods:predict(...)
  local x, batch_size, verbose, limit, given = core.args("predict", {"x", "batch_size", "verbose", "steps", "callbacks"}, ...)
  self:_check_single "predict"
  local set = data.check("predict", x)
  batch_size = data.batch_size(batch_size)
  build_for(self, set[1])
  local count, run, all = data.steps(set.n, batch_size, limit), steps.runner(self, "predict"), nil
  local n = math.min(count * batch_size, set.n)
  local list <close> = callbacks.list(self, given, verbose, {steps = count, epochs = 1})
  list:on_predict_begin()
  for step = 1, count do
    local range = data.range(step, batch_size, set.n)
    list:on_predict_batch_begin(step - 1)
    local outputs = run{set[1][range]}
    all = all or count == 1 and outputs or rows_like(outputs, n)
    if count > 1 then all[range] = outputs end
    list:on_predict_batch_end(step - 1, {outputs = outputs})
  end
  list:on_predict_end()
  return all
end

-- ---- one batch -----------------------------------------------------------------------------------------------------------

local function on_batch(self, kind, method, ...)
  local x, y, weight, class_weight, as_table = core.args(method, {"x", "y", "sample_weight", "class_weight", "return_dict"}, ...)
  compile.check(self, method)
  local set = data.weigh_classes(data.check(method, x, y, weight, true), class_weight)
  build_for(self, set[1])
  self:reset_metrics()
  local values = table.pack(steps.runner(self, kind)(set))
  return in_order(self, logs_of(training.metrics_names(self), table.unpack(values, 1, values.n)), as_table)
end

--- model:train_on_batch(x, y, {sample_weight, class_weight, return_dict}): one step; returns this batch's loss, or a list of
-- it and the metrics.
function methods:train_on_batch(...) return on_batch(self, "train", "train_on_batch", ...) end

--- model:test_on_batch(x, y, {sample_weight, return_dict}): the same without training.
function methods:test_on_batch(...) return on_batch(self, "test", "test_on_batch", ...) end

--- model:predict_on_batch(x): what the model makes of one batch.
function methods:predict_on_batch(...)
  self:_check_single "predict_on_batch"
  local set = data.check("predict_on_batch", (core.args("predict_on_batch", {"x"}, ...)))
  build_for(self, set[1])
  return (steps.runner(self, "predict")(set))
end

return training
