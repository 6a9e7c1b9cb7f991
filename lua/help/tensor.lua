--- Help texts of tensors and of the functions that read files, under the names by which users call them.
local help = require "help"

-- Functions alone, and methods: how they are called, and what they give.
local TEXTS = {
  ["tensor"] = "tensor(data[, dtype]), tensor{{1, 2}, {3, 4}}\n"
    .. "A tensor of numbers, booleans or nested tables. Integers make int64, "
    .. "other numbers float32, unless dtype says else: bool, uint8, int32, int64, float32 or float64. Indices count from 1: "
    .. "x[2], x[\"1:3, :\"], x[\"..., -1\"], x[mask].",
  ["tensor.zeros"] = "tensor.zeros{2, 3}, tensor.zeros(shape, dtype)\nZeros; float32 if no dtype is given.",
  ["tensor.ones"] = "tensor.ones{2, 3}, tensor.ones(shape, dtype)\nOnes; float32 if no dtype is given.",
  ["tensor.full"] = "tensor.full(shape, value[, dtype])\nThe value everywhere.",
  ["tensor.arange"] = "tensor.arange(stop), tensor.arange(start, stop[, step, dtype])\n"
    .. "Numbers from start (0) up to, not including, stop.",
  ["tensor.linspace"] = "tensor.linspace(start, stop, {num = 50, endpoint = true})\n"
    .. "num numbers at equal distances, both ends included.",
  ["tensor.eye"] = "tensor.eye(n[, m, dtype])\nOnes on the diagonal of an n x m matrix.",
  ["tensor.frombuffer"] = "tensor.frombuffer(string, {dtype = \"float32\", count = -1, offset = 0})\n"
    .. "The string's bytes as a read-only vector; they are shared where they can be.",
  ["tensor.concatenate"] = "tensor.concatenate({a, b, ...}[, axis = 0])\nThe tensors one after the other along an axis.",
  ["tensor.stack"] = "tensor.stack({a, b, ...}[, axis = 0])\nTensors of one shape side by side along a new axis.",
  ["tensor.where"] = "tensor.where(condition, a, b)\na where the condition holds, else b; all three broadcast.",
  ["tensor.random.uniform"] = "tensor.random.uniform(shape, {minval = 0, maxval = 1, dtype = \"float32\", seed = nil})\n"
    .. "Keras's numbers for the seed; without one, those that follow keras.utils.set_random_seed.",
  ["tensor.random.normal"] = "tensor.random.normal(shape, {mean = 0, stddev = 1, dtype = \"float32\", seed = nil})\n"
    .. "Keras's numbers for the seed; without one, those that follow keras.utils.set_random_seed.",
  ["tensor.random.truncated_normal"] = "tensor.random.truncated_normal(shape, {mean = 0, stddev = 1, dtype = \"float32\", "
    .. "seed = nil})\nAs normal, but within two standard deviations.",
  ["tensor.random.set_seed"] = "tensor.random.set_seed(seed)\nThe same as keras.utils.set_random_seed.",
  ["keras.utils.set_random_seed"] = "keras.utils.set_random_seed(seed)\nRandomness starts anew, as Keras's does: initial "
    .. "weights, dropout masks and sample order are the same after the same seed.",
  ["tensor.zeros_like"] = "tensor.zeros_like(x[, dtype])\nZeros in the shape of x.",
  ["tensor.ones_like"] = "tensor.ones_like(x[, dtype])\nOnes in the shape of x.",
  ["tensor.full_like"] = "tensor.full_like(x, value[, dtype])\nThe value in the shape of x.",
  ["tensor.random.integers"] = "tensor.random.integers(low, high[, shape], {dtype = \"int32\", seed = nil})\n"
    .. "Integers from low up to, not including, high.",
  ["tensor.random.permutation"] = "tensor.random.permutation(n[, seed])\nThe numbers 0 to n - 1 in a random order.",
  ["gzip.open"] = "gzip.open(path)\n"
    .. "A file to read, compressed or not: f:read(n) gives up to n bytes, f:read() all that are left, f:close() ends it.",
  ["idx.load"] = "idx.load(path)\nThe tensor in an IDX file (MNIST's format), plain or .gz.",
  ["safetensors.load"] = "safetensors.load(path)\nA table of tensors by name, and the file's metadata.",
  ["safetensors.save"] = "safetensors.save(path, {name = tensor, ...}[, {metadata}])\nWrites tensors to a file.",
  ["json.decode"] = "json.decode(text)\nThe value; objects and arrays are tables, null is json.null.",
  ["json.encode"] = "json.encode(value)\nThe value as JSON; a table with the keys 1 to n is an array.",
  ["keras.Variable"] = "keras.Variable(value, {shape, dtype, trainable = true, name = nil})\n"
    .. "A tensor that training changes: v:numpy(), v:assign(x), v:assign_add(x), v:assign_sub(x), and all that tensors "
    .. "have.",
  ["keras.GradientTape"] = [[
local tape <close> = keras.GradientTape{persistent = false}
Records what is computed of variables, and of tensors after tape:watch(x), until it is closed.
tape:gradient(target, sources[, output_gradients]): one gradient for a source, or a list for a list.]],
  ["tensor.load"] = "tensor.load(path)\nThe tensor in an .npy file, or of an .npz file its tensors by name.",
  ["tensor.save"] = "tensor.save(path, x)\nWrites x as NumPy's .npy, which is added to the path if need be.",
  ["tensor.savez"] = "tensor.savez(path, {name = x, ...})\nWrites tensors as NumPy's .npz, which is added to the path if need be.",
  ["celda.save"] = "celda.save(path, value)\n"
    .. "Writes a value and all that it refers to (tables, tensors, models, functions) to a file that celda.load and Python's\n"
    .. "safetensors read; returns a list of what could not be saved. %save writes the whole session.",
  ["celda.magic"] = 'celda.magic(name, {usage = "%name", help = "", cell = false}, function(args, body) ... end)\n'
    .. "Adds %name, with cell = true %%name, too: args is the rest of its line, body the rest of the cell or nil. What the "
    .. "function returns is shown.",
  ["celda.bind"] = "celda.bind(keys, text)\n"
    .. [[The keys type the text from now on; a line end in it runs it. Keys are written as readline writes them: "\\C-t", ]]
    .. [["\\M-x", "\\e[15~". Returns false where there are no keys to press.]],
  ["celda.load"] = "celda.load(path)\nThe value that celda.save wrote.",
}

