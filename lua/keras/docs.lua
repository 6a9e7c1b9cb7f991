--- Help texts of Keras's classes, from the tables that also make their constructors.
local core = require "celda.core"

local modules = {} -- by kind
for _, kind in ipairs(core.kinds) do modules[kind.name] = kind.module end

local function text_of(module, class)
  local positional, lines = {}, {}
  for _, arg in ipairs(class.args) do
    if not arg.keyword then
      positional[#positional + 1] = arg.default and arg.name .. " = " .. arg.default or arg.name
    end
    lines[#lines + 1] = ("  %-22s %s%s"):format(arg.name, arg.doc or "", arg.default and " (" .. arg.default .. ")" or "")
  end
  local head = ("%s.%s(%s)"):format(module, class.name, table.concat(positional, ", "))
  return head .. "\n" .. class.doc .. "\n" .. table.concat(lines, "\n")
end

--- The text for "keras.layers.Dense" or "layers.Dense"; nil for anything else.
return function(name)
  local kind, wanted = name:match "(%a+)%.([%w_]+)$"
  if not modules[kind] then return nil end
  for _, class in ipairs(core[kind].classes()) do
    local alias = (" " .. class.aliases .. " "):find(" " .. wanted .. " ", 1, true)
    if class.name == wanted or alias then return text_of(modules[kind], class) end
  end
end
