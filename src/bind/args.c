/* Positional and keyword arguments, as Keras's callers write them: f(a, b, {key = v}), or f{a, b, key = v}. */
#include <stdio.h>
#include <string.h>

#include "base/nearest.h"
#include "bind/internal.h"

bool bind_is_keywords(lua_State *L, int index) {
    index = lua_absindex(L, index);
    if (!lua_istable(L, index)) return false;
    if (lua_getmetatable(L, index)) {
        lua_pop(L, 1);
        return false;
    }
    for (lua_pushnil(L); lua_next(L, index);) {
        lua_pop(L, 1);
        if (lua_type(L, -1) != LUA_TSTRING) continue;
        lua_pop(L, 1);
        return true;
    }
    return false;
}

bool bind_is_empty(lua_State *L, int index) {
    if (!lua_istable(L, index)) return false;
    lua_pushvalue(L, index);
    lua_pushnil(L);
    bool empty = !lua_next(L, -2);
    lua_pop(L, empty ? 1 : 3);
    return empty;
}

static int count(const char *const *names) {
    int n = 0;
    while (names[n]) n++;
    return n;
}

static int find(const char *const *names, const char *name) {
    for (int i = 0; names[i]; i++)
        if (strcmp(names[i], name) == 0) return i;
    return -1;
}

static void unknown(lua_State *L, const char *function, const char *const *names, const char *key) {
    const char *near = nearest(key, names);
    if (near) bind_raise(L, ERR_TYPE, "%s: unknown argument '%s'; did you mean '%s'?", function, key, near);
    struct err e = {0};
    err_set(&e, ERR_TYPE, "%s: unknown argument '%s'; it takes ", function, key);
    for (int i = 0; names[i]; i++) {
        size_t n = strlen(e.text);
        snprintf(e.text + n, sizeof e.text - n, "%s%s", i ? ", " : "", names[i]);
    }
    bind_check(L, ERR_TYPE, names[0] ? &e : (err_set(&e, ERR_TYPE, "%s takes no arguments", function), &e));
}

/* Puts what the table `from` holds by name into the slots. */
static void take_keywords(lua_State *L, int from, int first, const char *function, const char *const *names) {
    for (lua_pushnil(L); lua_next(L, from);) {
        if (lua_type(L, -2) == LUA_TSTRING) {
            const char *key = lua_tostring(L, -2);
            int i = find(names, key);
            if (i < 0) unknown(L, function, names, key);
            if (!lua_isnil(L, first + i)) bind_raise(L, ERR_TYPE, "%s: argument '%s' is given twice", function, key);
            lua_copy(L, -1, first + i);
        } else if (!lua_isinteger(L, -2)) {
            bind_raise(L, ERR_TYPE, "%s: an argument's name must be a string, not a %s", function,
                       luaL_typename(L, -2));
        }
        lua_pop(L, 1);
    }
}

static void too_many(lua_State *L, const char *function, int most, int given) {
    bind_raise(L, ERR_TYPE, "%s takes at most %d positional argument%s, but %d were given", function, most,
               most == 1 ? "" : "s", given);
}

void bind_args(lua_State *L, int first, const char *function, const char *const *names) {
    int n = count(names), given = lua_gettop(L) - first + 1;
    bool keywords = given > 0 && (bind_is_keywords(L, -1) || (given > 1 && bind_is_empty(L, -1)));
    luaL_checkstack(L, n + 8, function);
    if (!keywords) {
        if (given > n) too_many(L, function, n, given);
        lua_settop(L, first - 1 + n);
        return;
    }
    int positional = given - 1;
    if (positional > n) too_many(L, function, n, positional);
    lua_insert(L, first);     /* the keywords come first ... */
    lua_settop(L, first + n); /* ... and nil stands for what is absent */
    lua_Integer inside = (lua_Integer)lua_rawlen(L, first);
    if (inside > 0) {
        if (positional > 0)
            bind_raise(L, ERR_TYPE, "%s: the table of keyword arguments holds a value without a name", function);
        if (inside > n) too_many(L, function, n, (int)inside);
        for (int i = 1; i <= inside; i++) {
            lua_rawgeti(L, first, i);
            lua_replace(L, first + i);
        }
    }
    take_keywords(L, first, first + 1, function, names);
    lua_remove(L, first);
}

void bind_drop_empty(lua_State *L, int first) {
    if (lua_gettop(L) == first && bind_is_empty(L, first)) lua_settop(L, first - 1);
}

void bind_split_list(lua_State *L, int first) {
    if (lua_gettop(L) != first || !bind_is_keywords(L, first) || lua_rawlen(L, first) == 0) return;
    lua_newtable(L); /* the list */
    lua_newtable(L); /* the keywords */
    for (lua_pushnil(L); lua_next(L, first);) {
        lua_pushvalue(L, -2);
        lua_insert(L, -2); /* key, key, value */
        lua_rawset(L, lua_isinteger(L, -2) ? first + 1 : first + 2);
    }
    lua_remove(L, first);
}

void bind_want(lua_State *L, int index, const char *function, const char *name) {
    if (lua_isnoneornil(L, index)) bind_raise(L, ERR_TYPE, "%s: missing argument '%s'", function, name);
}

int64_t bind_integer(lua_State *L, int index, const char *what) {
    int exact;
    lua_Integer n = lua_tointegerx(L, index, &exact);
    if (!exact || lua_type(L, index) != LUA_TNUMBER)
        bind_raise(L, ERR_TYPE, "%s must be an integer, not a %s", what, bind_kind_name(L, index));
    return n;
}

