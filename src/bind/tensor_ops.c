/* Tensor functions that are one op: every elementwise op of the registry by its name, reductions, softmax, matmul; and
 * Lua's operators. */
#include <string.h>

#include "bind/internal.h"
#include "op/ops.h"

/* The op that a closure stands for: upvalue 1. */
static const struct op *upvalue_op(lua_State *L) {
    return lua_touserdata(L, lua_upvalueindex(1));
}

static void need(lua_State *L, const char *function, int n) {
    int given = lua_gettop(L);
    if (given == n) return;
    bind_raise(L, ERR_TYPE, "%s takes %d argument%s, but %d %s given", function, n, n == 1 ? "" : "s", given,
               given == 1 ? "was" : "were");
}

/* ---- elementwise --------------------------------------------------------------------------------------------------- */

static int call_elementwise(lua_State *L) {
    const struct op *op = upvalue_op(L);
    struct tensor *in[3];
    need(L, op->name, op->nin);
    bind_operands(L, op, 1, op->nin, in);
    bind_op(L, op, in, op->nin, NULL);
    return 1;
}

/* Operators call with a second operand even where there is but one. */
static int call_unary_operator(lua_State *L) {
    lua_settop(L, 1);
    return call_elementwise(L);
}

/* ---- reductions ---------------------------------------------------------------------------------------------------- */

/* x:sum(), x:sum(1), x:sum{axis = {0, 2}, keepdims = true} */
static int call_reduction(lua_State *L) {
    static const char *const names[] = {"axis", "keepdims", NULL};
    const struct op *op = upvalue_op(L);
    union op_attrs a = {0};
    struct tensor *x;
    bind_args(L, 2, op->name, names);
    bind_operands(L, op, 1, 1, &x);
    bind_axes(L, 2, &x->shape, &a.axes);
    a.axes.keepdims = bind_boolean(L, 3, false);
    bind_op(L, op, &x, 1, &a);
    return 1;
}

/* x:argmax(), of all elements in row-major order, or x:argmax(axis): 0-based, as labels are. */
static int call_arg_reduction(lua_State *L) {
    static const char *const names[] = {"axis", "keepdims", NULL};
    const struct op *op = upvalue_op(L);
    union op_attrs a = {0}, flat = {.full.shape = {.rank = 1}};
    struct tensor *x;
    bind_args(L, 2, op->name, names);
    bind_operands(L, op, 1, 1, &x);
    if (lua_isnil(L, 2)) {
        flat.full.shape.dim[0] = tensor_size(x);
        x = bind_op(L, &op_reshape, &x, 1, &flat);
        a.axes.n = 1;
    } else {
        bind_axes(L, 2, &x->shape, &a.axes);
        if (a.axes.n != 1) return bind_raise(L, ERR_VALUE, "%s: axis must be one integer", op->name);
    }
    a.axes.keepdims = bind_boolean(L, 3, false);
    bind_op(L, op, &x, 1, &a);
    return 1;
}

/* x:softmax([axis = -1]) */
static int call_along_axis(lua_State *L) {
    static const char *const names[] = {"axis", NULL};
    const struct op *op = upvalue_op(L);
    union op_attrs a = {0};
    struct err e = {0};
    struct tensor *x;
    bind_args(L, 2, op->name, names);
    bind_operands(L, op, 1, 1, &x);
    a.axes.n = 1;
    int64_t axis = lua_isnil(L, 2) ? -1 : bind_integer(L, 2, "axis");
    bind_check(L, shape_axis(&x->shape, axis, &a.axes.axis[0], &e), &e);
    bind_op(L, op, &x, 1, &a);
    return 1;
}

/* ---- formulas of several ops --------------------------------------------------------------------------------------- */

