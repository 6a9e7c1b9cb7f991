/* Watched expressions: shown after each cell, and no part of it. */
#include "session/trail.h"
#include "support/host.h"
#include "support/test.h"

static struct host host;

static int open_host(void **state) {
    struct err e = {0};
    (void)state;
    host_open(&host);
    return session_keep_undo(host.session, 1 << 20, &e);
}

static int close_host(void **state) {
    (void)state;
    host_close(&host);
    return 0;
}

static void watch(const char *code, const char *shown) {
    struct err e = {0};
    buf_free(&host.out);
    assert_ok(session_watch(host.session, code, &e), &e);
    assert_string_equal(buf_text(&host.out), shown);
}

static void values_are_shown_after_each_cell(void **state) {
    struct err e = {0};
    (void)state;
    host_run(&host, "local x = 1");
    watch("x", "x = 1\n");
    watch("x * 2, 'a'", "x * 2, 'a' = 2, \"a\"\n");
    watch("t.y", "t.y: attempt to index a nil value (global 't')\n");
    host_expect(&host, "x = 5", "x = 5\nx * 2, 'a' = 10, \"a\"\nt.y: attempt to index a nil value (global 't')");
    assert_ok(session_unwatch(host.session, "x", &e), &e);
    host_expect(&host, "t = {y = tensor{{1, 2}, {3, 4}}}", "x * 2, 'a' = 10, \"a\"\nt.y =\n[[1 2]\n [3 4]]");
    session_unwatch_all(host.session);
    host_expect(&host, "x", "5");
}

static void what_is_no_expression_is_refused(void **state) {
    static const char *const wrong[] = {"", "x = 1", "x y", "local x", "return x", "1 +"};
    (void)state;
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        struct err e = {0};
        assert_int_equal(session_watch(host.session, wrong[i], &e), ERR_VALUE);
    }
    struct err e = {0};
    assert_int_equal(session_unwatch(host.session, "x", &e), ERR_NOT_FOUND);
    assert_int_equal(session_watch_count(host.session), 0);
}

static void the_cell_does_not_know(void **state) {
    struct session_result r;
    (void)state;
    host_run(&host, "x, calls = 1, 0 function slow() calls = calls + 1 local t = celda.clock() + 0.05 while "
                    "celda.clock() < t do end end");
    watch("slow()", "slow() = nil\n");
    session_run(host.session, "y = 2", 5, "[9]", &r);
    assert_true(r.after.wall - r.before.wall < 0.05);
    buf_free(&r.error);
    host_expect(&host, "_, calls", "nil, 2\nslow() = nil");
    const struct trail *t = session_trail(host.session);
    assert_false(trail_writes(trail_at(t, trail_count(t) - 2), "calls"));
}

static void an_error_of_the_cell_stays_its_own(void **state) {
    (void)state;
    watch("missing.x", "missing.x: attempt to index a nil value (global 'missing')\n");
    host_fails(&host, "local z = 4 error('mine')", "mine");
    host_expect(&host, "z", "4\nmissing.x: attempt to index a nil value (global 'missing')");
}

#define TEST(NAME) cmocka_unit_test_setup_teardown(NAME, open_host, close_host)

int main(void) {
    const struct CMUnitTest tests[] = {TEST(values_are_shown_after_each_cell), TEST(what_is_no_expression_is_refused),
                                       TEST(the_cell_does_not_know), TEST(an_error_of_the_cell_stays_its_own)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
