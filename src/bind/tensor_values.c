/* Tensor functions that read values on the host: item, tolist, allclose; and copies and moves. */
#include <math.h>
#include <string.h>

#include "bind/internal.h"
#include "op/ops.h"

/* Pushes a userdata with x's elements in row-major order. */
static const char *read_elements(lua_State *L, const struct tensor *x) {
    struct err e = {0};
    void *bytes = lua_newuserdatauv(L, tensor_bytes(x), 0);
    bind_check(L, tensor_read(x, bytes, &e), &e);
    return bytes;
}

static int values_item(lua_State *L) {
    struct tensor *x = bind_tensor(L, 1);
    struct err e = {0};
    int64_t element[2]; /* room for one of any dtype */
    char text[256];
    if (tensor_size(x) != 1)
        return bind_raise(L, ERR_VALUE, "item: only a tensor of one element has one; this has shape %s",
                          shape_text(&x->shape, text, sizeof text));
    bind_check(L, tensor_read(x, element, &e), &e);
    bind_push_element(L, x->dtype, element);
    return 1;
}

static const char *push_list(lua_State *L, const struct tensor *x, int depth, const char *from) {
    if (depth == x->shape.rank) {
        bind_push_element(L, x->dtype, from);
        return from + dtype_size(x->dtype);
    }
    int64_t n = x->shape.dim[depth];
    lua_createtable(L, n > INT32_MAX ? 0 : (int)n, 0);
    for (int64_t i = 1; i <= n; i++) {
        from = push_list(L, x, depth + 1, from);
        lua_rawseti(L, -2, i);
    }
    return from;
}

static int values_tolist(lua_State *L) {
    struct tensor *x = bind_tensor(L, 1);
    luaL_checkstack(L, TENSOR_MAX_RANK + 4, "tolist");
    push_list(L, x, 0, read_elements(L, x));
    return 1;
}

static int values_copy(lua_State *L) {
    struct tensor *x = bind_tensor(L, 1);
    bind_op(L, &op_copy, &x, 1, NULL);
    return 1;
}

/* The elements' bytes in row-major order, as a string. */
static int values_tobytes(lua_State *L) {
    struct tensor *x = bind_tensor(L, 1);
    lua_pushlstring(L, read_elements(L, x), tensor_bytes(x));
    return 1;
}

static int values_to(lua_State *L) {
    static const char *const names[] = {"device", NULL};
    struct err e = {0};
    struct device *device;
    bind_args(L, 2, "to", names);
    bind_want(L, 2, "to", "device");
    struct tensor *x = bind_tensor(L, 1);
    bind_check(L, run_device(bind_run(L), luaL_checkstring(L, 2), &device, &e), &e);
    struct tensor **out = bind_new_tensor(L);
    bind_made(L, out, run_move(bind_run(L), x, device, out, &e), &e);
    bind_filled(L, *out);
    return 1;
}

/* |a - b| <= atol + rtol * |b| everywhere; NaN is close to nothing unless equal_nan. */
static bool all_close(const double *a, const double *b, int64_t n, double rtol, double atol, bool equal_nan) {
    for (int64_t i = 0; i < n; i++) {
        bool both_nan = isnan(a[i]) && isnan(b[i]);
        bool close = a[i] == b[i] || (isfinite(b[i]) && fabs(a[i] - b[i]) <= atol + rtol * fabs(b[i]));
        if (!close && !(both_nan && equal_nan)) return false;
    }
    return true;
}

/* x:allclose(y[, rtol = 1e-5, atol = 1e-8, equal_nan = false]): one boolean. */
static int values_allclose(lua_State *L) {
    static const char *const names[] = {"other", "rtol", "atol", "equal_nan", NULL};
    struct shape both;
    struct err e = {0};
    const double *elements[2];
    bind_args(L, 2, "allclose", names);
    bind_want(L, 2, "allclose", "other");
    for (int i = 1; i <= 2; i++) bind_tensor_as(L, i, DT_FLOAT64);
    bind_check(L, shape_broadcast(&bind_tensor(L, 1)->shape, &bind_tensor(L, 2)->shape, &both, &e), &e);
    for (int i = 0; i < 2; i++) {
        union op_attrs a = {.full.shape = both};
        struct tensor *x = bind_tensor(L, 1 + i), *wide = bind_op(L, &op_broadcast_to, &x, 1, &a);
        elements[i] = (const double *)(const void *)read_elements(L, wide);
    }
    double rtol = lua_isnil(L, 3) ? 1e-5 : bind_number(L, 3, "rtol");
    double atol = lua_isnil(L, 4) ? 1e-8 : bind_number(L, 4, "atol");
    lua_pushboolean(L, all_close(elements[0], elements[1], shape_size(&both), rtol, atol, bind_boolean(L, 5, false)));
    return 1;
}

void bind_open_tensor_values(lua_State *L, int methods, int functions) {
    static const luaL_Reg table[] = {
        {"item", values_item}, {"tolist", values_tolist},   {"copy", values_copy},         {"numpy", values_copy},
        {"to", values_to},     {"tobytes", values_tobytes}, {"allclose", values_allclose}, {0},
    };
    lua_pushvalue(L, methods);
    luaL_setfuncs(L, table, 0);
    lua_pushvalue(L, functions);
    luaL_setfuncs(L, table, 0);
    lua_pop(L, 2);
}
