/* Lua values as tensors: numbers, booleans, nested tables; and the operands of an op brought to one dtype. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "bind/internal.h"
#include "op/ops.h"

/* ---- one number ---------------------------------------------------------------------------------------------------- */

static bool integer_fits(lua_Integer n, enum dtype d) {
    switch (d) {
    case DT_UINT8: return n >= 0 && n <= UINT8_MAX;
    case DT_INT32: return n >= INT32_MIN && n <= INT32_MAX;
    default: return true;
    }
}

/* The whole part of a number or boolean; false where an int64 cannot hold it. */
static bool whole_part(lua_State *L, int index, lua_Integer *out) {
    if (lua_isboolean(L, index)) return *out = lua_toboolean(L, index), true;
    if (lua_isinteger(L, index)) return *out = lua_tointeger(L, index), true;
    double x = trunc(lua_tonumber(L, index));
    const double limit = 9223372036854775808.0; /* 2^63 */
    if (!(x >= -limit && x < limit)) return false;
    return *out = (lua_Integer)x, true;
}

static void put_integer(enum dtype d, lua_Integer n, void *to) {
    switch (d) {
    case DT_BOOL: *(bool *)to = n != 0; break;
    case DT_UINT8: *(uint8_t *)to = (uint8_t)n; break;
    case DT_INT32: *(int32_t *)to = (int32_t)n; break;
    default: *(int64_t *)to = n; break;
    }
}

/* Writes the number or boolean at `index` as one element; raises where the dtype cannot hold it. */
static void put_number(lua_State *L, int index, enum dtype d, void *to) {
    lua_Integer n = 0;
    double x = lua_isboolean(L, index) ? lua_toboolean(L, index) : lua_tonumber(L, index);
    if (d == DT_FLOAT32) {
        *(float *)to = (float)x;
    } else if (d == DT_FLOAT64) {
        *(double *)to = x;
    } else if (d == DT_BOOL) {
        *(bool *)to = x != 0;
    } else {
        if (!whole_part(L, index, &n) || !integer_fits(n, d))
            bind_raise(L, ERR_VALUE, "%s is out of range for %s", isnan(x) ? "nan" : luaL_tolstring(L, index, NULL),
                       dtype_name(d));
        put_integer(d, n, to);
    }
}

void bind_push_element(lua_State *L, enum dtype d, const void *element) {
    switch (d) {
    case DT_BOOL: lua_pushboolean(L, *(const bool *)element); break;
    case DT_UINT8: lua_pushinteger(L, *(const uint8_t *)element); break;
    case DT_INT32: lua_pushinteger(L, *(const int32_t *)element); break;
    case DT_INT64: lua_pushinteger(L, *(const int64_t *)element); break;
    case DT_FLOAT32: lua_pushnumber(L, (double)*(const float *)element); break;
    default: lua_pushnumber(L, *(const double *)element); break;
    }
}

/* ---- nested tables ------------------------------------------------------------------------------------------------- */

enum kind { KIND_BOOL = 1, KIND_INTEGER = 2, KIND_FLOAT = 4 };

struct nested {
    lua_State *L;
    struct shape shape;
    int64_t path[TENSOR_MAX_RANK]; /* 1-based, of the element being looked at */
    unsigned kinds;
    enum dtype dtype;
    char *to; /* NULL while measuring */
};

static void ragged(const struct nested *c, int depth, const char *found) {
    char where[512] = "", whole[256];
    size_t n = 0;
    for (int i = 0; i < depth && n < sizeof where; i++)
        n += (size_t)snprintf(where + n, sizeof where - n, "[%lld]", (long long)c->path[i]);
    struct shape rest = shape_of(c->shape.rank - depth, c->shape.dim + depth);
    bind_raise(c->L, ERR_VALUE, "the nested table is ragged: element %s is %s, where %s%s is expected",
               *where ? where : "itself", found, rest.rank ? "a table of shape " : "a number",
               rest.rank ? shape_text(&rest, whole, sizeof whole) : "");
}

static void visit_number(struct nested *c) {
    lua_State *L = c->L;
    if (!lua_isboolean(L, -1) && lua_type(L, -1) != LUA_TNUMBER)
        bind_raise(L, ERR_TYPE, "a tensor holds numbers or booleans, not a %s%s", bind_kind_name(L, -1),
                   luaL_testudata(L, -1, BIND_TENSOR) ? "; tensor.stack joins tensors" : "");
    if (c->to) {
        put_number(L, -1, c->dtype, c->to);
        c->to += dtype_size(c->dtype);
    } else {
        c->kinds |= lua_isboolean(L, -1) ? KIND_BOOL : lua_isinteger(L, -1) ? KIND_INTEGER : KIND_FLOAT;
    }
}

