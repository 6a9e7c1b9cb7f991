/* Initializers, schedules, losses, metrics and activations in Lua: objects that are called with tensors. */
#include <string.h>

#include "bind/internal.h"

static const char *const no_fields[] = {NULL};

static bool no_field(lua_State *L, struct nn_object *o, const char *name) {
    (void)L, (void)o, (void)name;
    return false;
}

static const luaL_Reg no_methods[] = {{NULL, NULL}};

/* ---- initializers -------------------------------------------------------------------------------------------------- */

/* initializer(shape): a new float32 tensor. */
static int initializer_call(lua_State *L) {
    static const char *const names[] = {"shape", "dtype", NULL};
    struct nn_object *o = bind_object(L, 1, NN_INITIALIZERS);
    struct shape s;
    struct err e = {0};
    bind_args(L, 2, o->class->name, names);
    bind_want(L, 2, o->class->name, "shape");
    bind_shape(L, 2, &s);
    enum dtype d = bind_dtype(L, 3, DT_FLOAT32);
    struct tensor **out = bind_new_tensor(L);
    bind_made(L, out, nn_initializer_call(o, &s, out, &e), &e);
    bind_filled(L, *out);
    bind_tensor_as(L, -1, d);
    return 1;
}

void bind_initial_value(lua_State *L, int index, int shape) {
    if (lua_type(L, index) == LUA_TSTRING) {
        lua_getfield(L, LUA_REGISTRYINDEX, LUA_LOADED_TABLE);
        lua_getfield(L, -1, "celda.core");
        lua_getfield(L, -1, "initializers");
        lua_getfield(L, -1, "deserialize");
        lua_pushvalue(L, index);
        lua_call(L, 1, 1);
        lua_replace(L, index);
        lua_pop(L, 3);
    }
    lua_pushvalue(L, index);
    lua_pushvalue(L, shape);
    lua_call(L, 1, 1);
    lua_replace(L, index);
}

const struct bind_kind bind_initializers = {"initializers", "initializer", no_methods, initializer_call,
                                            no_field,       NULL,          no_fields};

/* ---- learning rate schedules --------------------------------------------------------------------------------------- */

/* schedule(step): the rate, a float32 scalar. */
static int schedule_call(lua_State *L) {
    static const char *const names[] = {"step", NULL};
    struct nn_object *o = bind_object(L, 1, NN_SCHEDULE);
    struct err e = {0};
    bind_args(L, 2, o->name, names);
    bind_want(L, 2, o->name, "step");
    struct tensor *step = bind_tensor(L, 2), **out = bind_new_tensor(L);
    bind_made(L, out, nn_schedule_call(o, step, out, &e), &e);
    bind_filled(L, *out);
    return 1;
}

const struct bind_kind bind_schedules = {
    "schedules", "learning rate schedule", no_methods, schedule_call, no_field, NULL, no_fields};

/* ---- losses -------------------------------------------------------------------------------------------------------- */

/* loss(y_true, y_pred[, {sample_weight = w}]) */
static int loss_call(lua_State *L) {
    static const char *const names[] = {"y_true", "y_pred", "sample_weight", NULL};
    struct nn_object *o = bind_object(L, 1, NN_LOSS);
    struct err e = {0};
    bind_args(L, 2, o->name, names);
    bind_want(L, 2, o->name, "y_true");
    bind_want(L, 3, o->name, "y_pred");
    struct tensor *y_true = bind_tensor(L, 2), *y_pred = bind_tensor(L, 3);
    struct tensor *weight = lua_isnil(L, 4) ? NULL : bind_tensor_as(L, 4, DT_FLOAT32);
    struct tensor **out = bind_new_tensor(L);
    bind_made(L, out, nn_loss_call(o, y_true, y_pred, weight, out, &e), &e);
    bind_filled(L, *out);
    return 1;
}

const struct bind_kind bind_losses = {"losses", "loss", no_methods, loss_call, no_field, NULL, no_fields};

/* ---- metrics ------------------------------------------------------------------------------------------------------- */

