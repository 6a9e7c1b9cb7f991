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

--- The shape of an input, or a list of those of several.
function any_layer.shape_of(x)
  if type(x) ~= "table" or getmetatable(x) ~= nil then return x.shape end
  local shapes = {}
  for i, one in ipairs(x) do shapes[i] = one.shape end
  return shapes
end

return any_layer
