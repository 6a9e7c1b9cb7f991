/* The tensor type: made from Lua values, turned back into them, its fields and operators. Methods that are ops are added
 * from the registry (tensor_ops.c). */
#include <math.h>
#include <string.h>

#include "base/mem.h"
#include "base/nearest.h"
#include "bind/internal.h"

/* ---- from Lua values ------------------------------------------------------------------------------------------------ */

/* The shape of a nested table, and the widest of its numbers' types. */
struct survey {
    struct shape shape;
    bool floats, integers, booleans;
};

static void survey_leaf(lua_State *L, int index, struct survey *s) {
    int type = lua_type(L, index);
    if (type == LUA_TBOOLEAN)
        s->booleans = true;
    else if (type == LUA_TNUMBER && lua_isinteger(L, index))
        s->integers = true;
    else if (type == LUA_TNUMBER)
        s->floats = true;
    else
        luaL_error(L, "TypeError: a tensor holds numbers or booleans, not a %s", luaL_typename(L, index));
}

static void survey_value(lua_State *L, int index, int depth, struct survey *s) {
    luaL_checkstack(L, 8, "tensor: nested too deeply");
    if (!lua_istable(L, index)) {
        if (depth != s->shape.rank)
            luaL_error(L, "ValueError: ragged list: a number where a list of depth %d is expected",
                       s->shape.rank - depth);
        survey_leaf(L, index, s);
        return;
    }
    lua_Integer n = luaL_len(L, index);
    if (depth >= s->shape.rank || n != s->shape.dim[depth])
        luaL_error(L, "ValueError: ragged list: %d elements at depth %d where others have %d", (int)n, depth + 1,
                   depth < s->shape.rank ? (int)s->shape.dim[depth] : 0);
    for (lua_Integer i = 1; i <= n; i++) {
        lua_geti(L, index, i);
        survey_value(L, lua_gettop(L), depth + 1, s);
        lua_pop(L, 1);
    }
}

/* The shape of the first elements all the way down. */
static void first_shape(lua_State *L, int index, struct shape *shape) {
    int top = lua_gettop(L);
    lua_pushvalue(L, index);
    while (lua_istable(L, -1)) {
        if (shape->rank == TENSOR_MAX_RANK)
            luaL_error(L, "ValueError: a tensor has at most %d dimensions", TENSOR_MAX_RANK);
        shape->dim[shape->rank++] = luaL_len(L, -1);
        if (shape->dim[shape->rank - 1] == 0) break;
        luaL_checkstack(L, 4, NULL);
        lua_geti(L, -1, 1);
    }
    lua_settop(L, top);
}

static void *store(lua_State *L, int index, enum dtype d, void *at) {
    double x = lua_isboolean(L, index) ? lua_toboolean(L, index) : lua_tonumber(L, index);
    int64_t i = lua_isinteger(L, index)           ? lua_tointeger(L, index)
                : isfinite(x) && fabs(x) < 9.2e18 ? (int64_t)x
                                                  : INT64_MIN;
    switch (d) {
    case DT_BOOL: *(uint8_t *)at = x != 0; break;
    case DT_UINT8: *(uint8_t *)at = (uint8_t)i; break;
    case DT_INT32: *(int32_t *)at = (int32_t)i; break;
    case DT_INT64: *(int64_t *)at = i; break;
    case DT_FLOAT32: *(float *)at = (float)x; break;
    default: *(double *)at = x; break;
    }
    return (char *)at + dtype_size(d);
}

static void *store_all(lua_State *L, int index, enum dtype d, void *at) {
    if (!lua_istable(L, index)) return store(L, index, d, at);
    lua_Integer n = (lua_Integer)lua_rawlen(L, index);
    for (lua_Integer i = 1; i <= n; i++) {
        lua_geti(L, index, i);
        at = store_all(L, lua_gettop(L), d, at);
        lua_pop(L, 1);
    }
    return at;
}

