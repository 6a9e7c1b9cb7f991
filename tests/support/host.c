/* Sessions for tests; see host.h. */
#include "support/host.h"

#include <lauxlib.h>
#include <lua.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/mem.h"
#include "support/test.h"

static void host_text(struct sink *s, enum sink_stream stream, const char *bytes, size_t n) {
    if (stream != SINK_STATUS) buf_put(&((struct host *)s)->out, bytes, n);
}

static void host_display(struct sink *s, const struct sink_mime *bundle, int n) {
    struct host *h = (struct host *)s;
    for (int i = 0; i < n; i++)
        if (strcmp(bundle[i].type, "text/plain") == 0) buf_put(&h->out, bundle[i].data, bundle[i].size);
    buf_putc(&h->out, '\n');
}

static void host_progress(struct sink *s, const char *line, size_t n) {
    host_text(s, SINK_OUT, line, n);
}
static void host_clear(struct sink *s) {
    buf_free(&((struct host *)s)->out);
}

void host_open(struct host *h) {
    struct err e = {0};
    *h = (struct host){.sink = {host_text, host_display, host_progress, host_clear, .width = 80}};
    assert_ok(session_open(&h->sink, &h->session, &e), &e);
}

void host_close(struct host *h) {
    session_close(h->session);
    buf_free(&h->out);
}

enum status host_run(struct host *h, const char *source) {
    struct session_result r;
    char name[16];
    snprintf(name, sizeof name, "[%d]", ++h->cells);
    buf_free(&h->out);
    session_run(h->session, source, strlen(source), name, &r);
    buf_put(&h->out, buf_text(&r.error), r.error.len);
    buf_free(&r.error);
    return r.status;
}

void host_expect(struct host *h, const char *source, const char *shown) {
    if (host_run(h, source) != OK) fail_msg("%s\nfailed:\n%s", source, buf_text(&h->out));
    while (h->out.len && h->out.data[h->out.len - 1] == '\n') h->out.data[--h->out.len] = 0;
    assert_string_equal(buf_text(&h->out), shown);
}

void host_fails(struct host *h, const char *source, const char *text) {
    if (host_run(h, source) == OK) fail_msg("%s\ndid not fail but showed:\n%s", source, buf_text(&h->out));
    if (!strstr(buf_text(&h->out), text)) fail_msg("%s\nshows no '%s':\n%s", source, text, buf_text(&h->out));
}

/* ---- what tests in Lua call -------------------------------------------------------------------------------------- */

enum { MAX_TESTS = 256 };

static struct host host; /* of the tests in Lua */
static int tests;        /* reference of their list */

static int output(lua_State *L) {
    lua_pushlstring(L, buf_text(&host.out), host.out.len);
    buf_free(&host.out);
    return 1;
}

static int screen(lua_State *L) {
    lua_getfield(L, 1, "redraws");
    host.sink.redraws = lua_toboolean(L, -1);
    lua_getfield(L, 1, "width");
    host.sink.width = (int)luaL_optinteger(L, -1, 80);
    return 0;
}

static int fail_once(lua_State *L) {
    lua_pushinteger(L, (lua_Integer)mem_fail_once((size_t)luaL_checkinteger(L, 1)));
    return 1;
}

static int fail_after(lua_State *L) {
    lua_pushinteger(L, (lua_Integer)mem_fail_after((size_t)luaL_checkinteger(L, 1)));
    return 1;
}

static int traceback(lua_State *L) {
    luaL_traceback(L, L, luaL_tolstring(L, 1, NULL), 1);
    return 1;
}

/* ---- running ------------------------------------------------------------------------------------------------------- */

/* Runs the file, with `n` results. */
static void run_file(lua_State *L, const char *path, int n) {
    lua_pushcfunction(L, traceback);
    if (luaL_loadfile(L, path) || lua_pcall(L, 0, n, -2)) {
        fprintf(stderr, "%s\n", lua_tostring(L, -1));
        exit(1);
    }
    lua_remove(L, -1 - n);
}

static lua_State *open_session(void) {
    const char *scratch = getenv("TEST_TMP");
    host_open(&host);
    lua_State *L = session_lua(host.session);
    lua_register(L, "output", output);
    lua_register(L, "screen", screen);
    lua_register(L, "fail_once", fail_once);
    lua_register(L, "fail_after", fail_after);
    lua_pushstring(L, scratch ? scratch : "/tmp");
    lua_setglobal(L, "scratch");
    return L;
}

static void run_one(void **state) {
    lua_State *L = session_lua(host.session);
    int top = lua_gettop(L);
    lua_pushcfunction(L, traceback);
    lua_rawgeti(L, LUA_REGISTRYINDEX, tests);
    lua_rawgeti(L, -1, (lua_Integer)(intptr_t)*state);
    lua_getfield(L, -1, "run");
    buf_free(&host.out);
    if (lua_pcall(L, 0, 0, top + 1)) fail_msg("%s", lua_tostring(L, -1));
    lua_settop(L, top);
}

static int close_session(void **state) {
    (void)state;
    host_close(&host);
    if (mem_used() == 0) return 0;
    fprintf(stderr, "%zu bytes are still held\n", mem_used());
    return 1;
}

int host_main(const char *path) {
    return host_main_with(path, NULL);
}

int host_main_with(const char *path, void (*open)(lua_State *L)) {
    static struct CMUnitTest table[MAX_TESTS];
    static char name[MAX_TESTS][128]; /* cmocka shows those of failed tests when the session is closed */
    lua_State *L = open_session();
    if (open) open(L);
    run_file(L, "tests/support/host.lua", 1);
    tests = luaL_ref(L, LUA_REGISTRYINDEX);
    run_file(L, path, 0);
    lua_rawgeti(L, LUA_REGISTRYINDEX, tests);
    int n = (int)lua_rawlen(L, -1);
    for (int i = 0; i < n && i < MAX_TESTS; i++) {
        lua_rawgeti(L, -1, i + 1);
        lua_getfield(L, -1, "name");
        snprintf(name[i], sizeof name[i], "%s", lua_tostring(L, -1));
        table[i] = (struct CMUnitTest){name[i], run_one, NULL, NULL, (void *)(intptr_t)(i + 1)};
        lua_pop(L, 2);
    }
    lua_pop(L, 1);
    return _cmocka_run_group_tests(path, table, (size_t)n, NULL, close_session);
}
