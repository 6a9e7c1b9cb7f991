/* What %save wrote comes back in a fresh session, shared and bit for bit; what cannot is named; a damaged file harms
 * nothing. */
#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include "base/file.h"
#include "base/mem.h"
#include "support/file.h"
#include "support/host.h"
#include "support/mutate.h"
#include "support/test.h"

static struct host here, there;

static int open_hosts(void **state) {
    (void)state;
    struct host *const both[] = {&here, &there};
    for (int i = 0; i < 2; i++) {
        host_open(both[i]);
        lua_pushstring(session_lua(both[i]->session), test_path("s.celda"));
        lua_setglobal(session_lua(both[i]->session), "path");
    }
    return 0;
}

static int close_hosts(void **state) {
    (void)state;
    host_close(&here);
    host_close(&there);
    unlink(test_path("s.celda"));
    return 0;
}

/* Saves `here`, and returns what was said. */
static const char *save(void) {
    static struct buf report;
    struct err e = {0};
    buf_free(&report);
    assert_ok(session_save(here.session, test_path("s.celda"), &report, &e), &e);
    return buf_text(&report);
}

static void load(struct host *h) {
    struct buf report = {0};
    struct err e = {0};
    assert_ok(session_load(h->session, test_path("s.celda"), false, &report, &e), &e);
    buf_free(&report);
}

static void move(const char *cell) {
    host_expect(&here, cell, "");
    assert_null(strstr(save(), "not saved"));
    load(&there);
}

static void values_come_back(void **state) {
    (void)state;
    move("local n, x, s, flag, none = 3, 0.1, 'h\xc3\xa9llo\\n', false, nil\n"
         "const, big, least = 1e300, math.maxinteger, math.mininteger\n"
         "inf, minus, nan, zero, whole = math.huge, -math.huge, 0/0, -0.0, 2.0\n"
         "bytes, control, long = '\\0\\1\\255', '\\1NaN', ('ab\\n'):rep(5000)\n"
         "t = {1, 'two', {3}, x = {y = 1}, [2.5] = 'f', [true] = false, [-1] = 'm', ['a b'] = 1}\n"
         "t.self, t.again, t[t] = t, t[3], 'key'\n"
         "holes = {[1] = 1, [2] = 2, [4] = 4, [1000000] = 6}\n"
         "p = setmetatable({v = 5}, {__index = function(p, k) return k .. p.v end})\n"
         "null, out = json.null, io.stdout\n"
         "tabulate, warn, registry = {mine = 1}, 'a text', debug.getregistry()");
    host_expect(&there, "n, x, s, flag, none", "3, 0.1, \"h\xc3\xa9llo\\n\", false, nil");
    host_expect(&there, "const == 1e300, big == math.maxinteger, least == math.mininteger", "true, true, true");
    host_expect(&there, "inf, minus, nan ~= nan, 1/zero, math.type(whole)", "inf, -inf, true, -inf, \"float\"");
    host_expect(&there, "bytes == '\\0\\1\\255', control == '\\1NaN', long == ('ab\\n'):rep(5000)", "true, true, true");
    host_expect(&there, "t[1], t[2], t[3][1], t.x.y, t[2.5], t[true], t[-1], t['a b']",
                "1, \"two\", 3, 1, \"f\", false, \"m\", 1");
    host_expect(&there, "t.self == t, t.again == t[3], t[t]", "true, true, \"key\"");
    host_expect(&there, "holes[4], holes[1000000], #{next(holes)}", "4, 6, 2");
    host_expect(&there, "tabulate.mine, warn, type(print)", "1, \"a text\", \"function\"");
    host_expect(&there, "registry == debug.getregistry()", "true");
    host_expect(&there, "p.abc, null == json.null, out == io.stdout", "\"abc5\", true, true");
}

