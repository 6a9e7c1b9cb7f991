/* The analysis of a chunk: complete or not, Lua's words for errors, the last expression, locals, free names, tokens. */
#include "cell/lua.h"

#include "base/buf.h"
#include "base/mem.h"
#include "support/test.h"

static struct cell_lua parse(const char *source) {
    struct err e = {0};
    struct cell_lua c;
    assert_ok(cell_lua_parse(source, strlen(source), &c, &e), &e);
    return c;
}

/* ---- completeness and errors ---------------------------------------------------------------------------------------- */

static void test_complete(void **state) {
    (void)state;
    static const char *const sources[] = {
        "",
        "-- x",
        "#!/bin/celda\nx = 1",
        "x = 1",
        "f()",
        "f{1}:g'x'[[y]].z()",
        "x",
        "x, y",
        "1 + 2",
        "return",
        "return 1;",
        "do local x <const>, y <close> = 1 end",
        "for i = 1, 2, 3 do break end",
        "for k, v in pairs(t) do goto c ::c:: end",
        "repeat local x until x",
        "while x do if a then elseif b then else end end",
        "::a:: ::b:: goto a",
        "function a.b.c:d(x, ...) return self, ... end",
        "local function f() return f end",
        "a.b[c], d = 1",
        "f();;;",
        "x = {1, 2; a = 3, ['b'] = 4, f(), ...}",
        "x = 0x.1p4 + .5e+3 + 3. + 0xffp-1 + 1e2",
        "x = ~1 ~ 2 // 3 >> 4 ~= 5",
        "x = 'a\\z  \n b\\x41\\u{7FFFFFFF}\\065\\\n'",
        "x = [==[ ]=] ]] ]==]",
        "--[==[ \n ]==] x = 1",
    };
    for (size_t i = 0; i < sizeof sources / sizeof *sources; i++) {
        struct cell_lua c = parse(sources[i]);
        if (c.status != CELL_LUA_COMPLETE) fail_msg("%s: %d:%d: %s", sources[i], c.line, c.column, c.message);
        cell_lua_free(&c);
    }
}

static void test_incomplete(void **state) {
    (void)state;
    static const char *const sources[] = {
        "x =",
        "f(",
        "x.",
        "if x then",
        "if x then y() else",
        "for",
        "for i = 1,",
        "function f()",
        "local",
        "do",
        "{1, 2,",
        "repeat",
        "1 +",
        "x = 'abc",
        "x = [[abc",
        "--[==[ comment",
        "x = 'a\\",
        "return 1 +",
        "x, y =",
        "local x <const",
        "::a",
        "goto",
        "while true",
        "a.b:",
        "not",
        "function(x)",
        "x,",
        "f(function() ",
    };
    for (size_t i = 0; i < sizeof sources / sizeof *sources; i++) {
        struct cell_lua c = parse(sources[i]);
        if (c.status != CELL_LUA_INCOMPLETE || !strstr(c.message, "<eof>"))
            fail_msg("%s: status %d, %s", sources[i], c.status, c.message);
        cell_lua_free(&c);
    }
}

