/* Top-level locals from cell to cell: the cases of locals.cases, the limits, the C face, lack of memory. */
#include <lauxlib.h>
#include <lualib.h>
#include <stdio.h>

#include "base/buf.h"
#include "base/mem.h"
#include "session/locals.h"
#include "support/test.h"

struct session {
    lua_State *L;
    struct locals *locals;
    int cells;
};

static int traceback(lua_State *L) {
    luaL_traceback(L, L, luaL_tolstring(L, 1, NULL), 1);
    return 1;
}

/* The values from `first` on, separated by spaces. */
static void push_values(lua_State *L, int first) {
    luaL_Buffer b;
    int last = lua_gettop(L);
    luaL_buffinit(L, &b);
    for (int i = first; i <= last; i++) {
        if (i > first) luaL_addchar(&b, ' ');
        luaL_tolstring(L, i, NULL);
        luaL_addvalue(&b);
    }
    luaL_pushresult(&b);
}

/* Pushes what the cell gives: its values, or "!" and the error with its traceback. */
static void run(struct session *s, const char *source, size_t n) {
    lua_State *L = s->L;
    char name[20];
    snprintf(name, sizeof name, "=[%d]", ++s->cells);
    int base = lua_gettop(L);
    lua_pushcfunction(L, traceback);
    int status = locals_load(L, s->locals, source, n, name);
    bool loaded = status == LUA_OK;
    if (loaded) status = lua_pcall(L, 0, LUA_MULTRET, base + 1);
    if (loaded) assert_int_equal(locals_keep(L, s->locals), LUA_OK);
    if (status == LUA_OK)
        push_values(L, base + 2);
    else
        lua_pushfstring(L, "!%s", lua_tostring(L, -1));
    lua_replace(L, base + 1);
    lua_settop(L, base + 1);
}

static void expect(struct session *s, const char *source, const char *expected) {
    run(s, source, strlen(source));
    const char *got = lua_tostring(s->L, -1);
    if (expected[0] == '!' ? got[0] != '!' || !strstr(got, expected + 1) : strcmp(got, expected) != 0)
        fail_msg("cell [%d]\n%s\ngives     %s\nexpected  %s", s->cells, source, got, expected);
    lua_pop(s->L, 1);
}

/* A cell that runs another one, as a magic may. */
static int inner_cell(lua_State *L) {
    struct session *s = lua_touserdata(L, lua_upvalueindex(1));
    size_t n;
    const char *source = luaL_checklstring(L, 1, &n);
    run(s, source, n);
    return 1;
}

static struct session open_session(void) {
    struct err e = {0};
    struct session s = {.L = luaL_newstate()};
    luaL_openlibs(s.L);
    assert_ok(locals_open(&s.locals, &e), &e);
    return s;
}

static void close_session(struct session *s) {
    lua_close(s->L);
    locals_close(s->locals);
}

/* ---- the cases ------------------------------------------------------------------------------------------------------ */

static void unescape(char *s) {
    char *to = s;
    for (; *s; s++) {
        bool escaped = s[0] == '\\' && (s[1] == 'n' || s[1] == 't');
        *to++ = escaped ? s[1] == 'n' ? '\n' : '\t' : *s;
        s += escaped;
    }
    *to = '\0';
}

static void begin_case(struct session *s) {
    *s = open_session();
    lua_pushlightuserdata(s->L, s);
    lua_pushcclosure(s->L, inner_cell, 1);
    lua_setglobal(s->L, "cell");
}

static void end_case(struct session *s) {
    if (s->L) close_session(s);
    s->L = NULL;
}

/* A line of the file: part of a cell's source, or what the cell should give. */
static void take_line(struct session *s, char *line, struct buf *source) {
    if ((line[0] == '=' || line[0] == '!') && (line[1] == ' ' || line[1] == '\0')) {
        unescape(line);
        if (line[0] == '!') memmove(line + 1, line + 2, strlen(line + 1));
        expect(s, buf_text(source), line[0] == '!' ? line : line[1] ? line + 2 : "");
        buf_free(source);
    } else {
        if (source->data) buf_putc(source, '\n');
        buf_puts(source, line);
    }
}

static void test_cases(void **state) {
    (void)state;
    struct err e = {0};
    struct buf text = {0}, source = {0};
    struct session s = {0};
    int cases = 0;
    assert_ok(buf_read_file(&text, "tests/session/locals.cases", &e), &e);
    for (char *line = text.data, *next; line; line = next) {
        next = strchr(line, '\n');
        if (next) *next++ = '\0';
        if (!strncmp(line, "###", 3)) {
            end_case(&s);
            buf_free(&source);
            if (line[3] == ' ') begin_case(&s), cases++;
        } else if (s.L) {
            take_line(&s, line, &source);
        }
    }
    end_case(&s);
    buf_free(&source);
    buf_free(&text);
    assert_in_range(cases, 80, 1000);
}

static void test_line_ends(void **state) {
    (void)state;
    struct session s = open_session();
    expect(&s, "local x = 1\r\nlocal y = 2\r\nerror('here')\r\n", "![1]:3: here");
    expect(&s, "local x = 3\r\nreturn x + y\r\n", "5");
    close_session(&s);
}

/* ---- limits --------------------------------------------------------------------------------------------------------- */

/* `count` local statements, then `after`. */
static char *declare(int count, const char *prefix, const char *after) {
    struct buf b = {0};
    for (int i = 1; i <= count; i++) buf_printf(&b, "local %s%d = %d\n", prefix, i, i);
    buf_puts(&b, after);
    assert_false(b.failed);
    return b.data;
}

