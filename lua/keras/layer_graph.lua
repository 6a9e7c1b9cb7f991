--- The graph between the KerasTensors of a functional model: its calls and layers in order, and who reads whom.
local core = require "celda.core"
local layer_graph = {}

--- The tensors that make the outputs, each after those it is made of, and when each one's layer was met on the way back.
function layer_graph.walk(inputs, outputs)
  local calls, met, done, count = {}, {}, {}, 0
  local function visit(t, path)
    if done[t] then return end
    if not met[t.layer] then
      count = count + 1
      met[t.layer] = count
    end
    if #t.inputs == 0 and not inputs[t] then core.raise("ValueError", "Output with path `%s` is not connected to `inputs`", path) end
    for _, from in ipairs(inputs[t] and {} or t.inputs) do visit(from, path) end
    done[t] = true
    calls[#calls + 1] = t
  end
  for i, output in ipairs(outputs) do visit(output, #outputs > 1 and i or "") end
  return calls, met
end

--- Layers by the most calls that follow them, then as they were met: Keras's map_graph. Inputs that no output needs go before
-- the last layers.
function layer_graph.in_order(inputs, calls, met)
  local depth, of, layers = {}, {}, {}
  for i = #calls, 1, -1 do
    local t = calls[i]
    if not of[t.layer] then layers[#layers + 1] = t.layer end
    local d = math.max(depth[t] or 0, of[t.layer] or 0)
    depth[t], of[t.layer] = d, d
    for _, from in ipairs(t.inputs) do depth[from] = math.max(depth[from] or 0, d + 1) end
  end
  for i, t in ipairs(inputs) do
    if not of[t.layer] then layers[#layers + 1], of[t.layer], met[t.layer] = t.layer, 0, i - #inputs end
  end
  table.sort(layers, function(a, b)
    if of[a] ~= of[b] then return of[a] > of[b] end
    return met[a] < met[b]
  end)
  return layers
end

--- Each layer's calls within the model as they were made, and of each tensor its number among them, from 0.
function layer_graph.calls_of(model)
  local of, number, calls = {}, {}, table.move(model.calls, 1, #model.calls, 1, {})
  table.sort(calls, function(a, b) return a.serial < b.serial end)
  for _, t in ipairs(model.inputs) do of[t.layer], number[t] = {t}, 0 end
  for _, t in ipairs(calls) do
    if not number[t] then
      of[t.layer] = of[t.layer] or {}
      number[t] = #of[t.layer]
      table.insert(of[t.layer], t)
    end
  end
  return of, number
end

--- How often each tensor is read: by calls, and as an output.
function layer_graph.readers(model)
  local count = {}
  for _, t in ipairs(model.calls) do
    for _, from in ipairs(t.inputs) do count[from] = (count[from] or 0) + 1 end
  end
  for _, t in ipairs(model.outputs) do count[t] = (count[t] or 0) + 1 end
  return count
end

-- Whether the layers are a mere stack.
local function is_stack(model)
  local readers = {}
  for _, t in ipairs(model.calls) do
    if #t.inputs > 1 then return false end
    for _, from in ipairs(t.inputs) do
      if readers[from] then return false end
      readers[from] = true
    end
  end
  return #model.calls == #model.stack
end

--- What each layer of a model reads, as "conv2d[0][0]"; nil where the layers are a mere stack.
function layer_graph.connections(model)
  if is_stack(model) then return nil end
  local of, number = layer_graph.calls_of(model)
  local texts = {}
  for i, layer in ipairs(model.stack) do
    local reads = {}
    for _, t in ipairs(of[layer]) do
      for _, from in ipairs(t.inputs) do reads[#reads + 1] = ("%s[%d][0]"):format(from.layer.name, number[from]) end
    end
    texts[i] = #reads > 0 and table.concat(reads, ", ") or "-"
  end
  return texts
end

return layer_graph
