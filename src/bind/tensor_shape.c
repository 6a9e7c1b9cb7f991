/* Tensor functions that move elements: reshape, transpose, concatenate, take, astype. */
#include "bind/internal.h"
#include "op/ops.h"

/* x:f(2, -1), x:f{2, -1} and x:f({2, -1}): the integers from slot 2 on. */
static void shape_from_args(lua_State *L, const char *function, struct shape *out) {
    static const char *const names[] = {"shape", NULL};
    int n = lua_gettop(L) - 1;
    *out = (struct shape){0};
    if (n > TENSOR_MAX_RANK) bind_raise(L, ERR_VALUE, "%s: more than %d dimensions", function, TENSOR_MAX_RANK);
    if (lua_type(L, 2) == LUA_TNUMBER) {
        for (int i = 0; i < n; i++) out->dim[out->rank++] = bind_integer(L, 2 + i, "a dimension");
        return;
    }
    bind_args(L, 2, function, names);
    bind_want(L, 2, function, "shape");
    bind_shape(L, 2, out);
}

/* ---- reshape and its kin ------------------------------------------------------------------------------------------- */

static struct tensor *reshape(lua_State *L, struct tensor *x, const struct shape *s) {
    union op_attrs a = {.full.shape = *s};
    return bind_op(L, &op_reshape, &x, 1, &a);
}

/* Names the shape as it was written, -1 and all. */
static void cannot_reshape(lua_State *L, const struct tensor *x, const struct shape *s) {
    luaL_Buffer b;
    luaL_buffinit(L, &b);
    for (int i = 0; i < s->rank; i++) {
        lua_pushfstring(L, i ? ", %I" : "%I", (LUAI_UACINT)s->dim[i]);
        luaL_addvalue(&b);
    }
    luaL_pushresult(&b);
    bind_raise(L, ERR_VALUE, "cannot reshape a tensor of %lld elements into shape (%s%s)", (long long)tensor_size(x),
               lua_tostring(L, -1), s->rank == 1 ? "," : "");
}

/* Puts a number in the place of one -1. */
static void solve(lua_State *L, const struct tensor *x, struct shape *s) {
    int unknown = -1;
    int64_t rest = 1;
    struct shape given = *s;
    for (int i = 0; i < s->rank; i++) {
        if (s->dim[i] < -1) bind_raise(L, ERR_VALUE, "a dimension cannot be %lld", (long long)s->dim[i]);
        if (s->dim[i] == -1 && unknown >= 0) bind_raise(L, ERR_VALUE, "only one dimension can be -1");
        if (s->dim[i] == -1)
            unknown = i;
        else if (__builtin_mul_overflow(rest, s->dim[i], &rest))
            cannot_reshape(L, x, &given);
    }
    int64_t n = tensor_size(x);
    if (unknown >= 0 && rest > 0) s->dim[unknown] = n / rest;
    if (unknown >= 0 && (rest == 0 || n % rest)) cannot_reshape(L, x, &given);
    if (unknown < 0 && rest != n) cannot_reshape(L, x, &given);
}

static int shape_reshape(lua_State *L) {
    struct shape s;
    shape_from_args(L, "reshape", &s);
    struct tensor *x = bind_tensor(L, 1);
    solve(L, x, &s);
    return reshape(L, x, &s), 1;
}

static int shape_flatten(lua_State *L) {
    struct tensor *x = bind_tensor(L, 1);
    return reshape(L, x, &(struct shape){1, {tensor_size(x)}}), 1;
}

/* x:squeeze() drops all dimensions of 1; x:squeeze(axis) these, which must be 1. */
static int shape_squeeze(lua_State *L) {
    static const char *const names[] = {"axis", NULL};
    struct op_axes axes = {0};
    struct shape s = {0};
    bind_args(L, 2, "squeeze", names);
    struct tensor *x = bind_tensor(L, 1);
    bool all = lua_isnil(L, 2), drop[TENSOR_MAX_RANK] = {0};
    bind_axes(L, 2, &x->shape, &axes);
    for (int i = 0; i < axes.n; i++) {
        int64_t dim = x->shape.dim[axes.axis[i]];
        if (dim != 1 && !all)
            return bind_raise(L, ERR_VALUE, "squeeze: axis %d has size %lld, not 1", axes.axis[i], (long long)dim);
        drop[axes.axis[i]] = dim == 1;
    }
    for (int i = 0; i < x->shape.rank; i++)
        if (!drop[i]) s.dim[s.rank++] = x->shape.dim[i];
    return reshape(L, x, &s), 1;
}

