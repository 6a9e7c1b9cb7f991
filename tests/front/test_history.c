/* The history's file: cells of many lines come back as they were, and it does not grow without end. */
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

/* readline.h wants stdio.h first */
#include <readline/history.h>

#include "base/buf.h"
#include "front/repl/repl.h"
#include "support/file.h"
#include "support/test.h"

static struct repl repl;

static void open_with(const char *text, size_t n) {
    setenv("XDG_STATE_HOME", test_path(""), 1);
    mkdir(test_path("celda"), 0700);
    test_file("celda/history", text, n);
    clear_history();
    repl_open_history(&repl);
}

static void open_again(void) {
    clear_history();
    repl_open_history(&repl);
}

static void has(int i, const char *cell) {
    const HIST_ENTRY *entry = history_get(history_base + i);
    assert_non_null(entry);
    assert_string_equal(entry->line, cell);
}

static void test_cells(void **state) {
    static const char old[] = "x = 1\nprint('a\\n')\n";
    (void)state;
    open_with(old, sizeof old - 1);
    assert_int_equal(history_length, 2);
    repl_add_history(&repl, "for i = 1, 2 do\n\n\tprint(i)\nend");
    repl_add_history(&repl, "for i = 1, 2 do\n\n\tprint(i)\nend"); /* once is enough */
    repl_add_history(&repl, "\n\ty = 2");
    repl_add_history(&repl, "");
    open_again();
    assert_int_equal(history_length, 4);
    has(1, "print('a\\n')");
    has(2, "for i = 1, 2 do\n\n\tprint(i)\nend");
    has(3, "y = 2");
}

static void test_shrinking(void **state) {
    struct buf text = {0}, kept = {0};
    struct err e = {0};
    (void)state;
    for (int i = 1; i <= 20001; i++) buf_printf(&text, "x = {\n\t%d}\n", i);
    open_with(text.data, text.len);
    assert_int_equal(history_length, 10000);
    has(0, "x = {\n10002}");
    assert_ok(buf_read_file(&kept, test_path("celda/history"), &e), &e);
    assert_memory_equal(buf_text(&kept), "x = {\n\t10002}\n", 14);
    open_again();
    assert_int_equal(history_length, 10000);
    has(9999, "x = {\n20001}");
    buf_free(&text);
    buf_free(&kept);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_cells), cmocka_unit_test(test_shrinking)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