static void test_errors(void **state) {
    (void)state;
    static const struct {
        const char *source, *message;
        int line, column;
    } cases[] = {
        {"x = )", "unexpected symbol near ')'", 1, 5},
        {"x = 1\nif y do end", "'then' expected near 'do'", 2, 6},
        {"if x then\n\nfor", "<name> expected near <eof>", 3, 4},
        {"function f()\n  x = 1\nelse", "'end' expected (to close 'function' at line 1) near 'else'", 3, 1},
        {"end", "<eof> expected near 'end'", 1, 1},
        {"x = 'abc\ny = 1", "unfinished string near ''abc'", 1, 5},
        {"x = 'a\\q'", "invalid escape sequence near ''a\\q'", 1, 5},
        {"x = '\\300'", "decimal escape too large near ''\\300''", 1, 5},
        {"x = '\\xg'", "hexadecimal digit expected near ''\\xg'", 1, 5},
        {"x = '\\u{110000000}'", "UTF-8 value too large near ''\\u{110000000'", 1, 5},
        {"x = '\\u123'", "missing '{' near ''\\u1'", 1, 5},
        {"x = 3x", "malformed number near '3x'", 1, 5},
        {"x = 0x", "malformed number near '0x'", 1, 5},
        {"x = 1e+", "malformed number near '1e+'", 1, 5},
        {"x = 1.2.3", "malformed number near '1.2.3'", 1, 5},
        {"x = [=abc", "invalid long string delimiter near '[='", 1, 5},
        {"x = @", "unexpected symbol near '@'", 1, 5},
        {"x = \xC3", "unexpected symbol near '<\\195>'", 1, 5},
        {"break", "break outside loop at line 1", 1, 6},
        {"goto a", "no visible label 'a' for <goto> at line 1", 1, 7},
        {"do ::a:: end goto a", "no visible label 'a' for <goto> at line 1", 1, 20},
        {"goto a\nlocal x\n::a:: f()", "<goto a> at line 1 jumps into the scope of local 'x'", 3, 7},
        {"::a:: ::a::", "label 'a' already defined on line 1", 1, 12},
        {"local x <const> = 1; x = 2", "attempt to assign to const variable 'x'", 1, 24},
        {"local x <close> = 1; function x() end", "attempt to assign to const variable 'x'", 1, 38},
        {"local x <foo> = 1", "unknown attribute 'foo'", 1, 15},
        {"local a <close>, b <close> = 1", "multiple to-be-closed variables in local list", 1, 28},
        {"function f() return ... end", "cannot use '...' outside a vararg function near '...'", 1, 21},
        {"f() = 1", "syntax error near '='", 1, 5},
        {"(x) = 1", "syntax error near '='", 1, 5},
        {"x y", "syntax error near 'y'", 1, 3},
        {"a.b:c = 1", "function arguments expected near '='", 1, 7},
        {"3 + * 4", "unexpected symbol near '*'", 1, 5},
        {"3 + 4 x", "unexpected symbol near '3'", 1, 1},
        {"return 1 x", "<eof> expected near 'x'", 1, 10},
        {"for a, b = 1", "'in' expected near '='", 1, 10},
        {"for 1", "<name> expected near '1'", 1, 5},
        {"function f(a, 1) end", "<name> or '...' expected near '1'", 1, 15},
        {"x = [[\n\n]] ]", "unexpected symbol near ']'", 3, 4},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct cell_lua c = parse(cases[i].source);
        if (strcmp(c.message, cases[i].message) != 0 || c.line != cases[i].line || c.column != cases[i].column)
            fail_msg("%s: %d:%d: %s", cases[i].source, c.line, c.column, c.message);
        bool at_end = strstr(c.message, "near <eof>") != NULL;
        assert_int_equal(c.status, at_end ? CELL_LUA_INCOMPLETE : CELL_LUA_ERROR);
        assert_null(c.locals);
        assert_null(c.free_names);
        cell_lua_free(&c);
    }
}

/* ---- the last expression -------------------------------------------------------------------------------------------- */

