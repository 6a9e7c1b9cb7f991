/* New tensors: zeros, ones, full, arange, linspace, eye, and over the bytes of a Lua string. */
#include <math.h>
#include <string.h>

#include "base/mem.h"
#include "bind/internal.h"
#include "op/ops.h"

/* zeros({2, 3}), zeros(5), zeros{2, 3, dtype = "uint8"}: shape and dtype into slots 1.. */
static void shape_args(lua_State *L, const char *function, const char *const *names) {
    bind_split_list(L, 1);
    bind_args(L, 1, function, names);
    bind_want(L, 1, function, names[0]);
}

/* Pushes a tensor filled with the number at `value`. */
static int push_full(lua_State *L, const char *function, const struct shape *s, enum dtype d, int value) {
    union op_attrs a = {.full.shape = *s};
    struct tensor *one = bind_from_lua(L, value, d);
    a.full.shape = *s;
    bind_op_for(L, function, &op_broadcast_to, &one, 1, &a);
    struct tensor *wide = bind_tensor(L, -1);
    bind_op(L, &op_copy, &wide, 1, NULL);
    return 1;
}

/* As create_constant's upvalues say. */
static int push_constant(lua_State *L, const struct shape *s, enum dtype d) {
    const int value = (int)lua_tointeger(L, lua_upvalueindex(1));
    union op_attrs a = {.full = {.dtype = d, .shape = *s, .value = value, .integer = value}};
    bind_op_for(L, lua_tostring(L, lua_upvalueindex(2)), &op_full, NULL, 0, &a);
    return 1;
}

/* Upvalue 1: the number that fills it, upvalue 2: the function's name. */
static int create_constant(lua_State *L) {
    static const char *const names[] = {"shape", "dtype", NULL};
    struct shape s;
    shape_args(L, lua_tostring(L, lua_upvalueindex(2)), names);
    bind_shape(L, 1, &s);
    return push_constant(L, &s, bind_dtype(L, 2, DT_FLOAT32));
}

static int create_constant_like(lua_State *L) {
    static const char *const names[] = {"x", "dtype", NULL};
    bind_args(L, 1, lua_tostring(L, lua_upvalueindex(2)), names);
    struct tensor *x = bind_tensor(L, 1);
    return push_constant(L, &x->shape, bind_dtype(L, 2, x->dtype));
}

static int create_full(lua_State *L) {
    static const char *const names[] = {"shape", "fill_value", "dtype", NULL};
    struct shape s;
    bind_args(L, 1, "full", names);
    bind_want(L, 1, "full", "shape");
    bind_want(L, 2, "full", "fill_value");
    bind_shape(L, 1, &s);
    return push_full(L, "full", &s, bind_dtype(L, 3, DT_COUNT), 2);
}

static int create_full_like(lua_State *L) {
    static const char *const names[] = {"x", "fill_value", "dtype", NULL};
    bind_args(L, 1, "full_like", names);
    bind_want(L, 2, "full_like", "fill_value");
    struct tensor *x = bind_tensor(L, 1);
    return push_full(L, "full_like", &x->shape, bind_dtype(L, 3, x->dtype), 2);
}

/* ---- ranges -------------------------------------------------------------------------------------------------------- */

/* How many steps from start lie before stop. */
static int64_t range_count(lua_State *L, double start, double stop, double step) {
    if (step == 0) bind_raise(L, ERR_VALUE, "arange: step is 0");
    double n = ceil((stop - start) / step);
    if (!(n < 0x1p53)) bind_raise(L, ERR_VALUE, "arange: too many numbers");
    return n > 0 ? (int64_t)n : 0;
}

