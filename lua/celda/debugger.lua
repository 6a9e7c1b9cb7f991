--- %debug: the frames of the last error, one of which is the current one, and commands as pdb has them. Locals are copies,
-- taken when the error was raised, but for a cell's own that are session variables now; these, upvalues and globals are the
-- real ones.
local core = require "celda.core"
local debugger = {}

local AROUND <const> = 5 -- lines above and below the current one
local MOST <const> = 50 -- bytes of a value in a list of locals

-- ---- the source of a frame ------------------------------------------------------------------------------------------------

local function split(text)
  local lines = {}
  for line in (text .. "\n"):gmatch "(.-)\r?\n" do lines[#lines + 1] = line end
  return lines
end

local function read_file(path)
  local file = io.open(path)
  if not file then return nil end
  local text = file:read "a"
  file:close()
  return text
end

-- Whether the frame may stand in this text: a cell of the same name may have run with another one.
local function fits(frame, lines)
  local current, first = lines[frame.line], frame.first and lines[frame.first]
  return current and current:find "%S" and (not frame.first or first and first:find "function")
end

local function lines_of(frame)
  if frame.source:sub(1, 1) == "@" then return split(read_file(frame.source:sub(2)) or "") end
  local texts = core.sources(frame.source)
  for i = #texts, 1, -1 do
    local lines = split(texts[i])
    if fits(frame, lines) then return lines end
  end
  return {}
end

local function print_lines(frame, first, last)
  local lines = lines_of(frame)
  first, last = math.max(first, 1), math.min(last, #lines)
  for i = first, last do
    print((("%s %3d  %s"):format(i == frame.line and "--->" or "    ", i, lines[i]):gsub("%s+$", "")))
  end
  return last >= first and last
end

-- ---- the names of a frame -------------------------------------------------------------------------------------------------

-- A place that a name stands for: get(), set(value), and what Lua's messages call it.
local function local_place(frame, i)
  return {
    kind = "local",
    get = function() return frame.values[i] end,
    set = function(value) frame.values[i] = value end,
  }
end

local function upvalue_place(f, i, kind)
  return {
    kind = kind,
    get = function() return (select(2, debug.getupvalue(f, i))) end,
    set = function(value) debug.setupvalue(f, i, value) end,
  }
end

-- The session's variables by name.
local function variables()
  local places = {}
  for _, variable in ipairs(core.locals()) do places[variable.name] = upvalue_place(variable.carrier, 1, "local") end
  return places
end

-- The frame's locals in their order. Those of a cell's outermost block are session variables by now, if nobody has set
-- these since; that is decided once.
local function locals_of(frame)
  if frame.locals then return frame.locals end
  local kept = frame.first and {} or variables()
  frame.locals = {}
  for i, name in ipairs(frame.names) do
    local same = kept[name] and rawequal(kept[name].get(), frame.values[i])
    frame.locals[i] = same and kept[name] or local_place(frame, i)
  end
  return frame.locals
end

-- What names stand for in the frame: session variables, hidden by upvalues, hidden by locals.
local function places_of(frame)
  local places = variables()
  for i = 1, math.huge do
    local name = debug.getupvalue(frame.func, i)
    if not name then break end
    places[name] = upvalue_place(frame.func, i, "upvalue")
  end
  for i, place in ipairs(locals_of(frame)) do places[frame.names[i]] = place end
  return places
end

-- The table in which code of the frame finds its names.
local function scope_of(places)
  local globals = places._ENV and places._ENV.get() or _G
  return setmetatable({}, {
    __index = function(_, name)
      local place = places[name]
      if place then return place.get() end
      return globals[name]
    end,
    __newindex = function(_, name, value)
      local place = places[name]
      if place then place.set(value) else globals[name] = value end
    end,
  })
end

-- To Lua all names of the scope are globals; its messages are to call them what they are.
local function call_in(places, chunk, ...)
  local results = table.pack(pcall(chunk, ...))
  if results[1] then return table.unpack(results, 2, results.n) end
  local problem = results[2]
  if type(problem) == "string" then
    problem = problem:gsub("global '([%w_]+)'", function(name)
      return places[name] and ("%s '%s'"):format(places[name].kind, name)
    end)
  end
  error(problem, 0)
end

-- Runs code in the frame's scope and shows what it returns.
local function evaluate(frame, code)
  local places = places_of(frame)
  local scope = scope_of(places)
  local chunk, problem = load("return " .. code, "=debug", "t", scope)
  if not chunk then chunk, problem = load(code, "=debug", "t", scope) end
  if not chunk then error(problem, 0) end
  local results = table.pack(call_in(places, chunk, table.unpack(frame.varargs, 1, frame.varargs.n)))
  for i = 1, results.n do results[i] = core.inspect(results[i]) end
  if results.n > 0 then print(table.concat(results, ", ")) end
end

-- ---- commands -------------------------------------------------------------------------------------------------------------

local function print_frame(frames)
  local frame = frames[frames.at]
  frames.listed = nil
  print("> " .. frame.place)
  print_lines(frame, frame.line - 2, frame.line + 2)
end

local function move(frames, by)
  if frames.at + by < 1 then error("this is the innermost frame", 0) end
  if frames.at + by > #frames then error("this is the outermost frame", 0) end
  frames.at = frames.at + by
  print_frame(frames)
end

local function count(argument)
  local n = argument == "" and 1 or math.tointeger(tonumber(argument))
  if not n or n < 1 then error(("'%s' is no number of frames"):format(argument), 0) end
  return n
end

-- A table of the user's own shows how it begins.
local function print_value(name, value)
  local kind, text = core.describe(value)
  if kind == "table" and text == "" and not getmetatable(value) then
    text = core.inspect(value):match "^[^\n]*"
    if #text > MOST then text = text:sub(1, utf8.offset(text, 0, MOST) - 1) .. "..." end
  end
  print((("  %-16s %-12s %s"):format(name, kind, text):gsub("%s+$", "")))
end

-- Of several locals with one name the last is in scope.
local function print_locals(frame, last)
  local at, shown = {}, 0
  for i = 1, last do at[frame.names[i]] = i end
  for i = 1, last do
    if at[frame.names[i]] == i then
      print_value(frame.names[i], locals_of(frame)[i].get())
      shown = shown + 1
    end
  end
  return shown
end

local function print_upvalues(frame)
  local shown = 0
  for i = 1, math.huge do
    local name, value = debug.getupvalue(frame.func, i)
    if not name then return shown end
    if name ~= "_ENV" and not name:find "^_k%d+_$" then
      if shown == 0 then print "upvalues:" end
      print_value(name, value)
      shown = shown + 1
    end
  end
end

local commands = {}

function commands.where(frames)
  for i, frame in ipairs(frames) do
    print((i == frames.at and "> " or "  ") .. frame.place)
    if frame.tail then print("  (...tail calls...)") end
  end
  if frames.more then print "  ... (the rest is not kept)" end
end

function commands.up(frames, argument) move(frames, count(argument)) end
function commands.down(frames, argument) move(frames, -count(argument)) end
function commands.frame(frames) print_frame(frames) end

function commands.locals(frames)
  local frame = frames[frames.at]
  local n = print_locals(frame, #frame.names) + print_upvalues(frame)
  if n == 0 then print "no locals" end
end

function commands.args(frames)
  local frame = frames[frames.at]
  print_locals(frame, frame.parameters)
  for i = 1, frame.varargs.n do print_value("...[" .. i .. "]", frame.varargs[i]) end
end

-- The lines around the current one, then those that follow; or around a line that is named.
function commands.list(frames, argument)
  local frame, at = frames[frames.at], math.tointeger(tonumber(argument))
  local first = at and at - AROUND or frames.listed and argument ~= "." and frames.listed + 1 or frame.line - AROUND
  local last = print_lines(frame, first, math.max(first, 1) + 2 * AROUND)
  if not last then print(frames.listed and "the end of the source" or "no source") end
  frames.listed = last or frames.listed
end

function commands.longlist(frames)
  local frame = frames[frames.at]
  if not print_lines(frame, frame.first or 1, frame.last or math.huge) then print "no source" end
end

function commands.p(frames, code)
  if code == "" then error("p EXPRESSION: what should be shown?", 0) end
  evaluate(frames[frames.at], code)
end

function commands.quit() return true end

function commands.help()
  print [[
where, bt      the frames, innermost first; > is the current one
up, down [N]   to the caller, or back
list [LINE]    lines around the current one, again: those that follow; ll: the whole function
locals         the frame's locals and upvalues; args: its arguments
p CODE         an expression's value; CODE alone is run in the frame, too, !CODE where it looks like a command
quit           leaves; Enter repeats the last command
Names are looked for among the frame's locals, then its upvalues, session variables and globals. A function's locals are
copies: assigning to one changes what the debugger shows, and nothing else. A cell's own are its session's variables.]]
end

local short = {
  w = "where", bt = "where", u = "up", d = "down", l = "list", ll = "longlist", a = "args", pp = "p", h = "help",
  ["?"] = "help", q = "quit", exit = "quit", c = "quit", continue = "quit", cont = "quit",
}

-- What may stand behind a command, as a pattern; behind the others nothing.
local takes = {up = "^%w*$", down = "^%w*$", list = "^[%w.]*$", p = "^[^=]"}

-- The command and its argument; what is no command is code: `c + 5` is not `c`, continue.
local function parse(line)
  local word, space, rest = line:match "^([%a?]+)(%s*)(.*)$"
  local name = word and (short[word] or word)
  local fits = commands[name] and (rest == "" or space ~= "" and rest:find(takes[name] or "^$"))
  if fits then return name, rest end
  return "p", (line:gsub("^!", ""))
end

--- One line as it was typed; an empty one does the last again. True: the user wants to leave. `enter`: it is the first.
function debugger.run(line, enter)
  local frames = core.frames()
  if enter then print(frames.message) end
  line = line:match "^%s*(.-)%s*$"
  if line == "" then line = frames.last or "frame" end
  frames.last = line
  local name, rest = parse(line)
  return commands[name](frames, rest) or false
end

return debugger
