--- Callbacks: what fit, evaluate and predict call as they go. The base class, History, LambdaCallback, the progress line,
-- and the list that calls them all.
local arguments = require "keras.arguments"
local core = require "celda.core"
local help = require "help"
local Progbar = require "keras.progbar"
local callbacks = {}

local HOOKS = {"on_train_begin", "on_train_end", "on_epoch_begin", "on_epoch_end", "on_train_batch_begin",
  "on_train_batch_end", "on_test_begin", "on_test_end", "on_test_batch_begin", "on_test_batch_end", "on_predict_begin",
  "on_predict_end", "on_predict_batch_begin", "on_predict_batch_end"}

--- The base class: `local Mine = keras.callbacks.Callback:extend()`, then `function Mine:on_epoch_end(epoch, logs) ... end`
-- and Mine(...), whose arguments init(...) gets. self.model and self.params are set before training begins.
local Callback = {class_name = "Callback"}
callbacks.Callback = Callback

for _, hook in ipairs(HOOKS) do Callback[hook] = function() end end
function Callback:init() end
function Callback:on_batch_begin(_, _) end
function Callback:on_batch_end(_, _) end
function Callback:on_train_batch_begin(batch, logs) self:on_batch_begin(batch, logs) end
function Callback:on_train_batch_end(batch, logs) self:on_batch_end(batch, logs) end
function Callback:set_model(model) self.model = model end
function Callback:set_params(params) self.params = params end

local function construct(class, ...)
  local object = setmetatable({}, class)
  object:init(...)
  return object
end

--- Callback:extend([name]): a class; its objects print as <name>.
function Callback:extend(name)
  local class = setmetatable({class_name = name or self.class_name}, {__index = self, __call = construct})
  class.__index, class.__tostring, class.__name = class, self.__tostring, class.class_name
  return class
end
function Callback:__tostring() return ("<%s>"):format(self.class_name) end
Callback.subclass = Callback.extend
Callback.__index = Callback
setmetatable(Callback, {__call = construct})

-- ---- History -----------------------------------------------------------------------------------------------------------

--- What fit returns: history.history.loss is a list with a value for each epoch, history.epoch their numbers from 0.
local History = Callback:extend "History"
callbacks.History = History

function History:on_train_begin() self.history, self.epoch = {}, {} end

