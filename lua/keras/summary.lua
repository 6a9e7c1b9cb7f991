--- model.summary(): the table Keras prints, 80 columns wide.
local COLUMNS = {33, 24, 13}

local function thousands(n)
  local text = ("%d"):format(n)
  local out = text:reverse():gsub("(%d%d%d)", "%1,"):reverse()
  return (out:gsub("^,", ""))
end

local function memory(bytes)
  local units, i = {"B", "KB", "MB", "GB", "TB"}, 1
  while bytes >= 1024 and i < #units do bytes, i = bytes / 1024, i + 1 end
  return ("%.2f %s"):format(bytes, units[i])
end

-- Text in lines of at most `width`, broken at blanks where there are some.
local function wrap(text, width)
  local lines = {}
  while #text > width do
    local cut = text:sub(1, width + 1):match("^.*()%s") or width + 1
    lines[#lines + 1] = text:sub(1, cut - 1)
    text = text:sub(cut):gsub("^%s+", "")
  end
  lines[#lines + 1] = text
  return lines
end

local function rule(left, line, middle, right)
  local parts = {}
  for i, width in ipairs(COLUMNS) do parts[i] = line:rep(width + 2) end
  return left .. table.concat(parts, middle) .. right
end

local function row(cells, bar)
  local wrapped, height, out = {}, 1, {}
  for i, text in ipairs(cells) do
    wrapped[i] = wrap(text, COLUMNS[i])
    height = math.max(height, #wrapped[i])
  end
  for line = 1, height do
    local parts = {}
    for i, width in ipairs(COLUMNS) do
      local text = wrapped[i][line] or ""
      local pad = (" "):rep(width - utf8.len(text))
      parts[i] = " " .. (i == 3 and pad .. text or text .. pad) .. " "
    end
    out[line] = bar .. table.concat(parts, bar) .. bar
  end
  return table.concat(out, "\n")
end

local function shape_text(shape)
  if not shape then return "?" end
  local parts = {}
  for i, n in ipairs(shape) do parts[i] = n < 0 and "None" or tostring(n) end
  return "(" .. table.concat(parts, ", ") .. (#parts == 1 and ",)" or ")")
end

local function total(variables)
  local n, bytes = 0, 0
  for _, v in ipairs(variables) do n, bytes = n + v.size, bytes + v.nbytes end
  return n, bytes
end

local function count_line(label, variables)
  local n, bytes = total(variables)
  return (" %s: %s (%s)"):format(label, thousands(n), memory(bytes))
end

local function join(...)
  local all = {}
  for _, list in ipairs {...} do table.move(list, 1, #list, #all + 1, all) end
  return all
end

--- The summary as text.
return function(model)
  local lines = {('Model: "%s"'):format(model.name), rule("┏", "━", "┳", "┓"),
    row({"Layer (type)", "Output Shape", "Param #"}, "┃"), rule("┡", "━", "╇", "┩")}
  for i, layer in ipairs(model.layers) do
    if i > 1 then lines[#lines + 1] = rule("├", "─", "┼", "┤") end
    local params = layer.built and thousands(layer:count_params()) or "0 (unbuilt)"
    lines[#lines + 1] = row({("%s (%s)"):format(layer.name, layer.class_name), shape_text(model:output_shape_of(i)),
      params}, "│")
  end
  lines[#lines + 1] = rule("└", "─", "┴", "┘")
  local optimizer = model.optimizer and model.optimizer_built and model.optimizer.variables or {}
  lines[#lines + 1] = count_line("Total params", join(model.weights, optimizer))
  lines[#lines + 1] = count_line("Trainable params", model.trainable_variables)
  lines[#lines + 1] = count_line("Non-trainable params", model.non_trainable_variables)
  if #optimizer > 0 then lines[#lines + 1] = count_line("Optimizer params", optimizer) end
  return table.concat(lines, "\n") .. "\n"
end
