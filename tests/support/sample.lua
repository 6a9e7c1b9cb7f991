#!/usr/bin/env celda
-- All of Lua's grammar in one chunk whose last expression says what it computed. The tests of the parser and of the cells
-- mutate it, and cut it into cells before its local statements: no name is declared twice in the outermost block.
local out = {}
local function note(...) -- a local function, varargs
  for i = 1, select("#", ...) do out[#out + 1] = tostring((select(i, ...))) end
  return ...
end

local long, level = [[
a long
string]], [==[with ]] inside]==] --[[ a long
comment ]] --[==[ another ]==]
note(#long, level, 'esc\97\x41\u{48}\z
     aped \'"\
line', "tab\tnew\nline\\")

local hex <const>, float <const>, exponent = 0xFF, 0x.8p1, 3.25e-2
note(hex, float, exponent, 1e2, .5, 3., 0xA.8, 7 // 2, 7.5 // 2, -7 % 3, 2 ^ 0.5 ^ 2, 1 << 4 | 3 & ~1 ~ 5, 256 >> 2)
note(1 < 2 and 2 <= 2 or 3 > 4, not nil == true, "a" .. "b" .. 1, #"abc" + -#{1, 2}, 1 ~= 2, 1 == 1.0, 3 >= 2)

local counter
do
  local n = 0
  counter = setmetatable({}, {__call = function(self, by) n = n + (by or 1) return n end,
    __index = function(_, k) return k .. "!" end; __close = function() note("closed") end})
end
note(counter(), counter(5), counter.field, counter["other"])

local t = {1, 2, 3; x = 10, ["y z"] = 20, [5] = 50, n = {m = {k = "deep"}}, (function() return 6, 7 end)()}
t.x, t["y z"] = t["y z"], t.x
function t.add(a, b) return a + b end
function t.n.m:get(suffix) return self.k .. (suffix or "") end
note(t.x, t["y z"], t[4], t[5], t.add(1, 2), t.n.m:get"?", t.n.m:get "called")

local i, j = 0
while true do
  i = i + 1
  if i == 2 then goto continue elseif i > 4 then break else note(i) end
  ::continue::
end
repeat local last = i == 7; i = i + 1 until last
for k = 10, 1, -4 do note(k) end
for k, v in pairs({single = 1}) do note(k, v) end
for index, value in ipairs {"p", "q"} do if value == "q" then note(index) end end
note(i, j)

do
  local resource <close> = counter
  note("inside")
end

local closures = {}
for k = 1, 3 do
  local up = k * 10
  closures[k] = function() up = up + 1; return up end
end
note(closures[1](), closures[1](), closures[3]())

local k = 0
do
  ::top::
  local fresh = k
  closures[k] = function() return fresh end
  k = k + 1
  if k < 3 then goto top end
end
note(closures[0](), closures[2]());

local even, odd
function even(n) if n == 0 then return true end return odd(n - 1) end
function odd(n) if n == 0 then return false end return even(n - 1) end
note(even(10), odd(7), even(3))

local co = coroutine.wrap(function(...)
  local got = ...
  while got do got = coroutine.yield(got * 2) end
  return "done"
end)
note(co(1), co(2), co())

local ok, message = pcall(error, {code = 7}, 0)
note(ok, message.code, select(2, pcall(error, "text", 0)));
(function(...) note(select("#", ...)) end)(nil, nil)

local _, unused = note("under", "score")
global_name = unused
local function fib(n) return n < 2 and n or fib(n - 1) + fib(n - 2) end
note(global_name, fib(15), load("return 1 + 1")(), _ENV == _G)
if not co then return end

table.concat(out, " ")
