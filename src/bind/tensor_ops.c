/* Ops as methods of tensors, as functions of the module `tensor`, and as Lua's operators. Elementwise ops come straight
 * from the registry: an op added there is a method here. */
#include <string.h>

#include "bind/internal.h"
#include "op/ops.h"

/* Ends a formula: pushes its result or raises its error. */
static int push_result(lua_State *L, struct op_emitter *emit, struct tensor *t) {
    struct err *e = emit->err;
    if (t) tensor_retain(t);
    op_emitter_close(emit);
    if (e->status && t) tensor_release(t);
    bind_check(L, e->status, e);
    bind_push_tensor(L, t);
    return 1;
}

#define FORMULA(L, e, emit)                                                                                            \
    struct err e = {0};                                                                                                \
    struct op_emitter emit = run_emitter(bind_run(L), &e)

/* ---- elementwise: upvalue 1 is the op -------------------------------------------------------------------------------- */

/* What an op can take of x: logical ops want bool, ops of floats want a float. */
static struct tensor *suited(lua_State *L, const struct op *op, struct tensor *x) {
    if (op->dtypes >> x->dtype & 1) return x;
    if (op->dtypes == OP_BOOL) return bind_cast(L, x, DT_BOOL);
    if (op->dtypes == OP_FLOATS) return bind_float(L, x);
    return x->dtype == DT_BOOL ? bind_cast(L, x, DT_INT64) : x;
}

static int unary(lua_State *L) {
    const struct op *op = lua_touserdata(L, lua_upvalueindex(1));
    struct tensor *x = suited(L, op, bind_tensor(L, 1));
    bind_op(L, op, &x, 1, NULL);
    return 1;
}

static int binary(lua_State *L) {
    const struct op *op = lua_touserdata(L, lua_upvalueindex(1));
    struct tensor *x[2];
    luaL_checkany(L, 2);
    lua_settop(L, 2);
    bind_operands(L, 1, 2, x);
    for (int i = 0; i < 2; i++) x[i] = suited(L, op, x[i]);
    bind_op(L, op, x, 2, NULL);
    return 1;
}

/* ---- reductions: upvalue 1 is the op ---------------------------------------------------------------------------------- */

static int reduction(lua_State *L) {
    static const char *const names[] = {"x", "axis", "keepdims", NULL};
    const struct op *op = lua_touserdata(L, lua_upvalueindex(1));
    union op_attrs a = {0};
    bind_args(L, 1, op->name, names);
    struct tensor *x = bind_tensor(L, 1);
    bind_axes(L, 2, x->shape.rank, &a.axes);
    a.axes.keepdims = lua_toboolean(L, 3);
    x = suited(L, op, x);
    bind_op(L, op, &x, 1, &a);
    return 1;
}

/* argmax and argmin: without an axis of all elements. 0-based results, as labels are. */
static int along_axis(lua_State *L) {
    static const char *const names[] = {"x", "axis", "keepdims", NULL};
    const struct op *op = lua_touserdata(L, lua_upvalueindex(1));
    bind_args(L, 1, op->name, names);
    struct tensor *x = bind_tensor(L, 1);
    bool flat = lua_isnil(L, 2), keepdims = lua_toboolean(L, 3);
    union op_attrs a = {.axes = {.n = 1}};
    if (!flat) bind_axes(L, 2, x->shape.rank, &a.axes);
    a.axes.keepdims = keepdims;
    if (flat) {
        struct shape line_shape = SHAPE(tensor_size(x));
        FORMULA(L, e, emit);
        struct tensor *line = emit_reshape(&emit, x, &line_shape);
        push_result(L, &emit, line);
        x = bind_test(L, -1, BIND_TENSOR);
    }
    bind_op(L, op, &x, 1, &a);
    return 1;
}

/* softmax and log_softmax: axis -1. */
static int softmax(lua_State *L) {
    static const char *const names[] = {"x", "axis", NULL};
    const struct op *op = lua_touserdata(L, lua_upvalueindex(1));
    union op_attrs a = {.axes = {.n = 1}};
    bind_args(L, 1, op->name, names);
    struct tensor *x = bind_float(L, bind_tensor(L, 1));
    if (lua_isnil(L, 2)) {
        lua_pushinteger(L, -1);
        lua_replace(L, 2);
    }
    bind_axes(L, 2, x->shape.rank, &a.axes);
    bind_op(L, op, &x, 1, &a);
    return 1;
}

