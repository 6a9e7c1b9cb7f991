--- %save, and celda.save: values in a file, as src/session/FORMAT.md describes it.
local core = require "celda.core"
local Graph = require "celda.graph"
local save = {VERSION = 1}

local function sorted_names(t)
  local names = {}
  for name in pairs(t) do names[#names + 1] = name end
  table.sort(names)
  return names
end

-- {{name, value}, ...} of what could be saved.
local function named_values(graph, values)
  local list = {}
  for _, name in ipairs(sorted_names(values)) do
    local value = graph:value(values[name], nil, name)
    if value ~= nil then list[#list + 1] = {name, value} end
  end
  return list
end

-- The user's globals, those among them that took the place of one of ours.
local function globals_of_user()
  local all = core.globals()
  for name, value in next, _G do
    local ours = name == "_" or name == "_VERSION" or type(name) ~= "string" or core.name_of(value)
    if not ours then all[name] = value end
  end
  return all
end

-- Session variables are boxes, which functions share.
local function locals_of(graph)
  local list = {}
  for i, variable in ipairs(core.locals()) do
    list[i] = {name = variable.name, constant = variable.constant, box = graph:box(variable.carrier, 1, nil, variable.name)}
  end
  return list
end

-- What the user put into tables that every session has: functions in `string`, say.
local function additions(graph)
  local all, list = core.additions(), {}
  table.sort(all, function(a, b) return a[1] .. a[2] < b[1] .. b[2] end)
  for _, field in ipairs(all) do
    local name, key, value = table.unpack(field)
    if utf8.len(key) then
      local described = graph:value(value, nil, name:gsub("^_G:%.", ""):gsub(":%.?", ".") .. "." .. key)
      if described ~= nil then list[#list + 1] = {name, key, described} end
    else
      graph:lose(nil, name, "a key is no UTF-8")
    end
  end
  return list
end

--- Describes all that the graph refers to: the manifest is whole then.
function save.finish(graph, manifest)
  manifest.celda, manifest.saved = celda.version, os.time()
  manifest.values, manifest.chunks, manifest.lost = graph:finish(), graph.chunks, graph.lost
  return manifest
end

--- The whole session: a graph and its manifest.
function save.describe()
  local graph = Graph.new()
  local manifest = {locals = locals_of(graph), globals = named_values(graph, globals_of_user()), randomness = core.get_randomness()}
  manifest.additions = additions(graph)
  manifest.runs = core.runs()
  local last = rawget(_G, "_")
  if last ~= nil then manifest.last = graph:value(last, nil, "_") end
  return graph, save.finish(graph, manifest)
end

--- save.session(path): the whole session; how many variables and additions, and what could not be saved, as {{path, why}, ...}.
function save.session(path)
  core.check_target(path)
  local graph, manifest = save.describe()
  core.write_archive(path, graph.tensors, manifest, tostring(save.VERSION))
  return #manifest.locals + #manifest.globals + #manifest.additions, graph.lost
end

--- celda.save(path, value): one value and all that it refers to.
function save.value(path, value)
  core.check_target(path)
  local graph = Graph.new()
  local manifest = save.finish(graph, {value = graph:value(value, nil, "value")})
  core.write_archive(path, graph.tensors, manifest, tostring(save.VERSION))
  return graph.lost
end

return save
