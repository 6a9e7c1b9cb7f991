--- A figure: axes in a grid on one sheet. It draws itself anew for what shows it: pixels, SVG, or the cells of a terminal.
local core = require "celda.core"
local Axes = require "plot.axes"

local Figure = {__name = "Figure"}

local WIDTH, HEIGHT = 8, 16                     -- of a character
local DOTS, SIZE = 100, {6.4, 4.8}              -- an inch; matplotlib's default size in inches
local FLAT = 0.75                               -- a terminal's figure is lower, to leave room for what is around it

--- rows x columns of axes; figsize in inches; flat = false: as high in a terminal as in pixels.
function Figure.new(rows, columns, figsize, flat)
  local self = setmetatable({rows = rows, columns = columns, size = figsize or SIZE, flat = flat ~= false, axes = {}}, Figure)
  for i = 1, rows * columns do self.axes[i] = Axes.new(self) end
  return self
end

-- Methods of a figure with one plot go to its axes.
function Figure:__index(name)
  if Figure[name] ~= nil then return Figure[name] end
  local method = Axes[name] or Axes["set_" .. tostring(name)]
  if type(method) ~= "function" then return nil end
  return function(figure, ...)
    if #figure.axes ~= 1 then
      core.raise("ValueError", "the figure has %d plots: say which, as in figure.axes[1]:%s(...)", #figure.axes, name)
    end
    method(figure.axes[1], ...)
    return figure
  end
end

--- figure:suptitle(text): a title above all plots.
function Figure:suptitle(text)
  self.title_above = tostring(text)
  return self
end

--- Draws all axes on a sheet of whole characters near width x height units.
function Figure:draw(width, height)
  width, height = math.max(20, width // WIDTH) * WIDTH, math.max(6, height // HEIGHT) * HEIGHT
  local drawing, top = core.drawing(width, height), self.title_above and HEIGHT or 0
  local w, h = width // self.columns // WIDTH * WIDTH, (height - top) // self.rows // HEIGHT * HEIGHT
  for i, axes in ipairs(self.axes) do
    axes:draw(drawing, {x = (i - 1) % self.columns * w, y = top + (i - 1) // self.columns * h, width = w, height = h})
  end
  if self.title_above then drawing:text(width / 2, HEIGHT / 2, self.title_above, 0x000000ff, "centre") end
  return drawing
end

local function pixels(self) return self.size[1] * DOTS, self.size[2] * DOTS end

--- The figure as lines of text, as wide as the screen lets it be.
function Figure:text()
  local screen = celda.output()
  local width, height = pixels(self)
  local shown = math.min(width, screen.width // 1 * WIDTH)
  local cells = self:draw(shown, height * shown / width * (self.flat and FLAT or 1)):cells(screen.colours)
  return (cells:gsub("\n+$", ""))
end

function Figure:__mimebundle()
  return {["text/plain"] = self:text(), ["image/png"] = self:draw(pixels(self)):png()}
end

--- figure:show(): shows it now; the last expression of a cell is shown without.
function Figure:show()
  celda.display(self)
  return self
end

--- figure:save("x.png"[, {dpi = 100}]) or figure:save("x.svg").
function Figure:save(...)
  local path, dpi = core.args("save", {"path", "dpi"}, ...)
  local kind = type(path) == "string" and path:match "%.(%a+)$"
  if kind ~= "png" and kind ~= "svg" then
    core.raise("ValueError", "save: the file's name must end in .png or .svg, not '%s'", tostring(path))
  end
  local scale = (dpi or DOTS) // DOTS
  if kind == "png" and (scale ~= (dpi or DOTS) / DOTS or scale < 1 or scale > 4) then
    core.raise("ValueError", "save: dpi must be 100, 200, 300 or 400, not %s", tostring(dpi))
  end
  local drawing = self:draw(pixels(self))
  core.write_file(path, kind == "png" and drawing:png(scale | 0) or drawing:svg())
  return self
end
Figure.savefig = Figure.save

function Figure:__tostring()
  return ("<Figure size %gx%g with %d Axes>"):format(self.size[1] * DOTS, self.size[2] * DOTS, #self.axes)
end

return Figure
