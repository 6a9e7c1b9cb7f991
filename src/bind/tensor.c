/* The tensor type in Lua: the `tensor` table, the metatable, and properties. Methods are in tensor_*.c. */
#include <string.h>

#include "base/nearest.h"
#include "bind/internal.h"
#include "op/ops.h"

static int release(lua_State *L) {
    tensor_release(bind_take(L, BIND_TENSOR));
    return 0;
}

static struct tensor *self(lua_State *L) {
    return bind_unbox(L, 1, BIND_TENSOR);
}

/* ---- properties ---------------------------------------------------------------------------------------------------- */

static int get_shape(lua_State *L) {
    return bind_push_shape(L, &self(L)->shape), 1;
}
static int get_dtype(lua_State *L) {
    return lua_pushstring(L, dtype_name(self(L)->dtype)), 1;
}
static int get_ndim(lua_State *L) {
    return lua_pushinteger(L, self(L)->shape.rank), 1;
}
static int get_size(lua_State *L) {
    return lua_pushinteger(L, tensor_size(self(L))), 1;
}
static int get_itemsize(lua_State *L) {
    return lua_pushinteger(L, (lua_Integer)dtype_size(self(L)->dtype)), 1;
}
static int get_nbytes(lua_State *L) {
    return lua_pushinteger(L, (lua_Integer)tensor_bytes(self(L))), 1;
}

static int get_device(lua_State *L) {
    struct tensor *t = self(L);
    return lua_pushstring(L, tensor_is_symbolic(t) ? "symbolic" : tensor_device(t)->name), 1;
}

static int get_transposed(lua_State *L) {
    union op_attrs a = {0};
    struct tensor *t = self(L);
    a.axes.n = t->shape.rank;
    for (int i = 0; i < a.axes.n; i++) a.axes.axis[i] = a.axes.n - 1 - i;
    bind_op(L, &op_transpose, &t, 1, &a);
    return 1;
}

static const luaL_Reg properties[] = {
    {"shape", get_shape},   {"dtype", get_dtype},   {"ndim", get_ndim},
    {"size", get_size},     {"device", get_device}, {"itemsize", get_itemsize},
    {"nbytes", get_nbytes}, {"T", get_transposed},  {0},
};

static const luaL_Reg *find_property(const char *name) {
    for (const luaL_Reg *p = properties; p->name; p++)
        if (strcmp(p->name, name) == 0) return p;
    return NULL;
}

/* The name of a method or property that is close to `name`. Upvalue 1: the methods. */
static const char *nearest_member(lua_State *L, const char *name) {
    const char *names[256];
    int n = 0;
    for (const luaL_Reg *p = properties; p->name; p++) names[n++] = p->name;
    for (lua_pushnil(L); lua_next(L, lua_upvalueindex(1)) && n < 255; lua_pop(L, 1)) names[n++] = lua_tostring(L, -2);
    names[n] = NULL;
    return nearest(name, names);
}

/* x.shape, x:sum(), x[1], x["1:3, :"], x[mask]. Upvalue 1: the methods. */
static int tensor_index(lua_State *L) {
    if (lua_type(L, 2) != LUA_TSTRING) return bind_index_get(L);
    lua_pushvalue(L, 2);
    if (lua_rawget(L, lua_upvalueindex(1)) != LUA_TNIL) return 1;
    const char *name = lua_tostring(L, 2);
    const luaL_Reg *p = find_property(name);
    lua_settop(L, 2);
    if (p) return p->func(L);
    if (bind_is_index(name)) return bind_index_get(L);
    const char *near = nearest_member(L, name);
    return bind_raise(L, ERR_TYPE, "a tensor has no '%s'%s%s%s", name, near ? "; did you mean '" : "", near ? near : "",
                      near ? "'?" : "");
}

static int tensor_newindex(lua_State *L) {
    if (lua_type(L, 2) == LUA_TSTRING && !bind_is_index(lua_tostring(L, 2)))
        return bind_raise(L, ERR_TYPE, "a tensor's '%s' cannot be set", lua_tostring(L, 2));
    return bind_index_set(L);
}

static int tensor_length(lua_State *L) {
    struct tensor *t = self(L);
    if (t->shape.rank == 0) return bind_raise(L, ERR_TYPE, "a 0-d tensor has no length");
    return lua_pushinteger(L, t->shape.dim[0]), 1;
}

