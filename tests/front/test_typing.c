/* Cells of many lines typed on a terminal: what the screen shows, and what runs. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "support/screen.h"
#include "support/terminal.h"
#include "support/test.h"

static const char up[] = "\033[A", down[] = "\033[B", paste_begin[] = "\033[200~", paste_end[] = "\033[201~";

static struct screen screen;

static void begin_as(struct terminal *t, const char *term, bool colour, int columns) {
    screen_open(&screen, 30, columns);
    t->screen = &screen;
    terminal_start_as(t, term, colour, columns, NULL, NULL);
    terminal_await(t, "]: ");
}

/* Returns the row of the first prompt, which stands below the greeting. */
static int begin(struct terminal *t, int columns) {
    begin_as(t, "xterm", true, columns);
    return screen.row;
}

static void finish(struct terminal *t) {
    terminal_type(t, "\004");
    assert_int_equal(terminal_finish(t), 0);
    screen_close(&screen);
}

/* Types it, and waits until a row of the screen is as it should be. */
static void type(struct terminal *t, const char *keys, int row, const char *text) {
    terminal_type(t, keys);
    terminal_await_row(t, row, text);
}

static void test_several_lines(void **state) {
    struct terminal t;
    (void)state;
    const int row = begin(&t, 80);
    type(&t, "for i = 1, 2 do\r", row + 1, "...:");
    type(&t, "if i == 2 then\rprint('two', i)", row + 2, "...:     print('two', i)");
    type(&t, "\rend\r", row + 3, "...:   end");
    type(&t, "end", row + 4, "...: end");
    type(&t, "\r", row + 5, "two     2");
    terminal_await_row(&t, row + 7, "[2]:");
    type(&t, "if x then\relse", row + 8, "...: else");
    type(&t, "where", row + 8, "...:   elsewhere"); /* it is no such word */
    type(&t, "\003", row + 9, "[2]:");
    terminal_await_row(&t, row + 8, "...:   elsewhere^C");
    finish(&t);
}

static void test_paste(void **state) {
    struct terminal t;
    char text[200];
    (void)state;
    const int row = begin(&t, 80);
    snprintf(text, sizeof text, "%sfunction f(x)\r    return x + 1\r\rend\rf(1)\r%s", paste_begin, paste_end);
    type(&t, text, row + 5, "...:");
    terminal_await_row(&t, row + 1, "...:     return x + 1");
    terminal_await_row(&t, row + 2, "...:");
    type(&t, "\r", row + 6, "2");
    terminal_await_row(&t, row + 8, "[2]:");
    finish(&t);
}

/* As it comes from a Windows file. */
static void test_paste_of_crlf(void **state) {
    struct terminal t;
    char text[200];
    (void)state;
    const int row = begin(&t, 80);
    snprintf(text, sizeof text, "%ss = [[one\r\ntwo]]\r\n\r\n#s%s", paste_begin, paste_end);
    type(&t, text, row + 3, "...: #s");
    terminal_await_row(&t, row + 1, "...: two]]");
    type(&t, "\r", row + 4, "7");
    terminal_await_row(&t, row + 6, "[2]:");
    finish(&t);
}

/* A cell comes back whole, its lines can be walked and edited, and after leaving it is still there. */
static void test_history(void **state) {
    struct terminal t;
    (void)state;
    int row = begin(&t, 80);
    type(&t, "for i = 1, 2 do\r\rprint(i)\rend\r", row + 5, "2");
    terminal_await_row(&t, row + 7, "[2]:");
    type(&t, "other = 1\r", row + 9, "[3]:");
    type(&t, "f\033[A", row + 9, "[3]: for i = 1, 2 do"); /* what begins so, not the last */
    terminal_await_row(&t, row + 12, "...: end");
    terminal_type(&t, up);
    type(&t, "\005\010, i)", row + 11, "...:   print(i, i)");
    type(&t, "\003", row + 13, "[3]:");
    type(&t, "\022prin", row + 13, "(reverse-i-search)`prin': for i = 1, 2 do");
    type(&t, "\003", row + 17, "[3]:");
    type(&t, "x = 3\r", row + 19, "[4]:");
    type(&t, up, row + 19, "[4]: x = 3");
    type(&t, down, row + 19, "[4]:");
    finish(&t);
    row = begin(&t, 80);
    type(&t, "\033[A\033[A\033[A", row, "[1]: for i = 1, 2 do");
    terminal_await_row(&t, row + 1, "...:");
    type(&t, "\r", row + 5, "2");
    terminal_await_row(&t, row + 7, "[2]:");
    finish(&t);
}