/* Variance over axes; upvalue 2: whether its square root is wanted. */
static int call_variance(lua_State *L) {
    static const char *const names[] = {"axis", "ddof", "keepdims", NULL};
    struct op_axes kept = {.keepdims = true}, axes;
    struct err e = {0};
    struct tensor *x;
    bind_args(L, 2, "var", names);
    bind_operands(L, &op_sqrt, 1, 1, &x);
    bind_axes(L, 2, &x->shape, &kept);
    int64_t ddof = lua_isnil(L, 3) ? 0 : bind_integer(L, 3, "ddof"), n = 1;
    axes = kept;
    axes.keepdims = bind_boolean(L, 4, false);
    for (int i = 0; i < kept.n; i++) n *= x->shape.dim[kept.axis[i]];
    struct tensor **out = bind_new_tensor(L);
    struct op_emitter m = run_emitter(bind_run(L), &e);
    emit_t deviation = emit_sub(&m, x, emit_mean(&m, x, &kept));
    emit_t y = emit_divs(&m, emit_sum(&m, emit_square(&m, deviation), &axes), (double)(n - ddof));
    if (lua_toboolean(L, lua_upvalueindex(1))) y = emit_sqrt(&m, y);
    if (y) *out = tensor_retain(y);
    op_emitter_close(&m);
    bind_check(L, e.status, &e);
    bind_filled(L, *out);
    return 1;
}

/* x:clip(low, high); either may be nil. */
static int call_clip(lua_State *L) {
    static const char *const names[] = {"low", "high", NULL};
    struct tensor *in[2];
    bind_args(L, 2, "clip", names);
    for (int i = 0; i < 2; i++) {
        if (lua_isnil(L, 2 + i)) continue;
        lua_pushvalue(L, 1);
        lua_pushvalue(L, 2 + i);
        const struct op *op = i ? &op_minimum : &op_maximum;
        bind_operands(L, op, lua_gettop(L) - 1, 2, in);
        bind_op_for(L, "clip", op, in, 2, NULL);
        lua_replace(L, 1);
    }
    lua_settop(L, 1);
    bind_tensor(L, 1);
    return 1;
}

/* x:one_hot(depth[, dtype]) */
static int call_one_hot(lua_State *L) {
    static const char *const names[] = {"num_classes", "dtype", NULL};
    union op_attrs a = {0};
    bind_args(L, 2, "one_hot", names);
    bind_want(L, 2, "one_hot", "num_classes");
    struct tensor *x = bind_tensor(L, 1);
    if (x->dtype != DT_INT32) x = bind_tensor_as(L, 1, DT_INT64);
    a.full.integer = bind_integer(L, 2, "num_classes");
    a.full.dtype = bind_dtype(L, 3, DT_FLOAT32);
    bind_op(L, &op_one_hot, &x, 1, &a);
    return 1;
}

/* ---- registering --------------------------------------------------------------------------------------------------- */

/* The closure on the stack's top goes under `name` into both tables. */
static void put_both(lua_State *L, int methods, int functions, const char *name) {
    lua_pushvalue(L, -1);
    lua_setfield(L, methods, name);
    lua_setfield(L, functions, name);
}

static void put_op(lua_State *L, int methods, int functions, const char *name, const struct op *op, lua_CFunction f) {
    lua_pushlightuserdata(L, (void *)op);
    lua_pushcclosure(L, f, 1);
    put_both(L, methods, functions, name);
}

/* Other names that NumPy and Keras have for an op. */
static const struct {
    const char *name;
    const struct op *op;
} aliases[] = {
    {"negative", &op_neg},     {"absolute", &op_abs},    {"subtract", &op_sub},       {"multiply", &op_mul},
    {"divide", &op_div},       {"true_divide", &op_div}, {"power", &op_pow},          {"equal", &op_eq},
    {"not_equal", &op_ne},     {"less", &op_lt},         {"less_equal", &op_le},      {"greater", &op_gt},
    {"greater_equal", &op_ge}, {"remainder", &op_mod},   {"bitwise_not", &op_invert},
};

const struct op *bind_op_named(const char *name) {
    for (size_t i = 0; i < sizeof aliases / sizeof *aliases; i++)
        if (strcmp(aliases[i].name, name) == 0) return aliases[i].op;
    return op_find(name);
}

