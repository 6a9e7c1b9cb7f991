/* What cells read and wrote, from their source and from what happened; and what changed since a snapshot. */
#include "session/trail.h"
#include <stdio.h>

#include "session/describe.h"
#include "session/snapshot.h"
#include "support/host.h"
#include "support/test.h"

static struct host host;

static int open(void **state) {
    struct err e = {0};
    (void)state;
    host_open(&host);
    return session_keep_undo(host.session, 1 << 24, &e);
}

static int close(void **state) {
    (void)state;
    host_close(&host);
    return 0;
}

static void put_names(char *const *name, int n, struct buf *out) {
    for (int i = 0; i < n; i++) buf_printf(out, "%s%s", i ? " " : "", name[i]);
}

/* Runs a cell and compares "names read; names written". */
static void check(const char *source, const char *expected) {
    struct buf text = {0};
    host_run(&host, source);
    const struct trail *t = session_trail(host.session);
    const struct trail_run *r = trail_at(t, trail_count(t) - 1);
    put_names(r->read, r->nread, &text);
    buf_puts(&text, "; ");
    put_names(r->written, r->nwritten, &text);
    if (strcmp(buf_text(&text), expected) != 0)
        fail_msg("%s\nis '%s', expected '%s'", source, buf_text(&text), expected);
    buf_free(&text);
}

static void names_are_those_of_variables(void **state) {
    (void)state;
    check("local a, b = 1, 2", "; a b");
    check("c = a + math.abs(b)", "a b; c");
    check("print(a, nothing)", "a; ");
    check("a = a + 1", "a; a");
    check("d = 1\nd = d + a", "a; d");
    check("local function f() return c end", "c; f");
    check("do local a = 5 end", "; ");
    check("a = 10 error('stop')", "; a");
}

static void what_calls_change_is_written(void **state) {
    (void)state;
    check("local list = {1, {2}}", "; list");
    check("table.insert(list, 3)", "list; list");
    check("list[2][1] = 5", "list; list");
    check("local t = tensor.zeros{3}; local view = t['1:2']", "; t view");
    check("view['1'] = 1", "view; t view");
    check("local n = 0; function count() n = n + 1 end", "; count n");
    check("count()", "count; count n");
    check("model = keras.Sequential{keras.layers.Dense(1, {input_shape = {2}})}\nmodel:compile{optimizer = 'sgd', loss "
          "= 'mse'}",
          "; model");
    check("local x, y = tensor.ones{4, 2}, tensor.ones{4, 1}", "; x y");
    check("model:fit(x, y, {verbose = 0})", "model x y; model");
    check("p = model:predict(x, {verbose = 0})", "model x; p");
    check("same = list", "list; same");
    check("same[1] = 'one'", "same; list same");
}

static void undone_runs_do_not_count(void **state) {
    struct err e = {0};
    char cell[32];
    (void)state;
    host_run(&host, "u = 1");
    host_run(&host, "u = 2");
    const struct trail *t = session_trail(host.session);
    const int second = trail_writer(t, "u", trail_count(t));
    assert_ok(session_undo(host.session, cell, &e), &e);
    assert_int_equal(trail_writer(t, "u", trail_count(t)), second - 1);
    assert_ok(session_redo(host.session, cell, &e), &e);
    assert_int_equal(trail_writer(t, "u", trail_count(t)), second);
    assert_int_equal(trail_writer(t, "never", trail_count(t)), -1);
}

/* ---- descriptions --------------------------------------------------------------------------------------------------- */

static void described(const char *expression, const char *type, const char *text, size_t bytes) {
    struct description d;
    lua_State *L = session_lua(host.session);
    char source[200];
    snprintf(source, sizeof source, "it = %s", expression);
    assert_int_equal(host_run(&host, source), OK);
    lua_getglobal(L, "it");
    session_describe(L, lua_gettop(L), &d);
    assert_string_equal(d.type, type);
    assert_string_equal(d.text, text);
    assert_int_equal(d.bytes, bytes);
    lua_pop(L, 1);
}

static void values_are_described(void **state) {
    (void)state;
    described("5", "number", "5", 0);
    described("'a\\nb'", "string", "\"a\\nb\"", 0);
    described("('x'):rep(100)", "string", "\"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx...", 0);
    described("{1, 2}", "table", "2 items", 0);
    described("print", "function", "", 0);
    described("tensor.zeros({2, 3}, {dtype = 'int64'})", "tensor", "int64 (2, 3)", 48);
    described("keras.Variable(tensor.zeros{4})", "keras.Variable", "float32 (4,)", 16);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(names_are_those_of_variables, open, close),
        cmocka_unit_test_setup_teardown(what_calls_change_is_written, open, close),
        cmocka_unit_test_setup_teardown(undone_runs_do_not_count, open, close),
        cmocka_unit_test_setup_teardown(values_are_described, open, close),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
