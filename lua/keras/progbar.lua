--- Keras's progress bar, byte for byte: redrawn in place on a terminal (verbose 1), one line at the end (verbose 2).
local Progbar = {}
Progbar.__index = Progbar

local WIDTH, INTERVAL = 20, 0.05

function Progbar.new(target, verbose)
  local now = celda.clock()
  return setmetatable({target = target, verbose = verbose, start = now, last = -math.huge, width_before = 0,
    order = {}, values = {}}, Progbar)
end

local function time_of(seconds)
  if seconds >= 1 or seconds == 0 then return (" %.0fs/step"):format(seconds) end
  if seconds >= 1e-3 then return (" %.0fms/step"):format(seconds * 1e3) end
  return (" %.0fus/step"):format(seconds * 1e6)
end

function Progbar:step_duration(current, now)
  if current == 0 then return 0 end
  local duration = self.after_first and current > 1 and (now - self.after_first) / (current - 1)
    or (now - self.start) / current
  if current == 1 then self.after_first = now end
  return duration
end

local function eta_text(eta)
  if eta > 3600 then return ("%d:%02d:%02d"):format(eta // 3600, eta % 3600 // 60, eta % 60 // 1) end
  if eta > 60 then return ("%d:%02d"):format(eta // 60, eta % 60 // 1) end
  return ("%ds"):format(eta // 1)
end

function Progbar:metrics_text()
  local parts = {}
  for _, name in ipairs(self.order) do
    local value = self.values[name]
    parts[#parts + 1] = (math.abs(value) > 1e-3 and " - %s: %.4f" or " - %s: %.4e"):format(name, value)
  end
  return table.concat(parts)
end

-- The line as it stands, and its visible width.
function Progbar:line(current, now, duration, finalize)
  local count = ("%" .. #tostring(self.target) .. "d/%d"):format(current, self.target)
  local done = WIDTH * current // self.target
  local bar = ("\27[1m%s\27[0m "):format(count)
  if done > 0 then bar = bar .. "\27[32m" .. ("━"):rep(done) .. "\27[0m" end
  bar = bar .. "\27[37m" .. ("━"):rep(WIDTH - done) .. "\27[0m"
  local clock = finalize and ("%.0fs"):format(now - self.start) or eta_text(duration * (self.target - current))
  local rest = time_of(duration) .. self:metrics_text()
  return bar .. (" \27[1m%s\27[0m"):format(clock) .. rest, #count + 1 + WIDTH + 1 + #clock + #rest
end

--- Steps done so far, and the metrics' values: a list of {name, value}.
function Progbar:update(current, values, finalize)
  for _, pair in ipairs(values or {}) do
    if self.values[pair[1]] == nil then self.order[#self.order + 1] = pair[1] end
    self.values[pair[1]] = pair[2]
  end
  local now = celda.clock()
  local duration = self:step_duration(current, now)
  if self.verbose == 1 then
    if now - self.last < INTERVAL and not finalize then return end
    local text, width = self:line(current, now, duration, finalize)
    local message = ("\b"):rep(self.width_before) .. "\r" .. text .. (" "):rep(self.width_before - width)
    io.write(message, finalize and "\n" or "")
    self.width_before = width
  elseif self.verbose == 2 and finalize then
    local count = ("%" .. #tostring(self.target) .. "d/%d"):format(current, self.target)
    io.write(("%s - %.0fs -%s%s\n"):format(count, now - self.start, time_of(duration), self:metrics_text()))
  end
  self.last = now
end

return Progbar
