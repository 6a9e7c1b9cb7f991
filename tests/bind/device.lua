-- Moving the session between the cpu and an OpenCL device while a model is trained.
local L = keras.layers

local function network(seed)
  keras.utils.set_random_seed(seed or 200)
  local model = keras.Sequential{
    L.BatchNormalization{input_shape = {8, 8, 1}}, L.Conv2D(4, {3, 3}, {padding = "same", activation = "elu"}),
    L.MaxPooling2D{pool_size = {2, 2}}, L.Dropout(0.25), L.Flatten(), L.Dense(5, {activation = "softmax"}),
  }
  model:compile{optimizer = "adam", loss = "sparse_categorical_crossentropy", metrics = {"accuracy"}}
  return model
end

local x = tensor.random.uniform({40, 8, 8, 1}, {seed = 3})
local y = tensor.random.integers(0, 5, {40}, {seed = 4})

local function train(model, steps)
  for _ = 1, steps do model:train_on_batch(x, y) end
end

-- The bytes of all that training changes.
local function bytes(model)
  local all = {}
  for _, v in ipairs(model.weights) do all[#all + 1] = v:numpy():tobytes() end
  for _, v in ipairs(model.optimizer.variables) do all[#all + 1] = v:numpy():tobytes() end
  return all
end

local function near_weights(a, b, tolerance)
  for i, v in ipairs(a.weights) do near(v:numpy():to "cpu", b.weights[i]:numpy():to "cpu", tolerance, v.path) end
end

test("device() names the runtime device, and moves to the one that is named", function()
  eq(device(), "cpu")
  device "opencl"
  ok(device():find "^opencl:0 %(.+%)$")
  eq(x.device, device())
  eq(tensor.ones{2}.device, device())
  device(device())
  device "cpu"
  eq({device(), x.device}, {"cpu", "cpu"})
end)

test("to and fro, every byte is the same, and what shared still shares", function()
  local model = network()
  train(model, 3)
  local before, row, text = bytes(model), x["2"], x:tobytes()
  do
    local _ <close> = device "opencl"
    eq(bytes(model), before)
    eq(x:tobytes(), text)
    eq({row.device, model.weights[1]:numpy().device}, {device(), device()})
    local whole = tensor.zeros{2, 3}
    local part = whole["1"]
    device("cpu", function() part["2"] = 5 end)
    eq(whole, {{0, 5, 0}, {0, 0, 0}})
  end
  eq(bytes(model), before)
  eq(row:tobytes(), x["2"]:tobytes())
end)

test("one step is the same there, to golden tolerance", function()
  local here, there = network(), network()
  local loss = here:train_on_batch(x, y, {return_dict = true}).loss
  near(device("opencl", there.train_on_batch, there, x, y, {return_dict = true}).loss, loss, 1e-5)
  near_weights(there, here, 1e-5)
end)

test("ten steps, there and back again while they run", function()
  local here, there = network(), network()
  train(here, 10)
  train(there, 3)
  device("opencl", train, there, 4)
  train(there, 3)
  near_weights(there, here, 1e-4)
end)

test("fit goes on after a move: seeds, counters and order come along", function()
  local here, there = network(), network()
  local wanted = here:fit(x, y, {epochs = 4, batch_size = 16, verbose = 0}).history.loss
  local mover = keras.callbacks.Callback:extend "Mover"
  function mover:on_epoch_begin(epoch) device(epoch % 2 == 0 and "opencl" or "cpu") end
  local got = there:fit(x, y, {epochs = 4, batch_size = 16, verbose = 0, callbacks = {mover()}}).history.loss
  device "cpu"
  near(got, wanted, 1e-4)
end)

test("what fails inside is told, and the session is back where it was", function()
  fails("inside", device, "opencl", function() error "inside" end)
  eq(device(), "cpu")
  fails("unknown device 'opncl'; did you mean 'opencl'?", device, "opncl")
  fails("tensors on different devices", function() return x + x:to "opencl" end)
  eq({device(), x.device}, {"cpu", "cpu"})
end)

test("elements that do not lie side by side are read and written there", function()
  local _ <close> = device "opencl"
  local m = tensor.arange(12):reshape{3, 4}
  eq(m:transpose(), {{0, 4, 8}, {1, 5, 9}, {2, 6, 10}, {3, 7, 11}})
  eq(m["::-1, ::2"], {{8, 10}, {4, 6}, {0, 2}})
  m["::-2, 2"] = tensor{-1, -2}
  m["2"] = 9
  eq(m, {{0, -2, 2, 3}, {9, 9, 9, 9}, {8, -1, 10, 11}})
end)

test("an index or a label out of range is told where it is used", function()
  local _ <close> = device "opencl"
  fails("index 9 at place 1 is outside [0, 3)", function() return tensor{1, 2, 3}:take(tensor{0, 9}) end)
  local model = network()
  fails("label 5 is outside [0, 5)", model.train_on_batch, model, x, tensor.full({40}, 5))
  train(model, 1)
end)

test("a tape's gradients move with it", function()
  local v = keras.Variable(tensor{1.0, 2.0, 3.0})
  local tape, target = keras.GradientTape()
  do
    local _ <close> = tape
    target = (v * v):sum()
  end
  near(device("opencl", function() return tape:gradient(target, v):to "cpu" end), {2, 4, 6}, 1e-6)
end)
