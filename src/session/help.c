/* Help texts live in Lua (lua/help.lua); this asks for one. */
#include <lauxlib.h>

#include "session/internal.h"

enum status session_help(struct session *s, const char *thing, struct buf *out, struct err *e) {
    static const char ask[] = "local name = ... return require('help').text_of(name)";
    lua_State *L = s->L;
    int top = lua_gettop(L);
    size_t n;
    bool failed = luaL_loadstring(L, ask) != LUA_OK;
    if (!failed) {
        lua_pushstring(L, thing);
        failed = lua_pcall(L, 1, 1, 0) != LUA_OK;
    }
    const char *text = luaL_tolstring(L, -1, &n);
    if (failed)
        err_set(e, ERR_VALUE, "%s", text);
    else
        buf_put(out, text, n);
    lua_settop(L, top);
    return e->status;
}