/* The value on the stack's top, at `depth`: every table must be as long as the first one there. */
static void visit(struct nested *c, int depth) {
    lua_State *L = c->L;
    char found[64];
    bool table = lua_istable(L, -1);
    if (depth == c->shape.rank) {
        if (table) ragged(c, depth, "a table");
        visit_number(c);
        return;
    }
    if (!table) ragged(c, depth, "a number");
    int64_t n = (int64_t)lua_rawlen(L, -1);
    snprintf(found, sizeof found, "a table of %lld", (long long)n);
    if (n != c->shape.dim[depth]) ragged(c, depth, found);
    for (int64_t i = 1; i <= n; i++) {
        c->path[depth] = i;
        lua_rawgeti(L, -1, i);
        visit(c, depth + 1);
        lua_pop(L, 1);
    }
}

/* The shape that the first elements show. */
static void measure(struct nested *c) {
    lua_State *L = c->L;
    int top = lua_gettop(L);
    luaL_checkstack(L, 2 * TENSOR_MAX_RANK + 8, "nested table");
    while (lua_istable(L, -1)) {
        if (c->shape.rank == TENSOR_MAX_RANK)
            bind_raise(L, ERR_VALUE, "a tensor has at most %d dimensions; this table is nested deeper",
                       TENSOR_MAX_RANK);
        if (bind_is_keywords(L, -1)) bind_raise(L, ERR_TYPE, "a table with named fields cannot become a tensor");
        c->shape.dim[c->shape.rank++] = (int64_t)lua_rawlen(L, -1);
        lua_rawgeti(L, -1, 1);
    }
    lua_settop(L, top);
}

static enum dtype natural(lua_State *L, unsigned kinds) {
    if (kinds & KIND_BOOL && kinds != KIND_BOOL)
        bind_raise(L, ERR_TYPE, "the nested table mixes booleans and numbers; say which with {dtype = ...}");
    if (kinds == KIND_BOOL) return DT_BOOL;
    return kinds == KIND_INTEGER ? DT_INT64 : DT_FLOAT32;
}

struct tensor *bind_from_lua(lua_State *L, int index, enum dtype d) {
    struct nested c = {.L = L};
    struct err e = {0};
    size_t bytes;
    if (luaL_getmetafield(L, index, "__layer_call") != LUA_TNIL)
        bind_raise(L, ERR_TYPE, "a KerasTensor has no values yet; layers can be called on it");
    lua_pushvalue(L, index);
    measure(&c);
    visit(&c, 0);
    c.dtype = d == DT_COUNT ? natural(L, c.kinds) : d;
    bind_check(L, shape_bytes(&c.shape, c.dtype, &bytes, &e), &e);
    void *data = lua_newuserdatauv(L, bytes, 0);
    lua_insert(L, -2);
    c.to = data;
    visit(&c, 0);
    lua_pop(L, 1);
    struct tensor **out = bind_new_tensor(L);
    bind_made(L, out, tensor_from(bind_run(L)->device, c.dtype, &c.shape, data, out, &e), &e);
    lua_remove(L, -2);
    bind_filled(L, *out);
    return *out;
}

struct tensor *bind_tensor(lua_State *L, int index) {
    struct err e = {0};
    struct tensor *t = bind_test(L, index, BIND_TENSOR);
    struct variable *v = t ? NULL : bind_test(L, index, BIND_VARIABLE);
    if (v) bind_check(L, variable_read(bind_run(L), v, &t, &e), &e);
    if (t) return t;
    int type = lua_type(L, index);
    if (type != LUA_TNUMBER && type != LUA_TBOOLEAN && (type != LUA_TTABLE || luaL_getmetafield(L, index, "__name")))
        bind_raise(L, ERR_TYPE, "expected a tensor, a number or a nested table, got a %s", bind_kind_name(L, index));
    index = lua_absindex(L, index);
    t = bind_from_lua(L, index, DT_COUNT);
    lua_replace(L, index);
    return t;
}

/* Puts t, cast to d, into the slot. */
static struct tensor *cast_slot(lua_State *L, int index, struct tensor *t, enum dtype d) {
    union op_attrs a = {.full = {.dtype = d}};
    if (t->dtype == d) return t;
    t = bind_op(L, &op_cast, &t, 1, &a);
    lua_replace(L, index);
    return t;
}

struct tensor *bind_tensor_as(lua_State *L, int index, enum dtype d) {
    index = lua_absindex(L, index);
    int type = lua_type(L, index);
    if (type != LUA_TNUMBER && type != LUA_TTABLE) return cast_slot(L, index, bind_tensor(L, index), d);
    struct tensor *t = bind_from_lua(L, index, d);
    lua_replace(L, index);
    return t;
}

