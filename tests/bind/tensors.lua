-- Tensors: creation, indexing, arithmetic, printing, errors.
local function same(a, b, what) if tostring(a) ~= tostring(b) then error(("%s: %s, not %s"):format(what or "", a, b), 2) end end
local function fails(f, text)
  local ok, message = pcall(f)
  if ok then error("did not fail: " .. text, 2) end
  if not tostring(message):find(text, 1, true) then error(("'%s' is not in: %s"):format(text, message), 2) end
end

-- NumPy's own printing
for _, case in ipairs(json.decode(io.open("tests/golden/text/numpy_print.json"):read "a")) do
  local t
  if case.data == json.null then
    t = tensor.arange(case.shape[1] * (case.shape[2] or 1)):reshape(case.shape)
  elseif #case.data == 0 then
    t = tensor.zeros(case.shape, {dtype = case.dtype})
  else
    t = tensor(case.data, {dtype = case.dtype}):reshape(case.shape)
  end
  same(t, case.str, case.make)
end

-- creation and dtypes
same(tensor{1, 2}.dtype, "int64")
same(tensor{1, 2.5}.dtype, "float32")
same(tensor{true, false}.dtype, "bool")
same(tensor(3.5).shape, "()")
same(tensor.zeros{2, 0}.shape, "(2, 0)")
same(tensor.full({2}, 7), "[7 7]")
same(tensor.arange(2, 10, 3), "[2 5 8]")
same(tensor.linspace(0, 1, 3), "[0.  0.5 1. ]")
same(tensor.eye(2), "[[1. 0.]\n [0. 1.]]")
fails(function() tensor({300}, {dtype = "uint8"}) end, "out of range for uint8")
fails(function() tensor{{1, 2}, {3}} end, "ragged")
fails(function() tensor{"a"} end, "not a string")
fails(function() tensor.zeros({2}, {dtyp = "bool"}) end, "did you mean 'dtype'?")
fails(function() tensor.zeros({2}, {dtype = "float"}) end, "unknown dtype")
fails(function() tensor.zeros{-1} end, "negative dimension")

-- indexing: 1-based, inclusive
local x = tensor.arange(24):reshape(2, 3, 4)
same(x[1].shape, "(3, 4)")
same(x[-1][-1], "[20 21 22 23]")
same(x["2, :, ::2"], "[[12 14]\n [16 18]\n [20 22]]")
same(x["..., 1"], "[[ 0  4  8]\n [12 16 20]]")
same(x["1, 2:3, 2"], "[5 9]")
same(x["newaxis, 1"].shape, "(1, 3, 4)")
same(tensor.arange(5)["::-1"], "[4 3 2 1 0]")
same(tensor.arange(5)["4:2:-1"], "[3 2 1]")
same(tensor.arange(5)["-2:"], "[3 4]")
same(tensor.arange(5)["4:2"].shape, "(0,)")
fails(function() return x[3] end, "index 3 is out of range for axis 0 of size 2")
fails(function() return x[0] end, "indices count from 1")
fails(function() return x["1, 1, 1, 1"] end, "too many indices")
fails(function() return x["1, a:2"] end, "a:2")
fails(function() return x["::0"] end, "step of 0")
local y = tensor.arange(6)
y["2:3"] = 9
y[-1] = tensor(0)
same(y, "[0 9 9 3 4 0]")
y["2:"] = y[":-2"]
same(y, "[0 0 9 9 3 4]")
local m = tensor.zeros({2, 3}, {dtype = "int64"})
m["..., 2"] = {5, 6}
same(m, "[[0 5 0]\n [0 6 0]]")
fails(function() m[1] = {1, 2} end, "could not broadcast")
fails(function() m[3] = 1 end, "out of range")

