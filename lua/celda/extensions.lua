--- What users add to celda in files of their own: init.lua at each start of a REPL, others by %load_ext.
local core = require "celda.core"
local extensions = {}

-- Modules of the user's folder are found by require.
local function add_folder()
  local files = core.config "?.lua"
  if files and not package.path:find(files, 1, true) then package.path = package.path .. ";" .. files end
end

--- The user's init.lua, if there is one.
function extensions.init()
  local path = core.config "init.lua"
  add_folder()
  if not path then return end
  local file, problem, code = io.open(path)
  if file then file:close() elseif code == 2 then return else error(problem, 0) end
  dofile(path)
end

-- Whether require would find it.
local function is_module(name)
  for _, find in ipairs(package.searchers) do
    local loader = find(name)
    if type(loader) == "function" then return true end
  end
end

--- A file, if the name is a path or ends in .lua, else a module; run again if it ran before.
function extensions.load(name)
  add_folder()
  if name:find "/" or name:find "%.lua$" then
    dofile(name)
  elseif is_module(name) then
    package.loaded[name] = nil
    require(name)
  else
    local own = core.config "?.lua"
    error(("there is no extension '%s': no module of that name is on package.path%s"):format(name,
      own and " or in " .. own:gsub("/%?.lua$", "") or ""), 0)
  end
end

return extensions