static void test_last_expression(void **state) {
    (void)state;
    static const struct {
        const char *source, *last;
        bool call;
    } cases[] = {
        {"x", "x", false},
        {"x = 1 x + 1", "x + 1", false},
        {"x = 1\nx, y -- both", "x, y", false},
        {"-1", "-1", false},
        {"'a' .. 'b';", "'a' .. 'b'", false},
        {"f()", "f()", true},
        {"x = 1; f(1):g{2};; -- end", "f(1):g{2}", true},
        {"f() + 1", "f() + 1", false},
        {"(f())", "(f())", false},
        {"function() end", "function() end", false},
        {"{1, 2}", "{1, 2}", false},
        {"...", "...", false},
        {"not x == y", "not x == y", false},
        {"f(), g()", "f(), g()", false},
        {"f\n(g)", "f\n(g)", true},
        {"a.b.c", "a.b.c", false},
        {"local x = 1 x", "x", false},
        {"nil", "nil", false},
        {"x = 1", "", false},
        {"local x", "", false},
        {"return x", "", false},
        {"do f() end", "", false},
        {"f() x = 1", "", false},
        {"f() ::a::", "", false},
        {"", "", false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct cell_lua c = parse(cases[i].source);
        size_t n = c.last.end - c.last.begin;
        if (c.status != CELL_LUA_COMPLETE || n != strlen(cases[i].last) || c.last_is_call != cases[i].call ||
            memcmp(cases[i].source + c.last.begin, cases[i].last, n) != 0)
            fail_msg("%s: %.*s (%s)", cases[i].source, (int)n, cases[i].source + c.last.begin, c.message);
        cell_lua_free(&c);
    }
}

/* ---- locals and free names ------------------------------------------------------------------------------------------ */

static void test_locals(void **state) {
    (void)state;
    static const char source[] =
        "local a, b <const> = 1, 2 do local c end\nlocal d <close>\nlocal function e() local f end";
    static const char *const spans[] = {"local a, b <const> = 1, 2", "local d <close>",
                                        "local function e() local f end"};
    static const char *const names[] = {"a", "b", "d", "e"};
    static const enum cell_attribute attributes[] = {CELL_PLAIN, CELL_CONST, CELL_CLOSE, CELL_PLAIN};
    struct cell_lua c = parse(source);
    assert_int_equal(c.local_count, 3);
    size_t k = 0;
    for (size_t i = 0; i < 3; i++) {
        const struct cell_local_statement *st = &c.locals[i];
        assert_int_equal(st->span.end - st->span.begin, strlen(spans[i]));
        assert_memory_equal(source + st->span.begin, spans[i], strlen(spans[i]));
        assert_int_equal(st->initialised, i != 1);
        assert_int_equal(st->function, i == 2);
        for (size_t j = 0; j < st->count; j++, k++) {
            assert_int_equal(st->names[j].attribute, attributes[k]);
            assert_memory_equal(source + st->names[j].name.begin, names[k], 1);
            assert_int_equal(st->names[j].name.end - st->names[j].name.begin, 1);
        }
    }
    assert_int_equal(k, 4);
    cell_lua_free(&c);
}

/* "name" read, "name=" written, "name==" both, each followed by its first line. */
static void expect_free(const char *source, const char *expected) {
    struct cell_lua c = parse(source);
    struct buf b = {0};
    assert_int_equal(c.status, CELL_LUA_COMPLETE);
    for (size_t i = 0; i < c.free_count; i++) {
        const struct cell_free_name *f = &c.free_names[i];
        assert_true(f->read || f->written);
        buf_printf(&b, "%s%s%d ", f->name, !f->written ? "" : f->read ? "==" : "=", f->line);
    }
    assert_string_equal(buf_text(&b), expected);
    buf_free(&b);
    cell_lua_free(&c);
}

static void test_free_names(void **state) {
    (void)state;
    expect_free("x = y", "x=1 y1 ");
    expect_free("x.y = z\nx = 1\nz.w()", "x==1 z1 ");
    expect_free("local x = x; x = x", "x1 ");
    expect_free("local function f() return f, g end", "g1 ");
    expect_free("local f = function() return f end", "f1 ");
    expect_free("function f() end function g.h() end function i:j() return self end", "f=1 g1 i1 ");
    expect_free("for i = i, j do k = i end\nfor a, b in c do d(a, b) end", "c2 d2 i1 j1 k=1 ");
    expect_free("repeat local x = 1 until x == y\nreturn x", "x2 y1 ");
    expect_free("do local x end x()", "x1 ");
    expect_free("function f(a, ...) return a, b, ... end a = {b = c, [d] = e, f}", "a=1 b1 c1 d1 e1 f==1 ");
    expect_free("a, b.c, d = 1", "a=1 b1 d=1 ");
    expect_free("goto x ::x:: y:x()", "y1 ");
    expect_free("x + y, ab, a", "a1 ab1 x1 y1 ");
    expect_free("local _ENV = {} x = 1", "x=1 ");
    expect_free("return function() return function() z = w end end", "w1 z=1 ");
}

/* ---- tokens --------------------------------------------------------------------------------------------------------- */

static void expect_tokens(const char *source, const char *kinds) {
    struct cell_lua c = parse(source);
    char found[100] = "";
    size_t end = 0;
    assert_in_range(c.token_count, 0, sizeof found - 1);
    for (size_t i = 0; i < c.token_count; i++) {
        found[i] = "nk1\"+-!"[c.tokens[i].kind];
        assert_true(c.tokens[i].span.begin >= end && c.tokens[i].span.end > c.tokens[i].span.begin);
        end = c.tokens[i].span.end;
    }
    assert_true(end <= strlen(source));
    assert_string_equal(found, kinds);
    cell_lua_free(&c);
}

static void test_tokens(void **state) {
    (void)state;
    expect_tokens("local x = 'a' .. 1 -- c", "kn+\"+1-");
    expect_tokens("x<y<=z<<1//2 ...a", "n+n+n+1+1+n");
    expect_tokens("--[[ c ]] if [[s]] then", "-k\"k");
    expect_tokens("x = 'unfinished", "n+!");
    expect_tokens("x = ) y 3z", "n++n!");
    expect_tokens("#! x\ny", "-n");
    expect_tokens("::a::", "+n+");
}

static void test_lines_of_tokens(void **state) {
    (void)state;
    struct cell_lua c = parse("x\n=\r\n[[\n\r\n]]\ry");
    static const int lines[][2] = {{1, 1}, {2, 2}, {3, 5}, {6, 6}};
    assert_int_equal(c.token_count, 4);
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(c.tokens[i].line, lines[i][0]);
        assert_int_equal(c.tokens[i].last_line, lines[i][1]);
    }
    cell_lua_free(&c);
}