/* x's shape with a 1 put in at `axis` of the result. */
static struct shape expanded(lua_State *L, const struct shape *x, int64_t axis) {
    struct shape s = {.rank = x->rank + 1};
    struct err e = {0};
    int at;
    if (s.rank > TENSOR_MAX_RANK) bind_raise(L, ERR_VALUE, "more than %d dimensions", TENSOR_MAX_RANK);
    bind_check(L, shape_axis(&s, axis, &at, &e), &e);
    for (int i = 0; i < s.rank; i++) s.dim[i] = i == at ? 1 : x->dim[i - (i > at)];
    return s;
}

static int shape_expand_dims(lua_State *L) {
    static const char *const names[] = {"axis", NULL};
    bind_args(L, 2, "expand_dims", names);
    bind_want(L, 2, "expand_dims", "axis");
    struct tensor *x = bind_tensor(L, 1);
    struct shape s = expanded(L, &x->shape, bind_integer(L, 2, "axis"));
    return reshape(L, x, &s), 1;
}

static int shape_broadcast_to(lua_State *L) {
    union op_attrs a = {0};
    shape_from_args(L, "broadcast_to", &a.full.shape);
    struct tensor *x = bind_tensor(L, 1);
    bind_op(L, &op_broadcast_to, &x, 1, &a);
    return 1;
}

/* x:transpose() reverses the dimensions; x:transpose(0, 2, 1) puts dimension 0, 2, 1 of x there. */
static int shape_transpose(lua_State *L) {
    union op_attrs a = {0};
    struct shape given;
    struct err e = {0};
    struct tensor *x = bind_tensor(L, 1);
    a.axes.n = x->shape.rank;
    for (int i = 0; i < a.axes.n; i++) a.axes.axis[i] = a.axes.n - 1 - i;
    if (!lua_isnoneornil(L, 2)) {
        shape_from_args(L, "transpose", &given);
        if (given.rank != a.axes.n)
            return bind_raise(L, ERR_VALUE, "transpose: %d axes for a tensor of %d dimensions", given.rank, a.axes.n);
        for (int i = 0; i < a.axes.n; i++) bind_check(L, shape_axis(&x->shape, given.dim[i], &a.axes.axis[i], &e), &e);
    }
    bind_op(L, &op_transpose, &x, 1, &a);
    return 1;
}

/* ---- concatenate, stack -------------------------------------------------------------------------------------------- */

/* Pushes a table of the tensors in the list at 1, all of one dtype; returns how many. */
static int collect(lua_State *L, const char *function) {
    enum dtype d = DT_COUNT;
    if (!lua_istable(L, 1) || lua_rawlen(L, 1) == 0)
        return bind_raise(L, ERR_TYPE, "%s takes a list of tensors, and at least one", function);
    int n = (int)lua_rawlen(L, 1);
    lua_createtable(L, n, 0);
    int list = lua_gettop(L);
    for (int i = 1; i <= n; i++) {
        lua_rawgeti(L, 1, i);
        struct tensor *t = bind_tensor(L, -1);
        d = d == DT_COUNT ? t->dtype : dtype_promote(d, t->dtype);
        lua_rawseti(L, list, i);
    }
    for (int i = 1; i <= n; i++) {
        lua_rawgeti(L, list, i);
        bind_tensor_as(L, -1, d);
        lua_rawseti(L, list, i);
    }
    return n;
}

/* Joins n tensors of the table at `list`, in groups of as many as an op takes, until one is left; pushes it. */
static void join(lua_State *L, int list, int n, int axis) {
    union op_attrs a = {.axes = {.n = 1, .axis = {axis}}};
    do {
        int groups = 0;
        for (int from = 1; from <= n; from += OP_MAX_IN) {
            struct tensor *in[OP_MAX_IN];
            int count = n - from + 1 < OP_MAX_IN ? n - from + 1 : OP_MAX_IN;
            for (int i = 0; i < count; i++) {
                lua_rawgeti(L, list, from + i);
                in[i] = bind_tensor(L, -1);
                lua_pop(L, 1); /* the list holds it */
            }
            bind_op(L, &op_concatenate, in, count, &a);
            lua_rawseti(L, list, ++groups);
        }
        n = groups;
    } while (n > 1);
    lua_rawgeti(L, list, 1);
}

static int shape_concatenate(lua_State *L) {
    static const char *const names[] = {"tensors", "axis", NULL};
    struct err e = {0};
    int axis = 0;
    bind_args(L, 1, "concatenate", names);
    int n = collect(L, "concatenate");
    lua_rawgeti(L, -1, 1);
    bind_check(L, shape_axis(&bind_tensor(L, -1)->shape, lua_isnil(L, 2) ? 0 : bind_integer(L, 2, "axis"), &axis, &e),
               &e);
    lua_pop(L, 1);
    join(L, lua_gettop(L), n, axis);
    return 1;
}

