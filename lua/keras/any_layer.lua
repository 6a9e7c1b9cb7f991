--- Layers as those see them that hold some: of the core, written in Lua, or models, which are layers, too.
local core = require "celda.core"
local any_layer = {}

function any_layer.is(value)
  if core.kind_of(value) == "layers" then return true end
  return type(value) == "table" and getmetatable(value) ~= nil and value.kind == "layers"
end

--- Builds a layer once; where it takes several inputs, for a list of their shapes. `scope` is the model's name in the weights'
-- paths.
function any_layer.build(layer, shape, scope)
  local build = type(layer) == "userdata" and layer.build or layer._build_once
  build(layer, shape, scope)
end

local function has_shape(x)
  local kind = core.kind_of(x)
  return kind == "tensor" or kind == "Variable" or type(x) == "table" and getmetatable(x) ~= nil and x.shape ~= nil
end

--- The shape of an input, or a list of those of several; nil where it is something else, which a layer in Lua may take.
function any_layer.shape_of(x)
  if has_shape(x) then return x.shape end
  if type(x) ~= "table" or #x == 0 then return nil end
  local shapes = {}
  for i, one in ipairs(x) do
    if not has_shape(one) then return nil end
    shapes[i] = one.shape
  end
  return shapes
end

-- What several parts hold in a field ("weights"), each variable once: parts may share layers. A part may be a variable.
local function gather(parts, field)
  local all, seen = {}, {}
  for _, part in ipairs(parts) do
    local variable = core.kind_of(part) == "Variable"
    for _, v in ipairs(not variable and part[field] or (field == "weights" or part.trainable) and {part} or {}) do
      if not seen[v] then all[#all + 1], seen[v] = v, true end
    end
  end
  return all
end

local function without(list, others)
  local left, out = {}, {}
  for _, v in ipairs(others) do out[v] = true end
  for _, v in ipairs(list) do
    if not out[v] then left[#left + 1] = v end
  end
  return left
end

--- Puts what all have that hold layers or Variables, which parts_of(self) gives, into a table of computed fields: weights,
-- trainable_weights, ... Nothing is trained of what is frozen itself, whatever its parts say.
function any_layer.add_fields(fields, parts_of)
  function fields.trainable(self) return not rawget(self, "_frozen") end
  function fields.weights(self) return gather(parts_of(self), "weights") end
  function fields.trainable_weights(self) return self.trainable and gather(parts_of(self), "trainable_weights") or {} end
  function fields.non_trainable_weights(self) return without(self.weights, self.trainable_weights) end
  fields.variables, fields.trainable_variables = fields.weights, fields.trainable_weights
  fields.non_trainable_variables = fields.non_trainable_weights
end

--- f(flag), while layers that are called without a flag train or not as this one says; nil: as what is around does.
function any_layer.while_training(flag, f)
  if flag ~= nil and type(flag) ~= "boolean" then
    core.raise("TypeError", "training must be true or false, not %s", tostring(flag))
  end
  local before = core.is_training()
  if flag == nil then flag = before end
  core.set_training(flag)
  local _ <close> = setmetatable({}, {__close = function() core.set_training(before) end})
  return f(flag)
end

--- A shape as Keras's JSON has it.
function any_layer.shape_json(shape)
  local list = {}
  for i, n in ipairs(shape) do list[i] = n < 0 and json.null or n end
  return list
end

return any_layer