/* ---- hostile -------------------------------------------------------------------------------------------------------- */

static void expect_deep(const char *open, size_t times, const char *before) {
    struct buf b = {0};
    buf_puts(&b, before);
    for (size_t i = 0; i < times; i++) buf_puts(&b, open);
    struct cell_lua c = parse(buf_text(&b));
    if (c.status != CELL_LUA_ERROR || strcmp(c.message, "too many nested levels (limit is 190)") != 0)
        fail_msg("%s: %s", open, c.message);
    cell_lua_free(&c);
    buf_free(&b);
}

static void test_depth(void **state) {
    (void)state;
    static const char *const opens[] = {"(",
                                        "{",
                                        "f(",
                                        "a[",
                                        "- ",
                                        "not ",
                                        "x = {",
                                        "do ",
                                        "if x then ",
                                        "while x do ",
                                        "repeat ",
                                        "function f() ",
                                        "x = function() ",
                                        "f{",
                                        "a.."};
    for (size_t i = 0; i < sizeof opens / sizeof *opens; i++) expect_deep(opens[i], 20000, "");
    expect_deep("a^", 20000, "x = ");
}

static void test_lack_of_memory(void **state) {
    (void)state;
    static const char source[] =
        "local a, b = 1, c do local d <const> = a end ::l:: goto l; x = function(y) return y end x, z";
    for (size_t n = 1, done = 0; !done; n++) {
        struct err e = {0};
        struct cell_lua c;
        mem_fail_once(n);
        enum status s = cell_lua_parse(source, sizeof source - 1, &c, &e);
        done = mem_fail_once(0) < n;
        assert_int_equal(s, done ? OK : ERR_MEMORY);
        cell_lua_free(&c);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_complete), cmocka_unit_test(test_incomplete),
        cmocka_unit_test(test_errors),   cmocka_unit_test(test_last_expression),
        cmocka_unit_test(test_locals),   cmocka_unit_test(test_free_names),
        cmocka_unit_test(test_tokens),   cmocka_unit_test(test_lines_of_tokens),
        cmocka_unit_test(test_depth),    cmocka_unit_test(test_lack_of_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
