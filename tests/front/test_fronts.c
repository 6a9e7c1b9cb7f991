/* The binary as a user meets it: headless runs, scripts, wrong words, and the REPL on a real pseudo-terminal. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/json.h"
#include "support/terminal.h"
#include "support/test.h"

static const char *const notebook =
    "-- %% [markdown]\n-- # Chapter\n--\n-- A paragraph is filled to the columns\n-- that there are.\n-- - an item, "
    "which "
    "is as long as\n--   two whole lines\n\n-- %% First\nlocal x = 41\nprint('out')\nx + 1\n\n"
    "-- %% Second\nerror('boom')\n\n-- %% Third\nprint('third', x)\n";

static char path[256];

static int write_notebook(void **state) {
    (void)state;
    const char *tmp = getenv("TEST_TMP");
    snprintf(path, sizeof path, "%s/nb.cells", tmp ? tmp : "/tmp");
    FILE *f = fopen(path, "w");
    if (!f) return -1;
    fputs(notebook, f);
    return fclose(f);
}

/* Runs "celda ARGS" in a shell; its output and errors go to out. Returns the exit status. */
static int celda(const char *args, struct buf *out) {
    char command[1024];
    const char *binary = getenv("CELDA");
    char room[4096];
    size_t n;
    buf_free(out);
    snprintf(command, sizeof command, "%s %s 2>&1", binary ? binary : "./celda", args);
    FILE *p = popen(command, "r");
    assert_non_null(p);
    while ((n = fread(room, 1, sizeof room, p)) > 0) buf_put(out, room, n);
    return WEXITSTATUS(pclose(p));
}

static void expect(const char *args, int status, const char *text) {
    struct buf out = {0};
    int got = celda(args, &out);
    if (got != status || !strstr(buf_text(&out), text))
        fail_msg("celda %s: status %d (%d expected), no '%s' in:\n%s", args, got, status, text, buf_text(&out));
    buf_free(&out);
}

static void test_headless(void **state) {
    char args[512];
    (void)state;
    snprintf(args, sizeof args, "run %s", path);
    expect(args, 1, "out\n42\n");
    expect(args, 1, "[2]:1: boom");
    expect(args, 1, "cell [2] Second failed (line 15 of the file)");
    snprintf(args, sizeof args, "run %s --cells 1,3", path);
    expect(args, 0, "third\t41");
    snprintf(args, sizeof args, "run %s --cells 7", path);
    expect(args, 2, "no cells '7'");
    snprintf(args, sizeof args, "run %s --cells x", path);
    expect(args, 2, "cannot read the list of cells 'x'");
    expect("run /nowhere/x.cells", 1, "/nowhere/x.cells");
    expect("run", 2, "which notebook?");
    expect("run a b", 2, "what is 'b'");
}

/* What a cell's marker asks for: tags choose, a timeout names the cell that took too long. */
static void test_metadata(void **state) {
    char args[512], file[300];
    (void)state;
    snprintf(file, sizeof file, "%s.meta.cells", path);
    FILE *f = fopen(file, "w");
    assert_non_null(f);
    fputs("-- %% Quick tags=[\"quick\"]\nprint('quick ran')\n\n"
          "-- %% Slow tags=[\"slow\", \"net\"] timeout=0.2\nwhile true do local t = {} end\n",
          f);
    fclose(f);
    snprintf(args, sizeof args, "run %s", file);
    expect(args, 1, "TimeoutError: [2] Slow took longer than its timeout of 0.2 s");
    snprintf(args, sizeof args, "run %s --skip-tags=net,other", file);
    expect(args, 0, "quick ran");
    snprintf(args, sizeof args, "run %s --tags quick", file);
    expect(args, 0, "quick ran");
    snprintf(args, sizeof args, "run %s --tags other", file);
    expect(args, 2, "no cells with the tags 'other'");
    snprintf(args, sizeof args, "run %s --tags", file);
    expect(args, 2, "without its value: '--tags'");
}

