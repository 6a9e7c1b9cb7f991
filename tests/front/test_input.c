/* The input of many lines without a terminal: when a cell is whole, how its lines are indented, which colours it has, and on
 * which rows it lies. */
#include <locale.h>
#include <stdlib.h>

#include "base/mem.h"
#include "front/repl/input.h"
#include "support/screen.h"
#include "support/test.h"

static bool whole(const char *text) {
    return input_is_whole(text, strlen(text));
}

static void test_whole_cells(void **state) {
    (void)state;
    assert_true(whole("x = 1"));
    assert_true(whole("x"));
    assert_true(whole("x = = 1"));
    assert_true(whole("%run 3"));
    assert_true(whole("?print"));
    assert_true(whole("!ls ("));
    assert_true(whole("for i = 1, 3 do\n  f(i)\nend"));
    assert_false(whole("for i = 1, 3 do"));
    assert_false(whole("f("));
    assert_false(whole("x ="));
    assert_false(whole("s = [[a"));
    assert_false(whole("%%time"));
    assert_false(whole("%%time\nx = 1"));
    assert_true(whole("%%time\nx = 1\n"));
    assert_true(whole("%%time\nx = 1\n  "));
}

/* The indentation of a line that follows the text. */
static void indents(const char *text, const char *rest, int expected) {
    const int got = input_indentation(text, strlen(text), rest);
    if (got != expected) fail_msg("'%s' indents '%s' by %d, not %d", text, rest, got, expected);
}

static void test_indentation(void **state) {
    (void)state;
    indents("x = 1", "", 0);
    indents("for i = 1, 3 do", "", 2);
    indents("for i = 1, 3 do", "end", 0);
    indents("  while x do", "y", 4);
    indents("if x then\n  f()", "else", 0);
    indents("if x then\n  f()\nelse", "", 2);
    indents("if x then\n  f()\nelseif y then", "elsewhere", 2);
    indents("repeat", "until x", 0);
    indents("local function f(a,", "", 2);
    indents("t = {", "}", 0);
    indents("t = {", "  }", 0);
    indents("t = {\n  {1, 2},", "", 2);
    indents("map(t, function(x)", "", 2);
    indents("map(t, function(x)\n  return x", "end)", 0);
    indents("function f()\n  for i in g do\n    h()\n  end", "", 2);
    indents("function f()\nend", "", 0);
    indents("s = [[ do", "", 0);
    indents("-- do", "", 0);
    indents("f('do", "", 0);
    assert_true(input_is_closer("end", 3));
    assert_true(input_is_closer("}", 1));
    assert_false(input_is_closer("ending", 6));
    assert_false(input_is_closer("", 0));
}

/* One letter a byte: p lain, k eyword, s tring, n umber, c omment, w rong, m agic, and B rackets that are marked. */
static void paints(const char *text, int point, const char *expected) {
    static const char letter[] = {'p', '?', 'm', 'k', 's', 'n', 'c', 'w', 'B'};
    unsigned char style[200];
    char got[200] = "";
    const size_t n = strlen(text);
    input_paint(text, n, point < 0 ? n + 1 : (size_t)point, style);
    for (size_t i = 0; i < n; i++) got[i] = letter[style[i]];
    assert_string_equal(got, expected);
}

static void test_colours(void **state) {
    (void)state;
    paints("if x then", -1, "kkpppkkkk");
    paints("f('a')", -1, "ppsssp");
    paints("x=12 --y", -1, "ppnnpccc");
    paints("x='a", -1, "ppss");
    paints("x='a\nif", -1, "ppsspkk");
    paints("--[[a\nif", -1, "cccccccc");
    paints("x=3y", -1, "ppww");
    paints("%run 3", -1, "mmmmpp");
    paints("%%time\nif", -1, "mmmmmmpkk");
    paints("", -1, "");
}

static void test_brackets(void **state) {
    (void)state;
    paints("f(x)", 4, "pBpB");
    paints("f(x)", 1, "pBpB");
    paints("f(x)", 3, "pBpB"); /* the cursor is on it */
    paints("f(g(x))", 7, "pBppppB");
    paints("f(g(x))", 6, "pppBpBp");
    paints("f(')')", 6, "pBsssB");
    paints("f(", 2, "pp");
    paints("a[1]", 2, "pBnB");
    paints("abc", 2, "ppp");
}