/* var and std: the mean of squared distances from the mean. Upvalue 1: whether the root is taken. */
static int variance(lua_State *L) {
    static const char *const names[] = {"x", "axis", "keepdims", NULL};
    struct op_axes axes = {.keepdims = true};
    bind_args(L, 1, "var", names);
    struct tensor *x = bind_float(L, bind_tensor(L, 1));
    bind_axes(L, 2, x->shape.rank, &axes);
    struct op_axes last = axes;
    last.keepdims = lua_toboolean(L, 3);
    FORMULA(L, e, emit);
    struct tensor *v = emit_mean(&emit, emit_square(&emit, emit_sub(&emit, x, emit_mean(&emit, x, &axes))), &last);
    return push_result(L, &emit, lua_toboolean(L, lua_upvalueindex(1)) ? emit_sqrt(&emit, v) : v);
}

/* ---- shapes ------------------------------------------------------------------------------------------------------------ */

/* x:reshape(2, -1), x:reshape{2, -1}: one -1 is worked out. */
static int tensor_reshape(lua_State *L) {
    struct tensor *x = bind_tensor(L, 1);
    struct shape s = {0};
    char a[256], b[256];
    int unknown = -1;
    int64_t known = 1, size = tensor_size(x);
    if (lua_gettop(L) == 2 && lua_istable(L, 2)) {
        bind_shape(L, 2, &s);
    } else {
        for (int i = 2; i <= lua_gettop(L) && s.rank < TENSOR_MAX_RANK; i++) s.dim[s.rank++] = luaL_checkinteger(L, i);
    }
    for (int i = 0; i < s.rank; i++) {
        if (s.dim[i] != -1)
            known *= s.dim[i];
        else if (unknown >= 0)
            return luaL_error(L, "ValueError: reshape: can only infer one unknown dimension");
        else
            unknown = i;
    }
    if (unknown >= 0 && known > 0 && size % known == 0) s.dim[unknown] = size / known;
    if (shape_size(&s) != size || (unknown >= 0 && s.dim[unknown] < 0)) {
        if (unknown >= 0) s.dim[unknown] = -1;
        return luaL_error(L, "ValueError: cannot reshape a tensor of shape %s (%d elements) into %s",
                          shape_text(&x->shape, a, sizeof a), (int)size, shape_text(&s, b, sizeof b));
    }
    FORMULA(L, e, emit);
    return push_result(L, &emit, emit_reshape(&emit, x, &s));
}

/* x:transpose() reverses the axes; x:transpose{2, 0, 1} permutes them. */
static int tensor_transpose(lua_State *L) {
    struct tensor *x = bind_tensor(L, 1);
    struct op_axes axes = {0};
    int rank = x->shape.rank;
    for (int i = 0; i < rank; i++) axes.axis[i] = rank - 1 - i;
    if (!lua_isnoneornil(L, 2) && bind_axes(L, 2, rank, &axes) != rank)
        return luaL_error(L, "ValueError: transpose needs all %d axes", rank);
    FORMULA(L, e, emit);
    return push_result(L, &emit, emit_transpose(&emit, x, axes.axis));
}

/* x:squeeze([axis]): without axes of size 1. */
static int tensor_squeeze(lua_State *L) {
    static const char *const names[] = {"x", "axis", NULL};
    bind_args(L, 1, "squeeze", names);
    struct tensor *x = bind_tensor(L, 1);
    struct op_axes axes = {0};
    struct shape s = {0};
    bool named = !lua_isnil(L, 2), gone[TENSOR_MAX_RANK] = {0};
    bind_axes(L, 2, x->shape.rank, &axes);
    for (int i = 0; i < axes.n; i++) {
        if (x->shape.dim[axes.axis[i]] == 1)
            gone[axes.axis[i]] = true;
        else if (named)
            return luaL_error(L, "ValueError: cannot squeeze axis %d of size %d", axes.axis[i],
                              (int)x->shape.dim[axes.axis[i]]);
    }
    for (int i = 0; i < x->shape.rank; i++)
        if (!gone[i]) s.dim[s.rank++] = x->shape.dim[i];
    FORMULA(L, e, emit);
    return push_result(L, &emit, emit_reshape(&emit, x, &s));
}

