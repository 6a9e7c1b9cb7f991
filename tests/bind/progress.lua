local L = keras.layers
local now = 0 -- what celda.clock says

-- Runs f with a clock that the test sets.
local function timed(f)
  local clock = celda.clock
  now, celda.clock = 0, function() return now end
  local _ <close> = setmetatable({}, {__close = function() celda.clock = clock end})
  f()
end

local function read(path)
  local file <close> = assert(io.open(path))
  return file:read "a"
end

local function at(seconds, f, ...)
  now = now + seconds
  f(...)
end

-- One pass of `steps` steps: the first takes `first` seconds, all others together `rest`, most of it after the last redraw
-- is due, as validation does.
local function pass(hooks, steps, first, rest, early, late, final)
  hooks.start()
  at(first, hooks.step, 0, early)
  for batch = 1, steps - 1 do at(0.001, hooks.step, batch, late) end
  at(rest - 0.001 * (steps - 1), hooks.finish, final)
end

local function fit_of(logger, number, ...)
  pass({
    start = function() logger:on_epoch_begin(number) end,
    step = function(batch, logs) logger:on_train_batch_end(batch, logs) end,
    finish = function(logs) logger:on_epoch_end(number, logs) end,
  }, 8, ...)
end

test("the bytes that Keras wrote, at Keras's times", function()
  output()
  timed(function()
    local logger = keras.callbacks.ProgbarLogger(1)
    logger:set_params{steps = 8, epochs = 2}
    logger:on_train_begin()
    fit_of(logger, 0, 0.314, 7 * 0.023, {accuracy = 0.25, loss = 1.321}, {accuracy = 0.3417, loss = 1.1923},
      {accuracy = 0.3417, loss = 1.1923, val_accuracy = 0.3187, val_loss = 1.1778})
    fit_of(logger, 1, 0.017, 7 * 0.008, {accuracy = 0.2812, loss = 1.259}, {accuracy = 0.3417, loss = 1.1853},
      {accuracy = 0.3417, loss = 1.1853, val_accuracy = 0.3187, val_loss = 1.1716})
    logger = keras.callbacks.ProgbarLogger(1)
    logger:set_params{steps = 20, epochs = 1}
    local late = {accuracy = 0.3391, loss = 1.1787}
    pass({
      start = function() logger:on_test_begin() end,
      step = function(batch, logs) logger:on_test_batch_end(batch, logs) end,
      finish = function(logs) logger:on_test_end(logs) end,
    }, 20, 0.017, 19 * 0.002, {accuracy = 0.4062, loss = 1.2192}, late, late)
  end)
  eq(output(), read "tests/golden/text/keras_fit_verbose1.txt")
end)

-- Numbers that depend on the machine, made equal.
local function timeless(text)
  return (text:gsub("%d+[mu]?s/step", "T/step"):gsub("\27%[1m%d+s\27%[0m", "\27[1mTs\27[0m"):gsub(" %- %d+s %-", " - Ts -"))
end

local function without_values(text) return (timeless(text):gsub(": %d%.%d+", ": V")) end

-- What the golden texts show: 8 batches, two epochs with validation, then an evaluation of 20 batches.
local function session_of(verbose)
  local model = keras.Sequential{L.Dense(3, {input_shape = {4}, activation = "softmax"})}
  model:compile{optimizer = "sgd", loss = "sparse_categorical_crossentropy", metrics = {"accuracy"}}
  local n = 8 * 32
  local a, b = tensor.zeros{640, 4}, tensor.arange(640) % 3
  output()
  model:fit(a["1:" .. n], b["1:" .. n], {epochs = 2, verbose = verbose, validation_data = {a, b}})
  model:evaluate(a, b, {verbose = verbose})
  return output()
end

test("one line an epoch, as Keras prints it", function()
  eq(without_values(session_of(2)), without_values(read "tests/golden/text/keras_fit_verbose2.txt"))
  eq(without_values(session_of(1)), without_values(session_of(2))) -- not on a terminal
end)

test("fit and evaluate on a terminal", function()
  screen{redraws = true, width = 200}
  local _ <close> = setmetatable({}, {__close = function() screen{} end})
  timed(function()
    local real = celda.clock
    celda.clock = function() -- each look at the clock is 1 ms later, so that only the first and last steps are drawn
      now = now + 0.001
      return real()
    end
    local function comparable(text) -- the line's width depends on the times' digits
      return (without_values(text):gsub("\8+", "\8"):gsub(" +\n", "\n"))
    end
    eq(comparable(session_of(1)), comparable(read "tests/golden/text/keras_fit_verbose1.txt"))
  end)
end)

test("one line: seconds, decimals", function()
  timed(function()
    local bar = require "keras.progbar".new(20, 2)
    output()
    now = 0.1
    bar:update(20, {accuracy = 0.3375, loss = 0.00012}, true)
    eq(output(), "20/20 - 0s - 5ms/step - accuracy: 0.3375 - loss: 1.2000e-04\n")
  end)
end)

