--- Callbacks: what fit, evaluate and predict call as they go.
local args = require "keras.args"

local HOOKS = {"on_train_begin", "on_train_end", "on_epoch_begin", "on_epoch_end", "on_train_batch_begin",
  "on_train_batch_end", "on_test_begin", "on_test_end", "on_test_batch_begin", "on_test_batch_end", "on_predict_begin",
  "on_predict_end", "on_predict_batch_begin", "on_predict_batch_end"}

local callbacks = {}

--- The base class. `local Mine = keras.callbacks.Callback:extend(); function Mine:on_epoch_end(epoch, logs) ... end`,
-- then Mine(). self.model and self.params are set before training begins.
local Callback = {}
Callback.__index = Callback
for _, hook in ipairs(HOOKS) do Callback[hook] = function() end end
function Callback:on_batch_begin() end
function Callback:on_batch_end() end
-- Keras's old names for the hooks of a training batch.
function Callback:on_train_batch_begin(batch, logs) self:on_batch_begin(batch, logs) end
function Callback:on_train_batch_end(batch, logs) self:on_batch_end(batch, logs) end
function Callback:set_model(model) self.model = model end
function Callback:set_params(params) self.params = params end

function Callback:extend()
  local class = setmetatable({}, {__index = self, __call = function(class, ...)
    local object = setmetatable({}, class)
    if class.init then class.init(object, ...) end
    return object
  end})
  class.__index = class
  return class
end
setmetatable(Callback, {__call = function(class) return setmetatable({}, class) end})
callbacks.Callback = Callback

-- ---- History ---------------------------------------------------------------------------------------------------------

local History = Callback:extend()
callbacks.History = History

function History:init() self.history, self.epoch = {}, {} end

