--- Data sets as tensors, from where they are installed.
local core = require "celda.core"
local datasets = {}

local FILES = {"train-images-idx3-ubyte.gz", "train-labels-idx1-ubyte.gz", "t10k-images-idx3-ubyte.gz",
  "t10k-labels-idx1-ubyte.gz"}

local function exists(path)
  local file = io.open(path, "rb")
  if file then file:close() end
  return file ~= nil
end

-- The first folder that holds all files; an error lists what was tried, and the Debian package where there is one.
local function find(name, package)
  local folders = {}
  local set = os.getenv "CELDA_DATASETS"
  if set then
    folders[#folders + 1] = set .. "/" .. name
    folders[#folders + 1] = set
  end
  folders[#folders + 1] = (os.getenv "HOME" or "") .. "/.keras/datasets/" .. name
  folders[#folders + 1] = "/usr/share/datasets/" .. name
  for _, folder in ipairs(folders) do
    local all = true
    for _, file in ipairs(FILES) do all = all and exists(folder .. "/" .. file) end
    if all then return folder end
  end
  core.raise("OSError", "data set '%s' was not found; tried:\n  %s\n%s, or set CELDA_DATASETS to a folder that has it", name,
    table.concat(folders, "\n  "), package and "Install it: apt-get install " .. package
    or "Put its four .gz files into one of these")
end

local function idx_set(name, package)
  return {load_data = function()
    local folder = find(name, package)
    local t = {}
    for i, file in ipairs(FILES) do t[i] = idx.load(folder .. "/" .. file) end
    return {t[1], t[2]}, {t[3], t[4]}
  end, folder = function() return find(name, package) end}
end

--- datasets.fashion_mnist.load_data(): {X_train, Y_train}, {X_test, Y_test}; images (n, 28, 28) and labels, uint8.
datasets.fashion_mnist = idx_set("fashion-mnist", "dataset-fashion-mnist")
datasets.mnist = idx_set("mnist")

return core.strict(datasets, "datasets")
