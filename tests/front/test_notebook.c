/* A notebook that is changed from the prompt, by another program and by both, on a real terminal; and a session that is
 * killed or cannot save. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "support/file.h"
#include "support/terminal.h"
#include "support/test.h"

static const char text[] = "-- %% First\nx = 1\n\n-- %% Second\ny = x + 1\n\n-- %% Third\nz = y + 1\n";

static char path[300];

static int write_notebook(void **state) {
    (void)state;
    snprintf(path, sizeof path, "%s", test_file("nb.cells", text, sizeof text - 1));
    setenv("EDITOR", "sed -i s/1/7/", 1);
    unsetenv("VISUAL");
    return 0;
}

static void expect_file(const char *name, const char *expected) {
    struct err e = {0};
    struct buf b = {0};
    assert_ok(buf_read_file(&b, name, &e), &e);
    assert_string_equal(buf_text(&b), expected);
    buf_free(&b);
}

static void test_changes_from_both_sides(void **state) {
    struct terminal t;
    (void)state;
    terminal_start(&t, 80, path, NULL);
    terminal_type_at(&t, "in 1: ", "\r");
    terminal_await(&t, "[2] Second");
    terminal_type_at(&t, "in 1: ", "%edit 1\r");
    terminal_await(&t, "[1] is changed; %run 1 runs it");
    terminal_await(&t, "in 2 (1 stale): ");
    expect_file(path, "-- %% First\nx = 7\n\n-- %% Second\ny = x + 1\n\n-- %% Third\nz = y + 1\n");
    test_file("nb.cells", "-- %% Second\ny = x + 5\n", 23);
    terminal_type(&t, "\r");
    terminal_await(&t, "nb.cells changed on disk: cell 1; 2 deleted\r\n");
    terminal_await(&t, "[1] Second");
    terminal_await(&t, "y = x + 5");
    terminal_type_at(&t, "in 2: ", "\r");
    terminal_type_at(&t, "in 2: ", "y\r");
    terminal_await(&t, "6\r\n");
    setenv("EDITOR", "true", 1);
    terminal_type_at(&t, "in 3: ", "%env EDITOR=f() { echo 'y = 8' >$1; echo 'y = 9' >nb.cells; }; f\r");
    terminal_type_at(&t, "in 4: ", "%edit 1\r");
    terminal_type_at(&t, "mine to another [f]ile? ", "f\r");
    terminal_type_at(&t, "Name of the file for yours: ", "mine.cells\r");
    terminal_await(&t, "the notebook is as on the disk; %undo edit brings yours back");
    terminal_type_at(&t, "in 5 (1 stale): ", "\004");
    assert_int_equal(terminal_finish(&t), 0);
    expect_file(path, "y = 9\n");
    expect_file(test_path("mine.cells"), "-- %% Second\ny = 8\n");
}

/* What was typed becomes a notebook; killed, the session is gone on with as that notebook's, and cells count as they did
 * wherever they stand now. */
static void test_kill_and_resume(void **state) {
    struct terminal t;
    char command[400], file[300];
    (void)state;
    snprintf(file, sizeof file, "%s", test_path("typed.cells"));
    snprintf(command, sizeof command, "%%write %s\r", file);
    terminal_start(&t, 80, NULL, NULL);
    terminal_type_at(&t, "[1]: ", "x = 1\r");
    terminal_type_at(&t, "[2]: ", "error('no')\r");
    terminal_type_at(&t, "[3]: ", command);
    terminal_await(&t, "is written: 2 cells");
    terminal_type_at(&t, "in 4: ", "%move 1 2\r");
    terminal_type_at(&t, "in 5: ", "%insert 3\r");
    terminal_await(&t, "[3] is new");
    terminal_await(&t, "in 6: ");
    kill(t.pid, SIGKILL);
    terminal_finish(&t);
    expect_file(file, "-- %%\nerror('no')\n\n-- %%\nx = 1\n\n-- %%\n");
    terminal_start(&t, 80, file, NULL);
    terminal_type_at(&t, "[Y/n] ", "\r");
    terminal_await(&t, "[3]: %write");
    terminal_type_at(&t, "in 6 (1 stale): ", "%list\r");
    terminal_await(&t, "\u2717 [1] error('no')");
    terminal_await(&t, "~ [2] x = 1  (stale: what it made was not restored)");
    terminal_type_at(&t, "in 7 (1 stale): ", "\004");
    assert_int_equal(terminal_finish(&t), 0);
}

static void test_what_cannot_be_saved(void **state) {
    struct terminal t;
    char folder[300], file[320];
    (void)state;
    snprintf(folder, sizeof folder, "%s", test_path("gone"));
    snprintf(file, sizeof file, "%s/nb.cells", folder);
    assert_int_equal(mkdir(folder, 0700), 0);
    assert_int_equal(rename(path, file), 0);
    terminal_start(&t, 80, file, NULL);
    terminal_await(&t, "in 1: ");
    assert_int_equal(unlink(file), 0);
    assert_int_equal(rmdir(folder), 0);
    terminal_type(&t, "%delete 2\r");
    terminal_await(&t, "Not saved, but kept in ");
    terminal_type_at(&t, "in 2 (not saved): ", "\004");
    terminal_await(&t, "The changes of nb.cells are not saved; a copy is ");
    terminal_type_at(&t, "Leave all the same? [y/N] ", "\r");
    terminal_type_at(&t, "in 2 (not saved): ", "'x' .. 'y'\r"); /* without a blank line before its value */
    terminal_await(&t, "\033[?2004l\r\"xy\"");
    terminal_type_at(&t, "in 3 (not saved): ", "\004");
    terminal_type_at(&t, "[y/N] ", "y\r");
    assert_int_equal(terminal_finish(&t), 1);
    assert_int_equal(mkdir(folder, 0700), 0);
    test_file("gone/nb.cells", text, sizeof text - 1);
    terminal_start(&t, 300, file, NULL);
    terminal_await(&t, "Changes that an earlier session could not save are in ");
    terminal_await(&t, "-nb.cells; remove it");
    terminal_type_at(&t, "in 1: ", "\004");
    assert_int_equal(terminal_finish(&t), 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_changes_from_both_sides, write_notebook),
        cmocka_unit_test_setup(test_kill_and_resume, write_notebook),
        cmocka_unit_test_setup(test_what_cannot_be_saved, write_notebook),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
