--- CSVLogger: a line of a file for each epoch, written as the epoch ends.
local arguments = require "keras.arguments"
local callbacks = require "keras.callbacks"
local core = require "celda.core"

local CSVLogger = callbacks.Callback:extend "CSVLogger"

--- CSVLogger(filename, {separator = ",", append = false})
function CSVLogger:init(...)
  arguments.take(self, {{"filename", "string", required = true}, {"separator", "string", ","}, {"append", "boolean", false}}, ...)
end

-- The first line of the file, or nil.
local function first_line(path)
  local file <close> = io.open(path, "rb")
  return file and file:read "l"
end

-- What is there may be continued or replaced if it is such a file, or empty.
function CSVLogger:on_train_begin()
  local header = first_line(self.filename)
  if header and header ~= "" and header:sub(1, 5) ~= "epoch" then
    core.raise("OSError", "CSVLogger: '%s' is there and is no file of CSVLogger's; it is not overwritten", self.filename)
  end
  local file, problem = io.open(self.filename, self.append and "ab" or "wb")
  if not file then core.raise("OSError", "CSVLogger: %s", problem) end
  self.file, self.keys, self.titled = file, nil, self.append and header ~= nil and header ~= ""
end

-- Sorted; before the first validation it is not known whether there will be one, so its columns are kept free.
local function keys_of(logs)
  local keys, validated = {}, false
  for name in pairs(logs) do
    keys[#keys + 1] = name
    validated = validated or name:sub(1, 4) == "val_"
  end
  table.sort(keys)
  for i = 1, validated and 0 or #keys do keys[#keys + 1] = "val_" .. keys[i] end
  return keys
end

local function write(self, cells)
  local fine, problem = self.file:write(table.concat(cells, self.separator), "\n")
  if fine then fine, problem = self.file:flush() end
  if not fine then core.raise("OSError", "CSVLogger: %s: %s", self.filename, problem) end
end

-- A number with all its digits.
local function shown(value)
  if value == nil then return "NA" end
  if type(value) == "number" and value - value == 0 then return json.encode(value) end
  return (tostring(value):gsub("^-nan", "nan"))
end

function CSVLogger:on_epoch_end(epoch, logs)
  self.keys = self.keys or keys_of(logs)
  if not self.titled then write(self, {"epoch", table.unpack(self.keys)}) end
  self.titled = true
  local cells = {("%d"):format(epoch)}
  for i, key in ipairs(self.keys) do cells[i + 1] = shown(logs[key]) end
  write(self, cells)
end

function CSVLogger:on_train_end()
  self.file:close()
  self.file = nil
end

return CSVLogger