static void test_ledger(void **state) {
    char args[1024];
    (void)state;
    snprintf(args, sizeof args, "run %s --cells 1,3 --ledger %s.json", path, path);
    expect(args, 0, "third");
    snprintf(args, sizeof args, "run %s --cells 1,3 --against %s.json --fail-over time=1000,ram=2", path, path);
    expect(args, 0, "third");
    snprintf(args, sizeof args, "run %s --cells 1,3 --against %s.json --fail-over ram=0.01", path, path);
    expect(args, 0, "third"); /* a few MB are noise */
    snprintf(args, sizeof args, "run %s --ledger /nowhere/x.json", path);
    expect(args, 1, "cannot write the ledger '/nowhere/x.json'");
    snprintf(args, sizeof args, "run %s --fail-over time=2", path);
    expect(args, 2, "--fail-over needs --against");
    expect("-e '%ledger'", 0, "peak RAM");
}

/* A loop that prints ends when nobody reads any more. */
static void test_closed_pipe(void **state) {
    char args[512], file[300];
    (void)state;
    snprintf(file, sizeof file, "%s.loop.cells", path);
    FILE *f = fopen(file, "w");
    assert_non_null(f);
    fputs("-- %%\nwhile true do print('again') end\n", f);
    fclose(f);
    snprintf(args, sizeof args, "run %s 2>&1 | head -n 2", file);
    expect(args, 0, "again");
    snprintf(args, sizeof args, "run %s --json | head -n 3", file);
    expect(args, 0, "again");
    expect("-e \"while true do print('again') end\" | head -n 1", 0, "again");
}

static void test_json_events(void **state) {
    char args[512];
    struct buf out = {0};
    struct err e = {0};
    int lines = 0, ends = 0;
    (void)state;
    snprintf(args, sizeof args, "run %s --json", path);
    assert_int_equal(celda(args, &out), 1);
    for (char *line = strtok(out.data, "\n"); line; line = strtok(NULL, "\n"), lines++) {
        json_t *j = json_parse(line, strlen(line), &e);
        assert_ok(e.status, &e);
        ends += strcmp(json_string_value(json_object_get(j, "event")), "end") == 0;
        json_decref(j);
    }
    assert_int_equal(ends, 2);
    assert_true(lines >= 6);
    buf_free(&out);
}

static void test_code_and_scripts(void **state) {
    (void)state;
    expect("-e '1 +'", 1, "unexpected symbol");
    expect("-e 'local a = 2 print(1 + 1) return a'", 0, "2\n2\n");
    expect("-e 'error({})'", 1, "the error is {}");
    expect("-e 'os.exit(3)'", 3, "");
    expect("-e '%devices'", 0, "gpu: not available");
    expect("-e '%runtime gpu'", 1, "UnsupportedError");
    expect("-e '%runtmie'", 1, "did you mean %runtime?");
    expect("-e '%time 1 + 1'", 0, "Wall time");
    expect("notebooks/tour.cells --cells 3", 2, "celda run notebooks/tour.cells takes options");
    expect("nofile.lua", 1, "cannot open 'nofile.lua'");
    expect("--hepl", 2, "did you mean '--help'?");
    expect("rn", 2, "did you mean 'run'?");
    expect("--version", 0, "celda 0.");
    expect("--help", 0, "celda run NOTEBOOK.cells");
    expect("- </dev/null", 0, "");
}

/* ---- the REPL ------------------------------------------------------------------------------------------------------ */

