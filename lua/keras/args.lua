--- Keras's way of calling: positional arguments, then one table of keyword arguments; a table alone may hold all.

local function is_keywords(value)
  if type(value) ~= "table" or getmetatable(value) then return false end
  for key in pairs(value) do if type(key) == "string" then return true end end
  return false
end

local function unknown(callee, name, names)
  local near = celda.nearest(tostring(name), names)
  error(("TypeError: %s: unknown argument '%s'%s"):format(callee, tostring(name),
    near and ("; did you mean '%s'?"):format(near) or ""), 4)
end

--- args("Sequential.fit", {"x", "y", "batch_size"}, ...): a table of the arguments by name.
return function(callee, names, ...)
  local given, count, values = {...}, select("#", ...), {}
  local keywords = is_keywords(given[count]) and given[count] or nil
  local positional = keywords and count - 1 or count
  if positional > #names then
    error(("TypeError: %s takes %d positional arguments but %d were given"):format(callee, #names, positional), 3)
  end
  for i = 1, positional do values[names[i]] = given[i] end
  local known = {}
  for _, name in ipairs(names) do known[name] = true end
  for key, value in pairs(keywords or {}) do
    local name = math.type(key) == "integer" and names[positional + key] or key
    if not known[name] then unknown(callee, key, names) end
    if values[name] ~= nil then
      error(("TypeError: %s: multiple values for argument '%s'"):format(callee, name), 3)
    end
    values[name] = value
  end
  return values
end
