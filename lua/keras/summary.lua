--- model:summary(): the table that Keras prints, 80 columns wide, or as wide as a narrower terminal, or as wished.
local core = require "celda.core"

-- Columns, and their widths within a table of 80, without borders and blanks.
local HEADER, CELLS = {"Layer (type)", "Output Shape", "Param #"}, {33, 24, 13}
local CONNECTED_HEADER, CONNECTED_CELLS = {"Layer (type)", "Output Shape", "Param #", "Connected to"}, {21, 17, 11, 18}
local NUMBERS = 3 -- this column stands right

local function thousands(n)
  local text = ("%d"):format(n):reverse():gsub("(%d%d%d)", "%1,"):reverse()
  return (text:gsub("^,", ""))
end

local function memory(bytes)
  for _, unit in ipairs {"B", "KB", "MB", "GB", "TB"} do
    if bytes < 1024 then return ("%.2f %s"):format(bytes, unit) end
    bytes = bytes / 1024
  end
  return ("%.2f PB"):format(bytes)
end

-- Text in lines of at most `width`, broken at blanks where there are some; where there are none, words are cut if `cuts`.
local function wrap(text, width, cuts)
  local lines = {}
  while utf8.len(text) > width do
    local cut = text:sub(1, width + 1):match "^.+()%s"
    if not cut and cuts then
      local word, rest = text:match "^(%S+)%s*(.*)$"
      if utf8.len(word) > width then word = word:sub(1, utf8.offset(word, width) - 1) .. "…" end
      text, cut = rest == "" and word or word .. " " .. rest, #word + 1
    end
    if utf8.len(text) <= width then break end
    cut = cut or utf8.offset(text, width + 1)
    lines[#lines + 1] = text:sub(1, cut - 1)
    text = text:sub(cut):gsub("^%s+", "")
  end
  lines[#lines + 1] = text
  return lines
end

-- The widths of the cells of a table `width` wide, in the proportion of those of one 80 wide.
local function widths(cells, width)
  local frame = 3 * #cells + 1
  local room, left, all = width - frame, width - frame, {}
  for i, cell in ipairs(cells) do
    all[i] = math.max(4, i == #cells and left or room * cell // (80 - frame))
    left = left - all[i]
  end
  return all
end

local function rule(cells, left, line, middle, right)
  local parts = {}
  for i, width in ipairs(cells) do parts[i] = line:rep(width + 2) end
  return left .. table.concat(parts, middle) .. right
end

-- One row.
local function row(cells, texts, bar)
  local wrapped, height, out = {}, 1, {}
  for i, text in ipairs(texts) do
    wrapped[i] = wrap(text, cells[i], i > NUMBERS)
    height = math.max(height, #wrapped[i])
  end
  for line = 1, height do
    local parts = {}
    for i, width in ipairs(cells) do
      local text = wrapped[i][line] or ""
      local pad = (" "):rep(width - utf8.len(text))
      parts[i] = i == NUMBERS and " " .. pad .. text .. " " or " " .. text .. pad .. " "
    end
    out[line] = bar .. table.concat(parts, bar) .. bar
  end
  return table.concat(out, "\n")
end

local function layer_texts(layer, shape, connection)
  return {
    ("%s (%s)"):format(layer.name, layer.class_name),
    shape and tostring(core.shape(shape)) or "?",
    layer.built and thousands(layer:count_params()) or "0 (unbuilt)",
    connection,
  }
end

local function count_line(label, ...)
  local n, bytes = 0, 0
  for _, list in ipairs {...} do
    for _, v in ipairs(list) do n, bytes = n + v.size, bytes + v.nbytes end
  end
  return (" %s: %s (%s)"):format(label, thousands(n), memory(bytes))
end

local function screen_width() return celda.output and celda.output().width end

--- The summary as text, `width` columns wide or, without it, as the screen allows.
return function(model, width)
  local connections, shapes = model:_connections(), model:_output_shapes()
  local cells = widths(connections and CONNECTED_CELLS or CELLS, width or math.min(screen_width() or 80, 80))
  local lines = {
    ('Model: "%s"'):format(model.name),
    rule(cells, "┏", "━", "┳", "┓"),
    row(cells, connections and CONNECTED_HEADER or HEADER, "┃"),
    rule(cells, "┡", "━", "╇", "┩"),
  }
  for i, layer in ipairs(model.layers) do
    if i > 1 then lines[#lines + 1] = rule(cells, "├", "─", "┼", "┤") end
    lines[#lines + 1] = row(cells, layer_texts(layer, shapes[i], connections and connections[i]), "│")
  end
  lines[#lines + 1] = rule(cells, "└", "─", "┴", "┘")
  local optimizer = model.optimizer and model.optimizer.built and model.optimizer.variables or {}
  lines[#lines + 1] = count_line("Total params", model.weights, optimizer)
  lines[#lines + 1] = count_line("Trainable params", model.trainable_variables)
  lines[#lines + 1] = count_line("Non-trainable params", model.non_trainable_variables)
  if #optimizer > 0 then lines[#lines + 1] = count_line("Optimizer params", optimizer) end
  return table.concat(lines, "\n") .. "\n"
end
