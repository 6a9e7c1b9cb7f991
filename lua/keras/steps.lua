--- Steps of training, testing and predicting as compiled programs: forward, loss, gradients, optimizer and metrics are one
-- graph, traced once for each shape of a batch. Calling it is all that happens for a batch.
local core = require "celda.core"
local compile = require "keras.compile"
local steps = {}

-- The loss of a batch; the tracker counts it by samples, the metrics see it, too.
local function score(self, x, y, p, weight)
  local c = compile.resolve(self, y, p)
  local loss = c.loss(y, p, {sample_weight = weight})
  c.tracker:update_state(loss, {sample_weight = x.shape[1] + 0.0})
  for _, metric in ipairs(c.metrics) do metric:update_state(y, p) end
  for _, metric in ipairs(c.weighted) do metric:update_state(y, p, {sample_weight = weight}) end
  return loss
end

local function results(self)
  local values = {}
  for i, metric in ipairs(compile.metrics(self)) do values[i] = metric:result() end
  return table.unpack(values)
end

local kinds = {}

function kinds.train(self, x, y, weight)
  local variables = self.trainable_variables
  local tape = core.GradientTape()
  local loss = score(self, x, y, self(x, {training = true}), weight)
  if #variables > 0 then self.optimizer:apply(tape:gradient(loss, variables), variables) end
  return results(self)
end

function kinds.test(self, x, y, weight)
  score(self, x, y, self(x, {training = false}), weight)
  return results(self)
end

function kinds.predict(self, x) return self(x, {training = false}) end

--- The optimizer is for what can be trained at the first step after compile, as in Keras.
function steps.prepare(self)
  local c = self.compiled
  if c.prepared then return end
  local variables = self.trainable_variables
  if #variables > 0 then self.optimizer:build(variables) else io.stderr:write("The model does not have any trainable weights.\n") end
  c.prepared = true
end

local function key_of(kind, inputs)
  local parts = {kind}
  for _, t in ipairs(inputs) do parts[#parts + 1] = t.dtype .. tostring(t.shape) end
  return table.concat(parts, " ")
end

-- The inputs of a batch {x, y, weight}, and what each is. With `rows` these are whole data sets, of which the program
-- gathers the rows that its last input names.
local function inputs_of(set, rows)
  local inputs, place = {}, {}
  for i = 1, 3 do
    if set[i] then
      inputs[#inputs + 1] = set[i]
      place[#inputs] = i
    end
  end
  inputs[#inputs + 1] = rows
  return inputs, place
end

local function trace(self, kind, inputs, place, rows)
  if kind == "train" then steps.prepare(self) end
  local _ <close> = compile.unresolved_after_error(self)
  return core.trace(function(...)
    local given, batch = {...}, {}
    for i, what in ipairs(place) do batch[what] = rows and given[i]:take(given[#place + 1]) or given[i] end
    return kinds[kind](self, table.unpack(batch, 1, 3))
  end, inputs)
end

--- A function that runs steps of one kind: run(set) on a batch, or run(set, rows) on these rows of a data set. It looks
-- for another program only when the size of the batch changes.
function steps.runner(self, kind)
  local program, size
  if not self.programs then core.raise("ValueError", "model '%s' has no layers yet: model:add(layer) adds one", self.name) end
  return function(set, rows)
    local inputs, place = inputs_of(set, rows)
    local n = inputs[#inputs].shape[1]
    if n ~= size then
      local key = key_of(rows and kind .. " rows" or kind, inputs)
      program = self.programs[key] or trace(self, kind, inputs, place, rows)
      self.programs[key], size = program, n
    end
    return program(table.unpack(inputs))
  end
end

return steps
