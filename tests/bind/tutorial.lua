-- The same seed gives the same run as Keras: the first batches of the tutorial, with dropout and shuffling, against what
-- Keras's fit said after set_random_seed(200). Needs Debian's dataset-fashion-mnist, which `make check` installs.
local found, train = pcall(datasets.fashion_mnist.load_data)
if not found then
  print "skipped: no Fashion-MNIST here"
  return
end
local golden = safetensors.load "tests/golden/tutorial/tutorial_fit_seed200_2threads.safetensors"
local L = keras.layers
keras.backend.clear_session()
keras.utils.set_random_seed(200)
local model = keras.Sequential{keras.Input{28, 28, 1}}
for _, filters in ipairs{64, 128, 256} do
  model:add(L.BatchNormalization())
  model:add(L.Conv2D(filters, {5, 5}, {padding = "same", activation = "elu"}))
  model:add(L.MaxPooling2D{pool_size = {2, 2}, strides = {2, 2}})
  model:add(L.Dropout(0.25))
end
model:add(L.Flatten())
model:add(L.Dense(256))
model:add(L.Activation "elu")
model:add(L.Dropout(0.5))
model:add(L.Dense(10))
model:add(L.Activation "softmax")
model:compile{optimizer = "adam", loss = "sparse_categorical_crossentropy", metrics = {"accuracy"}}

local x, y = train[1]["1:59904"]:reshape(59904, 28, 28, 1), train[2]["1:59904"]
local worst, steps = 0, 20
local Compare = keras.callbacks.Callback:extend()
function Compare:on_train_batch_end(batch, logs)
  local difference = math.abs(logs.loss - golden.running_loss[batch + 1]:item())
  if batch == 0 then assert(difference <= 1e-5 * golden.running_loss[1]:item(), "the first loss differs by " .. difference) end
  worst = math.max(worst, difference)
  if batch + 1 == steps then error "enough" end
end
local ok, message = pcall(model.fit, model, x, y, {batch_size = 128, epochs = 2, verbose = 0, callbacks = {Compare()}})
assert(not ok and tostring(message):find "enough", message)
assert(worst <= 8e-3, "over 20 batches the loss differs by " .. worst)
