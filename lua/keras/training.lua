--- compile, fit, evaluate, predict. Each kind of step is one traced program over the model's variables: forward, loss,
-- gradients, optimizer and metrics in one graph, traced once for each batch shape.
local args = require "keras.args"
local Progbar = require "keras.progbar"
local nn = celda.nn

local training = {methods = {}}
local methods = training.methods

-- ---- compile ---------------------------------------------------------------------------------------------------------

local function get(kind, value, default)
  if value == nil then value = default end
  if type(value) == "string" or type(value) == "table" then return nn.deserialize(kind, value) end
  return value
end

--- model:compile{optimizer = "rmsprop", loss =, metrics = {}}
function methods:compile(...)
  local a = args("Sequential.compile", {"optimizer", "loss", "metrics", "weighted_metrics", "run_eagerly",
    "steps_per_execution", "jit_compile", "loss_weights", "auto_scale_loss"}, ...)
  for _, name in ipairs {"weighted_metrics", "loss_weights"} do
    if a[name] ~= nil then error(("ValueError: compile: '%s' is not supported yet"):format(name), 2) end
  end
  self.optimizer = get("optimizer", a.optimizer, "sgd")
  self.loss = get("loss", a.loss)
  self.metric_specs = type(a.metrics) == "table" and a.metrics or {a.metrics}
  self.loss_tracker = nn.new("metric", "Mean", {name = "loss"})
  self.compiled_metrics, self.optimizer_built = nil, false
  training.forget_programs(self)
end

local function check_compiled(self, method)
  if not self.optimizer then
    error(("ValueError: the model is not compiled: call model:compile{...} before model:%s()"):format(method), 3)
  end
  if not self.loss then error(("ValueError: model:compile{...} gave no loss, which model:%s() needs"):format(method), 3) end
end

function training.forget_programs(self) self.programs = {} end

-- "accuracy" means what fits the loss and the shapes, as in Keras.
local function resolve_metric(self, spec, y, p)
  if spec ~= "accuracy" and spec ~= "acc" then
    return type(spec) == "string" and nn.new("metric", nn.deserialize("metric", spec).class_name, {name = spec}) or get("metric", spec)
  end
  local last = p.shape[p.ndim]
  local sparse = type(self.loss) == "userdata" and self.loss.class_name == "SparseCategoricalCrossentropy"
  local class = last == 1 and "BinaryAccuracy" or (sparse or y.ndim < p.ndim or y.shape[y.ndim] ~= last)
    and "SparseCategoricalAccuracy" or "CategoricalAccuracy"
  return nn.new("metric", class, {name = spec})
end

