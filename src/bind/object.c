/* Layers, losses, metrics, optimizers and initializers in Lua: made from Keras's arguments, called, read. celda.nn holds
 * the functions that lua/keras builds its modules from. */
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/nearest.h"
#include "bind/internal.h"

static const char *const kind_name[] = {"layer", "initializer", "loss", "optimizer", "metric", NULL};

static enum nn_kind check_kind(lua_State *L, int index) {
    return (enum nn_kind)luaL_checkoption(L, index, NULL, kind_name);
}

static struct nn_object *check_object(lua_State *L, int index) {
    return bind_unbox(L, index, BIND_OBJECT);
}

static struct nn_object *check_of_kind(lua_State *L, int index, enum nn_kind kind) {
    struct nn_object *o = check_object(L, index);
    if (o->class->kind != kind) luaL_error(L, "TypeError: %s is no %s", o->class->name, kind_name[kind]);
    return o;
}

static struct nn_layer *check_layer(lua_State *L, int index) {
    return (struct nn_layer *)check_of_kind(L, index, NN_LAYER);
}

/* A JSON value that is given back when its userdata goes; pushed. */
static json_t **push_json_holder(lua_State *L) {
    json_t **box = lua_newuserdatauv(L, sizeof *box, 0);
    *box = NULL;
    luaL_setmetatable(L, "celda.json");
    return box;
}

/* ---- making --------------------------------------------------------------------------------------------------------- */

/* celda.nn.classes(kind): a list of {name =, aliases =, doc =, args = {...}}. */
static int nn_classes(lua_State *L) {
    const struct nn_class *const *c = nn_all(check_kind(L, 1));
    lua_newtable(L);
    for (lua_Integer i = 1; *c; c++, i++) {
        lua_newtable(L);
        lua_pushstring(L, (*c)->name);
        lua_setfield(L, -2, "name");
        lua_pushstring(L, (*c)->alias ? (*c)->alias : "");
        lua_setfield(L, -2, "aliases");
        lua_pushstring(L, (*c)->doc);
        lua_setfield(L, -2, "doc");
        lua_newtable(L);
        for (int k = 0; nn_arg_at(*c, k); k++) {
            const struct nn_arg *a = nn_arg_at(*c, k);
            lua_newtable(L);
            lua_pushstring(L, a->name);
            lua_setfield(L, -2, "name");
            lua_pushstring(L, a->initial);
            lua_setfield(L, -2, "default");
            lua_pushstring(L, a->doc);
            lua_setfield(L, -2, "doc");
            lua_seti(L, -2, k + 1);
        }
        lua_setfield(L, -2, "args");
        lua_seti(L, -2, i);
    }
    return 1;
}

enum { MAX_GIVEN = 16 };

/* Sets config[name] from the stack's top, or notes a live object; pops it. */
static void take_argument(lua_State *L, json_t *config, const char *name, struct nn_given *given, int *ngiven) {
    struct nn_object *o = bind_test(L, -1, BIND_OBJECT);
    if (o) {
        if (*ngiven == MAX_GIVEN) luaL_error(L, "ValueError: too many objects as arguments");
        given[(*ngiven)++] = (struct nn_given){name, o};
    } else {
        json_object_set_new(config, name, bind_to_json(L, lua_gettop(L)));
    }
    lua_pop(L, 1);
}

static const char *positional_name(lua_State *L, const struct nn_class *c, int i) {
    if (i >= nn_positional(c)) luaL_error(L, "TypeError: %s takes %d positional arguments", c->name, nn_positional(c));
    return nn_arg_at(c, i)->name;
}

/* The table of keywords at `index`: string keys by name, its array part by position from `first` on. */
static void take_keywords(lua_State *L, int index, const struct nn_class *c, int first, json_t *config,
                          struct nn_given *given, int *ngiven) {
    lua_pushnil(L);
    while (lua_next(L, index)) {
        const char *name = lua_type(L, -2) == LUA_TSTRING
                               ? lua_tostring(L, -2)
                               : positional_name(L, c, first + (int)luaL_checkinteger(L, -2) - 1);
        if (json_object_get(config, name))
            luaL_error(L, "TypeError: %s: multiple values for argument '%s'", c->name, name);
        take_argument(L, config, name, given, ngiven);
    }
}

