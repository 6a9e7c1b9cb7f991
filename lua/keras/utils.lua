--- keras.utils.
local core = require "celda.core"
local utils = {}

--- set_random_seed(seed): celda's randomness starts anew, as Keras's does: initial weights, dropout masks, sample order.
utils.set_random_seed = core.set_random_seed

--- to_categorical(labels[, num_classes]): rows with one 1 each, float32.
function utils.to_categorical(...)
  local labels, classes = core.args("to_categorical", {"x", "num_classes", list = true}, ...)
  labels = tensor(labels):astype "int64"
  local most = labels.size > 0 and labels:max():item() or -1
  if classes and most >= classes then
    core.raise("IndexError", "to_categorical: label %d is out of range for num_classes = %d", most, classes)
  end
  return labels:one_hot(classes or most + 1)
end

--- normalize(x[, axis = -1, order = 2]): x over its norm along an axis; where that is 0, x.
function utils.normalize(...)
  local x, axis, order = core.args("normalize", {"x", "axis", "order", list = true}, ...)
  x, axis, order = tensor(x), axis or -1, order or 2
  local norm = (x:abs() ^ order):sum{axis = axis, keepdims = true} ^ (1 / order)
  return x / tensor.where(norm:eq(0), 1, norm)
end

return utils
