--- Colours by matplotlib's names, as 0xRRGGBBAA, and colour maps as lists of stops.
local core = require "celda.core"
local colours = {}

local CYCLE = {0x1f77b4, 0xff7f0e, 0x2ca02c, 0xd62728, 0x9467bd, 0x8c564b, 0xe377c2, 0x7f7f7f, 0xbcbd22, 0x17becf}
local TABLEAU = {"blue", "orange", "green", "red", "purple", "brown", "pink", "gray", "olive", "cyan"}
local NAMED = {
  b = 0x0000ff, g = 0x008000, r = 0xff0000, c = 0x00bfbf, m = 0xbf00bf, y = 0xbfbf00, k = 0x000000, w = 0xffffff,
  blue = 0x0000ff, green = 0x008000, red = 0xff0000, cyan = 0x00ffff, magenta = 0xff00ff, yellow = 0xffff00,
  black = 0x000000, white = 0xffffff, gray = 0x808080, grey = 0x808080, orange = 0xffa500, purple = 0x800080,
  brown = 0xa52a2a, pink = 0xffc0cb, lightgray = 0xd3d3d3, steelblue = 0x4682b4, navy = 0x000080, teal = 0x008080,
}
for i, name in ipairs(TABLEAU) do NAMED["tab:" .. name], NAMED["C" .. i - 1] = CYCLE[i], CYCLE[i] end

-- viridis: ten samples of matplotlib's (CC0); Blues: ColorBrewer's nine classes (Apache 2.0, Cynthia Brewer).
local MAPS = {
  viridis = {0x440154, 0x482878, 0x3e4989, 0x31688e, 0x26828e, 0x1f9e89, 0x35b779, 0x6ece58, 0xb5de2b, 0xfde725},
  Blues = {0xf7fbff, 0xdeebf7, 0xc6dbef, 0x9ecae1, 0x6baed6, 0x4292c6, 0x2171b5, 0x08519c, 0x08306b},
  gray = {0x000000, 0xffffff}, binary = {0xffffff, 0x000000},
  coolwarm = {0x3b4cc0, 0x8db0fe, 0xdddddd, 0xf4987a, 0xb40426},
}
MAPS.grey, MAPS.Greys = MAPS.gray, MAPS.binary

local function names_of(set)
  local names = {}
  for name in pairs(set) do names[#names + 1] = name end
  table.sort(names)
  return names
end

local function unknown(what, name, set)
  local near = core.nearest(tostring(name), names_of(set))
  core.raise("ValueError", "unknown %s '%s'%s", what, tostring(name), near and "; did you mean '" .. near .. "'?" or "")
end

--- The colour of a name ("tab:blue", "C1", "r", "#1f77b4"), as strong as alpha (0..1) says.
function colours.of(name, alpha)
  local rgb = NAMED[name]
  local hex = type(name) == "string" and name:match "^#(%x%x%x%x%x%x)$"
  if hex then rgb = tonumber(hex, 16) end
  if not rgb then unknown("color", name, NAMED) end
  return rgb << 8 | math.floor(math.max(0, math.min(1, alpha or 1)) * 255 + 0.5)
end

--- The n-th (from 1) of the colours that series take in turn.
function colours.cycle(n) return "C" .. (n - 1) % #CYCLE end

--- The stops of a colour map; one that ends in _r is reversed.
function colours.map(name)
  local reversed = type(name) == "string" and name:match "^(.*)_r$"
  local stops = MAPS[reversed or name]
  if not stops then unknown("cmap", name, MAPS) end
  local result = {}
  for i, rgb in ipairs(stops) do result[reversed and #stops + 1 - i or i] = rgb << 8 | 255 end
  return result
end

--- Black or white, whichever stands out on the colour at t (0..1) of a map.
function colours.ink_on(stops, t)
  local c = stops[math.floor(math.max(0, math.min(1, t)) * (#stops - 1) + 1.5)]
  local light = 0.299 * (c >> 24) + 0.587 * (c >> 16 & 255) + 0.114 * (c >> 8 & 255) -- luma of BT.601
  return colours.of(light > 140 and "black" or "white")
end

return colours
