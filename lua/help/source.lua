--- The source of functions, for ??name.
local help = require "help"
local functions = require "celda.functions"

local function lines_of(text)
  local lines = {}
  for line in (text .. "\n"):gmatch "(.-)\n" do lines[#lines + 1] = line end
  return lines
end

--- "lua/keras/training.lua:132" or "[3]:1", and the function's lines with the comment above them; or nil, and what can be
-- said instead.
return function(name)
  local value = help.value_of(name)
  local f = help.callable(value)
  local info = f and debug.getinfo(help.behind(f), "S")
  if not info then return nil, help.text_of(name) end
  if info.what == "C" then return nil, help.text_of(name) .. name .. " is written in C, and has no source in Lua.\n" end
  local place = functions.locate(help.behind(f))
  if not place then return nil, help.text_of(name) .. "The source of " .. name .. " is not known any more.\n" end
  local lines, first = lines_of(place.text), info.linedefined
  while first > 1 and lines[first - 1]:find "^%s*%-%-" do first = first - 1 end
  return ("%s:%d"):format(info.short_src:gsub("^celda:", ""), info.linedefined),
    table.concat(lines, "\n", first, info.lastlinedefined) .. "\n"
end
