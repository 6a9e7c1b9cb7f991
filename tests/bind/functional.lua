local L = keras.layers

local function read(path)
  local file <close> = assert(io.open(path))
  return file:read "a"
end

-- Branches that are added, and joined.
local function branches()
  local inputs = keras.Input{8, 8, 1}
  local x = L.Conv2D(4, 3, {padding = "same", activation = "relu"})(inputs)
  x = L.Add()({x, L.Conv2D(4, 3, {padding = "same"})(x)})
  local pooled = L.MaxPooling2D(2)(x)
  x = L.Concatenate()({pooled, L.Conv2D(2, 1)(pooled)})
  x = L.Dropout(0.5)(L.Flatten()(x))
  return keras.Model(inputs, L.Dense(3)(x))
end

-- Two inputs, two outputs, a layer that is called three times.
local function shared()
  local a, b, layer = keras.Input({2}, {name = "a"}), keras.Input({2}, {name = "b"}), L.Dense(3, {name = "shared"})
  return keras.Model({a, b}, {layer(a) + layer(b), layer(a) * 2})
end

local function names(list, field)
  local all = {}
  for i, one in ipairs(list) do all[i] = one[field or "name"] end
  return table.concat(all, " ")
end

local IMAGES, LABELS = tensor.arange(256):astype "float32":reshape(4, 8, 8, 1) / 256, tensor{0, 1, 2, 1}

test("seed 200: layers, summary, weights, three steps with dropout, as Keras 3.15.1 has them", function()
  keras.backend.clear_session()
  keras.utils.set_random_seed(200)
  local model = branches()
  eq(names(model.layers), "input_layer conv2d conv2d_1 add max_pooling2d conv2d_2 concatenate flatten dropout dense")
  eq(names(model.weights, "path"), "conv2d/kernel conv2d/bias conv2d_1/kernel conv2d_1/bias conv2d_2/kernel conv2d_2/bias dense/kernel dense/bias")
  eq({model.name, model.input_shape, model.output_shape, model.built}, {"functional", {-1, 8, 8, 1}, {-1, 3}, true})
  output()
  model:summary()
  eq(output(), read "tests/golden/text/keras_summary_functional.txt")
  model:compile{optimizer = "adam", loss = keras.losses.SparseCategoricalCrossentropy{from_logits = true}, metrics = {"accuracy"}}
  near(model:predict_on_batch(IMAGES)[1], {0.10053618252277374, -0.0002708205720409751, 0.1303534060716629}, 1e-5)
  for _, expected in ipairs{{1.4673361778259277, 0.0}, {1.2149364948272705, 0.5}, {0.9411662817001343, 0.5}} do
    near(model:train_on_batch(IMAGES, LABELS), expected, 1e-5)
  end
  near(model:get_layer("conv2d_1").kernel.value:abs():sum(), 22.280311584472656, 1e-5)
end)

test("a mere stack", function()
  keras.backend.clear_session()
  local inputs = keras.Input{8, 8, 1}
  local model = keras.Model{inputs = inputs, outputs = L.Dense(2)(L.Flatten()(inputs)), name = "lin"}
  output()
  model:summary()
  local text = output()
  ok(text:find('Model: "lin"', 1, true) and text:find("│ input_layer (InputLayer) ", 1, true) and not text:find "Connected")
  eq(tostring(inputs), "<KerasTensor shape=(None, 8, 8, 1), dtype=float32, name=keras_tensor>")
  eq(keras.Sequential{keras.Input{4}, L.Dense(2)}.input_shape, {-1, 4})
end)

