-- Models: building, fit and its relatives, callbacks, errors in Keras's words.
local L = keras.layers
local function fails(f, text)
  local ok, message = pcall(f)
  if ok then error("did not fail: " .. text, 2) end
  if not tostring(message):find(text, 1, true) then error(("'%s' is not in: %s"):format(text, message), 2) end
end

local function data(n)
  keras.utils.set_random_seed(7)
  local x = tensor.random.uniform{n, 6}
  return x, (x:sum{axis = 1} * 1000 % 3):astype "int64"
end

local function network(seed)
  keras.utils.set_random_seed(seed or 1)
  local model = keras.Sequential{L.Dense(16, {activation = "relu", input_shape = {6}}), L.Dropout(0.2), L.Dense(3), L.Softmax()}
  model:compile{optimizer = keras.optimizers.Adam{learning_rate = 0.01}, loss = "sparse_categorical_crossentropy", metrics = {"accuracy"}}
  return model
end

-- fit learns, counts, and makes no eager op call per step
local x, y = data(200)
local model = network()
local history = model:fit(x, y, {batch_size = 32, epochs = 3, verbose = 0, validation_data = {x, y}})
assert(#history.history.loss == 3 and #history.history.val_accuracy == 3)
assert(history.history.loss[3] < history.history.loss[1])
local function eager_calls(n)
  local before = celda.stats().eager_calls
  model:fit(x["1:" .. n], y["1:" .. n], {batch_size = 10, verbose = 0})
  return celda.stats().eager_calls - before
end
eager_calls(100)
eager_calls(200)
assert(eager_calls(100) == eager_calls(200), "fit makes eager calls per step")

-- the same seed, the same run; a custom loop gives the numbers of fit
local function weights_after(train)
  local m = network(5)
  keras.utils.set_random_seed(5)
  m = network(5)
  train(m)
  return m:get_weights()[1]
end
local by_fit = weights_after(function(m) m:fit(x["1:64"], y["1:64"], {batch_size = 32, shuffle = false, verbose = 0}) end)
local again = weights_after(function(m) m:fit(x["1:64"], y["1:64"], {batch_size = 32, shuffle = false, verbose = 0}) end)
assert(tostring(by_fit) == tostring(again))
local by_hand = weights_after(function(m)
  local loss_of = keras.losses.SparseCategoricalCrossentropy()
  for first = 1, 64, 32 do
    local rows = first .. ":" .. first + 31
    local tape <close> = keras.GradientTape()
    local loss = loss_of(y[rows], m(x[rows], {training = true}))
    local vars, list = m.trainable_variables, {}
    for i, g in ipairs(tape:gradient(loss, vars)) do list[i] = {g, vars[i]} end
    m.optimizer:apply_gradients(list)
  end
end)
assert(by_fit:allclose(by_hand, {atol = 1e-6}), "a custom loop differs from fit")

-- evaluate, predict, the batch methods
local scores = model:evaluate(x, y, {verbose = 0})
assert(#scores == 2 and scores[2] >= 0 and scores[2] <= 1)
assert(model:evaluate(x, y, {verbose = 0, return_dict = true}).accuracy == scores[2])
local p = model:predict(x, {verbose = 0, batch_size = 33})
assert(tostring(p.shape) == "(200, 3)" and p:sum{axis = 1}:allclose(tensor.ones{200}, {atol = 1e-5}))
assert(model:predict_on_batch(x["1:4"]):allclose(p["1:4"], {atol = 1e-6}))
assert(#model:train_on_batch(x["1:8"], y["1:8"]) == 2 and #model:test_on_batch(x["1:8"], y["1:8"]) == 2)

-- weights
local copy = network(9)
copy:set_weights(model:get_weights())
assert(copy:predict(x, {verbose = 0}):allclose(model:predict(x, {verbose = 0})))
local path = (os.getenv "TEST_TMP" or "/tmp") .. "/weights.safetensors"
model:save_weights(path)
network(9):load_weights(path)
assert(model:count_params() == 6 * 16 + 16 + 16 * 3 + 3)
assert(model:get_layer(1).name == model.layers[1].name)
fails(function() model:get_layer "dens" end, "No such layer: dens")
fails(function() model:set_weights{} end, "expecting 4 weights")

-- callbacks
local seen = {}
local Mine = keras.callbacks.Callback:extend()
function Mine:on_epoch_end(epoch, logs) seen[#seen + 1] = epoch .. (logs.val_loss and "v" or "") end
function Mine:on_train_batch_end(batch) seen.batches = (seen.batches or 0) + 1 end
model:fit(x, y, {epochs = 2, batch_size = 50, verbose = 0, callbacks = {Mine()}, validation_split = 0.5})
assert(seen[1] == "0v" and seen[2] == "1v" and seen.batches == 4)
local stopper = keras.callbacks.EarlyStopping{monitor = "loss", patience = 0, min_delta = 100, restore_best_weights = true}
assert(#model:fit(x, y, {epochs = 9, verbose = 0, callbacks = {stopper}}).history.loss == 2)
local saver = keras.callbacks.ModelCheckpoint(path .. ".{epoch:02d}", {monitor = "loss"})
model:fit(x, y, {epochs = 1, verbose = 0, callbacks = {saver}})
assert(io.open(path .. ".01", "rb")):close()
assert(#model:fit(x, y, {epochs = 5, initial_epoch = 3, verbose = 0}).epoch == 2)

-- deferred build, other losses
local late = keras.Sequential{L.Dense(4, {activation = "elu"}), L.Dense(1)}
late:compile{optimizer = keras.optimizers.SGD{learning_rate = 0.1, momentum = 0.9, nesterov = true}, loss = "mse"}
local target = x:sum{axis = 1, keepdims = true}
local h = late:fit(x, target, {epochs = 5, verbose = 0})
assert(late.built and h.history.loss[5] < h.history.loss[1])

-- what prints, what is frozen
local dense = L.Dense{2, name = "head"}
assert(tostring(dense) == "<Dense name=head, built=false>")
dense:build{-1, 3}
assert(tostring(dense) == "<Dense name=head, built=true>")
local frozen = keras.Sequential({L.Dense(2, {input_shape = {3}})}, {trainable = false})
assert(not frozen.trainable and #frozen.trainable_variables == 0 and #frozen.non_trainable_variables == 2)

-- a model as a layer of another
local inner = keras.Sequential{L.Dense(3, {input_shape = {6}})}
local outer = keras.Sequential{inner, L.Dense(1)}
outer:compile{optimizer = "sgd", loss = "mse"}
outer:fit(x, target, {verbose = 0})
assert(outer:count_params() == 6 * 3 + 3 + 3 + 1 and tostring(outer.output_shape) == "(None, 1)")
assert(tostring(inner:compute_output_shape{-1, 6}) == "(None, 3)")
local rebuilt = keras.models.model_from_json(outer:to_json())
rebuilt:set_weights(outer:get_weights())
assert(rebuilt:predict(x, {verbose = 0}):allclose(outer:predict(x, {verbose = 0})))

-- errors name what is wrong
fails(function() outer:compile{loss = "mse"} end, "give an optimizer")
fails(function() outer:fit(x, target, {epochs = 1.5, verbose = 0}) end, "epochs must be an integer")
fails(function() outer:fit(x, target, {validation_data = x, verbose = 0}) end, "validation_data must be {x, y}")
fails(function() keras.Sequential{L.Dense(2, {input_shape = {2}})}:fit(x, y) end, "You must call `compile()` before")
fails(function() model:fit(x, y["1:5"], {verbose = 0}) end, "cardinality is ambiguous")
fails(function() model:fit(x, y, {epoch = 2}) end, "did you mean 'epochs'?")
fails(function() model:fit(x["..., 1:5"], y, {verbose = 0}) end, "found shape=(32, 5)")
fails(function() model:fit(x, y + 3, {verbose = 0}) end, "label")
fails(function() model:compile{optimiser = "adam"} end, "did you mean 'optimizer'?")
fails(function() model:compile{optimizer = "adm", loss = "mse"} end, "did you mean")
fails(function() L.Dense(4, {activaton = "relu"}) end, "activation")
fails(function() L.Conv2D(4, 3, {padding = "sam"}) end, "padding")
fails(function() L.Dens(4) end, "did you mean 'Dense'?")
fails(function() keras.layer.Dense(4) end, "did you mean")
fails(function() model:add(3) end, "can be added to a Sequential")
fails(function() return L.Dense(4).trainble end, "Dense has no 'trainble'; did you mean 'trainable'?")
fails(function() L.Dense(4):get_weigts() end, "did you mean 'get_weights'?")
fails(function() return model.layers[1].kernal end, "Dense has no 'kernal'")
fails(function() L.Dense(4).trainble = false end, "did you mean 'trainable'?")
fails(function() L.Dense(4).units = 5 end, "'units' of Dense cannot be set")
fails(function() return keras.optimizers.Adam().learning_rat end, "did you mean 'learning_rate'?")
fails(function() datasets.mnist.load_data() end, "/usr/share/datasets/mnist\nPut its four .gz files into one of these")

-- the summary, as Keras prints it
keras.backend.clear_session()
local net = keras.Sequential()
net:add(L.BatchNormalization{input_shape = {28, 28, 1}})
for i, filters in ipairs{64, 128, 256} do
  if i > 1 then net:add(L.BatchNormalization()) end
  net:add(L.Conv2D(filters, {5, 5}, {padding = "same", activation = "elu"}))
  net:add(L.MaxPooling2D{pool_size = {2, 2}})
  net:add(L.Dropout(0.25))
end
for _, layer in ipairs{L.Flatten(), L.Dense(256), L.Activation "elu", L.Dropout(0.5), L.Dense(10), L.Activation "softmax"} do
  net:add(layer)
end
local golden = io.open("tests/golden/text/keras_summary.txt"):read "a"
local summary = require "keras.summary"
local function in_golden(text, what) assert(golden:find(text, 1, true), what .. " differs:\n" .. text) end
in_golden(summary(net), "the summary of the built model")
net:compile{optimizer = "adam", loss = "sparse_categorical_crossentropy"}
net:train_on_batch(tensor.zeros({2, 28, 28, 1}), tensor{0, 1})
in_golden(summary(net), "the summary after a step")
local unbuilt = keras.Sequential{L.Dense(3)}
unbuilt.name = "sequential"
in_golden(summary(unbuilt), "the summary before it is built")
