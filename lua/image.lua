--- Images as pictures: image.show(X_train[1]) and grids of them with captions.
local core = require "celda.core"
local help, Figure = require "help", require "plot.figure"
local image = {}

local UNIT, CELL = 8, 0.01 -- units a pixel is shown with at least; inches of a unit

-- A list of single images: of one, of a batch, or of a list.
local function images_of(x)
  if type(x) == "table" and core.kind_of(x[1]) == "tensor" then return x end
  if type(x) == "table" then x = tensor(x) end
  if core.kind_of(x) ~= "tensor" then
    core.raise("TypeError", "image.show: expected a tensor or a list of them, not a %s", core.kind_of(x) or type(x))
  end
  local last = x.shape[x.ndim]
  local single = x.ndim == 2 or x.ndim == 3 and (last == 1 or last == 3)
  if single then return {x} end
  if x.ndim ~= 3 and x.ndim ~= 4 then
    core.raise("ValueError", "image.show: no image has shape %s", tostring(x.shape))
  end
  local list = {}
  for i = 1, x.shape[1] do list[i] = x[i] end
  return list
end

--- image.show(x, {captions, columns, cmap = "gray", vmin, vmax}): a figure of one image, or of a grid of them.
function image.show(...)
  local x, captions, columns, cmap, vmin, vmax = core.args("image.show",
    {"x", "captions", "columns", "cmap", "vmin", "vmax", list = true}, ...)
  local list = images_of(x)
  if #list == 0 then core.raise("ValueError", "image.show: no image") end
  if type(captions) ~= "table" and core.kind_of(captions) == "tensor" then captions = captions:tolist() end
  if captions ~= nil and type(captions) ~= "table" then captions = {captions} end
  local wide = list[1].shape[2]
  columns = columns or math.min(#list, math.max(1, 80 // (wide + 2)))
  local rows = (#list + columns - 1) // columns
  local unit = math.max(1, UNIT * math.min(1, (80 / columns - 3) / wide))
  local width = (wide * unit // 8 + 3) * 8 * columns
  local height = (math.ceil(list[1].shape[1] * unit / 16) + (captions and 2 or 1)) * 16 * rows
  local figure = Figure.new(rows, columns, {width * CELL, height * CELL}, false)
  for i, axes in ipairs(figure.axes) do
    axes:axis "off"
    if list[i] then axes:imshow(list[i], {cmap = cmap or "gray", vmin = vmin, vmax = vmax}) end
    if list[i] and captions and captions[i] ~= nil then axes:set_title(captions[i]) end
  end
  return figure
end

help.register("image.show", [[
image.show(x, {captions, columns, cmap = "gray", vmin, vmax})
One image (rows x columns, or with 3 channels), a batch or a list of them as a grid, each with its caption.
The value of a cell is shown; :show() shows it at once, :save("x.png") keeps it.]], image.show)

return core.strict(image, "image")