static void functions_share_their_variables(void **state) {
    (void)state;
    host_expect(&here, "local n = 10", "");
    move("local function add(k) n = n + k return n end\n"
         "local LIMIT <const> = 7\n"
         "function outer() local c = 0 return function() c = c + LIMIT return c end, function() return c, n end end\n"
         "up, get = outer()\n"
         "a, b = function(x) return x + 1 end, function(x) return x + 2 end\n"
         "o = {v = 3} function o:get(...) return self.v, select('#', ...) end function o.plain() return 'p' end\n"
         "local function fact(k) return k < 2 and 1 or k * fact(k - 1) end\n"
         "f = load('local k = ... return function() return k, 5 end')(4)\n"
         "builtin, method = print, ('').rep\n"
         "local _ = up()");
    host_expect(&there, "add(5), n", "15, 15");
    host_expect(&there, "n = 100", "");
    host_expect(&there, "add(1), up(), get()", "101, 14, 14, 101");
    host_expect(&there, "a(1), b(1), fact(5), o:get(1, nil), o.plain()", "2, 3, 120, 3, \"p\"");
    host_expect(&there, "o:get(1, nil)", "3, 2");
    host_expect(&there, "builtin == print, method == string.rep", "true, true");
    host_expect(&there, "f()", "4, 5");
    host_fails(&there, "local function bad() error('no') end bad()", "no");
}

/* What users put into tables that every session has, and functions that took the place of ours there; a module that had not
 * been used yet keeps what it was given. */
static void additions_to_libraries_come_back(void **state) {
    (void)state;
    move("local count = 0\n"
         "function string.shout(s) count = count + 1 return s:upper() .. '!' end\n"
         "function tensor.double(x) return x * 2 end\n"
         "function keras.mine() return keras.layers.Flatten() end\n"
         "math.tau, math.pi = 2 * math.pi, math.pi\n"
         "tensor.random.of_mine = {1, tensor{2, 3}}\n"
         "local floor = math.floor\n"
         "function math.floor(x) return floor(x), 'mine' end\n"
         "shout = string.shout");
    host_expect(&here, "('a'):shout(), keras.mine() ~= nil", "\"A!\", true");
    host_expect(&there, "('a'):shout(), count, shout == string.shout", "\"A!\", 1, true");
    host_expect(&there, "tensor.double(tensor{1, 2}), math.tau > 6, math.floor(2.5)", "[2 4], true, 2, \"mine\"");
    host_expect(&there, "tensor.random.of_mine[2], keras.mine() ~= nil", "[2 3], true");
    host_expect(&there, "#require 'celda.core'.additions()", "6");
    load(&there);
    host_expect(&there, "('b'):shout()", "\"B!\"");
    host_expect(&here, "string.shout = coroutine.create(print)", "");
    assert_non_null(strstr(save(), "not saved:\n  string.shout: "));
    host_expect(&here, "string.shout, string['\\xff'] = nil, 1", "");
    assert_non_null(strstr(save(), "a key is no UTF-8"));
}

/* Two cells of one name: the function is of the one that was run first. And what was loaded can be saved again. */
static void a_function_is_found_in_the_text_it_is_from(void **state) {
    (void)state;
    host_expect(&here, "f = function() return 'first' end", "");
    here.cells = 0;
    host_expect(&here, "g = function() return 'other' end", "");
    save();
    load(&there);
    host_expect(&there, "f(), g()", "\"first\", \"other\"");
    struct host third;
    struct err e = {0};
    struct buf report = {0};
    assert_ok(session_save(there.session, test_path("s.celda"), &report, &e), &e);
    assert_null(strstr(buf_text(&report), "not saved"));
    buf_free(&report);
    host_open(&third);
    load(&third);
    host_expect(&third, "f(), g()", "\"first\", \"other\"");
    host_close(&third);
}

static void what_cannot_be_saved_is_named(void **state) {
    (void)state;
    host_expect(&here,
                "co = coroutine.create(print)\nt = {file = io.open('/dev/null'), {1, coroutine.wrap(print), 3}}\n"
                "local tape = keras.GradientTape()\nfunction f() return tape end\n"
                "g = load(string.dump(load('return 1'), true), 'x', 'b')",
                "");
    const char *said = save();
    const char *const expected[] = {"co: a coroutine", "t.file: an open file", "t[1][2]: a function of a C library",
                                    "tape: a keras.GradientTape", "g: a function whose source is not known"};
    for (size_t i = 0; i < sizeof expected / sizeof *expected; i++)
        if (!strstr(said, expected[i])) fail_msg("no '%s' in\n%s", expected[i], said);
    load(&there);
    host_expect(&there, "co, t.file, t[1][1], t[1][2], t[1][3], f()", "nil, nil, 1, nil, 3, nil");
}

