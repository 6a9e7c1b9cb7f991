/* Tensors and Variables taken apart and put together again, for lua/celda, which saves and loads sessions. What comes from a
 * file is checked here: no view reaches outside of its storage. */
#include <limits.h>
#include <string.h>

#include "bind/internal.h"

static void set_integer(lua_State *L, const char *key, int64_t n) {
    lua_pushinteger(L, n);
    lua_setfield(L, -2, key);
}

static void set_boolean(lua_State *L, const char *key, bool b) {
    lua_pushboolean(L, b);
    lua_setfield(L, -2, key);
}

static void set_list(lua_State *L, const char *key, const int64_t *n, int count) {
    lua_createtable(L, count, 0);
    for (int i = 0; i < count; i++) {
        lua_pushinteger(L, n[i]);
        lua_rawseti(L, -2, i + 1);
    }
    lua_setfield(L, -2, key);
}

/* ---- tensors ------------------------------------------------------------------------------------------------------- */

/* tensor_parts(t): {storage = its address, dtype, shape, stride, offset, logits}; nil while it is traced. */
static int tensor_parts(lua_State *L) {
    const struct tensor *t = bind_unbox(L, 1, BIND_TENSOR);
    if (tensor_is_symbolic(t)) return 0;
    lua_createtable(L, 0, 6);
    lua_pushlightuserdata(L, t->storage);
    lua_setfield(L, -2, "storage");
    lua_pushstring(L, dtype_name(t->dtype));
    lua_setfield(L, -2, "dtype");
    set_list(L, "shape", t->shape.dim, t->shape.rank);
    set_list(L, "stride", t->stride, t->shape.rank);
    set_integer(L, "offset", t->offset);
    if (!t->logits || tensor_is_symbolic(t->logits)) return 1;
    bind_push_shared(L, t->logits);
    lua_setfield(L, -2, "logits");
    return 1;
}

static bool is_whole(const struct tensor *t) {
    return tensor_is_contiguous(t) && t->offset == 0 && tensor_bytes(t) == t->storage->bytes;
}

/* whole_tensor(t): t's storage as one tensor: t itself where it is all of it, else a row. */
static int whole_tensor(lua_State *L) {
    struct tensor *t = bind_unbox(L, 1, BIND_TENSOR);
    struct err e = {0};
    lua_settop(L, 1);
    if (is_whole(t)) return 1;
    enum dtype d = t->storage->bytes % dtype_size(t->dtype) ? DT_UINT8 : t->dtype;
    struct shape row = SHAPE((int64_t)(t->storage->bytes / dtype_size(d)));
    struct tensor **out = bind_new_tensor(L);
    bind_made(L, out, tensor_on(t->storage, d, &row, 0, out, &e), &e);
    return 1;
}

/* The list at `index` as n integers; false where it is none. */
static bool integers(lua_State *L, int index, int n, int64_t *out) {
    if (!lua_istable(L, index) || (int)lua_rawlen(L, index) != n) return false;
    for (int i = 0; i < n; i++) {
        lua_rawgeti(L, index, i + 1);
        bool is = lua_isinteger(L, -1);
        out[i] = lua_tointeger(L, -1);
        lua_pop(L, 1);
        if (!is) return false;
    }
    return true;
}

/* Whether all elements lie within a storage of so many. */
static bool lies_within(const struct tensor *t, int64_t elements) {
    int64_t back = 0, ahead = 0, first, last; /* how far the elements reach from the first one */
    for (int i = 0; i < t->shape.rank; i++) {
        int64_t reach;
        if (t->shape.dim[i] < 0 || __builtin_mul_overflow(t->shape.dim[i] - 1, t->stride[i], &reach)) return false;
        if (reach < 0 ? __builtin_add_overflow(back, reach, &back) : __builtin_add_overflow(ahead, reach, &ahead))
            return false;
    }
    return !__builtin_add_overflow(t->offset, back, &first) && !__builtin_add_overflow(t->offset, ahead, &last) &&
           first >= 0 && last < elements;
}

static enum status check_view(const struct tensor *t, struct err *e) {
    size_t bytes;
    bool empty = shape_bytes(&t->shape, t->dtype, &bytes, e) == OK && bytes == 0;
    if (e->status || empty || lies_within(t, (int64_t)(t->storage->bytes / dtype_size(t->dtype)))) return e->status;
    return err_set(e, ERR_IO, "a tensor's elements lie outside of its storage");
}

