local x = tensor.arange(24):reshape(2, 3, 4)

test("numbers count from 1, negative ones from the end", function()
  eq(tensor{5, 6, 7}[1], tensor(5))
  eq(tensor{5, 6, 7}[-1], tensor(7))
  eq(x[2][3][4]:item(), 23)
  fails("IndexError: index 4 is out of range for axis 0 of size 3", function() return tensor{5, 6, 7}[4] end)
  fails("index -4 is out of range", function() return tensor{5, 6, 7}[-4] end)
  fails("indices count from 1", function() return tensor{5, 6, 7}[0] end)
  fails("too many indices: 1 for a tensor of 0 dimensions", function() return tensor(1)[1] end)
  fails("an index must be an integer", function() return x[1.5] end)
  fails("several indices are one string", function() return x[{1, 2}] end)
end)

test("ranges include both ends", function()
  local v = tensor{1, 2, 3, 4, 5}
  eq(v["2:4"], tensor{2, 3, 4})
  eq(v[":2"], tensor{1, 2})
  eq(v["4:"], tensor{4, 5})
  eq(v["::2"], tensor{1, 3, 5})
  eq(v["2::2"], tensor{2, 4})
  eq(v["::-1"], tensor{5, 4, 3, 2, 1})
  eq(v["4:2:-1"], tensor{4, 3, 2})
  eq(v["-2:"], tensor{4, 5})
  eq(v[" 1 : -2 "], tensor{1, 2, 3, 4})
  eq(v["3:2"].shape, {0})
  eq(v["1:0"].shape, {0})
  eq(v["6:5"].shape, {0})
  eq(tensor.zeros{0}[":"].shape, {0})
  eq(tensor.zeros{0}["::-1"].shape, {0})
end)

test("a range outside is an error", function()
  local v = tensor{1, 2, 3, 4, 5}
  fails("index 59904 is out of range for axis 0 of size 5", function() return v["1:59904"] end)
  fails("index 7 is out of range", function() return v["7:"] end)
  fails("index -6 is out of range", function() return v["-6:"] end)
  fails("indices count from 1", function() return v["0:3"] end)
  fails("a step of 0", function() return v["::0"] end)
end)

test("several axes, ... and newaxis", function()
  eq(x["2, :, ::2"], {{12, 14}, {16, 18}, {20, 22}})
  eq(x["..., 1"], {{0, 4, 8}, {12, 16, 20}})
  eq(x["1, ..., 4"], {3, 7, 11})
  eq(x["-1, 2"], {16, 17, 18, 19})
  eq(x["newaxis, 1"].shape, {1, 3, 4})
  eq(x["..., newaxis"].shape, {2, 3, 4, 1})
  eq(x["1, newaxis, 2:3"].shape, {1, 2, 4})
  eq(x["..."].shape, {2, 3, 4})
  fails("too many indices: 4 for a tensor of 3 dimensions", function() return x["1, 1, 1, 1"] end)
  fails("more than one ...", function() return x["..., ..."] end)
  fails("cannot read the index \"1, b\"", function() return x["1, b"] end)
  fails("cannot read the index \"1,\"", function() return x["1,"] end)
  fails("cannot read the index \"1 2\"", function() return x["1 2"] end)
end)

test("what is selected is a view; assignment goes through it", function()
  local t = tensor.zeros{2, 3}
  local row = t[2]
  row[1] = 5
  t["1, 2:"] = {1, 2}
  t["..., 3"] = 9
  eq(t, {{0.0, 1.0, 9.0}, {5.0, 0.0, 9.0}})
  t["2:1"] = 7
  eq(t[1], {0.0, 1.0, 9.0})
  t[1] = tensor{1, 1, 1}
  eq(t[1], {1.0, 1.0, 1.0})
  t["..."] = 4
  eq(t:sum():item(), 24.0)
  local v = tensor{1, 2, 3, 4}
  v["2:"] = v[":-2"] -- read before it is written
  eq(v, tensor{1, 1, 2, 3})
  fails("broadcast a value of shape (2,) into shape (3,)", function() t[1] = {1, 2} end)
  fails("out of range", function() t[3] = 1 end)
end)

test("masks", function()
  local m = tensor{{1, 2}, {3, 4}}
  eq(m[m:gt(1)], tensor{2, 3, 4})
  eq(m[tensor{false, true}], tensor{{3, 4}})
  eq(m[m:gt(9)].shape, {0})
  m[m:gt(2)] = -1
  eq(m, tensor{{1, 2}, {-1, -1}})
  m[tensor{true, false}] = 8
  eq(m, tensor{{8, 8}, {-1, -1}})
  fails("does not fit a tensor of shape (2, 2)", function() return m[tensor{true, false, true}] end)
  fails("must hold integers or bool, not float32", function() return m[tensor{1.5}] end)
end)

test("rows by 1-based integers", function()
  local t = tensor{10, 20, 30}
  eq(t[tensor{3, 1}], tensor{30, 10})
  eq(t[tensor({{1, 1}}, "int32")], tensor{{10, 10}})
end)

test("rows by a tensor of integers, from both ends", function()
  local v = tensor{{1, 2}, {3, 4}, {5, 6}}
  eq(v[tensor{3, 1}], {{5, 6}, {1, 2}})
  eq(v[tensor{-1, -3}], {{5, 6}, {1, 2}})
  for _, i in ipairs{0, 4, -4} do
    fails("IndexError: an index is out of range for axis 0 of size 3", function() return v[tensor{i}] end)
  end
  fails("a 0-d tensor has no rows", function() return tensor(1)[tensor{1}] end)
  fails("only a mask of bool can say what is assigned to", function() v[tensor{1}] = 0 end)
end)