static int tensor_tostring(lua_State *L) {
    struct tensor *t = self(L);
    struct buf *text = bind_new_buf(L);
    struct err e = {0};
    char shape[256];
    if (tensor_is_symbolic(t))
        buf_printf(text, "<symbolic %s%s>", dtype_name(t->dtype), shape_text(&t->shape, shape, sizeof shape));
    else
        bind_check(L, tensor_print(t, text, &e), &e);
    return bind_push_buf(L, text);
}

/* "loss: " .. x */
static int tensor_concat(lua_State *L) {
    luaL_tolstring(L, 1, NULL);
    luaL_tolstring(L, 2, NULL);
    lua_concat(L, 2);
    return 1;
}

/* for i, row in pairs(x), or in ipairs(x) */
static int next_row(lua_State *L) {
    lua_Integer i = luaL_optinteger(L, 2, 0) + 1;
    if (i > self(L)->shape.dim[0]) return 0;
    lua_settop(L, 1);
    lua_pushinteger(L, i);
    bind_index_get(L);
    lua_pushinteger(L, i);
    lua_insert(L, -2);
    return 2;
}

static int tensor_pairs(lua_State *L) {
    if (self(L)->shape.rank == 0) return bind_raise(L, ERR_TYPE, "a 0-d tensor has no rows");
    lua_pushcfunction(L, next_row);
    lua_pushvalue(L, 1);
    lua_pushnil(L);
    return 3;
}

/* ipairs of a tensor ends at its last row: Lua's own would go on to an index that is out of range. Upvalue 1: Lua's. */
static int rows_or_ipairs(lua_State *L) {
    luaL_checkany(L, 1);
    if (luaL_testudata(L, 1, BIND_TENSOR)) return tensor_pairs(L);
    lua_pushvalue(L, lua_upvalueindex(1));
    lua_insert(L, 1);
    lua_call(L, lua_gettop(L) - 1, 3);
    return 3;
}

static const luaL_Reg events[] = {
    {"__newindex", tensor_newindex}, {"__len", tensor_length},  {"__tostring", tensor_tostring},
    {"__concat", tensor_concat},     {"__pairs", tensor_pairs}, {0},
};

/* ---- the table `tensor` -------------------------------------------------------------------------------------------- */

/* tensor(data[, dtype]), tensor{1, 2, dtype = "uint8"}: the list part is the data. */
static int tensor_call(lua_State *L) {
    static const char *const names[] = {"data", "dtype", NULL};
    lua_remove(L, 1);
    bind_split_list(L, 1);
    bind_args(L, 1, "tensor", names);
    bind_want(L, 1, "tensor", "data");
    enum dtype d = bind_dtype(L, 2, DT_COUNT);
    if (luaL_testudata(L, 1, BIND_TENSOR) || luaL_testudata(L, 1, BIND_VARIABLE)) {
        struct tensor *t = d == DT_COUNT ? bind_tensor(L, 1) : bind_tensor_as(L, 1, d);
        bind_op(L, &op_copy, &t, 1, NULL);
    } else {
        bind_from_lua(L, 1, d);
    }
    return 1;
}

static void open_metatable(lua_State *L, int methods) {
    static const char *const types[] = {BIND_TENSOR, BIND_VARIABLE, NULL}; /* a variable calls its value's */
    bind_new_type(L, BIND_TENSOR, events, release);
    luaL_newmetatable(L, BIND_VARIABLE);
    lua_pushvalue(L, methods);
    bind_methods(L, "x", types);
    lua_setfield(L, -3, "__members");
    lua_pop(L, 1);
    lua_pushvalue(L, methods);
    lua_pushcclosure(L, tensor_index, 1);
    lua_setfield(L, -2, "__index");
    bind_open_operators(L);
    lua_pop(L, 1);
}

void bind_open_tensor(lua_State *L) {
    lua_newtable(L);
    int functions = lua_gettop(L);
    lua_newtable(L);
    int methods = lua_gettop(L);
    bind_open_tensor_ops(L, methods, functions);
    bind_open_tensor_shape(L, methods, functions);
    bind_open_tensor_values(L, methods, functions);
    bind_open_tensor_create(L, functions);
    bind_open_tensor_random(L, functions);
    open_metatable(L, methods);
    lua_pushvalue(L, methods);
    lua_setfield(L, functions, "methods");
    lua_createtable(L, 0, 2);
    lua_pushcfunction(L, tensor_call);
    lua_setfield(L, -2, "__call");
    lua_setmetatable(L, functions);
    lua_pop(L, 1);
    bind_strict(L, "tensor");
    lua_setglobal(L, "tensor");
    lua_getglobal(L, "ipairs");
    lua_pushcclosure(L, rows_or_ipairs, 1);
    lua_setglobal(L, "ipairs");
}
