test("records: names sorted or as asked for, numbers at the right, blanks where nothing is", function()
  local records = {{name = "a", n = 1}, {name = "long", n = 22.5, more = true}}
  eq(tostring(tabulate(records)), "   more     n  name\n1           1  a\n2  true  22.5  long")
  eq(tostring(tabulate(records, {columns = {"name", "n"}})), "   name     n\n1  a        1\n2  long  22.5")
end)

test("a matrix", function()
  eq(tostring(tabulate(tensor{{1, 20}, {300, 4}})), "     1   2\n1    1  20\n2  300   4")
  eq(tostring(tabulate(tensor{{0.5, 1}, {0.25, 2}}, {columns = {"x", "y"}})), "      x  y\n1  0.50  1\n2  0.25  2")
end)

test("floats: decimals that tell them apart, or powers of ten", function()
  eq(tostring(tabulate{{v = 0.1}, {v = 2.25}}), "      v\n1  0.10\n2  2.25")
  eq(tostring(tabulate{{v = 1e-9}, {v = 2.5}}), "       v\n1  1e-09\n2    2.5")
  ok(tostring(tabulate{{v = 0 / 0}, {v = 1 / 0}}):find "inf")
end)

test("too wide: columns in the middle are left out", function()
  screen{width = 40}
  local _ <close> = setmetatable({}, {__close = function() screen{} end})
  local text = tostring(tabulate(tensor.arange(60):reshape(3, 20)))
  for line in text:gmatch "[^\n]+" do ok(utf8.len(line) <= 40, line) end
  ok(text:find("[3 rows x 20 columns]", 1, true), text)
  ok(text:find "…" and text:find "19" and text:find "59", text)
end)

test("too long: the ends are shown", function()
  local text = tostring(tabulate(tensor.zeros{100, 2}))
  eq(select(2, text:gsub("\n", "")), 12)
  ok(text:find "100 rows x 2 columns")
end)

test("long and wide texts keep their columns", function()
  local text = tostring(tabulate{{a = ("é"):rep(80), b = 1}, {a = "x\ny", b = 2}})
  local lines = {}
  for line in text:gmatch "[^\n]+" do lines[#lines + 1] = utf8.len(line) end
  eq(lines, {56, 56, 56})
end)

test("what is no table is an error", function()
  fails("not a number", tabulate, 5)
  fails("record 1 is a number", tabulate, {1, 2})
  fails("not shape (3,)", tabulate, tensor.zeros(3))
end)
