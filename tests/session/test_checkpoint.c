/* Checkpoints: what was there when one was written comes back, only what changed is written, and the newest whole one
 * stays whatever happens. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "session/checkpoint.h"
#include "support/file.h"
#include "support/host.h"
#include "support/test.h"

static struct host here, there;
static char folder[600];

static int open_hosts(void **state) {
    static int n;
    char name[32];
    struct err e = {0};
    (void)state;
    snprintf(name, sizeof name, "checkpoints-%d", ++n);
    snprintf(folder, sizeof folder, "%s", test_path(name));
    host_open(&here);
    host_open(&there);
    assert_ok(session_checkpoint_start(here.session, folder, &e), &e);
    session_checkpoint_every(here.session, 0);
    return 0;
}

static int close_hosts(void **state) {
    (void)state;
    host_close(&here);
    host_close(&there);
    return 0;
}

static void checkpoint(void) {
    struct buf report = {0};
    struct err e = {0};
    assert_ok(session_checkpoint_now(here.session, &report, &e), &e);
    buf_free(&report);
}

static void resume(void) {
    struct buf report = {0};
    struct err e = {0};
    assert_ok(session_checkpoint_load(there.session, folder, &report, &e), &e);
    buf_free(&report);
}

/* Bytes of checkpoint number n; -1: it is not there. */
static long size_of(int n) {
    char path[700];
    struct stat s;
    snprintf(path, sizeof path, "%s/%06d.celda", folder, n);
    return stat(path, &s) == 0 ? (long)s.st_size : -1;
}

static void cut(int n, long size) {
    char path[700];
    snprintf(path, sizeof path, "%s/%06d.celda", folder, n);
    assert_int_equal(truncate(path, size), 0);
}

static void only_what_changed_is_written(void **state) {
    (void)state;
    host_expect(&here, "big, small, n = tensor.arange(100000), tensor{1, 2}, 1", "");
    checkpoint();
    assert_true(size_of(1) > 800000);
    host_expect(&here, "small[1] = 5\nn = 2", "");
    checkpoint();
    assert_in_range(size_of(2), 1, 20000);
    resume();
    host_expect(&there, "big:sum():item(), small, n", "4999950000, [5 2], 2");
    host_expect(&here, "big[1] = 7", "");
    checkpoint();
    assert_true(size_of(3) > 800000);
    assert_true(size_of(1) > 0); /* number 2 needs it */
    host_expect(&here, "n = 3", "");
    checkpoint();
    assert_int_equal(size_of(1), -1); /* none of the two newest does */
    resume();
    host_expect(&there, "big[1], n", "7, 3");
}

/* Variables that training writes to where they were the step before. */
static void weights_that_changed_are_written(void **state) {
    (void)state;
    host_expect(
        &here,
        "keras.utils.set_random_seed(1)\n"
        "x, y = tensor.random.normal({8, 4}, {seed = 1}), tensor.arange(8) % 2\n"
        "model = keras.Sequential{keras.layers.Dense(2, {input_shape = {4}})}\n"
        "model:compile{optimizer = 'adam', loss = keras.losses.SparseCategoricalCrossentropy{from_logits = true}}",
        "");
    static const char sum[] =
        "('%.17g %.17g'):format(model.weights[1]:sum():item(), model.optimizer.variables[3]:sum():item())";
    for (int i = 0; i < 12; i++) {
        host_expect(&here, "model:fit(x, y, {verbose = 0, epochs = 3}) _ = nil", "");
        checkpoint();
        char *expected;
        assert_int_equal(host_run(&here, sum), OK);
        expected = strdup(buf_text(&here.out));
        resume();
        assert_int_equal(host_run(&there, sum), OK);
        assert_string_equal(buf_text(&there.out), expected);
        free(expected);
    }
    int files = 0;
    for (int n = 1; n <= 12; n++) files += size_of(n) >= 0;
    assert_in_range(files, 2, 10);
}

static void a_damaged_one_gives_way_to_the_one_before(void **state) {
    (void)state;
    struct buf report = {0};
    struct err e = {0};
    host_expect(&here, "w, n = tensor{1, 2, 3}, 1", "");
    checkpoint();
    host_expect(&here, "w[1] = 9\nn = 2", "");
    checkpoint();
    cut(2, size_of(2) - 1);
    resume();
    host_expect(&there, "w, n", "[1 2 3], 1");
    cut(1, 10);
    assert_error(session_checkpoint_load(there.session, folder, &report, &e), ERR_IO, "000002.celda", &e);
    assert_error(session_checkpoint_load(there.session, "/nowhere", &report, &e), ERR_IO, "/nowhere", &e);
    host_expect(&there, "n", "1");
    buf_free(&report);
}

static void a_failed_one_leaves_the_last(void **state) {
    (void)state;
    struct buf report = {0};
    host_expect(&here, "w, n = tensor{1, 2, 3}, 1", "");
    checkpoint();
    host_expect(&here, "w[1] = 9\nn = 2", "");
    for (unsigned k = 1; k < 4; k++) {
        struct err e = {0};
        file_fail(k, ENOSPC);
        assert_error(session_checkpoint_now(here.session, &report, &e), ERR_IO, "No space left", &e);
        file_fail(0, 0);
        resume();
        host_expect(&there, "w, n", "[1 2 3], 1");
    }
    checkpoint();
    resume();
    host_expect(&there, "w, n", "[9 2 3], 2");
    buf_free(&report);
}

/* Between cells, by themselves; and a cell that writes to what is being written does not change what is on the disk. */
static void automatic_ones(void **state) {
    (void)state;
    session_checkpoint_every(here.session, 1e-6);
    host_expect(&here, "w, n = tensor.arange(300000), 1", "");
    host_expect(&here, "w[1] = -1\nn = 2", "");
    checkpoint();
    session_checkpoint_every(here.session, 0);
    resume();
    host_expect(&there, "w[1], n, w['2:']:sum():item()", "-1, 2, 44999850000");
    assert_true(size_of(2) > 0);
}

static void counting_goes_on(void **state) {
    (void)state;
    struct err e = {0};
    host_expect(&here, "n = 1", "");
    checkpoint();
    resume();
    assert_ok(session_checkpoint_start(there.session, folder, &e), &e);
    struct buf report = {0};
    host_expect(&there, "n = n + 1", "");
    assert_ok(session_checkpoint_now(there.session, &report, &e), &e);
    assert_true(size_of(2) > 0);
    assert_ok(session_reset(there.session, &e), &e);
    host_expect(&there, "m = 5", "");
    assert_ok(session_checkpoint_now(there.session, &report, &e), &e);
    resume();
    host_expect(&there, "m", "5");
    buf_free(&report);
}

static void a_folder_that_cannot_be(void **state) {
    (void)state;
    struct err e = {0};
    struct buf report = {0};
    assert_ok(session_checkpoint_start(here.session, "/nowhere/x", &e), &e);
    assert_error(session_checkpoint_now(here.session, &report, &e), ERR_IO, "/nowhere/x", &e);
    buf_free(&report);
}

#define TEST(NAME) cmocka_unit_test_setup_teardown(NAME, open_hosts, close_hosts)

int main(void) {
    const struct CMUnitTest tests[] = {TEST(only_what_changed_is_written),
                                       TEST(weights_that_changed_are_written),
                                       TEST(a_damaged_one_gives_way_to_the_one_before),
                                       TEST(a_failed_one_leaves_the_last),
                                       TEST(automatic_ones),
                                       TEST(counting_goes_on),
                                       TEST(a_folder_that_cannot_be)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