/* x:expand_dims(axis): a new axis of size 1 there. */
static int tensor_expand_dims(lua_State *L) {
    static const char *const names[] = {"x", "axis", NULL};
    bind_args(L, 1, "expand_dims", names);
    struct tensor *x = bind_tensor(L, 1);
    struct shape s = {.rank = x->shape.rank + 1};
    struct err bad = {0};
    int axis;
    if (s.rank > TENSOR_MAX_RANK)
        return luaL_error(L, "ValueError: a tensor has at most %d dimensions", TENSOR_MAX_RANK);
    bind_check(L, shape_axis(&s, luaL_checkinteger(L, 2), &axis, &bad), &bad);
    for (int i = 0, k = 0; i < s.rank; i++) s.dim[i] = i == axis ? 1 : x->shape.dim[k++];
    FORMULA(L, e, emit);
    return push_result(L, &emit, emit_reshape(&emit, x, &s));
}

static int tensor_broadcast_to(lua_State *L) {
    struct shape s;
    struct tensor *x = bind_tensor(L, 1);
    bind_shape(L, 2, &s);
    FORMULA(L, e, emit);
    return push_result(L, &emit, emit_broadcast_to(&emit, x, &s));
}

static int tensor_astype(lua_State *L) {
    struct tensor *x = bind_tensor(L, 1);
    enum dtype d = bind_dtype(L, 2, DT_FLOAT32);
    FORMULA(L, e, emit);
    return push_result(L, &emit, x->dtype == d ? emit_copy(&emit, x) : emit_cast(&emit, x, d));
}

static int tensor_copy(lua_State *L) {
    struct tensor *x = bind_tensor(L, 1);
    FORMULA(L, e, emit);
    return push_result(L, &emit, emit_copy(&emit, x));
}

static int tensor_elu(lua_State *L) {
    struct tensor *x = bind_float(L, bind_tensor(L, 1));
    double alpha = luaL_optnumber(L, 2, 1);
    FORMULA(L, e, emit);
    return push_result(L, &emit, emit_elu(&emit, x, alpha));
}

/* x:clip(low, high) */
static int tensor_clip(lua_State *L) {
    struct tensor *x[2];
    lua_settop(L, 3);
    for (int i = 2; i <= 3; i++) {
        if (lua_isnil(L, i)) continue;
        lua_pushvalue(L, 1);
        lua_pushvalue(L, i);
        bind_operands(L, -2, -1, x);
        bind_op(L, i == 2 ? &op_maximum : &op_minimum, x, 2, NULL);
        lua_replace(L, 1);
    }
    lua_settop(L, 1);
    return 1;
}

static int tensor_matmul(lua_State *L) {
    struct tensor *x[2];
    lua_settop(L, 2);
    bind_operands(L, 1, 2, x);
    if (x[0]->dtype == DT_BOOL) return luaL_error(L, "TypeError: matmul: bool tensors have no product");
    FORMULA(L, e, emit);
    return push_result(L, &emit, emit_matmul(&emit, x[0], x[1], false, false));
}

/* x:gather(indices): rows by 0-based numbers, as Keras's take along axis 0. */
static int tensor_gather(lua_State *L) {
    struct tensor *x = bind_tensor(L, 1), *i = bind_tensor(L, 2);
    FORMULA(L, e, emit);
    return push_result(L, &emit, emit_gather(&emit, x, i));
}

/* x:one_hot(depth) */
static int tensor_one_hot(lua_State *L) {
    struct tensor *x = bind_tensor(L, 1);
    int64_t depth = luaL_checkinteger(L, 2);
    FORMULA(L, e, emit);
    return push_result(L, &emit, emit_one_hot(&emit, x, depth, DT_FLOAT32));
}

static int tensor_to(lua_State *L) {
    struct tensor *x = bind_tensor(L, 1), *moved;
    struct device *d;
    struct err e = {0};
    bind_check(L, run_device(bind_run(L), luaL_checkstring(L, 2), &d, &e), &e);
    bind_check(L, run_move(bind_run(L), x, d, &moved, &e), &e);
    bind_push_tensor(L, moved);
    return 1;
}

/* tensor.where(condition, a, b) */
static int tensor_where(lua_State *L) {
    struct tensor *x[2];
    lua_settop(L, 3);
    bind_operands(L, 2, 3, x);
    struct tensor *c = bind_cast(L, bind_tensor(L, 1), DT_BOOL);
    FORMULA(L, e, emit);
    return push_result(L, &emit, emit_where(&emit, c, x[0], x[1]));
}

