--- Keras's progress bar, byte for byte: redrawn in place on a terminal (verbose 1), one line at the end (verbose 2). On a
-- terminal too narrow for it the bar, and then the metrics, are cut, since a line that wraps cannot be redrawn.
local Progbar = {}
Progbar.__index = Progbar

local WIDTH, INTERVAL = 20, 0.05 -- cells of the bar; seconds between two redraws

--- `columns`: the terminal's width; nil: unknown.
function Progbar.new(target, verbose, columns)
  return setmetatable({target = target, verbose = verbose, columns = columns or math.huge, start = celda.clock(),
    last = -math.huge, width = 0, order = {}, values = {}}, Progbar)
end

local function time_of_step(seconds)
  if seconds >= 1 or seconds == 0 then return (" %.0fs/step"):format(seconds) end
  if seconds >= 1e-3 then return (" %.0fms/step"):format(seconds * 1e3) end
  return (" %.0fus/step"):format(seconds * 1e6)
end

-- The mean over all steps but the first, which takes longer; of the first alone if there was no other.
local function step_duration(self, current, now)
  if current == 0 then return 0 end
  local first = self.after_first
  local duration = first and current > 1 and (now - first) / (current - 1) or (now - self.start) / current
  if current == 1 then self.after_first = now end
  return duration
end

local function clock_text(seconds)
  local s = math.floor(seconds)
  if seconds > 3600 then return ("%d:%02d:%02d"):format(s // 3600, s % 3600 // 60, s % 60) end
  if seconds > 60 then return ("%d:%02d"):format(s // 60, s % 60) end
  return ("%ds"):format(s)
end

local function metrics_text(self, is_large)
  local parts = {}
  for i, name in ipairs(self.order) do
    local value = self.values[name]
    parts[i] = (is_large(value) and " - %s: %.4f" or " - %s: %.4e"):format(name, value):gsub("%-?nan", "nan")
  end
  return table.concat(parts)
end

local function count_text(self, current)
  return ("%" .. #tostring(self.target) .. "d/%d"):format(current, self.target)
end

-- The line and its width on the screen.
local function draw(self, current, now, duration, finalize)
  local count = count_text(self, current)
  local clock = finalize and ("%.0fs"):format(now - self.start) or clock_text(duration * (self.target - current))
  local rest = time_of_step(duration) .. metrics_text(self, function(v) return math.abs(v) > 1e-3 end)
  local fixed = #count + 2 + #clock
  local bar = math.max(0, math.min(WIDTH, self.columns - 1 - fixed - #rest))
  if fixed + bar + #rest >= self.columns then rest = rest:sub(1, math.max(0, self.columns - 1 - fixed - bar)) end
  local done = math.floor(bar * (current / self.target))
  local line = ("\27[1m%s\27[0m "):format(count)
  if done > 0 then line = line .. "\27[32m" .. ("━"):rep(done) .. "\27[0m" end
  line = line .. "\27[37m" .. ("━"):rep(bar - done) .. "\27[0m"
  return line .. (" \27[1m%s\27[0m"):format(clock) .. rest, fixed + bar + #rest
end

local function redraw(self, current, now, duration, finalize)
  if now - self.last < INTERVAL and not finalize then return end
  local line, width = draw(self, current, now, duration, finalize)
  io.write(("\b"):rep(self.width), "\r", line, (" "):rep(self.width - width), finalize and "\n" or "")
  self.width, self.last, self.open = width, now, not finalize
end

local function print_line(self, current, now, duration)
  io.write(("%s - %.0fs -%s%s\n"):format(count_text(self, current), now - self.start, time_of_step(duration),
    metrics_text(self, function(v) return v > 1e-3 end)))
end

--- `current` steps are done; logs are shown by name in the order in which names first came, sorted within one call.
function Progbar:update(current, logs, finalize)
  local names = {}
  for name in pairs(logs or {}) do names[#names + 1] = name end
  table.sort(names)
  for _, name in ipairs(names) do
    if self.values[name] == nil then self.order[#self.order + 1] = name end
    self.values[name] = logs[name]
  end
  local now = celda.clock()
  local duration = step_duration(self, current, now)
  if self.verbose == 1 then redraw(self, current, now, duration, finalize) end
  if self.verbose == 2 and finalize then print_line(self, current, now, duration) end
end

--- The line after `current` steps, for a bar that is shown otherwise; nil where the last one is not 0.05 s old.
function Progbar:line(current, finalize)
  local now = celda.clock()
  local duration = step_duration(self, current, now)
  if now - self.last < INTERVAL and not finalize then return nil end
  self.last = now
  return (draw(self, current, now, duration, finalize))
end

--- Leaves a line that was being redrawn when something went wrong.
function Progbar:close()
  if self.open then io.write "\n" end
  self.open = false
end

return Progbar
