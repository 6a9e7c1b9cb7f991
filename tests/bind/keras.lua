local L = keras.layers

test("constructors take Keras's arguments", function()
  local d = L.Dense(3, {activation = "relu", name = "mine"})
  eq({d.units, d.activation, d.name, d.class_name, d.built, d.use_bias}, {3, "relu", "mine", "Dense", false, true})
  eq(L.Dense{units = 4}.units, 4)
  eq(L.Conv2D(2, 3).kernel_size, {3, 3})
  eq(L.Dense(2, {activation = keras.activations.elu}).activation, "elu")
  eq(L.Dense(2, "tanh").activation, "tanh")
  eq(tostring(L.Dense(2, {name = "d"})), "<Dense name=d, built=false>")
  fails("TypeError: Dense: unknown argument 'actvation'; did you mean 'activation'?", L.Dense, 3, {actvation = "relu"})
  fails("did you mean \"relu\"?", L.Dense, 3, {activation = "relo"})
  fails("Dense: missing argument \"units\"", L.Dense)
  fails("argument units must be an integer", L.Dense, "three")
  fails("given twice", L.Dense, 3, {units = 3})
  fails("kernel_regularizer is not supported", L.Dense, 3, {kernel_regularizer = "l2"})
  fails("keras.layers has no 'Dens'; did you mean 'Dense'?", function() return L.Dens end)
  fails("keras has no 'Sequentail'; did you mean 'Sequential'?", function() return keras.Sequentail end)
  fails("cannot contain character `/`. Received: name=a/b", L.Dense, 3, {name = "a/b"})
  fails("cannot contain character `/`. Received: name=a/b", keras.Sequential, {name = "a/b"})
  fails("Conv2D: argument padding", L.Conv2D, 4, 3, {padding = "sam"})
end)

test("members that are not there", function()
  fails("Dense has no 'unit'; did you mean 'units'?", function() return L.Dense(3).unit end)
  fails("Dense has no 'trainble'; did you mean 'trainable'?", function() return L.Dense(4).trainble end)
  fails("did you mean 'get_weights'?", function() L.Dense(4):get_weigts() end)
  fails("did you mean 'trainable'?", function() L.Dense(4).trainble = false end)
  fails("did you mean 'learning_rate'?", function() return keras.optimizers.Adam().learning_rat end)
  local built = L.Dense(1)
  built:build{-1, 1}
  fails("did you mean 'kernel'?", function() return built.kernal end)
  fails("'units' of Dense cannot be set", function() L.Dense(3).units = 4 end)
end)

test("one initializer object gives two layers the same values", function()
  local init = keras.initializers.GlorotUniform()
  local a, b = L.Dense(3, {kernel_initializer = init}), L.Dense(3, {kernel_initializer = init})
  local x = tensor.ones{1, 2}
  a(x)
  b(x)
  eq(a.kernel:numpy(), b.kernel:numpy())
  ok(not L.Dense(3, {kernel_initializer = init}).built)
  eq(init({2}), init({2}))
  eq(keras.initializers.Constant(2)({2}), tensor{2.0, 2.0})
end)

