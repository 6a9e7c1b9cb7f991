/* Arguments: shapes, axes, dtypes, and Keras's way of passing some by position and some by name. */
#include <string.h>

#include "base/nearest.h"
#include "bind/internal.h"

static int raise_value(lua_State *L, enum status s, const char *text) {
    struct err e = {0};
    err_set(&e, s, "%s", text);
    bind_check(L, s, &e);
    return 0;
}

enum dtype bind_dtype(lua_State *L, int index, enum dtype none) {
    struct err e = {0};
    enum dtype d = none;
    if (!lua_isnoneornil(L, index)) bind_check(L, dtype_parse(luaL_checkstring(L, index), &d, &e), &e);
    return d;
}

void bind_shape(lua_State *L, int index, struct shape *out) {
    *out = (struct shape){0};
    if (lua_isinteger(L, index)) {
        out->rank = 1;
        out->dim[0] = lua_tointeger(L, index);
        return;
    }
    if (!lua_istable(L, index)) luaL_typeerror(L, index, "shape (an integer or a list of integers)");
    lua_Integer n = luaL_len(L, index);
    if (n > TENSOR_MAX_RANK) raise_value(L, ERR_VALUE, "a shape has at most 32 dimensions");
    for (lua_Integer i = 1; i <= n; i++) {
        int whole;
        lua_geti(L, index, i);
        out->dim[out->rank++] = lua_tointegerx(L, -1, &whole);
        if (!whole) raise_value(L, ERR_TYPE, "a shape is a list of integers");
        lua_pop(L, 1);
    }
}

static void add_axis(lua_State *L, lua_Integer axis, int rank, struct op_axes *out) {
    struct shape s = {.rank = rank};
    struct err e = {0};
    int a;
    bind_check(L, shape_axis(&s, axis, &a, &e), &e);
    for (int i = 0; i < out->n; i++)
        if (out->axis[i] == a) raise_value(L, ERR_VALUE, "an axis is named twice");
    out->axis[out->n++] = a;
}

int bind_axes(lua_State *L, int index, int rank, struct op_axes *out) {
    out->n = 0;
    if (lua_isnoneornil(L, index)) {
        for (int i = 0; i < rank; i++) out->axis[out->n++] = i;
    } else if (lua_istable(L, index)) {
        for (lua_Integer i = 1; i <= luaL_len(L, index); i++) {
            lua_geti(L, index, i);
            add_axis(L, luaL_checkinteger(L, -1), rank, out);
            lua_pop(L, 1);
        }
    } else {
        add_axis(L, luaL_checkinteger(L, index), rank, out);
    }
    return out->n;
}

bool bind_option(lua_State *L, int index, const char *name) {
    if (!lua_istable(L, index)) {
        lua_pushnil(L);
        return false;
    }
    return lua_getfield(L, index, name) != LUA_TNIL;
}

/* ---- by position and by name ---------------------------------------------------------------------------------------- */

static bool has_string_key(lua_State *L, int index) {
    if (!lua_istable(L, index)) return false;
    bool found = false;
    lua_pushnil(L);
    while (lua_next(L, index)) {
        found |= lua_type(L, -2) == LUA_TSTRING;
        lua_pop(L, 1);
    }
    return found;
}

static int find_name(const char *const *names, const char *name) {
    for (int i = 0; names[i]; i++)
        if (strcmp(names[i], name) == 0) return i;
    return -1;
}

static void unknown_keyword(lua_State *L, const char *function, const char *const *names, const char *name) {
    const char *near = nearest(name, names);
    if (near)
        lua_pushfstring(L, "%s: unknown argument '%s'; did you mean '%s'?", function, name, near);
    else
        lua_pushfstring(L, "%s: unknown argument '%s'", function, name);
    raise_value(L, ERR_TYPE, lua_tostring(L, -1));
}

/* Moves the keywords of the table at `table` into their slots, and its array part into positions from `first` on. */
static void spread_keywords(lua_State *L, int table, int base, int given, const char *function,
                            const char *const *names) {
    int n = 0;
    while (names[n]) n++;
    lua_pushnil(L);
    while (lua_next(L, table)) {
        int slot = -1;
        if (lua_isinteger(L, -2) && lua_tointeger(L, -2) >= 1)
            slot = given + (int)lua_tointeger(L, -2) - 1;
        else if (lua_type(L, -2) == LUA_TSTRING)
            slot = find_name(names, lua_tostring(L, -2));
        if (slot < 0) {
            luaL_tolstring(L, -2, NULL);
            unknown_keyword(L, function, names, lua_tostring(L, -1));
        }
        if (slot >= n) {
            lua_pushfstring(L, "%s takes %d positional arguments", function, n);
            raise_value(L, ERR_TYPE, lua_tostring(L, -1));
        }
        if (!lua_isnil(L, base + slot)) {
            lua_pushfstring(L, "%s: multiple values for argument '%s'", function, names[slot]);
            raise_value(L, ERR_TYPE, lua_tostring(L, -1));
        }
        lua_replace(L, base + slot);
    }
}

void bind_args(lua_State *L, int first, const char *function, const char *const *names) {
    int top = lua_gettop(L), n = 0;
    while (names[n]) n++;
    luaL_checkstack(L, n + 8, NULL);
    bool keywords = top >= first && has_string_key(L, top);
    int given = top - first + 1 - keywords;
    if (given > n) {
        lua_pushfstring(L, "%s takes %d positional arguments but %d were given", function, n, given);
        raise_value(L, ERR_TYPE, lua_tostring(L, -1));
    }
    if (keywords) lua_insert(L, first); /* the table stands before the slots while they are filled */
    int base = first + keywords;
    lua_settop(L, base + n - 1);
    if (!keywords) return;
    spread_keywords(L, first, base, given, function, names);
    lua_remove(L, first);
}