/* ---- operands ------------------------------------------------------------------------------------------------------ */

static bool is_weak(lua_State *L, int index) {
    return lua_type(L, index) == LUA_TNUMBER || lua_isboolean(L, index);
}

/* The dtype that an op computes in where its operands meet in d. */
static enum dtype taken(lua_State *L, const struct op *op, enum dtype d) {
    if (op->dtypes >> d & 1) return d;
    if (op->dtypes == OP_BOOL) return DT_BOOL;
    if (d == DT_BOOL && op->dtypes >> DT_INT64 & 1) return DT_INT64;
    if (!dtype_is_float(d) && op->dtypes >> DT_FLOAT32 & 1) return DT_FLOAT32;
    bind_raise(L, ERR_TYPE, "%s does not take %s", op->name, dtype_name(d));
    return d;
}

/* A comparison with a number that the tensor's dtype cannot hold happens in int64. */
static bool compares(const struct op *op) {
    return op == &op_eq || op == &op_ne || op == &op_lt || op == &op_le || op == &op_gt || op == &op_ge;
}

static enum dtype meet(lua_State *L, const struct op *op, int first, int n, struct tensor **t) {
    enum dtype strong = DT_COUNT;
    bool weak_integer = false, weak_float = false, wide = false;
    for (int i = 0; i < n; i++)
        if (t[i] && !(op->conditions >> i & 1))
            strong = strong == DT_COUNT ? t[i]->dtype : dtype_promote(strong, t[i]->dtype);
    for (int i = 0; i < n; i++) {
        if (t[i] || op->conditions >> i & 1) continue;
        weak_integer |= lua_isinteger(L, first + i);
        weak_float |= lua_type(L, first + i) == LUA_TNUMBER && !lua_isinteger(L, first + i);
        wide |= strong != DT_COUNT && lua_isinteger(L, first + i) && !integer_fits(lua_tointeger(L, first + i), strong);
    }
    if (strong == DT_COUNT) return weak_float ? DT_FLOAT32 : weak_integer ? DT_INT64 : DT_BOOL;
    if (wide && compares(op)) strong = dtype_promote(strong, DT_INT64);
    if (weak_float) return dtype_promote_weak(strong, true);
    return weak_integer ? dtype_promote_weak(strong, false) : strong;
}

static void set_full(struct op_full *f, enum dtype d, const void *element) {
    f->dtype = d;
    switch (d) {
    case DT_BOOL: f->integer = *(const bool *)element; break;
    case DT_UINT8: f->integer = *(const uint8_t *)element; break;
    case DT_INT32: f->integer = *(const int32_t *)element; break;
    case DT_INT64: f->integer = *(const int64_t *)element; break;
    case DT_FLOAT32: f->value = (double)*(const float *)element; break;
    default: f->value = *(const double *)element; break;
    }
}

/* A number as a 0-d tensor in its slot: a node of the trace beside symbolic operands, else a tensor on their device. */
static struct tensor *scalar_slot(lua_State *L, int index, enum dtype d, bool symbolic, struct device *device) {
    union op_attrs a = {.full = {.dtype = d}};
    struct err e = {0};
    int64_t element[2]; /* room for one of any dtype */
    struct tensor *t;
    put_number(L, index, d, element);
    set_full(&a.full, d, element);
    if (symbolic) {
        t = bind_op(L, &op_full, NULL, 0, &a);
    } else {
        struct tensor **out = bind_new_tensor(L);
        bind_made(L, out, tensor_from(device, d, &a.full.shape, element, out, &e), &e);
        t = *out;
    }
    lua_replace(L, index);
    return t;
}

void bind_operands(lua_State *L, const struct op *op, int first, int n, struct tensor **out) {
    struct device *device = bind_run(L)->device;
    bool symbolic = false;
    for (int i = 0; i < n; i++) {
        bool condition = op->conditions >> i & 1;
        out[i] = is_weak(L, first + i) && !condition ? NULL : bind_tensor(L, first + i);
        if (condition) out[i] = cast_slot(L, first + i, out[i], DT_BOOL);
        if (!out[i]) continue;
        symbolic |= tensor_is_symbolic(out[i]);
        if (!tensor_is_symbolic(out[i])) device = tensor_device(out[i]);
    }
    enum dtype d = taken(L, op, meet(L, op, first, n, out));
    for (int i = 0; i < n; i++) {
        if (op->conditions >> i & 1) continue;
        out[i] = out[i] ? cast_slot(L, first + i, out[i], d) : scalar_slot(L, first + i, d, symbolic, device);
    }
}