function History:on_epoch_end(epoch, logs)
  self.epoch[#self.epoch + 1] = epoch
  for name, value in pairs(logs or {}) do
    self.history[name] = self.history[name] or {}
    table.insert(self.history[name], value)
  end
end

--- history:plot(): a figure with a plot for each metric, over the epochs, training beside validation.
function History:plot()
  local names = {}
  for name in pairs(self.history or {}) do if name:sub(1, 4) ~= "val_" then names[#names + 1] = name end end
  if #names == 0 then core.raise("ValueError", "history:plot(): there is no epoch yet") end
  table.sort(names)
  local figure = require "plot.figure".new(1, #names, {4.8 * #names, 3.6})
  local epochs = {}
  for i, epoch in ipairs(self.epoch) do epochs[i] = epoch + 1 end
  for i, name in ipairs(names) do
    local axes = figure.axes[i]:set_title(name):set_xlabel("epoch")
    axes.whole = true
    for _, series in ipairs {{name, "training"}, {"val_" .. name, "validation"}} do
      local values = self.history[series[1]]
      if values then axes:line(epochs, values, {label = series[2], marker = "o", markersize = 3}) end
    end
  end
  return figure
end

-- ---- the progress line ---------------------------------------------------------------------------------------------------

local ProgbarLogger = Callback:extend "ProgbarLogger"
callbacks.ProgbarLogger = ProgbarLogger

function ProgbarLogger:init(verbose, columns) self.verbose, self.columns = verbose, columns end

function ProgbarLogger:start() self.bar = Progbar.new(self.params.steps, self.verbose, self.columns) end
function ProgbarLogger:show(batch, logs)
  if self.verbose == 1 then self.bar:update(batch + 1, logs, false) end
end
function ProgbarLogger:finish(logs) self.bar:update(self.params.steps, logs, true) end

function ProgbarLogger:on_train_begin() self.in_fit = true end

function ProgbarLogger:on_epoch_begin(epoch)
  self:start()
  if self.params.epochs > 1 then io.write(("Epoch %d/%d\n"):format(epoch + 1, self.params.epochs)) end
end

function ProgbarLogger:on_train_batch_end(batch, logs) self:show(batch, logs) end
function ProgbarLogger:on_epoch_end(_, logs) self:finish(logs) end

-- Validation within fit is silent.
function ProgbarLogger:on_test_begin() if not self.in_fit then self:start() end end
function ProgbarLogger:on_test_batch_end(batch, logs) if not self.in_fit then self:show(batch, logs) end end
function ProgbarLogger:on_test_end(logs) if not self.in_fit then self:finish(logs) end end
function ProgbarLogger:on_predict_begin() self:start() end
function ProgbarLogger:on_predict_batch_end(batch) self:show(batch, nil) end
function ProgbarLogger:on_predict_end() self:finish(nil) end

-- ---- LambdaCallback ----------------------------------------------------------------------------------------------------

--- keras.callbacks.LambdaCallback{on_epoch_end = function(epoch, logs) ... end}
function callbacks.LambdaCallback(functions)
  local object, known = Callback(), {}
  if type(functions) ~= "table" then
    core.raise("TypeError", "LambdaCallback: expected a table of functions, not %s", arguments.shown(functions))
  end
  for _, hook in ipairs(HOOKS) do known[hook] = true end
  for hook, f in pairs(functions) do
    if not known[hook] then
      local near = core.nearest(tostring(hook), HOOKS)
      core.raise("TypeError", "LambdaCallback: unknown argument '%s'%s", tostring(hook),
        near and ("; did you mean '%s'?"):format(near) or "")
    end
    if not help.callable(f) then arguments.refuse("LambdaCallback", hook, "a function", f) end
    object[hook] = function(_, ...) return f(...) end
  end
  return object
end

-- Each of these is a file of its own.
for name, module in pairs {BackupAndRestore = "keras.backup_and_restore", CSVLogger = "keras.csv_logger",
  EarlyStopping = "keras.early_stopping", LearningRateScheduler = "keras.learning_rate_scheduler",
  ModelCheckpoint = "keras.model_checkpoint", ReduceLROnPlateau = "keras.reduce_lr_on_plateau",
  TerminateOnNaN = "keras.terminate_on_nan"} do
  callbacks[name] = function(...) return require(module)(...) end
end

help.register("keras.callbacks.BackupAndRestore", [[
keras.callbacks.BackupAndRestore(backup_dir, {save_freq = "epoch", delete_checkpoint = true})
Keeps the state of training in a folder, after each epoch or so many batches. The same fit, in another session, goes on from
there and ends bit for bit as it would have; when it has ended, the backup is removed.]], callbacks.BackupAndRestore)
help.register("keras.callbacks.CSVLogger", [[
keras.callbacks.CSVLogger(filename, {separator = ",", append = false})
Writes a line with the epoch's loss and metrics into a file as each epoch ends.]], callbacks.CSVLogger)
help.register("keras.callbacks.EarlyStopping", [[
keras.callbacks.EarlyStopping{monitor = "val_loss", min_delta = 0, patience = 0, mode = "auto", restore_best_weights = false}
Ends training when a value has not got better for `patience` epochs. Further: verbose, baseline, start_from_epoch.]],
  callbacks.EarlyStopping)
help.register("keras.callbacks.LearningRateScheduler", [[
keras.callbacks.LearningRateScheduler(function(epoch, rate) return rate end, {verbose = 0})
The function says what each epoch's learning rate is; epochs count from 0.]], callbacks.LearningRateScheduler)
help.register("keras.callbacks.ModelCheckpoint", [[
keras.callbacks.ModelCheckpoint(filepath, {monitor = "val_loss", save_best_only = false, mode = "auto", save_freq = "epoch"})
Saves the model after each epoch, where filepath ends with .celda; else its weights, as safetensors. filepath may hold
{epoch:02d} and {val_loss:.2f}. Further: verbose, save_weights_only, initial_value_threshold.]], callbacks.ModelCheckpoint)
help.register("keras.callbacks.ReduceLROnPlateau", [[
keras.callbacks.ReduceLROnPlateau{monitor = "val_loss", factor = 0.1, patience = 10, cooldown = 0, min_lr = 0}
Multiplies the learning rate by `factor` when a value has not got better for `patience` epochs. Further: verbose, mode,
min_delta.]], callbacks.ReduceLROnPlateau)
help.register("keras.callbacks.TerminateOnNaN", [[
keras.callbacks.TerminateOnNaN{raise_error = false}
Ends training as soon as the loss is no number, or infinite.]], callbacks.TerminateOnNaN)

-- ---- the list ------------------------------------------------------------------------------------------------------------

-- What the front can show: {redraws, width}.
local function screen() return celda.output and celda.output() or {} end

-- 1 and "auto" redraw on a terminal, and print a line an epoch elsewhere.
local function verbosity(verbose, terminal)
  if verbose == nil or verbose == "auto" or verbose == true then verbose = 1 end
  if verbose == false then verbose = 0 end
  if verbose ~= 0 and verbose ~= 1 and verbose ~= 2 then
    core.raise("ValueError", "verbose must be 0, 1, 2 or \"auto\", not %s", tostring(verbose))
  end
  return verbose == 1 and not terminal and 2 or verbose
end

local function find(all, class)
  for _, callback in ipairs(all) do
    if getmetatable(callback) == class then return callback end
  end
end

local List = {}
List.__index = List
for _, hook in ipairs(HOOKS) do
  List[hook] = function(self, ...)
    for _, callback in ipairs(self.all) do
      local f = callback[hook]
      if f then f(callback, ...) end
    end
  end
end
function List:__close() if self.progress and self.progress.bar then self.progress.bar:close() end end

local function is_callback(value) return type(value) == "table" and (value.on_epoch_end or value.set_model) ~= nil end

--- The list that calls the given callbacks in order, then a History and the progress line.
function callbacks.list(model, given, verbose, params)
  local all, show = {}, screen()
  if is_callback(given) then given = {given} end
  for i, callback in ipairs(given or {}) do
    if not is_callback(callback) then
      core.raise("TypeError", "callbacks must be a list of callbacks; number %d is a %s", i, type(callback))
    end
    all[i] = callback
  end
  local history = find(all, History)
  if not history then
    history = History()
    all[#all + 1] = history
  end
  local progress = find(all, ProgbarLogger)
  params.verbose = verbosity(verbose, show.redraws)
  if not progress and params.verbose ~= 0 then
    progress = ProgbarLogger(params.verbose, show.width)
    all[#all + 1] = progress
  end
  for _, callback in ipairs(all) do
    if callback.set_model then callback:set_model(model) end
    if callback.set_params then callback:set_params(params) end
  end
  return setmetatable({all = all, progress = progress, history = history}, List)
end

return callbacks