struct tensor *bind_make_tensor(lua_State *L, int index, enum dtype d) {
    struct survey s = {0};
    struct err e = {0};
    struct tensor *t;
    size_t bytes;
    index = lua_absindex(L, index);
    first_shape(L, index, &s.shape);
    survey_value(L, index, 0, &s);
    if (d == DT_COUNT) d = s.floats || !(s.integers || s.booleans) ? DT_FLOAT32 : s.integers ? DT_INT64 : DT_BOOL;
    bind_check(L, shape_bytes(&s.shape, d, &bytes, &e), &e);
    void *host = lua_newuserdatauv(L, bytes + 1, 0);
    store_all(L, index, d, host);
    bind_check(L, tensor_from(bind_run(L)->device, d, &s.shape, host, &t, &e), &e);
    lua_pop(L, 1);
    bind_push_tensor(L, t);
    return t;
}

static struct tensor *read_variable(lua_State *L, struct variable *v) {
    struct tensor *t;
    struct err e = {0};
    bind_check(L, variable_read(bind_run(L), v, &t, &e), &e);
    return t;
}

struct tensor *bind_tensor(lua_State *L, int index) {
    struct variable *v = bind_test(L, index, BIND_VARIABLE);
    struct tensor *t = v ? read_variable(L, v) : bind_test(L, index, BIND_TENSOR);
    if (v) {
        bind_push_tensor(L, tensor_retain(t));
        lua_replace(L, index);
    }
    if (t) return t;
    int type = lua_type(L, index);
    if (type != LUA_TNUMBER && type != LUA_TBOOLEAN && type != LUA_TTABLE) luaL_typeerror(L, index, "tensor");
    t = bind_make_tensor(L, index, DT_COUNT);
    lua_replace(L, lua_absindex(L, index));
    return t;
}

bool bind_is_number(lua_State *L, int index, bool *floating) {
    *floating = lua_type(L, index) == LUA_TNUMBER && !lua_isinteger(L, index);
    return lua_type(L, index) == LUA_TNUMBER;
}

void bind_operands(lua_State *L, int a, int b, struct tensor *out[2]) {
    bool floating;
    int index[2] = {lua_absindex(L, a), lua_absindex(L, b)};
    for (int i = 0; i < 2; i++) {
        if (!bind_is_number(L, index[i], &floating) || bind_is_number(L, index[1 - i], &(bool){0})) continue;
        bind_is_number(L, index[i], &floating);
        struct tensor *other = bind_tensor(L, index[1 - i]);
        bind_make_tensor(L, index[i], dtype_promote_weak(other->dtype, floating));
        lua_replace(L, index[i]);
    }
    out[0] = bind_tensor(L, index[0]);
    out[1] = bind_tensor(L, index[1]);
    enum dtype d = dtype_promote(out[0]->dtype, out[1]->dtype);
    for (int i = 0; i < 2; i++) {
        struct tensor *cast = bind_cast(L, out[i], d);
        if (cast != out[i]) lua_replace(L, index[i]);
        out[i] = cast;
    }
}

/* ---- to Lua values -------------------------------------------------------------------------------------------------- */

static void push_element(lua_State *L, enum dtype d, const void *p) {
    switch (d) {
    case DT_BOOL: lua_pushboolean(L, *(const uint8_t *)p); break;
    case DT_UINT8: lua_pushinteger(L, *(const uint8_t *)p); break;
    case DT_INT32: lua_pushinteger(L, *(const int32_t *)p); break;
    case DT_INT64: lua_pushinteger(L, *(const int64_t *)p); break;
    case DT_FLOAT32: lua_pushnumber(L, *(const float *)p); break;
    default: lua_pushnumber(L, *(const double *)p); break;
    }
}