static void test_keys(void **state) {
    struct terminal t;
    (void)state;
    const int row = begin(&t, 80);
    type(&t, "x = 1\033\ry = 2", row + 1, "...: y = 2");
    type(&t, "\001z, \005 + 1", row + 1, "...: z, y = 2 + 1");
    type(&t, "\025y = 7", row + 1, "...: y = 7");
    type(&t, "\033[A\001\013t = {\r5}", row + 1, "...:   5}");
    type(&t, "\033[B\005\r", row + 4, "[2]:");
    type(&t, "t[1], y\r", row + 5, "5, 7");
    terminal_await_row(&t, row + 7, "[3]:");
    type(&t, "function f(\rx)\r\t\tg()", row + 9, "...:       g()");
    type(&t, "\014", 0, "[3]: function f(");
    terminal_await_row(&t, 3, "");
    type(&t, "\003", 3, "[3]:");
    finish(&t);
}

/* What fits is listed below, and the input is drawn again. */
static void test_tab(void **state) {
    struct terminal t;
    (void)state;
    const int row = begin(&t, 80);
    type(&t, "x = tensor.ara\t", row, "[1]: x = tensor.arange");
    type(&t, "(\t", row + 1, "start  stop   step   dtype");
    terminal_await_row(&t, row + 2, "[1]: x = tensor.arange(");
    type(&t, "3)\rkeras.layers.Dense{uni\t", row + 4, "[2]: keras.layers.Dense{units =");
    type(&t, "3, k\t", row + 5, "kernel_initializer =   \"glorot_uniform\"  an initializer or its name");
    terminal_await_row(&t, row + 6, "keras");
    terminal_await_row(&t, row + 7, "[2]: keras.layers.Dense{units = 3, ker");
    type(&t, "\003", row + 8, "[2]:");
    type(&t, "%runt\t c\t\r", row + 9, "runtime: cpu");
    terminal_await_row(&t, row + 11, "[3]:");
    type(&t, "y = math.floor(x\033[Z", row + 12, "math.floor(x)");
    terminal_await_row(&t, row + 13, "The greatest integer not above x.");
    type(&t, "\003", row + 15, "[3]:");
    type(&t, "io.open('/usr/bi\t", row + 15, "[3]: io.open('/usr/bin/");
    type(&t, "\003", row + 16, "[3]:");
    finish(&t);
}

static void test_resizing(void **state) {
    struct terminal t;
    (void)state;
    const int row = begin(&t, 80);
    type(&t, "t = {\r'one two three four', 'five six seven'}", row + 1,
         "...:   'one two three four', 'five six seven'}");
    const int below = row + 2; /* the greeting takes two rows more */
    terminal_resize(&t, 30);
    terminal_await_row(&t, below + 1, "...:   'one two three four', '");
    terminal_await_row(&t, below + 2, "     five six seven'}");
    terminal_await_row(&t, below, "[1]: t = {");
    terminal_resize(&t, 60);
    terminal_await_row(&t, below + 1, "...:   'one two three four', 'five six seven'}");
    terminal_await_row(&t, below + 2, "");
    type(&t, "\r", below + 3, "[2]:");
    type(&t, "t[1]\r", below + 4, "\"one two three four\"");
    terminal_await_row(&t, below + 6, "[3]:");
    finish(&t);
}

/* After Ctrl-Z and fg the terminal is ours again, and the input is drawn where the cursor is. */
static void test_stop(void **state) {
    struct terminal t;
    (void)state;
    const int row = begin(&t, 80);
    type(&t, "if true then\r", row + 1, "...:");
    kill(t.pid, SIGSTOP);
    kill(t.pid, SIGCONT);
    terminal_await_row(&t, row + 1, "[1]: if true then");
    type(&t, "print(42)\r", row + 2, "...:   print(42)");
    type(&t, "end\r", row + 4, "42");
    terminal_await_row(&t, row + 6, "[2]:");
    finish(&t);
}

static void test_narrow_window(void **state) {
    struct terminal t;
    (void)state;
    const int row = begin(&t, 20);
    terminal_await_row(&t, row - 1, "  Ctrl-D leaves."); /* the greeting */
    type(&t, "x = 'one two three'", row, "[1]: x = 'one two th");
    terminal_await_row(&t, row + 1, "     ree'");
    type(&t, "\010\010\010\010\010'", row, "[1]: x = 'one two t'");
    terminal_await_row(&t, row + 1, "");
    type(&t, "\rx\r", row + 3, "\"one two t\"");
    terminal_await_row(&t, row + 5, "[3]:");
    finish(&t);
}