static void test_repl(void **state) {
    struct terminal t;
    (void)state;
    terminal_start(&t, 80, NULL, NULL);
    terminal_await(&t, "[1]: ");
    terminal_type(&t, "local x = 20\r");
    terminal_await(&t, "[2]: ");
    terminal_type(&t, "for i = 1, 2 do\r");
    terminal_await(&t, "...: ");
    terminal_type(&t, "x = x + i end\r");
    terminal_await(&t, "[3]: ");
    terminal_type(&t, "x\r");
    terminal_await(&t, "23\r\n");
    terminal_await(&t, "[4]: ");
    terminal_type(&t, "unfinished(\003");
    terminal_await(&t, "^C");
    terminal_await(&t, "[4]: ");
    terminal_type(
        &t,
        "while true do local t = {} end\r"); /* allocates: ThreadSanitizer passes signals on in its own calls alone */
    usleep(300000);
    terminal_type(&t, "\003");
    terminal_await(&t, "KeyboardInterrupt");
    terminal_await(&t, "[5]: ");
    terminal_type(&t, "\003\003");
    terminal_await(&t, "[5]: ");
    terminal_type(&t, "x\r");
    terminal_await(&t, "23\r\n");
    terminal_await(&t, "]: ");
    terminal_type(&t, "tensor.aran\t");
    terminal_await(&t, "tensor.arange");
    terminal_type(&t, "(3)\r");
    terminal_await(&t, "[0 1 2]");
    terminal_await(&t, "]: ");
    terminal_type(&t, "\004");
    assert_int_equal(terminal_finish(&t), 0);
}

/* What a program prints that a cell runs stands between what the cell printed before and after. */
static void test_order_with_programs(void **state) {
    struct terminal t;
    (void)state;
    terminal_start(&t, 80, NULL, NULL);
    terminal_await(&t, "[1]: ");
    terminal_type(&t, "for i = 1, 2 do print('a', i) print('b', i) os.execute('echo c ' .. i) end\r");
    terminal_await(&t, "a\t1\r\nb\t1\r\nc 1\r\na\t2\r\nb\t2\r\nc 2\r\n");
    terminal_await(&t, "[2]: ");
    terminal_type(&t, "os.execute({})\r");
    terminal_await(&t, "bad argument #1 to 'execute'");
    terminal_await(&t, "[3]: ");
    terminal_type(&t, "\004");
    assert_int_equal(terminal_finish(&t), 0);
}

/* Ctrl-C during a program that a cell runs ends both; output that did not end its line does, before what the cell cost; a
 * search that found a cell of several lines runs it; exit leaves. */
static void test_what_hands_are_used_to(void **state) {
    struct terminal t;
    (void)state;
    terminal_start(&t, 80, NULL, NULL);
    terminal_type_at(&t, "[1]: ", "for i = 1, 100 do os.execute('sleep 0.1') end\r");
    terminal_await(&t, "\r\n");
    usleep(300000);
    terminal_type(&t, "\003");
    terminal_await(&t, "KeyboardInterrupt");
    terminal_type_at(&t, "[2]: ", "io.write('no end')\r");
    terminal_await(&t, "no end\r\n");
    terminal_type_at(&t, "[3]: ", "for i = 1, 2 do\rprint('found', i)\rend\r");
    terminal_await(&t, "found\t2\r\n");
    terminal_type_at(&t, "[4]: ", "local mine = 1\r");
    terminal_type_at(&t, "[5]: ", "\022found");
    usleep(100000);
    terminal_type(&t, "\r");
    terminal_await(&t, "found\t2\r\n");
    terminal_type_at(&t, "[6]: ", "exit = 5\r");
    terminal_type_at(&t, "[7]: ", "exit\r");
    terminal_await(&t, "5\r\n");
    terminal_type_at(&t, "[8]: ", "quit()\r");
    assert_int_equal(terminal_finish(&t), 0);
}

/* A terminal that says it knows kitty's graphics gets a picture; one that says it knows sixels gets these; and one that
 * knows neither gets text. It is asked once. */
