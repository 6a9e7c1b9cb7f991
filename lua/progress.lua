--- A progress bar around a loop: `for x in progress(list) do ... end`, the bar that fit shows. Bars within bars share one
-- line: the outer ones as counts before the innermost. Where nothing can be redrawn (a file) nothing is shown.
local core = require "celda.core"
local help, Progbar = require "help", require "keras.progbar"

local open = {}        -- the bars that are shown, outermost first
local last = -math.huge -- when one was drawn: all of them share the line, and how often it is redrawn

local function label_of(bar, shown) return bar.desc and bar.desc .. (shown and ": " or " ") or "" end

-- What stands before the innermost bar.
local function prefix(upto)
  local parts = {}
  for i = 1, upto - 1 do
    parts[i] = ("%s%d/%d › "):format(label_of(open[i]), open[i].done, open[i].total)
  end
  return table.concat(parts) .. label_of(open[upto], true)
end

local function cut(text, columns)
  local to = utf8.offset(text, columns + 1)
  return to and text:sub(1, to - 1) or text
end

-- Without colours what is to be done is a thinner line.
local function uncoloured(line)
  line = line:gsub("\27%[37m(.-)\27%[0m", function(rest) return (rest:gsub("━", "─")) end)
  return (line:gsub("\27%[%d*m", ""))
end

-- Shows the bar, if it is the innermost and it is time.
local function show(bar, finished)
  if open[#open] ~= bar then return end
  local screen = celda.output()
  local before = cut(prefix(#open), screen.width // 2)
  bar.progbar.columns, bar.progbar.last = screen.width - (utf8.len(before) or #before), last
  local line = bar.progbar:line(bar.done, finished)
  last = bar.progbar.last
  if not line then return end
  local plain, room = uncoloured(line), bar.progbar.columns - 1
  if not screen.colour or utf8.len(plain) > room then line = cut(plain, room) end
  if finished and #open == 1 then
    celda.progress ""
    io.write(before, line, "\n")
  else
    celda.progress(before .. line)
  end
end

-- The loop is over, or was left: an outermost bar stays on the screen.
local function close(bar)
  if #open == 1 then show(bar, true) end
  for i = #open, 1, -1 do
    if table.remove(open) == bar then break end
  end
end

-- Bars of loops in coroutines that nobody resumed are in nobody's way.
local function drop_abandoned()
  for i = #open, 1, -1 do
    local status = coroutine.status(open[i].thread)
    if status == "suspended" or status == "dead" then table.remove(open, i) end
  end
end

local function start(bar)
  drop_abandoned()
  if #open == 0 then last = -math.huge end
  bar.thread, bar.progbar = coroutine.running(), Progbar.new(bar.total, 1)
  open[#open + 1] = bar
end

-- How many items, and a function that gives the i-th.
local function items_of(x)
  if math.type(x) == "integer" then return x, function(i) return i end end
  if core.kind_of(x) == "tensor" then return x.shape[1] or 0, function(i) return x[i] end end
  if type(x) == "table" then return #x, function(i) return x[i] end end
  core.raise("TypeError", "progress: expected a list, a tensor or an integer, not a %s", core.kind_of(x) or type(x))
end

local function progress(...)
  local x, desc = core.args("progress", {"x", "desc", list = true}, ...)
  local total, item = items_of(x)
  if not celda.output().redraws or total < 1 then
    local i = 0
    return function()
      i = i + 1
      if i <= total then return item(i), i end
    end
  end
  local bar = {done = -1, total = total, desc = desc}
  local function step()
    if bar.done < 0 then start(bar) end
    bar.done = bar.done + 1
    if bar.done >= total then return nil end
    show(bar)
    return item(bar.done + 1), bar.done + 1
  end
  return step, nil, nil, setmetatable({}, {__close = function() if bar.done >= 0 then close(bar) end end})
end

help.register("progress", [[
for x in progress(list) do ... end, for x, i in progress(list, {desc = "reading"}) do ... end
Goes through a list, the rows of a tensor or the integers 1..n, and shows how far it is, the time left and the time of a
step, in the bar that fit has. Loops within loops share one line. Nothing is shown where output is no terminal.]], progress)

return setmetatable({}, {__call = function(_, ...) return progress(...) end})
