--- Pictures with matplotlib's names and defaults: plot.line(x, y, {label = "a"}), shown as the value of a cell or by
-- figure:show(), saved by figure:save("x.png") or "x.svg".
local core = require "celda.core"
local help = require "help"
local Axes, Figure = require "plot.axes", require "plot.figure"
local plot = {}

-- What every function takes beside its own arguments, and hands to the axes.
local COMMON = {"title", "xlabel", "ylabel", "xlim", "ylim", "grid", "legend"}

-- Takes the common keywords out of the last argument, if it is a table of keywords.
local function take_common(arguments)
  local last, common = arguments[arguments.n], {}
  if type(last) ~= "table" or getmetatable(last) or next(last) == nil then return common end
  local rest = {}
  for key, value in pairs(last) do rest[key] = value end
  for _, key in ipairs(COMMON) do common[key], rest[key] = rest[key], nil end
  common.figsize, rest.figsize = rest.figsize, nil
  arguments[arguments.n] = rest
  if next(rest) == nil then arguments.n = arguments.n - 1 end
  return common
end

for _, name in ipairs {"line", "scatter", "hist", "bar", "imshow", "heatmap", "confusion_matrix"} do
  plot[name] = function(...)
    local arguments = table.pack(...)
    local common = take_common(arguments)
    local figure = Figure.new(1, 1, common.figsize)
    local axes = figure.axes[1]
    axes[name](axes, table.unpack(arguments, 1, arguments.n))
    for _, key in ipairs(COMMON) do
      local set = Axes["set_" .. key] or Axes[key]
      if common[key] ~= nil then set(axes, common[key]) end
    end
    return figure
  end
end
plot.plot = plot.line

--- plot.subplots(rows, columns, {figsize = {6.4, 4.8}}): the figure and its axes: one, a list, or a list of rows.
function plot.subplots(...)
  local rows, columns, figsize = core.args("subplots", {"nrows", "ncols", "figsize"}, ...)
  rows, columns = rows or 1, columns or 1
  if math.type(rows) ~= "integer" or math.type(columns) ~= "integer" or rows < 1 or columns < 1 then
    core.raise("ValueError", "subplots: rows and columns must be positive integers")
  end
  local figure = Figure.new(rows, columns, figsize)
  if rows * columns == 1 then return figure, figure.axes[1] end
  if rows == 1 or columns == 1 then return figure, figure.axes end
  local grid = {}
  for i = 1, rows do grid[i] = table.move(figure.axes, (i - 1) * columns + 1, i * columns, 1, {}) end
  return figure, grid
end

local TEXTS = {
  line = [[plot.line(y), plot.line(x, y, {label, color, linewidth = 1.5, linestyle = "-", marker, markersize = 6, alpha})
A line through points; x and y are lists or tensors. The figure's own line, scatter, ... add to it:
plot.line(x, a, {label = "a"}):line(x, b, {label = "b"})]],
  scatter = "plot.scatter(x, y, {s = 36, color, label, alpha})\nA mark at each point.",
  hist = "plot.hist(x, {bins = 10, range, density = false, color, label, alpha})\nHow many values lie in each of the bins.",
  bar = "plot.bar(x, height, {width = 0.8, color, label, alpha})\nBars at the places x, which may be names.",
  imshow = [[plot.imshow(image, {cmap = "viridis", vmin, vmax})
A matrix as an image, or rows x columns x 3 as colours. Maps: viridis, gray, binary, Blues, coolwarm; with _r reversed.]],
  heatmap = [[plot.heatmap(matrix, {annot = false, fmt, cmap = "viridis", xticklabels, yticklabels, vmin, vmax})
A matrix as colours, with their meaning at the right; `annot` writes each value.]],
  confusion_matrix = [[plot.confusion_matrix(y_true, y_pred, {display_labels, normalize = false, cmap = "Blues"})
How often each true label (rows) was predicted as each (columns). y_pred may hold a row of probabilities each.]],
  subplots = [[plot.subplots(rows, columns, {figsize = {6.4, 4.8}})
A figure and its axes: one, a list, or a list of rows. Axes have line, scatter, ..., set_title, set_xlabel, set_xlim, grid.]],
}
local SHARED = [[

All take title, xlabel, ylabel, xlim, ylim, grid, legend and figsize (inches, 100 dots each) as well.
The value of a cell is shown; figure:show() shows it at once; figure:save("x.png") and figure:save("x.svg") keep it.]]
for name, text in pairs(TEXTS) do
  help.register("plot." .. name, name == "subplots" and text or text .. SHARED, plot[name])
end

return core.strict(plot, "plot")
