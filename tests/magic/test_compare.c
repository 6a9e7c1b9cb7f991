/* %compare: every device starts from the same state, the session keeps what the first computed, and an error leaves it as
 * it was. */

#include "support/magic.h"

static int open(void **state) {
    struct err e = {0};
    magic_host_open(state);
    return session_keep_undo(host.session, 1 << 24, &e);
}

static void has(const char *text) {
    if (!strstr(buf_text(&host.out), text)) fail_msg("no '%s' in\n%s", text, buf_text(&host.out));
}

static void every_run_starts_from_the_same_state(void **state) {
    (void)state;
    host_run(&host, "n, t, seen = 0, tensor.zeros{3}, {}");
    assert_int_equal(host_run(&host, "%%compare cpu cpu cpu\nn = n + 1; t['1'] = t['1'] + 5; seen[#seen + 1] = n\n"
                                     "made = tensor.random.normal{100}; print('n', n)"),
                     OK);
    has("--- cpu\nn\t1\n--- cpu\nn\t1\n--- cpu\nn\t1\n");
    has("none: the same bits");
    host_expect(&host, "n, t, seen", "1, [5. 0. 0.], {1}");
}

static void training_is_compared(void **state) {
    (void)state;
    host_run(&host,
             "keras.utils.set_random_seed(1)\n"
             "model = keras.Sequential{keras.layers.Dense(4), keras.layers.Dropout(0.5), keras.layers.Dense(1)}\n"
             "model:compile{optimizer = 'adam', loss = 'mse'}\n"
             "x, y = tensor.random.normal{32, 3}, tensor.random.normal{32, 1}");
    assert_int_equal(host_run(&host, "%%compare cpu cpu\nmodel:fit(x, y, {epochs = 2, batch_size = 8, verbose = 0})"),
                     OK);
    has("none: the same bits");
    host_expect(&host, "model.optimizer.iterations:item()", "8");
}

static void what_differs_is_named(void **state) {
    (void)state;
    assert_int_equal(host_run(&host, "turn = io.tmpfile()"), OK); /* files are the outside world: they do not go back */
    host_run(&host, "%%compare cpu cpu\nturn:write('x'); apart = {a = tensor.full({2}, turn:seek('end') / 4)}");
    has("0.25 in apart.a");
}

static void it_is_one_cell_to_undo(void **state) {
    struct err e = {0};
    char cell[32];
    (void)state;
    host_run(&host, "k = {1}; q = tensor.ones{2}");
    host_run(&host, "%%compare cpu cpu\nk[1] = k[1] + 1; q['1'] = 7");
    host_expect(&host, "k, q", "{2}, [7. 1.]");
    assert_ok(session_undo(host.session, cell, &e), &e);
    host_expect(&host, "k, q", "{1}, [1. 1.]");
    assert_ok(session_redo(host.session, cell, &e), &e);
    host_expect(&host, "k, q", "{2}, [7. 1.]");
}

static void errors_leave_everything(void **state) {
    (void)state;
    host_run(&host, "k = {1}; q = tensor.ones{2}");
    host_fails(&host, "%%compare cpu cpu\nk[1] = 5; q['1'] = 7; error('boom')", "boom");
    host_expect(&host, "k, q", "{1}, [1. 1.]");
    host_fails(&host, "%%compare cpu gpv\nk[1] = 5", "unknown device 'gpv'");
    host_fails(&host, "%%compare tpu cpu\nk[1] = 5", "'tpu' cannot be had");
    host_fails(&host, "%compare cpu", "which cell?");
    host_expect(&host, "k", "{1}");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_run_starts_from_the_same_state),
        cmocka_unit_test(training_is_compared),
        cmocka_unit_test(what_differs_is_named),
        cmocka_unit_test(it_is_one_cell_to_undo),
        cmocka_unit_test(errors_leave_everything),
    };
    return cmocka_run_group_tests(tests, open, magic_host_close);
}
