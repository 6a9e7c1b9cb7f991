--- Checkpoints: the session in numbered files of a folder. A file holds what changed since the ones before it, and says in
-- which of them the rest is; they are written while the session goes on. Invariant: the newest whole checkpoint, and all
-- files that it needs, stay.
local core = require "celda.core"
local load, save = require "celda.load", require "celda.save"
local checkpoint = {}

local MOST = 8 -- files that a checkpoint may need beside its own: then it is written anew

local folder
local number = 0   -- of the newest
local written = {} -- by storage: {version, file, name in it}
local kept = {}    -- by number: the set of files that the checkpoint needs
local job          -- what is being written: {job = , number = , written = , files = }

local function name_of(n) return ("%06d.celda"):format(n) end

-- The numbers of the checkpoints in a folder, the newest first.
local function list(path)
  local numbers = {}
  for _, name in ipairs(core.list_folder(path)) do
    local n = name:match "^(%d%d%d%d%d%d+)%.celda$"
    if n then numbers[#numbers + 1] = math.tointeger(tonumber(n)) end
  end
  table.sort(numbers, function(a, b) return a > b end)
  return numbers
end

-- Checkpoints go to this folder from now on, counted on from those that are there. What a killed session left half done goes.
local function start(path)
  if folder == path then return end
  for _, name in ipairs(core.list_folder(path)) do
    if name:find "^%d+%.celda%.%d+%.tmp$" then os.remove(path .. "/" .. name) end
  end
  folder, number, written, kept = path, list(path)[1] or 0, {}, {}
end

-- Removes what neither of the two newest checkpoints needs.
local function prune()
  local needed = {}
  for _, n in ipairs {number, number - 1} do
    for file in pairs(kept[n] or {}) do needed[file] = true end
  end
  for _, n in ipairs(list(folder)) do
    if n <= number and not needed[name_of(n)] then os.remove(folder .. "/" .. name_of(n)) end
  end
end

--- Waits for the one that is being written; its error is raised.
function checkpoint.finish()
  local ended = job
  if not ended then return end
  job = nil
  core.finish_job(ended.job)
  number, written, kept[ended.number] = ended.number, ended.written, ended.files
  prune()
end

--- Whether one is being written; one that is ready is finished.
function checkpoint.busy()
  if job and core.job_done(job.job) then checkpoint.finish() end
  return job ~= nil
end

-- What of the graph's tensors is on the disk already: name -> {file, name there}, and the others; and of each its place.
local function split(graph, file)
  local fresh, elsewhere, places, files, count = {}, {}, {}, {}, 0
  for _, entry in ipairs(graph.tensors) do
    local name, id, version = entry[1], core.storage_state(entry[2])
    local place = written[id]
    if place and place[1] == version then
      elsewhere[name] = {place[2], place[3]}
    else
      place = {version, file, name}
      fresh[#fresh + 1] = entry
    end
    places[id] = place
    if not files[place[2]] then count = count + 1 end
    files[place[2]] = true
  end
  files[file] = true
  return {fresh = fresh, elsewhere = elsewhere, written = places, files = files, count = count}
end

--- Begins to write one in a folder; what could not be saved, as {{path, why}, ...}.
function checkpoint.begin(path)
  checkpoint.finish()
  start(path)
  local graph, manifest = save.describe()
  local n = number + 1
  local parts = split(graph, name_of(n))
  if parts.count > MOST then
    written = {}
    parts = split(graph, name_of(n))
  end
  manifest.elsewhere = parts.elsewhere
  job = {number = n, written = parts.written, files = parts.files,
    job = core.start_archive(folder .. "/" .. name_of(n), parts.fresh, manifest, tostring(save.VERSION))}
  return graph.lost
end

--- Loads the newest whole checkpoint of a folder, as load.session does.
function checkpoint.load(path)
  local problem
  for _, n in ipairs(list(path)) do
    local results = table.pack(load.attempt(load.session, path .. "/" .. name_of(n)))
    if results[1] then return table.unpack(results, 2, results.n) end
    problem = problem or results[2]
  end
  if problem then error(problem, 0) end
  core.raise("OSError", "'%s' holds no checkpoint", path)
end

return checkpoint
