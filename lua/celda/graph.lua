--- Values taken apart into a manifest: a list of nodes, one for each thing that has an identity, which refer to each other by
-- number. src/session/FORMAT.md describes it. Nothing here changes a value.
local core = require "celda.core"
local functions = require "celda.functions"

local Graph = {}
Graph.__index = Graph

local LONGEST = 1000 -- bytes of a string that stands in the manifest itself

function Graph.new()
  return setmetatable({nodes = {}, index = {}, queue = {}, chunks = {}, chunk_of = {}, storages = {}, tensors = {}, taken = {}, lost = {}}, Graph)
end

-- ---- paths, for the names of tensors and of what is lost --------------------------------------------------------------------

local function step(key)
  if math.type(key) == "integer" then return ("[%d]"):format(key) end
  if type(key) == "string" and key:find "^[%a_][%w_]*$" then return "." .. key end
  if type(key) == "string" and utf8.len(key) and not key:find "%c" and #key < 40 then return ("[%q]"):format(key) end
  return "[?]"
end

-- "model.stack[1]" for the thing that is `key` of node number `owner`.
function Graph:path(owner, key)
  local parts = {}
  while owner do
    if key ~= nil then table.insert(parts, 1, step(key)) end
    local node = self.queue[owner]
    owner, key = node.owner, node.key
  end
  table.insert(parts, 1, key)
  return table.concat(parts)
end

function Graph:lose(owner, key, why) table.insert(self.lost, {self:path(owner, key), why}) end

-- ---- tensors ---------------------------------------------------------------------------------------------------------------

-- A name that no tensor of the file has.
function Graph:tensor_name(wanted)
  if not utf8.len(wanted) or wanted == "" or wanted == "__metadata__" then wanted = "tensor" end
  local name, n = wanted, 1
  while self.taken[name] do
    n = n + 1
    name = wanted .. "#" .. n
  end
  self.taken[name] = true
  return name
end

-- The tensor of the file that is the storage of t: {name, whole}. It has the name of a tensor that is all of it, if one is.
function Graph:storage(t, address, wanted)
  local entry = self.storages[address]
  local whole = core.whole_tensor(t)
  if not entry then
    entry = {wanted, whole}
    self.storages[address] = entry
    table.insert(self.tensors, entry)
  elseif rawequal(whole, t) and not entry.named then
    entry[1], entry[2] = wanted, whole
  end
  entry.named = entry.named or rawequal(whole, t)
  return entry
end

-- ---- nodes -----------------------------------------------------------------------------------------------------------------

-- What is to be a node: how to describe it, once it is its turn, and the key by which it is known again.
local describe = {}

