/* Taking cells back and forth: every sort of state that a cell can change, at most 16 cells, within the budget. */
#include <stdio.h>

#include "base/mem.h"
#include "support/host.h"
#include "support/test.h"

static const struct {
    const char *prepare, *change, *look;
} states[] = {
    {"local x, y = 1, {1, 2}", "x = 2; y[1], y[3] = 'a', 3; local z = 4", "return x, y, z"},
    {"t = {a = {b = {}}}; t.a.b.back = t", "t.a.b.back = nil; t.a.b.c = 1; t.a = nil",
     "return t.a and t.a.b.back == t"},
    {"t = setmetatable({}, {__index = {q = 1}})", "setmetatable(t, nil)", "return t.q"},
    {"local n = 0; function count() n = n + 1 return n end", "count(); count()", "return n"},
    {"do local n = 0; function hidden() n = n + 1 return n end end", "for i = 1, 5 do hidden() end",
     "return select(2, debug.getupvalue(hidden, 1))"},
    {"x = tensor.arange(6):reshape{2, 3}; row = x[1]", "x['1, 2'] = 50; row['1'] = 60",
     "return x:tolist(), row:tolist()"},
    {"x = tensor.zeros{3}", "x = x + 1", "return x:tolist()"},
    {"v = keras.Variable(tensor.ones{2})", "v:assign(v:numpy() * 3)", "return v:numpy():tolist()"},
    {"print = print", "tostring = nil; string.upper = 5", "return tostring ~= nil"},
    {"m = keras.Sequential{keras.layers.Dense(2), keras.layers.BatchNormalization()}\n"
     "m:compile{optimizer = keras.optimizers.Adam(0.1), loss = 'mse'}\n"
     "a, b = tensor.random.normal({8, 3}, {seed = 1}), tensor.random.normal({8, 2}, {seed = 2})",
     "m:fit(a, b, {epochs = 2, verbose = 0})",
     "return (function() local w = {} for i, u in ipairs(m.weights) do w[i] = u:numpy():tolist() end\n"
     "for i, u in ipairs(m.optimizer.variables) do w[#w + 1] = u:numpy():tolist() end return w end)()"},
};

/* What a cell shows. The result is the caller's to free with test_free. */
static char *shown(struct host *h, const char *source) {
    if (host_run(h, source) != OK) fail_msg("%s\nfailed:\n%s", source, buf_text(&h->out));
    char *text = test_malloc(h->out.len + 1);
    memcpy(text, buf_text(&h->out), h->out.len + 1);
    return text;
}

static void undo(struct host *h) {
    struct err e = {0};
    char cell[32];
    assert_ok(session_undo(h->session, cell, &e), &e);
}

static void redo(struct host *h) {
    struct err e = {0};
    char cell[32];
    assert_ok(session_redo(h->session, cell, &e), &e);
}

static void open(struct host *h, size_t budget) {
    struct err e = {0};
    host_open(h);
    assert_ok(session_keep_undo(h->session, budget, &e), &e);
}

static void expect_same(struct host *h, const char *source, const char *text) {
    char *now = shown(h, source);
    assert_string_equal(now, text);
    test_free(now);
}

static void every_state_comes_back(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof states / sizeof *states; i++) {
        struct host h;
        open(&h, 1 << 20);
        assert_int_equal(host_run(&h, states[i].prepare), OK);
        char *before = shown(&h, states[i].look);
        assert_int_equal(host_run(&h, states[i].change), OK);
        char *after = shown(&h, states[i].look);
        assert_string_not_equal(before, after);
        for (int k = 0; k < 2; k++) {
            undo(&h);
            expect_same(&h, states[i].look, before);
            redo(&h);
            expect_same(&h, states[i].look, after);
        }
        test_free(before);
        test_free(after);
        host_close(&h);
        assert_int_equal(mem_used(), 0);
    }
}

static void random_numbers_are_drawn_again(void **state) {
    static const char *const draws[] = {"keras.random.normal({2}):tolist()", "math.random()",
                                        "keras.layers.Dropout(0.5).name",
                                        "keras.initializers.RandomNormal()({3}):tolist()"};
    (void)state;
    for (size_t i = 0; i < sizeof draws / sizeof *draws; i++) {
        struct host h;
        open(&h, 1 << 20);
        host_run(&h, "keras.utils.set_random_seed(7) math.randomseed(3) keras.random.normal({2}) n = 1");
        char *first = shown(&h, draws[i]);
        undo(&h);
        expect_same(&h, draws[i], first);
        test_free(first);
        host_close(&h);
    }
}

static void training_after_undo_is_as_it_was(void **state) {
    (void)state;
    struct host h;
    open(&h, 1 << 20);
    host_run(&h, "keras.utils.set_random_seed(5)\n"
                 "local L = keras.layers; local m = keras.Sequential{L.Dense(4), L.Dropout(0.5), L.Dense(1)}\n"
                 "m:compile{optimizer = 'adam', loss = 'mse'}\n"
                 "local a, b = tensor.random.normal({16, 3}), tensor.random.normal({16, 1})");
    const char *const fit = "return m:fit(a, b, {epochs = 2, batch_size = 4, verbose = 0}).history.loss";
    char *first = shown(&h, fit), *second = shown(&h, fit);
    assert_string_not_equal(first, second);
    undo(&h);
    host_expect(&h, fit, strtok(second, "\n"));
    undo(&h);
    undo(&h);
    host_expect(&h, fit, strtok(first, "\n"));
    test_free(first);
    test_free(second);
    host_close(&h);
}