static char *sum(int count, const char *prefix) {
    struct buf b = {0};
    for (int i = 1; i <= count; i++) buf_printf(&b, "%s%s%d", i > 1 ? " + " : "", prefix, i);
    return b.data;
}

static void expect_freed(struct session *s, char *source, const char *expected) {
    expect(s, source, expected);
    mem_free(source);
}

static void test_limits(void **state) {
    (void)state;
    struct session s = open_session();
    expect_freed(&s, declare(200, "a", "return a200"), "200");
    expect_freed(&s, declare(200, "b", "math.max(a200, b1)"), "200");
    expect_freed(&s, declare(201, "c", ""), "!:201: too many local variables (limit is 200) in main function near '='");
    expect_freed(&s, declare(53, "d", ""), "");
    expect_freed(&s, sum(200, "a"), "20100");
    char *a = sum(200, "a"), *d = sum(53, "d");
    struct buf both = {0};
    buf_printf(&both, "%s + %s", a, d);
    expect(&s, buf_text(&both), "21531");
    buf_puts(&both, " + b1");
    expect(&s, buf_text(&both), "!too many session variables in one cell (limit is 253, it names 254)");
    buf_free(&both);
    mem_free(a);
    mem_free(d);
    char deep[1001] = "";
    memset(deep, '(', 1000);
    expect(&s, deep, "!:1: too many nested levels (limit is 190)");
    close_session(&s);
}

/* 255 upvalues are too many for a function inside a cell too; Lua says so with the function's line. */
static void test_upvalue_limit(void **state) {
    (void)state;
    struct session s = open_session();
    expect_freed(&s, declare(150, "a", ""), "");
    struct buf b = {0};
    buf_puts(&b, "do\n");
    for (int i = 1; i <= 190; i++) buf_printf(&b, "local b%d = %d\n", i, i);
    buf_puts(&b, "function f()\nreturn 0");
    for (int i = 1; i <= 150; i++) buf_printf(&b, " + a%d", i);
    for (int i = 1; i <= 190; i++) buf_printf(&b, " + b%d", i);
    buf_puts(&b, " end end");
    expect(&s, b.data, "!too many upvalues (limit is 255) in function at line 192");
    buf_free(&b);
    close_session(&s);
}

static void test_variables_from_c(void **state) {
    (void)state;
    struct session s = open_session();
    expect(&s, "local a, b <const> = 1, 2 local c = 3 local function get() return a, b end", "");
    assert_int_equal(locals_count(s.locals), 4);
    static const char *const names[] = {"a", "b", "c", "get"};
    for (int i = 0; i < 4; i++) {
        assert_string_equal(locals_name(s.locals, i), names[i]);
        assert_int_equal(locals_find(s.locals, names[i]), i);
        assert_int_equal(locals_is_const(s.locals, i), i == 1);
    }
    assert_int_equal(locals_find(s.locals, "d"), -1);
    locals_get(s.L, s.locals, 2);
    assert_int_equal(lua_tointeger(s.L, -1), 3);
    lua_pop(s.L, 1);
    lua_pushinteger(s.L, 10);
    locals_set(s.L, s.locals, 0);
    expect(&s, "a, get()", "10 10 2");
    locals_forget(s.L, s.locals, 0);
    expect(&s, "a, get()", "nil 10 2");
    expect(&s, "local a = 20 return a, get()", "20 10 2");
    locals_forget_all(s.L, s.locals);
    assert_int_equal(locals_count(s.locals), 0);
    expect(&s, "a, b, c, get", "nil nil nil nil");
    assert_int_equal(lua_gettop(s.L), 0);
    close_session(&s);
}

static void test_cells_are_known(void **state) {
    (void)state;
    struct session s = open_session();
    lua_pushcfunction(s.L, traceback);
    assert_false(locals_is_cell(s.L, -1));
    assert_int_equal(locals_load(s.L, s.locals, "x", 1, "=[1]"), LUA_OK);
    assert_true(locals_is_cell(s.L, -1));
    assert_int_equal(locals_keep(s.L, s.locals), LUA_OK);
    close_session(&s);
}

/* Every allocation fails once: the load or the keeping says so, nothing leaks, and the session works on. */
static void test_lack_of_memory(void **state) {
    (void)state;
    static const char source[] =
        "local a <const>, b = {}, 'text' .. tostring(1) local c = b local function f() return c end";
    struct err e = {0};
    bool failed = true;
    for (size_t n = 1; failed; n++) {
        struct session s = {.L = lua_newstate(mem_lua, NULL)};
        luaL_openlibs(s.L);
        assert_ok(locals_open(&s.locals, &e), &e);
        expect(&s, "local b, x = 1, 2", "");
        lua_gc(s.L, LUA_GCSTOP);
        mem_fail_once(n);
        int status = locals_load(s.L, s.locals, source, sizeof source - 1, "=[2]");
        if (status == LUA_OK) {
            status = lua_pcall(s.L, 0, 0, 0);
            int kept = locals_keep(s.L, s.locals);
            if (status == LUA_OK) status = kept;
        }
        failed = mem_fail_once(0) >= n;
        assert_true(status == LUA_OK || status == LUA_ERRMEM);
        lua_settop(s.L, 0);
        expect(&s, "x", "2");
        close_session(&s);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cases),
        cmocka_unit_test(test_line_ends),
        cmocka_unit_test(test_limits),
        cmocka_unit_test(test_upvalue_limit),
        cmocka_unit_test(test_variables_from_c),
        cmocka_unit_test(test_cells_are_known),
        cmocka_unit_test(test_lack_of_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
