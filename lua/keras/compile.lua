--- model:compile: the optimizer, the loss, and the metrics that fit the labels' and predictions' shapes.
local arguments = require "keras.arguments"
local core = require "celda.core"
require "keras.kinds" -- whose get the core's tables then have
local compile = {methods = {}}

-- Keras: one prediction is binary, integer labels (of lower rank, or of one column) are sparse.
local function flavour(y, p)
  if p.shape[p.ndim] == 1 then return "Binary" end
  if y.ndim < p.ndim or y.shape[y.ndim] == 1 then return "SparseCategorical" end
  return "Categorical"
end

local function is_name(value, ...)
  for _, name in ipairs {...} do
    if type(value) == "string" and value:lower() == name then return true end
  end
  return false
end

-- f(y, p), which must be a tensor.
local function values_of(f, what, y, p)
  local values = f(y, p)
  if core.kind_of(values) == "tensor" then return values end
  core.raise("TypeError", "compile: the %s must return a tensor, not a %s", what, core.kind_of(values) or type(values))
end

-- A function of labels and predictions as a loss: the mean of what it gives, weighted.
local function loss_of(f)
  return function(y, p, options)
    local values = values_of(f, "loss function", y, p)
    if options.sample_weight then values = values * options.sample_weight end
    return values:mean()
  end
end

-- A function of labels and predictions as a metric: its mean.
local function metric_of(f)
  local mean = core.metrics.Mean{name = "function"}
  return {
    name = mean.name, variables = mean.variables,
    update_state = function(_, y, p, options) mean:update_state(values_of(f, "metric function", y, p), options or {}) end,
    result = function() return mean:result() end,
    reset_state = function() mean:reset_state() end,
  }
end

-- A metric's object; a string is also its name in logs.
local function make_metric(spec, y, p)
  if is_name(spec, "accuracy", "acc") then return core.metrics[flavour(y, p) .. "Accuracy"]{name = spec} end
  if type(spec) == "string" then return core.metrics[core.metrics.deserialize(spec).class_name]{name = spec} end
  local metric = core.metrics.get(spec)
  return type(metric) == "function" and metric_of(metric) or metric
end

local function make_loss(spec, y, p)
  if is_name(spec, "crossentropy", "ce") then return core.losses[flavour(y, p) .. "Crossentropy"]() end
  local loss = core.losses.get(spec)
  return type(loss) == "function" and loss_of(loss) or loss
end

local function make_all(specs, y, p)
  local all = {}
  for i, spec in ipairs(specs) do all[i] = make_metric(spec, y, p) end
  return all
end

--- Makes the loss and the metrics once the shapes of labels and predictions are known.
function compile.resolve(self, y, p)
  local c = self.compiled
  if c.metrics then return c end
  c.loss = make_loss(self.loss, y, p)
  c.metrics, c.weighted = make_all(c.metric_specs, y, p), make_all(c.weighted_specs, y, p)
  return c
end

--- To be closed around a first step: what it made for labels and predictions that did not fit is forgotten.
function compile.unresolved_after_error(self)
  local c = self.compiled
  if not c or c.metrics then return nil end
  return setmetatable({}, {__close = function(_, problem)
    if problem ~= nil then c.loss, c.metrics, c.weighted = nil, nil, nil end
  end})
end

local function list_of(value, name)
  if value == nil then return {} end
  if type(value) ~= "table" then
    core.raise("ValueError", "Expected `%s` argument to be a list. Received instead: %s=%s", name, name, tostring(value))
  end
  return value
end

-- What an argument stands for: one of keras.<kind>, its class, its name, its JSON or any other function.
local function get(kind, name, value)
  local what = type(value)
  local fits = value == nil or what == "string" or what == "function" or core.kind_of(value) == kind
    or what == "table" and rawget(value, "class_name")
  if not fits then
    arguments.refuse("compile", name, ("the name of one of keras.%s, %s"):format(kind,
      kind == "optimizers" and "or one of them" or "one of them or a function"), value)
  end
  return core[kind].get(value)
end

-- A name that nobody knows is an error now, not when training begins.
local function check_specs(specs, name)
  for i, spec in ipairs(specs) do
    if not is_name(spec, "accuracy", "acc") then get("metrics", ("%s[%d]"):format(name, i), spec) end
  end
end

--- model:compile{optimizer = "rmsprop", loss = nil, metrics = {...}, weighted_metrics = {...}}
function compile.methods:compile(...)
  local optimizer, loss, loss_weights, metrics, weighted, eager, steps = core.args("compile", {"optimizer", "loss",
    "loss_weights", "metrics", "weighted_metrics", "run_eagerly", "steps_per_execution", "jit_compile", "auto_scale_loss"}, ...)
  if loss_weights ~= nil then core.raise("UnsupportedError", "compile: loss_weights is not supported: there is one output") end
  if eager then core.raise("UnsupportedError", "compile: run_eagerly is not supported: steps are always traced") end
  if steps ~= nil and steps ~= 1 then core.raise("UnsupportedError", "compile: steps_per_execution must be 1") end
  if optimizer == nil then optimizer = "rmsprop" end
  metrics, weighted = list_of(metrics, "metrics"), list_of(weighted, "weighted_metrics")
  check_specs(metrics, "metrics")
  check_specs(weighted, "weighted_metrics")
  optimizer = get("optimizers", "optimizer", optimizer)
  if type(optimizer) == "function" then core.raise("TypeError", "compile: a function cannot be the optimizer") end
  if not is_name(loss, "crossentropy", "ce") then loss = get("losses", "loss", loss) end
  self.optimizer, self.loss = optimizer, loss
  self.compiled = {metric_specs = metrics, weighted_specs = weighted, tracker = core.metrics.Mean{name = "loss"}}
  compile.forget(self)
end

local cache = {__cache = true} -- what is in such a table is no news to %diff

--- Programs that were traced for other layers or weights.
function compile.forget(self) self.programs = setmetatable({}, cache) end

--- An error in Keras's words unless the model was compiled, with a loss.
function compile.check(self, method)
  self:_check_single(method)
  if not self.compiled then core.raise("ValueError", "You must call `compile()` before calling `%s()`.", method) end
  if not self.loss then
    core.raise("ValueError", "No loss to compute. Provide a `loss` argument in `compile()`, which `%s()` needs.", method)
  end
end

--- All metrics in Keras's order: the loss's mean, then those of compile.
function compile.metrics(self)
  local c, all = self.compiled, {}
  if not c then return all end
  all[1] = c.tracker
  for _, metric in ipairs(c.metrics or {}) do all[#all + 1] = metric end
  for _, metric in ipairs(c.weighted or {}) do all[#all + 1] = metric end
  return all
end

function compile.methods:reset_metrics()
  for _, metric in ipairs(compile.metrics(self)) do metric:reset_state() end
end

return compile
