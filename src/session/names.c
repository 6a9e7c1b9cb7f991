/* Names of values that every session has: "keras.layer:.extend^fields" is the upvalue `fields` of the field `extend` of what
 * the module gives. Steps: .field, [3] of a list, @ a metatable, ^name of a Lua function's upvalue, ^1 of a C function's.
 * Invariant: a value is named when its module is loaded, before user code could put anything of its own there. */
#include <lauxlib.h>
#include <stdio.h>
#include <string.h>

#include "session/internal.h"

static const char names_key; /* its address is a registry key: value, or address of an upvalue -> name */
static const char keys_key;  /* likewise: table that users reach -> {key = true} when it was named */

static bool is_identifier(const char *s) {
    return *s && strspn(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_0123456789") == strlen(s);
}

/* The walk's tables on the stack: names, and a queue of what was named and not looked into. */
struct walk {
    lua_State *L;
    int names, queue;
    lua_Integer first, last;
    char path[200]; /* of the value that is looked into */
};

/* Names the value on top, if it is one that has names and has none yet; pops it. */
static void name_value(struct walk *w, const char *step) {
    lua_State *L = w->L;
    int type = lua_type(L, -1);
    bool named = type == LUA_TTABLE || type == LUA_TFUNCTION || type == LUA_TUSERDATA;
    lua_pushvalue(L, -1);
    if (!named || lua_rawget(L, w->names) != LUA_TNIL) {
        lua_pop(L, 2);
        return;
    }
    lua_pop(L, 1);
    lua_pushvalue(L, -1);
    lua_pushfstring(L, "%s%s", w->path, step);
    lua_rawset(L, w->names);
    lua_rawseti(L, w->queue, ++w->last);
}

static void name_fields(struct walk *w) {
    lua_State *L = w->L;
    char step[100];
    for (lua_pushnil(L); lua_next(L, -2);) {
        bool field = lua_type(L, -2) == LUA_TSTRING && is_identifier(lua_tostring(L, -2));
        if (field) snprintf(step, sizeof step, ".%s", lua_tostring(L, -2));
        if (lua_isinteger(L, -2)) snprintf(step, sizeof step, "[%lld]", lua_tointeger(L, -2));
        if (field || lua_isinteger(L, -2))
            name_value(w, step);
        else
            lua_pop(L, 1);
    }
}

static void name_upvalues(struct walk *w) {
    lua_State *L = w->L;
    char step[100];
    const char *upvalue;
    for (int i = 1; (upvalue = lua_getupvalue(L, -1, i)); i++) {
        if (*upvalue)
            snprintf(step, sizeof step, "^%s", upvalue);
        else
            snprintf(step, sizeof step, "^%d", i);
        name_value(w, step);
        if (!*upvalue) continue;
        lua_pushlightuserdata(L, lua_upvalueid(L, -1, i));
        lua_pushfstring(L, "%s%s", w->path, step);
        lua_rawset(L, w->names);
    }
}

/* Whether users have the table by name, as `tensor.random` or `math`; what they put into it is theirs then. */
static bool is_public(const char *path) {
    const char *steps = strchr(path, ':') + 1;
    const bool internal = !strncmp(path, "celda.", 6) || !strncmp(path, "registry:", 9) ||
                          !strncmp(path, "_G:.package", 11) || !strcmp(path, "_G:");
    return !internal && !strpbrk(steps, "@^[");
}

static void note_keys(struct walk *w) {
    lua_State *L = w->L;
    lua_rawgetp(L, LUA_REGISTRYINDEX, &keys_key);
    lua_pushvalue(L, -2);
    lua_newtable(L);
    for (lua_pushnil(L); lua_next(L, -3);) {
        lua_pop(L, 1);
        lua_pushvalue(L, -1);
        lua_pushboolean(L, true);
        lua_rawset(L, -4);
    }
    lua_rawset(L, -3);
    lua_pop(L, 1);
}

static void look_into(struct walk *w) {
    lua_State *L = w->L;
    lua_pushvalue(L, -1);
    lua_rawget(L, w->names);
    snprintf(w->path, sizeof w->path, "%s", lua_tostring(L, -1));
    lua_pop(L, 1);
    if (strlen(w->path) + 100 > sizeof w->path) return; /* nothing of ours lies so deep */
    if (lua_istable(L, -1) && is_public(w->path)) note_keys(w);
    if (lua_istable(L, -1)) name_fields(w);
    if (lua_isfunction(L, -1)) name_upvalues(w);
    if (lua_istable(L, -1) && lua_getmetatable(L, -1)) name_value(w, "@");
}

void session_name_values(lua_State *L, const char *module) {
    struct walk w = {.L = L};
    int top = lua_gettop(L);
    luaL_checkstack(L, 20, "names");
    lua_rawgetp(L, LUA_REGISTRYINDEX, &names_key);
    lua_newtable(L);
    w.names = top + 1;
    w.queue = top + 2;
    snprintf(w.path, sizeof w.path, "%s:", module);
    lua_pushvalue(L, top);
    name_value(&w, "");
    while (w.first < w.last) {
        lua_rawgeti(L, w.queue, ++w.first);
        look_into(&w);
        lua_settop(L, w.queue);
    }
    lua_settop(L, top);
}

/* name_of(value): its name, or nil. */
static int name_of(lua_State *L) {
    luaL_checkany(L, 1);
    lua_settop(L, 1);
    if (lua_islightuserdata(L, 1)) return 0;
    lua_rawgetp(L, LUA_REGISTRYINDEX, &names_key);
    lua_insert(L, 1);
    lua_rawget(L, 1);
    return 1;
}

/* upvalue_name(f, i): that of the variable which is f's i-th upvalue, or nil. */
static int upvalue_name(lua_State *L) {
    void *id = lua_isfunction(L, 1) ? lua_upvalueid(L, 1, (int)luaL_checkinteger(L, 2)) : NULL;
    lua_rawgetp(L, LUA_REGISTRYINDEX, &names_key);
    lua_rawgetp(L, -1, id);
    return 1;
}

/* Whether the field (key and value on top) of a table whose first keys are at `keys` is the user's: a new one, or another
 * function in the place of one of ours. */
static bool is_addition(lua_State *L, int keys, int names) {
    if (lua_type(L, -2) != LUA_TSTRING) return false;
    lua_pushvalue(L, -2);
    const bool new = lua_rawget(L, keys) == LUA_TNIL;
    lua_pop(L, 1);
    if (new || !lua_isfunction(L, -1)) return new;
    lua_pushvalue(L, -1);
    const bool other = lua_rawget(L, names) == LUA_TNIL;
    lua_pop(L, 1);
    return other;
}

/* additions(): {{table's name, key, value}, ...}, what the user put into tables that every session has. */
static int additions(lua_State *L) {
    enum { OUT = 1, NAMES, ALL, TABLE, KEYS };
    lua_settop(L, 0);
    lua_newtable(L);
    lua_rawgetp(L, LUA_REGISTRYINDEX, &names_key);
    lua_rawgetp(L, LUA_REGISTRYINDEX, &keys_key);
    for (lua_pushnil(L); lua_next(L, ALL); lua_settop(L, TABLE)) {
        for (lua_pushnil(L); lua_next(L, TABLE); lua_pop(L, 1)) {
            if (!is_addition(L, KEYS, NAMES)) continue;
            lua_createtable(L, 3, 0);
            lua_pushvalue(L, TABLE);
            lua_rawget(L, NAMES);
            lua_rawseti(L, -2, 1);
            lua_pushvalue(L, -3);
            lua_rawseti(L, -2, 2);
            lua_pushvalue(L, -2);
            lua_rawseti(L, -2, 3);
            lua_rawseti(L, OUT, (lua_Integer)lua_rawlen(L, OUT) + 1);
        }
    }
    lua_settop(L, OUT);
    return 1;
}

void session_open_names(lua_State *L) {
    static const luaL_Reg functions[] = {
        {"name_of", name_of}, {"upvalue_name", upvalue_name}, {"additions", additions}, {NULL, NULL}};
    lua_newtable(L);
    lua_rawsetp(L, LUA_REGISTRYINDEX, &keys_key);
    lua_newtable(L);
    lua_pushvalue(L, LUA_REGISTRYINDEX); /* has a name from the start: nobody looks into it, where users' values are */
    lua_pushliteral(L, "registry:");
    lua_rawset(L, -3);
    lua_rawsetp(L, LUA_REGISTRYINDEX, &names_key);
    lua_pushglobaltable(L);
    session_name_values(L, "_G");
    luaL_getsubtable(L, LUA_REGISTRYINDEX, LUA_LOADED_TABLE);
    lua_getfield(L, -1, "celda.core");
    luaL_setfuncs(L, functions, 0);
    session_name_values(L, "celda.core");
    lua_pop(L, 3);
    for (lua_pushnil(L); lua_next(L, LUA_REGISTRYINDEX); lua_pop(L, 1)) {
        if (lua_type(L, -2) != LUA_TSTRING || !lua_istable(L, -1) || *lua_tostring(L, -2) == '_') continue;
        char name[100]; /* a type's metatable */
        snprintf(name, sizeof name, "registry:%s", lua_tostring(L, -2));
        session_name_values(L, name);
    }
}