static void tensors_that_share_go_on_sharing(void **state) {
    (void)state;
    move("w = tensor{{1, 2}, {3, 4}}\nrow, back, flat = w[2], w['::-1'], w:reshape(4)\n"
         "empty, scalar, flags = tensor.zeros{0, 3}, tensor(2.5), tensor{true, false}\n"
         "v = keras.Variable(tensor{1, 2}, {name = 'v'})");
    host_expect(&there, "row[1] = 30\nreturn w[2][1], back[1][1], flat[3]", "30, 30, 30");
    host_expect(&there, "empty.shape, scalar:item(), flags.dtype", "(0, 3), 2.5, \"bool\"");
    host_expect(&there, "v:assign_add{1, 1}\nreturn v.name, v[2]", "\"v\", 3");
    host_expect(&there, "safetensors.load(path).flat", "[1 2 3 4]");
}

/* ---- models -------------------------------------------------------------------------------------------------------- */

static const char network[] =
    "keras.utils.set_random_seed(200)\n"
    "local L = keras.layers\n"
    "x, y = tensor.random.normal({48, 6, 6, 1}, {seed = 1}), tensor.arange(48) % 3\n"
    "local Scale = keras.Layer:extend 'Scale'\n"
    "function Scale:build(shape) self.s = self:add_weight({shape[#shape]}, 'ones', {name = 'scale'}) end\n"
    "function Scale:call(x) return x * self.s end\n"
    "log = {}\n"
    "model = keras.Sequential{L.Conv2D(2, 3, {input_shape = {6, 6, 1}, activation = 'relu'}), L.BatchNormalization(),\n"
    "  L.Dropout(0.25), L.Flatten(), Scale(), L.Dense(3, {activation = 'softmax'})}\n"
    "decay = keras.optimizers.schedules.CosineDecay(0.01, 20)\n"
    "model:compile{optimizer = keras.optimizers.Adam{decay, clipnorm = 1}, loss = 'sparse_categorical_crossentropy',\n"
    "  metrics = {'accuracy', function(y, p) return p:max() end}}\n"
    "notes = keras.callbacks.LambdaCallback{on_epoch_end = function(epoch, logs) log[#log + 1] = logs.loss end}\n";

static const char training[] =
    "history = model:fit(x, y, {verbose = 0, batch_size = 20, callbacks = {notes}, validation_split = 0.25})\n";

/* The state of everything, as text. */
static const char state_text[] =
    "local parts = {('%.17g'):format(log[#log]), math.random(), tensor.random.normal(2):tolist()[1],\n"
    "  keras.layers.Dense(2).name, history.history.val_loss[1], history.history.accuracy[1], "
    "model.optimizer.iterations}\n"
    "for _, v in ipairs(model.weights) do parts[#parts + 1] = v.path .. ' ' .. ('%.17g'):format(v:sum():item()) end\n"
    "for _, v in ipairs(model.optimizer.variables) do\n"
    "  parts[#parts + 1] = v.path .. ' ' .. ('%.17g'):format((v * 1.0):sum():item()) end\n"
    "for i, part in ipairs(parts) do print(part) end";

static void run(struct host *h, const char *cell) {
    if (host_run(h, cell) != OK) fail_msg("%s\nfailed:\n%s", cell, buf_text(&h->out));
}

static void training_goes_on_bit_for_bit(void **state) {
    (void)state;
    run(&here, network);
    run(&here, training);
    assert_null(strstr(save(), "not saved"));
    load(&there);
    struct host *const both[] = {&here, &there};
    char *seen[2];
    for (int i = 0; i < 2; i++) {
        run(both[i], training);
        run(both[i], state_text);
        seen[i] = strdup(buf_text(&both[i]->out));
    }
    assert_string_equal(seen[0], seen[1]);
    assert_non_null(strstr(seen[0], "sequential/scale/scale"));
    for (int i = 0; i < 2; i++) free(seen[i]);
    run(&there, "model:predict(x, {verbose = 0}) model:evaluate(x, y, {verbose = 0})");
}

