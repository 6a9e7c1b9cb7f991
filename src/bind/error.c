/* Errors of the core as Lua error objects, with the place in the user's code that called. */
#include <stdio.h>
#include <string.h>

#include "bind/internal.h"

#define BIND_ERROR "celda.error"

void bind_push_where(lua_State *L) {
    lua_Debug ar;
    for (int level = 0; lua_getstack(L, level, &ar); level++) {
        lua_getinfo(L, "Sl", &ar);
        if (ar.currentline <= 0 || strncmp(ar.short_src, "celda:", 6) == 0) continue;
        lua_pushfstring(L, "%s:%d: ", ar.short_src, ar.currentline);
        return;
    }
    lua_pushliteral(L, "");
}

/* Where an interrupt armed a hook, the hook raises: it keeps account of who catches its error. */
static void raise_interrupt(lua_State *L) {
    lua_Debug ar;
    lua_Hook hook = lua_gethook(L);
    if (!hook || !lua_getstack(L, 0, &ar)) return;
    ar.event = LUA_HOOKCOUNT;
    hook(L, &ar);
}

/* An interrupt has no place of its own: where it hits is chance. */
static void raise_error(lua_State *L, enum status s, const char *text) {
    if (s == ERR_CANCELLED) raise_interrupt(L);
    lua_createtable(L, 0, 3);
    luaL_setmetatable(L, BIND_ERROR);
    lua_pushstring(L, err_name(s));
    lua_setfield(L, -2, "name");
    lua_pushstring(L, text);
    lua_setfield(L, -2, "message");
    if (s == ERR_CANCELLED)
        lua_pushliteral(L, "");
    else
        bind_push_where(L);
    lua_setfield(L, -2, "where");
    lua_error(L);
}

void bind_check(lua_State *L, enum status s, const struct err *e) {
    if (s != OK) raise_error(L, s, e->text);
}

int bind_raise(lua_State *L, enum status s, const char *format, ...) {
    char text[sizeof((struct err *)0)->text];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    raise_error(L, s, text);
    return 0;
}

static int error_tostring(lua_State *L) {
    lua_getfield(L, 1, "where");
    lua_getfield(L, 1, "name");
    lua_getfield(L, 1, "message");
    lua_pushfstring(L, "%s%s: %s", lua_tostring(L, -3), lua_tostring(L, -2), lua_tostring(L, -1));
    return 1;
}

/* raise("ValueError", format, ...): for the modules in lua/. */
static int error_raise(lua_State *L) {
    const char *name = luaL_checkstring(L, 1);
    enum status s = ERR_VALUE;
    for (enum status k = ERR_MEMORY; k <= ERR_CANCELLED; k++)
        if (strcmp(err_name(k), name) == 0) s = k;
    lua_getglobal(L, "string");
    lua_getfield(L, -1, "format");
    lua_replace(L, 1);
    lua_pop(L, 1);
    lua_call(L, lua_gettop(L) - 1, 1);
    raise_error(L, s, lua_tostring(L, -1));
    return 0;
}

void bind_open_errors(lua_State *L, int core) {
    luaL_newmetatable(L, BIND_ERROR);
    lua_pushcfunction(L, error_tostring);
    lua_setfield(L, -2, "__tostring");
    lua_pop(L, 1);
    lua_pushcfunction(L, error_raise);
    lua_setfield(L, core, "raise");
}