static bool is_keywords(lua_State *L, int index) {
    if (!lua_istable(L, index)) return false;
    lua_pushnil(L);
    while (lua_next(L, index)) {
        lua_pop(L, 1);
        if (lua_type(L, -1) == LUA_TSTRING) return lua_pop(L, 1), true;
    }
    return false;
}

/* celda.nn.new(kind, class, ...): by position, then one table of keywords. */
static int nn_new_object(lua_State *L) {
    enum nn_kind kind = check_kind(L, 1);
    struct err e = {0};
    const struct nn_class *c = nn_find(kind, luaL_checkstring(L, 2), &e);
    bind_check(L, e.status, &e);
    struct nn_given given[MAX_GIVEN];
    int ngiven = 0, top = lua_gettop(L);
    bool keywords = top > 2 && is_keywords(L, top);
    json_t **config = push_json_holder(L);
    *config = json_object();
    for (int i = 3; i <= top - keywords; i++) {
        lua_pushvalue(L, i);
        take_argument(L, *config, positional_name(L, c, i - 3), given, &ngiven);
    }
    if (keywords) take_keywords(L, top, c, top - 3, *config, given, &ngiven);
    struct nn_object *o;
    void **box = bind_box(L, BIND_OBJECT);
    bind_check(L, nn_new(bind_run(L), c, *config, given, ngiven, &o, &e), &e);
    *box = o;
    return 1;
}

/* celda.nn.deserialize(kind, json): a serialised object as text or table, or a name. */
static int nn_deserialize_object(lua_State *L) {
    enum nn_kind kind = check_kind(L, 1);
    struct err e = {0};
    struct nn_object *o;
    json_t **json = push_json_holder(L);
    size_t n;
    const char *text = lua_type(L, 2) == LUA_TSTRING ? lua_tolstring(L, 2, &n) : NULL;
    if (text && (*text == '{' || *text == '"')) {
        *json = json_parse(text, n, &e);
        bind_check(L, e.status, &e);
    } else {
        *json = bind_to_json(L, 2);
    }
    void **box = bind_box(L, BIND_OBJECT);
    bind_check(L, nn_deserialize(bind_run(L), kind, *json, &o, &e), &e);
    *box = o;
    return 1;
}

static int push_json_of(lua_State *L, json_t *(*make)(const struct nn_object *, struct err *)) {
    struct nn_object *o = check_object(L, 1);
    struct err e = {0};
    json_t **json = push_json_holder(L);
    *json = make(o, &e);
    bind_check(L, e.status, &e);
    bind_push_json(L, *json);
    return 1;
}

static int object_get_config(lua_State *L) {
    return push_json_of(L, nn_config);
}
static int object_serialize(lua_State *L) {
    return push_json_of(L, nn_serialize);
}

/* ---- variables ------------------------------------------------------------------------------------------------------ */

static void push_variable(lua_State *L, struct variable *v) {
    void **box = bind_box(L, BIND_VARIABLE);
    *box = variable_retain(v);
}

enum which { ALL, TRAINABLE, NON_TRAINABLE };

static void push_variables(lua_State *L, const struct nn_object *o, enum which which) {
    lua_Integer n = 0;
    lua_createtable(L, o->nvariable, 0);
    for (int i = 0; i < o->nvariable; i++) {
        if (which != ALL && o->variable[i]->trainable != (which == TRAINABLE)) continue;
        push_variable(L, o->variable[i]);
        lua_seti(L, -2, ++n);
    }
}

static int layer_get_weights(lua_State *L) {
    struct nn_layer *l = check_layer(L, 1);
    push_variables(L, &l->object, ALL);
    for (lua_Integer i = 1; i <= l->object.nvariable; i++) {
        lua_geti(L, -1, i);
        lua_getfield(L, -1, "numpy");
        lua_insert(L, -2);
        lua_call(L, 1, 1);
        lua_seti(L, -2, i);
    }
    return 1;
}

static int layer_set_weights(lua_State *L) {
    struct nn_layer *l = check_layer(L, 1);
    struct err e = {0};
    luaL_checktype(L, 2, LUA_TTABLE);
    int n = (int)luaL_len(L, 2);
    if (n != l->object.nvariable)
        return luaL_error(L, "ValueError: layer '%s' has %d weights, %d were given", l->object.name,
                          l->object.nvariable, n);
    for (int i = 0; i < n; i++) {
        lua_geti(L, 2, i + 1);
        bind_check(L, variable_assign(bind_run(L), l->object.variable[i], bind_tensor(L, lua_gettop(L)), &e), &e);
        lua_pop(L, 1);
    }
    return 0;
}