function describe.table(self, t, owner)
  local node, list, pairs_ = {kind = "table"}, {}, {}
  local n = 0
  while rawget(t, n + 1) ~= nil do
    n = n + 1
    local item = self:value(t[n], owner, n)
    if item == nil then item = {none = true} end
    list[n] = item
  end
  local metatable = debug.getmetatable(t)
  local transient = metatable and rawget(metatable, "__transient") or {}
  for key, value in next, t do
    if not (math.type(key) == "integer" and key >= 1 and key <= n) then
      if transient[key] then value = {} end
      local name = self:value(key, owner, key)
      local item = name ~= nil and self:value(value, owner, key)
      if name ~= nil and item ~= nil then
        pairs_[#pairs_ + 1] = name
        pairs_[#pairs_ + 1] = item
      end
    end
  end
  if n > 0 then node.list = list end
  if #pairs_ > 0 then node.pairs = pairs_ end
  if metatable then node.meta = self:value(metatable, owner, "metatable") end
  return node
end

describe["function"] = function(self, f, owner, place)
  local node = {kind = "function", first = place.first, upvalues = {}}
  local texts = self.chunk_of[place.chunk] or {}
  self.chunk_of[place.chunk] = texts
  if not texts[place.text] then
    table.insert(self.chunks, {name = self:value(place.chunk, owner, "chunk"), text = self:value(place.text, owner, "source")})
    texts[place.text] = #self.chunks
  end
  node.chunk = texts[place.text]
  for i, name in ipairs(place.names) do
    local named = core.upvalue_name(f, i)
    node.upvalues[i] = {name = name, named = named, box = not named and self:box(f, i, owner, name) or nil}
  end
  return node
end

function describe.box(self, box, owner)
  local _, value = debug.getupvalue(box.f, box.i)
  local node = {kind = "box"}
  if value ~= nil then node.value = self:value(value, owner, nil) end
  return node
end

function describe.string(self, text, owner)
  return {kind = "string", tensor = self:storage(core.bytes_tensor(text), text, "text " .. owner)}
end

function describe.named(_, _, _, name) return {kind = "named", name = name} end

function describe.null() return {kind = "null"} end

function describe.tensor(self, t, owner, parts)
  local node = {kind = "tensor", dtype = parts.dtype, shape = parts.shape, stride = parts.stride, offset = parts.offset}
  node.tensor = self:storage(t, parts.storage, self:path(self.queue[owner].owner, self.queue[owner].key))
  if parts.logits then node.logits = self:value(parts.logits, owner, "logits") end
  return node
end

function describe.variable(self, v, owner)
  local parts = core.variable_parts(v)
  local value = core.tensor_parts(parts.value)
  self:storage(parts.value, value.storage, parts.path)
  return {kind = "variable", path = parts.path, trainable = parts.trainable, value = self:value(parts.value, owner, "value")}
end

function describe.object(self, _, owner, parts)
  local node = {kind = "object", of = parts.kind, class = parts.class, arguments = parts.arguments, seed = parts.seed, held = {},
    built = parts.built and {table.unpack(parts.built)}, variables = {}}
  for name, held in pairs(parts.held) do node.held[name] = self:value(held, owner, name) end
  for i, v in ipairs(parts.variables) do node.variables[i] = self:value(v, owner, i) end
  if not parts.slots then return node end
  node.slots = {}
  for i, slots in ipairs(parts.slots) do
    local list = {of = self:value(slots.of, owner, "of"), slots = {}}
    for k, slot in ipairs(slots) do list.slots[k] = self:value(slot, owner, k) end
    node.slots[i] = list
  end
  return node
end

-- A reference to the node of a thing that is known by `id`.
function Graph:node(id, owner, key, kind, value, extra)
  local number = self.index[id]
  if not number then
    number = #self.queue + 1
    self.index[id] = number
    self.queue[number] = {owner = owner, key = key, kind = kind, value = value, extra = extra}
  end
  return {number}
end

--- A reference to the variable that is f's i-th upvalue.
function Graph:box(f, i, owner, key)
  return self:node(debug.upvalueid(f, i), owner, key, "box", {f = f, i = i})
end

-- Userdata: what there is to say of each type.
local function userdata(self, value, owner, key)
  local kind = core.kind_of(value)
  if kind == "tensor" then
    local parts = core.tensor_parts(value)
    if not parts then return nil, "a tensor of a computation that is being traced" end
    return self:node(value, owner, key, "tensor", value, parts)
  end
  if kind == "Variable" then return self:node(value, owner, key, "variable", value) end
  if kind then
    local parts = core.object_parts(value)
    return self:node(parts.id, owner, key, "object", value, parts)
  end
  local name = (debug.getmetatable(value) or {}).__name
  return nil, name == "FILE*" and "an open file" or "a " .. (name or "userdata")
end

local function is_plain(text) return #text <= LONGEST and not text:find "[%z\1-\8\11-\31\127]" and utf8.len(text) ~= nil end

-- A reference, or nil and why there is none.
local function refer(self, value, owner, key)
  local kind, name = type(value), core.name_of(value)
  if self.index[value] and kind ~= "userdata" then return {self.index[value]} end
  if name then return self:node(value, owner, key, "named", value, name) end
  if kind == "string" or kind == "table" then return self:node(value, owner, key, kind, value) end
  if kind == "userdata" then
    if value == json.null then return self:node(value, owner, key, "null", value) end
    return userdata(self, value, owner, key)
  end
  if kind ~= "function" then return nil, kind == "thread" and "a coroutine" or "a " .. kind end
  local place, why = functions.locate(value)
  if not place then return nil, why end
  return self:node(value, owner, key, "function", value, place)
end

--- What stands for a value in the manifest; nil, with a note, where nothing can. It is `key` of node number `owner`.
function Graph:value(value, owner, key)
  local kind = math.type(value) or type(value)
  if kind == "boolean" or kind == "integer" then return value end
  if kind == "float" then
    if value - value == 0 then return value end
    return {float = value ~= value and "nan" or value > 0 and "inf" or "-inf"}
  end
  if kind == "string" and is_plain(value) then return value end
  local reference, why = refer(self, value, owner, key)
  if not reference then self:lose(owner, key, why) end
  return reference
end

--- Describes all that was referred to, and what that refers to.
function Graph:finish()
  local at = #self.nodes
  while at < #self.queue do
    at = at + 1
    local todo = self.queue[at]
    self.nodes[at] = describe[todo.kind](self, todo.value, at, todo.extra)
  end
  for _, entry in ipairs(self.tensors) do entry[1] = self:tensor_name(entry[1]) end
  for _, node in ipairs(self.nodes) do
    if node.tensor then node.tensor = node.tensor[1] end
  end
  return self.nodes
end

return Graph