/* A model that was not built draws its weights after loading as it would have before. */
static void what_is_not_built_yet(void **state) {
    (void)state;
    move("keras.utils.set_random_seed(3)\n"
         "local init = keras.initializers.HeNormal()\n"
         "m = keras.Sequential{keras.layers.Dense(3, {kernel_initializer = init}), keras.layers.Dense(2)}\n"
         "m:compile{optimizer = 'sgd', loss = 'mse'}");
    const char *show =
        "m:build{-1, 4} local t = {} for i, w in ipairs(m.weights) do t[i] = w.path .. w:sum():item() end\n"
        "return table.concat(t, ' ')";
    run(&here, show);
    char *expected = strdup(buf_text(&here.out));
    run(&there, show);
    assert_string_equal(buf_text(&there.out), expected);
    free(expected);
}

/* In a session that has not used keras yet. */
static void a_compiled_model_trains_at_once(void **state) {
    (void)state;
    move("i = keras.Input{4}\nm = keras.Model(i, keras.layers.Dense(2)(i))\nm:compile{optimizer = 'adam', loss = "
         "'mse'}");
    host_expect(&there, "type(m:train_on_batch(tensor.ones{2, 4}, tensor.ones{2, 2})), m.input.name == i.name",
                "\"number\", true");
}

/* Every class with its defaults: what it was made with comes back. */
static void every_class(void **state) {
    (void)state;
    run(&here, "all, texts = {}, {}\n"
               "local given = {Dense = {2}, Conv1D = {2, 3}, Conv2D = {2, 3}, Reshape = {{2, 2}}, Permute = {{2, 1}}, "
               "Dropout = {0.5},\n"
               "  Conv2DTranspose = {2, 3}, DepthwiseConv2D = {3}, SeparableConv2D = {2, 3}, Embedding = {3, 2},\n"
               "  RepeatVector = {2}, SimpleRNN = {2}, LSTM = {2}, GRU = {2},\n"
               "  InputLayer = {{3}}, Rescaling = {2}, Activation = {'relu'}, Input = {{3}}}\n"
               "given.PiecewiseConstantDecay = {{2, 4}, {0.1, 0.05, 0.01}}\n"
               "for _, name in ipairs{'Exponential', 'InverseTime', 'Polynomial', 'Cosine'} do\n"
               "  given[name .. 'Decay'] = {0.1, 3, 0.5}\nend\n"
               "given.CosineDecayRestarts = {0.1, 3}\n"
               "for _, kind in ipairs{keras.layers, keras.losses, keras.optimizers, keras.optimizers.schedules,\n"
               "    keras.metrics, keras.initializers} do\n"
               "  for _, class in ipairs(kind.classes()) do\n"
               "    local made = kind[class.name](table.unpack(given[class.name] or {}))\n"
               "    all[#all + 1] = made\n"
               "    texts[#all] = json.encode(made:serialize())\n"
               "  end\nend");
    assert_null(strstr(save(), "not saved"));
    load(&there);
    host_expect(&there,
                "local n = 0\n"
                "local function same(a, b)\n"
                "  if type(a) ~= 'table' or type(b) ~= 'table' then return a == b end\n"
                "  for key, value in pairs(a) do if not same(value, b[key]) then return false end end\n"
                "  return true\nend\n"
                "for i, made in ipairs(all) do\n"
                "  local a, b = json.decode(texts[i]), made:serialize()\n"
                "  for key, value in pairs(a.config) do\n"
                "    assert(same(value, b.config[key]), made.class_name .. '.' .. key)\n"
                "  end\n"
                "  n = n + 1\nend\nreturn n > 40",
                "true");
}