static int layer_count_params(lua_State *L) {
    struct nn_layer *l = check_layer(L, 1);
    int64_t n = 0;
    if (!l->built) return luaL_error(L, "StateError: layer '%s' has no weights yet: build it first", l->object.name);
    for (int i = 0; i < l->object.nvariable; i++) n += tensor_size(l->object.variable[i]->value);
    lua_pushinteger(L, n);
    return 1;
}

/* ---- layers --------------------------------------------------------------------------------------------------------- */

/* A shape whose unknown dimensions are json.null, false, nil-less -1. */
static void check_unknown_shape(lua_State *L, int index, struct shape *s) {
    luaL_checktype(L, index, LUA_TTABLE);
    *s = (struct shape){.rank = (int)luaL_len(L, index)};
    if (s->rank > TENSOR_MAX_RANK) luaL_error(L, "ValueError: a shape has at most %d dimensions", TENSOR_MAX_RANK);
    for (int i = 0; i < s->rank; i++) {
        lua_geti(L, index, i + 1);
        s->dim[i] = lua_isinteger(L, -1) ? lua_tointeger(L, -1) : -1;
        lua_pop(L, 1);
    }
}

static void push_unknown_shape(lua_State *L, const struct shape *s) {
    lua_createtable(L, s->rank, 0);
    for (int i = 0; i < s->rank; i++) {
        lua_pushinteger(L, s->dim[i]);
        lua_seti(L, -2, i + 1);
    }
}

/* layer:build(shape[, scope]): shape with the batch first, -1 where unknown. */
static int layer_build(lua_State *L) {
    struct nn_layer *l = check_layer(L, 1);
    struct op_sig sig = {.dtype = DT_FLOAT32};
    struct err e = {0};
    check_unknown_shape(L, 2, &sig.shape);
    bind_check(L, nn_layer_build(l, &sig, 1, luaL_optstring(L, 3, NULL), &e), &e);
    return 0;
}

static int layer_compute_output_shape(lua_State *L) {
    struct nn_layer *l = check_layer(L, 1);
    struct shape in, out;
    struct err e = {0};
    check_unknown_shape(L, 2, &in);
    bind_check(L, nn_layer_output(l, &in, 1, &out, &e), &e);
    push_unknown_shape(L, &out);
    return 1;
}

static int layer_call(lua_State *L) {
    struct nn_layer *l = check_layer(L, 1);
    struct tensor *x[OP_MAX_IN], *y;
    struct err e = {0};
    int n = 1;
    bool training = bind_option(L, 3, "training") && lua_toboolean(L, -1);
    if (lua_istable(L, 2)) lua_geti(L, 2, 1);
    bool list = lua_istable(L, 2) && lua_isuserdata(L, -1);
    if (list) {
        n = (int)luaL_len(L, 2);
        luaL_argcheck(L, n <= OP_MAX_IN, 2, "too many inputs");
        luaL_checkstack(L, n + 8, NULL);
        for (int i = 0; i < n; i++) {
            lua_geti(L, 2, i + 1);
            x[i] = bind_tensor(L, lua_gettop(L));
        }
    } else {
        x[0] = bind_tensor(L, 2);
    }
    bind_check(L, nn_layer_call(l, x, n, training, &y, &e), &e);
    bind_push_tensor(L, y);
    return 1;
}

/* ---- losses, metrics, optimizers -------------------------------------------------------------------------------------- */

/* The weights of samples in the options at `index`, or NULL. */
static struct tensor *sample_weight(lua_State *L, int index) {
    return bind_option(L, index, "sample_weight") ? bind_tensor(L, lua_gettop(L)) : NULL;
}

static int loss_call(lua_State *L) {
    struct nn_object *o = check_of_kind(L, 1, NN_LOSS);
    struct tensor *t = bind_tensor(L, 2), *p = bind_tensor(L, 3), *w = sample_weight(L, 4), *loss;
    struct err e = {0};
    bind_check(L, nn_loss_call(o, t, p, w, &loss, &e), &e);
    bind_push_tensor(L, loss);
    return 1;
}

