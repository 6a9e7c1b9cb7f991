/* Embedded Lua modules: found by require, and loaded by globals when these are first used. Invariant: opening a session
 * compiles none of them. */
#include "session/modules.h"

#include <lauxlib.h>
#include <stdio.h>
#include <string.h>

#include "session/internal.h"

static const struct session_module *find(const char *name) {
    for (const struct session_module *m = session_modules; m->name; m++)
        if (strcmp(m->name, name) == 0) return m;
    return NULL;
}

/* The loader: runs the chunk that is its upvalue and names what came of it, before anybody else can change it. */
static int load_chunk(lua_State *L) {
    lua_pushvalue(L, lua_upvalueindex(1));
    lua_pushvalue(L, 1);
    lua_pushvalue(L, 2);
    lua_call(L, 2, 1);
    session_name_values(L, lua_tostring(L, 1));
    return 1;
}

/* package.searchers entry: the loader and "celda:path"; nothing where there is no such module, so that require's message
 * is Lua's own. */
static int search(lua_State *L) {
    const struct session_module *m = find(luaL_checkstring(L, 1));
    char chunk[128];
    if (!m) return 0;
    snprintf(chunk, sizeof chunk, "=celda:%s", m->path);
    if (luaL_loadbufferx(L, m->source, m->size, chunk, "t") != LUA_OK) return lua_error(L);
    lua_pushcclosure(L, load_chunk, 1);
    lua_pushstring(L, chunk + 1);
    return 2;
}

void session_push_function(lua_State *L, const char *module, const char *name) {
    lua_getglobal(L, "require");
    lua_pushstring(L, module);
    lua_call(L, 1, 1);
    lua_getfield(L, -1, name);
    lua_remove(L, -2);
}

/* A stub's __index, __newindex, __call or __pairs: upvalue 1 is the module's name. The module takes the stub's place,
 * and the stub itself becomes a view of it for those who kept it. */
static void load_module(lua_State *L) {
    lua_getglobal(L, "require");
    lua_pushvalue(L, lua_upvalueindex(1));
    lua_call(L, 1, 1);
    lua_getglobal(L, lua_tostring(L, lua_upvalueindex(1)));
    bool untouched = lua_rawequal(L, -1, 1);
    lua_pop(L, 1);
    if (untouched) {
        lua_pushvalue(L, -1);
        lua_setglobal(L, lua_tostring(L, lua_upvalueindex(1)));
    }
}

/* For completion: the module itself. */
static int stub_module(lua_State *L) {
    load_module(L);
    return 1;
}

static int stub_index(lua_State *L) {
    load_module(L);
    lua_pushvalue(L, 2);
    lua_gettable(L, -2);
    return 1;
}

static int stub_newindex(lua_State *L) {
    load_module(L);
    lua_replace(L, 1);
    lua_settable(L, 1);
    return 0;
}

static int stub_call(lua_State *L) {
    load_module(L);
    lua_replace(L, 1);
    lua_call(L, lua_gettop(L) - 1, LUA_MULTRET);
    return lua_gettop(L);
}

static int stub_pairs(lua_State *L) {
    load_module(L);
    lua_getglobal(L, "pairs");
    lua_insert(L, -2);
    lua_call(L, 1, 3);
    return 3;
}

static void add_stub(lua_State *L, const char *name) {
    static const luaL_Reg events[] = {{"__index", stub_index},
                                      {"__newindex", stub_newindex},
                                      {"__call", stub_call},
                                      {"__pairs", stub_pairs},
                                      {"__module", stub_module}};
    if (lua_getglobal(L, name) == LUA_TNIL && find(name)) {
        lua_newtable(L);
        lua_newtable(L);
        for (size_t i = 0; i < sizeof events / sizeof *events; i++) {
            lua_pushstring(L, name);
            lua_pushcclosure(L, events[i].func, 1);
            lua_setfield(L, -2, events[i].name);
        }
        lua_setmetatable(L, -2);
        lua_setglobal(L, name);
    }
    lua_pop(L, 1);
}

/* celda.source("celda:lua/keras/init.lua"): the text of the module that debug.getinfo names so, or nil. */
static int source_of(lua_State *L) {
    const char *name = luaL_checkstring(L, 1), *path = strncmp(name, "celda:", 6) == 0 ? name + 6 : "";
    for (const struct session_module *m = session_modules; m->name; m++) {
        if (strcmp(m->path, path) != 0) continue;
        lua_pushlstring(L, m->source, m->size);
        return 1;
    }
    return 0;
}

void session_open_modules(lua_State *L) {
    lua_getglobal(L, "celda");
    lua_pushcfunction(L, source_of);
    lua_setfield(L, -2, "source");
    lua_pop(L, 1);
    lua_getglobal(L, "package");
    lua_getfield(L, -1, "searchers");
    for (lua_Integer i = luaL_len(L, -1); i >= 2; i--) {
        lua_geti(L, -1, i);
        lua_seti(L, -2, i + 1);
    }
    lua_pushcfunction(L, search);
    lua_seti(L, -2, 2);
    lua_pop(L, 2);
    for (const struct session_module *m = session_modules; m->name; m++)
        if (!strchr(m->name, '.')) add_stub(L, m->name);
}
