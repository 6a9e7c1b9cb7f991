/* JSON for Lua: json.decode, json.encode, json.null; and Lua values as configs of nn objects. */
#include "base/json.h"

#include <math.h>
#include <string.h>

#include "bind/internal.h"

enum { MAX_DEPTH = 100 };

#define BIND_JSON "celda.json"

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

#define BIND_EMPTY "json.object" /* marks a table that was an empty object, which a plain {} is not */

static bool is_empty_object(lua_State *L, int index) {
    int top = lua_gettop(L);
    bool marked = lua_getmetatable(L, index) && (luaL_getmetatable(L, BIND_EMPTY), lua_rawequal(L, -1, -2));
    lua_settop(L, top);
    return marked;
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
    if (count == 0 && is_empty_object(L, index)) return -1;
    if (count == n) return n;
    if (n > 0 || !strings) bind_raise(L, ERR_TYPE, "a table as JSON must be a list, or have string keys alone");
    return -1;
}

/* Checks a value before anything is allocated, so that building it cannot raise. */
static void check_value(lua_State *L, int index, int depth) {
    luaL_checkstack(L, 10, "json: nested too deeply");
    if (depth > MAX_DEPTH)
        bind_raise(L, ERR_VALUE, "a table nested deeper than %d (or in itself) has no JSON", MAX_DEPTH);
    switch (lua_type(L, index)) {
    case LUA_TNIL:
    case LUA_TBOOLEAN:
    case LUA_TSTRING: return;
    case LUA_TNUMBER:
        if (!lua_isinteger(L, index) && !isfinite(lua_tonumber(L, index)))
            bind_raise(L, ERR_VALUE, "NaN and infinity have no JSON");
        return;
    case LUA_TLIGHTUSERDATA:
        if (bind_is_null(L, index)) return;
        break;
    case LUA_TTABLE:
        array_length(L, index);
        lua_pushnil(L);
        while (lua_next(L, index)) {
            check_value(L, lua_gettop(L), depth + 1);
            lua_pop(L, 1);
        }
        return;
    case LUA_TFUNCTION:
        if (bind_activation_name(L, index)) return;
        break;
    default: break;
    }
    bind_raise(L, ERR_TYPE, "a %s has no JSON", bind_kind_name(L, index));
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
    case LUA_TFUNCTION: return json_string(bind_activation_name(L, index));
    default: return json_null();
    }
}

json_t *bind_to_json(lua_State *L, int index) {
    struct err e = {0};
    index = lua_absindex(L, index);
    check_value(L, index, 0);
    json_t *j = to_json(L, index, 0);
    if (!j) bind_check(L, err_set(&e, ERR_MEMORY, "no memory for JSON"), &e);
    return j;
}

json_t *bind_hold_as_json(lua_State *L, int index) {
    index = lua_absindex(L, index);
    void **box = bind_box(L, BIND_JSON);
    *box = bind_to_json(L, index);
    return *box;
}

void bind_hold_json(lua_State *L, json_t *j) {
    *bind_box(L, BIND_JSON) = j;
}

bool bind_is_null(lua_State *L, int index) {
    return lua_islightuserdata(L, index) && lua_touserdata(L, index) == (void *)&null_key;
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
        if (json_object_size(j) == 0) luaL_setmetatable(L, BIND_EMPTY);
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

static int json_release(lua_State *L) {
    json_decref(bind_take(L, BIND_JSON));
    return 0;
}

static int json_decode(lua_State *L) {
    size_t n;
    struct err e = {0};
    const char *text = luaL_checklstring(L, 1, &n);
    void **box = bind_box(L, BIND_JSON);
    *box = json_parse(text, n, &e);
    bind_check(L, e.status, &e);
    bind_push_json(L, *box);
    return 1;
}

/* json.encode(value[, {indent = n}]) */
static int json_encode(lua_State *L) {
    static const char *const names[] = {"indent", NULL};
    luaL_checkany(L, 1);
    bind_args(L, 2, "json.encode", names);
    int indent = lua_isnil(L, 2) ? 0 : (int)bind_integer(L, 2, "indent");
    const json_t *j = bind_hold_as_json(L, 1);
    struct buf *text = bind_new_buf(L);
    json_write(j, indent, false, text);
    return bind_push_buf(L, text);
}

static int null_tostring(lua_State *L) {
    if (bind_is_null(L, 1))
        lua_pushliteral(L, "null");
    else
        lua_pushfstring(L, "userdata: %p", lua_touserdata(L, 1));
    return 1;
}

/* Pushes json.null. All light userdata have one metatable. */
static void push_null(lua_State *L) {
    lua_pushlightuserdata(L, (void *)&null_key);
    lua_createtable(L, 0, 1);
    lua_pushcfunction(L, null_tostring);
    lua_setfield(L, -2, "__tostring");
    lua_setmetatable(L, -2);
}

void bind_open_json(lua_State *L) {
    static const luaL_Reg functions[] = {{"decode", json_decode}, {"encode", json_encode}, {NULL, NULL}};
    static const luaL_Reg none[] = {{NULL, NULL}};
    bind_new_type(L, BIND_JSON, none, json_release);
    luaL_newmetatable(L, BIND_EMPTY);
    lua_pushnil(L);
    lua_setfield(L, -2, "__name"); /* a cell shows it as any table */
    lua_pop(L, 2);
    luaL_newlib(L, functions);
    push_null(L);
    lua_setfield(L, -2, "null");
    bind_strict(L, "json");
    lua_setglobal(L, "json");
}