/* initializer(shape) */
static int initializer_call(lua_State *L) {
    struct nn_object *o = check_of_kind(L, 1, NN_INITIALIZERS);
    struct shape s;
    struct tensor *t;
    struct err e = {0};
    bind_shape(L, 2, &s);
    bind_check(L, nn_initializer_call(o, &s, &t, &e), &e);
    bind_push_tensor(L, t);
    return 1;
}

/* metric:update_state(y_true, y_pred, {sample_weight =}); of Mean: metric:update_state(values, {sample_weight =}). */
static int metric_update_state(lua_State *L) {
    struct nn_object *o = check_of_kind(L, 1, NN_METRIC);
    bool values = ((const struct nn_metric_class *)o->class)->values_only;
    struct tensor *t = bind_tensor(L, 2), *p = values ? NULL : bind_tensor(L, 3), *w = sample_weight(L, values ? 3 : 4);
    struct err e = {0};
    bind_check(L, nn_metric_update(o, t, p, w, &e), &e);
    return 0;
}

static int metric_result(lua_State *L) {
    struct nn_object *o = check_of_kind(L, 1, NN_METRIC);
    struct tensor *t;
    struct err e = {0};
    bind_check(L, nn_metric_result(o, &t, &e), &e);
    bind_push_tensor(L, t);
    return 1;
}

static int metric_reset_state(lua_State *L) {
    struct err e = {0};
    bind_check(L, nn_metric_reset(check_of_kind(L, 1, NN_METRIC), &e), &e);
    return 0;
}

enum { MAX_VARIABLES = 4096 };

static int optimizer_build(lua_State *L) {
    struct nn_optimizer *o = (struct nn_optimizer *)check_of_kind(L, 1, NN_OPTIMIZER);
    struct err e = {0};
    luaL_checktype(L, 2, LUA_TTABLE);
    int n = (int)luaL_len(L, 2);
    struct variable **v = lua_newuserdatauv(L, sizeof *v * (size_t)(n + 1), 0);
    for (int i = 0; i < n; i++) {
        lua_geti(L, 2, i + 1);
        v[i] = bind_unbox(L, -1, BIND_VARIABLE);
        lua_pop(L, 1);
    }
    bind_check(L, nn_optimizer_build(o, v, n, &e), &e);
    return 0;
}

/* optimizer:apply_gradients{ {g, v}, ... } */
static int optimizer_apply_gradients(lua_State *L) {
    struct nn_optimizer *o = (struct nn_optimizer *)check_of_kind(L, 1, NN_OPTIMIZER);
    struct err e = {0};
    luaL_checktype(L, 2, LUA_TTABLE);
    int n = (int)luaL_len(L, 2);
    if (n > MAX_VARIABLES) return luaL_error(L, "ValueError: at most %d variables", MAX_VARIABLES);
    luaL_checkstack(L, n + 10, "too many variables");
    struct variable **v = lua_newuserdatauv(L, (sizeof *v + sizeof(struct tensor *)) * (size_t)(n + 1), 0);
    struct tensor **g = (struct tensor **)(v + n + 1);
    for (int i = 0; i < n; i++) {
        lua_geti(L, 2, i + 1);
        luaL_checktype(L, -1, LUA_TTABLE);
        lua_geti(L, -1, 2);
        v[i] = bind_unbox(L, -1, BIND_VARIABLE);
        lua_pop(L, 1);
        lua_geti(L, -1, 1);
        lua_remove(L, -2);
        g[i] = lua_isnil(L, -1) ? NULL : bind_tensor(L, lua_gettop(L));
    }
    bind_check(L, nn_optimizer_apply(o, g, v, n, &e), &e);
    return 0;
}

/* ---- fields --------------------------------------------------------------------------------------------------------- */

static bool push_layer_field(lua_State *L, const struct nn_layer *l, const char *name) {
    if (strcmp(name, "built") == 0)
        lua_pushboolean(L, l->built);
    else if (strcmp(name, "trainable") == 0)
        lua_pushboolean(L, l->trainable);
    else if (strcmp(name, "weights") == 0 || strcmp(name, "variables") == 0)
        push_variables(L, &l->object, ALL);
    else if (strcmp(name, "trainable_variables") == 0 || strcmp(name, "trainable_weights") == 0)
        push_variables(L, &l->object, TRAINABLE);
    else if (strcmp(name, "non_trainable_variables") == 0 || strcmp(name, "non_trainable_weights") == 0)
        push_variables(L, &l->object, NON_TRAINABLE);
    else if (strcmp(name, "input_shape") == 0 && l->input_shape.rank >= 0)
        push_unknown_shape(L, &l->input_shape);
    else
        return false;
    return true;
}

