--- %load, and celda.load: what lua/celda/save.lua wrote. Everything is made first, then put in place at once.
local core = require "celda.core"
local functions = require "celda.functions"
local names = require "celda.names"
local load = {}

local Loader = {}
Loader.__index = Loader

local VERSION = require "celda.save".VERSION

--- As pcall, but lack of memory, which says nothing about a file, goes on up.
function load.attempt(f, ...)
  local results = table.pack(pcall(f, ...))
  local text = not results[1] and tostring(results[2]) or ""
  if text:find "not enough memory" or text:find "MemoryError" then error(results[2], 0) end
  return table.unpack(results, 1, results.n)
end

-- The metadata of a file of ours, and a version that we know.
local function check_format(path, metadata)
  if metadata.format ~= "celda" then
    core.raise("OSError", "'%s' is no session: celda did not write it (safetensors.load reads other files)", path)
  end
  local version = math.tointeger(tonumber(metadata.version))
  if version and version >= 1 and version <= VERSION then return end
  core.raise("OSError", "'%s' has format version %s, this celda reads up to %d: load it with a newer one", path,
    tostring(metadata.version), VERSION)
end

-- ---- making nodes ----------------------------------------------------------------------------------------------------------

--- The value that stands for `item` in the manifest.
function Loader:value(item)
  if type(item) ~= "table" then return item end
  if item[1] then return self:made(item[1]) end
  if item.float then return tonumber(item.float) or item.float == "inf" and math.huge or item.float == "-inf" and -math.huge or 0 / 0 end
  return nil
end

function Loader:tensor(name)
  local t = self.tensors[name]
  if t then return t end
  error(("%s %s"):format(tostring(name), self.damaged[name] or "is not in the file"), 0)
end

local make = {} -- the thing itself, by kind of node; what it refers to comes later where it may refer back

function make.table() return {} end
function make.null() return json.null end
function make.string(self, node) return core.tensor_text(self:tensor(node.tensor)) end
function make.named(_, node) return names.find(node.name) end

function make.box(self, node)
  local carrier = node.carrier or functions.carrier()
  self.carriers[node] = carrier
  return carrier
end

function make.tensor(self, node)
  local t = core.tensor_view(self:tensor(node.tensor), node)
  if node.logits then core.set_logits(t, self:value(node.logits)) end
  return t
end

make["function"] = function(self, node)
  local chunk, upvalues = self.manifest.chunks[node.chunk], {}
  for i, upvalue in ipairs(node.upvalues) do upvalues[i] = upvalue.name end
  local name, text = self:value(chunk.name), self:value(chunk.text)
  core.keep_source(name, text)
  local f = functions.make(name, text, node.first, upvalues)
  return f or error("its source is damaged", 0)
end

function make.variable(self, node)
  if node.owner then
    self:made(node.owner)
    return self.values[node.number] or error("its layer is lost", 0)
  end
  return core.Variable(self:value(node.value), nil, nil, node.trainable, node.path)
end

-- The variables that came with an object are those of the file.
local function adopt(self, list, variables)
  for i, reference in ipairs(list) do
    local v = variables[i] or error("its variables are not those of its class", 0)
    self.values[reference[1]] = v
  end
end

local function make_slots(self, object, node)
  local of = {}
  for i, slots in ipairs(node.slots) do of[i] = self:value(slots.of) end
  for i, made in ipairs(core.build_optimizer(object, of)) do adopt(self, node.slots[i].slots, made) end
end

function make.object(self, node)
  local held = {}
  for name, item in pairs(node.held) do held[name] = self:value(item) end
  local object = core.new_object(node.of, node.class, node.arguments, held, node.seed)
  if node.built then core.build_layer(object, node.built) end
  adopt(self, node.variables, core.object_variables(object))
  if node.slots then make_slots(self, object, node) end
  return object
end

--- The thing that node number `number` describes; nil where it is lost.
function Loader:made(number)
  local value = self.values[number]
  if value ~= nil or self.failed[number] then return value end
  local node = self.manifest.values[number]
  if not node or self.busy[number] or not make[node.kind] then
    self.failed[number] = "its description is damaged"
    return nil
  end
  self.busy[number] = true
  local fine, result = load.attempt(make[node.kind], self, node)
  if not fine then
    self.failed[number] = tostring(result)
    return nil
  end
  self.values[number] = result
  return result
end

-- ---- putting what they refer to into them ----------------------------------------------------------------------------------

local fill = {}

function fill.table(self, t, node)
  for i, item in ipairs(node.list or {}) do rawset(t, i, self:value(item)) end
  local list = node.pairs or {}
  for i = 1, #list, 2 do
    local key = self:value(list[i])
    if key ~= nil then rawset(t, key, self:value(list[i + 1])) end
  end
