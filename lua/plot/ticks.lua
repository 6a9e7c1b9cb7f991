--- Where the ticks of an axis are: Paul Heckbert, "Nice Numbers for Graph Labels", Graphics Gems (1990).
local ticks = {}

-- The 1, 2, 5 or 10 times a power of ten that is nearest to x.
local function nice(x)
  local power = 10.0 ^ math.floor(math.log(x, 10))
  local f = x / power
  return (f < 1.5 and 1 or f < 3 and 2 or f < 7 and 5 or 10) * power
end

-- The decimals that tell multiples of step apart.
local function decimals(step)
  for n = 0, 12 do
    local scaled = step * 10 ^ n
    if math.abs(scaled - math.floor(scaled + 0.5)) < 1e-6 * scaled then return n end
  end
  return 12
end

local function text_of(value, step)
  local largest = math.max(math.abs(value), step)
  if math.abs(value) < step * 1e-6 then return "0" end
  if largest >= 1e6 or step < 1e-5 then return (("%.6g"):format(value):gsub("e%+?(%-?)0*", "e%1")) end
  return ("%.*f"):gsub("%*", tostring(decimals(step))):format(value)
end

--- About `count` places in low..high, and their texts. `whole`: integers alone.
function ticks.of(low, high, count, whole)
  if not (high > low) then return {low}, {text_of(low, math.abs(low) > 0 and math.abs(low) or 1)} end
  local step = nice((high - low) / math.max(1, count - 1))
  if whole then step = math.max(1, step) end
  local places, texts = {}, {}
  for i = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9) do
    places[#places + 1] = i * step
    texts[#texts + 1] = text_of(i * step, step)
  end
  return places, texts
end

return ticks
