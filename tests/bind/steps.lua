--- Training steps as graphs: memory near the bound with the workspaces of fast convolutions in it, the same graph on the
-- null device, and no bit changed by a pass.
local L = keras.layers

local nets = {}

function nets.tutorial()
  return {28, 28, 1}, {
    L.BatchNormalization {input_shape = {28, 28, 1}},
    L.Conv2D(64, {5, 5}, {padding = "same", activation = "elu"}), L.MaxPooling2D {pool_size = {2, 2}}, L.Dropout(0.25),
    L.BatchNormalization(), L.Conv2D(128, {5, 5}, {padding = "same", activation = "elu"}),
    L.MaxPooling2D {pool_size = {2, 2}}, L.Dropout(0.25), L.Flatten(), L.Dense(256, {activation = "elu"}),
    L.Dropout(0.5), L.Dense(10, {activation = "softmax"})}
end

function nets.vgg()
  return {32, 32, 3}, {
    L.Conv2D(32, 3, {padding = "same", activation = "relu", input_shape = {32, 32, 3}}),
    L.Conv2D(32, 3, {padding = "same", activation = "relu"}), L.MaxPooling2D(2),
    L.Conv2D(64, 3, {padding = "same", activation = "relu"}), L.MaxPooling2D(2), L.Flatten(),
    L.Dense(10, {activation = "softmax"})}
end

function nets.mlp()
  return {784}, {
    L.Dense(128, {activation = "relu", input_shape = {784}}), L.Dense(64, {activation = "tanh"}),
    L.Dense(10, {activation = "softmax"})}
end

-- A net compiled with the seed 1, and a batch for it.
local function prepare(name, batch)
  keras.utils.set_random_seed(1)
  local shape, layers = nets[name]()
  local model = keras.Sequential(layers)
  model:compile {optimizer = "adam", loss = "sparse_categorical_crossentropy", metrics = {"accuracy"}}
  return model, tensor.random.uniform({batch, table.unpack(shape)}), tensor.random.integers(0, 10, {batch})
end

for name in pairs(nets) do
  test(name .. ": a step's memory is at most 1.1 times the bound", function()
    local model, x, y = prepare(name, 32)
    model:train_on_batch(x, y)
    model:predict_on_batch(x)
    local seen = 0
    for key, program in pairs(model.programs) do
      local arena, bound = program:memory()
      ok(bound > 0 and arena >= bound and arena <= 1.1 * bound, ("%s: %d bytes, bound %d"):format(key, arena, bound))
      seen = seen + 1
    end
    eq(seen, 2)
  end)

  test(name .. ": the step's graph runs on the null device", function()
    local model, x, y = prepare(name, 8)
    model:train_on_batch(x, y)
    local _, program = next(model.programs)
    ok(on_null(program) > 0)
  end)

  test(name .. ": no pass changes a bit", function()
    local function train(with)
      local before = passes(with)
      local model, x, y = prepare(name, 8)
      local logs = {model:train_on_batch(x, y), model:train_on_batch(x, y)}
      local _, program = next(model.programs)
      passes(before)
      return model:get_weights(), logs, tostring(program)
    end
    local weights, logs, listing = train(ALL)
    for _, without in ipairs {FUSE, PRUNE} do
      local other, other_logs, other_listing = train(ALL & ~without)
      ok(other_listing ~= listing, "the pass did nothing here")
      eq(other, weights)
      eq(other_logs, logs)
    end
  end)
end
