-- What a newcomer from Python types: dots for colons, names that are nearly right, loops over rows.
local L = keras.layers
local x = tensor{{1, 2}, {3, 4}}

test("a dot where a colon belongs", function()
  fails("sum is a method and needs a colon: x:sum(...), not x.sum(...)", x.sum)
  fails("reshape is a method and needs a colon", x.reshape, 2, -1)
  fails("sum is a method", x.sum, {1, 2})
  fails("v:assign(...)", keras.Variable{1}.assign, {2})
  fails("layer:get_weights(...)", L.Dense(1).get_weights)
  fails("optimizer:apply_gradients(...)", keras.optimizers.Adam().apply_gradients, {})
  fails("metric:update_state(...)", keras.metrics.Mean().update_state, {1})
  fails("tape:watch(...)", keras.GradientTape().watch, x)
  local model = keras.Sequential{L.Dense(1)}
  fails("add is a method and needs a colon: model:add(...), not model.add(...)", model.add, L.Dense(1))
  fails("model:compile(...)", model.compile, {optimizer = "adam"})
  fails("model:fit(...)", model.fit, x, x)
  fails("model:summary(...)", model.summary)
end)

test("methods as functions", function()
  eq(tensor.sum{1, 2}:item(), 3)
  eq(x.sum(x):item(), 10) -- with the value in front it is the same
  eq(keras.Variable{1, 2}:sum():item(), 3.0)
  eq(keras.Sequential.count_params(keras.Sequential{L.Dense(1, {input_shape = {2}})}), 3)
end)

test("a callback may yield", function()
  local model = keras.Sequential{L.Dense(1)}
  model:compile{optimizer = "sgd", loss = "mse"}
  local co = coroutine.wrap(function()
    model:fit(x, x["..., 1:1"], {verbose = 0, epochs = 2, callbacks = keras.callbacks.LambdaCallback{
      on_epoch_end = function(epoch) coroutine.yield(epoch) end}})
    return "done"
  end)
  eq({co(), co(), co()}, {0, 1, "done"})
end)

test("names that are nearly right", function()
  fails("NameError: tensor has no 'zeroes'; did you mean 'zeros'?", function() return tensor.zeroes end)
  fails("tensor.random has no 'unifrom'; did you mean 'uniform'?", function() return tensor.random.unifrom end)
  fails("datasets has no 'fashion_minst'; did you mean 'fashion_mnist'?", function() return datasets.fashion_minst end)
  fails("timeit has no 'timit'; did you mean 'timeit'?", function() return timeit.timit end)
  fails("gzip has no 'opne'; did you mean 'open'?", function() return gzip.opne end)
  fails("json has no 'decoed'; did you mean 'decode'?", function() return json.decoed end)
  fails("safetensors has no 'laod'; did you mean 'load'?", function() return safetensors.laod end)
  fails("Sequential has no 'optimiser'; did you mean 'optimizer'?", function() return keras.Sequential().optimiser end)
  fails("Sequential has no 'fitt'; did you mean 'fit'?", function() keras.Sequential():fitt(x, x) end)
  fails("did you mean int64", tensor, {1}, "int6")
  local _, problem = pcall(tensor.eye, 3, {k = 1})
  eq(tostring(problem):match "TypeError.*", "TypeError: eye: unknown argument 'k'; it takes n, m, dtype") -- and not 'n'
  eq(keras.Sequential().optimizer, nil)
  tensor.mine = function() return "mine" end
  eq(tensor.mine(), "mine")
  tensor.mine = nil
end)

test("a model's layers are one list", function()
  fails("layers must be a list, as in keras.Sequential{layer, layer}, not a Dense", keras.Sequential, L.Dense(1))
  fails("layers must be a list", keras.Sequential, L.Dense(1), L.Dense(2))
  fails("layers must be a list", keras.Sequential, "Dense")
end)

test("loops over rows", function()
  for _, loop in ipairs{ipairs, pairs} do
    local seen = {}
    for i, row in loop(x) do seen[i] = row:tolist() end
    eq(seen, {{1, 2}, {3, 4}})
  end
  local seen = {}
  for i, v in ipairs{"a", "b", nil, "d"} do seen[i] = v end
  eq(seen, {"a", "b"})
  fails("bad argument #1 to 'ipairs'", ipairs)
  fails("a 0-d tensor has no rows", ipairs, tensor(1))
end)

test("an empty table of keywords", function()
  eq(keras.losses.MeanSquaredError{}.reduction, "sum_over_batch_size")
  eq(L.MaxPooling2D{}.pool_size, {2, 2})
  for _, name in ipairs{"Add", "Flatten", "Softmax"} do eq(L[name]{}.class_name, name) end
  eq(keras.initializers.Zeros{}.class_name, "Zeros")
  fails("Dense: missing argument \"units\"", L.Dense, {})
  fails("Conv2D: missing argument \"filters\"", L.Conv2D, {})
  eq(keras.callbacks.EarlyStopping{}.monitor, "val_loss")
  fails("ModelCheckpoint: missing argument 'filepath'", keras.callbacks.ModelCheckpoint, {})
  local model = keras.Sequential{}
  model:compile{}
  eq(model.optimizer.class_name, "RMSprop")
  output()
  model:summary{}
  ok(output():find("Total params", 1, true))
end)

test("an empty list, where a list is the first argument", function()
  eq(tensor{}.shape, {0})
  eq(tensor.zeros{}.shape, {})
  eq(L.Reshape{}.target_shape, {})
  eq(#keras.Sequential{}.layers, 0)
  eq(keras.utils.to_categorical{}.size, 0)
  eq(keras.utils.normalize{}.shape, {0})
  for _ in progress{} do error "nothing to do" end
end)

test("what objects print as", function()
  eq(tostring(keras.callbacks.EarlyStopping()), "<EarlyStopping>")
  eq(tostring(keras.callbacks.Callback:extend "Mine" ()), "<Mine>")
  eq(tostring(keras.callbacks.Callback:extend()()), "<Callback>")
end)