static void one_value(void **state) {
    (void)state;
    host_expect(&here,
                "celda.save(path, {model = 1, f = function(x) return x * 2 end}) return #celda.save(path, {print})",
                "0");
    host_fails(&there, "celda.load(path .. 'x')", "cannot open");
    host_expect(&there, "celda.load(path)[1] == print", "true");
    host_fails(&there, "celda.save('/nowhere/x', 1)", "/nowhere/x");
}

/* ---- into a session that is in use --------------------------------------------------------------------------------- */

static void variables_that_are_there_are_replaced(void **state) {
    (void)state;
    host_expect(&here, "local n = 5\nfunction get() return n end\nglobal = 'g'", "");
    save();
    host_expect(&there, "local n = 1\nfunction before() return n end\nother = 1", "");
    load(&there);
    host_expect(&there, "n, before(), get(), other, global", "5, 5, 5, 1, \"g\"");
    host_expect(&there, "n = 6 return before(), get()", "6, 6");
}

/* ---- damage -------------------------------------------------------------------------------------------------------- */

static const char untouched[] = "local kept = 1\nother = {2}\nlocal d = keras.layers.Dense(3)";
static const char is_untouched[] = "kept, other[1], w, next_name == nil, keras.layers.Dense(1).name";

/* An error, and the session is as it was. */
static void fails_to_load(const char *path, const char *text) {
    struct host h;
    struct buf report = {0};
    struct err e = {0};
    host_open(&h);
    host_expect(&h, untouched, "");
    enum status status = session_load(h.session, path, false, &report, &e);
    if (status != ERR_IO || !strstr(e.text, text)) fail_msg("no '%s' in \"%s\"", text, e.text);
    host_expect(&h, is_untouched, "1, 2, nil, true, \"dense_1\"");
    buf_free(&report);
    host_close(&h);
}

static void read_saved(struct buf *file) {
    struct err e = {0};
    buf_free(file);
    assert_ok(buf_read_file(file, test_path("s.celda"), &e), &e);
}

static void a_damaged_file_changes_nothing(void **state) {
    (void)state;
    struct buf file = {0}, report = {0};
    struct err e = {0};
    host_expect(&here,
                "w, z = tensor{1, 2, 3}, tensor{4, 5}\nlocal k = keras.layers.Dense(1, {name = 'only'})\n"
                "k:build{-1, 2}\nkept = 'new'",
                "");
    save();
    read_saved(&file);
    fails_to_load(test_file("d.celda", file.data, file.len - 4), "the file was cut short");
    char *at = memmem(file.data, file.len, "\"kept\\", 6);
    assert_non_null(at);
    at[1] = 'K';
    fails_to_load(test_file("d.celda", file.data, file.len), "its description of the session is damaged");
    assert_ok(session_load(there.session, test_path("d.celda"), true, &report, &e), &e);
    host_expect(&there, "salvaged.w, salvaged.z", "[1 2 3], [4 5]");
    at[1] = 'k';
    fails_to_load(test_file("d.celda", file.data, 100), "truncated");
    fails_to_load(test_file("d.celda", "{}", 2), "truncated");
    fails_to_load("/nowhere/x.celda", "cannot open");
    fails_to_load("/tmp", "s a directory");
    buf_free(&file);
    buf_free(&report);
}

static void what_is_whole_is_salvaged(void **state) {
    (void)state;
    struct buf file = {0}, report = {0};
    struct err e = {0};
    float four = 4.25F;
    host_expect(&here, "w, z = tensor{1, 2, 3}, tensor{4.25, 5}\nmodel = {z = z}\nn = 3", "");
    save();
    read_saved(&file);
    char *at = memmem(file.data, file.len, &four, sizeof four);
    assert_non_null(at);
    *at ^= 1;
    const char *path = test_file("d.celda", file.data, file.len);
    fails_to_load(path, "%load --salvage");
    assert_ok(session_load(there.session, path, true, &report, &e), &e);
    assert_non_null(strstr(buf_text(&report), "lost:\n  z: z is damaged: its checksum is wrong"));
    host_expect(&there, "w, z, model.z, n", "[1 2 3], nil, nil, 3");
    buf_free(&file);
    buf_free(&report);
}

