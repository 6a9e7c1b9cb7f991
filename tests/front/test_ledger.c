/* Ledgers of headless runs: what is written is read again, and a figure over its limit names its cell. */
#include "front/run/ledger.h"

#include <stdio.h>

#include "support/file.h"
#include "support/test.h"

static const char *const limits = "time=1.5,ram=1.1,device_bytes=2";

/* A run of two cells: seconds and bytes of the second. */
static void make(struct run_ledger *l, const char *against, double seconds, size_t ram, size_t device) {
    struct cell one = {.title = "One"}, two = {.title = "Two"};
    struct session_result r = {.device = "cpu", .after = {.wall = 1, .rss_peak = 100000000}};
    struct err e = {0};
    assert_ok(run_ledger_open(l, against, against ? limits : NULL, &e), &e);
    run_ledger_add(l, 1, &one, &r);
    r.after.wall = seconds;
    r.after.rss_peak = ram;
    r.device_bytes = device;
    run_ledger_add(l, 2, &two, &r);
}

static const char *old_ledger(void) {
    struct run_ledger l;
    struct err e = {0};
    static char path[512];
    snprintf(path, sizeof path, "%s", test_path("old.json"));
    make(&l, NULL, 2, 200000000, 50000000);
    assert_ok(run_ledger_write(&l, path, &e), &e);
    run_ledger_close(&l);
    return path;
}

static void expect(double seconds, size_t ram, size_t device, int over, const char *text) {
    struct run_ledger l;
    struct buf out = {0};
    make(&l, old_ledger(), seconds, ram, device);
    assert_int_equal(run_ledger_compare(&l, &out), over);
    if (!strstr(buf_text(&out), text)) fail_msg("no '%s' in:\n%s", text, buf_text(&out));
    buf_free(&out);
    run_ledger_close(&l);
}

static void test_limits(void **state) {
    (void)state;
    expect(2, 200000000, 50000000, 0, "");
    expect(2.9, 209000000, 90000000, 0, "");
    expect(3.1, 200000000, 50000000, 1, "cell [2] Two: time 3.10 s, was 2.00 s in ");
    expect(2, 221000000, 50000000, 1, "cell [2] Two: ram 221 MB, was 200 MB in ");
    expect(1, 300000000, 101000000, 2, "more than 2 times as much");
}

/* Cells that were added before it do not make a cell another; and tiny differences are noise. */
static void test_which_cells_are_the_same(void **state) {
    struct run_ledger l;
    struct buf out = {0};
    struct err e = {0};
    (void)state;
    struct cell added = {.title = "Added"}, two = {.title = "Two"}, quick = {.title = "Quick"};
    struct session_result r = {.device = "cpu", .after = {.wall = 9}};
    static const char text[] = "{\"celda_ledger\": 1, \"cells\": [{\"cell\": 2, \"title\": \"Two\", \"time\": 2.0},"
                               "{\"cell\": 3, \"title\": \"Quick\", \"time\": 0.001}]}";
    const char *old = test_file("old.json", text, strlen(text));
    assert_ok(run_ledger_open(&l, old, "time=1.5", &e), &e);
    run_ledger_add(&l, 2, &added, &r);
    run_ledger_add(&l, 3, &two, &r);
    r.after.wall = 0.04;
    run_ledger_add(&l, 4, &quick, &r);
    assert_int_equal(run_ledger_compare(&l, &out), 1);
    assert_non_null(strstr(buf_text(&out), "cell [2] Added: not in "));
    assert_non_null(strstr(buf_text(&out), "cell [3] Two: time 9.00 s"));
    buf_free(&out);
    run_ledger_close(&l);
}

static void test_what_cannot_be_read(void **state) {
    struct run_ledger l;
    struct err e = {0};
    const char *old = old_ledger();
    (void)state;
    assert_error(run_ledger_open(&l, old, NULL, &e), ERR_VALUE, "--against needs --fail-over", &e);
    run_ledger_close(&l);
    assert_error(run_ledger_open(&l, NULL, "time=2", &e), ERR_VALUE, "--fail-over needs --against", &e);
    run_ledger_close(&l);
    static const char *const wrong[] = {"tme=2", "time", "time=", "time=x", "time=-1", "time=2,ram"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        assert_error(run_ledger_open(&l, old, wrong[i], &e), ERR_VALUE, "cannot read the limit", &e);
        run_ledger_close(&l);
    }
    assert_error(run_ledger_open(&l, test_file("x.json", "{}", 2), "time=2", &e), ERR_VALUE, "is no ledger", &e);
    run_ledger_close(&l);
    assert_error(run_ledger_open(&l, "/nowhere.json", "time=2", &e), ERR_IO, "/nowhere.json", &e);
    run_ledger_close(&l);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_limits),
        cmocka_unit_test(test_which_cells_are_the_same),
        cmocka_unit_test(test_what_cannot_be_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