-- arithmetic and promotion
same((tensor{1, 2} + 1).dtype, "int64")
same((tensor{1, 2} + 1.5).dtype, "float32")
same((tensor{1, 2} / 2), "[0.5 1. ]")
same((tensor({1, 2}, {dtype = "float64"}) * 2.5).dtype, "float64")
same((tensor({250}, {dtype = "uint8"}) + 10), "[4]")
same(tensor{7, -7} // 2, "[ 3 -4]")
same(tensor{7, -7} % 3, "[1 2]")
same(2 ^ tensor{1, 2, 3}, "[2 4 8]")
same(-tensor{1} , "[-1]")
same(tensor{1, 2, 3}:gt(2), "[False False  True]")
same(tensor{true, false} & tensor{true, true}, "[ True False]")
same(~tensor{true, false}, "[False  True]")
same(tensor{{1}, {2}} + tensor{10, 20}, "[[11 21]\n [12 22]]")
fails(function() return tensor{1, 2} + tensor{1, 2, 3} end, "could not be broadcast together with shapes (2,) (3,)")
fails(function() return tensor{1, 2} < tensor{2, 3} end, ":lt(")
same(tensor{1} == tensor{1}, "false")
fails(function() return x.shap end, "did you mean 'shape'?")

-- shapes, reductions, the rest
same(x:reshape(-1, 8).shape, "(3, 8)")
same(x:transpose{2, 0, 1}.shape, "(4, 2, 3)")
same(x.T.shape, "(4, 3, 2)")
same(x:expand_dims(-1):squeeze().shape, "(2, 3, 4)")
fails(function() return x:reshape(5, 5) end, "cannot reshape a tensor of 24 elements into shape (5, 5)")
same(x:sum(), "276")
same(x:sum{axis = {0, 2}}, "[ 60  92 124]")
same(x:mean{axis = 0, keepdims = true}.shape, "(1, 3, 4)")
same(x:argmax{axis = 2}.shape, "(2, 3)")
same(tensor{3, 1, 2}:argmin(), "1")
same(tensor{1, 2, 3, 4}:std(), "1.118034")
fails(function() return x:sum{axis = 3} end, "axis 3 is out of bounds")
fails(function() return x:sum{axes = 1} end, "did you mean 'axis'?")
same(tensor.where(tensor{true, false}, 1, tensor{2.5, 3.5}), "[1.  3.5]")
same(tensor.concatenate({tensor{1}, tensor{2.5}}), "[1.  2.5]")
same(tensor.stack({tensor{1, 2}, tensor{3, 4}}, {axis = 1}), "[[1 3]\n [2 4]]")
same(tensor{{1, 2}, {3, 4}}:matmul(tensor{{1}, {1}}), "[[3]\n [7]]")
same(tensor{1.0, 2.0}:allclose(tensor{1.0, 2.0 + 1e-9}), "true")
same(tensor{2}:item(), "2")
same(#tensor{1, 2}:tolist(), "2")
same(tensor{1.9}:astype "int32", "[1]")

-- bytes
local bytes = string.pack("<i4i4", 7, -2)
local shared = tensor.frombuffer(bytes, {dtype = "int32"})
same(shared, "[ 7 -2]")
fails(function() shared[1] = 0 end, "read-only")
fails(function() tensor.frombuffer("abc", {dtype = "int32"}) end, "no whole number")
same(tensor.frombuffer("abcd", {offset = 2}), "[ 99 100]")
bytes = nil
collectgarbage()
same(shared:sum(), "5")

-- Keras's random numbers
keras.utils.set_random_seed(200)
local first = tensor.random.uniform({3})
keras.utils.set_random_seed(200)
same(first:allclose(tensor.random.uniform({3})), "true")
same(tensor.random.permutation(10).size, "10")
local dice = tensor.random.integers(1, 7, {1000})
same(dice:min():item() >= 1 and dice:max():item() <= 6, "true")
fails(function() tensor.random.integers(3, 3, {2}) end, "is not below high")

-- JSON
same(json.encode{1, 2.5, "a", {b = json.null}}, '[1, 2.5, "a", {"b": null}]')
fails(function() json.decode "[1," end, "JSON 1:")
fails(function() json.encode(print) end, "has no JSON")