/* No byte that is changed, and no place where it is cut, does more than give an error. */
static void any_damage(void **state) {
    (void)state;
    struct buf file = {0}, report = {0};
    host_expect(&here,
                "t = {1, {2}, x = function() return t end, w = tensor{1, 2}}\nd = keras.layers.Dense(1)\nd:build{1, 2}",
                "");
    save();
    read_saved(&file);
    for (unsigned seed = 0; seed < 300; seed++) {
        size_t n = file.len;
        struct err e = {0};
        unsigned char *bytes = test_damage(file.data, &n, seed);
        const char *path = test_file("d.celda", bytes, n);
        enum status status = session_load(there.session, path, seed % 2, &report, &e);
        assert_true(status == OK || status == ERR_IO);
        buf_free(&report);
        free(bytes);
    }
    host_expect(&there, "1 + 1", "2");
    buf_free(&file);
}

/* ---- lies: a manifest that is whole by its checksum, and wrong --------------------------------------------------- */

/* The saved file with another manifest, as d.celda. */
static const char *with_manifest(const struct buf *file, const char *manifest) {
    struct buf out = {0};
    uint64_t size;
    char crc[9];
    memcpy(&size, file->data, 8);
    json_t *header = json_loadb(file->data + 8, size, 0, NULL), *metadata = json_object_get(header, "__metadata__");
    snprintf(crc, sizeof crc, "%08lx", crc32(0, (const unsigned char *)manifest, (uInt)strlen(manifest)));
    json_object_set_new(metadata, "manifest", json_string(manifest));
    json_object_set_new(metadata, "manifest_crc32", json_string(crc));
    char *text = json_dumps(header, 0);
    uint64_t length = strlen(text);
    buf_put(&out, &length, 8);
    buf_puts(&out, text);
    buf_put(&out, file->data + 8 + size, file->len - 8 - size);
    const char *path = test_file("d.celda", out.data, out.len);
    free(text);
    json_decref(header);
    buf_free(&out);
    return path;
}

static char *manifest_of(const struct buf *file) {
    uint64_t size;
    memcpy(&size, file->data, 8);
    json_t *header = json_loadb(file->data + 8, size, 0, NULL);
    char *text = strdup(json_string_value(json_object_get(json_object_get(header, "__metadata__"), "manifest")));
    json_decref(header);
    return text;
}

static const char various[] = "w, t = tensor{{1, 2}, {3, 4}}, {1, {2}, x = {y = 1}}\n"
                              "t.w, t.v = w[1], keras.Variable(tensor{1, 2}, {name = 'v'})\n"
                              "local n = 1\nfunction f() n = n + 1 return n end\n"
                              "d = keras.layers.Dense(3) d:build{1, 2}\n"
                              "a, p = keras.optimizers.Adam(), print a:build(d.weights)";

static void a_manifest_that_lies(void **state) {
    (void)state;
    static const char *const lies[][2] = {
        {"\"stride\": [2, 1]", "\"stride\": [9, 1]"},
        {"\"stride\": [2, 1]", "\"stride\": [-2, 1]"},
        {"\"stride\": [2, 1]", "\"stride\": [9223372036854775807, 1]"},
        {"\"shape\": [2, 2]", "\"shape\": [2, 9]"},
        {"\"shape\": [2, 2]", "\"shape\": [-2, 2]"},
        {"\"tensor\": \"w\"", "\"tensor\": \"q\""},
        {"\"kind\": \"function\"", "\"kind\": \"fraction\""},
        {"\"kind\": \"box\"", "\"kind\": \"table\""},
        {"\"class\": \"Dense\"", "\"class\": \"Tense\""},
        {"\"units\": 3", "\"units\": 7"},
        {"\"name\": \"_G:.print\"", "\"name\": \"_G:.prink\""},
        {"\"name\": \"_G:.print\"", "\"name\": \"os:.exit^x@\""},
        {"\"first\": ", "\"first\": 1"},
        {"\"lost\": []", "\"lost\": [3]"},
        {"\"randomness\": {", "\"randomness\": 1, \"x\": {"},
        {"\"path\": \"v\"", "\"path\": true"},
        {"\"name\": \"=", "\"name\": [1], \"x\": \"="},
    };
    struct buf file = {0};
    host_expect(&here, various, "");
    save();
    read_saved(&file);
    char *manifest = manifest_of(&file);
    for (size_t i = 0; i < sizeof lies / sizeof *lies; i++) {
        struct buf text = {0};
        const char *at = strstr(manifest, lies[i][0]);
        if (!at) fail_msg("no %s in %s", lies[i][0], manifest);
        buf_put(&text, manifest, (size_t)(at - manifest));
        buf_puts(&text, lies[i][1]);
        buf_puts(&text, at + strlen(lies[i][0]));
        const char *path = with_manifest(&file, text.data);
        struct buf report = {0};
        struct err e = {0};
        if (session_load(there.session, path, false, &report, &e) == OK) fail_msg("loaded with %s", lies[i][1]);
        fails_to_load(path, "d.celda");
        buf_free(&report);
        buf_free(&text);
    }
    free(manifest);
    buf_free(&file);
}