/* arange(stop), arange(start, stop[, step]): stop is not part of it, as in NumPy. */
static int create_arange(lua_State *L) {
    static const char *const names[] = {"start", "stop", "step", "dtype", NULL};
    union op_attrs a = {0};
    bool whole = true;
    double v[3] = {0, 0, 1};
    bind_args(L, 1, "arange", names);
    bind_want(L, 1, "arange", "start");
    if (lua_isnil(L, 2)) {
        lua_pushinteger(L, 0);
        lua_copy(L, 1, 2);
        lua_replace(L, 1);
    }
    for (int i = 0; i < 3; i++) {
        if (lua_isnil(L, 1 + i)) continue;
        v[i] = bind_number(L, 1 + i, names[i]);
        whole &= lua_isinteger(L, 1 + i);
    }
    a.range.dtype = bind_dtype(L, 4, whole ? DT_INT64 : DT_FLOAT32);
    a.range.count = range_count(L, v[0], v[1], v[2]);
    a.range.start = v[0], a.range.step = v[2];
    if (!dtype_is_float(a.range.dtype)) {
        a.range.integer_start = bind_integer(L, 1, "arange: start");
        a.range.integer_step = lua_isnil(L, 3) ? 1 : bind_integer(L, 3, "arange: step");
    }
    bind_op(L, &op_arange, NULL, 0, &a);
    return 1;
}

/* linspace(start, stop[, num = 50, endpoint = true, dtype]) */
static int create_linspace(lua_State *L) {
    static const char *const names[] = {"start", "stop", "num", "endpoint", "dtype", NULL};
    struct err e = {0};
    size_t bytes;
    bind_args(L, 1, "linspace", names);
    bind_want(L, 2, "linspace", "stop");
    double start = bind_number(L, 1, "start"), stop = bind_number(L, 2, "stop");
    int64_t n = lua_isnil(L, 3) ? 50 : bind_integer(L, 3, "num");
    bool endpoint = bind_boolean(L, 4, true);
    if (n < 0) return bind_raise(L, ERR_VALUE, "linspace: num is negative");
    bind_check(L, shape_bytes(&(struct shape){1, {n}}, DT_FLOAT64, &bytes, &e), &e);
    double *x = lua_newuserdatauv(L, bytes, 0);
    double step = n - endpoint > 0 ? (stop - start) / (double)(n - endpoint) : 0;
    for (int64_t i = 0; i < n; i++) x[i] = start + (double)i * step;
    if (endpoint && n > 1) x[n - 1] = stop;
    struct tensor **out = bind_new_tensor(L);
    bind_made(L, out, tensor_from(bind_run(L)->device, DT_FLOAT64, &(struct shape){1, {n}}, x, out, &e), &e);
    bind_tensor_as(L, -1, bind_dtype(L, 5, DT_FLOAT32));
    return 1;
}

/* eye(n[, m, dtype]): ones on the diagonal of an n x m matrix. */
static int create_eye(lua_State *L) {
    static const char *const names[] = {"n", "m", "dtype", NULL};
    union op_attrs rows = {.range = {.dtype = DT_INT64, .integer_step = 1, .step = 1}}, a = {0};
    bind_args(L, 1, "eye", names);
    rows.range.count = bind_integer(L, 1, "eye: n");
    a.full.integer = lua_isnil(L, 2) ? rows.range.count : bind_integer(L, 2, "eye: m");
    a.full.dtype = bind_dtype(L, 3, DT_FLOAT32);
    if (rows.range.count < 0) return bind_raise(L, ERR_VALUE, "eye: n is negative");
    if (a.full.integer < 0) return bind_raise(L, ERR_VALUE, "eye: m is negative");
    struct tensor *i = bind_op(L, &op_arange, NULL, 0, &rows);
    bind_op(L, &op_one_hot, &i, 1, &a);
    return 1;
}

/* ---- bytes of a string --------------------------------------------------------------------------------------------- */

/* A Lua string whose bytes a storage shows. The storage may be released anywhere in the core, where Lua must not be
 * called: it only joins a list then, and the next call from Lua lets the string go. */
struct bind_anchor {
    struct bind_state *state;
    struct bind_anchor *next;
    int reference;
};

static void release_anchor(void *owner) {
    struct bind_anchor *a = owner;
    struct bind_state *s = a->state;
    a->next = s->released;
    s->released = a;
    if (!s->L) bind_release_strings(s);
}

void bind_release_strings(struct bind_state *s) {
    while (s->released) {
        struct bind_anchor *a = s->released;
        s->released = a->next;
        if (s->L) luaL_unref(s->L, LUA_REGISTRYINDEX, a->reference);
        bind_state_release(s);
        mem_free(a);
    }
}

