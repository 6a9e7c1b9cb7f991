--- What fit, evaluate and predict are given: tensors of samples, checked, cut into batches.
local core = require "celda.core"
local shown = require "keras.arguments".shown
local data = {}

local function as_tensor(value, what)
  if value == nil or core.kind_of(value) == "tensor" then return value end
  if core.kind_of(value) == "Variable" then return value.value end
  if type(value) == "table" then return tensor(value) end
  core.raise("TypeError", "%s must be a tensor or a list, not a %s", what, core.kind_of(value) or type(value))
end

local function rows_of(t, what)
  if t.ndim == 0 then core.raise("ValueError", "%s holds one number, not samples", what) end
  return t.shape[1]
end

local function sizes_text(names, tensors)
  local parts = {}
  for i, name in ipairs(names) do if tensors[i] then parts[#parts + 1] = ("'%s' sizes: %d"):format(name, rows_of(tensors[i], name)) end end
  return table.concat(parts, ", ")
end

--- {x, y, sample_weight} as tensors of equally many samples. x is required, and y where `labels` is set.
function data.check(method, x, y, weight, labels)
  local names = {"x", "y", "sample_weight"}
  local set = {as_tensor(x, "x"), as_tensor(y, "y"), as_tensor(weight, "sample_weight")}
  if not set[1] then core.raise("ValueError", "%s: missing argument 'x'", method) end
  if labels and not set[2] then core.raise("ValueError", "%s: missing argument 'y'", method) end
  local n = rows_of(set[1], "x")
  for i = 2, 3 do
    if set[i] and rows_of(set[i], names[i]) ~= n then
      core.raise("ValueError", "Data cardinality is ambiguous. Make sure all arrays contain the same number of samples. %s",
        sizes_text(names, set))
    end
  end
  if n == 0 then core.raise("ValueError", "%s: x holds no samples", method) end
  return {set[1], set[2], set[3], n = n}
end

--- The first samples, and the last ones that validation_split keeps.
function data.split(set, fraction)
  if type(fraction) ~= "number" then
    core.raise("TypeError", "`validation_split` must be a number, not %s", shown(fraction))
  end
  if not (fraction > 0 and fraction < 1) then
    core.raise("ValueError", "`validation_split` must be between 0 and 1, received %g", fraction)
  end
  local cut = math.floor(set.n * (1 - fraction))
  if cut == 0 or cut == set.n then
    core.raise("ValueError", "Training data contains %d samples, which is not sufficient to split it into a validation and "
      .. "training set as specified by `validation_split=%g`.", set.n, fraction)
  end
  local head, tail = {n = cut}, {n = set.n - cut}
  for i = 1, 3 do
    if set[i] then head[i], tail[i] = set[i]["1:" .. cut], set[i][cut + 1 .. ":"] end
  end
  return head, tail
end

-- The largest class that has a weight. A list would weigh classes 1 to n, where 0 to n - 1 were meant.
local function largest_class(class_weight, largest_label)
  local most = 0
  if type(class_weight) ~= "table" then core.raise("TypeError", "class_weight must be a table, not a %s", type(class_weight)) end
  for class in pairs(class_weight) do
    if math.type(class) ~= "integer" or class < 0 then
      core.raise("ValueError", "class_weight: a key must be a label, an integer from 0 on, not %s", shown(class))
    end
    most = math.max(most, class)
  end
  if class_weight[0] == nil and most > largest_label then
    core.raise("ValueError", "class_weight: labels count from 0 and end at %d; write {[0] = 1.0, 2.0, ...}", largest_label)
  end
  return most
end

--- sample_weight times the weight of each label's class.
function data.weigh_classes(set, class_weight)
  if class_weight == nil then return set end
  local y, weights = set[2], {}
  if y.ndim > 1 then core.raise("ValueError", "class_weight: y must hold integer labels, its shape is %s", tostring(y.shape)) end
  local largest = math.tointeger(y:max():item()) or 0
  for class = 0, math.max(largest_class(class_weight, largest), largest) do
    weights[class + 1] = (class_weight[class] or 1) + 0.0
  end
  local weight = tensor(weights):take(y:astype "int64")
  return {set[1], y, set[3] and set[3] * weight or weight, n = set.n}
end

--- How many samples a batch has.
function data.batch_size(value) return data.positive("batch_size", value, 32) end

--- A number of epochs: `none` where it is not given.
function data.count(name, value, none)
  if value == nil then return none end
  if math.type(value) == "integer" and value >= 0 then return value end
  core.raise("ValueError", "%s must be an integer from 0 on, not %s", name, shown(value))
end

--- A number from 1 on: `none` where it is not given.
function data.positive(name, value, none)
  if value == nil then return none end
  if math.type(value) == "integer" and value > 0 then return value end
  core.raise("ValueError", "%s must be a positive integer, not %s", name, shown(value))
end

--- How many batches n samples make; `limit` (steps) may ask for fewer.
function data.steps(n, batch_size, limit)
  local all = (n + batch_size - 1) // batch_size
  return math.min(data.positive("steps", limit, all), all)
end

--- "129:256": the rows of batch number i.
function data.range(i, batch_size, n)
  return ("%d:%d"):format((i - 1) * batch_size + 1, math.min(i * batch_size, n))
end

return data
