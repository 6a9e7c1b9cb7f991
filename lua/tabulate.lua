--- Tables in text: tabulate(records) or tabulate(matrix), columns aligned and cut to the screen. A cell whose value is a
-- list of records that does not fit on one line is shown so.
local core = require "celda.core"
local help = require "help"
local tabulate = {}

local MOST_ROWS, ENDS, WIDEST = 60, 5, 50 -- rows shown whole; else how many at each end; columns of a cell

local Table = {__name = "Table"}
function Table:__tostring() return self.text end

local function width_of(text) return utf8.len(text) or #text end

-- One line, cut to `most` columns.
local function shortened(text, most)
  text = text:gsub("%c", " ")
  if width_of(text) <= most then return text end
  return text:sub(1, (utf8.offset(text, most) or most) - 1) .. "…"
end

-- ---- rows -------------------------------------------------------------------------------------------------------------------

-- Names and rows of a matrix or of a list of rows.
local function rows_of_matrix(x, names)
  if x.ndim ~= 2 then core.raise("ValueError", "tabulate: expected a matrix, not shape %s", tostring(x.shape)) end
  local columns = {}
  for i = 1, x.shape[2] do columns[i] = names and tostring(names[i]) or tostring(i) end
  local function row(i) return x[i]:tolist() end
  return columns, row, x.shape[1]
end

local function rows_of_records(records, names)
  local columns, seen = {}, {}
  for i, record in ipairs(records) do
    if type(record) ~= "table" then core.raise("TypeError", "tabulate: record %d is a %s", i, type(record)) end
    for name in pairs(record) do
      if not seen[name] then
        seen[name] = true
        columns[#columns + 1] = name
      end
    end
  end
  table.sort(columns, function(a, b)
    if math.type(a) and math.type(b) then return a < b end
    return tostring(a) < tostring(b)
  end)
  columns = names or columns
  local function row(i)
    local values = {}
    for c, name in ipairs(columns) do values[c] = records[i][name] end
    return values
  end
  local titles = {}
  for c, name in ipairs(columns) do titles[c] = tostring(name) end
  return titles, row, #records
end

-- ---- cells ------------------------------------------------------------------------------------------------------------------

-- The format for a column's floats: as many decimals as tell them apart, four at most.
local function format_of(values)
  local decimals = 0
  for _, v in pairs(values) do
    if math.type(v) == "float" and v == v and math.abs(v) < math.huge then
      if math.abs(v) >= 1e7 or v ~= 0 and math.abs(v) < 1e-3 then return "%.4g" end
      while decimals < 4 and tonumber(("%." .. decimals .. "f"):format(v)) ~= v do decimals = decimals + 1 end
    end
  end
  return "%." .. decimals .. "f"
end

-- A column: its title and its texts over the rows shown, and whether they are numbers, which stand at the right.
local function column_of(title, values, n)
  local format, texts, numeric, width = format_of(values), {}, true, width_of(title)
  for i = 1, n do
    local v = values[i]
    texts[i] = v == nil and "" or math.type(v) == "float" and format:format(v) or shortened(tostring(v), WIDEST)
    numeric = numeric and (v == nil or type(v) == "number")
    width = math.max(width, width_of(texts[i]))
  end
  return {title = title, texts = texts, numeric = numeric, width = width}
end

local function gap_column(n)
  local texts = {}
  for i = 1, n do texts[i] = "…" end
  return {title = "…", texts = texts, width = 1}
end

-- Leaves out columns in the middle until the line fits.
local function fit(columns, room, n)
  local function width()
    local sum = 0
    for _, c in ipairs(columns) do sum = sum + c.width + 2 end
    return sum
  end
  local gap
  while #columns > 3 and width() > room do
    local middle = #columns // 2 + 1
    if not gap then
      gap = gap_column(n)
      columns[middle] = gap
    else
      local at = 1
      while columns[at] ~= gap do at = at + 1 end
      table.remove(columns, at - 1 > #columns - at and at - 1 or at + 1)
    end
  end
  return columns
end

local function padded(column, text)
  local blank = (" "):rep(column.width - width_of(text))
  return column.numeric and blank .. text or text .. blank
end

-- Which rows are shown; 0 stands for those that are left out.
local function shown_rows(n)
  local rows = {}
  for i = 1, n do
    if n <= MOST_ROWS or i <= ENDS or i > n - ENDS then rows[#rows + 1] = i end
    if n > MOST_ROWS and i == ENDS then rows[#rows + 1] = 0 end
  end
  return rows
end

local function columns_of(titles, row, shown)
  local values, numbers = {}, {}
  for c = 1, #titles do values[c] = {} end
  for i, r in ipairs(shown) do
    numbers[i] = r == 0 and "…" or r
    for c, v in pairs(r == 0 and {} or row(r)) do values[c][i] = v end
  end
  local columns = {column_of("", numbers, #shown)}
  columns[1].numeric = true
  for c, title in ipairs(titles) do columns[c + 1] = column_of(title, values[c], #shown) end
  return columns
end

--- The lines of a table `width` columns wide.
function tabulate.text(titles, row, n, width)
  local shown = shown_rows(n)
  local columns = columns_of(titles, row, shown)
  local whole = #columns
  columns = fit(columns, width + 1, #shown)
  local lines = {}
  for i = 0, #shown do
    local parts = {}
    for c, column in ipairs(columns) do parts[c] = padded(column, i == 0 and column.title or column.texts[i]) end
    lines[#lines + 1] = table.concat(parts, "  "):gsub("%s+$", "")
  end
  if n > #shown or #columns < whole then lines[#lines + 1] = ("[%d rows x %d columns]"):format(n, #titles) end
  return table.concat(lines, "\n")
end

help.register("tabulate", [[
tabulate(records, {columns = {"name", ...}}), tabulate(matrix, {columns = {"a", "b", ...}})
A list of records (tables with the same keys) or a matrix as a table: columns aligned, numbers at the right, cut to the
screen. A cell whose value is a list of records that does not fit on one line is shown so.]], tabulate)

return setmetatable(tabulate, {
  __call = function(_, ...)
    local data, names = core.args("tabulate", {"data", "columns", list = true}, ...)
    local is_tensor = core.kind_of(data) == "tensor"
    if not is_tensor and type(data) ~= "table" then
      core.raise("TypeError", "tabulate: expected a list of records or a matrix, not a %s", core.kind_of(data) or type(data))
    end
    local titles, row, n = (is_tensor and rows_of_matrix or rows_of_records)(data, names)
    return setmetatable({text = tabulate.text(titles, row, n, celda.output().width)}, Table)
  end,
})
