/* Optimizers in Lua: optimizer:apply_gradients{ {g, v}, ... }. */
#include <string.h>

#include "bind/internal.h"

static struct nn_optimizer *self(lua_State *L) {
    return (struct nn_optimizer *)bind_object(L, 1, NN_OPTIMIZER);
}

/* The list at `index` as tensors in a userdata that is pushed; an absent one is NULL. They stay in the list. */
static struct tensor **gradients(lua_State *L, int index, int n) {
    struct tensor **g = lua_newuserdatauv(L, sizeof *g * (size_t)(n + 1), 0);
    for (int i = 0; i < n; i++) {
        g[i] = NULL;
        if (lua_rawgeti(L, index, i + 1) != LUA_TNIL) {
            g[i] = bind_tensor(L, -1);
            lua_pushvalue(L, -1);
            lua_rawseti(L, index, i + 1);
        }
        lua_pop(L, 1);
    }
    return g;
}

/* One step with the lists of gradients and of variables. */
static int apply(lua_State *L, int grads, int variables) {
    struct nn_optimizer *o = self(L);
    struct variable **v;
    struct err e = {0};
    int n = bind_variables(L, variables, &v);
    struct tensor **g = gradients(L, grads, n);
    bind_check(L, nn_optimizer_apply(o, g, v, n, &e), &e);
    return 0;
}

/* optimizer:apply(gradients, variables): two lists. */
static int optimizer_apply(lua_State *L) {
    static const char *const names[] = {"grads", "trainable_variables", NULL};
    self(L);
    bind_args(L, 2, "apply", names);
    bind_want(L, 2, "apply", "grads");
    bind_want(L, 3, "apply", "trainable_variables");
    luaL_checktype(L, 2, LUA_TTABLE);
    return apply(L, 2, 3);
}

/* optimizer:apply_gradients{ {g, v}, ... } */
static int optimizer_apply_gradients(lua_State *L) {
    self(L);
    luaL_checktype(L, 2, LUA_TTABLE);
    lua_settop(L, 2);
    int n = (int)lua_rawlen(L, 2);
    lua_createtable(L, n, 0);
    lua_createtable(L, n, 0);
    for (int i = 1; i <= n; i++) {
        if (lua_rawgeti(L, 2, i) != LUA_TTABLE)
            return bind_raise(L, ERR_TYPE, "apply_gradients takes a list of {gradient, variable} pairs, not of %ss",
                              bind_kind_name(L, -1));
        for (int k = 1; k <= 2; k++) {
            lua_rawgeti(L, -1, k);
            lua_rawseti(L, 2 + k, i);
        }
        lua_pop(L, 1);
    }
    return apply(L, 3, 4);
}

/* optimizer:build(variables): makes its state. */
static int optimizer_build(lua_State *L) {
    struct nn_optimizer *o = self(L);
    struct variable **v;
    struct err e = {0};
    lua_settop(L, 2);
    int n = bind_variables(L, 2, &v);
    bind_check(L, nn_optimizer_build(o, v, n, &e), &e);
    return 0;
}

static void push_state(lua_State *L, const struct nn_optimizer *o) {
    bind_push_variables(L, o->object.variable, o->object.nvariable);
    int n = o->object.nvariable;
    for (int i = 0; i < o->nslots; i++)
        for (int k = 0; k < NN_MAX_SLOTS; k++) {
            if (!o->slots[i].slot[k]) continue;
            bind_push_variable(L, o->slots[i].slot[k]);
            lua_rawseti(L, -2, ++n);
        }
}

/* A Variable, or what the schedule says now. */
static void push_learning_rate(lua_State *L, struct nn_optimizer *o) {
    struct err e = {0};
    if (!o->rate.schedule) {
        bind_push_variable(L, o->object.variable[1]);
        return;
    }
    struct tensor **out = bind_new_tensor(L);
    bind_made(L, out, nn_optimizer_rate(o, out, &e), &e);
}

static bool field(lua_State *L, struct nn_object *object, const char *name) {
    struct nn_optimizer *o = (struct nn_optimizer *)object;
    if (strcmp(name, "iterations") == 0)
        bind_push_variable(L, object->variable[0]);
    else if (strcmp(name, "learning_rate") == 0)
        push_learning_rate(L, o);
    else if (strcmp(name, "variables") == 0)
        push_state(L, o);
    else if (strcmp(name, "built") == 0)
        lua_pushboolean(L, o->built);
    else
        return false;
    return true;
}

static bool set_field(lua_State *L, struct nn_object *o, const char *name) {
    struct err e = {0};
    if (strcmp(name, "learning_rate") != 0) return false;
    if (((struct nn_optimizer *)o)->rate.schedule)
        bind_raise(
            L, ERR_TYPE,
            "This optimizer was created with a `LearningRateSchedule` object as its `learning_rate` constructor "
            "argument, hence its learning rate is not settable. If you need the learning rate to be settable, you "
            "should instantiate the optimizer with a float `learning_rate` argument.");
    bind_check(L, variable_assign(bind_run(L), o->variable[1], bind_tensor_as(L, 3, DT_FLOAT32), &e), &e);
    return true;
}

static const luaL_Reg methods[] = {{"apply", optimizer_apply},
                                   {"apply_gradients", optimizer_apply_gradients},
                                   {"build", optimizer_build},
                                   {NULL, NULL}};

static const char *const fields[] = {"iterations", "learning_rate", "variables", "built", NULL};

const struct bind_kind bind_optimizers = {"optimizers", "optimizer", methods, NULL, field, set_field, fields};
