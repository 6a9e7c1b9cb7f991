--- BackupAndRestore: training that was interrupted goes on where it was, within an epoch, too, and ends bit for bit as it
-- would have.
local arguments = require "keras.arguments"
local callbacks = require "keras.callbacks"
local core = require "celda.core"
local compile = require "keras.compile"
local steps = require "keras.steps"

local BackupAndRestore = callbacks.Callback:extend "BackupAndRestore"

--- BackupAndRestore(backup_dir, {save_freq = "epoch", delete_checkpoint = true})
function BackupAndRestore:init(...)
  arguments.take(self, {{"backup_dir", "string", required = true}, {"save_freq", "frequency", "epoch"},
    {"double_checkpoint", "boolean", false}, {"delete_checkpoint", "boolean", true}}, ...)
  if self.backup_dir == "" then
    core.raise("ValueError", "Empty `backup_dir` argument passed: it must be the path of a folder")
  end
  if self.double_checkpoint then
    core.raise("UnsupportedError", "BackupAndRestore: double_checkpoint is not needed: a backup is whole or not there")
  end
  self.batches = 0
end

local function path_of(self) return self.backup_dir .. "/backup.celda" end

-- ---- what there is to keep ---------------------------------------------------------------------------------------------

-- The generators' states of layers that draw, which are no weights.
local function add_seeds(layer, list)
  if core.kind_of(layer) == "layers" then
    local own = core.object_variables(layer)
    table.move(own, #layer.weights + 1, #own, #list + 1, list)
  elseif core.kind_of(layer) == nil then
    for _, part in ipairs(rawget(layer, "stack") or rawget(layer, "_parts") or {}) do add_seeds(part, list) end
  end
  return list
end

local function variables_of(model)
  local list = add_seeds(model, {})
  for _, variables in ipairs {model.weights, model.optimizer.variables} do table.move(variables, 1, #variables, #list + 1, list) end
  return list
end

local function metrics_of(model)
  local list = {}
  for _, metric in ipairs(compile.metrics(model)) do table.move(metric.variables, 1, #metric.variables, #list + 1, list) end
  return list
end

local function values_of(variables)
  local values = {}
  for i, v in ipairs(variables) do values[i] = v.value end
  return values
end

local function save(self, epoch, step)
  core.make_folder(self.backup_dir)
  celda.save(path_of(self), {
    epoch = epoch, step = step, order = step > 0 and self.model._running.order or nil,
    variables = values_of(variables_of(self.model)), metrics = step > 0 and values_of(metrics_of(self.model)) or {},
    randomness = core.get_randomness(),
  })
end

-- ---- going on ----------------------------------------------------------------------------------------------------------

local function assign_all(self, variables, values)
  local fits = #variables == #values
  for i, v in ipairs(variables) do fits = fits and v.shape == values[i].shape and v.dtype == values[i].dtype end
  if not fits then core.raise("ValueError", "'%s' is of another model: remove it to train this one", path_of(self)) end
  for i, v in ipairs(variables) do v:assign(values[i]) end
end

local function is_there(path)
  local file = io.open(path, "rb")
  if file then file:close() end
  return file ~= nil
end

function BackupAndRestore:on_train_begin()
  local model = self.model
  if not is_there(path_of(self)) then return end
  local state = celda.load(path_of(self))
  steps.prepare(model)
  if state.step > 0 then
    local x, y = table.unpack(model._running.sample)
    compile.resolve(model, y, model(x, {training = false}))
  end
  assign_all(self, variables_of(model), state.variables)
  if state.step > 0 then assign_all(self, metrics_of(model), state.metrics) end
  core.set_randomness(state.randomness)
  model._resume = {epoch = state.epoch, step = state.step, order = state.order}
end

function BackupAndRestore:on_epoch_begin(epoch) self.epoch = epoch end

function BackupAndRestore:on_train_batch_end(batch)
  if self.save_freq == "epoch" then return end
  self.batches = self.batches + 1
  if self.batches % self.save_freq == 0 then save(self, self.epoch, batch + 1) end
end

function BackupAndRestore:on_epoch_end(epoch)
  if self.save_freq == "epoch" then save(self, epoch + 1, 0) end
end

function BackupAndRestore:on_train_end()
  if not self.delete_checkpoint or not is_there(path_of(self)) then return end
  os.remove(path_of(self))
  os.remove(self.backup_dir) -- if nothing else is there
end

return BackupAndRestore
