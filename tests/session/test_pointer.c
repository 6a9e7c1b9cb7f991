/* Runtime errors that point at the expression, and names that were perhaps meant. */
#include <stdio.h>

#include "support/host.h"
#include "support/test.h"

static int open_host(void **state) {
    static struct host h;
    host_open(&h);
    *state = &h;
    return 0;
}

static int close_host(void **state) {
    host_close(*state);
    return 0;
}

/* The report of a cell that fails has `mark` below its line; NULL: no line is shown. */
static void points(struct host *h, const char *source, const char *mark) {
    if (host_run(h, source) == OK) fail_msg("%s\ndid not fail", source);
    if (mark ? !strstr(buf_text(&h->out), mark) : strchr(buf_text(&h->out), '^') != NULL)
        fail_msg("%s\npoints not at '%s':\n%s", source, mark ? mark : "nothing", buf_text(&h->out));
}

static void test_marks(void **state) {
    struct host *h = *state;
    points(h, "prnt(1)", "  prnt(1)\n  ^^^^\n");
    points(h, "x = 1\n\ty = \"\u00e9\" .. nix", "  \ty = \"\u00e9\" .. nix\n  \t           ^^^\n");
    points(h, "local t = {a = {}}\nprint(t.a.b.c)", "  print(t.a.b.c)\n        ^^^^^\n");
    points(h, "local s = 'x'\ns:nothing()", "  s:nothing()\n  ^^^^^^^^^\n");
    points(h, "y = keras.layers.Dense(-1)", "  y = keras.layers.Dense(-1)\n      ^^^^^^^^^^^^^^^^^^\n");
    points(h, "tensor.aranga(3)", "  tensor.aranga(3)\n  ^^^^^^^^^^^^^\n");
    points(h, "y = tensor{1, 2} + tensor{1, 2, 3}", "                   ^\n");
    points(h, "function f(a)\n  return a.b.c\nend\nf{}", "    return a.b.c\n           ^^^\n");
}

static void test_marks_of_metamethods(void **state) {
    struct host *h = *state;
    host_expect(h, "local x, t = tensor{1, 2, 3}, {9}", "");
    points(h, "x[9] = 1", "  x[9] = 1\n   ^\n");
    points(h, "x[t[1]] = t[1]", "  x[t[1]] = t[1]\n   ^\n");
    points(h, "x[1][2] = {t[1], 2}", "  x[1][2] = {t[1], 2}\n      ^\n");
    points(h, "x.foo = t.foo", "  x.foo = t.foo\n    ^^^\n");
    points(h, "local f = function(a, b) x[9] = a end f(1, 2)", "                            ^\n");
    points(h, "y = x['a']", "  y = x['a']\n       ^\n");
    points(h, "y = x > 5", "  y = x > 5\n        ^\n");
    points(h, "y = x >= 5", "  y = x >= 5\n        ^^\n");
    points(h, "y = x < 5", "  y = x < 5\n        ^\n");
    points(h, "x[1], x[9] = 1, 2", NULL); /* which one? */
    points(h, "y = 1 < 2 and x > 5", NULL);
}

/* In Python they would be two statements. */
static void test_a_bracket_that_calls_the_line_above(void **state) {
    struct host *h = *state;
    static const char word[] = "this line's first bracket calls what ends the line above";
    host_fails(h, "x = tensor{1, 2}\ny = x:abs()\n(y - x):sum()", word);
    host_fails(h, "local s = ('x'):rep(2) -- a comment\n(s .. nix):rep(2)", word);
    host_fails(h, "x = 1;\n(nix.y)()", "global 'nix'");
    assert_null(strstr(buf_text(&h->out), word));
    host_fails(h, "function f()\n  (nix.y)()\nend\nf()", "global 'nix'");
    assert_null(strstr(buf_text(&h->out), word));
    host_fails(h, "local y\n(nix.y)()", "global 'nix'");
    assert_null(strstr(buf_text(&h->out), word));
    host_fails(h, "do\n(nix.y)() end", "global 'nix'");
    assert_null(strstr(buf_text(&h->out), word));
    host_fails(h, "x = tensor{1}\nprint((x + nix))", "nix");
    assert_null(strstr(buf_text(&h->out), word));
}

static void test_no_marks(void **state) {
    struct host *h = *state;
    points(h, "error('boom')", NULL);
    points(h, "error(\"x has no 'y'\")", NULL);
    points(h, "assert(false, 'boom')", NULL);
    points(h, "y = nix + nix", NULL); /* which one? */
    points(h, "y = 1 + nil", NULL);
    points(h, "load('x = nix.y', '=other')()", NULL);
}

static void test_suggestions(void **state) {
    struct host *h = *state;
    host_expect(h, "local counter = 1\nweights = {alpha = 1}", "");
    host_fails(h, "prnt(1)", "(global 'prnt'); did you mean 'print'?");
    host_fails(h, "_cunter = {} _conter.x = 1", "(global '_conter'); did you mean '_cunter'?");
    host_fails(h, "conter.x = 1", "(global 'conter'); did you mean 'counter'?");
    host_fails(h, "local function f(total) return totl + 1 end f(2)", "(global 'totl'); did you mean 'total'?");
    host_fails(h, "local far = 1 local function f() return far + fra end f()", "(global 'fra'); did you mean 'far'?");
    host_fails(h, "weights.alpa.x = 1", "(field 'alpa'); did you mean 'alpha'?");
    host_fails(h, "math.flor(2)", "(field 'flor'); did you mean 'floor'?");
    host_fails(h, "local t = {alpha = {}} t.alpa.x = 1", "(field 'alpa'); did you mean 'alpha'?");
    host_fails(h, "('x'):uper()", "(method 'uper')");
    host_fails(h, "local s = 'x' s:uper()", "(method 'uper'); did you mean 'upper'?");
    host_fails(h, "zzzzqq.x = 1", "(global 'zzzzqq')\n");
    host_fails(h, "nill.x = 1", "(global 'nill')\n"); /* a keyword is no variable */
    host_fails(h, "local t = setmetatable({}, {__index = function() ran = true end}) t.a.b = 1", "(field 'a')\n");
}

#define TEST(NAME) cmocka_unit_test_setup_teardown(NAME, open_host, close_host)

int main(void) {
    const struct CMUnitTest tests[] = {TEST(test_marks), TEST(test_marks_of_metamethods),
                                       TEST(test_a_bracket_that_calls_the_line_above), TEST(test_no_marks),
                                       TEST(test_suggestions)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