static void any_lie(void **state) {
    (void)state;
    struct buf file = {0}, report = {0};
    host_expect(&here, various, "");
    save();
    read_saved(&file);
    char *manifest = manifest_of(&file);
    size_t n = strlen(manifest);
    for (unsigned seed = 0; seed < 400; seed++) {
        static const char pieces[] = "0123456789[]{}\",-xw ";
        struct err e = {0};
        unsigned state_ = seed * 7919u + 1;
        char *lie = strdup(manifest);
        for (int k = 0; k < 3; k++)
            lie[mutate_random(&state_) % n] = pieces[mutate_random(&state_) % (sizeof pieces - 1)];
        enum status status = session_load(there.session, with_manifest(&file, lie), seed % 2, &report, &e);
        if (status != OK && status != ERR_IO) fail_msg("%u: %s", seed, e.text);
        buf_free(&report);
        free(lie);
    }
    host_expect(&there, "1 + 1", "2");
    free(manifest);
    buf_free(&file);
}

/* ---- versions ------------------------------------------------------------------------------------------------------ */

static void an_old_version_loads(void **state) {
    (void)state;
    struct buf report = {0};
    struct err e = {0};
    assert_ok(session_load(there.session, "tests/golden/session-1.celda", false, &report, &e), &e);
    host_expect(&there, "n, counter(), n, t.self == t, t.bytes == '\\0\\255', w[2]", "3, 4, 4, true, true, [3. 4.]");
    host_expect(&there, "model:predict(tensor{{1, 2}}, {verbose = 0}).shape", "(1, 2)");
    host_expect(&there, "model:fit(tensor{{1, 2}}, tensor{1}, {verbose = 0}).epoch[1]", "0");
    buf_free(&report);
}

static void a_newer_version_is_refused(void **state) {
    (void)state;
    struct buf file = {0};
    host_expect(&here, "n = 1", "");
    save();
    read_saved(&file);
    char *at = memmem(file.data, file.len, "\"version\": \"1\"", 14);
    assert_non_null(at);
    at[12] = '7';
    fails_to_load(test_file("d.celda", file.data, file.len), "has format version 7, this celda reads up to 1");
    fails_to_load("tests/golden/session-1.celda.none", "cannot open");
    buf_free(&file);
}

/* ---- faults -------------------------------------------------------------------------------------------------------- */

static void a_save_that_fails_keeps_the_old_file(void **state) {
    (void)state;
    static const int errors[] = {ENOSPC, EIO};
    struct buf report = {0};
    host_expect(&here, "local n = 1", "");
    save();
    host_expect(&here, "n = 2", "");
    for (size_t k = 0; k < sizeof errors / sizeof *errors; k++) {
        bool renamed = false;
        for (unsigned n = 1;; n++) {
            struct err e = {0};
            file_fail(n, errors[k]);
            enum status status = session_save(here.session, test_path("s.celda"), &report, &e);
            file_fail(0, 0);
            buf_free(&report);
            if (status == OK) break;
            assert_int_equal(status, ERR_IO);
            load(&there);
            run(&there, "n");
            assert_false(renamed); /* only the folder was not synced, and that comes last */
            renamed = strcmp(buf_text(&there.out), "1\n") != 0;
        }
        assert_true(renamed);
        host_expect(&here, "n = 1", "");
        save();
        host_expect(&here, "n = 2", "");
    }
}