/* metric:update_state(y_true, y_pred[, {sample_weight = w}]); of a Mean: (values[, {sample_weight = w}]). */
static int metric_update_state(lua_State *L) {
    static const char *const names[] = {"y_true", "y_pred", "sample_weight", NULL}, *const of_values[] = {
                                                                                        "values", "sample_weight",
                                                                                        NULL};
    struct nn_object *o = bind_object(L, 1, NN_METRIC);
    bool values = ((const struct nn_metric_class *)o->class)->values_only;
    struct err e = {0};
    bind_args(L, 2, o->name, values ? of_values : names);
    bind_want(L, 2, o->name, values ? "values" : "y_true");
    if (!values) bind_want(L, 3, o->name, "y_pred");
    int weights = values ? 3 : 4;
    struct tensor *y_true = bind_tensor(L, 2), *y_pred = values ? NULL : bind_tensor(L, 3);
    struct tensor *weight = lua_isnil(L, weights) ? NULL : bind_tensor_as(L, weights, DT_FLOAT32);
    bind_check(L, nn_metric_update(o, y_true, y_pred, weight, &e), &e);
    return 0;
}

static int metric_result(lua_State *L) {
    struct nn_object *o = bind_object(L, 1, NN_METRIC);
    struct err e = {0};
    struct tensor **out = bind_new_tensor(L);
    bind_made(L, out, nn_metric_result(o, out, &e), &e);
    return 1;
}

static int metric_reset_state(lua_State *L) {
    struct err e = {0};
    bind_check(L, nn_metric_reset(bind_object(L, 1, NN_METRIC), &e), &e);
    return 0;
}

/* metric(y_true, y_pred): updates and gives the result. */
static int metric_call(lua_State *L) {
    metric_update_state(L);
    return metric_result(L);
}

static bool metric_field(lua_State *L, struct nn_object *o, const char *name) {
    if (strcmp(name, "variables") != 0) return false;
    bind_push_variables(L, o->variable, o->nvariable);
    return true;
}

static const luaL_Reg metric_methods[] = {{"update_state", metric_update_state},
                                          {"result", metric_result},
                                          {"reset_state", metric_reset_state},
                                          {NULL, NULL}};

static const char *const metric_fields[] = {"variables", NULL};

const struct bind_kind bind_metrics = {"metrics",    "metric", metric_methods, metric_call,
                                       metric_field, NULL,     metric_fields};

/* ---- activations --------------------------------------------------------------------------------------------------- */

/* keras.activations.relu(x): upvalue 1 is the activation. */
static int activation_call(lua_State *L) {
    const struct nn_activation *a = lua_touserdata(L, lua_upvalueindex(1));
    struct run *r = bind_run(L);
    struct err e = {0};
    lua_settop(L, 1);
    struct tensor *x = bind_tensor(L, 1);
    if (!dtype_is_float(x->dtype)) x = bind_tensor_as(L, 1, DT_FLOAT32);
    struct tensor **out = bind_new_tensor(L);
    struct op_emitter m = run_emitter(r, &e);
    struct nn_call call = {.run = r, .emit = &m};
    struct tensor *y = a->call(&call, x);
    if (y) *out = tensor_retain(y);
    op_emitter_close(&m);
    bind_check(L, e.status, &e);
    bind_filled(L, *out);
    return 1;
}

const char *bind_activation_name(lua_State *L, int index) {
    if (lua_tocfunction(L, index) != activation_call) return NULL;
    lua_getupvalue(L, index, 1);
    const struct nn_activation *a = lua_touserdata(L, -1);
    lua_pop(L, 1);
    return a->name;
}

void bind_open_activations(lua_State *L, int core) {
    lua_newtable(L);
    for (const struct nn_activation *a = nn_activations; a->name; a++) {
        lua_pushlightuserdata(L, (void *)a);
        lua_pushcclosure(L, activation_call, 1);
        lua_setfield(L, -2, a->name);
    }
    lua_setfield(L, core, "activations");
}
