/* What a user reads of an error: the message with cell and line, a mark below a syntax error, their own frames alone. */
#include <stdio.h>

#include "support/host.h"
#include "support/test.h"

static int open_host(void **state) {
    static struct host h;
    host_open(&h);
    *state = &h;
    return 0;
}

static int close_host(void **state) {
    host_close(*state);
    return 0;
}

/* Runs a cell that fails; the whole text is `expected`, in which [*] stands for the cell. */
static void expect_report(struct host *h, const char *source, const char *expected) {
    struct buf text = {0};
    if (host_run(h, source) == OK) fail_msg("%s\ndid not fail", source);
    for (const char *p = expected; *p; p++) {
        if (strncmp(p, "[*]", 3) == 0)
            buf_printf(&text, "[%d]", h->cells), p += 2;
        else
            buf_putc(&text, *p);
    }
    assert_string_equal(buf_text(&h->out), buf_text(&text));
    buf_free(&text);
}

static void test_one_frame_is_in_the_message(void **state) {
    expect_report(*state, "local x\nx.y = 1", "[*]:2: attempt to index a nil value (local 'x')\n  x.y = 1\n  ^\n");
    expect_report(*state, "error('boom')", "[*]:1: boom\n");
    expect_report(*state, "error('boom', 0)", "boom\n  [*]:1: in main chunk\n");
}

static void test_frames(void **state) {
    expect_report(*state, "local function f(x)\n  return x.y.z\nend\nfunction g()\n  local y = f({})\nend\ng()",
                  "[*]:2: attempt to index a nil value (field 'y')\n    return x.y.z\n           ^^^\n"
                  "  [*]:2: in function 'f'\n  [*]:5: in function 'g'\n  [*]:7: in main chunk\n");
    expect_report(*state, "('x'):gsub('x', function() error('deep') end)",
                  "[*]:1: deep\n  [*]:1: in function <[*]:1>\n  [*]:1: in main chunk\n");
    expect_report(*state, "local t = setmetatable({}, {__add = function() error('no') end})\nreturn t + 1",
                  "[*]:1: no\n  [*]:1: in metamethod 'add'\n  [*]:2: in main chunk\n");
}

/* What called a function by a tail call has left no frame; the function is named where it is a global. */
static void test_tail_calls(void **state) {
    struct host *h = *state;
    expect_report(h, "function g() error('deep') end\nfunction h() return g() end\nfunction k() return h() end\nk()",
                  "[*]:1: deep\n  [*]:1: in function 'g'\n  (...tail calls...)\n  [*]:4: in main chunk\n");
    expect_report(h, "local function f() error('x') end\nlocal function r() return f() end\nr()",
                  "[*]:1: x\n  [*]:1: in function <[*]:1>\n  (...tail calls...)\n  [*]:3: in main chunk\n");
}

static void test_frames_of_coroutines(void **state) {
    struct host *h = *state;
    expect_report(
        h, "local function inner(n)\n  error('deep')\nend\nfor x in coroutine.wrap(function()\n  inner(1)\nend) do end",
        "[*]:4: [*]:2: deep\n  [*]:2: in function 'inner'\n  [*]:5: in function <[*]:4>\n  [*]:4: in main chunk\n");
    expect_report(
        h,
        "local function f()\n  local g = coroutine.wrap(function() error('x', 0) end)\n  g()\nend\ncoroutine.wrap(f)()",
        "[*]:5: [*]:3: x\n  [*]:2: in function <[*]:2>\n  [*]:3: in function <[*]:1>\n  [*]:5: in main chunk\n");
    expect_report(
        h,
        "pcall(coroutine.wrap(function() error('caught') end))\ncoroutine.resume(coroutine.create(function()\n"
        "  coroutine.wrap(function() error('caught') end)() end))\nerror('other')",
        "[*]:4: other\n");
}

static void test_frames_of_an_earlier_cell(void **state) {
    struct host *h = *state;
    host_expect(h, "function old()\n  error('old one')\nend", "");
    expect_report(h, "old()", "[1]:2: old one\n  [1]:2: in function 'old'\n  [*]:1: in main chunk\n");
}