/* tensor_view(whole, parts): a tensor on the storage of `whole`. */
static int tensor_view_of(lua_State *L) {
    struct tensor *whole = bind_unbox(L, 1, BIND_TENSOR);
    struct err e = {0};
    luaL_checktype(L, 2, LUA_TTABLE);
    lua_settop(L, 2);
    for (const char *const *name = (const char *const[]){"dtype", "shape", "stride", "offset", NULL}; *name; name++)
        lua_getfield(L, 2, *name);
    enum dtype d = bind_dtype(L, 3, DT_COUNT);
    struct shape s = {.rank = lua_istable(L, 4) ? (int)lua_rawlen(L, 4) : -1};
    int64_t stride[TENSOR_MAX_RANK];
    if (d == DT_COUNT || s.rank < 0 || s.rank > TENSOR_MAX_RANK || !integers(L, 4, s.rank, s.dim) ||
        !integers(L, 5, s.rank, stride) || !lua_isinteger(L, 6))
        return bind_raise(L, ERR_IO, "a tensor's description is damaged");
    struct tensor **out = bind_new_tensor(L);
    bind_made(L, out, tensor_view(whole, out, &e), &e);
    (*out)->dtype = d;
    (*out)->shape = s;
    memcpy((*out)->stride, stride, sizeof stride);
    (*out)->offset = lua_tointeger(L, 6);
    bind_check(L, check_view(*out, &e), &e);
    return 1;
}

/* set_logits(t, logits): what t, which nobody else has seen, is the softmax of. */
static int set_logits(lua_State *L) {
    struct tensor *t = bind_unbox(L, 1, BIND_TENSOR), *logits = bind_unbox(L, 2, BIND_TENSOR);
    if (t == logits || t->logits || !shape_equal(&t->shape, &logits->shape))
        return bind_raise(L, ERR_IO, "a tensor's description is damaged");
    t->logits = tensor_retain(logits);
    return 0;
}

/* bytes_tensor(text) and tensor_text(t): a string as a row of uint8, and back. */
static int bytes_tensor(lua_State *L) {
    size_t n;
    const char *text = luaL_checklstring(L, 1, &n);
    struct shape row = SHAPE((int64_t)n);
    struct err e = {0};
    struct tensor **out = bind_new_tensor(L);
    bind_made(L, out, tensor_from(bind_run(L)->cpu, DT_UINT8, &row, text, out, &e), &e);
    return 1;
}

static int tensor_text(lua_State *L) {
    const struct tensor *t = bind_unbox(L, 1, BIND_TENSOR);
    struct buf *b = bind_new_buf(L);
    struct err e = {0};
    char *room = buf_room(b, tensor_bytes(t));
    if (room && tensor_read(t, room, &e) == OK) b->len = tensor_bytes(t);
    bind_check(L, e.status, &e);
    return bind_push_buf(L, b);
}

/* ---- Variables ----------------------------------------------------------------------------------------------------- */

/* variable_parts(v): {path, trainable, value}. */
static int variable_parts(lua_State *L) {
    const struct variable *v = bind_unbox(L, 1, BIND_VARIABLE);
    lua_createtable(L, 0, 3);
    lua_pushstring(L, v->path);
    lua_setfield(L, -2, "path");
    set_boolean(L, "trainable", v->trainable);
    bind_push_shared(L, v->value);
    lua_setfield(L, -2, "value");
    return 1;
}

/* set_variable(v, path, trainable, value): all that makes a Variable; its shape and dtype stay. `value` is nil where it was
 * lost. */
static int set_variable(lua_State *L) {
    struct variable *v = bind_unbox(L, 1, BIND_VARIABLE);
    struct err e = {0};
    const char *path = luaL_checkstring(L, 2);
    struct tensor *value = lua_isnil(L, 4) ? v->value : bind_unbox(L, 4, BIND_TENSOR);
    bool fits = value->dtype == v->value->dtype && shape_equal(&value->shape, &v->value->shape) &&
                tensor_is_contiguous(value) && tensor_device(value) == tensor_device(v->value);
    if (!fits) return bind_raise(L, ERR_IO, "the value of Variable %s does not fit", path);
    bind_check(L, variable_restore(v, path, lua_toboolean(L, 3), value, &e), &e);
    return 0;
}

void bind_open_parts(lua_State *L, int core) {
    static const luaL_Reg functions[] = {
        {"tensor_parts", tensor_parts},     {"whole_tensor", whole_tensor}, {"tensor_view", tensor_view_of},
        {"set_logits", set_logits},         {"bytes_tensor", bytes_tensor}, {"tensor_text", tensor_text},
        {"variable_parts", variable_parts}, {"set_variable", set_variable}, {NULL, NULL}};
    lua_pushvalue(L, core);
    luaL_setfuncs(L, functions, 0);
    lua_pop(L, 1);
    bind_push_shape(L, &(struct shape){0}); /* so that the metatable of shapes is there from the start, as others are */
    lua_pop(L, 1);
}
