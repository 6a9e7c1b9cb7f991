/* Help texts and sources of functions are found in Lua (lua/help.lua, lua/help/source.lua); this asks for them. */
#include <lauxlib.h>
#include <string.h>

#include "session/internal.h"

/* Runs a chunk of ours with the two texts (NULL: nil), for so many results, which are left on the stack. */
static enum status ask(lua_State *L, const char *chunk, const char *thing, const char *other, int results,
                       struct err *e) {
    bool failed = luaL_loadstring(L, chunk) != LUA_OK;
    if (!failed) {
        lua_pushstring(L, thing);
        lua_pushstring(L, other);
        failed = lua_pcall(L, 2, results, 0) != LUA_OK;
    }
    return failed ? err_set(e, ERR_VALUE, "%s", luaL_tolstring(L, -1, NULL)) : OK;
}

static void put(lua_State *L, int index, struct buf *out) {
    size_t n;
    const char *text = lua_tolstring(L, index, &n);
    if (text) buf_put(out, text, n);
}

enum status session_help(struct session *s, const char *thing, const char *other, struct buf *out, struct err *e) {
    lua_State *L = s->L;
    int top = lua_gettop(L);
    if (ask(L, "return require('help').text_of(...)", thing, other, 1, e) == OK) put(L, top + 1, out);
    lua_settop(L, top);
    return e->status;
}

/* path, out -> whether there is a text */
static int help_at(lua_State *L) {
    size_t n;
    const char *path = lua_tolstring(L, 1, &n);
    session_push_path(L, "require", strlen("require"));
    lua_pushliteral(L, "help");
    lua_call(L, 1, 1);
    lua_getfield(L, -1, "of_value");
    lua_pushvalue(L, 1);
    session_push_path(L, path, n);
    lua_call(L, 2, 1);
    put(L, -1, lua_touserdata(L, 2));
    lua_pushboolean(L, lua_isstring(L, -1));
    return 1;
}

bool session_help_at(struct session *s, const char *path, size_t n, struct buf *out) {
    lua_State *L = s->L;
    int top = lua_gettop(L);
    lua_pushcfunction(L, help_at);
    lua_pushlstring(L, path, n);
    lua_pushlightuserdata(L, out);
    const bool found = lua_pcall(L, 2, 1, 0) == LUA_OK && lua_toboolean(L, -1);
    lua_settop(L, top);
    return found;
}

enum status session_source(struct session *s, const char *thing, struct buf *place, struct buf *source, struct err *e) {
    lua_State *L = s->L;
    int top = lua_gettop(L);
    if (ask(L, "return require('help.source')(...)", thing, NULL, 2, e) == OK) {
        put(L, top + 1, place);
        put(L, top + 2, source);
    }
    lua_settop(L, top);
    return e->status;
}
