/* Members that say what is wrong: methods that notice a call with a dot, and tables that name the nearest of what they
 * hold. */
#include "base/nearest.h"
#include "bind/internal.h"

enum { MAX_NAMES = 256 };

/* ---- methods ------------------------------------------------------------------------------------------------------- */

static int finish_call(lua_State *L, int status, lua_KContext context) {
    (void)status;
    (void)context;
    return lua_gettop(L);
}

/* Upvalues: the function, its name, the name of a receiver, the set of receivers' metatables. */
static int call_method(lua_State *L) {
    int n = lua_gettop(L);
    bool fits = lua_getmetatable(L, 1) && lua_rawget(L, lua_upvalueindex(4)) != LUA_TNIL;
    if (!fits) {
        const char *name = lua_tostring(L, lua_upvalueindex(2)), *receiver = lua_tostring(L, lua_upvalueindex(3));
        return bind_raise(L, ERR_TYPE, "%s is a method and needs a colon: %s:%s(...), not %s.%s(...)", name, receiver,
                          name, receiver, name);
    }
    lua_settop(L, n);
    lua_pushvalue(L, lua_upvalueindex(1));
    lua_insert(L, 1);
    lua_callk(L, n, LUA_MULTRET, 0, finish_call);
    return lua_gettop(L);
}

void bind_methods(lua_State *L, const char *receiver, const char *const *types) {
    int methods = lua_gettop(L);
    lua_newtable(L);
    for (; *types; types++) {
        luaL_getmetatable(L, *types);
        lua_pushboolean(L, true);
        lua_rawset(L, methods + 1);
    }
    for (lua_pushnil(L); lua_next(L, methods); lua_pop(L, 1)) {
        lua_pushvalue(L, -1);
        lua_pushvalue(L, -3);
        lua_pushstring(L, receiver);
        lua_pushvalue(L, methods + 1);
        lua_pushcclosure(L, call_method, 4);
        lua_pushvalue(L, -3);
        lua_insert(L, -2);
        lua_rawset(L, methods);
    }
    lua_pop(L, 1);
}

/* method(f, name, receiver, metatable): f as a method, for the modules in lua/. */
static int core_method(lua_State *L) {
    lua_settop(L, 4);
    lua_createtable(L, 0, 1);
    lua_insert(L, 4);
    lua_pushboolean(L, true);
    lua_rawset(L, 4);
    lua_pushcclosure(L, call_method, 4);
    return 1;
}

/* ---- tables -------------------------------------------------------------------------------------------------------- */

/* Upvalue 1: the table's name. */
static int no_member(lua_State *L) {
    const char *names[MAX_NAMES + 1];
    int n = 0;
    for (lua_pushnil(L); lua_next(L, 1); lua_pop(L, 1))
        if (n < MAX_NAMES && lua_type(L, -2) == LUA_TSTRING) names[n++] = lua_tostring(L, -2);
    names[n] = NULL;
    const char *name = luaL_tolstring(L, 2, NULL), *near = nearest(name, names);
    return bind_raise(L, ERR_NOT_FOUND, "%s has no '%s'%s%s%s", lua_tostring(L, lua_upvalueindex(1)), name,
                      near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "");
}

void bind_strict(lua_State *L, const char *name) {
    if (!lua_getmetatable(L, -1)) lua_createtable(L, 0, 1);
    lua_pushstring(L, name);
    lua_pushcclosure(L, no_member, 1);
    lua_setfield(L, -2, "__index");
    lua_setmetatable(L, -2);
}

/* strict(table, name): the table, from now on strict; for the modules in lua/. */
static int core_strict(lua_State *L) {
    lua_settop(L, 2);
    lua_insert(L, 1);
    bind_strict(L, luaL_checkstring(L, 1));
    return 1;
}

void bind_open_members(lua_State *L, int core) {
    lua_pushcfunction(L, core_method);
    lua_setfield(L, core, "method");
    lua_pushcfunction(L, core_strict);
    lua_setfield(L, core, "strict");
}