static void check_pictures(const char *answer, const char *picture) {
    struct terminal t;
    terminal_start(&t, 80, NULL, NULL);
    terminal_await(&t, "[1]: ");
    terminal_type(&t, "plot.line({1, 2})\r");
    terminal_await(&t, "\033[c");
    terminal_type(&t, answer);
    terminal_await(&t, picture);
    terminal_await(&t, "[2]: ");
    terminal_type(&t, "plot.line({1, 2})\r");
    terminal_await(&t, picture);
    terminal_await(&t, "[3]: ");
    terminal_type(&t, "plot.line({1, 2})\rprint(6 * 7)\r");
    terminal_await(&t, picture);
    terminal_await(&t, "42\r\n");
    terminal_await(&t, "]: ");
    terminal_type(&t, "\004");
    assert_int_equal(terminal_finish(&t), 0);
}

static void test_pictures(void **state) {
    (void)state;
    check_pictures("\033_Gi=31;OK\033\\\033[?62;22c", "\033_Ga=T,f=100");
    check_pictures("\033[?62;4;22c", "\033P0;1;0q");
    check_pictures("\033[?62;44;22c", "\u28b8");
}

/* A text takes a progress line away, one that did not end its line is left whole, and Ctrl-C leaves the bar ended. */
static void test_progress(void **state) {
    struct terminal t;
    (void)state;
    terminal_start(&t, 80, NULL, NULL);
    terminal_await(&t, "[1]: ");
    terminal_type(&t, "for x in progress(3) do io.write('part') if x == 3 then print() end end\r");
    terminal_await(&t, "0/3 ");
    terminal_await(&t, "\r\033[Kpart");
    terminal_await(&t, "\r\n");
    terminal_await(&t, "3/3 ");
    terminal_await(&t, "[2]: ");
    terminal_type(&t, "for x in progress(1 << 60) do end\r");
    terminal_await(&t, "/1152921504606846976 ");
    terminal_type(&t, "\003");
    terminal_await(&t, "KeyboardInterrupt");
    terminal_await(&t, "[3]: ");
    terminal_type(&t, "\004");
    assert_int_equal(terminal_finish(&t), 0);
}

static void test_notebook_by_steps(void **state) {
    struct terminal t;
    (void)state;
    terminal_start(&t, 40, path, NULL);
    terminal_await(&t, "Chapter");
    terminal_await(
        &t, "A paragraph is filled to the columns\r\nthat there are.\r\n- an item, which is as long as two whole\r\n"
            "  lines");
    terminal_await(&t, "[1] First");
    terminal_type_at(&t, "in 1: ", "\r");
    terminal_await(&t, "42");
    terminal_await(&t, "[2] Second");
    terminal_type_at(&t, "in 1: ", "\r");
    terminal_await(&t, "boom");
    terminal_type_at(&t, "in 1: ", "%list\r");
    terminal_await(&t, "\u2717 [2] Second");
    terminal_type_at(&t, "in 2: ", "%skip\r");
    terminal_await(&t, "[3] Third");
    terminal_type_at(&t, "in 3: ", "\r");
    terminal_await(&t, "third");
    terminal_await(&t, "last cell");
    terminal_type_at(&t, "in 3: ", "%rerun 1\r");
    terminal_await(&t, "42");
    terminal_type_at(&t, "in 4 (1 stale): ", "%rerun 9\r");
    terminal_await(&t, "numbered 1 to 3");
    terminal_type_at(&t, "in 5 (1 stale): ", "\004");
    assert_int_equal(terminal_finish(&t), 0);
}

/* Without a checkpoint cells that were done are out of date, and %run stale makes again what is gone. */
static void test_resume_without_a_checkpoint(void **state) {
    struct terminal t;
    char file[300];
    (void)state;
    snprintf(file, sizeof file, "%s.unsaved.cells", path);
    FILE *f = fopen(file, "w");
    assert_non_null(f);
    fputs("-- %%\nx = 6 * 7\n\n-- %%\nprint('begun') while true do end\n", f);
    fclose(f);
    terminal_start(&t, 80, file, NULL);
    terminal_type_at(&t, "in 1: ", "\r");
    terminal_type_at(&t, "in 1: ", "\r");
    terminal_await(&t, "begun\r\n");
    kill(t.pid, SIGKILL);
    assert_int_equal(terminal_finish(&t), -1);
    terminal_start(&t, 80, file, NULL);
    terminal_type_at(&t, "Resume from cell 2 (", "\r");
    terminal_await(&t, "There is no checkpoint, so variables are not restored");
    terminal_type_at(&t, "in 1 (1 stale): ", "%run stale\r");
    terminal_type_at(&t, "in 2: ", "x\r");
    terminal_await(&t, "42\r\n");
    terminal_type_at(&t, "in 3: ", "\004");
    assert_int_equal(terminal_finish(&t), 0);
}