static bool push_optimizer_field(lua_State *L, struct nn_optimizer *o, const char *name) {
    if (strcmp(name, "iterations") == 0)
        push_variable(L, o->object.variable[0]);
    else if (strcmp(name, "learning_rate") == 0)
        push_variable(L, o->object.variable[1]);
    else if (strcmp(name, "variables") == 0) {
        push_variables(L, &o->object, ALL);
        lua_Integer n = o->object.nvariable;
        for (int i = 0; i < o->nslots; i++)
            for (int k = 0; k < NN_MAX_SLOTS && o->slots[i].slot[k]; k++) {
                push_variable(L, o->slots[i].slot[k]);
                lua_seti(L, -2, ++n);
            }
    } else
        return false;
    return true;
}

static bool push_field(lua_State *L, struct nn_object *o, const char *name) {
    if (strcmp(name, "name") == 0) return lua_pushstring(L, o->name), true;
    if (strcmp(name, "class_name") == 0) return lua_pushstring(L, o->class->name), true;
    if (strcmp(name, "kind") == 0) return lua_pushstring(L, kind_name[o->class->kind]), true;
    if (o->class->kind == NN_LAYER && push_layer_field(L, (struct nn_layer *)o, name)) return true;
    if (o->class->kind == NN_OPTIMIZER && push_optimizer_field(L, (struct nn_optimizer *)o, name)) return true;
    if (o->class->kind == NN_METRIC && strcmp(name, "variables") == 0) return push_variables(L, o, ALL), true;
    return false;
}

/* Upvalue 1: a table of methods for each kind. */
static int object_index(lua_State *L) {
    struct nn_object *o = check_object(L, 1);
    const char *name = luaL_checkstring(L, 2), *known[64] = {0};
    int n = 0;
    lua_getfield(L, lua_upvalueindex(1), kind_name[o->class->kind]);
    lua_pushvalue(L, 2);
    if (lua_rawget(L, -2) != LUA_TNIL || push_field(L, o, name)) return 1;
    lua_pop(L, 1);
    lua_pushnil(L);
    while (n < 63 && lua_next(L, -2)) {
        known[n++] = lua_tostring(L, -2);
        lua_pop(L, 1);
    }
    if (strcmp(name, "input_shape") == 0) return lua_pushnil(L), 1;
    const char *near = nearest(name, known);
    return luaL_error(L, near ? "AttributeError: %s has no '%s'; did you mean '%s'?" : "AttributeError: %s has no '%s'",
                      o->class->name, name, near);
}

static int object_newindex(lua_State *L) {
    struct nn_object *o = check_object(L, 1);
    const char *name = luaL_checkstring(L, 2);
    struct err e = {0};
    if (o->class->kind == NN_LAYER && strcmp(name, "trainable") == 0) {
        nn_layer_set_trainable((struct nn_layer *)o, lua_toboolean(L, 3));
    } else if (o->class->kind == NN_OPTIMIZER && strcmp(name, "learning_rate") == 0) {
        struct tensor *t = lua_isnumber(L, 3) ? bind_make_tensor(L, 3, DT_FLOAT32) : bind_tensor(L, 3);
        bind_check(L, variable_assign(bind_run(L), o->variable[1], t, &e), &e);
    } else {
        return luaL_error(L, "AttributeError: cannot set '%s' of %s", name, o->class->name);
    }
    return 0;
}

static int object_call(lua_State *L) {
    struct nn_object *o = check_object(L, 1);
    switch (o->class->kind) {
    case NN_LAYER: return layer_call(L);
    case NN_LOSS: return loss_call(L);
    case NN_INITIALIZERS: return initializer_call(L);
    default: return luaL_error(L, "TypeError: a %s cannot be called", kind_name[o->class->kind]);
    }
}