static void lists(const struct input_candidate *c, int n, int columns, int lines, const char *expected) {
    struct buf out = {0};
    input_list_candidates(c, n, columns, lines, &out);
    assert_string_equal(buf_text(&out), expected);
    buf_free(&out);
}

static void test_candidates(void **state) {
    const struct input_candidate names[] = {{"ab", ""}, {"cd", ""}, {"efg", ""}, {"h", ""}, {"i", ""}};
    const struct input_candidate noted[] = {
        {"a = ", "1  a number"}, {"\u65e5 = ", ""}, {"long = ", "\u65e5\u672c\u8a9e"}};
    (void)state;
    lists(names, 5, 80, 10, "ab   cd   efg  h    i\n");
    lists(names, 5, 10, 10, "ab   h\ncd   i\nefg\n");
    lists(names, 5, 10, 2, "ab   cd\n... and 3 more\n");
    lists(names, 5, 3, 10, "ab\ncd\nef\nh\ni\n");
    lists(noted, 3, 80, 10, "a =      1  a number\n\u65e5 = \nlong =   \u65e5\u672c\u8a9e\n");
    lists(noted, 3, 15, 10, "a =      1  a \n\u65e5 = \nlong =   \u65e5\u672c\n");
    lists(noted, 3, 80, 2, "a =      1  a number\n... and 2 more\n");
    lists(noted, 0, 80, 2, "");
}

static void test_strings(void **state) {
    (void)state;
    assert_true(input_ends_in_string("f('a", 4));
    assert_true(input_ends_in_string("-- don't\nx = \"", 14));
    assert_false(input_ends_in_string("f('a')", 6));
    assert_false(input_ends_in_string("-- don't", 8));
    assert_false(input_ends_in_string("s = [[a", 7));
    assert_false(input_ends_in_string("", 0));
}

/* ---- rows ------------------------------------------------------------------------------------------------------------ */

struct fixture {
    struct screen screen;
    struct input_grid shown;
};

static void draw(struct fixture *f, const char *text, size_t point) {
    struct input_grid next = {0};
    struct buf out = {0};
    const struct input_view view = {
        "[1]: ", text, strlen(text), point, NULL, input_margin(5, f->screen.columns), f->screen.columns};
    input_layout(&view, &next);
    input_update(&f->shown, &next, &out);
    screen_write(&f->screen, buf_text(&out), out.len);
    buf_free(&out);
    input_grid_free(&f->shown);
    f->shown = next;
}

static void begin(struct fixture *f, int columns) {
    *f = (struct fixture){0};
    screen_open(&f->screen, 20, columns);
}

static void end(struct fixture *f) {
    screen_close(&f->screen);
    input_grid_free(&f->shown);
}

static void shows(const struct fixture *f, int row, const char *expected) {
    assert_string_equal(screen_row(&f->screen, row), expected);
}

static void cursor_at(const struct fixture *f, int row, int column) {
    assert_int_equal(f->screen.row, row);
    assert_int_equal(f->screen.column, column);
}

static void test_rows(void **state) {
    static struct fixture f;
    (void)state;
    begin(&f, 40);
    draw(&f, "", 0);
    shows(&f, 0, "[1]:");
    cursor_at(&f, 0, 5);
    draw(&f, "for i = 1, 3 do\n  f(i)\nend", 18);
    shows(&f, 0, "[1]: for i = 1, 3 do");
    shows(&f, 1, "...:   f(i)");
    shows(&f, 2, "...: end");
    cursor_at(&f, 1, 7);
    draw(&f, "for i = 1, 3 do\nend", 19);
    shows(&f, 1, "...: end");
    shows(&f, 2, "");
    cursor_at(&f, 1, 8);
    draw(&f, "\n\n", 1);
    shows(&f, 0, "[1]:");
    shows(&f, 1, "...:");
    cursor_at(&f, 1, 5);
    end(&f);
}

static void test_long_lines(void **state) {
    static struct fixture f;
    (void)state;
    begin(&f, 20);
    draw(&f, "abcdefghijklmnopqrstuvwxyz", 26);
    shows(&f, 0, "[1]: abcdefghijklmno");
    shows(&f, 1, "     pqrstuvwxyz");
    cursor_at(&f, 1, 16);
    draw(&f, "abcdefghijklmno", 15); /* to the last column: the cursor is on the next row */
    shows(&f, 0, "[1]: abcdefghijklmno");
    shows(&f, 1, "");
    cursor_at(&f, 1, 5);
    draw(&f, "abcdefghijklmno\np", 17);
    shows(&f, 1, "...: p");
    end(&f);
}

