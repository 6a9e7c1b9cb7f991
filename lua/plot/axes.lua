--- Axes: one plot with its artists, limits, ticks and texts, and how they are laid out in a box of the drawing. Boxes are
-- whole characters (8 x 16 units), so that the same layout serves pixels and the cells of a terminal.
local core = require "celda.core"
local artists, colours, ticks = require "plot.artists", require "plot.colours", require "plot.ticks"

local Axes = {}
Axes.__index = Axes

local WIDTH, HEIGHT = 8, 16 -- of a character
local BLACK, PAPER, GRID = 0x000000ff, 0xffffffff, 0xb0b0b0ff

--- whole = true: ticks of x at integers alone.
function Axes.new(figure) return setmetatable({figure = figure, artists = {}, colour = 0}, Axes) end

-- ---- data -------------------------------------------------------------------------------------------------------------------

-- A list of numbers from a tensor, a Variable or a list.
local function list(value, what)
  if type(value) == "table" then
    for i, v in ipairs(value) do
      if type(v) ~= "number" then core.raise("TypeError", "plot: %s[%d] is a %s, not a number", what, i, type(v)) end
    end
    return value
  end
  local kind = core.kind_of(value)
  if kind == "Variable" then value, kind = value.value, "tensor" end
  if kind ~= "tensor" then core.raise("TypeError", "plot: %s must be a list or a tensor, not a %s", what, kind or type(value)) end
  return value:flatten():astype("float64"):tolist()
end

local function count_from_zero(n)
  local x = {}
  for i = 1, n do x[i] = i - 1 end
  return x
end

