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

help.register("timeit.timeit", [[
timeit.timeit(f, {number = 1000000, setup = g})
Seconds that `number` calls of f take; f is a function or a string of code. setup runs once before.]], timeit.timeit)
help.register("timeit.repeat_", [[
timeit.repeat_(f, {["repeat"] = 5, number = 1000000, setup = g})
A list of what timeit.timeit gives, one for each repetition.]], timeit.repeat_)
help.register("timeit.default_timer", "timeit.default_timer()\nSeconds on a monotonic clock.", timeit.default_timer)
return require("celda.core").strict(timeit, "timeit")