test("the cursor goes back over the whole line, and a shorter line is padded", function()
  timed(function()
    local bar = require "keras.progbar".new(100, 1)
    output()
    now = 100.0
    bar:update(1, {loss = 1})
    eq(output(), "\r\27[1m  1/100\27[0m \27[37m" .. ("━"):rep(20) .. "\27[0m \27[1m2:45:00\27[0m 100s/step - loss: 1.0000")
    now = 100.01
    bar:update(2, {loss = 1})
    eq(output(), "") -- less than 0.05 s later
    now = 101.0
    bar:update(99, {loss = 0.0001})
    local width = #"  1/100 " + 20 + #" 2:45:00 100s/step - loss: 1.0000"
    eq(output(), ("\8"):rep(width) .. "\r\27[1m 99/100\27[0m \27[32m" .. ("━"):rep(19) .. "\27[0m\27[37m━\27[0m \27[1m0s\27[0m "
      .. "10ms/step - loss: 1.0000e-04" .. (" "):rep(width - #" 99/100 " - 20 - #" 0s 10ms/step - loss: 1.0000e-04"))
    bar:close()
    eq(output(), "\n")
  end)
end)

test("40 columns: the line fits, so that it can be redrawn", function()
  screen{redraws = true, width = 40}
  local _ <close> = setmetatable({}, {__close = function() screen{} end})
  for line in session_of(1):gmatch "[^\n\r]+" do
    local shown = line:gsub("\27%[[%d;]*m", ""):gsub("\8", "")
    ok(utf8.len(shown) < 40 or not shown:find "step", shown)
  end
  keras.Sequential({L.Dense(3, {input_shape = {4}})}):summary()
  for line in output():gmatch "[^\n]+" do ok(utf8.len(line) <= 40, line) end
  for _, width in ipairs{60, 100} do
    local text
    keras.Sequential({L.Dense(3, {input_shape = {4}})}):summary{line_length = width, print_fn = function(t) text = t end}
    eq(utf8.len(text:match "\n(┏[^\n]+)"), width)
  end
  fails("summary: unknown argument 'line_lenght'; did you mean 'line_length'?", keras.Sequential().summary, keras.Sequential(),
    {line_lenght = 60})
end)

-- ---- progress(list) ---------------------------------------------------------------------------------------------------------

-- Runs f on a terminal with a clock that the test sets; returns what was shown, without colours.
local function shown(f)
  screen{redraws = true, width = 60}
  local _ <close> = setmetatable({}, {__close = function() screen{} end})
  output()
  timed(f)
  return (output():gsub("\27%[%d*m", ""))
end

test("progress goes through lists, tensors and integers, and shows nothing in a file", function()
  local seen = {}
  output()
  for x, i in progress{"a", "b"} do seen[i] = x end
  for i in progress(2) do seen[2 + i] = i end
  for row in progress(tensor{{1}, {2}}) do seen[#seen + 1] = row:item() end
  for x in progress{} do error(x) end
  eq(seen, {"a", "b", 1, 2, 1, 2})
  eq(output(), "")
  fails("expected a list", progress, "text")
end)

test("a bar with the time left, redrawn every 0.05 s, that stays with its last state", function()
  local text = shown(function()
    for _ in progress(4, {desc = "reading"}) do now = now + 1.0 end
  end)
  local bar = ("━"):rep(5)
  eq(text, ("reading: 0/4 %s 0s 0s/step"):format(("─"):rep(20))
    .. ("reading: 1/4 %s%s 3s 1s/step"):format(bar, ("─"):rep(15)) .. ("reading: 2/4 %s%s 2s 1s/step"):format(bar:rep(2), ("─"):rep(10))
    .. ("reading: 3/4 %s%s 1s 1s/step"):format(bar:rep(3), ("─"):rep(5)) .. ("reading: 4/4 %s 4s 1s/step\n"):format(bar:rep(4)))
  local drawn = shown(function() for _ in progress(1000) do now = now + 0.001 end end)
  local _, times = drawn:gsub("/1000", "")
  ok(times >= 20 and times <= 22, times)
end)

test("loops within loops share the line and how often it is drawn", function()
  local text = shown(function()
    for _ in progress(2, {desc = "all"}) do for _ in progress(3) do now = now + 0.1 end end
  end)
  ok(text:find("all 1/2 › 2/3 ", 1, true), text)
  eq(select(2, text:gsub("\n", "")), 1)
  ok(text:find "all: 2/2 [━]+ 1s 300ms/step\n$", text)
  local _, times = shown(function()
    for _ in progress(100) do for _ in progress(2) do now = now + 0.001 end end
  end):gsub("step", "")
  ok(times <= 6, times)
end)

test("a loop that is left, or fails, ends its bar; one in a coroutine that sleeps is in nobody's way", function()
  local text = shown(function() for x in progress(9) do now = now + 1 if x == 3 then break end end end)
  ok(text:find "2/9 [━─]+ [^\n]*\n$", text)
  text = shown(function() pcall(function() for _ in progress(9) do error "no" end end) end)
  eq(text:sub(-1), "\n")
  text = shown(function()
    local asleep = coroutine.wrap(function() for _ in progress(9) do coroutine.yield() end end)
    asleep()
    for _ in progress(3) do now = now + 1 end
  end)
  ok(not text:find "›", text)
end)

test("the line fits a narrow terminal", function()
  screen{redraws = true, width = 30}
  local _ <close> = setmetatable({}, {__close = function() screen{} end})
  local real, widest = celda.progress, 0
  celda.progress = function(line) widest = math.max(widest, utf8.len((line:gsub("\27%[%d*m", "")))) end
  for _ in progress(2, {desc = ("long "):rep(20)}) do for _ in progress(30000) do end end
  celda.progress = real
  ok(widest > 10 and widest < 30, widest)
end)