double bind_number(lua_State *L, int index, const char *what) {
    if (lua_type(L, index) != LUA_TNUMBER)
        bind_raise(L, ERR_TYPE, "%s must be a number, not a %s", what, bind_kind_name(L, index));
    return lua_tonumber(L, index);
}

bool bind_boolean(lua_State *L, int index, bool none) {
    return lua_isnoneornil(L, index) ? none : lua_toboolean(L, index);
}

enum dtype bind_dtype(lua_State *L, int index, enum dtype none) {
    struct err e = {0};
    enum dtype d = none;
    if (lua_isnoneornil(L, index)) return none;
    if (lua_type(L, index) != LUA_TSTRING)
        bind_raise(L, ERR_TYPE, "a dtype must be a string like \"float32\", not a %s%s", bind_kind_name(L, index),
                   lua_type(L, index) == LUA_TNUMBER ? " (a shape is a table: {2, 3})" : "");
    bind_check(L, dtype_parse(lua_tostring(L, index), &d, &e), &e);
    return d;
}

void bind_shape(lua_State *L, int index, struct shape *out) {
    index = lua_absindex(L, index);
    *out = (struct shape){0};
    if (lua_type(L, index) == LUA_TNUMBER) {
        *out = SHAPE(bind_integer(L, index, "a shape"));
        return;
    }
    if (!lua_istable(L, index))
        bind_raise(L, ERR_TYPE, "a shape must be an integer or a list of integers, not a %s", bind_kind_name(L, index));
    lua_Integer n = luaL_len(L, index);
    if (n > TENSOR_MAX_RANK)
        bind_raise(L, ERR_VALUE, "a shape has at most %d dimensions, not %d", TENSOR_MAX_RANK, (int)n);
    for (lua_Integer i = 1; i <= n; i++) {
        lua_geti(L, index, i);
        out->dim[out->rank++] = bind_integer(L, -1, "a dimension");
        lua_pop(L, 1);
    }
}

void bind_partial_shape(lua_State *L, int index, struct shape *out) {
    index = lua_absindex(L, index);
    *out = (struct shape){0};
    if (!lua_istable(L, index)) bind_raise(L, ERR_TYPE, "a shape must be a list, not a %s", bind_kind_name(L, index));
    lua_Integer n = luaL_len(L, index);
    if (n > TENSOR_MAX_RANK) bind_raise(L, ERR_VALUE, "a shape has at most %d dimensions", TENSOR_MAX_RANK);
    for (lua_Integer i = 1; i <= n; i++) {
        int type = lua_geti(L, index, i);
        bool unknown = bind_is_null(L, -1) || (type == LUA_TBOOLEAN && !lua_toboolean(L, -1));
        out->dim[out->rank++] = unknown ? -1 : bind_integer(L, -1, "a dimension");
        lua_pop(L, 1);
    }
}

void bind_axes(lua_State *L, int index, const struct shape *s, struct op_axes *out) {
    struct shape given = {.rank = 1};
    struct err e = {0};
    if (lua_isnoneornil(L, index)) {
        for (int i = 0; i < s->rank; i++) out->axis[out->n++] = i;
        return;
    }
    if (lua_istable(L, index))
        bind_shape(L, index, &given);
    else
        given.dim[0] = bind_integer(L, index, "axis");
    for (int i = 0; i < given.rank; i++) {
        int axis;
        bind_check(L, shape_axis(s, given.dim[i], &axis, &e), &e);
        for (int k = 0; k < out->n; k++)
            if (out->axis[k] == axis) bind_raise(L, ERR_VALUE, "axis %d is given twice", axis);
        out->axis[out->n++] = axis;
    }
}

/* ---- shapes as lists that print like Python's tuples --------------------------------------------------------------- */

#define BIND_SHAPE "tensor.shape"

static int shape_tostring(lua_State *L) {
    luaL_Buffer b;
    lua_Integer n = luaL_len(L, 1);
    luaL_buffinit(L, &b);
    luaL_addchar(&b, '(');
    for (lua_Integer i = 1; i <= n; i++) {
        lua_geti(L, 1, i);
        if (lua_tointeger(L, -1) < 0) {
            lua_pop(L, 1);
            lua_pushliteral(L, "None");
        }
        luaL_addvalue(&b);
        if (i < n) luaL_addstring(&b, ", ");
    }
    luaL_addstring(&b, n == 1 ? ",)" : ")");
    luaL_pushresult(&b);
    return 1;
}

static int shape_equals(lua_State *L) {
    bool same = lua_istable(L, 1) && lua_istable(L, 2) && luaL_len(L, 1) == luaL_len(L, 2);
    for (lua_Integer i = 1; same && i <= luaL_len(L, 1); i++) {
        lua_geti(L, 1, i);
        lua_geti(L, 2, i);
        same = lua_rawequal(L, -1, -2);
        lua_pop(L, 2);
    }
    return lua_pushboolean(L, same), 1;
}

void bind_push_shape(lua_State *L, const struct shape *s) {
    lua_createtable(L, s->rank, 0);
    for (int i = 0; i < s->rank; i++) {
        lua_pushinteger(L, s->dim[i]);
        lua_rawseti(L, -2, i + 1);
    }
    if (luaL_newmetatable(L, BIND_SHAPE)) {
        lua_pushcfunction(L, shape_tostring);
        lua_setfield(L, -2, "__tostring");
        lua_pushcfunction(L, shape_equals);
        lua_setfield(L, -2, "__eq");
    }
    lua_setmetatable(L, -2);
}
