/* %who: the session's variables, top-level locals and new globals. */
#include <lauxlib.h>
#include <string.h>

#include "magic/magic.h"

static void print_variable(void *arg, lua_State *L, const char *name) {
    const struct magic_call *c = arg;
    struct buf line = {0};
    size_t n;
    const char *text = "";
    const char *type = luaL_typename(L, -1);
    if (luaL_getmetafield(L, -1, "__name") == LUA_TSTRING) {
        type = lua_tostring(L, -1);
        lua_pop(L, 1);
    }
    if (lua_type(L, -1) != LUA_TTABLE && lua_type(L, -1) != LUA_TFUNCTION && lua_type(L, -1) != LUA_TUSERDATA) {
        text = luaL_tolstring(L, -1, &n);
        lua_pop(L, 1);
    }
    buf_printf(&line, "%-20s %-12s %.*s", name, type, (int)strcspn(text, "\n"), text);
    magic_print(c, "%s\n", buf_text(&line));
    buf_free(&line);
}

static enum status run(const struct magic_call *c, struct err *e) {
    (void)e;
    session_each_local(c->session, print_variable, (void *)c);
    session_each_global(c->session, print_variable, (void *)c);
    return OK;
}

const struct magic magic_who = {
    .name = "who",
    .usage = "%who",
    .help = "lists the session's variables",
    .run = run,
};
