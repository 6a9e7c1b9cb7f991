--- What stands in axes: each artist knows the range of its data and draws itself through a view, whose x and y turn data
-- into places on the drawing.
local colours = require "plot.colours"
local artists = {}

local function artist(class) class.__index = class return class end

-- Points of two lists through the view, flat.
local function places(view, xs, ys)
  local points = {}
  for i = 1, #xs do points[2 * i - 1], points[2 * i] = view.x(xs[i]), view.y(ys[i]) end
  return points
end

local function range(list)
  local low, high = math.huge, -math.huge
  for _, v in ipairs(list) do
    if v == v and v < low and v > -math.huge then low = v end
    if v == v and v > high and v < math.huge then high = v end
  end
  return low, high
end

local function rectangle(view, x0, y0, x1, y1)
  local a, b, c, d = view.x(x0), view.y(y0), view.x(x1), view.y(y1)
  return {a, b, c, b, c, d, a, d}
end

-- ---- lines and points -------------------------------------------------------------------------------------------------------

local DASH = {["-"] = 0, solid = 0, ["--"] = 6, dashed = 6, [":"] = 2, dotted = 2, ["-."] = 4, dashdot = 4}

local Line = artist {}

--- x, y: lists; style: color, alpha, linewidth (points), linestyle, marker, markersize (points), label.
function artists.line(x, y, style) return setmetatable({x = x, y = y, style = style, label = style.label}, Line) end

function artists.is_linestyle(name) return DASH[name] ~= nil or name == "" or name == "None" or name == "none" end

function Line:limits()
  local x0, x1 = range(self.x)
  return x0, x1, range(self.y)
end

local PIXELS = 100 / 72 -- of a point, at matplotlib's 100 dots an inch

function Line:stroke(drawing, points)
  local s = self.style
  local dash = DASH[s.linestyle or "-"]
  local colour = colours.of(s.color, s.alpha)
  if dash and (s.linewidth or 1) > 0 then drawing:line(points, colour, (s.linewidth or 1.5) * PIXELS, dash) end
  if s.marker and s.marker ~= "" then drawing:marks(points, colour, (s.markersize or 6) * PIXELS / 2) end
end

function Line:draw(drawing, view) self:stroke(drawing, places(view, self.x, self.y)) end
function Line:sample(drawing, x, y) self:stroke(drawing, {x + 1, y, x + 15, y}) end
function Line:count_in(view, inside)
  local n = 0
  for i = 1, #self.x do if inside(view.x(self.x[i]), view.y(self.y[i])) then n = n + 1 end end
  return n
end

-- ---- bars -------------------------------------------------------------------------------------------------------------------

local Bars = artist {}

--- left, right, bottom, height: lists of equal length; style: color, alpha, label.
function artists.bars(left, right, height, style)
  return setmetatable({left = left, right = right, height = height, style = style, label = style.label, rests = true}, Bars)
end

function Bars:limits()
  local x0, _ = range(self.left)
  local _, x1 = range(self.right)
  local y0, y1 = range(self.height)
  return x0, x1, math.min(0, y0), math.max(0, y1)
end

function Bars:draw(drawing, view)
  local colour = colours.of(self.style.color, self.style.alpha)
  for i = 1, #self.left do
    drawing:area(rectangle(view, self.left[i], 0, self.right[i], self.height[i]), colour)
  end
end

function Bars:sample(drawing, x, y)
  drawing:area({x, y - 4, x + 16, y - 4, x + 16, y + 4, x, y + 4}, colours.of(self.style.color, self.style.alpha))
end

function Bars:count_in(view, inside)
  local n = 0
  for i = 1, #self.left do
    local x = view.x((self.left[i] + self.right[i]) / 2)
    for part = 1, 4 do if inside(x, view.y(self.height[i] * part / 4)) then n = n + 1 end end
  end
  return n
end

-- ---- images -----------------------------------------------------------------------------------------------------------------

local Image = artist {}

--- pixels: a tensor (rows, columns) or (rows, columns, 3) in 0..255; style: cmap, vmin, vmax; values and texts, lists of
-- rows, where a text is to be written into each cell.
function artists.image(pixels, style)
  local self = setmetatable({pixels = pixels, style = style, rows = pixels.shape[1], columns = pixels.shape[2]}, Image)
  self.fixed = true -- no margins around it
  return self
end

function Image:limits() return -0.5, self.columns - 0.5, -0.5, self.rows - 0.5 end

function Image:draw(drawing, view)
  local s = self.style
  local x0, y0, x1, y1 = view.x(-0.5), view.y(-0.5), view.x(self.columns - 0.5), view.y(self.rows - 0.5)
  local stops = colours.map(s.cmap)
  drawing:image(x0, y0, x1 - x0, y1 - y0, self.pixels, stops, s.vmin, s.vmax)
  for row, texts in ipairs(s.texts or {}) do
    for column, text in ipairs(texts) do
      local t = (s.values[row][column] - s.vmin) / math.max(s.vmax - s.vmin, 1e-300)
      drawing:text(view.x(column - 1), view.y(row - 1), text, colours.ink_on(stops, t), "centre")
    end
  end
end

return artists
