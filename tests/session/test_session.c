/* Cells in a session: what is shown, what persists, what errors look like. */
#include <stdio.h>

#include "base/mem.h"
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

static void test_values_are_shown(void **state) {
    host_expect(*state, "1 + 1", "2");
    host_expect(*state, "_ * 10", "20");
    host_expect(*state, "'a\\n', nil, true", "\"a\\n\", nil, true");
    host_expect(*state, "{1, 2, b = 'x', a = {3}}", "{1, 2, a = {3}, b = \"x\"}");
    host_expect(*state, "local t = {} t.t = t return t", "{t = <cycle>}");
    host_expect(*state, "(function() return nil end)()", "");
    host_expect(*state, "nowhere", "nil");
    host_expect(*state, "x = {}\n  x.y \n", "nil");
    host_expect(*state, "x['y']", "nil");
    host_expect(*state, "x.y and 1", "nil");
    host_expect(*state, "(nil)", "nil");
    host_expect(*state, "nil, x.y", "nil, nil");
    host_expect(*state, "x.f = function() end x.f()", "");
    host_expect(*state, "tonumber('x')", "");
    host_expect(*state, "return nil", "");
    host_expect(*state, "x = 3", "");
    host_expect(*state, "tensor{1, 2}", "[1 2]");
}

static void test_output_in_order(void **state) {
    host_expect(*state, "print(1, 'a') io.write('b', 2, '\\n') io.stdout:write('c\\n') io.stderr:write('d\\n') print()",
                "1\ta\nb2\nc\nd");
}

static void test_errors_of_luas_own_functions(void **state) {
    host_fails(*state, "(io.write or print)('x', {})", "bad argument #2 to 'io.write' (string expected, got table)");
    host_fails(*state, "io.output('/dev/null') io.close() io.write('x')", "default output file is closed");
    host_expect(*state, "io.output(io.stdout) io.write('back')", "back");
    host_expect(*state, "select(2, pcall(require, 'XXX')):find('celda') == nil", "true");
}

static void test_locals_persist(void **state) {
    host_expect(*state, "local n = 1\nlocal function next() n = n + 1 return n end", "");
    host_expect(*state, "next() + n", "4");
    host_fails(*state, "local kept = 5\nerror('no')", "no");
    host_expect(*state, "kept", "5");
}

static void test_errors_name_cell_and_line(void **state) {
    struct host *h = *state;
    char expected[64];
    snprintf(expected, sizeof expected, "[%d]:2: boom", h->cells + 1);
    host_fails(h, "local function f() \n error('boom') end\nf()", expected);
    assert_non_null(strstr(buf_text(&h->out), "in main chunk"));
    assert_null(strstr(buf_text(&h->out), "celda:"));
    host_fails(h, "x = = 1", "unexpected symbol near '='");
    host_fails(h, "keras.layers.Dense()", "Dense");
    assert_null(strstr(buf_text(&h->out), "celda:"));
    host_fails(h, "error(setmetatable({}, {__tostring = function() error('x') end}))",
               "the error is a table whose __tostring fails");
    host_fails(h, "error({})", "the error is {}");
    host_fails(h, "return setmetatable({}, {__tostring = function() error('oops') end})", "oops");
    host_expect(h, "1", "1");
}

static void test_recursion_and_memory(void **state) {
    host_fails(*state, "local function f() return f() + 1 end f()", "stack overflow");
    mem_set_limit(mem_used() + ((size_t)64 << 20));
    host_fails(*state, "local t = {} while true do t[#t + 1] = ('x'):rep(1e6) .. #t end", "MemoryError");
    host_run(*state, "collectgarbage()");
    host_fails(*state, "tensor.zeros{1000, 1000, 1000}", "cannot allocate 4.0 GB");
    host_fails(*state, "keras.Sequential{keras.layers.Dense(100000, {input_shape = {100000}})}", "MemoryError");
    mem_set_limit(0);
    host_expect(*state, "2", "2");
}

/* A cell fills the memory with tables that stay: an error, and there is room to let go of them. */
static void test_full_memory(void **state) {
    mem_set_limit(mem_used() + ((size_t)32 << 20));
    host_fails(*state, "t = {} while true do t[#t + 1] = {#t} end", "MemoryError: not enough memory: ");
    host_fails(*state, "more = {} for i = 1, 1e7 do more[i] = {i} end", "MemoryError");
    host_expect(*state, "#t > 1000", "true");
    host_expect(*state, "t, more = nil", "");
    host_expect(*state, "local t = {} for i = 1, 1e5 do t[i] = {i} end return #t", "100000");
    mem_set_limit(0);
}

static void test_exit_is_refused(void **state) {
    host_fails(*state, "os.exit(3)", "press Ctrl-D");
}

static void test_coroutines(void **state) {
    host_expect(
        *state,
        "local c = coroutine.wrap(function(a) local b = coroutine.yield(a + 1) return b * 2 end)\nreturn c(1), c(5)",
        "2, 10");
    host_expect(*state, "coroutine.resume(coroutine.create(function() error('in it', 0) end))", "false, \"in it\"");
}

static void test_reset(void **state) {
    struct host *h = *state;
    struct err e = {0};
    host_expect(h, "gone = 1\nlocal too = 2", "");
    assert_ok(session_reset(h->session, &e), &e);
    host_expect(h, "gone, too", "nil, nil");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_values_are_shown, open_host, close_host),
        cmocka_unit_test_setup_teardown(test_output_in_order, open_host, close_host),
        cmocka_unit_test_setup_teardown(test_errors_of_luas_own_functions, open_host, close_host),
        cmocka_unit_test_setup_teardown(test_locals_persist, open_host, close_host),
        cmocka_unit_test_setup_teardown(test_errors_name_cell_and_line, open_host, close_host),
        cmocka_unit_test_setup_teardown(test_recursion_and_memory, open_host, close_host),
        cmocka_unit_test_setup_teardown(test_full_memory, open_host, close_host),
        cmocka_unit_test_setup_teardown(test_exit_is_refused, open_host, close_host),
        cmocka_unit_test_setup_teardown(test_coroutines, open_host, close_host),
        cmocka_unit_test_setup_teardown(test_reset, open_host, close_host),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
