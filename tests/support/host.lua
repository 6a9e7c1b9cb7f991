-- What test scripts use; see host.h. Returns the list of tests that the script fills.
local tests = {}
if os.getenv "CELDA_TEST_DEVICE" then device(os.getenv "CELDA_TEST_DEVICE") end

function test(name, f) tests[#tests + 1] = {name = name, run = f} end

local function text(value)
  if type(value) ~= "table" then return type(value) == "string" and ("%q"):format(value) or tostring(value) end
  local parts = {}
  for i, v in ipairs(value) do parts[i] = text(v) end
  for k, v in pairs(value) do
    if math.type(k) ~= "integer" then parts[#parts + 1] = tostring(k) .. " = " .. text(v) end
  end
  return "{" .. table.concat(parts, ", ") .. "}"
end

local function is_tensor(v) return type(v) == "userdata" and (getmetatable(v) or {}).__name == "tensor" end

local function same(a, b)
  if is_tensor(a) and is_tensor(b) then
    return a.dtype == b.dtype and a.shape == b.shape and same(a:tolist(), b:tolist())
  end
  if type(a) ~= "table" or type(b) ~= "table" then return rawequal(a, b) or a ~= a and b ~= b end
  for k, v in pairs(a) do if not same(v, b[k]) then return false end end
  for k in pairs(b) do if a[k] == nil then return false end end
  return true
end

function eq(got, expected)
  if is_tensor(got) and type(expected) == "table" then got = got:tolist() end
  if not same(got, expected) then error(("got %s, expected %s"):format(text(got), text(expected)), 2) end
end

function ok(condition, what) if not condition then error(what or "not true", 2) end end

-- |got - expected| <= tolerance * (1 + the largest |expected|), everywhere.
function near(got, expected, tolerance, what)
  got, expected, what = tensor(got), tensor(expected), what or "value"
  if got.shape ~= expected.shape and not (got.size == 1 and expected.size == 1) then
    error(("%s has shape %s, expected %s"):format(what, tostring(got.shape), tostring(expected.shape)), 2)
  end
  if got.size == 0 then return end
  got, expected = got:astype "float64", expected:astype "float64"
  local largest, worst = expected:abs():max():item(), (got:flatten() - expected:flatten()):abs():max():item()
  if not (worst <= tolerance * (1 + largest)) then error(("%s is off by %g (largest %g)"):format(what, worst, largest), 2) end
end

function fails(part, f, ...)
  local fine, problem = pcall(f, ...)
  if fine then error("no error, expected: " .. part, 2) end
  if not tostring(problem):find(part, 1, true) then error(("the error is: %s\nexpected: %s"):format(tostring(problem), part), 2) end
end

return tests