static void test_wide_characters(void **state) {
    struct terminal t;
    (void)state;
    const int row = begin(&t, 80);
    type(&t, "s = '\u65e5\u672c\u8a9e'", row, "[1]: s = '\u65e5\u672c\u8a9e'");
    type(&t, "\010\010", row, "[1]: s = '\u65e5\u672c");
    type(&t, "\002e\u0301", row, "[1]: s = '\u65e5e\u0301\u672c");
    assert_int_equal(screen.column, 13);
    type(&t, "\005'\r", row + 2, "[2]:");
    type(&t, "#s\r", row + 3, "9");
    terminal_await_row(&t, row + 5, "[3]:");
    finish(&t);
}

/* Higher than the window: the cursor's part of it is seen, and when it runs all of it was. */
static void test_tall_cell(void **state) {
    struct terminal t;
    struct buf text = {0};
    (void)state;
    begin(&t, 80);
    buf_puts(&text, paste_begin);
    buf_puts(&text, "t = {");
    for (int i = 1; i <= 40; i++) buf_printf(&text, "\r  %d,", i);
    buf_printf(&text, "\r}%s", paste_end);
    type(&t, buf_text(&text), 29, "...: }");
    terminal_await_row(&t, 0, "...:   12,");
    buf_free(&text);
    for (int i = 0; i < 41; i++) buf_puts(&text, up);
    type(&t, buf_text(&text), 0, "[1]: t = {");
    terminal_await_row(&t, 29, "...:   29,");
    buf_free(&text);
    for (int i = 0; i < 41; i++) buf_puts(&text, down);
    type(&t, buf_text(&text), 29, "...: }");
    buf_free(&text);
    type(&t, "\r", 29, "[2]:");
    terminal_await_row(&t, 27, "...: }");
    terminal_await_row(&t, 0, "...:   14,");
    finish(&t);
}

static void test_colours(void **state) {
    struct terminal t;
    (void)state;
    int row = begin(&t, 80);
    type(&t, "if x then", row, "[1]: if x then");
    type(&t, "\003", row + 1, "[1]:");
    assert_true(screen.coloured);
    finish(&t);
    begin_as(&t, "xterm", false, 80);
    row = screen.row;
    type(&t, "if (x) then", row, "[1]: if (x) then");
    type(&t, "\003", row + 1, "[1]:");
    assert_false(screen.coloured);
    finish(&t);
}

/* Lines go in one by one, and nothing is written but text. */
static void test_dumb_terminal(void **state) {
    struct terminal t;
    (void)state;
    begin_as(&t, "dumb", true, 80);
    const int row = screen.row;
    type(&t, "for i = 1, 2 do\r", row + 1, "...:");
    type(&t, "print(i) end\r", row + 3, "2");
    terminal_await_row(&t, row + 5, "[2]:");
    assert_false(screen.escapes);
    finish(&t);
}

/* What the user bound in ~/.inputrc is bound. */
static void test_inputrc(void **state) {
    struct terminal t;
    char file[300];
    const char *tmp = getenv("TEST_TMP");
    (void)state;
    snprintf(file, sizeof file, "%s/inputrc", tmp ? tmp : "/tmp");
    FILE *f = fopen(file, "w");
    assert_non_null(f);
    fputs("\"\\C-t\": \"print(1)\"\n\"\\C-v\": accept-line\n\"\\C-f\": celda-new-line\n", f);
    fclose(f);
    setenv("INPUTRC", file, 1);
    const int row = begin(&t, 80);
    unsetenv("INPUTRC");
    type(&t, "\024", row, "[1]: print(1)");
    type(&t, "\006", row + 1, "...:");
    type(&t, "\024\026", row + 3, "1");
    terminal_await_row(&t, row + 5, "[2]:");
    finish(&t);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_several_lines),   cmocka_unit_test(test_paste),     cmocka_unit_test(test_paste_of_crlf),
        cmocka_unit_test(test_history),         cmocka_unit_test(test_keys),      cmocka_unit_test(test_tab),
        cmocka_unit_test(test_resizing),        cmocka_unit_test(test_stop),      cmocka_unit_test(test_narrow_window),
        cmocka_unit_test(test_wide_characters), cmocka_unit_test(test_tall_cell), cmocka_unit_test(test_colours),
        cmocka_unit_test(test_dumb_terminal),   cmocka_unit_test(test_inputrc),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