static void test_wide_characters(void **state) {
    static struct fixture f;
    (void)state;
    begin(&f, 20);
    draw(&f, "x = '\u65e5\u672c'", 8); /* before the second one */
    shows(&f, 0, "[1]: x = '\u65e5\u672c'");
    cursor_at(&f, 0, 12);
    draw(&f, "x = '\u672c'", 5);
    shows(&f, 0, "[1]: x = '\u672c'");
    cursor_at(&f, 0, 10);
    draw(&f, "abcdefghijklmn\u65e5", 14); /* half of it would fit */
    shows(&f, 0, "[1]: abcdefghijklmn");
    shows(&f, 1, "     \u65e5");
    cursor_at(&f, 1, 5);
    draw(&f, "e\u0301x", 3);
    shows(&f, 0, "[1]: e\u0301x");
    cursor_at(&f, 0, 6);
    draw(&f, "a\tb\001\xff", 2);
    shows(&f, 0, "[1]: a       b^A\uFFFD");
    cursor_at(&f, 0, 13);
    end(&f);
}

/* Whatever is drawn after whatever: the terminal shows the second as if it were the first. */
static void test_updates(void **state) {
    static struct fixture f, fresh;
    static const char *const piece[] = {"a", "\n", "\u65e5", "end ", "  ", "x = {", "\t", "e\u0301"};
    unsigned seed = 7;
    (void)state;
    begin(&f, 23);
    for (int round = 0; round < 500; round++) {
        char text[200] = "";
        for (int i = (int)(seed >> 16) % 20; i > 0; i--) {
            seed = seed * 1664525u + 1013904223u;
            strcat(text, piece[(seed >> 20) % 8]);
        }
        seed = seed * 1664525u + 1013904223u;
        draw(&f, text, strlen(text));
        begin(&fresh, 23);
        draw(&fresh, text, strlen(text));
        for (int row = 0; row < 20; row++) {
            char expected[400];
            strcpy(expected, screen_row(&fresh.screen, row));
            shows(&f, row, expected);
        }
        cursor_at(&f, fresh.screen.row, fresh.screen.column);
        end(&fresh);
    }
    end(&f);
}

static void test_other_widths(void **state) {
    static struct fixture f;
    (void)state;
    begin(&f, 40);
    draw(&f, "abcdefghijklmnopqrstuvwxyz\nab", 29);
    assert_int_equal(input_rows_above(&f.shown, 40), 1);
    assert_int_equal(input_rows_above(&f.shown, 30), 2);
    assert_int_equal(input_rows_above(&f.shown, 10), 4);
    assert_int_equal(input_rows_above(&f.shown, 100), 1);
    assert_int_equal(input_margin(5, 80), 5);
    assert_int_equal(input_margin(17, 80), 17);
    assert_int_equal(input_margin(17, 20), 5);
    assert_int_equal(input_margin(17, 8), 0);
    input_crop(&f.shown, 1, 1);
    assert_int_equal(f.shown.rows, 1);
    assert_int_equal(f.shown.row, 0);
    assert_string_equal(f.shown.glyph[5].text, "a");
    end(&f);
}

/* Without memory there is nothing to see, but no harm. */
static void test_no_memory(void **state) {
    static struct fixture f;
    (void)state;
    begin(&f, 40);
    for (size_t n = 1; n < 10; n++) {
        mem_fail_after(n);
        draw(&f, "for i = 1, 3 do\n\n\n\n\n\n\n\n\n\n  f(i)\nend", 4);
        input_indentation("for i = 1, 3 do", 15, "");
        whole("x");
    }
    mem_fail_after(0);
    end(&f);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_whole_cells),     cmocka_unit_test(test_indentation), cmocka_unit_test(test_colours),
        cmocka_unit_test(test_brackets),        cmocka_unit_test(test_rows),        cmocka_unit_test(test_long_lines),
        cmocka_unit_test(test_wide_characters), cmocka_unit_test(test_updates),     cmocka_unit_test(test_other_widths),
        cmocka_unit_test(test_no_memory),       cmocka_unit_test(test_candidates),  cmocka_unit_test(test_strings),
    };
    setlocale(LC_CTYPE, "C.UTF-8");
    return cmocka_run_group_tests(tests, NULL, NULL);
}
