--- Help texts of Lua's own library: how a function is called, and what it gives.
local core = require "celda.core"
local help = require "help"

local TEXTS = {
  [_G] = {
    assert = "assert(value[, message])\nThe values, or an error with the message where the first is nil or false.",
    collectgarbage = "collectgarbage([option])\n\"collect\" (the default) frees what is not used; \"count\" gives "
      .. "the KB that Lua uses.",
    dofile = "dofile(path)\nRuns a Lua file.",
    error = "error(message[, level = 1])\nRaises an error. Its place is that of the call; level 2: of the caller; "
      .. "0: none is added.",
    getmetatable = "getmetatable(value)\nThe table that says how operators work on the value, or nil.",
    ipairs = "ipairs(list)\nfor i, value in ipairs(list): the elements 1, 2, ... up to the first nil.",
    load = "load(code[, name, mode, env])\nThe code compiled to a function, or nil and what is wrong with it.",
    loadfile = "loadfile(path[, mode, env])\nThe same of a file.",
    next = "next(table[, key])\nA key and its value, the ones behind this key; nil at the end.",
    pairs = "pairs(table)\nfor key, value in pairs(table): all keys, in no order.",
    pcall = "pcall(f, ...)\ntrue and what f(...) gives, or false and its error.",
    print = "print(...)\nWrites the values as text, with tabs between them and a line end.",
    rawequal = "rawequal(a, b)\nWhether two values are the same, without asking their metatables.",
    rawget = "rawget(table, key)\ntable[key], without asking its metatable.",
    rawlen = "rawlen(value)\nThe length of a table or string, without asking its metatable.",
    rawset = "rawset(table, key, value)\ntable[key] = value, without asking its metatable.",
    require = "require(name)\nThe module, loaded once: celda's own, or a file that package.path finds.",
    select = "select(n, ...)\nThe arguments from the n-th on; select(\"#\", ...) counts them.",
    setmetatable = "setmetatable(table, metatable)\nSets the table that says how operators work, and returns the "
      .. "first.",
    tonumber = "tonumber(value[, base = 10])\nThe number that a text stands for, or nil.",
    tostring = "tostring(value)\nThe value as text.",
    type = "type(value)\n\"nil\", \"number\", \"string\", \"boolean\", \"table\", \"function\", \"thread\" or "
      .. "\"userdata\".",
    warn = "warn(message, ...)\nWrites a warning.",
    xpcall = "xpcall(f, handler, ...)\nAs pcall; the handler gets the error while the stack still stands.",
  },
  string = {
    byte = "string.byte(s[, first = 1, last])\nThe codes of its bytes.",
    char = "string.char(...)\nThe string of these bytes.",
    dump = "string.dump(f[, strip])\nThe function's code as a string that load takes.",
    find = "string.find(s, pattern[, init = 1, plain = false])\nWhere the pattern is found first: its first and "
      .. "last byte, and its captures; nil.",
    format = "string.format(format, ...)\nAs C's printf: %d %5.2f %s %q %x %%.",
    gmatch = "string.gmatch(s, pattern[, init = 1])\nfor word in s:gmatch \"%a+\": all matches, one after another.",
    gsub = "string.gsub(s, pattern, replacement[, n])\nWith every match replaced: by a text (%1 is the first "
      .. "capture), by what a table has, or by what a function gives; and how many there were.",
    len = "string.len(s)\nIts bytes; #s is the same.",
    lower = "string.lower(s)\nIn small letters.",
    match = "string.match(s, pattern[, init = 1])\nThe captures of the first match, or all of it; nil.",
    pack = "string.pack(format, ...)\nValues as bytes: \"<i4\" is a little-endian integer of four.",
    packsize = "string.packsize(format)\nHow many bytes pack makes.",
    rep = "string.rep(s, n[, sep])\nThe string n times.",
    reverse = "string.reverse(s)\nIts bytes from the last to the first.",
    sub = "string.sub(s, first[, last = -1])\nIts bytes from first to last; -1 is the last one.",
    unpack = "string.unpack(format, s[, position = 1])\nThe values that pack wrote, and where the next begin.",
    upper = "string.upper(s)\nIn capital letters.",
  },
  table = {
    concat = "table.concat(list[, sep, first = 1, last])\nThe strings of a list in one, with sep between them.",
    insert = "table.insert(list[, position], value)\nPuts the value at the end, or before the one at this position.",
    move = "table.move(from, first, last, position[, to])\nCopies elements to another place, or to another table.",
    pack = "table.pack(...)\n{n = how many, ...}",
    remove = "table.remove(list[, position])\nTakes the last element, or the one at this position, and returns it.",
    sort = "table.sort(list[, less])\nSorts in place; less(a, b) says whether a stands first.",
    unpack = "table.unpack(list[, first = 1, last])\nThe elements as several values.",
  },
  math = {
    abs = "math.abs(x)\nWithout its sign.",
    acos = "math.acos(x)\nThe angle with this cosine.",
    asin = "math.asin(x)\nThe angle with this sine.",
    atan = "math.atan(y[, x = 1])\nThe angle of the point (x, y).",
    ceil = "math.ceil(x)\nThe least integer not below x.",
    cos = "math.cos(x)\nThe cosine of an angle.",
    deg = "math.deg(x)\nAn angle in degrees.",
    exp = "math.exp(x)\ne to the power of x.",
    floor = "math.floor(x)\nThe greatest integer not above x.",
    fmod = "math.fmod(x, y)\nThe rest of x / y, rounded towards zero.",
    log = "math.log(x[, base])\nThe logarithm, natural if no base is given.",
    max = "math.max(x, ...)\nThe largest.",
    min = "math.min(x, ...)\nThe smallest.",
    modf = "math.modf(x)\nThe integral and the fractional part.",
    rad = "math.rad(x)\nAn angle from degrees.",
    random = "math.random([low, high])\nA number in [0, 1), or an integer from low (1) to high. tensor.random "
      .. "draws Keras's numbers.",
    randomseed = "math.randomseed([seed])\nmath.random starts anew.",
    sin = "math.sin(x)\nThe sine of an angle.",
    sqrt = "math.sqrt(x)\nThe square root.",
    tan = "math.tan(x)\nThe tangent of an angle.",
    tointeger = "math.tointeger(x)\nThe same as an integer, or nil.",
    type = "math.type(x)\n\"integer\", \"float\", or nil for what is no number.",
    ult = "math.ult(a, b)\na < b, of unsigned integers.",
  },
  io = {
    close = "io.close([file])\nEnds a file; f:close() is the same.",
    flush = "io.flush()\nWrites what waits to be written.",
    input = "io.input([file])\nThe file that io.read reads.",
    lines = "io.lines([path, format = \"l\"])\nfor line in io.lines(path): a file's lines.",
    open = "io.open(path[, mode = \"r\"])\nA file to read (\"r\"), write (\"w\") or append to (\"a\"); nil and "
      .. "why not. f:read \"a\" reads all of it, f:lines() its lines.",
    output = "io.output([file])\nThe file that io.write writes.",
    popen = "io.popen(command[, mode = \"r\"])\nA program as a file to read or to write. !command shows what it "
      .. "prints.",
    read = "io.read([format = \"l\"])\nA line (\"l\"), a number (\"n\"), all (\"a\") or so many bytes.",
    tmpfile = "io.tmpfile()\nA file that goes when it is closed.",
    type = "io.type(value)\n\"file\", \"closed file\" or nil.",
    write = "io.write(...)\nWrites strings and numbers, with nothing between them.",
  },
  os = {
    clock = "os.clock()\nSeconds of the processor's time that were used.",
    date = "os.date([format, time])\nA time as text: os.date \"%Y-%m-%d\"; \"*t\" gives a table.",
    difftime = "os.difftime(a, b)\na - b in seconds.",
    execute = "os.execute([command])\nRuns a command; !command does so with its output in the cell.",
    exit = "os.exit([code = true])\nEnds celda.",
    getenv = "os.getenv(name)\nAn environment variable, or nil.",
    remove = "os.remove(path)\nDeletes a file; nil and why not.",
    rename = "os.rename(old, new)\nGives a file another name; nil and why not.",
    setlocale = "os.setlocale([locale, category])\nSets the language of the C library.",
    time = "os.time([table])\nSeconds since 1970, now or at the time that the table says.",
    tmpname = "os.tmpname()\nA name for a file that is not there.",
  },
  utf8 = {
    char = "utf8.char(...)\nThe string of these code points.",
    codepoint = "utf8.codepoint(s[, first = 1, last])\nThe code points between two bytes.",
    codes = "utf8.codes(s)\nfor at, code in utf8.codes(s): its code points, and where they begin.",
    len = "utf8.len(s[, first = 1, last = -1])\nHow many code points; nil and where it is no UTF-8.",
    offset = "utf8.offset(s, n[, at])\nThe byte where the n-th code point begins.",
  },
  coroutine = {
    close = "coroutine.close(co)\nEnds it, and closes its variables.",
    create = "coroutine.create(f)\nA coroutine that runs f.",
    isyieldable = "coroutine.isyieldable()\nWhether there is somebody to yield to.",
    resume = "coroutine.resume(co, ...)\nGoes on with it: true and what it yields, or false and its error.",
    running = "coroutine.running()\nThe one that runs, and whether it is the main one.",
    status = "coroutine.status(co)\n\"running\", \"suspended\", \"normal\" or \"dead\".",
    wrap = "coroutine.wrap(f)\nA function that goes on with the coroutine each time it is called.",
    yield = "coroutine.yield(...)\nStops here; what the next resume is given is its value.",
  },
}

for library, texts in pairs(TEXTS) do
  local values = library == _G and _G or _G[library]
  for name, text in pairs(texts) do
    local own = values[name] ~= nil and core.name_of(values[name]) -- not the user's, of the same name
    if own then help.register(library == _G and name or library .. "." .. name, text, values[name]) end
  end
end
