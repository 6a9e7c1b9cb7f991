/* The journal of a session: what a session shows is shown again, and how the session came to its end is known. */
#include "session/journal.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "session/journal_file.h"
#include "support/host.h"
#include "support/test.h"

struct fixture {
    struct host host;
    struct journal *journal;
    const char *notebook;
};

/* A notebook of its own for each test, so that none finds another's journals. */
static void begin(struct fixture *x, const char *notebook) {
    struct err e = {0};
    x->notebook = notebook;
    host_open(&x->host);
    assert_ok(journal_open(&x->host.sink, notebook, &x->journal, &e), &e);
    session_set_sink(x->host.session, journal_sink(x->journal));
}

static void end(struct fixture *x, bool clean) {
    session_set_sink(x->host.session, &x->host.sink);
    host_close(&x->host);
    journal_close(x->journal, clean);
}

static void run(struct fixture *x, int number, const char *source) {
    struct session_result r;
    char name[16];
    snprintf(name, sizeof name, number ? "[%d]" : "in 1", number);
    journal_begin(x->journal, name, number, source, strlen(source));
    session_run(x->host.session, source, strlen(source), name, &r);
    journal_end(x->journal, &r);
    buf_free(&r.error);
}

/* ---- a player that writes down what it is told ----------------------------------------------------------------------- */

static void on_begin(void *arg, const struct journal_cell *c) {
    buf_printf(arg, "<%s %d %.*s>", c->name, c->number, (int)c->size, c->source);
}

static void on_end(void *arg, const struct journal_cell *c, const struct session_result *r) {
    buf_printf(arg, "</%s %s %s>", c->name, !r ? "cut" : r->status ? "failed" : "ok", r ? r->device : "");
    if (r) buf_printf(arg, "%.*s", (int)r->message_size, buf_text(&r->error));
}

static void expect_play(const struct journal_info *info, const char *expected) {
    struct host seen = {0};
    struct err e = {0};
    host_open(&seen);
    struct journal_player player = {&seen.sink, on_begin, on_end, &seen.out};
    assert_ok(journal_play(info->path, &player, &e), &e);
    assert_string_equal(buf_text(&seen.out), expected);
    host_close(&seen);
}

static void test_outputs_and_ends(void **state) {
    struct fixture x;
    struct journal_info info;
    (void)state;
    begin(&x, "/nb/outputs.cells");
    run(&x, 1, "print('a') io.stderr:write('b\\n') 6 * 7");
    assert_string_equal(buf_text(&x.host.out), "a\nb\n42\n");
    run(&x, 2, "error('boom')");
    run(&x, 0, "io.write('c')");
    assert_false(journal_find_last(x.notebook, &info)); /* its session still runs */
    end(&x, true);
    assert_true(journal_find_last("/nb/outputs.cells", &info));
    assert_string_equal(info.notebook, "/nb/outputs.cells");
    assert_true(info.clean);
    assert_int_equal(info.runs, 3);
    assert_int_equal(info.next, 2);
    assert_int_equal(info.torn, 0);
    expect_play(&info, "<[1] 1 print('a') io.stderr:write('b\\n') 6 * 7>a\nb\n42\n</[1] ok cpu>"
                       "<[2] 2 error('boom')></[2] failed cpu>[2]:1: boom<in 1 0 io.write('c')>c</in 1 ok cpu>");
    assert_false(journal_find_last("/nb/others.cells", &info));
}

static void test_interrupted_and_resumed(void **state) {
    struct fixture x;
    struct journal_info info;
    struct err e = {0};
    (void)state;
    begin(&x, "/nb/cut.cells");
    run(&x, 1, "1");
    journal_begin(x.journal, "in 1", 0, "%run 2", 6);
    journal_begin(x.journal, "[2]", 2, "2", 1);
    end(&x, false);
    assert_true(journal_find_last("/nb/cut.cells", &info));
    assert_false(info.clean);
    assert_string_equal(info.interrupted, "[2]");
    assert_int_equal(info.next, 2);
    begin(&x, "/nb/cut.cells");
    assert_ok(journal_continue(x.journal, info.path, &e), &e);
    run(&x, 2, "2");
    end(&x, false);
    assert_true(journal_find_last("/nb/cut.cells", &info));
    assert_string_equal(info.interrupted, "");
    assert_int_equal(info.next, 3);
    expect_play(&info, "<[1] 1 1>1\n</[1] ok cpu><in 1 0 %run 2><[2] 2 2></[2] cut ></in 1 cut ><[2] 2 2>2\n</[2] ok "
                       "cpu>");
    assert_ok(journal_give_up(info.path, &e), &e);
    assert_true(journal_find_last("/nb/cut.cells", &info));
    assert_true(info.clean);
}

/* A session that goes on with another notebook is found as that one's, with all that ran before. */
static void test_another_notebook(void **state) {
    struct fixture x;
    struct journal_info info;
    struct err e = {0};
    (void)state;
    begin(&x, "");
    run(&x, 0, "1");
    assert_false(journal_is_of(x.journal, "/nb/later.cells"));
    assert_ok(journal_set_notebook(x.journal, "/nb/later.cells", &e), &e);
    assert_true(journal_is_of(x.journal, "/nb/later.cells"));
    run(&x, 1, "2");
    char checkpoints[300];
    snprintf(checkpoints, sizeof checkpoints, "%s", journal_checkpoints(x.journal));
    end(&x, false);
    assert_true(journal_find_last("/nb/later.cells", &info));
    assert_string_equal(info.notebook, "/nb/later.cells");
    assert_string_equal(info.checkpoints, checkpoints);
    expect_play(&info, "<in 1 0 1>1\n</in 1 ok cpu><[1] 1 2>2\n</[1] ok cpu>");
}

