-- Networks drawn at random, whose compiled steps (fused, trimmed, pooled, recomputed, updated in place) must do what a tape
-- over eager operations does.
local L = keras.layers
local MODELS = 60
-- Of a variable's largest number, after one step of SGD and after two: sums run in other orders, and in the second step a
-- maximum may fall on another pixel for it.
local TOLERANCES = {3e-4, 1e-2}

local state = 20261121
local function draw(n)
  state = (state * 1103515245 + 12345) % 2147483648
  return state // 65536 % n + 1
end
local function pick(list) return list[draw(#list)] end

local function conv()
  local activation = pick {"relu", "relu", "elu", "tanh", "linear"}
  return {"conv", pick {8, 16, 20, 32, 48}, pick {1, 3, 3, 5}, {padding = pick {"same", "valid"}, activation = activation,
    strides = pick {1, 1, 1, 1, 2}}}
end

local function network()
  local s = {shape = {draw(28) + 6, draw(28) + 6, pick {1, 2, 3, 16, 32}}, batch = pick {1, 3, 33, 70}, layers = {}}
  local function add(layer) s.layers[#s.layers + 1] = layer end
  if draw(2) == 1 then add {"norm"} end
  for _ = 1, draw(2) do
    add(conv())
    if draw(3) < 3 then add {"pool", pick {2, 2, 3}, {strides = pick {2, 2, 3, 1}, padding = pick {"same", "valid"}}} end
    if draw(3) == 1 then add {"drop"} end
    if draw(2) == 1 then add {"norm"} end
  end
  return s
end

local makers = {
  norm = function() return L.BatchNormalization() end,
  conv = function(filters, size, options) return L.Conv2D(filters, size, options) end,
  pool = function(size, options) return L.MaxPooling2D(size, options) end,
  drop = function() return L.Dropout(0.3) end,
}

local function build(s)
  keras.utils.set_random_seed(7)
  local model = keras.Sequential {keras.Input(s.shape)}
  for _, layer in ipairs(s.layers) do model:add(makers[layer[1]](table.unpack(layer, 2))) end
  model:add(L.Flatten())
  model:add(L.Dense(10))
  return model
end

local function difference(a, b)
  local most = tensor.max(tensor.abs(b)):item()
  return tensor.max(tensor.abs(a - b)):item() / (most > 1e-3 and most or 1e-3)
end

local function check(s, model, twin)
  local loss = keras.losses.SparseCategoricalCrossentropy {from_logits = true}
  model:compile {optimizer = keras.optimizers.SGD(0.1), loss = loss}
  local x = tensor.random.uniform({s.batch, table.unpack(s.shape)}, {seed = 9}) * 3 + 1
  local y = tensor.random.integers(0, 10, {s.batch})
  local optimizer, weights = keras.optimizers.SGD(0.1), twin.trainable_variables
  for _, tolerance in ipairs(TOLERANCES) do
    model:train_on_batch(x, y)
    local tape <close> = keras.GradientTape()
    optimizer:apply(tape:gradient(loss(y, twin(x, {training = true})), weights), weights)
    for i, v in ipairs(model.variables) do
      local d = difference(v:numpy(), twin.variables[i]:numpy())
      if not (d < tolerance) then error(v.path .. " differs by " .. d .. ": " .. json.encode(s)) end
    end
  end
  local d = difference(model:predict_on_batch(x), model(x, {training = false}))
  if not (d < TOLERANCES[1]) then error("predictions differ by " .. d .. ": " .. json.encode(s)) end
end

test("compiled steps do what the operations do", function()
  local checked = 0
  while checked < MODELS do
    local s = network()
    local fits, model = pcall(build, s) -- an image may be too small for its layers
    if fits then
      check(s, model, build(s))
      checked = checked + 1
    end
  end
end)