void bind_open_tensor_ops(lua_State *L, int methods, int functions) {
    static const struct op *const reductions[] = {&op_sum, &op_prod, &op_mean, &op_max, &op_min, &op_any, &op_all};
    static const struct op *const args[] = {&op_argmax, &op_argmin};
    static const struct op *const along[] = {&op_softmax, &op_log_softmax};
    for (const struct op *const *op = op_registry; *op; op++)
        if ((*op)->flags & OP_ELEMENTWISE && (*op)->attrs == OP_NO_ATTRS)
            put_op(L, methods, functions, (*op)->name, *op, call_elementwise);
    for (size_t i = 0; i < sizeof aliases / sizeof *aliases; i++)
        put_op(L, methods, functions, aliases[i].name, aliases[i].op, call_elementwise);
    for (size_t i = 0; i < sizeof reductions / sizeof *reductions; i++)
        put_op(L, methods, functions, reductions[i]->name, reductions[i], call_reduction);
    for (size_t i = 0; i < sizeof args / sizeof *args; i++)
        put_op(L, methods, functions, args[i]->name, args[i], call_arg_reduction);
    for (size_t i = 0; i < sizeof along / sizeof *along; i++)
        put_op(L, methods, functions, along[i]->name, along[i], call_along_axis);
    put_op(L, methods, functions, "matmul", &op_matmul, call_elementwise);
    put_op(L, methods, functions, "stop_gradient", &op_stop_gradient, call_elementwise);
    put_op(L, methods, functions, "one_hot", &op_one_hot, call_one_hot);
    put_op(L, methods, functions, "clip", NULL, call_clip);
    for (int root = 0; root < 2; root++) {
        lua_pushboolean(L, root);
        lua_pushcclosure(L, call_variance, 1);
        put_both(L, methods, functions, root ? "std" : "var");
    }
}

/* ---- operators ----------------------------------------------------------------------------------------------------- */

/* a < b, which a > b becomes, is one boolean in Lua: only numbers and tensors of one element have one. Upvalues: the op,
 * the operators, the methods to use instead. */
static int call_comparison(lua_State *L) {
    bool result = false;
    struct err e = {0};
    for (int i = 1; i <= 2; i++)
        if (tensor_size(bind_tensor(L, i)) != 1)
            return bind_raise(L, ERR_TYPE,
                              "%s of tensors of many elements have no single answer; %s compare element by element",
                              lua_tostring(L, lua_upvalueindex(2)), lua_tostring(L, lua_upvalueindex(3)));
    lua_settop(L, 2);
    call_elementwise(L);
    bind_check(L, tensor_read(bind_tensor(L, -1), &result, &e), &e);
    lua_pushboolean(L, result);
    return 1;
}

static void put_comparison(lua_State *L, const char *event, const struct op *op, const char *signs,
                           const char *methods) {
    lua_pushlightuserdata(L, (void *)op);
    lua_pushstring(L, signs);
    lua_pushstring(L, methods);
    lua_pushcclosure(L, call_comparison, 3);
    lua_setfield(L, -2, event);
}

void bind_open_operators(lua_State *L) {
    static const struct {
        const char *event;
        const struct op *op;
    } table[] = {
        {"__add", &op_add},           {"__sub", &op_sub},        {"__mul", &op_mul},          {"__div", &op_div},
        {"__idiv", &op_floor_divide}, {"__mod", &op_mod},        {"__pow", &op_pow},          {"__unm", &op_neg},
        {"__band", &op_bitwise_and},  {"__bor", &op_bitwise_or}, {"__bxor", &op_bitwise_xor}, {"__bnot", &op_invert},
    };
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        lua_pushlightuserdata(L, (void *)table[i].op);
        lua_pushcclosure(L, table[i].op->nin == 1 ? call_unary_operator : call_elementwise, 1);
        lua_setfield(L, -2, table[i].event);
    }
    put_comparison(L, "__lt", &op_lt, "< and >", "x:lt(y) and x:gt(y)");
    put_comparison(L, "__le", &op_le, "<= and >=", "x:le(y) and x:ge(y)");
}