end

function fill.box(self, carrier, node)
  if not node.carrier then debug.setupvalue(carrier, 1, self:value(node.value)) end
end

fill["function"] = function(self, f, node)
  for i, upvalue in ipairs(node.upvalues) do
    if upvalue.named then
      local other, k = names.find_upvalue(upvalue.named)
      debug.upvaluejoin(f, i, other, k)
    else
      debug.upvaluejoin(f, i, self:value(upvalue.box), 1)
    end
  end
end

function fill.variable(self, v, node)
  local value = self:value(node.value)
  if value == nil then self:lose(node.path, self.failed[node.value[1]] or "its value is lost") end
  core.set_variable(v, node.path, node.trainable, value)
end

function Loader:lose(what, why) table.insert(self.lost, {what, why}) end

-- A description of a node that failed, for who reads of it.
local function title(node) return node.path or node.tensor or node.name or node.class or node.kind end

function Loader:build()
  local nodes = self.manifest.values
  for number, node in ipairs(nodes) do
    node.number = number
    for _, list in ipairs{node.variables, table.unpack(node.slots or {})} do
      for _, reference in ipairs(list.slots or list) do nodes[reference[1]].owner = number end
    end
  end
  for number in ipairs(nodes) do self:made(number) end
  for number, node in ipairs(nodes) do
    local value = self.values[number]
    if value ~= nil and fill[node.kind] then
      local fine, problem = load.attempt(fill[node.kind], self, value, node)
      if not fine then self.failed[number] = tostring(problem) end
    end
    if self.failed[number] then self:lose(title(node), self.failed[number]) end
  end
  for number, node in ipairs(nodes) do -- last, when a __gc would be seen
    if node.meta and self.values[number] then debug.setmetatable(self.values[number], self:value(node.meta)) end
  end
end

-- ---- the whole -------------------------------------------------------------------------------------------------------------