static int object_tostring(lua_State *L) {
    struct nn_object *o = check_object(L, 1);
    if (o->class->kind == NN_LAYER)
        lua_pushfstring(L, "<%s name=%s, built=%s>", o->class->name, o->name,
                        ((struct nn_layer *)o)->built ? "True" : "False");
    else
        lua_pushfstring(L, "<%s%s%s>", o->class->name, o->name ? " name=" : "", o->name ? o->name : "");
    return 1;
}

static int object_gc(lua_State *L) {
    void **box = luaL_checkudata(L, 1, BIND_OBJECT);
    nn_release(*box);
    *box = NULL;
    return 0;
}

/* ---- activations ---------------------------------------------------------------------------------------------------- */

/* celda.nn.activation(name, x) */
static int nn_call_activation(lua_State *L) {
    struct err e = {0};
    const struct nn_activation *a = nn_activation_find(luaL_checkstring(L, 1), &e);
    bind_check(L, e.status, &e);
    struct tensor *x = bind_float(L, bind_tensor(L, 2));
    struct op_emitter emit = run_emitter(bind_run(L), &e);
    struct nn_call c = {.run = bind_run(L), .emit = &emit};
    struct tensor *y = a->call(&c, x);
    if (y) tensor_retain(y);
    op_emitter_close(&emit);
    bind_check(L, e.status, &e);
    bind_push_tensor(L, y);
    return 1;
}

static int nn_activation_names(lua_State *L) {
    lua_newtable(L);
    for (lua_Integer i = 0; nn_activations[i].name; i++) {
        lua_pushstring(L, nn_activations[i].name);
        lua_seti(L, -2, i + 1);
    }
    return 1;
}

static int nn_clear_session(lua_State *L) {
    run_reset_names(bind_run(L));
    return 0;
}

/* celda.nn.unique_name(prefix): as Keras counts them. */
static int nn_unique_name(lua_State *L) {
    struct err e = {0};
    char *name;
    bind_check(L, run_unique_name(bind_run(L), luaL_checkstring(L, 1), &name, &e), &e);
    lua_pushstring(L, name);
    mem_free(name);
    return 1;
}

/* ---- opening -------------------------------------------------------------------------------------------------------- */

static const luaL_Reg layer_methods[] = {{"get_weights", layer_get_weights},
                                         {"set_weights", layer_set_weights},
                                         {"count_params", layer_count_params},
                                         {"build", layer_build},
                                         {"compute_output_shape", layer_compute_output_shape},
                                         {NULL, NULL}};
static const luaL_Reg metric_methods[] = {{"update_state", metric_update_state},
                                          {"result", metric_result},
                                          {"reset_state", metric_reset_state},
                                          {NULL, NULL}};
static const luaL_Reg optimizer_methods[] = {
    {"build", optimizer_build}, {"apply_gradients", optimizer_apply_gradients}, {NULL, NULL}};
static const luaL_Reg common_methods[] = {
    {"get_config", object_get_config}, {"serialize", object_serialize}, {NULL, NULL}};

void bind_open_objects(lua_State *L) {
    static const luaL_Reg *const methods[] = {layer_methods, common_methods, common_methods, optimizer_methods,
                                              metric_methods};
    static const luaL_Reg events[] = {{"__newindex", object_newindex},
                                      {"__call", object_call},
                                      {"__tostring", object_tostring},
                                      {"__gc", object_gc},
                                      {NULL, NULL}};
    static const luaL_Reg functions[] = {{"classes", nn_classes},
                                         {"new", nn_new_object},
                                         {"deserialize", nn_deserialize_object},
                                         {"activation", nn_call_activation},
                                         {"activations", nn_activation_names},
                                         {"clear_session", nn_clear_session},
                                         {"unique_name", nn_unique_name},
                                         {NULL, NULL}};
    luaL_newmetatable(L, BIND_OBJECT);
    luaL_setfuncs(L, events, 0);
    lua_newtable(L);
    for (int k = 0; kind_name[k]; k++) {
        lua_newtable(L);
        luaL_setfuncs(L, common_methods, 0);
        luaL_setfuncs(L, methods[k], 0);
        lua_setfield(L, -2, kind_name[k]);
    }
    lua_pushcclosure(L, object_index, 1);
    lua_setfield(L, -2, "__index");
    lua_pop(L, 1);
    lua_getglobal(L, "celda");
    luaL_newlib(L, functions);
    lua_setfield(L, -2, "nn");
    lua_pop(L, 1);
}