/* x:allclose(y, {rtol = 1e-5, atol = 1e-8, equal_nan = false}): |x - y| <= atol + rtol |y| everywhere. */
static int tensor_allclose(lua_State *L) {
    static const char *const names[] = {"x", "y", "rtol", "atol", "equal_nan", NULL};
    struct tensor *x[2];
    bind_args(L, 1, "allclose", names);
    double rtol = luaL_optnumber(L, 3, 1e-5), atol = luaL_optnumber(L, 4, 1e-8);
    bool nan = lua_toboolean(L, 5);
    bind_operands(L, 1, 2, x);
    for (int i = 0; i < 2; i++) x[i] = bind_cast(L, x[i], DT_FLOAT64);
    FORMULA(L, e, emit);
    struct tensor *bound = emit_adds(&emit, emit_muls(&emit, emit_abs(&emit, x[1]), rtol), atol);
    struct tensor *close = emit_le(&emit, emit_abs(&emit, emit_sub(&emit, x[0], x[1])), bound);
    close = emit_logical_or(&emit, close, emit_eq(&emit, x[0], x[1]));
    if (nan)
        close =
            emit_logical_or(&emit, close, emit_logical_and(&emit, emit_isnan(&emit, x[0]), emit_isnan(&emit, x[1])));
    push_result(L, &emit, emit_all(&emit, close, NULL));
    bool yes = false;
    bind_check(L, tensor_read(bind_test(L, -1, BIND_TENSOR), &yes, &e), &e);
    lua_pushboolean(L, yes);
    return 1;
}

/* ---- joining ------------------------------------------------------------------------------------------------------------ */

/* The tensors of a list, brought to one dtype and left on the stack. */
static int list_of_tensors(lua_State *L, int index, struct tensor **x) {
    enum dtype d = DT_BOOL;
    luaL_checktype(L, index, LUA_TTABLE);
    int n = (int)luaL_len(L, index);
    if (n < 1 || n > OP_MAX_IN) luaL_error(L, "ValueError: a list of 1 to %d tensors is wanted, not %d", OP_MAX_IN, n);
    luaL_checkstack(L, 2 * n + 8, NULL);
    for (int i = 0; i < n; i++) {
        lua_geti(L, index, i + 1);
        x[i] = bind_tensor(L, lua_gettop(L));
        d = dtype_promote(d, x[i]->dtype);
    }
    for (int i = 0; i < n; i++) x[i] = bind_cast(L, x[i], d);
    return n;
}

static int tensor_concatenate(lua_State *L) {
    static const char *const names[] = {"tensors", "axis", NULL};
    struct tensor *x[OP_MAX_IN];
    struct op_axes axes = {0};
    bind_args(L, 1, "concatenate", names);
    int n = list_of_tensors(L, 1, x);
    lua_pushinteger(L, luaL_optinteger(L, 2, 0));
    bind_axes(L, -1, x[0]->shape.rank, &axes);
    FORMULA(L, e, emit);
    return push_result(L, &emit, emit_concatenate(&emit, x, n, axes.axis[0]));
}

static int tensor_stack(lua_State *L) {
    static const char *const names[] = {"tensors", "axis", NULL};
    struct tensor *x[OP_MAX_IN];
    struct op_axes axes = {0};
    bind_args(L, 1, "stack", names);
    int n = list_of_tensors(L, 1, x);
    lua_pushinteger(L, luaL_optinteger(L, 2, 0));
    bind_axes(L, -1, x[0]->shape.rank + 1, &axes);
    FORMULA(L, e, emit);
    for (int i = 0; i < n && x[i]; i++) {
        struct shape s = {.rank = x[i]->shape.rank + 1};
        if (s.rank > TENSOR_MAX_RANK) err_set(&e, ERR_VALUE, "stack: too many dimensions");
        for (int k = 0, from = 0; k < s.rank && e.status == OK; k++)
            s.dim[k] = k == axes.axis[0] ? 1 : x[i]->shape.dim[from++];
        x[i] = emit_reshape(&emit, x[i], &s);
    }
    return push_result(L, &emit, e.status ? NULL : emit_concatenate(&emit, x, n, axes.axis[0]));
}

/* ---- creation ------------------------------------------------------------------------------------------------------------ */

static int push_full(lua_State *L, const struct shape *s, enum dtype d, double value, int64_t integer) {
    union op_attrs a = {.full = {.dtype = d, .shape = *s, .value = value, .integer = integer}};
    bind_op(L, &op_full, NULL, 0, &a);
    return 1;
}