local function raise_damaged(path, lost, count)
  local lines = {}
  for i, what in ipairs(lost) do
    if i > 10 then
      lines[i] = ("\n  and %d more"):format(#lost - 10)
      break
    end
    lines[i] = ("\n  %s: %s"):format(what[1], what[2])
  end
  core.raise("OSError", "'%s' cannot be loaded whole, so nothing was. Lost are %d of its %d parts:%s\n%%load --salvage %s loads the rest",
    path, #lost, count, table.concat(lines), path)
end

-- A file whose description of the session is lost: its tensors, by name.
local function salvage_tensors(path, tensors, salvage, problem)
  if not salvage then
    core.raise("OSError", "'%s' is damaged, and nothing was loaded: %s\n%%load --salvage %s sets `salvaged` to its tensors by name",
      path, problem, path)
  end
  return {manifest = {values = {}, locals = {}, globals = {}}, values = {}, carriers = {}, lost = {{"all but tensors", problem}},
    salvaged = tensors}
end

-- Tensors that did not change since an earlier checkpoint are in its file, in the same folder.
local function add_elsewhere(path, manifest, tensors, damaged)
  local folder, files = path:match "^(.*/)" or "", {}
  for name, place in pairs(manifest.elsewhere or {}) do
    local file = place[1]
    if not files[file] then
      local fine, metadata, others, wrong = load.attempt(core.read_archive, folder .. file:gsub("/", "_"))
      files[file] = fine and {others, wrong} or {{}, {}, tostring(metadata)}
    end
    local others, wrong, problem = table.unpack(files[file], 1, 3)
    tensors[name], damaged[name] = others[place[2]], wrong[place[2]] or problem
  end
end

local function open(path, salvage)
  local metadata, tensors, damaged = core.read_archive(path)
  check_format(path, metadata)
  local fine, manifest = load.attempt(core.read_manifest, metadata)
  if not fine then return setmetatable(salvage_tensors(path, tensors, salvage, tostring(manifest)), Loader) end
  add_elsewhere(path, manifest, tensors, damaged)
  return setmetatable({path = path, manifest = manifest, tensors = tensors, damaged = damaged, values = {}, failed = {}, busy = {},
    carriers = {}, lost = {}}, Loader)
end

-- Makes all of the file; the random state and the counters are afterwards what they were.
local function build(self, salvage)
  local before = core.get_randomness()
  local fine, problem = pcall(self.build, self)
  core.set_randomness(before)
  if not fine then error(problem, 0) end
  if #self.lost > 0 and not salvage then raise_damaged(self.path, self.lost, #self.manifest.values) end
end

-- Puts in place what takes memory: the random state, and the names that are to be there, so that setting them afterwards takes
-- none. After an error all is as it was.
local function prepare(made, randomness)
  local undo, before = {}, randomness and core.get_randomness()
  local function hold(of, key)
    if rawget(of, key) ~= nil then return end
    undo[#undo + 1] = function() rawset(of, key, nil) end
    rawset(of, key, false)
  end
  local fine, problem = pcall(function()
    if randomness then
      undo[1] = function() core.set_randomness(before) end
      core.set_randomness(randomness)
    end
    for _, variable in ipairs(made.locals) do
      if not variable.known then
        undo[#undo + 1] = function() core.forget_local(variable.name) end
        core.put_local(variable.name, variable.carrier, variable.constant)
      end
    end
    for name in pairs(made.globals) do hold(_G, name) end
    for _, field in ipairs(made.additions) do hold(field.of, field.key) end
    hold(_G, "_")
  end)
  if fine then return end
  for i = #undo, 1, -1 do undo[i]() end
  error(problem, 0)
end

-- Session variables that are there already keep their carrier, which functions of the session share.
local function join_locals(self)
  local known, locals = {}, {}
  for _, variable in ipairs(core.locals()) do known[variable.name] = variable.carrier end
  for i, variable in ipairs(self.manifest.locals) do
    local node = self.manifest.values[variable.box[1]]
    node.carrier = known[variable.name]
    locals[i] = {name = variable.name, constant = variable.constant, node = node, known = node.carrier ~= nil}
  end
  return locals
end

-- Calls f(self, ...); an error that is none of ours says that the file is not as one should be.
local function guarded(f, self, ...)
  local fine, result = load.attempt(f, self, ...)
  if fine then return result end
  if type(result) == "table" then error(result, 0) end
  core.raise("OSError", "'%s' is damaged: %s", self.path, tostring(result))
end

-- The fields that go into tables that every session has; those whose table this celda lacks are named in `unsaved`.
local function make_additions(self, unsaved)
  local list = {}
  for _, field in ipairs(self.manifest.additions or {}) do
    local name, key = field[1], field[2]
    if type(name) ~= "string" or type(key) ~= "string" then error("an addition has no place", 0) end
    local fine, of = load.attempt(names.find, name)
    if fine and type(of) == "table" then
      list[#list + 1] = {of = of, key = key, value = self:value(field[3])}
    else
      unsaved[#unsaved + 1] = {key, ("this celda has no table %s"):format(name)}
    end
  end
  return list
end

-- All that a session's file holds, ready to be put in place.
local function make_session(self, salvage)
  local made = {locals = join_locals(self), globals = {}, unsaved = {}}
  if self.path then build(self, salvage) end
  for _, variable in ipairs(made.locals) do
    variable.carrier, variable.value = self.carriers[variable.node], self:value(variable.node.value)
    if not variable.carrier or type(variable.name) ~= "string" then error("a variable has no place", 0) end
  end
  for _, global in ipairs(self.manifest.globals) do
    if type(global[1]) ~= "string" then error("a global has no name", 0) end
    made.globals[global[1]] = self:value(global[2])
  end
  for _, what in ipairs(self.manifest.lost or {}) do
    made.unsaved[#made.unsaved + 1] = {tostring(what[1]), tostring(what[2])}
  end
  made.additions = make_additions(self, made.unsaved)
  if type(self.manifest.randomness or {}) ~= "table" then error("the random state is none", 0) end
  made.globals.salvaged = self.salvaged
  made.last = self:value(self.manifest.last)
  return made
end

--- load.session(path, salvage): how many variables were put in place; what could not be saved, what is lost; when it was
-- saved, and after how many runs.
function load.session(path, salvage)
  local self = open(path, salvage)
  if self.manifest.value ~= nil then core.raise("OSError", "'%s' holds one value: celda.load reads it", path) end
  local made = guarded(make_session, self, salvage)
  core.uninterrupted(function()
    prepare(made, self.manifest.randomness)
    for _, variable in ipairs(made.locals) do debug.setupvalue(variable.carrier, 1, variable.value) end
    for name, value in pairs(made.globals) do rawset(_G, name, value) end
    for _, field in ipairs(made.additions) do rawset(field.of, field.key, field.value) end
    rawset(_G, "_", made.last)
  end)
  local count = #made.locals + #made.additions
  for _ in pairs(made.globals) do count = count + 1 end
  return count, made.unsaved, self.lost, self.manifest.saved, self.manifest.runs
end

-- The one value of a file.
local function make_value(self)
  build(self)
  return {self:value(self.manifest.value)}
end

--- celda.load(path): the value that celda.save wrote.
function load.value(path)
  local self = open(path)
  if self.manifest.value == nil then core.raise("OSError", "'%s' holds a session: %%load reads it", path) end
  return guarded(make_value, self)[1]
end

return load