local function points_of(x, y)
  if y == nil then x, y = nil, x end
  y = list(y, "y")
  x = x == nil and count_from_zero(#y) or list(x, "x")
  if #x ~= #y then
    core.raise("ValueError", "x and y must have same first dimension, but have shapes (%d,) and (%d,)", #x, #y)
  end
  return x, y
end

-- The next of the colours in turn, where none is given.
local function colour_for(self, color)
  if color then
    colours.of(color)
    return color
  end
  self.colour = self.colour + 1
  return colours.cycle(self.colour)
end

local function add(self, artist)
  self.artists[#self.artists + 1] = artist
  return self
end

--- axes:line(y), axes:line(x, y, {label, color, linewidth = 1.5, linestyle = "-", marker, markersize = 6, alpha})
function Axes:line(...)
  local x, y, label, color, width, style, marker, size, alpha =
    core.args("line", {"x", "y", "label", "color", "linewidth", "linestyle", "marker", "markersize", "alpha",
      list = true}, ...)
  if style and not artists.is_linestyle(style) then core.raise("ValueError", "unknown linestyle '%s': - -- : or -.", tostring(style)) end
  x, y = points_of(x, y)
  return add(self, artists.line(x, y, {label = label, color = colour_for(self, color), linewidth = width, linestyle = style,
    marker = marker, markersize = size, alpha = alpha}))
end
Axes.plot = Axes.line

--- axes:scatter(x, y, {s = 36, label, color, alpha}): s is the marks' area in points squared, as matplotlib's.
function Axes:scatter(...)
  local x, y, s, color, label, alpha = core.args("scatter",
    {"x", "y", "s", "color", "label", "alpha", list = true}, ...)
  x, y = points_of(x, y)
  return add(self, artists.line(x, y, {label = label, color = colour_for(self, color), linestyle = "", marker = "o",
    markersize = (s or 36) ^ 0.5, alpha = alpha}))
end

--- axes:bar(x, height, {width = 0.8, color, label, alpha}): x holds numbers or names.
function Axes:bar(...)
  local x, height, width, color, label, alpha = core.args("bar",
    {"x", "height", "width", "color", "label", "alpha", list = true}, ...)
  if height == nil then x, height = nil, x end
  height, width = list(height, "height"), width or 0.8
  if type(x) == "table" and type(x[1]) == "string" then x, self.names_x = nil, x end
  x = x == nil and count_from_zero(#height) or list(x, "x")
  if #x ~= #height or self.names_x and #self.names_x ~= #height then
    core.raise("ValueError", "bar: %d places for %d bars", self.names_x and #self.names_x or #x, #height)
  end
  local left, right = {}, {}
  for i, v in ipairs(x) do left[i], right[i] = v - width / 2, v + width / 2 end
  return add(self, artists.bars(left, right, height, {color = colour_for(self, color), label = label, alpha = alpha}))
end

--- axes:hist(x, {bins = 10, range, density = false, color, label, alpha})
function Axes:hist(...)
  local x, bins, range, density, color, label, alpha =
    core.args("hist", {"x", "bins", "range", "density", "color", "label", "alpha", list = true}, ...)
  x, bins = list(x, "x"), bins or 10
  if math.type(bins) ~= "integer" or bins < 1 then core.raise("ValueError", "hist: bins must be a positive integer") end
  local low, high = math.huge, -math.huge
  for _, v in ipairs(x) do low, high = math.min(low, v), math.max(high, v) end
  if range then low, high = range[1], range[2] end
  if not (high > low) then low, high = low > -math.huge and low < math.huge and low - 0.5 or 0, high > -math.huge and high + 0.5 or 1 end
  local left, right, count, step, all = {}, {}, {}, (high - low) / bins, 0
  for i = 1, bins do left[i], right[i], count[i] = low + (i - 1) * step, low + i * step, 0 end
  for _, v in ipairs(x) do
    if v >= low and v <= high then
      local i = math.min(bins, (v - low) // step + 1) // 1 | 0
      count[i], all = count[i] + 1, all + 1
    end
  end
  for i = 1, density and bins or 0 do count[i] = count[i] / math.max(1, all) / step end
  return add(self, artists.bars(left, right, count, {color = colour_for(self, color), label = label, alpha = alpha}))
end

local function matrix(value, what)
  if type(value) == "table" then value = tensor(value) end
  if core.kind_of(value) == "Variable" then value = value.value end
  if core.kind_of(value) ~= "tensor" then
    core.raise("TypeError", "%s: expected a tensor or a table of rows, not a %s", what, core.kind_of(value) or type(value))
  end
  if value.ndim == 3 and value.shape[3] == 1 then value = value:squeeze(2) end
  if value.ndim ~= 2 and not (value.ndim == 3 and value.shape[3] == 3) or value.size == 0 then
    core.raise("ValueError", "%s: an image has shape (rows, columns) or (rows, columns, 3), not %s", what, tostring(value.shape))
  end
  return value
end

--- axes:imshow(image, {cmap = "viridis", vmin, vmax}): rows x columns of numbers, or of red, green and blue (0..255 in uint8,
-- else 0..1).
function Axes:imshow(...)
  local x, cmap, vmin, vmax = core.args("imshow", {"X", "cmap", "vmin", "vmax", list = true}, ...)
  x, cmap = matrix(x, "imshow"), cmap or "viridis"
  colours.map(cmap)
  if x.ndim == 3 and x.dtype ~= "uint8" then x = x * 255 end
  self.square = true
  return add(self, artists.image(x, {cmap = cmap, vmin = vmin or x:min():item(), vmax = vmax or x:max():item()}))
end

-- The texts of a matrix's cells: integers as they are, else by the format.
local function texts_of(rows, format)
  local texts = {}
  for i, row in ipairs(rows) do
    texts[i] = {}
    for j, v in ipairs(row) do texts[i][j] = v == math.floor(v) and not format and ("%d"):format(v) or (format or "%.2g"):format(v) end
  end
  return texts
end

--- axes:heatmap(matrix, {annot = false, fmt, cmap = "viridis", xticklabels, yticklabels, vmin, vmax}): with `annot` each
-- cell shows its value.
function Axes:heatmap(...)
  local x, annot, fmt, cmap, xlabels, ylabels, vmin, vmax =
    core.args("heatmap", {"data", "annot", "fmt", "cmap", "xticklabels", "yticklabels", "vmin", "vmax",
      list = true}, ...)
  x, cmap = matrix(x, "heatmap"), cmap or "viridis"
  if x.ndim ~= 2 then core.raise("ValueError", "heatmap: expected a matrix, not shape %s", tostring(x.shape)) end
  colours.map(cmap)
  local rows = x:astype("float64"):tolist()
  self.names_x, self.names_y, self.has_bar = xlabels, ylabels, true
  return add(self, artists.image(x, {cmap = cmap, vmin = vmin or x:min():item(), vmax = vmax or x:max():item(), values = rows,
    texts = annot and texts_of(rows, fmt) or nil}))
end

-- Labels from 0 on: integers, or the largest of each row.
local function labels_of(value, what)
  if type(value) ~= "table" and value and value.ndim == 2 and value.shape[2] > 1 then value = value:argmax(1) end
  local labels = list(value, what)
  for i, v in ipairs(labels) do
    if v < 0 or v ~= math.floor(v) then core.raise("ValueError", "confusion_matrix: %s[%d] is %g, not a label", what, i, v) end
  end
  return labels
end

--- axes:confusion_matrix(y_true, y_pred, {display_labels, normalize = false, cmap = "Blues"}): how often each true label
-- (rows) was predicted as each (columns); y_pred may hold a row of probabilities each.
function Axes:confusion_matrix(...)
  local truth, predicted, names, normalize, cmap =
    core.args("confusion_matrix", {"y_true", "y_pred", "display_labels", "normalize", "cmap", list = true}, ...)
  truth, predicted = labels_of(truth, "y_true"), labels_of(predicted, "y_pred")
  if #truth ~= #predicted then
    core.raise("ValueError", "confusion_matrix: %d true labels and %d predicted ones", #truth, #predicted)
  end
  local n, counts = names and #names or 0, {}
  for i = 1, #truth do n = math.max(n, truth[i] // 1 + 1 | 0, predicted[i] // 1 + 1 | 0) end
  for i = 1, n do
    counts[i] = {}
    for j = 1, n do counts[i][j] = 0 end
  end
  for i = 1, #truth do
    local row, column = counts[truth[i] // 1 + 1 | 0], predicted[i] // 1 + 1 | 0
    row[column] = row[column] + 1
  end
  for _, row in ipairs(normalize and counts or {}) do
    local all = 0
    for _, v in ipairs(row) do all = all + v end
    for j, v in ipairs(row) do row[j] = v / math.max(1, all) end
  end
  self:heatmap(counts, {annot = true, fmt = normalize and "%.2f" or nil, cmap = cmap or "Blues", xticklabels = names,
    yticklabels = names})
  return self:set_xlabel("Predicted label"):set_ylabel("True label")
end

-- ---- texts and limits -------------------------------------------------------------------------------------------------------

for _, name in ipairs {"title", "xlabel", "ylabel"} do
  Axes["set_" .. name] = function(self, text)
    self.texts = self.texts or {}
    self.texts[name] = tostring(text)
    return self
  end
end
for _, name in ipairs {"xlim", "ylim"} do
  Axes["set_" .. name] = function(self, low, high)
    if type(low) == "table" then low, high = low[1], low[2] end
    if type(low) ~= "number" or type(high) ~= "number" or low == high then
      core.raise("ValueError", "%s needs two different numbers", name)
    end
    self[name] = {low, high}
    return self
  end
end

--- axes:legend(): shows the labels (it is there anyway as soon as an artist has one); axes:legend(false) hides them.
function Axes:legend(shown)
  self.no_legend = shown == false
  return self
end

--- axes:grid([true]): lines at the ticks.
function Axes:grid(shown)
  self.has_grid = shown ~= false
  return self
end

--- axes:axis("off"): neither frame nor ticks.
function Axes:axis(what)
  self.bare = what == "off" or what == false
  return self
end

-- ---- layout -----------------------------------------------------------------------------------------------------------------

local function limits_of(self)
  local x0, x1, y0, y1, fixed, rests = math.huge, -math.huge, math.huge, -math.huge, false, false
  for _, a in ipairs(self.artists) do
    local ax0, ax1, ay0, ay1 = a:limits()
    x0, x1, y0, y1 = math.min(x0, ax0), math.max(x1, ax1), math.min(y0, ay0), math.max(y1, ay1)
    fixed, rests = fixed or a.fixed, rests or a.rests
  end
  if x0 > x1 then x0, x1 = 0, 1 end
  if y0 > y1 then y0, y1 = 0, 1 end
  if fixed then return x0, x1, y1, y0 end -- rows go down
  local mx, my = (x1 - x0) * 0.05, (y1 - y0) * 0.05
  if mx == 0 then mx = x0 == 0 and 0.05 or math.abs(x0) * 0.05 end
  if my == 0 then my = y0 == 0 and 0.05 or math.abs(y0) * 0.05 end
  local bottom = rests and y0 == 0 and y1 > 0 and 0 or y0 - my -- bars stand on the axis
  return x0 - mx, x1 + mx, bottom, rests and y1 == 0 and y0 < 0 and 0 or y1 + my
end

local function names_as_ticks(names)
  local texts = {}
  for i, name in ipairs(names) do texts[i] = tostring(name) end
  return count_from_zero(#texts), texts
end

local function width_of(text) return utf8.len(text) or #text end

local function widest(texts)
  local n = 0
  for _, text in ipairs(texts) do n = math.max(n, width_of(text)) end
  return n
end

-- Keeps every n-th tick, so that no text touches the next one.
local function thin(places, texts, room)
  local every, kept_places, kept_texts = 1, {}, {}
  while every < #texts and room * every < widest(texts) + 1 do every = every + 1 end
  for i = 1, #texts, every do kept_places[#kept_places + 1], kept_texts[#kept_texts + 1] = places[i], texts[i] end
  return kept_places, kept_texts
end

local function ticks_for(self, low, high, names, count, room)
  local image = self.artists[1] and self.artists[1].fixed
  if low > high then low, high = high, low end
  local places, texts
  if names then
    places, texts = names_as_ticks(names)
  else
    places, texts = ticks.of(low, high, count, image or room and self.whole)
  end
  if room then places, texts = thin(places, texts, room / math.max(1, #texts)) end
  return places, texts
end

-- The plot's own rectangle in the box: at whole characters, but for the frame around it.
local function place(self, box, ytexts)
  local t = self.texts or {}
  local left = (self.bare and 1 or widest(ytexts) + 2) + (t.ylabel and 2 or 0)
  local right, top = self.has_bar and 9 or 2, t.title and 2 or 1
  local bottom = (self.bare and 0 or 2) + (t.xlabel and 1 or 0)
  local r = {x = box.x + left * WIDTH, y = box.y + top * HEIGHT}
  r.width = math.max(2 * WIDTH, box.width - (left + right) * WIDTH)
  r.height = math.max(HEIGHT, box.height - (top + bottom) * HEIGHT)
  if self.square then
    local image = self.artists[1]
    local unit = math.min(r.width / image.columns, r.height / image.rows)
    local width, height = unit * image.columns, unit * image.rows
    r.x = r.x + (r.width - width) // 2 // WIDTH * WIDTH
    r.width, r.height = width, height
  end
  return r
end

local function frame(drawing, r)
  local x0, y0, x1, y1 = r.x - 1, r.y - 1, r.x + r.width + 1, r.y + r.height + 1
  drawing:line({x0, y0, x1, y0, x1, y1, x0, y1, x0, y0}, BLACK, 1.1)
end

local function draw_grid(drawing, r, view, xs, ys)
  for _, v in ipairs(xs) do drawing:line({view.x(v), r.y, view.x(v), r.y + r.height}, GRID, 1.1) end
  for _, v in ipairs(ys) do drawing:line({r.x, view.y(v), r.x + r.width, view.y(v)}, GRID, 1.1) end
end

local function draw_ticks(drawing, r, view, xs, xtexts, ys, ytexts)
  for i, v in ipairs(xs) do
    local x = view.x(v)
    drawing:line({x, r.y + r.height + 1, x, r.y + r.height + 5}, BLACK, 1.1)
    drawing:text(x, r.y + r.height + HEIGHT + 4, xtexts[i], BLACK, "centre")
  end
  for i, v in ipairs(ys) do
    local y = view.y(v)
    drawing:line({r.x - 5, y, r.x - 1, y}, BLACK, 1.1)
    drawing:text(r.x - WIDTH, y, ytexts[i], BLACK, "right")
  end
end

local function draw_texts(self, drawing, box, r)
  local t = self.texts or {}
  local middle = r.x + r.width / 2
  if t.title then drawing:text(middle, r.y - 1.25 * HEIGHT, t.title, BLACK, "centre") end
  if t.xlabel then drawing:text(middle, r.y + r.height + (self.bare and 1 or 2) * HEIGHT + 4, t.xlabel, BLACK, "centre") end
  if t.ylabel then drawing:text(box.x + WIDTH, r.y + r.height / 2, t.ylabel, BLACK, "centre", true) end
end

-- The corner with the fewest data under the legend, tried in matplotlib's order.
local function best_corner(self, view, r, width, height)
  local best, least
  for _, corner in ipairs {{1, 0}, {0, 0}, {0, 1}, {1, 1}} do
    local x = corner[1] == 1 and r.x + (r.width - width - WIDTH) // WIDTH * WIDTH or r.x + WIDTH
    local y = corner[2] == 1 and r.y + (r.height - height) // HEIGHT * HEIGHT or r.y
    local n = 0
    for _, a in ipairs(self.artists) do
      n = n + (a.count_in and a:count_in(view, function(px, py)
        return px >= x and px <= x + width and py >= y and py <= y + height
      end) or 0)
    end
    if not least or n < least then best, least = {x, y}, n end
  end
  return best[1], best[2]
end

local function draw_legend(self, drawing, r, view)
  local entries, labels = {}, {}
  for _, a in ipairs(self.artists) do
    if a.label then entries[#entries + 1], labels[#labels + 1] = a, tostring(a.label) end
  end
  if #entries == 0 or self.no_legend then return end
  local width, height = (widest(labels) + 3) * WIDTH, #entries * HEIGHT
  local x, y = best_corner(self, view, r, width, height)
  drawing:area({x, y, x + width, y, x + width, y + height, x, y + height}, PAPER)
  for i, a in ipairs(entries) do
    a:sample(drawing, x, y + (i - 0.5) * HEIGHT)
    drawing:text(x + 3 * WIDTH, y + (i - 0.5) * HEIGHT, labels[i], BLACK)
  end
end

-- What the colours of an image mean: a strip of them at its right.
local function draw_bar(self, drawing, r)
  local style = self.artists[1].style
  local steps = {}
  for i = 1, 64 do steps[i] = {64 - i} end
  local x = r.x + r.width + WIDTH
  drawing:image(x, r.y, 2 * WIDTH, r.height, tensor(steps), colours.map(style.cmap), 0, 63)
  local places, texts = ticks.of(style.vmin, style.vmax, 5)
  for i, v in ipairs(places) do
    local y = style.vmax > style.vmin and r.y + r.height * (style.vmax - v) / (style.vmax - style.vmin) or r.y
    drawing:text(x + 3 * WIDTH, y, texts[i], BLACK)
  end
end

--- Draws all of it into a box whose sides are whole characters.
function Axes:draw(drawing, box)
  local x0, x1, y0, y1 = limits_of(self)
  if self.xlim then x0, x1 = self.xlim[1], self.xlim[2] end
  if self.ylim then y0, y1 = self.ylim[1], self.ylim[2] end
  local ys, ytexts = ticks_for(self, y0, y1, self.names_y, math.max(3, box.height // (3 * HEIGHT)))
  local r = place(self, box, self.bare and {} or ytexts)
  local view = {
    x = function(v) return r.x + (v - x0) / (x1 - x0) * r.width end,
    y = function(v) return r.y + (y1 - v) / (y1 - y0) * r.height end,
  }
  local xs, xtexts = ticks_for(self, x0, x1, self.names_x, math.max(3, r.width // (9 * WIDTH)), r.width / WIDTH)
  if self.has_grid then draw_grid(drawing, r, view, xs, ys) end
  drawing:clip(r.x - 1, r.y - 1, r.width + 2, r.height + 2)
  for _, artist in ipairs(self.artists) do artist:draw(drawing, view) end
  drawing:clip()
  if not self.bare then
    frame(drawing, r)
    draw_ticks(drawing, r, view, xs, xtexts, ys, ytexts)
  end
  if self.has_bar then draw_bar(self, drawing, r) end
  draw_legend(self, drawing, r, view)
  draw_texts(self, drawing, box, r)
end

-- ---- as a value -------------------------------------------------------------------------------------------------------------

function Axes:show() self.figure:show() return self end
function Axes:save(...) self.figure:save(...) return self end
function Axes:__tostring() return ("<Axes with %d artists>"):format(#self.artists) end
Axes.__name = "Axes"
function Axes:__mimebundle() return self.figure:__mimebundle() end

return Axes