static void test_long_chains_are_cut(void **state) {
    struct host *h = *state;
    host_fails(h, "local function f(n) if n == 0 then error('end') end f(n - 1) return 1 end f(100)", "(92 more)");
    host_fails(h, "local function f() return f() + 1 end f()", "stack overflow");
    assert_true(h->out.len < 600);
}

static void test_our_own_frames_are_hidden(void **state) {
    struct host *h = *state;
    expect_report(h, "\nkeras.layers.Dense()",
                  "[*]:2: ValueError: Dense: missing argument \"units\"\n"
                  "  keras.layers.Dense()\n  ^^^^^^^^^^^^^^^^^^\n");
    host_fails(h, "timeit.timeit(function() error('mine') end, {number = 1})", "mine");
    assert_null(strstr(buf_text(&h->out), "celda:"));
    assert_non_null(strstr(buf_text(&h->out), "in main chunk"));
}

static void test_objects(void **state) {
    expect_report(*state, "error({code = 7})", "the error is {code = 7}\n  [*]:1: in main chunk\n");
    expect_report(*state, "error()", "the error is nil\n  [*]:1: in main chunk\n");
    expect_report(*state, "error(setmetatable({}, {__tostring = function() return 'mine' end}))",
                  "mine\n  [*]:1: in main chunk\n");
    host_fails(*state, "error(setmetatable({}, {__tostring = function() return {} end}))", "whose __tostring fails");
}

/* A word on what Lua writes where Python's habits led astray; none for what only looks like them. */
static void test_habits(void **state) {
    expect_report(*state, "if x != 3 then\n  y = 1\nend",
                  "[*]:1: 'then' expected near '!'\n  if x != 3 then\n       ^\n  Lua writes ~= for !=\n");
    expect_report(*state, "x += 1",
                  "[*]:1: unexpected symbol near '='\n  x += 1\n     ^\n"
                  "  Lua has no += and the like: x = x + 1\n");
    expect_report(*state, "for i in range(3): print(i)\n\nx = 1",
                  "[*]:3: 'do' expected near 'x'\n  x = 1\n  ^\n"
                  "  a block begins with then or do, and ends with end\n");
    expect_report(*state, "for i in range(3):\n  print(i)\nx = 1", "[*]:3: 'do' expected near 'x'\n  x = 1\n  ^\n");
    expect_report(*state, "if x > 3:\n  y = 1",
                  "[*]:1: 'then' expected near ':'\n  if x > 3:\n          ^\n"
                  "  a block begins with then or do, and ends with end\n");
    expect_report(*state, "  def f(x): return x",
                  "[*]:1: syntax error near 'f'\n    def f(x): return x\n        ^\n"
                  "  a function is written: function f(x) ... end\n");
    expect_report(*state, "pass = = 3", "[*]:1: unexpected symbol near '='\n  pass = = 3\n         ^\n");
    expect_report(*state, "x = = 3", "[*]:1: unexpected symbol near '='\n  x = = 3\n      ^\n");
    expect_report(*state, "x = (", "[*]:1: unexpected symbol near <eof>\n  x = (\n       ^\n");
}

/* The last line of the report is the hint; "" stands for none, so that the mark comes last. */
static void expect_hint(struct host *h, const char *source, const char *hint) {
    char expected[160];
    if (host_run(h, source) == OK) fail_msg("%s\ndid not fail", source);
    snprintf(expected, sizeof expected, "^\n%s%s%s", *hint ? "  " : "", hint, *hint ? "\n" : "");
    const char *mark = strstr(buf_text(&h->out), "^\n");
    if (!mark || strcmp(mark, expected) != 0) fail_msg("%s gave\n%s", source, buf_text(&h->out));
}

