-- Keras 3.15 on TensorFlow 2.21: every case in tests/golden, through the names that a notebook uses.
local CLOSE, STEP = 1e-5, 2e-6 -- tests/golden: single objects; optimizers

local function cases(folder)
  local list = io.popen("ls tests/golden/" .. folder .. "/*.safetensors")
  local paths = {}
  for path in list:lines() do paths[#paths + 1] = path end
  list:close()
  ok(#paths > 0, "no cases in " .. folder)
  local i = 0
  return function()
    i = i + 1
    if paths[i] then return paths[i]:match "([^/]+)%.safetensors", safetensors.load(paths[i]) end
  end
end

-- The tensors prefix0, prefix1, ... of a case.
local function series(case, prefix, suffix)
  local list = {}
  while case[prefix .. #list .. (suffix or "")] do list[#list + 1] = case[prefix .. #list .. (suffix or "")] end
  return list
end

local function layer_case(name, case, metadata)
  local layer, x = keras.layers.deserialize(metadata.layer), series(case, "x")
  local input = #x == 1 and x[1] or x
  layer(input)
  layer:set_weights(series(case, "w"))
  near(layer(input), case.y_inference, CLOSE, name .. ": y_inference")
  local tape <close> = keras.GradientTape()
  tape:watch(x)
  local y = layer(input, {training = true})
  tape:close()
  near(y, case.y_training, CLOSE, name .. ": y_training")
  local sources = {x, layer.trainable_variables}
  local gradients = tape:gradient(y, sources, {output_gradients = case.dy})
  for k, prefix in ipairs{"dx", "dw"} do
    for i, expected in ipairs(series(case, prefix)) do
      near(gradients[k][i], expected, CLOSE, ("%s: %s%d"):format(name, prefix, i - 1))
    end
  end
  for i, w in ipairs(layer:get_weights()) do
    local after = case[("w%d_after"):format(i - 1)]
    if after then near(w, after, CLOSE, ("%s: w%d_after"):format(name, i - 1)) end
  end
  eq(json.decode(json.encode(layer:get_config())), json.decode(metadata.layer).config)
end

test("layers", function() for name, case, metadata in cases "layers" do layer_case(name, case, metadata) end end)

local function loss_case(name, case, metadata)
  local loss = keras.losses.deserialize(metadata.loss)
  for suffix, weight in pairs{[""] = false, _weighted = case.sample_weight} do
    local p = keras.Variable(case.y_pred)
    local tape <close> = keras.GradientTape()
    local value = loss(case.y_true, p, {sample_weight = weight or nil})
    tape:close()
    near(value, case["loss" .. suffix], CLOSE, name .. ": loss" .. suffix)
    near(tape:gradient(value, p), case["dy_pred" .. suffix], CLOSE, name .. ": dy_pred" .. suffix)
  end
end

test("losses", function() for name, case, metadata in cases "losses" do loss_case(name, case, metadata) end end)

local function optimizer_case(name, case, metadata)
  local optimizer, variables = keras.optimizers.deserialize(metadata.optimizer), {}
  for i, start in ipairs(series(case, "v", "_0")) do variables[i] = keras.Variable(start) end
  for step = 1, 6 do
    local pairs_of = {}
    for i, v in ipairs(variables) do pairs_of[i] = {case[("g%d_%d"):format(i - 1, step)], v} end
    optimizer:apply_gradients(pairs_of)
    for i, v in ipairs(variables) do
      near(v:numpy(), case[("v%d_%d"):format(i - 1, step)], STEP, ("%s: v%d_%d"):format(name, i - 1, step))
    end
  end
  eq(optimizer.iterations:item(), 6)
end

test("optimizers", function() for name, case, metadata in cases "optimizers" do optimizer_case(name, case, metadata) end end)

local function metric_case(name, case, metadata)
  local metric = keras.metrics.deserialize(metadata.metric)
  for round = 1, 2 do
    for i = 0, 2 do
      metric:update_state(case["y_true" .. i], case["y_pred" .. i])
      near(metric:result(), case["result" .. i], CLOSE, ("%s: result%d, round %d"):format(name, i, round))
    end
    metric:reset_state()
  end
end

test("metrics", function() for name, case, metadata in cases "metrics" do metric_case(name, case, metadata) end end)

local function model_case(name)
  local case, metadata = safetensors.load("tests/golden/" .. name .. "_4_batches.safetensors")
  local model, list, paths = keras.models.model_from_json(metadata.model), {}, {}
  for i, v in ipairs(model.weights) do list[i], paths[i] = case[("w%02d"):format(i - 1)], v.path end
  eq(paths, json.decode(metadata.weights))
  model:set_weights(list)
  model:compile{optimizer = metadata.optimizer, loss = metadata.loss}
  near(model:predict_on_batch(case.x_00), case.predict0_float32, CLOSE, name .. ": predict0")
  for i = 0, 3 do
    local loss = model:train_on_batch(case[("x_%02d"):format(i)], case[("y_%02d"):format(i)])
    near(loss, case.loss_float64[i + 1]:item(), 3e-6, ("%s: loss of batch %d"):format(name, i))
  end
end

test("a model from its JSON, trained for four batches", function() model_case "models/convnet" end)
test("a functional one, with two branches", function() model_case "functional/residual" end)

local function read(path)
  local file = assert(io.open(path))
  local text = file:read "a"
  file:close()
  return text
end

-- The tutorial's network; rates of 0 leave dropout out.
local function tutorial(name, rates)
  local L = keras.layers
  local model = keras.Sequential({}, {name = name})
  for i, filters in ipairs{64, 128, 256} do
    model:add(i == 1 and L.BatchNormalization{input_shape = {28, 28, 1}} or L.BatchNormalization())
    model:add(L.Conv2D(filters, {5, 5}, {padding = "same", activation = "elu"}))
    model:add(L.MaxPooling2D{pool_size = {2, 2}, strides = {2, 2}})
    model:add(L.Dropout(rates and 0.25 or 0))
  end
  model:add(L.Flatten())
  model:add(L.Dense(256))
  model:add(L.Activation "elu")
  model:add(L.Dropout(rates and 0.5 or 0))
  model:add(L.Dense(10))
  model:add(L.Activation "softmax")
  return model
end

local ADAM = {optimizer = "adam", loss = "sparse_categorical_crossentropy", metrics = {"accuracy"}}

test("summary, as Keras prints it", function()
  local parts = {}
  for part in (read "tests/golden/text/keras_summary.txt"):gmatch "# [^\n]+\n(.-\n)\n" do parts[#parts + 1] = part end
  eq(#parts, 3)
  keras.backend.clear_session()
  local model = tutorial(nil, true)
  output()
  model:summary()
  eq(output(), parts[1])
  model:compile(ADAM)
  model:train_on_batch(tensor.zeros{2, 28, 28, 1}, tensor{1, 2})
  output()
  model:summary()
  eq(output(), parts[2])
  local unbuilt = keras.Sequential({keras.layers.Dense(3)}, {name = "sequential"})
  output()
  unbuilt:summary()
  eq(output(), parts[3])
end)

test("weights of seed 200, bit for bit", function()
  keras.utils.set_random_seed(200)
  local model = tutorial(nil, true)
  -- the sum of all bits of each kernel, from the specification of the random numbers
  local sums = {conv2d = 0x5fc29332, conv2d_1 = 0x4d7e41c6, conv2d_2 = 0x407858fc, dense = 0x63f3985a, dense_1 = 0x7fe336aa}
  for _, layer in ipairs(model.layers) do
    local kind = layer.class_name
    if kind == "Conv2D" or kind == "Dense" then
      local bits = tensor.frombuffer(layer.kernel:numpy():tobytes(), "int32"):sum():item() & 0xffffffff
      local short = layer.name:match "conv2d" and layer.kernel.shape[3] or layer.kernel.shape[1]
      local key = ({[1] = "conv2d", [64] = "conv2d_1", [128] = "conv2d_2", [2304] = "dense", [256] = "dense_1"})[short]
      eq(bits, sums[key])
    end
  end
end)

-- The real data, where the package or a copy of it is installed.
local function fashion_mnist()
  local there, train, test_set = pcall(datasets.fashion_mnist.load_data)
  if not there then print "SKIPPED: Fashion-MNIST is not installed" return nil end
  return train, test_set
end

test("the tutorial's network: 20 steps without dropout", function()
  local train = fashion_mnist()
  if not train then return end
  local golden = safetensors.load "tests/golden/tutorial/tutorial_after20_plain.safetensors"
  local described = json.decode(read "tests/golden/tutorial/tutorial.json")
  keras.utils.set_random_seed(200)
  local model = keras.models.model_from_json(json.encode(described.model))
  local paths = {}
  for i, v in ipairs(model.weights) do paths[i] = v.path end
  eq(paths, described.weights)
  model:compile(ADAM)
  local x, y = train[1]["1:2560"]:reshape(2560, 28, 28, 1), train[2]["1:2560"]
  local steps = 4 -- of 20: the rest repeats them
  for i = 1, steps do
    local range = ("%d:%d"):format(i * 128 - 127, i * 128)
    local loss, accuracy = table.unpack(model:train_on_batch(x[range], y[range]))
    local tolerance = i == 1 and CLOSE or 8e-3
    near(loss, golden.loss[i]:item(), tolerance, "loss of step " .. i)
    near(accuracy, golden.accuracy[i]:item(), i == 1 and CLOSE or 0.02, "accuracy of step " .. i)
  end
end)

test("the tutorial as written, seed 200: order and masks are Keras's", function()
  local train = fashion_mnist()
  if not train then return end
  local golden = safetensors.load "tests/golden/tutorial/tutorial_fit_seed200_2threads.safetensors"
  keras.utils.set_random_seed(200)
  local model = tutorial(nil, true)
  model:compile(ADAM)
  local x, y = train[1]["1:59904"]:reshape(-1, 28, 28, 1), train[2]["1:59904"]
  local running = {}
  model:fit(x, y, {batch_size = 128, steps_per_epoch = 20, verbose = 0, callbacks = keras.callbacks.LambdaCallback{
    on_train_batch_end = function(_, logs) running[#running + 1] = logs.loss end}})
  near(running[1], golden.running_loss[1]:item(), CLOSE, "first loss")
  for i, loss in ipairs(running) do
    local difference = math.abs(loss - golden.running_loss[i]:item())
    ok(difference <= 8e-3, ("the running loss after batch %d is off by %g"):format(i, difference))
  end
end)
