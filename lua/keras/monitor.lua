--- Callbacks that watch one value of the logs: what is better, and whether it got better.
local callbacks = require "keras.callbacks"

local Monitor = callbacks.Callback:extend()

local RISES = {"accuracy", "acc", "auc", "precision", "recall", "f1", "r2", "iou"} -- words for what is better when it is more

-- To be called once monitor, mode and min_delta are set; `who` names the callback in messages.
function Monitor:watch(who) self.who, self.min_delta = who, math.abs(self.min_delta or 0) end

local function names_rising(name)
  for _, word in ipairs(RISES) do
    if name:lower():find(word, 1, true) then return true end
  end
  return false
end

-- By the class of the model's metric of that name, else by the name itself.
local function rises(self)
  if self.mode ~= "auto" then return self.mode == "max" end
  local name = self.monitor:gsub("^val_", "")
  for _, metric in ipairs(self.model and self.model.metrics or {}) do
    if metric.name == name and metric.class_name then return names_rising(metric.class_name) end
  end
  return names_rising(self.monitor)
end

--- Whether value is better than best by more than min_delta; anything is better than nil.
function Monitor:is_improvement(value, best)
  if best == nil then return true end
  if rises(self) then return value - self.min_delta > best end
  return value + self.min_delta < best
end

--- The watched value of the logs; nil, and said once, where it is not there.
function Monitor:value_of(logs)
  local value = logs and logs[self.monitor]
  if value ~= nil or self.told then return value end
  self.told = true
  local names = {}
  for name in pairs(logs or {}) do names[#names + 1] = name end
  table.sort(names)
  io.stderr:write(("%s conditioned on metric `%s` which is not available. Available metrics are: %s\n"):format(self.who,
    self.monitor, table.concat(names, ",")))
end

return Monitor