static void no_memory(void **state) {
    (void)state;
    struct buf report = {0};
    host_expect(&here,
                "w = tensor{1, 2}\nlocal k = 1 function f() return k, w end\nd = keras.layers.Dense(1) d:build{1, 2}",
                "");
    save();
    for (int saving = 0; saving < 2; saving++) {
        for (size_t n = 1;; n++) {
            struct err e = {0};
            mem_fail_after(n);
            enum status status = saving ? session_save(here.session, test_path("s.celda"), &report, &e)
                                        : session_load(there.session, test_path("s.celda"), false, &report, &e);
            bool reached = mem_fail_once(0) >= n;
            buf_free(&report);
            if (status && status != ERR_MEMORY) fail_msg("%zu: %s", n, e.text);
            if (!reached) break;
            if (!saving && status) host_expect(&there, "w == nil and f == nil and k == nil", "true");
        }
    }
    load(&there);
    host_expect(&there, "f()", "1, [1 2]");
}

/* Lua's own memory ends anywhere: an error, and the session is as it was. */
static void no_memory_for_lua(void **state) {
    (void)state;
    struct buf report = {0};
    int failed = 0;
    host_expect(&here,
                "t = {} for i = 1, 2000 do t[i] = {i, 'text ' .. i} end local k = 1 function f() return k, #t end", "");
    save();
    for (int saving = 0; saving < 2; saving++)
        for (size_t room = 0; room < 4000000; room += 61000) {
            struct host h;
            struct err e = {0};
            host_open(&h);
            struct session *s = saving ? here.session : h.session;
            mem_set_limit(mem_used() + room);
            enum status status = saving ? session_save(s, test_path("s.celda"), &report, &e)
                                        : session_load(s, test_path("s.celda"), false, &report, &e);
            mem_set_limit(0);
            buf_free(&report);
            if (status && status != ERR_MEMORY) fail_msg("%zu: %s", room, e.text);
            if (status && !saving) host_expect(&h, "t == nil and f == nil and k == nil", "true");
            failed += status != OK;
            host_close(&h);
        }
    assert_true(failed > 10);
    load(&there);
    host_expect(&there, "f()", "1, 2000");
}

static void where_it_cannot_be_written(void **state) {
    (void)state;
    struct buf report = {0};
    struct err e = {0};
    assert_error(session_save(here.session, "/nowhere/s.celda", &report, &e), ERR_IO, "/nowhere/s.celda", &e);
    assert_error(session_save(here.session, "/tmp", &report, &e), ERR_IO, "Is a directory", &e);
    const char *notebook = test_file("n.cells", "print(1)\n", 9);
    assert_error(session_save(here.session, notebook, &report, &e), ERR_IO, "is not written over", &e);
    buf_free(&report);
}

#define TEST(NAME) cmocka_unit_test_setup_teardown(NAME, open_hosts, close_hosts)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(values_come_back),
        TEST(functions_share_their_variables),
        TEST(additions_to_libraries_come_back),
        TEST(a_function_is_found_in_the_text_it_is_from),
        TEST(what_cannot_be_saved_is_named),
        TEST(tensors_that_share_go_on_sharing),
        TEST(training_goes_on_bit_for_bit),
        TEST(what_is_not_built_yet),
        TEST(a_compiled_model_trains_at_once),
        TEST(every_class),
        TEST(one_value),
        TEST(variables_that_are_there_are_replaced),
        TEST(a_damaged_file_changes_nothing),
        TEST(what_is_whole_is_salvaged),
        TEST(any_damage),
        TEST(a_manifest_that_lies),
        TEST(any_lie),
        TEST(an_old_version_loads),
        TEST(a_newer_version_is_refused),
        TEST(a_save_that_fails_keeps_the_old_file),
        TEST(no_memory),
        TEST(no_memory_for_lua),
        TEST(where_it_cannot_be_written),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