test("layers: build, weights, trainable", function()
  local d = L.Dense(3)
  fails("isn't built", d.count_params, d)
  fails("the layer was expecting 0 weights", d.set_weights, d, {tensor{1}})
  d:build{-1, 2}
  eq(d:count_params(), 9)
  eq(d:compute_output_shape{-1, 2}, {-1, 3})
  eq(tostring(d:compute_output_shape{-1, 2}), "(None, 3)")
  d:set_weights{tensor.ones{2, 3}, {1, 2, 3}}
  eq(d(tensor{{1, 1}}), {{3.0, 4.0, 5.0}})
  eq(d:get_weights()[2], {1.0, 2.0, 3.0})
  ok(d.weights[1] == d.kernel and d.kernel.path:find "/kernel$")
  eq(tostring(d):match "built=%w+", "built=true")
  eq(#d.trainable_variables, 2)
  d.trainable = false
  eq({#d.trainable_variables, #d.non_trainable_variables}, {0, 2})
  fails("expected axis -1 of input shape to have value 2, but received input with shape (1, 3)", d, tensor.ones{1, 3})
  fails("has shape (2, 3), a value of shape (3,)", d.set_weights, d, {tensor{1, 2, 3}, tensor{1, 2, 3}})
end)

test("a layer too large for memory is an error", function()
  fails("MemoryError", L.Dense(1 << 20), tensor.zeros{1, 1 << 20})
end)

test("dropout: masks of the seed, only in training", function()
  local d, x = L.Dropout(0.5, {seed = 3}), tensor.ones{1000}
  eq(d(x), x)
  local a, b = d(x, {training = true}), d(x, {training = true})
  ok(not a:eq(b):all():item())
  eq(a:gt(0):sum():item() > 400, true)
  eq(L.Dropout(0.5, {seed = 3})(x, {training = true}), a)
end)

test("variables", function()
  local v = keras.Variable({1, 2})
  eq({v.dtype, v.shape[1], v.trainable}, {"float32", 2, true})
  eq(v + 1, {2.0, 3.0})
  eq(2 * v, {2.0, 4.0})
  eq(-v, {-1.0, -2.0})
  eq(v:sum():item(), 3.0)
  eq(v[2]:item(), 2.0)
  eq(v.T, {1.0, 2.0})
  local before = v:numpy()
  v:assign{3, 4}
  eq(before, {1.0, 2.0})
  eq(v:assign_add(1):assign_sub({0, 1}):numpy(), {4.0, 4.0})
  eq(keras.Variable(tensor{1, 2}).dtype, "int64")
  eq(keras.Variable("ones", {2}):numpy(), {1.0, 1.0})
  eq(keras.Variable(1, {dtype = "int32", name = "n"}).name, "n")
  fails("has shape (2,), a value of shape (3,) cannot be assigned", v.assign, v, {1, 2, 3})
  fails("v:assign(x)", function() v.value = 3 end)
  local seen = {[v] = true}
  local d = L.Dense(1)
  d:build{1, 1}
  seen[d.weights[1]] = true
  ok(seen[d.kernel])
end)

test("gradients", function()
  local v, x = keras.Variable{1, 2}, tensor{3.0, 4.0}
  local function record(options)
    local tape <close> = keras.GradientTape(options)
    tape:watch(x)
    return tape, (v * v * x):sum()
  end
  local tape, y = record()
  local g = tape:gradient(y, {v, {x}, tensor{1.0}})
  eq(g[1], {6.0, 16.0})
  eq(g[2][1], {1.0, 4.0})
  eq(g[3], nil)
  fails("can only be called once", tape.gradient, tape, y, v)
  tape, y = record{persistent = true}
  eq(tape:gradient(y, v), {6.0, 16.0})
  eq(tape:gradient(y, x, {output_gradients = tensor(2.0)}), {2.0, 8.0})
  fails("missing argument 'sources'", tape.gradient, tape, y)
end)

test("gradients of gradients", function()
  local x = keras.Variable(3)
  local outer <close> = keras.GradientTape()
  local inner = keras.GradientTape()
  local y = x * x * x
  inner:close()
  local dy = inner:gradient(y, x)
  outer:close()
  eq(dy:item(), 27.0)
  eq(outer:gradient(dy, x):item(), 18.0)
end)

test("an open tape that nobody holds stops recording", function()
  for _ = 1, 40 do keras.GradientTape() end
  collectgarbage()
  local tape <close> = keras.GradientTape()
  ok(tape)
end)

test("losses, metrics and optimizers as objects and functions", function()
  eq(keras.losses.MeanSquaredError()({{1, 2}}, {{2, 4}}):item(), 2.5)
  eq(keras.losses.mean_squared_error({{1, 2}, {0, 0}}, {{2, 4}, {0, 0}}), {2.5, 0.0})
  near(keras.losses.sparse_categorical_crossentropy({1}, {{0.0, 0.0}}, {from_logits = true}), {0.6931472}, 1e-6)
  eq(keras.losses.get("mse").class_name, "MeanSquaredError")
  local m = keras.metrics.Mean()
  m:update_state({1, 2, 3}, {sample_weight = {0, 1, 1}})
  eq(m:result():item(), 2.5)
  m:reset_state()
  eq(m:result():item(), 0.0)
  eq(keras.metrics.SparseCategoricalAccuracy()({0, 1}, {{0.9, 0.1}, {0.8, 0.2}}):item(), 0.5)
  local sgd, v = keras.optimizers.SGD(0.5), keras.Variable{1, 2}
  sgd:apply_gradients{{tensor{2.0, 2.0}, v}}
  eq(v:numpy(), {0.0, 1.0})
  sgd.learning_rate = 0.25
  eq({sgd.learning_rate:item(), sgd:get_config().learning_rate, sgd.iterations:item()}, {0.25, 0.25, 1})
  sgd:apply({tensor{4.0, 0.0}}, {v})
  eq(v:numpy(), {-1.0, 1.0})
  fails("no gradient was given for variable", sgd.apply, sgd, {}, {v})
  fails("{gradient, variable} pairs", sgd.apply_gradients, sgd, {v})
  fails("unknown optimizer \"adem\"; did you mean \"Adam\"?", keras.optimizers.deserialize, "adem")
  fails("unknown key", keras.layers.deserialize, '{"class_name": "Dense", "config": {"units": 1}, "unit": 2}')
end)

test("learning rate schedules", function()
  local S = keras.optimizers.schedules
  local decay = S.ExponentialDecay(0.5, 2, {decay_rate = 0.25})
  eq({decay(0):item(), decay(1):item(), decay{step = 4}:item()}, {0.5, 0.25, 0.03125})
  local sgd, v = keras.optimizers.SGD{learning_rate = decay}, keras.Variable{4.0, 4.0}
  eq({sgd.learning_rate:item(), #sgd.variables}, {0.5, 1})
  sgd:apply({tensor{1.0, 2.0}}, {v})
  eq({v:tolist(), sgd.learning_rate:item()}, {{3.5, 3.0}, 0.25})
  fails("its learning rate is not settable", function() sgd.learning_rate = 1 end)
  eq(keras.optimizers.deserialize(sgd:serialize()).learning_rate:item(), 0.5)
  eq(sgd:get_config().learning_rate.class_name, "ExponentialDecay")
  eq(tostring(S.CosineDecay(1, 2)), "<CosineDecay name=CosineDecay>")
  fails("did you mean 'CosineDecay'?", function() return S.CosinDecay end)
  fails("must be a number or a learning rate schedule", keras.optimizers.SGD, keras.initializers.Zeros())
  fails("expected one of keras.optimizers.schedules", S.deserialize, keras.initializers.Zeros())
end)

test("fit follows a learning rate schedule", function()
  local function weights(rate)
    keras.utils.set_random_seed(3)
    local model = keras.Sequential{keras.Input{2}, L.Dense(1)}
    model:compile{optimizer = keras.optimizers.SGD(rate), loss = "mse"}
    local x, y = tensor.random.normal({8, 2}, {seed = 1}), tensor.random.normal({8, 1}, {seed = 2})
    local history = model:fit(x, y, {batch_size = 4, epochs = 2, shuffle = false, verbose = 0})
    return model:get_weights()[1], model
  end
  local scheduled, model = weights(keras.optimizers.schedules.PiecewiseConstantDecay({100}, {0.1, 0.0}))
  eq(scheduled, weights(0.1))
  model.optimizer.iterations:assign(101)
  local before = model:get_weights()[1]
  model:fit(tensor.ones{4, 2}, tensor.ones{4, 1}, {verbose = 0})
  eq(model:get_weights()[1], before)
end)

test("a custom training loop is fit's own step", function()
  local function model()
    keras.utils.set_random_seed(3)
    return keras.Sequential{L.Dense(4, {input_shape = {2}, activation = "tanh"}), L.Dropout(0.3), L.Dense(1)}
  end
  local x, y = tensor.random.normal({8, 2}, {seed = 1}), tensor.random.normal({8, 1}, {seed = 2})
  local a, b = model(), model()
  a:compile{optimizer = keras.optimizers.SGD(0.1, {momentum = 0.9}), loss = "mse"}
  a:fit(x, y, {epochs = 3, batch_size = 8, shuffle = false, verbose = 0})
  local loss, optimizer = keras.losses.MeanSquaredError(), keras.optimizers.SGD(0.1, {momentum = 0.9})
  for _ = 1, 3 do
    local tape <close> = keras.GradientTape()
    local value = loss(y, b(x, {training = true}))
    tape:close()
    local pairs_of = {}
    for i, g in ipairs(tape:gradient(value, b.trainable_variables)) do pairs_of[i] = {g, b.trainable_variables[i]} end
    optimizer:apply_gradients(pairs_of)
  end
  for i, w in ipairs(b:get_weights()) do near(a:get_weights()[i], w, 1e-6) end
end)

test("Sequential: add, pop, build", function()
  local model = keras.Sequential()
  eq(model.built, false)
  model:add(keras.Input{2})
  model:add(L.Dense(3, {name = "first"}))
  eq({model.built, #model.layers, model.weights[1].path}, {true, 1, model.name .. "/first/kernel"})
  eq(model.output_shape, {-1, 3})
  eq(model:count_params(), 9)
  fails("unique names. Name 'first'", model.add, model, L.Dense(3, {name = "first"}))
  fails("already been configured to use input shape (None, 2)", model.add, model, keras.Input{3})
  fails("Only instances of `keras.Layer` can be added", model.add, model, 3)
  fails("expected ndim=4, found ndim=2", model.add, model, L.Conv2D(1, 1)) -- and the model is as it was
  eq(#model.layers, 1)
  model:add(L.Dense(1))
  eq(model:pop().class_name, "Dense")
  eq(model.output_shape, {-1, 3})
  ok(model:get_layer "first" == model:get_layer(1) and model:get_layer{index = 1} == model.layers[1])
  fails("Did you mean 'first'?", model.get_layer, model, "firts")
  fails("only has 1 layers", model.get_layer, model, 2)
  fails("expected shape=(None, 2), found shape=(1, 3)", model, tensor.ones{1, 3})
  local frozen = keras.Sequential({L.Dense(2, {input_shape = {3}})}, {trainable = false})
  eq({frozen.trainable, #frozen.trainable_variables, #frozen.non_trainable_variables}, {false, 0, 2})
  local deferred = keras.Sequential{L.Dense(2)}
  fails("is not built", deferred.save_weights, deferred, scratch .. "/none")
  deferred(tensor.ones{1, 5})
  eq(deferred:count_params(), 12)
  local built = keras.Sequential{L.Dense(2)}
  built:build{-1, 4}
  eq(built:count_params(), 10)
end)

test("weights to a file and back, and into a model of another name", function()
  local function make() return keras.Sequential{L.Dense(2, {input_shape = {3}, name = "d"}), L.BatchNormalization{name = "b"}} end
  local a, b, path = make(), make(), scratch .. "/weights.safetensors"
  a:save_weights(path)
  b:load_weights(path)
  for i, w in ipairs(a:get_weights()) do eq(b:get_weights()[i], w) end
  fails("is there already", a.save_weights, a, path, {overwrite = false})
  local other = keras.Sequential{L.Dense(4, {input_shape = {3}, name = "d"})}
  fails("has shape (3, 4), a value of shape (3, 2)", other.load_weights, other, path)
  local third = keras.Sequential{L.Dense(2, {input_shape = {3}, name = "e"})}
  fails("has no weight", third.load_weights, third, path)
  fails("OSError", a.save_weights, a, scratch .. "/no/such/folder/w")
  fails("save_weights: .h5 files are not written; save(\"model.celda\")", a.save_weights, a, scratch .. "/m.weights.h5")
  fails("save: .keras files are not written", a.save, a, scratch .. "/m.keras")
  fails("save_weights: filepath must be a string, not a nil", a.save_weights, a)
  local notebook <close> = io.open(scratch .. "/mine.cells", "w")
  notebook:write("x = 1\n"):flush()
  fails("mine.cells' is there and is no file of weights", a.save_weights, a, scratch .. "/mine.cells")
end)

test("a layer written in Lua", function()
  local Scale = keras.Layer:extend "Scale"
  function Scale:init(start) self.start = start end
  function Scale:build(shape) self.factor = self:add_weight({shape[#shape]}, keras.initializers.Constant(self.start), {name = "factor"}) end
  function Scale:call(x, options) return options.training and x * self.factor or x end
  local layer = Scale(2)
  eq(layer(tensor{{1.0, 2.0}}, {training = true}), {{2.0, 4.0}})
  eq(layer(tensor{{1.0, 2.0}}), {{1.0, 2.0}})
  eq({#layer.weights, layer.name:match "^scale", layer.factor.name}, {1, "scale", "factor"})
  local Block = keras.layers.Layer:extend "Block"
  function Block:init()
    self.inner, self.scale = L.Dense(3), Scale(1)
  end
  function Block:call(x) return self.inner(self.scale(x)) end
  local model = keras.Sequential{Block(), L.Dense(1)}
  model:compile{optimizer = "sgd", loss = "mse"}
  local before = celda.stats().program_calls
  model:fit(tensor.ones{4, 2}, tensor.ones{4, 1}, {verbose = 0})
  eq(celda.stats().program_calls - before, 1)
  eq(#model.weights, 5)
  eq(model.output_shape, {-1, 1})
  local Empty = keras.Layer:extend "Empty"
  fails("has no call method", Empty(), tensor{1})
end)

test("edges of metrics, layers and optimizers, as Keras 3.15.1 has them", function()
  local function result(metric, t, p)
    metric:update_state(t, p)
    return metric:result():item()
  end
  local M, nan = keras.metrics, 0 / 0
  eq(result(M.TopKCategoricalAccuracy{k = 2}, {{0.05, 0.9, 0.05}}, {{0.4, 0.35, 0.25}}), 1.0) -- labels need not be 0 and 1
  eq(result(M.SparseTopKCategoricalAccuracy(), {-1}, {{0.2, 0.3, 0.5}}), 0.0)
  eq(result(M.SparseTopKCategoricalAccuracy{k = 1}, {7}, {{-1.0, -2.0, -3.0}}), 0.0)
  eq(result(M.SparseTopKCategoricalAccuracy{k = 1}, {0}, {{nan, 0.2, 0.3}}), 0.0)
  eq(result(M.TopKCategoricalAccuracy{k = 1}, {{0.0, 1.0, 0.0}}, {{-math.huge, 0.2, 0.7}}), 0.0)
  near(L.UnitNormalization()(tensor{{3e-7, 4e-7}}), {{0.6, 0.8}}, 1e-6)
  eq(L.UnitNormalization()(tensor{{0.0, 0.0}}), {{0.0, 0.0}})
  near(keras.losses.CosineSimilarity()(tensor{{3e-7, 4e-7}}, tensor{{3e-7, 4e-7}}), -1, 1e-6)
  eq(L.Embedding(3, 2)(tensor({0, 2}, "uint8")).shape, {2, 2})
  fails("index 3 at place 1 is outside [0, 3)", L.Embedding(3, 2), tensor{0, 3})
  fails("Threshold values must be in [0, 1]. Received: 1.5", M.Precision, {thresholds = 1.5})
  fails("`beta_1` must be in the [0, 1] range", keras.optimizers.Lion, {beta_1 = 0})
  fails("GroupNormalization: argument groups must be positive, not 0", L.GroupNormalization, 0)
  fails("must be a divisor of the number of channels (4)", L.GroupNormalization(3), tensor.ones{1, 4})
  fails("not supported in conjunction with `dilation_rate > 1`", L.Conv2DTranspose, 3, 3, {strides = 2, dilation_rate = 2})
  fails("smaller than the corresponding spatial dimension", L.Cropping2D(2), tensor.ones{1, 4, 4, 1})
end)

test("compiled functions", function()
  local v = keras.Variable{1, 1}
  local calls = 0
  local program = celda.trace(function(x)
    calls = calls + 1
    v:assign_add(x)
    return v:sum(), x * 2
  end, {tensor{0.0, 0.0}})
  local sum, double = program(tensor{1.0, 2.0})
  eq({sum:item(), double:tolist(), calls}, {5.0, {2.0, 4.0}, 1})
  eq(v:numpy(), {2.0, 3.0})
  fails("was traced as float32(2,)", program, tensor{1.0})
  fails("the program takes 1 inputs, not 0", program)
  fails("keras.lua:" , celda.trace, function(x) return x:item() end, {tensor{1.0}}) -- the line that reads
  fails("oops", celda.trace, function() error "oops" end, {})
  eq(tensor{1} + 1, tensor{2}) -- and no trace is left open
end)

test("utilities", function()
  eq(keras.utils.to_categorical({0, 2}), {{1.0, 0.0, 0.0}, {0.0, 0.0, 1.0}})
  eq(keras.utils.to_categorical({0, 1}, 3).shape, {2, 3})
  fails("label 3 is out of range for num_classes = 3", keras.utils.to_categorical, {0, 3}, 3)
  near(keras.utils.normalize{{3.0, 4.0}, {0.0, 0.0}}, {{0.6, 0.8}, {0, 0}}, 1e-6)
  keras.backend.clear_session()
  eq({L.Dense(1).name, L.Dense(1).name, L.Conv2D(1, 1).name}, {"dense", "dense_1", "conv2d"})
end)
