/* JSON for Lua: json.decode, json.encode, json.null; and Lua values as configs of nn objects. */
#include "base/json.h"

#include <math.h>
#include <string.h>

#include "bind/internal.h"

enum { MAX_DEPTH = 100 };

static const char null_key; /* json.null is a light userdata with this address */

static json_t *to_json(lua_State *L, int index, int depth);

static json_t *array_to_json(lua_State *L, int index, lua_Integer n, int depth) {
    json_t *array = json_array();
    for (lua_Integer i = 1; i <= n; i++) {
        lua_geti(L, index, i);
        json_array_append_new(array, to_json(L, lua_gettop(L), depth + 1));
        lua_pop(L, 1);
    }
    return array;
}

static json_t *object_to_json(lua_State *L, int index, int depth) {
    json_t *object = json_object();
    lua_pushnil(L);
    while (lua_next(L, index)) {
        lua_pushvalue(L, -2);
        json_object_set_new(object, lua_tostring(L, -1), to_json(L, lua_gettop(L) - 1, depth + 1));
        lua_pop(L, 2);
    }
    return object;
}

/* How a table goes: its length as an array, or -1: an object. Raises where it is neither. */
static lua_Integer array_length(lua_State *L, int index) {
    lua_Integer n = (lua_Integer)lua_rawlen(L, index), count = 0;
    bool strings = false;
    lua_pushnil(L);
    while (lua_next(L, index)) {
        lua_pop(L, 1);
        count++;
        strings |= lua_type(L, -1) == LUA_TSTRING;
    }
    if (count == n) return n;
    if (n > 0 || !strings) luaL_error(L, "json: a table must be a list or have string keys alone");
    return -1;
}

/* Checks a value before anything is allocated, so that building it cannot raise. */
static void check_value(lua_State *L, int index, int depth) {
    luaL_checkstack(L, 10, "json: nested too deeply");
    if (depth > MAX_DEPTH) luaL_error(L, "json: nested too deeply (or a cycle)");
    switch (lua_type(L, index)) {
    case LUA_TNIL:
    case LUA_TBOOLEAN:
    case LUA_TSTRING: return;
    case LUA_TNUMBER:
        if (!lua_isinteger(L, index) && !isfinite(lua_tonumber(L, index)))
            luaL_error(L, "json: NaN and infinity have no JSON");
        return;
    case LUA_TLIGHTUSERDATA:
        if (lua_touserdata(L, index) == (void *)&null_key) return;
        break;
    case LUA_TTABLE:
        array_length(L, index);
        lua_pushnil(L);
        while (lua_next(L, index)) {
            check_value(L, lua_gettop(L), depth + 1);
            lua_pop(L, 1);
        }
        return;
    default: break;
    }
    luaL_error(L, "json: a %s has no JSON", luaL_typename(L, index));
}

static json_t *to_json(lua_State *L, int index, int depth) {
    size_t n;
    switch (lua_type(L, index)) {
    case LUA_TBOOLEAN: return json_boolean(lua_toboolean(L, index));
    case LUA_TSTRING: {
        const char *s = lua_tolstring(L, index, &n);
        return json_stringn_nocheck(s, n);
    }
    case LUA_TNUMBER:
        return lua_isinteger(L, index) ? json_integer(lua_tointeger(L, index)) : json_real(lua_tonumber(L, index));
    case LUA_TTABLE: {
        lua_Integer length = array_length(L, index);
        return length >= 0 ? array_to_json(L, index, length, depth) : object_to_json(L, index, depth);
    }
    default: return json_null();
    }
}

json_t *bind_to_json(lua_State *L, int index) {
    index = lua_absindex(L, index);
    check_value(L, index, 0);
    return to_json(L, index, 0);
}

void bind_push_json(lua_State *L, const json_t *j) {
    const char *key;
    json_t *value;
    double x;
    luaL_checkstack(L, 6, "json: nested too deeply");
    if (json_special(j, &x)) {
        lua_pushnumber(L, x);
        return;
    }
    switch (json_typeof(j)) {
    case JSON_OBJECT:
        lua_newtable(L);
        json_object_foreach((json_t *)j, key, value) {
            bind_push_json(L, value);
            lua_setfield(L, -2, key);
        }
        break;
    case JSON_ARRAY:
        lua_createtable(L, (int)json_array_size(j), 0);
        for (size_t i = 0; i < json_array_size(j); i++) {
            bind_push_json(L, json_array_get(j, i));
            lua_seti(L, -2, (lua_Integer)i + 1);
        }
        break;
    case JSON_STRING: lua_pushlstring(L, json_string_value(j), json_string_length(j)); break;
    case JSON_INTEGER: lua_pushinteger(L, json_integer_value(j)); break;
    case JSON_REAL: lua_pushnumber(L, json_real_value(j)); break;
    case JSON_TRUE: lua_pushboolean(L, 1); break;
    case JSON_FALSE: lua_pushboolean(L, 0); break;
    case JSON_NULL: lua_pushlightuserdata(L, (void *)&null_key); break;
    }
}

static int json_gc(lua_State *L) {
    json_t **box = lua_touserdata(L, 1);
    json_decref(*box);
    *box = NULL;
    return 0;
}

/* Keeps a JSON value alive on the stack until it is collected or closed. */
static json_t **push_holder(lua_State *L) {
    json_t **box = lua_newuserdatauv(L, sizeof *box, 0);
    *box = NULL;
    luaL_setmetatable(L, "celda.json");
    return box;
}

static int json_decode(lua_State *L) {
    size_t n;
    struct err e = {0};
    const char *text = luaL_checklstring(L, 1, &n);
    json_t **box = push_holder(L);
    *box = json_parse(text, n, &e);
    bind_check(L, e.status, &e);
    bind_push_json(L, *box);
    return 1;
}

static int json_encode(lua_State *L) {
    struct buf out = {0};
    struct err e = {0};
    int indent = bind_option(L, 2, "indent") ? (int)luaL_checkinteger(L, -1) : 0;
    luaL_checkany(L, 1);
    json_t **box = push_holder(L);
    *box = bind_to_json(L, 1);
    json_write(*box, indent, false, &out);
    luaL_Buffer b;
    enum status s = buf_status(&out, &e);
    char *room = s == OK ? luaL_buffinitsize(L, &b, out.len) : NULL;
    if (room) memcpy(room, buf_text(&out), out.len);
    size_t size = out.len;
    buf_free(&out);
    bind_check(L, s, &e);
    luaL_pushresultsize(&b, size);
    return 1;
}

void bind_open_json(lua_State *L) {
    static const luaL_Reg functions[] = {{"decode", json_decode}, {"encode", json_encode}, {NULL, NULL}};
    luaL_newmetatable(L, "celda.json");
    lua_pushcfunction(L, json_gc);
    lua_setfield(L, -2, "__gc");
    lua_pop(L, 1);
    luaL_newlib(L, functions);
    lua_pushlightuserdata(L, (void *)&null_key);
    lua_setfield(L, -2, "null");
    lua_setglobal(L, "json");
}