static int create_filled(lua_State *L, const char *name, double value) {
    static const char *const names[] = {"shape", "dtype", NULL};
    struct shape s;
    bind_args(L, 1, name, names);
    bind_shape(L, 1, &s);
    return push_full(L, &s, bind_dtype(L, 2, DT_FLOAT32), value, (int64_t)value);
}

static int tensor_zeros(lua_State *L) {
    return create_filled(L, "zeros", 0);
}
static int tensor_ones(lua_State *L) {
    return create_filled(L, "ones", 1);
}

static int tensor_full(lua_State *L) {
    static const char *const names[] = {"shape", "fill_value", "dtype", NULL};
    struct shape s;
    bind_args(L, 1, "full", names);
    bind_shape(L, 1, &s);
    double value = lua_isboolean(L, 2) ? lua_toboolean(L, 2) : luaL_checknumber(L, 2);
    enum dtype natural = lua_isboolean(L, 2) ? DT_BOOL : lua_isinteger(L, 2) ? DT_INT64 : DT_FLOAT32;
    return push_full(L, &s, bind_dtype(L, 3, natural), value,
                     lua_isinteger(L, 2) ? lua_tointeger(L, 2) : (int64_t)value);
}

/* tensor.arange(stop) or (start, stop[, step]): the end is not included, as in NumPy. */
static int tensor_arange(lua_State *L) {
    static const char *const names[] = {"start", "stop", "step", "dtype", NULL};
    bind_args(L, 1, "arange", names);
    bool one = lua_isnil(L, 2);
    double start = one ? 0 : luaL_checknumber(L, 1), stop = luaL_checknumber(L, one ? 1 : 2),
           step = luaL_optnumber(L, 3, 1);
    bool floats =
        (!one && !lua_isinteger(L, 1)) || !lua_isinteger(L, one ? 1 : 2) || (!lua_isnil(L, 3) && !lua_isinteger(L, 3));
    if (step == 0) return luaL_error(L, "ValueError: arange: the step cannot be zero");
    double count = (stop - start) / step;
    int64_t n = count <= 0 ? 0 : (int64_t)count + ((double)(int64_t)count < count);
    union op_attrs a = {.range = {.dtype = bind_dtype(L, 4, floats ? DT_FLOAT32 : DT_INT64),
                                  .count = n,
                                  .start = start,
                                  .step = step,
                                  .integer_start = (int64_t)start,
                                  .integer_step = (int64_t)step}};
    bind_op(L, &op_arange, NULL, 0, &a);
    return 1;
}

static int tensor_linspace(lua_State *L) {
    static const char *const names[] = {"start", "stop", "num", "dtype", NULL};
    bind_args(L, 1, "linspace", names);
    double start = luaL_checknumber(L, 1), stop = luaL_checknumber(L, 2);
    int64_t n = luaL_optinteger(L, 3, 50);
    if (n < 0) return luaL_error(L, "ValueError: linspace: num cannot be negative");
    union op_attrs a = {
        .range = {
            .dtype = DT_FLOAT64, .count = n, .start = start, .step = n > 1 ? (stop - start) / (double)(n - 1) : 0}};
    bind_op(L, &op_arange, NULL, 0, &a);
    bind_cast(L, bind_test(L, -1, BIND_TENSOR), bind_dtype(L, 4, DT_FLOAT32));
    return 1;
}

static int tensor_eye(lua_State *L) {
    static const char *const names[] = {"n", "dtype", NULL};
    bind_args(L, 1, "eye", names);
    int64_t n = luaL_checkinteger(L, 1);
    enum dtype d = bind_dtype(L, 2, DT_FLOAT32);
    if (n < 0) return luaL_error(L, "ValueError: eye: n cannot be negative");
    struct shape column = SHAPE(n, 1), row = SHAPE(1, n);
    FORMULA(L, e, emit);
    struct tensor *i = emit_arange(&emit, DT_INT64, 0, 1, n);
    struct tensor *same = emit_eq(&emit, emit_reshape(&emit, i, &column), emit_reshape(&emit, i, &row));
    return push_result(L, &emit, emit_cast(&emit, same, d));
}

