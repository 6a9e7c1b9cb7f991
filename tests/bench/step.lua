--- step.lua FOLDER NET BATCH SECONDS: trains and predicts single batches of a network of nets.json, and prints JSON: the
-- milliseconds of each step, the first one's, and memory. What every peer beside this file prints.
local folder, name, batch, seconds = table.unpack(arg)
local network, now = dofile(folder .. "/network.lua"), timeit.default_timer

keras.utils.set_random_seed(200)
local model, net = network(folder, name)
batch = batch == "0" and net.batch or math.tointeger(batch)
local x = tensor.random.uniform {batch, table.unpack(net.shape)}
local y = tensor.random.integers(0, 10, {batch})

-- The milliseconds of each call of f, for some seconds.
local function times(f)
  local list, stop = {}, now() + tonumber(seconds)
  repeat
    local start = now()
    f()
    list[#list + 1] = (now() - start) * 1e3
  until now() > stop
  return list
end

local function train() model:train_on_batch(x, y) end
local function predict() model:predict_on_batch(x) end
local start = now()
train()
local first = (now() - start) * 1e3
train()
predict()
local kilobytes = io.open("/proc/self/status"):read "a":match "VmHWM:%s*(%d+)" -- the process's most
print(json.encode {first = first, train = times(train), predict = times(predict), bytes = kilobytes * 1024})
