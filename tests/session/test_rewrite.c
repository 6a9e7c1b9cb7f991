/* The parser agrees with Lua itself, and cells with chunks: on a sample of the whole grammar, on some thousand mutations of
 * it, and on the sample cut into cells. */
#include "session/rewrite.h"

#include <lauxlib.h>
#include <lualib.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/buf.h"
#include "session/locals.h"
#include "support/mutate.h"
#include "support/test.h"

#define SAMPLE "tests/support/sample.lua"

static struct buf read_sample(void) {
    struct err e = {0};
    struct buf b = {0};
    assert_ok(buf_read_file(&b, SAMPLE, &e), &e);
    return b;
}

/* ---- the parser against Lua's ---------------------------------------------------------------------------------------- */

/* What Lua says of the text: NULL when it takes it, else the message after "c:", on the stack. */
static const char *lua_says(lua_State *L, const char *s, size_t n) {
    lua_settop(L, 0);
    return luaL_loadbufferx(L, s, n, "=c", "t") == LUA_OK ? NULL : lua_tostring(L, 1) + 2;
}

/* The text as Lua would take it when the expression that begins at `at` is returned. */
static const char *lua_says_returned(lua_State *L, const char *s, size_t n, size_t at) {
    struct buf b = {0};
    buf_put(&b, s, at);
    buf_puts(&b, " return ");
    buf_put(&b, s + at, n - at);
    const char *message = lua_says(L, buf_text(&b), b.len);
    buf_free(&b);
    return message;
}

/* The error may be that of an expression which began at any token. */
static bool is_error_of_expression(lua_State *L, const char *s, size_t n, const struct cell_lua *c, const char *mine) {
    for (size_t i = 0; i < c->token_count; i++) {
        const char *message = lua_says_returned(L, s, n, c->tokens[i].span.begin);
        if (message && !strcmp(message, mine)) return true;
    }
    return false;
}

static bool agrees(lua_State *L, const char *s, size_t n, const struct cell_lua *c) {
    char mine[400];
    bool has_last = c->last.begin < c->last.end;
    const char *message = lua_says(L, s, n);
    if (!message) return c->status == CELL_LUA_COMPLETE && (!has_last || c->last_is_call);
    if (c->status == CELL_LUA_COMPLETE)
        return has_last && !c->last_is_call && !lua_says_returned(L, s, c->last.end, c->last.begin);
    snprintf(mine, sizeof mine, "%d: %s", c->line, c->message);
    const char *end = strstr(message, "<eof>");
    bool incomplete = end && !end[5];
    if (!strcmp(message, mine)) return incomplete == (c->status == CELL_LUA_INCOMPLETE);
    /* literals in messages: Lua's have their escapes replaced, long ones are cut here */
    if (strstr(mine, "...'") || memchr(s, '\\', n)) return true;
    return is_error_of_expression(L, s, n, c, mine);
}

static void check_agreement(lua_State *L, const char *s, size_t n) {
    struct err e = {0};
    struct cell_lua c;
    assert_ok(cell_lua_parse(s, n, &c, &e), &e);
    if (!agrees(L, s, n, &c)) {
        const char *theirs = lua_says(L, s, n);
        fail_msg("%.*s\nLua:  %s\nhere: %d: %s", (int)n, s, theirs ? theirs : "fine", c.line, c.message);
    }
    cell_lua_free(&c);
}

static void test_parser_agrees_with_lua(void **state) {
    (void)state;
    static const char *const pieces[] = {
        "end",     "function", "local ",  "=",
        "(",       ")",        "{",       "}",
        "[",       "]",        "\"",      "'",
        "--",      "[[",       "]]",      "goto top ",
        "::top::", "return ",  "if ",     " then ",
        "else ",   "while ",   " do ",    "repeat ",
        "until ",  "for ",     " in ",    "...",
        "..",      ":",        ".",       ",",
        ";",       "<const>",  "<close>", "0x",
        "1e",      "nil",      " and ",   "not ",
        "x",       "\n",       "\r",      "#",
        "~",       "//",       ">>",      "break ",
        "5",       "@",        "\xff",    "local x <const> = 1 x = 2 ",
        " k = 3 ",
    };
    struct buf sample = read_sample();
    lua_State *L = luaL_newstate();
    struct mutation m = {
        .text = sample.data, .size = sample.len, .pieces = pieces, .piece_count = sizeof pieces / sizeof *pieces};
    for (m.seed = 1; m.seed <= 3000; m.seed++) {
        struct buf b = mutate(&m);
        if (b.len && b.data[0] != '#') check_agreement(L, b.data, b.len);
        buf_free(&b);
    }
    lua_close(L);
    buf_free(&sample);
}

/* ---- cells against chunks ------------------------------------------------------------------------------------------- */

/* Runs one cell and returns what its last expression gives, on the stack. */
static const char *run_cell(lua_State *L, struct locals *s, const char *source, size_t n) {
    lua_settop(L, 0);
    int status = locals_load(L, s, source, n, "=cell");
    if (status == LUA_OK) {
        status = lua_pcall(L, 0, 1, 0);
        assert_int_equal(locals_keep(L, s), LUA_OK);
    }
    if (status != LUA_OK) fail_msg("%s", lua_tostring(L, -1));
    return lua_tostring(L, -1);
}

static const char *run_cut(lua_State *L, struct locals *s, const struct buf *text, const struct cell_lua *c,
                           unsigned seed) {
    size_t from = 0;
    for (size_t i = 0; i < c->local_count; i++) {
        size_t at = c->locals[i].span.begin;
        if (mutate_random(&seed) % 3 != 0) continue;
        run_cell(L, s, text->data + from, at - from);
        from = at;
    }
    return run_cell(L, s, text->data + from, text->len - from);
}

/* Cut anywhere before a local statement, the sample computes the same; uncut it does so in a plain chunk too. */
static void test_sample_cut_into_cells(void **state) {
    (void)state;
    struct err e = {0};
    struct buf sample = read_sample(), plain = {0};
    struct cell_lua c;
    assert_ok(cell_lua_parse(sample.data, sample.len, &c, &e), &e);
    struct rewrite r = {.source = sample.data, .size = sample.len, .lua = &c};
    rewrite_plain(&r, &plain);
    lua_State *L = luaL_newstate();
    luaL_openlibs(L);
    assert_int_equal(luaL_loadbufferx(L, plain.data, plain.len, "=c", "t"), LUA_OK);
    assert_int_equal(lua_pcall(L, 0, 1, 0), LUA_OK);
    char *expected = strdup(lua_tostring(L, -1));
    lua_close(L);
    for (unsigned seed = 0; seed < 60; seed++) {
        struct locals *s;
        L = luaL_newstate();
        luaL_openlibs(L);
        assert_ok(locals_open(&s, &e), &e);
        assert_string_equal(seed ? run_cut(L, s, &sample, &c, seed) : run_cell(L, s, sample.data, sample.len),
                            expected);
        lua_close(L);
        locals_close(s);
    }
    free(expected);
    cell_lua_free(&c);
    buf_free(&plain);
    buf_free(&sample);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_parser_agrees_with_lua),
        cmocka_unit_test(test_sample_cut_into_cells),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