/* It is said once, and the session goes on. */
static void test_cannot_be_written(void **state) {
    struct fixture x;
    struct journal_info info;
    char *before = strdup(getenv("XDG_STATE_HOME"));
    (void)state;
    setenv("XDG_STATE_HOME", "/proc/nowhere", 1);
    begin(&x, "/nb/nowhere.cells");
    run(&x, 1, "print('a')");
    run(&x, 2, "print('b')");
    assert_string_equal(buf_text(&x.host.out), "a\nb\n");
    end(&x, true);
    setenv("XDG_STATE_HOME", before, 1);
    free(before);
    begin(&x, "/nb/full.cells");
    run(&x, 1, "print('a')");
    journal_file_fail(1, 1000, ENOSPC);
    run(&x, 2, "print('b')");
    journal_file_fail(0, 0, 0);
    run(&x, 3, "print('c')");
    assert_string_equal(buf_text(&x.host.out), "a\nb\nc\n");
    end(&x, true);
    assert_true(journal_find_last("/nb/full.cells", &info));
    expect_play(&info, "<[1] 1 print('a')>a\n</[1] ok cpu><[2] 2 print('b')>b\n</[2] ok cpu><[3] 3 print('c')>c\n"
                       "</[3] ok cpu>");
}

/* Each write of a session fails once, in one of three ways: its journal has all the same. */
static void test_each_write_fails(void **state) {
    static const int errors[] = {ENOSPC, EIO, 0};
    struct journal_info info;
    char notebook[64];
    (void)state;
    for (int k = 0; k < 3; k++) {
        for (size_t n = 1, seen = n; n <= seen; n++) {
            struct fixture x;
            snprintf(notebook, sizeof notebook, "/nb/write-%d-%zu.cells", k, n);
            begin(&x, notebook);
            journal_file_fail(n, 1, errors[k]);
            run(&x, 1, "print('a') io.stderr:write('b\\n') 6 * 7");
            run(&x, 2, "error('boom')");
            seen = journal_file_fail(0, 0, 0);
            end(&x, true);
            assert_true(journal_find_last(notebook, &info));
            expect_play(&info, "<[1] 1 print('a') io.stderr:write('b\\n') 6 * 7>a\nb\n42\n</[1] ok cpu>"
                               "<[2] 2 error('boom')></[2] failed cpu>[2]:1: boom");
        }
    }
}

/* What a session prints without end does not fill the disk, and its cells are written on. */
static void test_endless_output(void **state) {
    struct fixture x;
    struct journal_info info;
    struct buf file = {0};
    struct err e = {0};
    (void)state;
    begin(&x, "/nb/endless.cells");
    run(&x, 1, "local line = ('x'):rep(1 << 20) for i = 1, 70 do print(line) end");
    run(&x, 2, "1");
    end(&x, true);
    assert_true(journal_find_last("/nb/endless.cells", &info));
    assert_int_equal(info.runs, 2);
    assert_int_equal(info.next, 3);
    assert_ok(buf_read_file(&file, info.path, &e), &e);
    assert_in_range(file.len, 60 << 20, 65 << 20);
    buf_free(&file);
    unlink(info.path);
}

static void test_off(void **state) {
    struct fixture x;
    struct journal_info info;
    (void)state;
    setenv("CELDA_JOURNAL", "off", 1);
    begin(&x, "/nb/off.cells");
    run(&x, 1, "print('a')");
    assert_string_equal(buf_text(&x.host.out), "a\n");
    end(&x, false);
    unsetenv("CELDA_JOURNAL");
    assert_false(journal_find_last("/nb/off.cells", &info));
}

static void count_one(void *arg, const struct journal_info *info) {
    (void)info;
    ++*(int *)arg;
}

static void test_old_ones_are_removed(void **state) {
    struct err e = {0};
    int n = 0;
    (void)state;
    for (int i = 0; i < 60; i++) {
        struct journal *j;
        struct sink none = {0};
        char notebook[32];
        snprintf(notebook, sizeof notebook, "/nb/%d.cells", i);
        assert_ok(journal_open(&none, notebook, &j, &e), &e);
        journal_begin(j, "[1]", 1, "x", 1);
        journal_close(j, false);
    }
    assert_ok(journal_each(count_one, &n, &e), &e);
    assert_int_equal(n, 50);
    struct journal_info info;
    assert_true(journal_find_last("/nb/59.cells", &info));
    assert_false(journal_find_last("/nb/1.cells", &info));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_outputs_and_ends), cmocka_unit_test(test_interrupted_and_resumed),
        cmocka_unit_test(test_another_notebook), cmocka_unit_test(test_cannot_be_written),
        cmocka_unit_test(test_endless_output),   cmocka_unit_test(test_off),
        cmocka_unit_test(test_each_write_fails), cmocka_unit_test(test_old_ones_are_removed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