function History:on_epoch_end(epoch, logs)
  self.epoch[#self.epoch + 1] = epoch
  for name, value in pairs(logs) do
    self.history[name] = self.history[name] or {}
    table.insert(self.history[name], value)
  end
end

-- ---- monitoring ------------------------------------------------------------------------------------------------------

-- Whether a larger value of `monitor` is better.
local function larger_is_better(mode, monitor, who)
  if mode == "max" then return true end
  if mode == "min" then return false end
  if mode ~= nil and mode ~= "auto" then error(("ValueError: %s: mode must be auto, min or max"):format(who), 4) end
  return monitor:find("acc") ~= nil or monitor:find("auc") ~= nil
end

local function monitored(self, logs)
  local value = logs[self.monitor]
  if value ~= nil or self.told then return value end
  self.told = true
  local names = {}
  for name in pairs(logs) do names[#names + 1] = name end
  table.sort(names)
  io.stderr:write(("%s: there is no '%s' to monitor; available are: %s\n"):format(self.name, self.monitor,
    table.concat(names, ", ")))
end

local function improved(self, value, best)
  if self.larger then return value - (self.min_delta or 0) > best end
  return value + (self.min_delta or 0) < best
end

-- ---- EarlyStopping ---------------------------------------------------------------------------------------------------

local EarlyStopping = Callback:extend()
callbacks.EarlyStopping = EarlyStopping

--- keras.callbacks.EarlyStopping{monitor = "val_loss", min_delta = 0, patience = 0, mode = "auto", baseline,
-- restore_best_weights = false, start_from_epoch = 0, verbose = 0}
function EarlyStopping:init(...)
  local a = args("EarlyStopping", {"monitor", "min_delta", "patience", "verbose", "mode", "baseline",
    "restore_best_weights", "start_from_epoch"}, ...)
  self.name, self.monitor = "EarlyStopping", a.monitor or "val_loss"
  self.min_delta, self.patience, self.verbose = math.abs(a.min_delta or 0), a.patience or 0, a.verbose or 0
  self.baseline, self.restore, self.start_from = a.baseline, a.restore_best_weights, a.start_from_epoch or 0
  self.larger = larger_is_better(a.mode, self.monitor, "EarlyStopping")
end

function EarlyStopping:on_train_begin()
  self.wait, self.stopped_epoch, self.best_epoch, self.best_weights = 0, 0, 0, nil
  self.best = nil
end

function EarlyStopping:on_epoch_end(epoch, logs)
  local value = monitored(self, logs)
  if value == nil or epoch < self.start_from then return end
  if self.restore and not self.best_weights then
    self.best_weights, self.best_epoch = self.model:get_weights(), epoch
  end
  self.wait = self.wait + 1
  if self.best == nil or improved(self, value, self.best) then
    self.best, self.best_epoch = value, epoch
    if self.restore then self.best_weights = self.model:get_weights() end
    if self.baseline == nil or improved(self, value, self.baseline) then self.wait = 0 end
    return
  end
  if self.wait >= self.patience and epoch > 0 then
    self.stopped_epoch = epoch
    self.model.stop_training = true
  end
end

function EarlyStopping:on_train_end()
  if self.stopped_epoch > 0 and self.verbose > 0 then
    io.write(("Epoch %d: early stopping\n"):format(self.stopped_epoch + 1))
  end
  if self.restore and self.best_weights then
    if self.verbose > 0 then
      io.write(("Restoring model weights from the end of the best epoch: %d.\n"):format(self.best_epoch + 1))
    end
    self.model:set_weights(self.best_weights)
  end
end

-- ---- ModelCheckpoint -------------------------------------------------------------------------------------------------

local ModelCheckpoint = Callback:extend()
callbacks.ModelCheckpoint = ModelCheckpoint

--- keras.callbacks.ModelCheckpoint("weights.{epoch:02d}-{val_loss:.2f}.safetensors", {monitor = "val_loss",
-- save_best_only = false, mode = "auto", save_weights_only = true, save_freq = "epoch", verbose = 0})
function ModelCheckpoint:init(...)
  local a = args("ModelCheckpoint", {"filepath", "monitor", "verbose", "save_best_only", "save_weights_only", "mode",
    "save_freq", "initial_value_threshold"}, ...)
  if not a.filepath then error("TypeError: ModelCheckpoint needs a filepath", 3) end
  if a.save_weights_only == false then
    error("ValueError: ModelCheckpoint: whole models cannot be saved yet; use save_weights_only = true", 3)
  end
  if a.save_freq ~= nil and a.save_freq ~= "epoch" then
    error("ValueError: ModelCheckpoint: save_freq must be \"epoch\"", 3)
  end
  self.name, self.filepath, self.monitor = "ModelCheckpoint", a.filepath, a.monitor or "val_loss"
  self.best_only, self.verbose, self.best = a.save_best_only, a.verbose or 0, a.initial_value_threshold
  self.larger = larger_is_better(a.mode, self.monitor, "ModelCheckpoint")
end

-- "{epoch:02d}" and "{val_loss:.2f}" as Python's str.format fills them.
local function fill(path, values)
  return (path:gsub("{([%w_]+):?([^}]*)}", function(name, format)
    local value = values[name]
    if value == nil then error(("ValueError: ModelCheckpoint: the file name asks for '%s', which is not logged"):format(name), 0) end
    if format == "" then return tostring(value) end
    if format:find("d$") then value = math.tointeger(value) or math.floor(value) end
    return ("%" .. format):format(value)
  end))
end

function ModelCheckpoint:on_epoch_end(epoch, logs)
  local values = {epoch = epoch + 1}
  for name, value in pairs(logs) do values[name] = value end
  local path = fill(self.filepath, values)
  if self.best_only then
    local value = monitored(self, logs)
    if value == nil or (self.best ~= nil and not improved(self, value, self.best)) then return end
    self.best = value
  end
  if self.verbose > 0 then io.write(("\nEpoch %d: saving model to %s\n"):format(epoch + 1, path)) end
  self.model:save_weights(path)
end

-- ---- LambdaCallback --------------------------------------------------------------------------------------------------

--- keras.callbacks.LambdaCallback{on_epoch_end = function(epoch, logs) ... end}
function callbacks.LambdaCallback(functions)
  local known, object = {}, Callback()
  for _, hook in ipairs(HOOKS) do known[hook] = true end
  for hook, f in pairs(functions) do
    if not known[hook] then
      local near = celda.nearest(hook, HOOKS)
      error(("TypeError: LambdaCallback: unknown hook '%s'%s"):format(hook, near and ("; did you mean '%s'?"):format(near) or ""), 2)
    end
    object[hook] = function(_, ...) return f(...) end
  end
  return object
end

-- ---- the list that fit calls -------------------------------------------------------------------------------------------

--- Calls each hook of all callbacks in order; a History is always among them.
function callbacks.list(model, given, params)
  local all = {}
  if given and (given.on_epoch_end or given.set_model) then given = {given} end
  for i, callback in ipairs(given or {}) do all[i] = callback end
  local history
  for _, callback in ipairs(all) do
    if getmetatable(callback) == History then history = callback end
  end
  if not history then
    history = History()
    all[#all + 1] = history
  end
  history.params = params
  for _, callback in ipairs(all) do
    if callback.set_model then callback:set_model(model) end
    if callback.set_params then callback:set_params(params) end
  end
  local list = {history = history}
  for _, hook in ipairs(HOOKS) do
    list[hook] = function(_, ...)
      for _, callback in ipairs(all) do
        if callback[hook] then callback[hook](callback, ...) end
      end
    end
  end
  return list
end

return callbacks
