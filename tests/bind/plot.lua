local ticks = require "plot.ticks"

local function golden(name, text)
  local path = "tests/golden/plot/" .. name
  if os.getenv "CELDA_GOLDEN" then
    local out <close> = assert(io.open(path, "wb"))
    out:write(text)
  end
  local file <close> = assert(io.open(path, "rb"))
  eq(text, file:read "a")
end

test("ticks are nice numbers, and their texts tell them apart", function()
  local function texts(...) return table.concat(select(2, ticks.of(...)), " ") end
  eq(texts(0, 10, 6), "0 2 4 6 8 10")
  eq(texts(-1.1, 1.1, 5), "-1.0 -0.5 0 0.5 1.0")
  eq(texts(0.13, 0.21, 5), "0.14 0.16 0.18 0.20")
  eq(texts(0, 2, 9, true), "0 1 2")
  eq(texts(0, 5e7, 3), "0 2e7 4e7")
  eq(texts(1e-9, 3e-9, 3), "1e-9 2e-9 3e-9")
  eq(texts(7, 7, 5), "7")
end)

test("the same figure as text and as SVG", function()
  local x = {}
  for i = 0, 40 do x[i + 1] = i / 4 end
  local squares, roots = {}, {}
  for i, v in ipairs(x) do squares[i], roots[i] = v * v / 10, v ^ 0.5 end
  local figure = plot.line(x, squares, {label = "square", title = "Growth", xlabel = "x", ylabel = "value", grid = true})
  figure:line(x, roots, {label = "root", linestyle = "--"}):scatter({2, 4}, {8, 9}, {label = "points", color = "r"})
  golden("growth.txt", figure:text())
  golden("growth.svg", figure:draw(320, 240):svg())
end)

test("bars, histograms and matrices as text", function()
  golden("bar.txt", plot.bar({"one", "two", "three"}, {3, -1, 2}):text())
  golden("hist.txt", plot.hist({1, 2, 2, 3, 3, 3, 9}, {bins = 4}):text())
  golden("confusion.txt", plot.confusion_matrix({0, 1, 2, 2}, tensor{{9, 1, 1}, {0, 1, 0}, {0, 0, 1}, {0, 1, 0}},
    {display_labels = {"cat", "dog", "owl"}, title = "Pets"}):text())
end)

test("a tensor, a Variable and a list draw the same", function()
  local list = {3, 1, 2}
  eq(plot.line(tensor(list)):text(), plot.line(list):text())
  eq(plot.line(keras.Variable(tensor{3.0, 1, 2})):text(), plot.line(list):text())
  eq(plot.line({0, 1, 2}, list):text(), plot.line(list):text())
end)

test("hist counts every value once, the last bin's end included", function()
  local bars = plot.hist({0, 1, 2, 3, 4}, {bins = 4}).axes[1].artists[1]
  eq(bars.height, {1, 1, 1, 2})
  eq(plot.hist({0, 1, 2, 3, 4}, {bins = 4, density = true}).axes[1].artists[1].height, {0.2, 0.2, 0.2, 0.4})
  eq(#plot.hist({5, 5}).axes[1].artists[1].height, 10)
  plot.hist({}):text()
end)

test("NaN, infinity, one point and none are drawn", function()
  plot.line({0 / 0, 1, 1 / 0, 2}):text()
  plot.line({1}):text()
  plot.line({}):text()
  plot.scatter({0 / 0}, {1}):draw(640, 480):png()
  plot.heatmap({{1, 1}, {1, 1}}, {annot = true}):text()
end)

test("subplots come as one, a list, or rows", function()
  local figure, axes = plot.subplots()
  ok(rawequal(axes, figure.axes[1]))
  figure, axes = plot.subplots(1, 2)
  ok(rawequal(axes[2], figure.axes[2]))
  figure, axes = plot.subplots(2, 2)
  ok(rawequal(axes[2][1], figure.axes[3]))
  axes[1][1]:line({1, 2}):set_title("a"):set_xlim(0, 5):grid()
  ok(figure:suptitle("all"):text():find "all")
  fails("say which", figure.line, figure, {1})
end)

test("a figure's representations, and shown through the sink", function()
  local bundle = getmetatable(plot.line{1, 2}).__mimebundle(plot.line{1, 2})
  eq(bundle["image/png"]:sub(1, 8), "\137PNG\r\n\26\n")
  eq(bundle["text/plain"], plot.line{1, 2}:text())
  output()
  plot.line({1, 2}):show()
  eq(output(), bundle["text/plain"] .. "\n")
end)

test("narrow terminals get narrow figures", function()
  screen{width = 40}
  local _ <close> = setmetatable({}, {__close = function() screen{} end})
  for line in plot.line({1, 2, 3}, {title = "t", ylabel = "y"}):text():gmatch "[^\n]+" do ok(utf8.len(line) <= 40, line) end
end)

test("saved as PNG and SVG; other names and places are errors", function()
  local figure = plot.line{1, 2}
  ok(rawequal(figure:save(scratch .. "/a.png"), figure))
  figure:savefig(scratch .. "/a.svg")
  local file <close> = io.open(scratch .. "/a.svg")
  eq(file:read(4), "<svg")
  fails(".png or .svg", figure.save, figure, "a.gif")
  fails("cannot write", figure.save, figure, "/nowhere/a.png")
  fails("dpi", figure.save, figure, scratch .. "/a.png", {dpi = 150})
end)

test("image.show: one, a grid with captions, colours", function()
  golden("image.txt", image.show({{0, 255, 0}, {255, 0, 255}, {0, 255, 0}}, {captions = "x"}):text())
  eq(#image.show(tensor.zeros{5, 4, 4, 1}, {columns = 2}).axes, 6)
  eq(#image.show{tensor.zeros{4, 4}, tensor.ones{4, 4}}.axes, 2)
  image.show(tensor.zeros({4, 4, 3}, "uint8")):text()
  fails("no image has shape (4,)", image.show, tensor.zeros{4})
end)

test("history:plot() has a plot for each metric", function()
  local history = keras.callbacks.History()
  fails("no epoch", history.plot, history)
  history:on_train_begin()
  for epoch = 0, 2 do history:on_epoch_end(epoch, {loss = 1 / (epoch + 1), val_loss = 0.5, accuracy = epoch / 4}) end
  local figure = history:plot()
  eq(#figure.axes, 2)
  eq(#figure.axes[2].artists, 2)
  ok(figure:text():find "validation")
end)

test("wrong arguments are named", function()
  fails("unknown", plot.line, {1}, {colour = "r"})
  fails("did you mean 'black'", plot.line, {1}, {color = "blakc"})
  fails("unknown cmap", plot.imshow, {{1}}, {cmap = "virids"})
  fails("(2,) and (1,)", plot.line, {1, 2}, {1})
  fails("y[2] is a string", plot.line, {1, "a"})
  fails("not a label", plot.confusion_matrix, {0.5}, {0})
  fails("not shape", plot.heatmap, tensor.zeros{2, 2, 3})
  fails("linestyle", plot.line, {1}, {linestyle = "~"})
  ok(require "help".text_of("plot.line"):find "linewidth")
end)