function training.metric_names(self)
  local names = {"loss"}
  for _, metric in ipairs(self.compiled_metrics or {}) do names[#names + 1] = metric.name end
  return names
end

-- ---- data ------------------------------------------------------------------------------------------------------------

local function as_tensor(value, what)
  if value == nil then return nil end
  if type(value) == "userdata" then return value end
  if type(value) == "table" or type(value) == "number" then return tensor(value) end
  error(("TypeError: %s must be a tensor or a list, not a %s"):format(what, type(value)), 3)
end

local function check_data(x, y, w)
  if x.ndim == 0 or x.shape[1] == 0 then error("ValueError: x holds no samples", 3) end
  if (y and y.shape[1] ~= x.shape[1]) or (w and w.shape[1] ~= x.shape[1]) then
    error(("ValueError: Data cardinality is ambiguous: x has %d samples, y %s, sample_weight %s"):format(x.shape[1],
      y and y.shape[1] or "none", w and w.shape[1] or "none"), 3)
  end
end

local function build_for(self, x)
  if self.built then return end
  local shape = {-1}
  for i = 2, x.ndim do shape[i] = x.shape[i] end
  self:build(shape)
end

-- ---- programs --------------------------------------------------------------------------------------------------------

local function key_of(kind, inputs)
  local parts = {kind}
  for _, t in ipairs(inputs) do parts[#parts + 1] = t.dtype .. tostring(t.shape) end
  return table.concat(parts, " ")
end

-- Loss of a batch; the tracker and the metrics see it, too.
local function score(self, y, p, w)
  local loss = self.loss(y, p, {sample_weight = w})
  local batch = p.shape[1]
  self.loss_tracker:update_state(loss, {sample_weight = tensor(batch + 0.0)})
  for _, metric in ipairs(self.compiled_metrics) do metric:update_state(y, p, {sample_weight = w}) end
  return loss
end

local function results(self)
  local values = {self.loss_tracker:result()}
  for _, metric in ipairs(self.compiled_metrics) do values[#values + 1] = metric:result() end
  return table.unpack(values)
end

local function make_metrics(self, y, p)
  if self.compiled_metrics then return end
  self.compiled_metrics = {}
  for i, spec in ipairs(self.metric_specs) do self.compiled_metrics[i] = resolve_metric(self, spec, y, p) end
end

local function train_step(self, x, y, w)
  local variables = self.trainable_variables
  local tape = keras.GradientTape()
  local p = self(x, {training = true})
  make_metrics(self, y, p)
  local loss = score(self, y, p, w)
  local gradients = tape:gradient(loss, variables)
  tape:close()
  local pairs_of = {}
  for i, v in ipairs(variables) do pairs_of[i] = {gradients[i], v} end
  self.optimizer:apply_gradients(pairs_of)
  return results(self)
end

local function test_step(self, x, y, w)
  local p = self(x, {training = false})
  make_metrics(self, y, p)
  score(self, y, p, w)
  return results(self)
end

local function predict_step(self, x) return self(x, {training = false}) end

local steps = {train = train_step, test = test_step, predict = predict_step}

-- The program for a kind of step on these inputs. With `order` the inputs are whole data sets, whose rows the program
-- gathers; without, they are the batch.
local function program_for(self, kind, data, order)
  local inputs = {table.unpack(data)}
  if order then inputs[#inputs + 1] = order end
  local key = key_of(kind .. (order and " rows" or ""), inputs)
  local program = self.programs[key]
  if program then return program, inputs end
  if kind == "train" and not self.optimizer_built then
    self.optimizer:build(self.trainable_variables)
    self.optimizer_built = true
  end
  local count, step = #data, steps[kind]
  program = celda.trace(function(...)
    local batch = {...}
    for i = 1, order and count or 0 do batch[i] = batch[i]:gather(batch[count + 1]) end
    return step(self, batch[1], batch[2], count == 3 and batch[3] or nil)
  end, inputs)
  self.programs[key] = program
  return program, inputs
end

local function run_batch(self, kind, data, order)
  local program, inputs = program_for(self, kind, data, order)
  return program(table.unpack(inputs))
end

local function reset_metrics(self)
  self.loss_tracker:reset_state()
  for _, metric in ipairs(self.compiled_metrics or {}) do metric:reset_state() end
end
methods.reset_metrics = reset_metrics

local function logs_of(self, ...)
  local logs, values = {}, {...}
  for i, name in ipairs(training.metric_names(self)) do logs[name] = values[i]:item() end
  return logs
end

local function sorted(logs, prefix)
  local names, list = {}, {}
  for name in pairs(logs) do
    if (name:sub(1, 4) == "val_") == (prefix == "val_") then names[#names + 1] = name end
  end
  table.sort(names)
  for i, name in ipairs(names) do list[i] = {name, logs[name]} end
  return list
end

-- ---- fit -------------------------------------------------------------------------------------------------------------

local function rows(order, first, last) return order[first .. ":" .. last] end

local function is_terminal() return celda.output ~= nil and celda.output().redraws end

local function verbosity(value)
  if value == nil or value == "auto" then value = 1 end
  if value == true then value = 1 elseif value == false then value = 0 end
  if value ~= 0 and value ~= 1 and value ~= 2 then error("ValueError: verbose must be 0, 1, 2 or \"auto\"", 3) end
  return value == 1 and not is_terminal() and 2 or value
end

local function check_batch_size(n)
  if math.type(n) ~= "integer" or n < 1 then error("ValueError: batch_size must be a positive integer", 3) end
  return n
end

-- The order of samples for an epoch.
local function order_for(n, shuffle, batch_size)
  if shuffle == false then return tensor.arange(n) end
  if shuffle ~= "batch" then return celda.sample_order(n) end
  local parts = {}
  for first = 0, n - 1, batch_size do
    local length = math.min(batch_size, n - first)
    parts[#parts + 1] = celda.sample_order(length) + first
  end
  return tensor.concatenate(parts)
end

-- The last part of the data, kept for validation.
local function split(data, fraction)
  local n = data[1].shape[1]
  local cut = math.floor(n * (1 - fraction))
  if cut < 1 or cut >= n then error(("ValueError: validation_split = %g leaves no samples on one side"):format(fraction), 3) end
  local head, tail = {}, {}
  for i, t in ipairs(data) do head[i], tail[i] = t["1:" .. cut], t[cut + 1 .. ":"] end
  return head, tail
end

local function warn_nan(state, loss, step)
  if loss == loss or state.warned then return end
  state.warned = true
  io.stderr:write(("\nthe loss is NaN since step %d: lower the learning rate, or look for NaN in the data\n"):format(step))
end

local function run_epoch(self, data, order, batch_size, callbacks, bar, state)
  local n = data[1].shape[1]
  local count, logs = (n + batch_size - 1) // batch_size, {}
  for step = 1, count do
    local first = (step - 1) * batch_size + 1
    callbacks:on_train_batch_begin(step - 1)
    state.step = state.step + 1
    logs = logs_of(self, run_batch(self, "train", data, rows(order, first, math.min(first + batch_size - 1, n))))
    warn_nan(state, logs.loss, state.step)
    callbacks:on_train_batch_end(step - 1, logs)
    bar:update(step, sorted(logs))
    if self.stop_training then break end
  end
  return logs, count
end

local FIT = {"x", "y", "batch_size", "epochs", "verbose", "callbacks", "validation_split", "validation_data", "shuffle",
  "class_weight", "sample_weight", "initial_epoch", "steps_per_epoch", "validation_steps", "validation_batch_size",
  "validation_freq"}

local function training_data(self, a)
  for _, name in ipairs {"class_weight", "steps_per_epoch", "validation_steps"} do
    if a[name] ~= nil then error(("ValueError: fit: '%s' is not supported yet"):format(name), 3) end
  end
  local data = {as_tensor(a.x, "x"), as_tensor(a.y, "y"), as_tensor(a.sample_weight, "sample_weight")}
  if not data[1] or not data[2] then error("ValueError: fit needs x and y", 3) end
  check_data(data[1], data[2], data[3])
  local validation = a.validation_data
  if validation then
    validation = {as_tensor(validation[1], "validation x"), as_tensor(validation[2], "validation y"), validation[3]}
    check_data(validation[1], validation[2], validation[3])
  elseif a.validation_split and a.validation_split > 0 then
    data, validation = split(data, a.validation_split)
  end
  build_for(self, data[1])
  return data, validation
end

--- model:fit(x, y, {batch_size = 32, epochs = 1, verbose = "auto", callbacks, validation_data = {x, y}, ...}): a History.
function methods:fit(...)
  local a = args("Sequential.fit", FIT, ...)
  check_compiled(self, "fit")
  local data, validation = training_data(self, a)
  local batch_size, epochs = check_batch_size(a.batch_size or 32), a.epochs or 1
  local verbose = verbosity(a.verbose)
  local count = (data[1].shape[1] + batch_size - 1) // batch_size
  local callbacks = require("keras.callbacks").list(self, a.callbacks, {epochs = epochs, steps = count, verbose = verbose})
  local state = {step = 0}
  self.stop_training = false
  self.history = callbacks.history
  callbacks:on_train_begin()
  for epoch = (a.initial_epoch or 0), epochs - 1 do
    reset_metrics(self)
    callbacks:on_epoch_begin(epoch)
    if verbose > 0 then io.write(("Epoch %d/%d\n"):format(epoch + 1, epochs)) end
    local bar = Progbar.new(count, verbose)
    local logs = run_epoch(self, data, order_for(data[1].shape[1], a.shuffle, batch_size), batch_size, callbacks, bar, state)
    if validation and (epoch + 1) % (a.validation_freq or 1) == 0 then
      local scores = training.evaluate(self, validation, a.validation_batch_size or batch_size, callbacks)
      for name, value in pairs(scores) do logs["val_" .. name] = value end
    end
    local shown = sorted(logs)
    table.move(sorted(logs, "val_"), 1, 99, #shown + 1, shown)
    bar:update(count, shown, true)
    callbacks:on_epoch_end(epoch, logs)
    if self.stop_training then break end
  end
  callbacks:on_train_end()
  return self.history
end

-- ---- evaluate, predict -------------------------------------------------------------------------------------------------

function training.evaluate(self, data, batch_size, callbacks, bar)
  local n, logs = data[1].shape[1], {}
  local order = tensor.arange(n)
  reset_metrics(self)
  callbacks:on_test_begin()
  for first = 1, n, batch_size do
    local step = (first - 1) // batch_size
    callbacks:on_test_batch_begin(step)
    logs = logs_of(self, run_batch(self, "test", data, rows(order, first, math.min(first + batch_size - 1, n))))
    callbacks:on_test_batch_end(step, logs)
    if bar then bar:update(step + 1, sorted(logs)) end
  end
  callbacks:on_test_end(logs)
  return logs
end

local function scores_list(self, logs, return_dict)
  if return_dict then return logs end
  local names, list = training.metric_names(self), {}
  for i, name in ipairs(names) do list[i] = logs[name] end
  return #list == 1 and list[1] or list
end

--- model:evaluate(x, y, {batch_size = 32, verbose = "auto", return_dict = false}): the loss, or {loss, metric, ...}.
function methods:evaluate(...)
  local a = args("Sequential.evaluate", {"x", "y", "batch_size", "verbose", "sample_weight", "steps", "callbacks",
    "return_dict"}, ...)
  check_compiled(self, "evaluate")
  local data = {as_tensor(a.x, "x"), as_tensor(a.y, "y"), as_tensor(a.sample_weight, "sample_weight")}
  if not data[1] or not data[2] then error("ValueError: evaluate needs x and y", 2) end
  check_data(data[1], data[2], data[3])
  build_for(self, data[1])
  local batch_size = check_batch_size(a.batch_size or 32)
  local count = (data[1].shape[1] + batch_size - 1) // batch_size
  local callbacks = require("keras.callbacks").list(self, a.callbacks, {steps = count})
  local bar = Progbar.new(count, verbosity(a.verbose))
  local logs = training.evaluate(self, data, batch_size, callbacks, bar)
  bar:update(count, sorted(logs), true)
  return scores_list(self, logs, a.return_dict)
end

--- model:predict(x, {batch_size = 32, verbose = "auto"}): the outputs for all samples.
function methods:predict(...)
  local a = args("Sequential.predict", {"x", "batch_size", "verbose", "steps", "callbacks"}, ...)
  local x = as_tensor(a.x, "x")
  if not x then error("ValueError: predict needs x", 2) end
  check_data(x)
  build_for(self, x)
  local n, batch_size = x.shape[1], check_batch_size(a.batch_size or 32)
  local count, order, out = (n + batch_size - 1) // batch_size, tensor.arange(n), nil
  local callbacks = require("keras.callbacks").list(self, a.callbacks, {steps = count})
  local bar = Progbar.new(count, verbosity(a.verbose))
  callbacks:on_predict_begin()
  for first = 1, n, batch_size do
    local last, step = math.min(first + batch_size - 1, n), (first - 1) // batch_size
    callbacks:on_predict_batch_begin(step)
    local p = run_batch(self, "predict", {x}, rows(order, first, last))
    if not out then
      local shape = {table.unpack(p.shape)}
      shape[1] = n
      out = count == 1 and p or tensor.zeros(shape, {dtype = p.dtype})
    end
    if count > 1 then out[first .. ":" .. last] = p end
    callbacks:on_predict_batch_end(step, {outputs = p})
    bar:update(step + 1)
  end
  callbacks:on_predict_end()
  bar:update(count, nil, true)
  return out
end

-- ---- one batch ---------------------------------------------------------------------------------------------------------

local function on_batch(self, kind, method, a)
  check_compiled(self, method)
  local data = {as_tensor(a.x, "x"), as_tensor(a.y, "y"), as_tensor(a.sample_weight, "sample_weight")}
  if not data[1] or not data[2] then error(("ValueError: %s needs x and y"):format(method), 3) end
  check_data(data[1], data[2], data[3])
  build_for(self, data[1])
  return scores_list(self, logs_of(self, run_batch(self, kind, data)), a.return_dict)
end

local BATCH = {"x", "y", "sample_weight", "class_weight", "return_dict"}

--- model:train_on_batch(x, y): one step on one batch; the running loss and metrics, as Keras gives them.
function methods:train_on_batch(...) return on_batch(self, "train", "train_on_batch", args("train_on_batch", BATCH, ...)) end

function methods:test_on_batch(...) return on_batch(self, "test", "test_on_batch", args("test_on_batch", BATCH, ...)) end

function methods:predict_on_batch(x)
  x = as_tensor(x, "x")
  build_for(self, x)
  return run_batch(self, "predict", {x})
end

return training
