/* Magic lines: by their form, and in a cell by their place between statements. */
#include "cell/magic_line.h"
#include "support/test.h"

static void expect_line(const char *line, enum cell_magic_kind kind, const char *name, const char *args) {
    struct cell_magic m = cell_magic_line(line, strlen(line));
    if (m.kind != kind) fail_msg("\"%s\" is of kind %d", line, m.kind);
    if (kind == CELL_MAGIC_NONE) return;
    assert_int_equal(m.name.end - m.name.begin, strlen(name));
    assert_memory_equal(line + m.name.begin, name, strlen(name));
    assert_int_equal(m.args.end - m.args.begin, strlen(args));
    assert_memory_equal(line + m.args.begin, args, strlen(args));
}

static void test_lines(void **state) {
    (void)state;
    expect_line("%runtime gpu", CELL_MAGIC_LINE, "runtime", "gpu");
    expect_line("  %run 1,3-5  \r\n", CELL_MAGIC_LINE, "run", "1,3-5");
    expect_line("-- %runtime gpu", CELL_MAGIC_LINE, "runtime", "gpu");
    expect_line("--%runtime", CELL_MAGIC_LINE, "runtime", "");
    expect_line("%%time", CELL_MAGIC_CELL, "time", "");
    expect_line("-- %%time -n 3", CELL_MAGIC_CELL, "time", "-n 3");
    expect_line("?keras.layers.Dense", CELL_MAGIC_HELP, "keras.layers.Dense", "");
    expect_line("model:fit?", CELL_MAGIC_HELP, "model:fit", "");
    expect_line("print??", CELL_MAGIC_HELP, "print", "");
    expect_line("?%runtime", CELL_MAGIC_HELP, "%runtime", "");
    expect_line("?", CELL_MAGIC_HELP, "", "");
    expect_line(" ?? ", CELL_MAGIC_HELP, "", "");
    expect_line("!ls -l", CELL_MAGIC_SHELL, "", "ls -l");
    expect_line(" x = !ls 'a b' ", CELL_MAGIC_SHELL, "x", "ls 'a b'");
    expect_line("local files=!ls", CELL_MAGIC_SHELL, "local files", "ls");
    expect_line("localx = !ls", CELL_MAGIC_SHELL, "localx", "ls");
    static const char *const none[] = {
        "!",   "x = !",    "x == !y",      "x.y = !ls",    "-- !ls",    "f() = !ls", "x = y ! z", "",
        " ",   "x = 1",    "-- a comment", "-- %% a cell", "-- %%",     "% b",       "%",         "%%%time",
        "%2",  "%time(x)", "a % b",        "-- 100 %done", "--- %time", "--  %time", "a b?",      "?a b",
        "?a?", "???",      "? ?",          "-- thing?",    "f(x)?",     "-- ?",      "-- ?thing", "%caf\xC3\xA9"};
    for (size_t i = 0; i < sizeof none / sizeof *none; i++) expect_line(none[i], CELL_MAGIC_NONE, "", "");
}

/* The names of all magics that the cell has, each followed by a space. */
static void expect_cell(const char *source, const char *expected) {
    char found[100] = "";
    struct cell_magic m;
    for (size_t from = 0; cell_magic_next(source, strlen(source), from, &m); from = m.line.end) {
        assert_in_range(m.line.begin, from, strlen(source));
        assert_true(m.line.end > m.line.begin);
        strncat(found, source + m.name.begin, m.name.end - m.name.begin);
        strcat(found, " ");
    }
    assert_string_equal(found, expected);
}

static void test_cells(void **state) {
    (void)state;
    expect_cell("%a\n%b 'unfinished\n%c [[\nx = 1\n-- %d\n", "a b c d ");
    expect_cell("x = 1 %a\n y = 2 -- %b\n", "");
    expect_cell("x = [[\n%a\n]]\n--[[\n%b\n]]\ns = 'a\\\n%c'\n%d", "d ");
    expect_cell("x = f(1\n%a)\nt = {\n-- %b\n}\n%c", "c ");
    expect_cell("if x then\n-- %a\nend\nwhile x do\n%b\nend\nfunction f()\n%c\nend\nrepeat\n%d\nuntil x\n%e", "e ");
    expect_cell("x = 1 +\n-- %a\n2\nx = y and\n%b", "");
    expect_cell("%%time\nx = 1\n%%more\n", "time ");
    expect_cell("x = 1\n%%time\n", "");
    expect_cell("print?\nx = 1\n?x", "print x ");
    expect_cell("for i = 1, 3 do print(i) end\n%a\nlocal function f() end\n%b\nreturn\n%c", "a b c ");
    expect_cell("end end\n%a", "a ");
    expect_cell("x = 1\n!echo 'it is\ny = !ls\n%a", " y a ");
    expect_cell("\r\n%a\r\nx = 1\r\n%b\r\n", "a b ");
    expect_cell("", "");
    expect_cell("x = 'unfinished\n%a", "");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lines),
        cmocka_unit_test(test_cells),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
