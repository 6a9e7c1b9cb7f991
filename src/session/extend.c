/* What users add to a session in Lua: magics (celda.magic), keys (celda.bind), and the file that does so at each start.
 * Invariant: a magic is {name, usage, help, takes a cell, function} in the registry's list, so that reading it allocates
 * nothing. */
#include <lauxlib.h>
#include <limits.h>
#include <string.h>

#include "base/state.h"
#include "base/wrap.h"
#include "cell/name.h"
#include "session/internal.h"

static const char magics_key; /* its address is a registry key: the list */

enum { NAME = 1, USAGE, HELP, TAKES_CELL, FUNCTION };

/* ---- celda.magic ---------------------------------------------------------------------------------------------------- */

static const char *check_name(lua_State *L, int index) {
    const char *name = luaL_checkstring(L, index);
    size_t i = 0;
    while (cell_is_name(name[i])) i++;
    luaL_argcheck(L, i > 0 && !name[i] && !cell_is_digit(*name), index, "a name of letters and digits is wanted");
    return name;
}

static void check_options(lua_State *L, int index) {
    luaL_checktype(L, index, LUA_TTABLE);
    for (lua_pushnil(L); lua_next(L, index); lua_pop(L, 1)) {
        const char *key = lua_type(L, -2) == LUA_TSTRING ? lua_tostring(L, -2) : "?";
        if (strcmp(key, "usage") != 0 && strcmp(key, "help") != 0 && strcmp(key, "cell") != 0)
            luaL_error(L, "celda.magic: unknown option '%s'; there are usage, help and cell", key);
    }
}

/* entry[field] = options.key, or the text instead; the entry lies on the top. */
static void set_text(lua_State *L, int options, const char *key, int field, const char *instead) {
    if (lua_getfield(L, options, key) == LUA_TNIL) {
        lua_pop(L, 1);
        lua_pushstring(L, instead);
    }
    if (lua_type(L, -1) != LUA_TSTRING) luaL_error(L, "celda.magic: %s is a text, not a %s", key, luaL_typename(L, -1));
    lua_rawseti(L, -2, field);
}

/* The place of the magic called `name` in the list on the top, or the one behind all. */
static lua_Integer find(lua_State *L, const char *name) {
    const lua_Integer n = (lua_Integer)lua_rawlen(L, -1);
    for (lua_Integer i = 1; i <= n; i++) {
        lua_rawgeti(L, -1, i);
        lua_rawgeti(L, -1, NAME);
        const bool same = strcmp(lua_tostring(L, -1), name) == 0;
        lua_pop(L, 2);
        if (same) return i;
    }
    return n + 1;
}

/* celda.magic(name, [{usage =, help =, cell =},] function(args, body)) */
static int add_magic(lua_State *L) {
    const char *name = check_name(L, 1);
    if (lua_isfunction(L, 2)) {
        lua_settop(L, 2);
        lua_newtable(L);
        lua_insert(L, 2);
    }
    check_options(L, 2);
    luaL_checktype(L, 3, LUA_TFUNCTION);
    lua_settop(L, 3);
    const char *usage = lua_pushfstring(L, "%%%s", name);
    lua_createtable(L, FUNCTION, 0);
    lua_pushvalue(L, 1);
    lua_rawseti(L, -2, NAME);
    set_text(L, 2, "usage", USAGE, usage);
    set_text(L, 2, "help", HELP, "");
    lua_getfield(L, 2, "cell");
    lua_rawseti(L, -2, TAKES_CELL);
    lua_pushvalue(L, 3);
    lua_rawseti(L, -2, FUNCTION);
    lua_rawgetp(L, LUA_REGISTRYINDEX, &magics_key);
    const lua_Integer place = find(L, name);
    lua_insert(L, -2);
    lua_rawseti(L, -2, place);
    return 0;
}

void session_each_magic(struct session *s, void (*fn)(void *arg, const struct session_magic *m), void *arg) {
    lua_State *L = s->L;
    const int top = lua_gettop(L);
    lua_rawgetp(L, LUA_REGISTRYINDEX, &magics_key);
    const lua_Integer n = (lua_Integer)lua_rawlen(L, -1);
    for (lua_Integer i = 1; i <= n; i++) {
        lua_rawgeti(L, top + 1, i);
        for (int field = NAME; field <= TAKES_CELL; field++) lua_rawgeti(L, top + 2, field);
        fn(arg, &(struct session_magic){lua_tostring(L, top + 3), lua_tostring(L, top + 4), lua_tostring(L, top + 5),
                                        lua_toboolean(L, top + 6)});
        lua_settop(L, top + 1);
    }
    lua_settop(L, top);
}

bool session_push_magic(lua_State *L, const char *name) {
    lua_rawgetp(L, LUA_REGISTRYINDEX, &magics_key);
    const bool found = lua_rawgeti(L, -1, find(L, name)) != LUA_TNIL;
    if (found) lua_rawgeti(L, -1, FUNCTION);
    lua_insert(L, -(2 + found));
    lua_pop(L, 1 + found);
    return found;
}

/* ---- celda.bind ----------------------------------------------------------------------------------------------------- */

/* celda.bind(keys, text): whether there are keys to be pressed. */
static int bind_keys(lua_State *L) {
    const char *keys = luaL_checkstring(L, 1), *text = luaL_checkstring(L, 2);
    const struct session *s = session_of(L);
    struct err e = {0};
    if (s->bind && s->bind(s->bind_arg, keys, text, &e)) return luaL_error(L, "celda.bind: %s", e.text);
    lua_pushboolean(L, s->bind != NULL);
    return 1;
}

void session_set_bind(struct session *s, session_bind_fn *fn, void *arg) {
    s->bind = fn;
    s->bind_arg = arg;
}

/* ---- opening -------------------------------------------------------------------------------------------------------- */

/* config(name): the path of a file in the user's folder of settings, or nil. */
static int config(lua_State *L) {
    char path[PATH_MAX];
    struct err e = {0};
    if (config_path(luaL_checkstring(L, 1), path, sizeof path, &e) == OK)
        lua_pushstring(L, path);
    else
        lua_pushnil(L);
    return 1;
}

void session_open_extend(lua_State *L) {
    lua_newtable(L);
    lua_rawsetp(L, LUA_REGISTRYINDEX, &magics_key);
    lua_getglobal(L, "celda");
    lua_pushcfunction(L, add_magic);
    lua_setfield(L, -2, "magic");
    lua_pushcfunction(L, bind_keys);
    lua_setfield(L, -2, "bind");
    luaL_getsubtable(L, LUA_REGISTRYINDEX, LUA_LOADED_TABLE);
    lua_getfield(L, -1, "celda.core");
    lua_pushcfunction(L, config);
    lua_setfield(L, -2, "config");
    lua_pop(L, 3);
}

void session_load_init(struct session *s) {
    struct err e = {0};
    struct buf line = {0};
    s->init = true;
    session_interrupt_clear();
    if (session_call(s, &(struct session_call){"celda.extensions", "init", NULL, false}, 0, &e)) {
        buf_printf(&line, "(the session goes on without the rest of init.lua: %s)\n", e.text);
        wrap_to(s->sink, SINK_ERR, buf_text(&line), line.len);
        buf_free(&line);
    }
    session_interrupt_clear();
    sink_flush(s->sink);
    session_hide_globals(s);
}