/* tensor(values, {dtype = }) */
static int tensor_new_from(lua_State *L) {
    static const char *const names[] = {"values", "dtype", NULL};
    lua_remove(L, 1);                                            /* the module itself */
    if (lua_istable(L, 1) && lua_gettop(L) == 1) lua_pushnil(L); /* a table alone is data, never keywords */
    bind_args(L, 1, "tensor", names);
    struct tensor *x = bind_test(L, 1, BIND_TENSOR);
    if (x || bind_test(L, 1, BIND_VARIABLE)) {
        enum dtype d = bind_dtype(L, 2, bind_tensor(L, 1)->dtype);
        lua_pushstring(L, dtype_name(d));
        lua_replace(L, 2);
        return tensor_astype(L);
    }
    luaL_checkany(L, 1);
    bind_make_tensor(L, 1, bind_dtype(L, 2, DT_COUNT));
    return 1;
}

/* ---- opening -------------------------------------------------------------------------------------------------------------- */

static lua_CFunction adapter_of(const struct op *op) {
    bool plain = op->flags & OP_ELEMENTWISE && op->attrs == OP_NO_ATTRS && op->nout == 1;
    if (plain && op->nin == 1) return unary;
    if (plain && op->nin == 2) return binary;
    if (op->attrs != OP_AXES || op->nin != 1 || op->flags & OP_VIEW) return NULL;
    if (strstr(op->name, "softmax")) return softmax;
    return strncmp(op->name, "arg", 3) == 0 ? along_axis : reduction;
}

static void set_op(lua_State *L, const struct op *op, lua_CFunction f, const char *name) {
    lua_pushlightuserdata(L, (void *)op);
    lua_pushcclosure(L, f, 1);
    lua_setfield(L, -2, name);
}

static void set_operators(lua_State *L) {
    static const struct {
        const char *event;
        const struct op *op;
    } operator[] = {{"__add", &op_add},         {"__sub", &op_sub},           {"__mul", &op_mul},
                    {"__div", &op_div},         {"__idiv", &op_floor_divide}, {"__mod", &op_mod},
                    {"__pow", &op_pow},         {"__band", &op_bitwise_and},  {"__bor", &op_bitwise_or},
                    {"__bxor", &op_bitwise_xor}};
    for (size_t i = 0; i < sizeof operator/ sizeof * operator; i++)
        set_op(L, operator[i].op, binary, operator[i].event);
    set_op(L, &op_neg, unary, "__unm");
    set_op(L, &op_invert, unary, "__bnot");
}

static const luaL_Reg methods[] = {{"reshape", tensor_reshape},
                                   {"transpose", tensor_transpose},
                                   {"squeeze", tensor_squeeze},
                                   {"expand_dims", tensor_expand_dims},
                                   {"broadcast_to", tensor_broadcast_to},
                                   {"astype", tensor_astype},
                                   {"copy", tensor_copy},
                                   {"numpy", tensor_copy},
                                   {"elu", tensor_elu},
                                   {"clip", tensor_clip},
                                   {"matmul", tensor_matmul},
                                   {"gather", tensor_gather},
                                   {"one_hot", tensor_one_hot},
                                   {"to", tensor_to},
                                   {"allclose", tensor_allclose},
                                   {NULL, NULL}};

static const luaL_Reg functions[] = {{"where", tensor_where},   {"concatenate", tensor_concatenate},
                                     {"stack", tensor_stack},   {"zeros", tensor_zeros},
                                     {"ones", tensor_ones},     {"full", tensor_full},
                                     {"arange", tensor_arange}, {"linspace", tensor_linspace},
                                     {"eye", tensor_eye},       {NULL, NULL}};

/* Everything that takes a tensor first, into the table on the top. */
static void set_methods(lua_State *L) {
    luaL_setfuncs(L, methods, 0);
    for (const struct op *const *op = op_registry; *op; op++)
        if (adapter_of(*op)) set_op(L, *op, adapter_of(*op), (*op)->name);
    for (int root = 0; root < 2; root++) {
        lua_pushboolean(L, root);
        lua_pushcclosure(L, variance, 1);
        lua_setfield(L, -2, root ? "std" : "var");
    }
}

void bind_open_tensor_functions(lua_State *L) {
    luaL_getmetatable(L, BIND_TENSOR);
    set_operators(L);
    lua_getfield(L, -1, "__methods");
    set_methods(L);
    lua_pop(L, 2);
    luaL_newlib(L, functions);
    set_methods(L);
    lua_createtable(L, 0, 1);
    lua_pushcfunction(L, tensor_new_from);
    lua_setfield(L, -2, "__call");
    lua_setmetatable(L, -2);
    lua_setglobal(L, "tensor");
}