static void test_habits_in_brackets(void **state) {
    static const char keywords[] = "keywords go in braces: Dense(3, {activation = \"relu\"}), compile{loss = \"mse\"}";
    static const char list[] = "a list is written in braces: {1, 2, 3}";
    static const char slice[] = "a slice is a string: x[\"1:3\"], counted from 1, with its end";
    static const char fields[] = "a table with names is written: {a = 1, [\"a b\"] = 2}";
    static const char *const cases[][2] = {
        {"L.Dense(3, activation=\"relu\")", keywords},
        {"L.Dense(f(3),\n  activation=\"relu\")", keywords},
        {"function f(a, b=3) end", "a parameter has no default value: begin with x = x or 3"},
        {"if x = 3 then y = 1 end", ""},
        {"x = {a = b = 3}", ""},
        {"x = [1, 2, 3]", list},
        {"keras.Sequential([\n  L.Dense(3)])", list},
        {"x[1:3]", slice},
        {"x[:3]", slice},
        {"x[::2]", slice},
        {"x[1:3, 2]", slice},
        {"x[i:]", slice},
        {"y = x[f(i):j]", slice},
        {"x[i:n.m]", slice},
        {"x[f(a:b)]", ""},
        {"x['a:b' 3]", ""},
        {"x = {\"a\": 1}", fields},
        {"x = {a: 1, b: 2}", fields},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) expect_hint(*state, cases[i][0], cases[i][1]);
}

static void test_lambda(void **state) {
    static const char hint[] = "a function without a name is written: function(x) return x end";
    expect_hint(*state, "lambda x: x", hint);
    expect_hint(*state, "y = lambda x: x\nz = 3", hint);
    expect_hint(*state, "f(lambda x, y: x + y)", hint);
    expect_hint(*state, "f(lambda: 3)", hint);
    expect_hint(*state, "x = = lambda:mean()", "");
}

static void test_syntax(void **state) {
    expect_report(*state, "x = = 1", "[*]:1: unexpected symbol near '='\n  x = = 1\n      ^\n");
    expect_report(*state, "local a = 1\n\tlocal \"é\", b",
                  "[*]:2: <name> expected near '\"é\"'\n  \tlocal \"é\", b\n  \t      ^\n");
    expect_report(*state, "for i = 1 do", "[*]:1: ',' expected near 'do'\n  for i = 1 do\n            ^\n");
    expect_report(*state, "goto nowhere",
                  "[*]:1: no visible label 'nowhere' for <goto> at line 1\n"
                  "  goto nowhere\n              ^\n");
}

static void test_python_constants(void **state) {
    struct host *h = *state;
    expect_report(h, "local t = 1\nkeras.layers.Dense(1, {use_bias = False})", "[*]:2: Lua writes false, not False\n");
    expect_report(h, "if True then x = 1 end", "[*]:1: Lua writes true, not True\n");
    expect_report(h, "keras.Input{None, 3}", "[*]:1: Lua writes nil, not None\n");
    host_expect(h, "t = {True = 1} t.True", "1");
    host_expect(h, "local True = 'mine'", "");
    host_expect(h, "True", "\"mine\"");
    host_expect(h, "False = 5", "");
    host_expect(h, "False", "5");
}

static void expect_name(struct host *h, const char *source, const char *name, const char *message) {
    struct session_result r;
    session_run(h->session, source, strlen(source), "[0]", &r);
    assert_string_equal(r.error_name, name);
    assert_int_equal(r.message_size, strlen(message));
    assert_memory_equal(buf_text(&r.error), message, r.message_size);
    buf_free(&r.error);
}

static void test_names(void **state) {
    struct host *h = *state;
    expect_name(h, "error('x')", "Error", "[0]:1: x");
    expect_name(h, "x = = 1", "SyntaxError", "[0]:1: unexpected symbol near '='");
    expect_name(h, "tensor{1}[2]", "IndexError", "[0]:1: IndexError: index 2 is out of range for axis 0 of size 1");
    expect_name(h, "1", "", "");
}

#define TEST(NAME) cmocka_unit_test_setup_teardown(NAME, open_host, close_host)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(test_one_frame_is_in_the_message),
        TEST(test_frames),
        TEST(test_frames_of_coroutines),
        TEST(test_tail_calls),
        TEST(test_frames_of_an_earlier_cell),
        TEST(test_long_chains_are_cut),
        TEST(test_our_own_frames_are_hidden),
        TEST(test_objects),
        TEST(test_syntax),
        TEST(test_habits),
        TEST(test_habits_in_brackets),
        TEST(test_lambda),
        TEST(test_python_constants),
        TEST(test_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