static const char *push_list(lua_State *L, const struct tensor *t, int axis, const char *at) {
    if (axis == t->shape.rank) {
        push_element(L, t->dtype, at);
        return at + dtype_size(t->dtype);
    }
    luaL_checkstack(L, 4, NULL);
    lua_createtable(L, (int)t->shape.dim[axis], 0);
    for (int64_t i = 1; i <= t->shape.dim[axis]; i++) {
        at = push_list(L, t, axis + 1, at);
        lua_seti(L, -2, i);
    }
    return at;
}

/* All elements in host memory, in a userdata that is pushed. */
static void *push_host(lua_State *L, const struct tensor *t) {
    struct err e = {0};
    void *host = lua_newuserdatauv(L, tensor_bytes(t) + 1, 0);
    bind_check(L, tensor_read(t, host, &e), &e);
    return host;
}

static int tensor_tolist(lua_State *L) {
    struct tensor *t = bind_tensor(L, 1);
    const void *host = push_host(L, t);
    push_list(L, t, 0, host);
    return 1;
}

static int tensor_item(lua_State *L) {
    struct tensor *t = bind_tensor(L, 1);
    char text[256];
    if (tensor_size(t) != 1)
        return luaL_error(L, "ValueError: item() needs one element, this tensor has shape %s",
                          shape_text(&t->shape, text, sizeof text));
    push_element(L, t->dtype, push_host(L, t));
    return 1;
}

static int tensor_tobytes(lua_State *L) {
    struct tensor *t = bind_tensor(L, 1);
    const char *host = push_host(L, t);
    lua_pushlstring(L, host, tensor_bytes(t));
    return 1;
}

static int tensor_tostring(lua_State *L) {
    struct tensor *t = bind_tensor(L, 1);
    struct buf out = {0};
    struct err e = {0};
    if (tensor_print(t, &out, &e) == OK) buf_status(&out, &e);
    if (e.status) buf_free(&out);
    bind_check(L, e.status, &e);
    lua_pushlstring(L, buf_text(&out), out.len);
    buf_free(&out);
    return 1;
}

/* ---- fields --------------------------------------------------------------------------------------------------------- */

static void push_shape(lua_State *L, const struct shape *s) {
    lua_createtable(L, s->rank, 0);
    for (int i = 0; i < s->rank; i++) {
        lua_pushinteger(L, s->dim[i]);
        lua_seti(L, -2, i + 1);
    }
    luaL_setmetatable(L, "tensor.shape");
}

static int shape_tostring(lua_State *L) {
    struct shape s;
    char text[1024];
    bind_shape(L, 1, &s);
    lua_pushstring(L, shape_text(&s, text, sizeof text));
    return 1;
}

static int shape_eq(lua_State *L) {
    struct shape a, b;
    if (!lua_istable(L, 1) || !lua_istable(L, 2)) return lua_pushboolean(L, 0), 1;
    bind_shape(L, 1, &a);
    bind_shape(L, 2, &b);
    lua_pushboolean(L, shape_equal(&a, &b));
    return 1;
}

/* Pushes a field and returns true, or returns false. */
static bool push_field(lua_State *L, struct tensor *t, const char *name) {
    if (strcmp(name, "shape") == 0)
        push_shape(L, &t->shape);
    else if (strcmp(name, "dtype") == 0)
        lua_pushstring(L, dtype_name(t->dtype));
    else if (strcmp(name, "ndim") == 0)
        lua_pushinteger(L, t->shape.rank);
    else if (strcmp(name, "size") == 0)
        lua_pushinteger(L, tensor_size(t));
    else if (strcmp(name, "nbytes") == 0)
        lua_pushinteger(L, (lua_Integer)tensor_bytes(t));
    else if (strcmp(name, "device") == 0)
        lua_pushstring(L, tensor_is_symbolic(t) ? "traced" : tensor_device(t)->name);
    else
        return false;
    return true;
}

static bool looks_like_slice(const char *key) {
    return strpbrk(key, ":,") || strstr(key, "...") || strspn(key, "-0123456789 ") == strlen(key) ||
           strstr(key, "newaxis");
}

