local L = keras.layers

local function data(n, seed)
  local x = tensor.random.normal({n, 4}, {seed = seed or 1})
  return x, x:sum(1):gt(0):astype "int64"
end

local function classifier(options)
  keras.utils.set_random_seed(7)
  local model = keras.Sequential{L.Dense(8, {input_shape = {4}, activation = "relu"}), L.Dense(2, {activation = "softmax"})}
  local c = {optimizer = "adam", loss = "sparse_categorical_crossentropy", metrics = {"accuracy"}}
  for name, value in pairs(options or {}) do c[name] = value end
  model:compile(c)
  return model
end

local x, y = data(100)

test("fit learns, and tells its history", function()
  local model = classifier{optimizer = keras.optimizers.Adam(0.02)}
  local history = model:fit(x, y, {epochs = 30, batch_size = 16, verbose = 0, validation_data = {data(50, 2)}})
  eq(#history.history.loss, 30)
  ok(history.history.loss[30] < history.history.loss[1] / 2 and history.history.val_accuracy[30] > 0.8)
  eq({history.epoch[1], history.epoch[30], history.params.steps, history.params.epochs}, {0, 29, 7, 30})
  ok(model.history == history)
  local loss, accuracy = table.unpack(model:evaluate(x, y, {verbose = 0}))
  ok(accuracy > 0.8 and loss < 0.7)
  eq(model:evaluate(x, y, {verbose = 0, return_dict = true}).accuracy, accuracy)
end)

test("no op runs by itself: what a step costs does not depend on how many there are", function()
  local function calls(n)
    local model = classifier()
    model:fit(x, y, {batch_size = 10, steps_per_epoch = 1, verbose = 0}) -- traces
    local before = celda.stats()
    model:fit(x, y, {batch_size = 10, steps_per_epoch = n, verbose = 0})
    local after = celda.stats()
    return after.eager_calls - before.eager_calls, after.program_calls - before.program_calls
  end
  local few, many = {calls(2)}, {calls(9)}
  eq(many[1], few[1])
  eq({few[2], many[2]}, {2, 9})
end)

test("a batch's shape is traced once; a short last batch is a second program", function()
  local model = classifier()
  local Counting, traced = keras.Layer:extend "Counting", 0
  function Counting:call(input)
    if tostring(input):find "symbolic" then traced = traced + 1 end
    return input
  end
  model = keras.Sequential{Counting(), L.Dense(2)}
  model:compile{optimizer = "sgd", loss = "mse"}
  model:build{-1, 4}
  traced = 0
  model:fit(x, tensor.zeros{100, 2}, {batch_size = 32, epochs = 3, verbose = 0})
  eq(traced, 2)
end)

test("the sample order: Keras's with a seed, the data's without shuffling", function()
  local function orders(options)
    local seen, n = {}, 10
    local model = keras.Sequential{L.Dense(1, {input_shape = {1}, kernel_initializer = "ones"})}
    model:compile{optimizer = keras.optimizers.SGD(0.0), loss = function(_, p) return p end}
    local settings = {batch_size = 1, epochs = 2, verbose = 0, callbacks = keras.callbacks.LambdaCallback{
      on_epoch_begin = function() seen[#seen + 1] = {} end,
      on_train_batch_end = function(batch, logs)
        local list = seen[#seen] -- running means back to single values
        list[batch + 1] = math.tointeger((logs.loss * (batch + 1) - (list.sum or 0) + 0.5) // 1)
        list.sum = logs.loss * (batch + 1)
      end}}
    for name, value in pairs(options) do settings[name] = value end
    model:fit(tensor.arange(n):reshape(n, 1), tensor.zeros{n, 1}, settings)
    for _, list in ipairs(seen) do list.sum = nil end
    return seen
  end
  keras.utils.set_random_seed(200)
  local seen = orders{}
  eq(seen[1], {0, 8, 3, 6, 1, 9, 5, 2, 4, 7})
  eq(seen[2], seen[1])
  eq(orders{shuffle = false}[1], {0, 1, 2, 3, 4, 5, 6, 7, 8, 9})
  fails("shuffle must be", orders, {shuffle = "batches"})
end)

test("shuffle = \"batch\": each batch within itself, as the specification has it", function()
  keras.utils.set_random_seed(200)
  local order = require "celda.core".sample_order(300, 128)
  eq(order["1:6"], {110, 56, 51, 58, 70, 87})
  eq(order["129:132"], {143, 153, 254, 201})
  local whole = require "celda.core".sample_order(1000)
  eq((whole * tensor.arange(1000)):sum():item(), 246647725)
end)

test("validation_split, weights of samples and classes", function()
  local model = classifier()
  local history = model:fit(x, y, {validation_split = 0.2, verbose = 0})
  eq(history.params.steps, 3) -- 80 samples
  ok(history.history.val_loss)
  fails("not sufficient to split", model.fit, model, x["1:1"], y["1:1"], {validation_split = 0.1})
  local function loss(options)
    local m = classifier()
    options.verbose, options.batch_size, options.shuffle = 0, 100, false
    return m:fit(x, y, options).history.loss[1]
  end
  local plain = loss{}
  near(loss{sample_weight = tensor.full({100}, 2.0)}, 2 * plain, 1e-5)
  near(loss{class_weight = {[0] = 3, [1] = 3}}, 3 * plain, 1e-5)
  fails("write {[0] = 1.0, 2.0, ...}", loss, {class_weight = {3, 3}})
  fails("a key must be a label, an integer from 0 on, not \"a\"", loss, {class_weight = {a = 3}})
  fails("class_weight must be a table", loss, {class_weight = 3})
  near(loss{class_weight = {[0] = 3, [1] = 3}, sample_weight = tensor.full({100}, 0.5)}, 1.5 * plain, 1e-5)
end)

test("a model as a layer of another", function()
  local inner = keras.Sequential{L.Dense(3, {input_shape = {4}})}
  local outer = keras.Sequential{inner, L.Dense(1)}
  outer:compile{optimizer = "sgd", loss = "mse"}
  outer:fit(x, tensor.zeros{100, 1}, {verbose = 0})
  eq({outer:count_params(), outer.output_shape}, {4 * 3 + 3 + 3 + 1, {-1, 1}})
  eq(inner:compute_output_shape{-1, 4}, {-1, 3})
  local rebuilt = keras.models.model_from_json(outer:to_json())
  rebuilt:set_weights(outer:get_weights())
  eq(rebuilt:predict(x, {verbose = 0}), outer:predict(x, {verbose = 0}))
end)

test("predict, and single batches", function()
  local model = classifier()
  local all = model:predict(x, {batch_size = 32, verbose = 0})
  eq(all.shape, {100, 2})
  near(all, model(x), 1e-6)
  near(model:predict_on_batch(x["1:5"]), all["1:5"], 1e-6)
  local first = model:train_on_batch(x, y)
  eq(#first, 2)
  local test_loss = model:test_on_batch(x, y, {return_dict = true})
  ok(test_loss.loss > 0 and test_loss.accuracy)
  model:compile{optimizer = "sgd", loss = "mse"}
  eq(math.type(model:train_on_batch(x, tensor.zeros{100, 2})), "float") -- no metrics: the loss alone
end)

test("accuracy fits the labels; functions are losses and metrics", function()
  local function name_of(outputs, labels)
    local model = keras.Sequential{L.Dense(outputs, {input_shape = {4}})}
    model:compile{optimizer = "sgd", loss = "mse", metrics = {"accuracy"}}
    model:train_on_batch(x["1:4"], labels)
    return model.metrics[2].class_name
  end
  eq(name_of(1, tensor.zeros{4, 1}), "BinaryAccuracy")
  eq(name_of(3, tensor.zeros{4, 3}), "CategoricalAccuracy")
  local model = keras.Sequential{L.Dense(1, {input_shape = {4}})}
  model:compile{optimizer = "sgd", loss = function(t, p) return (t - p):abs() end, metrics = {function(t, p) return p * 0 + 5 end}}
  eq(model:evaluate(x, tensor.zeros{100, 1}, {verbose = 0})[2], 5.0)
  eq(model.metrics_names, {"loss", "function"})
end)

test("classes stand for their objects", function()
  local model = keras.Sequential{L.Dense(1)}
  model:compile{optimizer = keras.optimizers.SGD, loss = keras.losses.MeanSquaredError, metrics = {keras.metrics.MeanSquaredError}}
  eq({model.optimizer.class_name, #model:train_on_batch(x, tensor.zeros{100, 1})}, {"SGD", 2})
  fails("argument optimizer must be the name of one of keras.optimizers, or one of them, not MeanSquaredError",
    model.compile, model, {optimizer = keras.losses.MeanSquaredError(), loss = "mse"})
  model:compile{optimizer = "sgd", loss = function() return "x" end}
  fails("the loss function must return a tensor, not a string", model.train_on_batch, model, x, y)
  model:compile{optimizer = "sgd", loss = "mse", metrics = {function() return {} end}}
  fails("the metric function must return a tensor, not a table", model.train_on_batch, model, x, tensor.zeros{100, 1})
  fails("a function cannot be the optimizer", model.compile, model, {optimizer = print, loss = "mse"})
end)

test("what is wrong is said in Keras's words", function()
  local model = keras.Sequential{L.Dense(2, {input_shape = {4}})}
  fails("You must call `compile()` before calling `fit()`", model.fit, model, x, y)
  fails("You must call `compile()` before calling `evaluate()`", model.evaluate, model, x, y)
  fails("compile: unknown argument 'optimiser'; did you mean 'optimizer'?", model.compile, model, {optimiser = "adam"})
  fails("unknown loss", model.compile, model, {optimizer = "sgd", loss = "sparse_crossentropy"})
  model:compile{loss = "mse"}
  eq(tostring(model.optimizer):find "RMSprop" ~= nil, true)
  fails("unknown metric \"acuracy\"", model.compile, model, {optimizer = "sgd", loss = "mse", metrics = {"acuracy"}})
  fails("compile: argument loss must be the name of one of keras.losses, one of them or a function, not 3",
    model.compile, model, {loss = 3})
  fails("compile: argument loss must be the name of one of keras.losses, one of them or a function, not Adam",
    model.compile, model, {loss = keras.optimizers.Adam()})
  fails("argument optimizer must be the name of one of keras.optimizers, or one of them, not a table",
    model.compile, model, {"adam", "mse"})
  local before = model.optimizer
  fails("unknown loss", model.compile, model, {optimizer = "adam", loss = "none"})
  ok(model.optimizer == before) -- what failed changed nothing
  fails("compile: argument metrics[2] must be the name of one of keras.metrics, one of them or a function, not true",
    model.compile, model, {loss = "mse", metrics = {"mse", true}})
  fails("Expected `metrics` argument to be a list", model.compile, model, {optimizer = "sgd", loss = "mse", metrics = "accuracy"})
  model:compile{optimizer = "sgd"}
  fails("No loss to compute", model.fit, model, x, y)
  model = classifier()
  fails("fit: unknown argument 'epoch'; did you mean 'epochs'?", model.fit, model, x, y, {epoch = 2})
  fails("'x' sizes: 100, 'y' sizes: 99", model.fit, model, x, y["2:"])
  fails("missing argument 'x'", model.fit, model)
  fails("missing argument 'y'", model.fit, model, x)
  fails("expected shape=(None, 4), found shape=(32, 3)", model.fit, model, x["..., 1:3"], y)
  fails("label 2 is outside [0, 2)", model.fit, model, x, y + 1, {verbose = 0})
  fails("batch_size must be a positive integer, not 0", model.fit, model, x, y, {batch_size = 0})
  fails("batch_size must be a positive integer, not \"32\"", model.fit, model, x, y, {batch_size = "32"})
  fails("verbose must be 0, 1, 2 or \"auto\"", model.fit, model, x, y, {verbose = 3})
  fails("epochs must be an integer", model.fit, model, x, y, {epochs = 1.5})
  fails("validation_data must be {x, y}", model.fit, model, x, y, {validation_data = x})
  fails("validation_freq must be a positive integer, not 0", model.fit, model, x, y, {validation_freq = 0})
  fails("steps must be a positive integer, not 0", model.fit, model, x, y, {steps_per_epoch = 0})
  fails("x holds no samples", model.fit, model, x["1:0"], y["1:0"])
  fails("y must be a tensor or a list, not a string", model.fit, model, x, "labels")
  fails("callbacks must be a list of callbacks", model.fit, model, x, y, {callbacks = {3}})
  eq(#model:fit(x, y, {verbose = 0}).history.loss, 1) -- and the model still trains
end)

test("a failed step leaves the weights and the optimizer as they were", function()
  local model = classifier()
  model:fit(x, y, {verbose = 0})
  local weights, steps = model:get_weights(), model.optimizer.iterations:item()
  local bad = y:copy()
  bad[1] = 9
  fails("label 9", model.train_on_batch, model, x, bad)
  eq(model.optimizer.iterations:item(), steps)
  for i, w in ipairs(model:get_weights()) do eq(w, weights[i]) end
end)

test("a failed first step leaves nothing half done", function()
  local model = classifier()
  fails("Received: target.shape=(32, 2)", model.fit, model, x, tensor.ones{100, 2}, {verbose = 0})
  model:fit(x, y, {verbose = 0})
  eq(model.compiled.metrics[1].class_name, "SparseCategoricalAccuracy")
end)

test("what is frozen is not trained; a model that is all frozen says so and gives its loss", function()
  local layer = L.Dense(1)
  local model = keras.Sequential{keras.Input{4}, layer, L.Dense(1)}
  model:compile("sgd", "mse")
  model:train_on_batch(x, y:reshape(100, 1))
  layer.trainable = false
  local frozen, free = layer.kernel:numpy(), model.layers[2].kernel:numpy()
  model:train_on_batch(x["1:50"], y["1:50"]:reshape(50, 1)) -- another step is traced
  eq(layer.kernel:numpy(), frozen)
  ok(model.layers[2].kernel:numpy() ~= free and not model.layers[2].kernel:numpy():allclose(free))
  model.trainable = false
  model.layers[2].trainable = true
  eq({#model.trainable_weights, #model.non_trainable_weights}, {0, 4}) -- the model's own flag outranks its layers'
  model:compile("sgd", "mse")
  output()
  local loss = model:train_on_batch(x, y:reshape(100, 1))
  ok(output():find("does not have any trainable weights", 1, true))
  near(loss, model:evaluate(x, y:reshape(100, 1), {batch_size = 100, verbose = 0}), 1e-6)
  fails("trainable must be true or false, not no", function() model.trainable = "no" end)
  fails("layers is computed; it cannot be set", function() model.layers = {} end)
end)

test("data that do not fit build no layer", function()
  local model = keras.Sequential{L.Dense(3), L.Conv2D(2, 3), L.Flatten(), L.Dense(1)}
  model:compile("sgd", "mse")
  fails("expected ndim=4, found ndim=2", model.fit, model, x, y, {verbose = 0})
  model:fit(tensor.ones{8, 5, 5, 2}, tensor.ones{8, 1}, {verbose = 0})
end)

test("NaN is said once, with the step", function()
  local model = classifier()
  local bad = x:copy()
  bad[40] = 0 / 0
  output()
  model:fit(bad, y, {batch_size = 10, epochs = 2, shuffle = false, verbose = 0})
  local said = output()
  ok(said:find("NaN from step 4 of epoch 1", 1, true), said)
  eq(select(2, said:gsub("NaN", "")), 1)
end)

test("callbacks: every hook, in order", function()
  local seen, Mine = {}, keras.callbacks.Callback:extend()
  for _, hook in ipairs{"on_train_begin", "on_train_end", "on_epoch_begin", "on_epoch_end", "on_train_batch_begin",
    "on_train_batch_end", "on_test_begin", "on_test_end", "on_test_batch_begin", "on_test_batch_end", "on_predict_begin",
    "on_predict_end", "on_predict_batch_begin", "on_predict_batch_end"} do
    Mine[hook] = function(self, a)
      ok(self.model and self.params)
      seen[#seen + 1] = hook:sub(4) .. (math.type(a) and " " .. a or "")
    end
  end
  local model = classifier()
  model:fit(x, y, {batch_size = 50, validation_data = {x, y}, validation_batch_size = 100, verbose = 0, callbacks = {Mine()}})
  model:predict(x, {batch_size = 100, verbose = 0, callbacks = {Mine()}})
  eq(seen, {"train_begin", "epoch_begin 0", "train_batch_begin 0", "train_batch_end 0", "train_batch_begin 1",
    "train_batch_end 1", "test_begin", "test_batch_begin 0", "test_batch_end 0", "test_end", "epoch_end 0", "train_end",
    "predict_begin", "predict_batch_begin 0", "predict_batch_end 0", "predict_end"})
  fails("LambdaCallback: unknown argument 'on_epoc_end'; did you mean 'on_epoch_end'?", keras.callbacks.LambdaCallback,
    {on_epoc_end = print})
end)

test("stop_training, initial_epoch", function()
  local model = classifier()
  local history = model:fit(x, y, {epochs = 9, initial_epoch = 4, verbose = 0, callbacks = keras.callbacks.LambdaCallback{
    on_epoch_end = function(epoch) model.stop_training = epoch == 6 end}})
  eq(history.epoch, {4, 5, 6})
end)

-- A callback that replaces what training measured.
local function logs(values)
  return keras.callbacks.LambdaCallback{on_epoch_end = function(epoch, l) l.val_loss = values[epoch + 1] end}
end

test("EarlyStopping", function()
  local function epochs(values, options)
    local model = classifier()
    options.monitor = options.monitor or "val_loss"
    return model:fit(x, y, {epochs = #values, verbose = 0, callbacks = {logs(values), keras.callbacks.EarlyStopping(options)}}).epoch
  end
  eq(#epochs({3, 2, 2, 2, 1}, {patience = 0}), 3)
  eq(#epochs({3, 2, 2, 2, 1}, {patience = 3}), 5)
  eq(#epochs({3, 2.9, 2.8, 2.7}, {min_delta = 0.5, patience = 2}), 3)
  eq(#epochs({1, 2, 1, 0}, {mode = "max", patience = 1}), 3)
  eq(#epochs({3, 3, 3, 3}, {start_from_epoch = 2}), 4)
  eq(#epochs({3, 3, 3}, {baseline = 1, patience = 2}), 2)
  output()
  eq(#epochs({1, 1}, {monitor = "val_los"}), 2)
  ok(output():find("conditioned on metric `val_los` which is not available. Available metrics are: accuracy,loss,val_loss", 1, true))
  fails("did you mean 'patience'?", keras.callbacks.EarlyStopping, {pateince = 2})
  eq(keras.callbacks.EarlyStopping{patience = 3.0, verbose = true}.patience, 3)
  local model, best = classifier(), nil
  model:fit(x, y, {epochs = 3, verbose = 0, callbacks = {logs{3, 1, 2}, keras.callbacks.LambdaCallback{
    on_epoch_end = function(epoch) if epoch == 1 then best = model:get_weights() end end},
    keras.callbacks.EarlyStopping{restore_best_weights = true}}})
  eq(model:get_weights()[1], best[1])
end)

test("callbacks check their arguments when they are made", function()
  local function refused(name, options, text)
    fails(name .. ": argument " .. text, keras.callbacks[name], options)
  end
  refused("EarlyStopping", {monitor = "loss", patience = "3"}, "patience must be an integer, not \"3\"")
  refused("EarlyStopping", {patience = 1.5}, "patience must be an integer, not 1.5")
  refused("EarlyStopping", {min_delta = "a"}, "min_delta must be a number, not \"a\"")
  refused("EarlyStopping", {monitor = 3}, "monitor must be a string, not 3")
  refused("EarlyStopping", {monitor = {"loss"}}, "monitor must be a string, not a table")
  refused("EarlyStopping", {restore_best_weights = 1}, "restore_best_weights must be a boolean, not 1")
  refused("EarlyStopping", {mode = "maximum"}, "mode must be auto, min or max, not \"maximum\"")
  refused("ModelCheckpoint", {3}, "filepath must be a string")
  refused("ModelCheckpoint", {filepath = 3}, "filepath must be a string, not 3")
  refused("ModelCheckpoint", {filepath = "w", save_freq = 0}, "save_freq must be \"epoch\" or a positive")
  refused("ModelCheckpoint", {filepath = "w", save_best_only = "yes"}, "save_best_only must be a boolean, not \"yes\"")
  refused("BackupAndRestore", {backup_dir = 3}, "backup_dir must be a string, not 3")
  refused("BackupAndRestore", {backup_dir = "b", delete_checkpoint = 0}, "delete_checkpoint must be a boolean, not 0")
  refused("LambdaCallback", {on_epoch_end = 3}, "on_epoch_end must be a function, not 3")
  fails("LambdaCallback: expected a table of functions, not nil", keras.callbacks.LambdaCallback)
end)

test("ModelCheckpoint", function()
  local model, path = classifier(), scratch .. "/w{epoch:02d}-{val_loss:.1f}.safetensors"
  output()
  model:fit(x, y, {epochs = 3, verbose = 0, callbacks = {logs{3, 4, 2}, keras.callbacks.ModelCheckpoint(path,
    {save_best_only = true, verbose = 1})}})
  local said = output()
  ok(said:find("\nEpoch 2: val_loss did not improve from 3.00000\n", 1, true), said)
  ok(said:find("\nEpoch 3: val_loss improved from 3.00000 to 2.00000, saving model to " .. scratch .. "/w03-2.0.safetensors", 1, true))
  local weights = safetensors.load(scratch .. "/w03-2.0.safetensors")
  eq(weights[model.weights[1].path], model:get_weights()[1])
  fails("cannot open", gzip.open, scratch .. "/w02-4.0.safetensors")
  fails("Reason: 'val_lss'", model.fit, model, x, y, {verbose = 0,
    callbacks = keras.callbacks.ModelCheckpoint("{val_lss}")})
  fails("missing argument 'filepath'", keras.callbacks.ModelCheckpoint)
  fails("ModelCheckpoint: .keras files are not written", keras.callbacks.ModelCheckpoint, "x.keras")
  fails("ModelCheckpoint: .h5 files are not written", keras.callbacks.ModelCheckpoint, "x.h5")
  path = scratch .. "/again.safetensors"
  model:fit(x, y, {epochs = 2, verbose = 0, callbacks = keras.callbacks.ModelCheckpoint(path)})
  eq(safetensors.load(path)[model.weights[1].path], model:get_weights()[1])
end)