/* A storage on the string at `index`. */
static struct storage *borrow_string(lua_State *L, int index, struct err *e) {
    struct bind_state *s = bind_state(L);
    struct storage *storage = NULL;
    size_t n;
    const char *bytes = lua_tolstring(L, index, &n);
    lua_pushvalue(L, index);
    int reference = luaL_ref(L, LUA_REGISTRYINDEX);
    struct bind_anchor *a = mem_alloc(sizeof *a, e);
    if (a) *a = (struct bind_anchor){.state = s, .reference = reference};
    if (a && storage_borrow(s->run->cpu, bytes, n, release_anchor, a, &storage, e) == OK) {
        s->refs++;
        return storage;
    }
    luaL_unref(L, LUA_REGISTRYINDEX, reference);
    mem_free(a);
    return NULL;
}

/* How many elements of `item` bytes a buffer of `size` bytes gives from `offset` on; `count` -1: all. */
static int64_t buffer_count(lua_State *L, int64_t size, int64_t offset, int64_t count, enum dtype d) {
    int64_t item = (int64_t)dtype_size(d), left = size - offset;
    if (offset < 0 || left < 0)
        bind_raise(L, ERR_VALUE, "frombuffer: offset %lld is outside a buffer of %lld bytes", (long long)offset,
                   (long long)size);
    if (count < 0 && left % item)
        bind_raise(L, ERR_VALUE, "frombuffer: %lld bytes are not a multiple of %s's %lld", (long long)left,
                   dtype_name(d), (long long)item);
    if (count > left / item)
        bind_raise(L, ERR_VALUE, "frombuffer: the buffer holds %lld elements, not %lld", (long long)(left / item),
                   (long long)count);
    return count < 0 ? left / item : count;
}

/* frombuffer(bytes[, dtype = "float32", count = -1, offset = 0]): shares the string's bytes, read-only. Where they lie
 * so that the dtype cannot be read there they are copied. */
static int create_frombuffer(lua_State *L) {
    static const char *const names[] = {"buffer", "dtype", "count", "offset", NULL};
    struct err e = {0};
    bind_args(L, 1, "frombuffer", names);
    if (lua_type(L, 1) != LUA_TSTRING)
        return bind_raise(L, ERR_TYPE, "frombuffer: expected a string of bytes, got a %s", bind_kind_name(L, 1));
    const char *bytes = lua_tostring(L, 1);
    enum dtype d = bind_dtype(L, 2, DT_FLOAT32);
    int64_t count = lua_isnil(L, 3) ? -1 : bind_integer(L, 3, "count");
    int64_t offset = lua_isnil(L, 4) ? 0 : bind_integer(L, 4, "offset"), item = (int64_t)dtype_size(d);
    struct shape s = SHAPE(buffer_count(L, (int64_t)lua_rawlen(L, 1), offset, count, d));
    struct tensor **out = bind_new_tensor(L);
    if (((uintptr_t)bytes + (uintptr_t)offset) % (uintptr_t)item || offset % item) {
        bind_made(L, out, tensor_from(bind_run(L)->cpu, d, &s, bytes + offset, out, &e), &e);
        return 1;
    }
    struct storage *storage = borrow_string(L, 1, &e);
    if (storage) tensor_on(storage, d, &s, offset / item, out, &e);
    storage_release(storage);
    bind_made(L, out, e.status, &e);
    return 1;
}

void bind_open_tensor_create(lua_State *L, int functions) {
    static const luaL_Reg table[] = {
        {"full", create_full},
        {"full_like", create_full_like},
        {"arange", create_arange},
        {"linspace", create_linspace},
        {"eye", create_eye},
        {"frombuffer", create_frombuffer},
        {0},
    };
    static const char *const constants[] = {"zeros", "ones"}, *const alike[] = {"zeros_like", "ones_like"};
    lua_pushvalue(L, functions);
    luaL_setfuncs(L, table, 0);
    for (int i = 0; i < 2; i++) {
        lua_pushinteger(L, i);
        lua_pushstring(L, constants[i]);
        lua_pushcclosure(L, create_constant, 2);
        lua_setfield(L, -2, constants[i]);
        lua_pushinteger(L, i);
        lua_pushstring(L, alike[i]);
        lua_pushcclosure(L, create_constant_like, 2);
        lua_setfield(L, -2, alike[i]);
    }
    lua_pop(L, 1);
}