/* A name that is no method, no field and no slice. */
static int unknown_name(lua_State *L, const char *key) {
    const char *names[256] = {"shape", "dtype", "ndim", "size", "nbytes", "device", "T"};
    int n = 7;
    lua_pushnil(L);
    while (n < 255 && lua_next(L, lua_upvalueindex(1))) {
        names[n++] = lua_tostring(L, -2);
        lua_pop(L, 1);
    }
    const char *near = nearest(key, names);
    return luaL_error(
        L, near ? "AttributeError: tensor has no '%s'; did you mean '%s'?" : "AttributeError: tensor has no '%s'", key,
        near);
}

/* t[key]: upvalue 1 is the table of methods. */
static int tensor_index(lua_State *L) {
    struct tensor *t = bind_unbox(L, 1, BIND_TENSOR);
    if (lua_type(L, 2) != LUA_TSTRING) return bind_tensor_index(L, t, 2);
    const char *key = lua_tostring(L, 2);
    lua_pushvalue(L, 2);
    if (lua_rawget(L, lua_upvalueindex(1)) != LUA_TNIL || push_field(L, t, key)) return 1;
    if (strcmp(key, "T") == 0) {
        lua_getfield(L, lua_upvalueindex(1), "transpose");
        lua_pushvalue(L, 1);
        lua_call(L, 1, 1);
        return 1;
    }
    return looks_like_slice(key) ? bind_tensor_index(L, t, 2) : unknown_name(L, key);
}

static int tensor_newindex(lua_State *L) {
    struct tensor *t = bind_unbox(L, 1, BIND_TENSOR);
    bool slice = lua_type(L, 2) != LUA_TSTRING || looks_like_slice(lua_tostring(L, 2));
    if (!slice) return luaL_error(L, "AttributeError: cannot set '%s' of a tensor", lua_tostring(L, 2));
    bind_tensor_assign(L, t, 2, 3);
    return 0;
}

static int tensor_len(lua_State *L) {
    struct tensor *t = bind_unbox(L, 1, BIND_TENSOR);
    if (t->shape.rank == 0) return luaL_error(L, "TypeError: a tensor of rank 0 has no length");
    lua_pushinteger(L, t->shape.dim[0]);
    return 1;
}

static int tensor_gc(lua_State *L) {
    void **box = luaL_checkudata(L, 1, BIND_TENSOR);
    tensor_release(*box);
    *box = NULL;
    return 0;
}

/* Lua's < gives one boolean, so it cannot compare elements. */
static int no_order(lua_State *L) {
    return luaL_error(L,
                      "TypeError: < and <= do not compare tensors element by element; write x:lt(y), x:le(y), x:gt(y) "
                      "or x:ge(y)");
}

void bind_open_tensor(lua_State *L) {
    static const luaL_Reg events[] = {{"__newindex", tensor_newindex},
                                      {"__len", tensor_len},
                                      {"__gc", tensor_gc},
                                      {"__tostring", tensor_tostring},
                                      {"__lt", no_order},
                                      {"__le", no_order},
                                      {NULL, NULL}};
    static const luaL_Reg methods[] = {
        {"tolist", tensor_tolist}, {"item", tensor_item}, {"tobytes", tensor_tobytes}, {NULL, NULL}};
    luaL_newmetatable(L, "tensor.shape");
    lua_pushcfunction(L, shape_tostring);
    lua_setfield(L, -2, "__tostring");
    lua_pushcfunction(L, shape_eq);
    lua_setfield(L, -2, "__eq");
    luaL_newmetatable(L, BIND_TENSOR);
    luaL_setfuncs(L, events, 0);
    luaL_newlib(L, methods);
    lua_pushvalue(L, -1);
    lua_setfield(L, -3, "__methods");
    lua_pushcclosure(L, tensor_index, 1);
    lua_setfield(L, -2, "__index");
    lua_pop(L, 2);
}
