--- The networks of nets.json, compiled: network(FOLDER, NAME) gives the model and its entry there.
local L = keras.layers
local makers = {
  bn = L.BatchNormalization,
  conv = function(filters, size, padding, f) return L.Conv2D(filters, size, {padding = padding, activation = f}) end,
  maxpool = L.MaxPooling2D,
  dropout = L.Dropout,
  flatten = L.Flatten,
  dense = function(units, f) return L.Dense(units, {activation = f}) end,
}

return function(folder, name)
  local net = json.decode(io.open(folder .. "/nets.json"):read "a")[name]
  local model = keras.Sequential {keras.Input(net.shape)}
  for _, layer in ipairs(net.layers) do model:add(makers[layer[1]](table.unpack(layer, 2))) end
  model:compile {optimizer = "adam", loss = keras.losses.SparseCategoricalCrossentropy {from_logits = true}}
  return model, net
end
