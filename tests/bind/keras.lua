-- Keras's own numbers through the public face: every golden case of the classes there are.
local function close(ours, theirs, what, tolerance)
  tolerance = tolerance or 1e-5
  ours, theirs = ours:astype "float64", theirs:astype "float64"
  local scale = theirs.size > 0 and math.max(1, theirs:abs():max():item()) or 1
  local worst = theirs.size > 0 and (ours - theirs):abs():max():item() or 0
  if not (worst <= tolerance * scale) then error(("%s differs by %g (largest %g)"):format(what, worst, scale), 2) end
end

local function cases(folder)
  local list, names = io.popen("ls tests/golden/" .. folder .. "/*.safetensors"), {}
  for path in list:lines() do names[#names + 1] = path end
  list:close()
  assert(#names > 0, "no golden cases in " .. folder)
  return names
end

local function weights_of(t, suffix)
  local list = {}
  while t[("w%d%s"):format(#list, suffix or "")] do list[#list + 1] = t[("w%d%s"):format(#list, suffix or "")] end
  return list
end

local function inputs_of(t)
  local x = {}
  while t["x" .. #x] do x[#x + 1] = t["x" .. #x] end
  return x
end

for _, path in ipairs(cases "layers") do
  local t, meta = safetensors.load(path)
  local layer = keras.layers.deserialize(meta.layer)
  local x = inputs_of(t)
  local function call(training) return layer(#x == 1 and x[1] or x, {training = training}) end
  call(false)
  layer:set_weights(weights_of(t))
  close(call(false), t.y_inference, path .. " inference")
  local tape <close> = keras.GradientTape()
  for _, input in ipairs(x) do tape:watch(input) end
  local y = call(true)
  close(y, t.y_training, path .. " training")
  local sources = {table.unpack(x)}
  local weights = layer.weights
  for _, v in ipairs(layer.trainable_variables) do sources[#sources + 1] = v end
  local gradients = tape:gradient(y, sources, {output_gradients = t.dy})
  for i = 1, #x do
    if t["dx" .. i - 1] then close(gradients[i], t["dx" .. i - 1], path .. " dx") end
  end
  local position = #x
  for i, v in ipairs(weights) do
    if v.trainable then
      position = position + 1
      if t["dw" .. i - 1] then close(gradients[position], t["dw" .. i - 1], path .. " dw" .. i - 1) end
    end
    if t[("w%d_after"):format(i - 1)] then close(v:numpy(), t[("w%d_after"):format(i - 1)], path .. " after") end
  end
end

for _, path in ipairs(cases "losses") do
  local t, meta = safetensors.load(path)
  local loss = keras.losses.deserialize(meta.loss)
  local function check(weight, value, dy)
    local p = t.y_pred
    local tape <close> = keras.GradientTape()
    tape:watch(p)
    local l = loss(t.y_true, p, {sample_weight = weight})
    close(l, value:reshape{}, path)
    close(tape:gradient(l, p), dy, path .. " gradient")
  end
  check(nil, t.loss, t.dy_pred)
  if t.sample_weight then check(t.sample_weight, t.loss_weighted, t.dy_pred_weighted) end
end

for _, path in ipairs(cases "metrics") do
  local t, meta = safetensors.load(path)
  local metric = keras.metrics.deserialize(meta.metric)
  for i = 0, 2 do
    metric:update_state(t["y_true" .. i], t["y_pred" .. i])
    close(metric:result(), t["result" .. i]:reshape{}, path)
  end
  metric:reset_state()
  assert(metric:result():item() == 0)
end

for _, path in ipairs(cases "optimizers") do
  local t, meta = safetensors.load(path)
  local optimizer = keras.optimizers.deserialize(meta.optimizer)
  local v = {}
  for i = 0, 2 do v[i + 1] = keras.Variable(t[("v%d_0"):format(i)]) end
  for step = 1, 6 do
    local pairs_of = {}
    for i = 0, 2 do pairs_of[i + 1] = {t[("g%d_%d"):format(i, step)], v[i + 1]} end
    optimizer:apply_gradients(pairs_of)
    for i = 0, 2 do close(v[i + 1]:numpy(), t[("v%d_%d"):format(i, step)], path, 2e-6) end
  end
end