static void check_same(lua_State *L, int i, const struct shape *s, const struct shape *first) {
    char a[256], b[256];
    if (!shape_equal(s, first))
        bind_raise(L, ERR_VALUE, "stack: all tensors must have one shape, but number %d has %s, the first %s", i,
                   shape_text(s, a, sizeof a), shape_text(first, b, sizeof b));
}

static int shape_stack(lua_State *L) {
    static const char *const names[] = {"tensors", "axis", NULL};
    struct shape s = {0}, first = {0};
    struct err e = {0};
    int axis = 0;
    bind_args(L, 1, "stack", names);
    int n = collect(L, "stack"), list = lua_gettop(L);
    for (int i = 1; i <= n; i++) {
        lua_rawgeti(L, list, i);
        struct tensor *t = bind_tensor(L, -1);
        if (i > 1) check_same(L, i, &t->shape, &first);
        first = t->shape;
        s = expanded(L, &t->shape, lua_isnil(L, 2) ? 0 : bind_integer(L, 2, "axis"));
        reshape(L, t, &s);
        lua_rawseti(L, list, i);
        lua_pop(L, 1);
    }
    bind_check(L, shape_axis(&s, lua_isnil(L, 2) ? 0 : bind_integer(L, 2, "axis"), &axis, &e), &e);
    join(L, list, n, axis);
    return 1;
}

/* ---- take, astype -------------------------------------------------------------------------------------------------- */

/* Pushes x with dimensions 0 and `axis` exchanged. */
static struct tensor *swap_first(lua_State *L, struct tensor *x, int axis) {
    union op_attrs a = {.axes.n = x->shape.rank};
    for (int i = 0; i < a.axes.n; i++) a.axes.axis[i] = i == 0 ? axis : i == axis ? 0 : i;
    return bind_op(L, &op_transpose, &x, 1, &a);
}

/* x:take(indices[, axis = 0]): 0-based integers, as argmax, permutation and labels are. */
static int shape_take(lua_State *L) {
    static const char *const names[] = {"indices", "axis", NULL};
    struct err e = {0};
    int axis = 0;
    bind_args(L, 2, "take", names);
    bind_want(L, 2, "take", "indices");
    struct tensor *x = bind_tensor(L, 1), *indices = bind_tensor(L, 2);
    if (dtype_is_float(indices->dtype) || indices->dtype == DT_BOOL)
        return bind_raise(L, ERR_TYPE, "take: indices must be integers, not %s", dtype_name(indices->dtype));
    if (indices->dtype != DT_INT32) indices = bind_tensor_as(L, 2, DT_INT64);
    bind_check(L, shape_axis(&x->shape, lua_isnil(L, 3) ? 0 : bind_integer(L, 3, "axis"), &axis, &e), &e);
    if (axis != 0 && indices->shape.rank > 1)
        return bind_raise(L, ERR_VALUE, "take: along axis %d the indices must have at most one dimension", axis);
    if (axis != 0 && indices->shape.rank == 0) indices = reshape(L, indices, &(struct shape){1, {1}});
    if (axis != 0) x = swap_first(L, x, axis);
    struct tensor *in[2] = {x, indices}, *y = bind_op_for(L, "take", &op_gather, in, 2, NULL);
    if (axis != 0) swap_first(L, y, axis);
    return 1;
}

static int shape_astype(lua_State *L) {
    static const char *const names[] = {"dtype", NULL};
    union op_attrs a = {0};
    bind_args(L, 2, "astype", names);
    bind_want(L, 2, "astype", "dtype");
    struct tensor *x = bind_tensor(L, 1);
    a.full.dtype = bind_dtype(L, 2, DT_COUNT);
    bind_op(L, &op_cast, &x, 1, &a);
    return 1;
}

void bind_open_tensor_shape(lua_State *L, int methods, int functions) {
    static const luaL_Reg both[] = {
        {"reshape", shape_reshape},         {"flatten", shape_flatten},
        {"ravel", shape_flatten},           {"squeeze", shape_squeeze},
        {"expand_dims", shape_expand_dims}, {"broadcast_to", shape_broadcast_to},
        {"transpose", shape_transpose},     {"take", shape_take},
        {"astype", shape_astype},           {0},
    };
    static const luaL_Reg alone[] = {{"concatenate", shape_concatenate}, {"stack", shape_stack}, {0}};
    lua_pushvalue(L, methods);
    luaL_setfuncs(L, both, 0);
    lua_pushvalue(L, functions);
    luaL_setfuncs(L, both, 0);
    luaL_setfuncs(L, alone, 0);
    lua_pop(L, 2);
}
