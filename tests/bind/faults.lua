-- A training step in which the n-th allocation fails, for every n: once with that one alone failing (a tensor's is then tried
-- again, after a collection), once with all after it failing, too. Lua's own allocations do not fail here.
local L = keras.layers
local x, y = tensor.random.normal({8, 6, 6, 1}, {seed = 1}), tensor.arange(8) % 3

local function network(input_shape)
  keras.utils.set_random_seed(200)
  local model = keras.Sequential{L.Conv2D(2, 3, {input_shape = input_shape, activation = "relu"}), L.BatchNormalization(),
    L.Dropout(0.25), L.Flatten(), L.Dense(3, {activation = "softmax"})}
  model:compile{optimizer = keras.optimizers.Adam(0.01), loss = "sparse_categorical_crossentropy", metrics = {"accuracy"}}
  return model
end

local function step(model) return model:fit(x, y, {verbose = 0, batch_size = 8}) end

-- Every number that a step changes; what dropout draws next shows in the step after.
local function state(model)
  local values = model:get_weights()
  for _, v in ipairs(model.optimizer.variables) do values[#values + 1] = v:numpy() end
  return values
end

local function core_bytes()
  collectgarbage()
  collectgarbage()
  return celda.stats().used_bytes - collectgarbage "count" * 1024
end

-- Runs f with the n-th allocation failing: whether it failed, and whether there was an n-th.
local function failing(fail, n, f, ...)
  fail(n)
  local fine, problem = pcall(f, ...)
  local seen = fail_once(0)
  if not fine then ok(tostring(problem):find("MemoryError: .*out of memory: "), tostring(problem)) end
  return not fine, seen >= n
end

-- Steps of a model, each failing at its n-th allocation and then done again, beside those of a twin that never fails.
local function every_failure(fail, prepare)
  local model, twin = network{6, 6, 1}, network{6, 6, 1}
  step(model)
  step(twin)
  prepare(model)
  step(model)
  step(twin)
  local before, failures = core_bytes(), 0
  for n = 1, math.huge do
    prepare(model)
    local failed, reached = failing(fail, n, step, model)
    if failed then
      failures = failures + 1
      eq(state(model), state(twin))
      step(model)
    end
    step(twin)
    eq(state(model), state(twin))
    if not reached then break end
  end
  eq(core_bytes(), before)
  return failures
end

local function nothing() end
local function forget(model) model.programs = {} end

test("a compiled step", function()
  ok(every_failure(fail_once, nothing) > 10)
  ok(every_failure(fail_after, nothing) > 50)
end)

test("a step that is traced", function() ok(every_failure(fail_after, forget) > 1000) end)

test("a model's first step, building included", function()
  step(network())
  local before, failures = core_bytes(), 0
  for n = 1, math.huge do
    local model
    local failed, reached = failing(fail_after, n, function()
      model = network()
      step(model)
    end)
    if failed then
      failures = failures + 1
      if model then step(model) end
    end
    if not reached then break end
  end
  model = nil
  eq(core_bytes(), before)
  ok(failures > 1000)
end)
