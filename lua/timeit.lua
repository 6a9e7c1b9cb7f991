--- Timing small pieces of code, as Python's module of the same name.
local help = require "help"
local timeit = {}

local clock = celda and celda.clock or os.clock

--- Seconds on a clock that only goes forward.
function timeit.default_timer() return clock() end

local function callable(what, name)
  if type(what) == "function" then return what end
  if type(what) ~= "string" then error(("timeit: %s must be a function or a string, not %s"):format(name, type(what)), 3) end
  local chunk, message = load(what, "=(timeit)", "t")
  if not chunk then error(message, 3) end
  return chunk
end

local function options_of(options, known, callee)
  for key in pairs(options or {}) do
    if not known[key] then error(("%s: unknown argument '%s'"):format(callee, tostring(key)), 3) end
  end
  return options or {}
end

--- timeit.timeit(f, {number = 1000000, setup = g}): seconds that `number` calls of f take. f may be a string of code.
function timeit.timeit(stmt, options)
  options = options_of(options, {number = true, setup = true}, "timeit.timeit")
  local f, number = callable(stmt, "the statement"), options.number or 1000000
  if options.setup then callable(options.setup, "setup")() end
  local start = clock()
  for _ = 1, number do f() end
  return clock() - start
end

--- timeit.repeat_(f, {["repeat"] = 5, number = 1000000, setup = g}): a list of such times.
function timeit.repeat_(stmt, options)
  options = options_of(options, {number = true, setup = true, ["repeat"] = true}, "timeit.repeat_")
  local times = {}
  for i = 1, options["repeat"] or 5 do
    times[i] = timeit.timeit(stmt, {number = options.number, setup = options.setup})
  end
  return times
end

local UNITS = {{1, "s"}, {1e-3, "ms"}, {1e-6, "\u{b5}s"}, {1e-9, "ns"}}

-- Three significant digits of the largest unit that they fill, as IPython writes times.
local function span(seconds)
  for _, unit in ipairs(UNITS) do
    if seconds >= unit[1] or unit[2] == "ns" then return ("%.3g %s"):format(seconds / unit[1], unit[2]) end
  end
end

-- 1000000 as "1,000,000".
local function grouped(n)
  local text, swaps = ("%d"):format(n), 1
  while swaps > 0 do text, swaps = text:gsub("^(%d+)(%d%d%d)", "%1,%2") end
  return text
end

local function plural(n, what) return ("%s %s%s"):format(grouped(n), what, n == 1 and "" or "s") end

--- timeit.measure(f, {number = n, ["repeat"] = 7}): what %timeit prints, as IPython: the mean of the runs' times a loop, and
-- their deviation. Without a number as many loops, a power of ten, as take 0.2 s.
function timeit.measure(f, options)
  options = options_of(options, {number = true, ["repeat"] = true}, "timeit.measure")
  local number, runs = options.number, options["repeat"] or 7
  if not number then
    number = 1
    while timeit.timeit(f, {number = number}) < 0.2 and number < 1e9 do number = number * 10 end
  end
  local sum, squares = 0, 0
  for _, seconds in ipairs(timeit.repeat_(f, {number = number, ["repeat"] = runs})) do
    sum, squares = sum + seconds / number, squares + (seconds / number) ^ 2
  end
  local mean = sum / runs
  local deviation = math.sqrt(math.max(0, squares / runs - mean * mean))
  print(("%s \u{b1} %s per loop (mean \u{b1} std. dev. of %s, %s each)"):format(span(mean), span(deviation),
    plural(runs, "run"), plural(number, "loop")))
end

help.register("timeit.timeit", [[
timeit.timeit(f, {number = 1000000, setup = g})
Seconds that `number` calls of f take; f is a function or a string of code. setup runs once before.]], timeit.timeit)
help.register("timeit.repeat_", [[
timeit.repeat_(f, {["repeat"] = 5, number = 1000000, setup = g})
A list of what timeit.timeit gives, one for each repetition.]], timeit.repeat_)
help.register("timeit.measure", [[
timeit.measure(f, {number = n, ["repeat"] = 7})
Prints the mean time of a call of f and its deviation, as %timeit does.]], timeit.measure)
help.register("timeit.default_timer", "timeit.default_timer()\nSeconds on a monotonic clock.", timeit.default_timer)
return require("celda.core").strict(timeit, "timeit")