static void cells_are_named_and_counted(void **state) {
    (void)state;
    struct host h;
    struct err e = {0};
    char cell[32];
    open(&h, 1 << 20);
    assert_error(session_undo(h.session, cell, &e), ERR_STATE, "no cell to take back", &e);
    for (int i = 0; i < 20; i++) host_run(&h, "n = (n or 0) + 1");
    for (int i = 20; i > 4; i--) {
        char name[16];
        snprintf(name, sizeof name, "[%d]", i);
        assert_ok(session_undo(h.session, cell, &e), &e);
        assert_string_equal(cell, name);
    }
    assert_error(session_undo(h.session, cell, &e), ERR_STATE, "no cell to take back", &e);
    host_expect(&h, "n", "4");
    for (int i = 0; i < 16; i++) redo(&h);
    host_expect(&h, "n", "20");
    assert_error(session_redo(h.session, cell, &e), ERR_STATE, "no cell was taken back", &e);
    host_close(&h);
}

static void cells_that_change_nothing_do_not_count(void **state) {
    (void)state;
    struct host h;
    struct err e = {0};
    char cell[32];
    open(&h, 1 << 20);
    host_run(&h, "x = 1");
    host_run(&h, "x = 2");
    host_run(&h, "x + 1");
    host_run(&h, "print(x)");
    undo(&h);
    host_expect(&h, "x", "1");
    redo(&h);
    host_expect(&h, "x", "2");
    undo(&h);
    host_run(&h, "y = 1");
    assert_error(session_redo(h.session, cell, &e), ERR_STATE, "no cell was taken back", &e);
    host_close(&h);
}

/* A cell that fails has changed what it did before. */
static void failed_cells_are_taken_back(void **state) {
    (void)state;
    struct host h;
    open(&h, 1 << 20);
    host_run(&h, "x = 1");
    host_fails(&h, "x = 2; error('boom')", "boom");
    host_expect(&h, "x", "2");
    undo(&h);
    host_expect(&h, "x", "1");
    host_close(&h);
}

static void more_than_the_budget_is_said(void **state) {
    (void)state;
    struct host h;
    struct err e = {0};
    char cell[32];
    open(&h, 1 << 20);
    host_run(&h, "x = tensor.zeros{1024, 1024}");
    host_run(&h, "x['1'] = 1");
    assert_error(session_undo(h.session, cell, &e), ERR_STATE, "more than 1 MB of tensors were overwritten", &e);
    host_expect(&h, "x['1, 1']", "1.0");
    host_close(&h);
}

/* Tensors that only an undone cell's state holds are freed once they are too many. */
static void dropped_tensors_count(void **state) {
    (void)state;
    struct host h;
    open(&h, 10 << 20);
    for (int i = 0; i < 12; i++) host_run(&h, "x = tensor.ones{1024, 512}"); /* 2 MB */
    host_run(&h, "collectgarbage()");
    assert_true(mem_block_used() > 8 << 20);
    assert_true(mem_block_used() < 16 << 20);
    host_close(&h);
}

static void it_goes_when_memory_is_short(void **state) {
    (void)state;
    struct host h;
    open(&h, 1 << 30);
    host_run(&h, "x = tensor.ones{1024, 1024, 8}"); /* 32 MB */
    host_run(&h, "x = nil");
    mem_set_limit(mem_used() + (24 << 20));
    host_expect(&h, "tensor.ones{1024, 1024, 8}.size", "8388608");
    mem_set_limit(0);
    host_close(&h);
}

static void what_stays_is_named(void **state) {
    (void)state;
    struct host h;
    open(&h, 1 << 20);
    host_run(&h, "co = coroutine.create(print); big = table.pack(('x'):rep(300000):byte(1, -1))");
    host_run(&h, "big = {} for i = 1, 300000 do big[i] = i end");
    host_run(&h, "big[1] = 'one'");
    assert_non_null(strstr(session_undo_left_out(h.session), "co: a coroutine\n"));
    assert_non_null(strstr(session_undo_left_out(h.session), "big: a table of 300000 entries\n"));
    host_close(&h);
}

/* Every allocation failing once: the cell runs or says so, and the session goes on. */
static void without_memory_cells_run(void **state) {
    (void)state;
    struct host h;
    open(&h, 1 << 20);
    host_run(&h, "x = {1, {2}}; t = tensor.arange(4); function f() return x end");
    for (size_t n = 1; n < 60; n++) {
        mem_fail_once(n);
        host_run(&h, "x[1] = x[1] + 1; t['1'] = x[1]");
        mem_fail_once(0);
    }
    host_run(&h, "x[1] = 5");
    host_run(&h, "x[1] = 6");
    undo(&h);
    host_expect(&h, "x[1]", "5");
    host_close(&h);
    assert_int_equal(mem_used(), 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_state_comes_back),
        cmocka_unit_test(random_numbers_are_drawn_again),
        cmocka_unit_test(training_after_undo_is_as_it_was),
        cmocka_unit_test(cells_are_named_and_counted),
        cmocka_unit_test(cells_that_change_nothing_do_not_count),
        cmocka_unit_test(failed_cells_are_taken_back),
        cmocka_unit_test(more_than_the_budget_is_said),
        cmocka_unit_test(dropped_tensors_count),
        cmocka_unit_test(it_goes_when_memory_is_short),
        cmocka_unit_test(what_stays_is_named),
        cmocka_unit_test(without_memory_cells_run),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
