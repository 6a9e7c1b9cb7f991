--- bench.lua FOLDER CELDA [JSON]: what `make bench` runs. Ratios count, not times: each round runs all competitors in turn, a
-- slow moment of the machine hits all of them, and a ratio is taken within its round.
-- A peer runs where its Python module is found; CELDA_BENCH_TENSORFLOW, _TORCH, _JAX name another interpreter than python3.
local folder, celda_path, json_path = table.unpack(arg)
local ROUNDS, SECONDS = 3, tonumber(os.getenv "CELDA_BENCH_SECONDS" or 1)
local NETWORKS = {"tutorial", "convnet3", "vgg32", "mlp"}
local STEPS = {tutorial = 30, convnet3 = 200, vgg32 = 50, mlp = 300} -- half a second of each
local network, now = dofile(folder .. "/network.lua"), timeit.default_timer
local result = {}

local function say(...) io.write(string.format(...), "\n") end

-- The value below which a part p of the sorted copy of a list lies.
local function quantile(list, p)
  local sorted = table.move(list, 1, #list, 1, {})
  table.sort(sorted)
  return sorted[math.max(1, math.ceil(p * #sorted))]
end

local function median(list) return quantile(list, 0.5) end

local function quartiles(list) return {quantile(list, 0.25), median(list), quantile(list, 0.75)} end

-- What a command prints, or nil where it fails.
local function output(command)
  local pipe = io.popen(command .. " 2>/dev/null")
  local text = pipe:read "a"
  return pipe:close() and text or nil
end

-- ---- this machine's floor ---------------------------------------------------------------------------------------------

local function best(n, f)
  local least = math.huge
  for _ = 1, n do
    local start = now()
    f()
    least = math.min(least, now() - start)
  end
  return least
end

local function floor()
  local a, b = tensor.random.uniform {1536, 1536}, tensor.random.uniform {1 << 24}
  local product, copy = best(10, function() a:matmul(a) end), best(10, function() b:copy() end)
  result.floor = {gflops = 2 * 1536 ^ 3 / product / 1e9, gigabytes = 2 * 4 * (1 << 24) / copy / 1e9}
  say("floor: matmul %.0f GFLOP/s, copying %.1f GB/s, %d threads", result.floor.gflops, result.floor.gigabytes,
    celda.stats().threads)
end

-- Multiplications and additions of a training step's products by their definitions, in GFLOP: forward, and twice that back,
-- but for the first layer's gradient of the input, which nobody needs.
local function work(net)
  local h, w, c = table.unpack(net.shape)
  local flat, total, first = nil, 0, true
  for _, l in ipairs(net.layers) do
    local flops = 0
    if l[1] == "conv" then
      if l[4] == "valid" then h, w = h - l[3] + 1, w - l[3] + 1 end
      flops, c = 2 * h * w * l[3] * l[3] * c * l[2], l[2]
    elseif l[1] == "maxpool" then
      h, w = h // l[2], w // l[2]
    elseif l[1] == "flatten" then
      flat = h * w * c
    elseif l[1] == "dense" then
      flops, flat = 2 * flat * l[2], l[2]
    end
    total = total + flops * (first and 2 or 3)
    first = first and flops == 0
  end
  return total * net.batch / 1e9
end

-- ---- networks ---------------------------------------------------------------------------------------------------------

local function competitors()
  local list = {{name = "celda", command = celda_path .. " " .. folder .. "/step.lua"}}
  for _, name in ipairs {"tensorflow", "torch", "jax"} do
    local python = os.getenv("CELDA_BENCH_" .. name:upper()) or "python3"
    if output(("%s -c 'import %s'"):format(python, name)) then
      list[#list + 1] = {name = name, command = ("%s %s/peer_%s.py"):format(python, folder, name)}
    end
  end
  return list
end

local function measure(command, net, batch)
  local text = output(("%s %s %s %d %g"):format(command, folder, net, batch or 0, SECONDS))
  return text and json.decode(text:match "{.*")
end

-- The rounds of one network: the runs of each competitor by name.
local function rounds(list, net)
  local runs = {}
  for _, c in ipairs(list) do runs[c.name] = {} end
  for _ = 1, ROUNDS do
    for _, c in ipairs(list) do table.insert(runs[c.name], measure(c.command, net)) end
  end
  return runs
end

local function compare(list, name, net)
  local runs, entry = rounds(list, name), {gflop = work(net)}
  for _, c in ipairs(list) do
    local mine, own = runs[c.name], {}
    if #mine == ROUNDS then
      for _, what in ipairs {"train", "predict"} do
        local times, ratios = {}, {}
        for i, run in ipairs(mine) do
          times[i] = median(run[what])
          ratios[i] = times[i] / median(runs.celda[i][what])
        end
        own[what] = {ms = quartiles(times), ratio = quartiles(ratios)}
        say("%-9s %-8s %-11s %8.2f ms   %5.2f x celda (%.2f to %.2f)", name, what, c.name, own[what].ms[2],
          own[what].ratio[2], own[what].ratio[1], own[what].ratio[3])
      end
      own.bytes, own.first = mine[1].bytes, mine[1].first
      entry[c.name] = own
    end
  end
  local least = entry.gflop / result.floor.gflops * 1e3
  say("%-9s %.2f GFLOP a training step as direct sums: %.1f ms at the floor's rate; celda takes %.2f of that", name,
    entry.gflop, least, entry.celda.train.ms[2] / least)
  return entry
end

-- ---- memory, stages, scaling, start ----------------------------------------------------------------------------------

-- What each competitor's process took at most, training the tutorial's network on one batch.
local function memory(list)
  for _, c in ipairs(list) do
    local own = result.networks.tutorial[c.name]
    if own then say("tutorial  memory   %-11s %6.0f MB", c.name, own.bytes / 1e6) end
  end
end

-- The tutorial's step by its operations, as %profile has them: the slowest, which make nine tenths of it.
local function stages()
  local text, sum = output(("%s run %s/stages.cells"):format(celda_path, folder)) or "", 0
  text = text:match "^(.-)called one by one" or text
  result.stages = {}
  for ms, share, op in text:gmatch "\n +([%d.]+) +([%d.]+) +[%d.]+  ([^\n]+)" do
    if sum >= 90 then break end
    sum = sum + share
    table.insert(result.stages, {ms = tonumber(ms), op = op})
    say("tutorial  %6.3f ms  %4.1f %%  %s", ms, share, op)
  end
end

local function scaling()
  result.batch, result.threads = {}, {}
  for _, batch in ipairs {1, 4, 16, 64, 128, 256, 512} do
    local run = measure(celda_path .. " " .. folder .. "/step.lua", "tutorial", batch)
    result.batch[tostring(batch)] = {train = median(run.train), predict = median(run.predict)}
    say("tutorial, batch %3d: %7.1f us a sample to train, %6.1f to predict", batch, median(run.train) / batch * 1e3,
      median(run.predict) / batch * 1e3)
  end
  for n = 1, celda.stats().threads do
    local run = measure(("taskset -c 0-%d %s %s/step.lua"):format(n - 1, celda_path, folder), "tutorial")
    if not run then break end -- no taskset
    result.threads[tostring(n)] = median(run.train)
    say("tutorial, %d thread%s: %.1f ms a training step", n, n == 1 and "" or "s", median(run.train))
  end
end

local function start()
  local times = {}
  for i = 1, 30 do
    local begin = now()
    output(celda_path .. " -e ''")
    times[i] = (now() - begin) * 1e3
  end
  result.start_ms = quartiles(times)
  say("celda -e '': %.1f ms with the shell that calls it (%.1f to %.1f)", table.unpack {result.start_ms[2],
    result.start_ms[1], result.start_ms[3]})
end

-- What fit costs beyond its steps: the batch is another one each time, read from wherever it lies.
local function overhead(name)
  local model, net = network(folder, name)
  local steps = STEPS[name]
  local x = tensor.random.uniform {net.batch * steps, table.unpack(net.shape)}
  local y = tensor.random.integers(0, 10, {net.batch * steps})
  local xb, yb = x["1:" .. net.batch], y["1:" .. net.batch]
  local function fit() model:fit(x, y, {batch_size = net.batch, verbose = 0}) end
  local function train() for _ = 1, steps do model:train_on_batch(xb, yb) end end
  local ratios = {}
  fit()
  train()
  for i = 1, 9 do
    local begin = now()
    fit()
    local middle = now()
    train()
    ratios[i] = 100 * ((middle - begin) / (now() - middle) - 1)
  end
  result.fit_overhead[name] = quartiles(ratios)
  say("%-9s fit beyond its %d steps: %+.1f %% (%+.1f to %+.1f)", name, steps, median(ratios),
    result.fit_overhead[name][1], result.fit_overhead[name][3])
end

floor()
start()
result.fit_overhead = {}
for _, name in ipairs(NETWORKS) do overhead(name) end
local list = competitors()
local nets = json.decode(io.open(folder .. "/nets.json"):read "a")
result.networks = {}
for _, name in ipairs(NETWORKS) do
  result.networks[name] = compare(list, name, nets[name])
end
memory(list)
stages()
scaling()
if json_path then
  local file = assert(io.open(json_path, "w"))
  file:write(json.encode(result), "\n")
  file:close()
  say("written to %s", json_path)
end