local METHODS = {
  sum = "x:sum([axis, keepdims])\n"
    .. "The sum over an axis (0-based), a list of axes, or all. So are prod, mean, max, min, any and all called.",
  argmax = "x:argmax([axis, keepdims])\n"
    .. "The 0-based place of the largest element, along an axis or of all; argmin of the smallest.",
  std = "x:std([axis, ddof = 0, keepdims])\nThe standard deviation; var is its square.",
  matmul = "x:matmul(y)\nThe matrix product; leading dimensions are stacks, which broadcast.",
  softmax = "x:softmax([axis = -1])\nexp(x) over its sum along an axis; log_softmax is its logarithm.",
  one_hot = "x:one_hot(num_classes[, dtype])\nA row with a single 1 for each integer.",
  clip = "x:clip(low, high)\nElements below low become low, above high high; either may be nil.",
  reshape = "x:reshape{2, -1}, x:reshape(2, -1)\nThe same elements in another shape; one -1 is worked out.",
  transpose = "x:transpose(), x:transpose{1, 0}\n"
    .. "The axes reversed, or in the order given (0-based); x.T is short for the first.",
  squeeze = "x:squeeze([axis])\nWithout its axes of size 1, or without this one.",
  expand_dims = "x:expand_dims(axis)\nWith a new axis of size 1 at this place (0-based).",
  flatten = "x:flatten()\nAll elements as a vector.",
  broadcast_to = "x:broadcast_to(shape)\nA view in which axes of size 1 are repeated.",
  take = "x:take(indices[, axis = 0])\nElements by 0-based integers, as labels and argmax are; x[rows] counts from 1.",
  astype = "x:astype(dtype)\nThe elements converted: \"uint8\", \"int32\", \"int64\", \"float32\", \"float64\" or \"bool\".",
  item = "x:item()\nThe one element as a Lua number or boolean.",
  tolist = "x:tolist()\nThe elements as nested tables.",
  tobytes = "x:tobytes()\nThe elements' bytes as a string, in row-major order.",
  copy = "x:copy()\nA copy that shares nothing with x.",
  to = "x:to(device)\nThe tensor on another device.",
  allclose = "x:allclose(y, {rtol = 1e-5, atol = 1e-8, equal_nan = false})\nWhether all elements are as good as equal.",
}
for name, same in pairs {prod = "sum", mean = "sum", max = "sum", min = "sum", any = "sum", all = "sum", argmin = "argmax",
  var = "std", log_softmax = "softmax", ravel = "flatten", numpy = "copy"} do
  METHODS[name] = METHODS[same]
end

local function value_of(name)
  local value = _G
  for part in name:gmatch "[^.]+" do value = value[part] end
  return value
end

for name, text in pairs(TEXTS) do help.register(name, text, value_of(name)) end

-- Every method of tensors, which is a function in `tensor`, too; of those without a text the operation says what it computes.
for name, method in pairs(getmetatable(tensor(0)).__members) do
  local full, doc = "tensor." .. name, celda.operation(name)
  local text = METHODS[name] or TEXTS[full] or doc and ("tensor.%s(...), x:%s(...)\n%s"):format(name, name, doc)
  if text then
    help.register(full, text, method)
    help.name(tensor[name], full)
  end
end