/* Killed while a cell runs, a notebook is gone on with where it was: what was seen is shown again, and cells that were done
 * count as done. */
static void test_resume_after_a_kill(void **state) {
    struct terminal t;
    char args[512], file[300];
    (void)state;
    snprintf(file, sizeof file, "%s.killed.cells", path);
    FILE *f = fopen(file, "w");
    assert_non_null(f);
    fputs("-- %%\nx = 6 * 7 print('out', x)\n\n-- %%\nprint('begun') while true do end\n", f);
    fclose(f);
    terminal_start(&t, 80, file, NULL);
    terminal_type_at(&t, "in 1: ", "\r");
    terminal_await(&t, "42");
    terminal_type_at(&t, "in 1: ", "%checkpoint\r");
    terminal_await(&t, "checkpoint written");
    terminal_type_at(&t, "in 2: ", "y = 1\r");
    terminal_type_at(&t, "in 3: ", "\r");
    terminal_await(&t, "begun\r\n");
    kill(t.pid, SIGKILL);
    assert_int_equal(terminal_finish(&t), -1);
    snprintf(args, sizeof args, "%s </dev/null", file);
    expect(args, 0, "was cut off; to go on with it: celda resume");
    expect("resume --list", 0, "was cut off while [2] ran, next is cell 2");
    terminal_start(&t, 80, file, NULL);
    terminal_type_at(&t, "Resume from cell 2 (", "\r");
    terminal_await(&t, "out\t42");
    terminal_await(&t, "begun");
    terminal_await(&t, "[2] was interrupted here");
    terminal_await(&t, "loaded 1 variable");
    terminal_await(&t, "What 1 typed input made is not restored.");
    terminal_type_at(&t, "in 3: ", "x, y\r");
    terminal_await(&t, "42, nil");
    terminal_type_at(&t, "in 4: ", "%list\r");
    terminal_await(&t, "\u2713 [1]");
    terminal_await(&t, ">  [2]");
    terminal_type_at(&t, "in 5: ", "%history -n 1-2\r");
    terminal_await(&t, "   1: %checkpoint\r\n   2: y = 1\r\n");
    terminal_type_at(&t, "in 6: ", "\004");
    assert_int_equal(terminal_finish(&t), 0);
    terminal_start(&t, 80, file, NULL);
    terminal_type_at(&t, "in 1: ", "\004"); /* it ended: nobody asks */
    assert_int_equal(terminal_finish(&t), 0);
    expect("resume /nowhere.cells", 1, "cannot open '/nowhere.cells'");
    expect("resume a b", 2, "what is 'b'");
    expect("resume --lst", 2, "unknown option '--lst'");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_headless),
        cmocka_unit_test(test_metadata),
        cmocka_unit_test(test_ledger),
        cmocka_unit_test(test_closed_pipe),
        cmocka_unit_test(test_json_events),
        cmocka_unit_test(test_code_and_scripts),
        cmocka_unit_test(test_repl),
        cmocka_unit_test(test_order_with_programs),
        cmocka_unit_test(test_what_hands_are_used_to),
        cmocka_unit_test(test_notebook_by_steps),
        cmocka_unit_test(test_pictures),
        cmocka_unit_test(test_progress),
        cmocka_unit_test(test_resume_after_a_kill),
        cmocka_unit_test(test_resume_without_a_checkpoint),
    };
    return cmocka_run_group_tests(tests, write_notebook, NULL);
}