test("trained by fit as by a tape", function()
  keras.utils.set_random_seed(1)
  local model = branches()
  keras.utils.set_random_seed(1)
  local twin = branches()
  local loss = keras.losses.SparseCategoricalCrossentropy{from_logits = true}
  model:compile{optimizer = keras.optimizers.SGD(0.1), loss = loss}
  model:fit(IMAGES, LABELS, {batch_size = 4, epochs = 2, shuffle = false, verbose = 0})
  local optimizer, variables = keras.optimizers.SGD(0.1), twin.trainable_variables
  for _ = 1, 2 do
    local tape <close> = keras.GradientTape()
    optimizer:apply(tape:gradient(loss(LABELS, twin(IMAGES, {training = true})), variables), variables)
  end
  for i, v in ipairs(model.weights) do near(v:numpy(), twin.weights[i]:numpy(), 1e-5) end
  near(model:predict(IMAGES), twin(IMAGES), 1e-5)
  model.trainable = false
  eq({#model.trainable_weights, #model.non_trainable_weights}, {0, 8})
end)

test("several inputs and outputs, a shared layer", function()
  keras.backend.clear_session()
  local model = shared()
  local a, b = tensor{{1.0, 2.0}}, tensor{{3.0, 4.0}}
  local sum, double = table.unpack(model{a, b})
  local layer = model:get_layer "shared"
  near(sum, layer(a) + layer(b), 1e-6)
  near(double, layer(a) * 2, 1e-6)
  eq({#model.weights, model.input_shape, model.output_shape}, {2, {{-1, 2}, {-1, 2}}, {{-1, 3}, {-1, 3}}})
  eq(model:compute_output_shape{{5, 2}, {5, 2}}, {{5, 3}, {5, 3}})
  output()
  model:summary()
  local text = output()
  ok(text:find("a[0][0], b[0][0],", 1, true) and text:find("shared[2][0]", 1, true))
  fails("expects a list of 2 inputs, but it received a tensor", model, a)
  fails("expects a list of 2 inputs, but it received 1", model, {a})
  fails("Input 1 of layer \"functional\" is incompatible with the layer: expected shape=(None, 2), found shape=(1, 3)", model,
    {a, tensor.ones{1, 3}})
  model:compile{optimizer = "sgd", loss = "mse"}
  fails("fit: model 'functional' has 2 inputs and 2 outputs", model.fit, model, a, b)
  fails("predict: model 'functional' has 2 inputs and 2 outputs", model.predict, model, a)
end)

test("through JSON and files", function()
  local model = branches()
  local again = keras.models.model_from_json(model:to_json())
  again:set_weights(model:get_weights())
  eq(again:predict_on_batch(IMAGES), model:predict_on_batch(IMAGES))
  eq(names(again.layers), names(model.layers))
  eq(again:to_json(), model:to_json())
  local two = shared()
  local copy = keras.models.model_from_json(two:to_json())
  copy:set_weights(two:get_weights())
  local a, b = tensor{{1.0, 2.0}}, tensor{{3.0, 4.0}}
  eq(copy{a, b}, two{a, b})
  model:compile{optimizer = "adam", loss = "sparse_categorical_crossentropy"}
  model:fit(IMAGES, LABELS, {verbose = 0})
  model:save(scratch .. "/functional.celda")
  local loaded = keras.models.load_model(scratch .. "/functional.celda")
  for _, m in ipairs{model, loaded} do m:fit(IMAGES, LABELS, {verbose = 0}) end
  eq(loaded:get_weights(), model:get_weights())
  model:save_weights(scratch .. "/functional.safetensors")
  again:load_weights(scratch .. "/functional.safetensors")
  eq(again:get_weights(), model:get_weights())
end)

test("weights of a file come back by name, else in their order; none is lost where paths are equal", function()
  local path = scratch .. "/by_name.safetensors"
  local function three(name)
    local inputs = keras.Input{4}
    return keras.Model{inputs = inputs, outputs = L.Dense(4)(L.Dense(4)(L.Dense(4)(inputs))), name = name}
  end
  local function head(inputs, name) return keras.Model{inputs = inputs, outputs = L.Dense(4, {name = "head"})(inputs), name = name} end
  local inputs = keras.Input{4}
  local twins = keras.Model(inputs, L.Add()({head(keras.Input{4}, "p")(inputs), head(keras.Input{4}, "q")(inputs)}))
  local pairs_of = {{three(), three()}, {twins, twins}, {keras.Sequential{keras.Input{4}, three()}, keras.Sequential{keras.Input{4}, three()}}}
  for _, pair in ipairs(pairs_of) do
    pair[1]:save_weights(path)
    local saved = pair[1]:get_weights()
    for _, v in ipairs(pair[2].weights) do v:assign(v.value * 0) end
    pair[2]:load_weights(path)
    eq(pair[2]:get_weights(), saved)
  end
  local function two(swapped)
    keras.backend.clear_session()
    local first, second
    if swapped then second, first = L.Dense(4), L.Dense(4) else first, second = L.Dense(4), L.Dense(4) end
    local ends = keras.Input{4}
    return keras.Model(ends, second(first(ends)))
  end
  local a = two(false)
  a:save_weights(path)
  local b = two(true) -- the same names, the other way round
  b:load_weights(path)
  eq(b:get_weights(), a:get_weights())
  local one = keras.Model(inputs, L.Dense(4)(inputs))
  one:save_weights(path)
  fails("has no weight", three().load_weights, three(), path)
end)

test("a layer that is reached twice is one, in weights and in training", function()
  local layer, inputs = L.Dense(4, {kernel_initializer = "ones"}), keras.Input{4}
  local model = keras.Model(inputs, layer(keras.Sequential{keras.Input{4}, layer}(inputs)))
  eq({#model.weights, model:count_params(), #model.trainable_variables}, {2, 20, 2})
  local Both = keras.Layer:extend "Both"
  function Both:init() self.a, self.b = layer, keras.Sequential{keras.Input{4}, layer} end
  eq(#Both().weights, 2)
  model:compile{optimizer = keras.optimizers.SGD(0.001), loss = "mse"}
  model:train_on_batch(tensor.ones{1, 4}, tensor.zeros{1, 4})
  near(layer.kernel.value[1][1], 0.936, 1e-6) -- Keras 3.15.1
  near(layer.bias.value[1], -0.04, 1e-6)
end)

test("features: a model up to a layer's output", function()
  local inputs, x = keras.Input{3}, tensor.ones{2, 3}
  local hidden = L.Dense(4, {name = "hidden"})
  local model = keras.Model(inputs, L.Dense(1)(L.ReLU()(hidden(inputs))))
  near(keras.Model(model.inputs, model:get_layer("hidden").output)(x), hidden(x), 1e-6)
  eq({hidden.output.shape, hidden.input.shape, model.input.name == inputs.name}, {{-1, 4}, {-1, 3}, true})
  model:save(scratch .. "/features.celda")
  local loaded = keras.models.load_model(scratch .. "/features.celda")
  near(keras.Model(loaded.inputs, loaded:get_layer("hidden").output)(x), hidden(x), 1e-6)
  for _, stack in ipairs{keras.Sequential{keras.Input{3}, L.Dense(4), L.ReLU()}, keras.Sequential{L.Dense(4, {input_shape = {3}}), L.ReLU()}} do
    near(keras.Model(stack.inputs, stack.layers[1].output)(x), stack.layers[1](x), 1e-6)
    near(keras.Model(stack.input, stack.output)(x), stack(x), 1e-6)
    stack:add(L.Dense(2))
    eq(stack.output.shape, {-1, 2})
  end
  local Own = keras.Layer:extend "Own"
  function Own:call(y) return y * 2 end
  local own = Own()
  fails("The layer own has never been called and thus has no defined output.", function() return own.output end)
  eq({own(inputs).name == own.output.name, own.input.name == inputs.name}, {true, true})
  fails("has never been called and thus has no defined input.", function() return L.Dense(1).input end)
  fails("has no defined inputs and outputs yet", function() return keras.Sequential{L.Dense(1)}.inputs end)
end)

test("a frozen model's layers stay frozen within others", function()
  local inputs = keras.Input{3}
  local inner = keras.Model(inputs, L.Dense(2)(inputs))
  local outer = keras.Sequential{keras.Input{3}, inner, L.Dense(1)}
  inner.trainable = false
  inner.layers[2].trainable = true
  eq({#outer.trainable_weights, #outer.non_trainable_weights, #outer.weights}, {2, 2, 4})
  inner.trainable = true
  eq({#outer.trainable_weights, #outer.non_trainable_weights}, {4, 0})
end)

test("the training flag", function()
  local inputs, ones = keras.Input{8}, tensor.ones{4, 8}
  local model = keras.Model(inputs, L.Dropout(0.5)(inputs, {training = true}))
  ok(model(ones):max():item() == 2) -- the call's own flag,
  eq(model(ones, {training = false}), ones) -- which an explicit one outranks, as in Keras
  eq(model:predict(ones), ones)
  ok(keras.models.model_from_json(model:to_json())(ones):max():item() == 2)
  fails("training must be true or false, not yes", model, ones, {training = "yes"})
  fails("unknown argument 'mask'", model, ones, {mask = 1})
  fails("unknown argument 'trainig'", keras.Sequential{inputs, L.Dense(1)}, ones, {trainig = true})
end)

test("inputs that are adapted, as in Keras", function()
  local model = keras.Sequential{keras.Input{4, 4, 1}, L.Flatten()}
  eq(model(tensor.ones{2, 4, 4}).shape, {2, 16})
  eq(model:predict(tensor.ones{2, 4, 4}).shape, {2, 16})
  eq(keras.Sequential{keras.Input{4}, L.Dense(2)}(tensor.ones{3, 4, 1}).shape, {3, 2})
  local fixed = keras.Input({6}, {batch_size = 4})
  eq(keras.Model(fixed, L.Dense(1)(fixed)):predict(tensor.ones{10, 6}, {batch_size = 4}).shape, {10, 1})
  eq(keras.Model(fixed, L.Dense(1)(fixed))({tensor.ones{4, 6}}).shape, {4, 1})
end)

test("Keras's JSON with operators", function()
  local inputs = keras.Input{2}
  local text = keras.Model(inputs, L.Add({name = "sum"})({inputs, inputs})):to_json()
  local described = json.decode(text)
  local add = described.config.layers[2]
  add.module, add.class_name = "keras.src.ops.numpy", "Multiply"
  add.inbound_nodes[1].args = {add.inbound_nodes[1].args[1][1], 3.0}
  described.config.output_layers[1] = add.name
  eq(keras.models.model_from_json(json.encode(described))(tensor{{1.0, 2.0}}), {{3.0, 6.0}})
  add.module, add.class_name = "keras.layers", "Add"
  fails("is called with one input, or a list of them, not with 2", keras.models.model_from_json, json.encode(described))
  add.inbound_nodes[1].args[1].config.keras_history[1] = "nowhere"
  fails("the JSON of the model has no layer \"nowhere\"", keras.models.model_from_json, json.encode(described))
end)

test("order of layers and numbers of calls, as Keras 3.15.1 has them", function()
  local a, b = keras.Input({3}, {name = "a"}), keras.Input({3}, {name = "b"})
  eq(names(keras.Model({a, b}, L.Dense(1, {name = "o"})(L.Dense(2, {name = "h"})(a))).layers), "a h b o")
  local layer = L.Dense(2, {name = "s"})
  local x = layer(a)
  local model = keras.Model({a, b}, L.Subtract()({layer(b), x}))
  output()
  model:summary()
  local text = output()
  ok(text:find("a[0][0], b[0][0]", 1, true) and text:find("s[1][0], s[0][0]", 1, true))
  local nodes = json.decode(model:to_json()).config.layers
  for _, one in ipairs(nodes) do
    if one.name == "s" then eq({one.inbound_nodes[1].args[1].config.keras_history[1], one.inbound_nodes[2].args[1].config.keras_history[1]}, {"a", "b"}) end
  end
  local h = L.Dense(2)(a)
  eq(keras.Model(a, {h, L.Dense(1)(h)}):_connections(), nil) -- a stack with two outputs
  keras.Sequential{keras.Model(a, h), L.Dense(1)}:build{-1, 3}
end)

test("models and layers in Lua within models", function()
  local inner, inputs = keras.Sequential{keras.Input{3}, L.Dense(2)}, keras.Input{3}
  local Twice = keras.Layer:extend "Twice"
  function Twice:call(x) return x * 2 end
  local Total = keras.Layer:extend "Total"
  function Total:call(list) return list[1] + list[2] end
  function Total:compute_output_shape(shapes) return shapes[1] end
  local part = inner(inputs)
  local model = keras.Model(inputs, Total()({Twice()(part), part}))
  local x = tensor{{1.0, 2.0, 3.0}}
  near(model(x), inner(x) * 3, 1e-6)
  local outer = keras.Sequential{keras.Input{3}, model, L.Dense(1)}
  eq({#outer.weights, outer.output_shape}, {4, {-1, 1}})
  near(outer(x), outer.layers[2](model(x)), 1e-6)
  local nested = keras.models.model_from_json(keras.Model(inputs, L.Dense(1)(inner(inputs))):to_json())
  eq({#nested.weights, nested.layers[2].class_name}, {4, "Sequential"})
  local Free = keras.Layer:extend "Free"
  function Free:call(list) return list[1] end
  fails("has several inputs: its class (Free) must say what compute_output_shape is", Free(), {inputs, inputs})
end)

test("arithmetic of KerasTensors", function()
  local a, b = keras.Input{2}, keras.Input{2}
  local model = keras.Model({a, b}, {a + b, a - b, a * b, a + 1, 1 + a, a - 1, 1 - a, a * 3, 3 * a, -a, a / 2})
  local x, y = tensor{{5.0, 7.0}}, tensor{{2.0, 3.0}}
  local expected = {x + y, x - y, x * y, x + 1, x + 1, x - 1, 1 - x, x * 3, x * 3, -x, x / 2}
  for i, value in ipairs(model{x, y}) do eq(value, expected[i]) end
end)

test("what cannot be a model, or in one", function()
  local a, model = keras.Input{2}, shared()
  fails("Output with path `` is not connected to `inputs`", keras.Model, a, keras.Input{3})
  fails("Output with path `1` is not connected to `inputs`", keras.Model, model.inputs[1], model.outputs)
  fails("all inputs must be KerasTensors, as keras.Input and layers called on it give them, not 3", keras.Model, 3, 4)
  fails("all outputs must be KerasTensors", keras.Model, a, L.Dense(1))
  fails("Model: missing argument 'outputs'", keras.Model, a)
  fails("argument outputs is an empty list", keras.Model, {inputs = a, outputs = {}})
  fails("input 1 is not from keras.Input but what layer", keras.Model, L.Dense(1)(a), L.Dense(1)(L.Dense(1)(a)))
  fails("The name \"d\" is used by two layers", keras.Model, a, L.Dense(1, {name = "d"})(L.Dense(1, {name = "d"})(a)))
  fails("cannot contain character `/`", keras.Model, {inputs = a, outputs = L.Dense(1)(a), name = "a/b"})
  fails("expected ndim=4, found ndim=2", L.Conv2D(1, 1), a)
  fails("on a list of KerasTensors and of others: number 2 is a tensor", L.Add(), {a, tensor{1.0}})
  fails("was called on a layer; it wants a tensor", L.Dense(1), L.Dense(1))
  fails("+ of a KerasTensor, which has no values yet", function() return a + "x" end)
  fails("^ of a KerasTensor, which has no values yet", function() return a ^ 2 end)
  fails("'sum' of a KerasTensor, which has no values yet", function() return a:sum() end)
  fails("expected a tensor, a number or a nested table, got a KerasTensor", tensor.exp, a)
  fails("layers must be a list, as in keras.Sequential{layer, layer}, not a KerasTensor", keras.Sequential, a)
  fails("Flatten: argument 1 is what the layer is to be called on: Flatten(...)(x)", L.Flatten, a)
  fails("Dense: argument 2 is what the layer is to be called on: Dense(...)(x)", L.Dense, 8, a)
  fails("Add: argument 1 is what the layer is to be called on", L.Add, {a, a})
  fails("a KerasTensor has no values yet", tensor, a)
  fails("the length of a KerasTensor", function() return #a end)
  fails("Model: argument trainable must be a boolean, not \"no\"", keras.Model, a, L.Dense(1)(a), {trainable = "no"})
  eq(keras.Model(a, L.Dense(1)(a), "mine").name, "mine")
  fails("expects a list of 2 inputs, but it received a KerasTensor", model, a)
  fails("has several outputs; within another model there must be one", model, {a, a})
  eq(keras.Input({6, name = "jj"}).shape, {-1, 6})
  eq(keras.Input{4, 4, 1, name = "q"}.shape, {-1, 4, 4, 1})
  fails("Functional has no 'wieghts'; did you mean 'weights'?", function() return model.wieghts end)
  fails("expected shape=(None, 8, 8, 1), found shape=(1, 9, 9, 1)", branches(), tensor.zeros{1, 9, 9, 1})
end)
