--- step.lua FOLDER NET BATCH SECONDS: trains and predicts single batches of a network of nets.json, and prints JSON: the
-- milliseconds of each step, the first one's, and memory. What every peer beside this file prints.
local folder, name, batch, seconds = table.unpack(arg)
local net = json.decode(io.open(folder .. "/nets.json"):read "a")[name]
local L, now = keras.layers, timeit.default_timer
batch = batch == "0" and net.batch or math.tointeger(batch)

local makers = {
  bn = L.BatchNormalization,
  conv = function(filters, size, padding, f) return L.Conv2D(filters, size, {padding = padding, activation = f}) end,
  maxpool = L.MaxPooling2D,
  dropout = L.Dropout,
  flatten = L.Flatten,
  dense = function(units, f) return L.Dense(units, {activation = f}) end,
}

keras.utils.set_random_seed(200)
local model = keras.Sequential {keras.Input(net.shape)}
for _, layer in ipairs(net.layers) do model:add(makers[layer[1]](table.unpack(layer, 2))) end
model:compile {optimizer = "adam", loss = keras.losses.SparseCategoricalCrossentropy {from_logits = true}}
local x = tensor.random.uniform {batch, table.unpack(net.shape)}
local y = tensor.random.integers(0, 10, {batch})

-- The milliseconds of each call of f, for some seconds.
local function times(f)
  local list, stop = {}, now() + tonumber(seconds)
  repeat
    local start = now()
    f()
    list[#list + 1] = (now() - start) * 1e3
  until now() > stop
  return list
end

local function train() model:train_on_batch(x, y) end
local function predict() model:predict_on_batch(x) end
local start = now()
train()
local first = (now() - start) * 1e3
train()
predict()
print(json.encode {first = first, train = times(train), predict = times(predict), bytes = celda.stats().peak_bytes})
