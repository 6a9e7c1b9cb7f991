/* Help texts and sources of functions are found in Lua (lua/help.lua, lua/help/source.lua); this asks for them. */
#include <lauxlib.h>

#include "session/internal.h"

/* Runs a chunk of ours with the thing as its argument, for so many results, which are left on the stack. */
static enum status ask(lua_State *L, const char *chunk, const char *thing, int results, struct err *e) {
    bool failed = luaL_loadstring(L, chunk) != LUA_OK;
    if (!failed) {
        lua_pushstring(L, thing);
        failed = lua_pcall(L, 1, results, 0) != LUA_OK;
    }
    return failed ? err_set(e, ERR_VALUE, "%s", luaL_tolstring(L, -1, NULL)) : OK;
}

static void put(lua_State *L, int index, struct buf *out) {
    size_t n;
    const char *text = lua_tolstring(L, index, &n);
    if (text) buf_put(out, text, n);
}

enum status session_help(struct session *s, const char *thing, struct buf *out, struct err *e) {
    lua_State *L = s->L;
    int top = lua_gettop(L);
    if (ask(L, "return require('help').text_of(...)", thing, 1, e) == OK) put(L, top + 1, out);
    lua_settop(L, top);
    return e->status;
}

enum status session_source(struct session *s, const char *thing, struct buf *place, struct buf *source, struct err *e) {
    lua_State *L = s->L;
    int top = lua_gettop(L);
    if (ask(L, "return require('help.source')(...)", thing, 2, e) == OK) {
        put(L, top + 1, place);
        put(L, top + 2, source);
    }
    lua_settop(L, top);
    return e->status;
}
