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

-- The variables of several parts that `wanted` says yes to, each once: parts may share layers.
local function gather(parts, wanted)
  local all, seen = {}, {}
  for _, part in ipairs(parts) do
    for _, v in ipairs(core.kind_of(part) == "Variable" and {part} or part.weights) do
      if not seen[v] and wanted(v) then all[#all + 1] = v end
      seen[v] = true
    end
  end
  return all
end

--- Puts what all have that hold layers or Variables, which parts_of(self) gives, into a table of computed fields: weights,
-- trainable_weights, ... Nothing is trained of what is frozen itself, whatever its parts say.
function any_layer.add_fields(fields, parts_of)
  local function frozen(self) return rawget(self, "_frozen") end
  function fields.trainable(self) return not frozen(self) end
  function fields.weights(self) return gather(parts_of(self), function() return true end) end
  function fields.trainable_weights(self)
    return gather(parts_of(self), function(v) return v.trainable and not frozen(self) end)
  end
  function fields.non_trainable_weights(self)
    return gather(parts_of(self), function(v) return not v.trainable or frozen(self) end)
  end
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
