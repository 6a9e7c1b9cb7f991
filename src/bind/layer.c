/* Layers in Lua: layer(x, {training = true}), build, weights. */
#include <string.h>

#include "bind/internal.h"
#include "op/ops.h"

static struct nn_layer *self(lua_State *L) {
    return (struct nn_layer *)bind_object(L, 1, NN_LAYER);
}

/* ---- calling ------------------------------------------------------------------------------------------------------- */

static bool takes_list(const struct nn_layer *l) {
    int nin = ((const struct nn_layer_class *)l->object.class)->nin;
    return nin == NN_ANY_INPUTS || nin > 1;
}

static struct tensor *input(lua_State *L, int index, const struct nn_layer *l) {
    if (luaL_testudata(L, index, BIND_OBJECT))
        bind_raise(L, ERR_TYPE, "layer \"%s\" was called on a layer; it wants a tensor, or what keras.Input gives",
                   l->object.name);
    return bind_tensor(L, index);
}

bool bind_push_symbolic_call(lua_State *L, int index) {
    if (luaL_getmetafield(L, index, "__layer_call") != LUA_TNIL) return true;
    if (!lua_istable(L, index)) return false;
    index = lua_absindex(L, index);
    for (lua_Integer i = 1; lua_rawgeti(L, index, i) != LUA_TNIL; i++) {
        if (luaL_getmetafield(L, -1, "__layer_call") != LUA_TNIL) {
            lua_remove(L, -2);
            return true;
        }
        lua_pop(L, 1);
    }
    lua_pop(L, 1);
    return false;
}

/* The inputs at `index`: one tensor, or a list of them where the layer takes several. They stay in the argument. */
static int inputs(lua_State *L, int index, const struct nn_layer *l, struct tensor **x) {
    if (!takes_list(l)) {
        x[0] = input(L, index, l);
        return 1;
    }
    luaL_checktype(L, index, LUA_TTABLE);
    int n = (int)lua_rawlen(L, index);
    if (n > OP_MAX_IN) bind_raise(L, ERR_VALUE, "a layer takes at most %d inputs, not %d", OP_MAX_IN, n);
    for (int i = 0; i < n; i++) {
        lua_rawgeti(L, index, i + 1);
        x[i] = input(L, -1, l);
        lua_rawseti(L, index, i + 1);
    }
    return n;
}

static int layer_call(lua_State *L) {
    static const char *const names[] = {"inputs", "training", NULL};
    struct nn_layer *l = self(L);
    struct tensor *x[OP_MAX_IN];
    struct err e = {0};
    bind_args(L, 2, l->object.name, names);
    bind_want(L, 2, l->object.name, "inputs");
    if (bind_push_symbolic_call(L, 2)) {
        lua_insert(L, 1);
        lua_call(L, 3, 1); /* layer, inputs, training */
        return 1;
    }
    int n = inputs(L, 2, l, x);
    bool training = bind_boolean(L, 3, bind_state(L)->training);
    struct tensor **out = bind_new_tensor(L);
    bind_made(L, out, nn_layer_call(l, x, n, training, out, &e), &e);
    bind_filled(L, *out);
    return 1;
}

/* ---- building ------------------------------------------------------------------------------------------------------ */

/* A shape, or a list of shapes, as signatures of float32 inputs. */
static int signatures(lua_State *L, int index, struct op_sig *in) {
    bool many = lua_geti(L, index, 1) == LUA_TTABLE;
    lua_pop(L, 1);
    int n = many ? (int)luaL_len(L, index) : 1;
    if (n > OP_MAX_IN) bind_raise(L, ERR_VALUE, "a layer takes at most %d inputs, not %d", OP_MAX_IN, n);
    for (int i = 0; i < n; i++) {
        in[i].dtype = DT_FLOAT32;
        if (many)
            lua_geti(L, index, i + 1);
        else
            lua_pushvalue(L, index);
        bind_partial_shape(L, -1, &in[i].shape);
        lua_pop(L, 1);
    }
    return n;
}

/* layer:build(input_shape[, scope]): the batch in front, as in Keras; scope is the model's name in the weights' paths. */
static int layer_build(lua_State *L) {
    static const char *const names[] = {"input_shape", "scope", NULL};
    struct nn_layer *l = self(L);
    struct op_sig in[OP_MAX_IN];
    struct err e = {0};
    bind_args(L, 2, "build", names);
    bind_want(L, 2, "build", "input_shape");
    int n = signatures(L, 2, in);
    bind_check(L, nn_layer_build(l, in, n, lua_tostring(L, 3), &e), &e);
    return 0;
}

static int layer_compute_output_shape(lua_State *L) {
    struct nn_layer *l = self(L);
    struct op_sig in[OP_MAX_IN];
    struct shape shapes[OP_MAX_IN], out;
    struct err e = {0};
    luaL_checktype(L, 2, LUA_TTABLE);
    int n = signatures(L, 2, in);
    for (int i = 0; i < n; i++) shapes[i] = in[i].shape;
    bind_check(L, nn_layer_output(l, shapes, n, &out, &e), &e);
    bind_push_shape(L, &out);
    return 1;
}

/* ---- weights ------------------------------------------------------------------------------------------------------- */

static int layer_get_weights(lua_State *L) {
    struct nn_object *o = &self(L)->object;
    lua_createtable(L, o->nvariable, 0);
    for (int i = 0; i < o->nvariable; i++) {
        struct tensor *t = o->variable[i]->value;
        bind_op(L, &op_copy, &t, 1, NULL);
        lua_rawseti(L, -2, i + 1);
    }
    return 1;
}

static int layer_set_weights(lua_State *L) {
    struct nn_object *o = &self(L)->object;
    struct err e = {0};
    luaL_checktype(L, 2, LUA_TTABLE);
    int n = (int)lua_rawlen(L, 2);
    if (n != o->nvariable)
        return bind_raise(L, ERR_VALUE,
                          "You called `set_weights(weights)` on layer '%s' with a weight list of length %d, but the "
                          "layer was expecting %d weights.",
                          o->name, n, o->nvariable);
    for (int i = 0; i < n; i++) {
        lua_rawgeti(L, 2, i + 1);
        bind_check(L, variable_assign(bind_run(L), o->variable[i], bind_tensor(L, -1), &e), &e);
        lua_pop(L, 1);
    }
    return 0;
}

static int layer_count_params(lua_State *L) {
    struct nn_layer *l = self(L);
    int64_t n = 0;
    if (!l->built)
        return bind_raise(L, ERR_VALUE,
                          "You tried to call `count_params` on layer '%s', but the layer isn't built. You can build it "
                          "manually via: `layer:build(input_shape)`.",
                          l->object.name);
    for (int i = 0; i < l->object.nvariable; i++) n += tensor_size(l->object.variable[i]->value);
    lua_pushinteger(L, n);
    return 1;
}

/* ---- fields -------------------------------------------------------------------------------------------------------- */

static void push_weights(lua_State *L, const struct nn_layer *l, bool trainable, bool fixed) {
    lua_newtable(L);
    for (int i = 0, n = 0; i < l->object.nvariable; i++) {
        if (!(l->object.variable[i]->trainable ? trainable : fixed)) continue;
        bind_push_variable(L, l->object.variable[i]);
        lua_rawseti(L, -2, ++n);
    }
}

static bool push_lists(lua_State *L, const struct nn_layer *l, const char *name) {
    static const struct {
        const char *name;
        bool trainable, fixed;
    } lists[] = {
        {"weights", true, true},
        {"variables", true, true},
        {"trainable_weights", true, false},
        {"trainable_variables", true, false},
        {"non_trainable_weights", false, true},
        {"non_trainable_variables", false, true},
    };
    for (size_t i = 0; i < sizeof lists / sizeof *lists; i++) {
        if (strcmp(name, lists[i].name) != 0) continue;
        push_weights(L, l, lists[i].trainable, lists[i].fixed);
        return true;
    }
    return false;
}

/* layer.kernel: a weight by its name. */
static bool push_weight(lua_State *L, const struct nn_layer *l, const char *name) {
    for (int i = 0; i < l->object.nvariable; i++) {
        if (strcmp(l->object.variable[i]->name, name) != 0) continue;
        bind_push_variable(L, l->object.variable[i]);
        return true;
    }
    return false;
}

static const char ends_key; /* in the registry: what core.set_layer_ends was given */

int bind_set_layer_ends(lua_State *L) {
    luaL_checktype(L, 1, LUA_TFUNCTION);
    lua_settop(L, 1);
    lua_rawsetp(L, LUA_REGISTRYINDEX, &ends_key);
    return 0;
}

/* layer.output, layer.input: KerasTensors, which the Lua part keeps. */
static void push_end(lua_State *L, const struct nn_layer *l, const char *name) {
    if (lua_rawgetp(L, LUA_REGISTRYINDEX, &ends_key) == LUA_TNIL)
        bind_raise(L, ERR_VALUE, "The layer %s has never been called and thus has no defined %s.", l->object.name,
                   name);
    lua_pushvalue(L, 1);
    lua_pushstring(L, name);
    lua_call(L, 2, 1);
}

static bool field(lua_State *L, struct nn_object *o, const char *name) {
    const struct nn_layer *l = (const struct nn_layer *)o;
    if (strcmp(name, "trainable") == 0)
        lua_pushboolean(L, l->trainable);
    else if (strcmp(name, "built") == 0)
        lua_pushboolean(L, l->built);
    else if (strcmp(name, "dtype") == 0)
        lua_pushliteral(L, "float32");
    else if (strcmp(name, "output") == 0 || strcmp(name, "input") == 0)
        push_end(L, l, name);
    else if (strcmp(name, "input_shape") == 0 && l->input_shape.rank >= 0)
        bind_push_shape(L, &l->input_shape);
    else if (strcmp(name, "input_shape") == 0)
        lua_pushnil(L);
    else
        return push_lists(L, l, name) || push_weight(L, l, name);
    return true;
}

static bool set_field(lua_State *L, struct nn_object *o, const char *name) {
    if (strcmp(name, "trainable") != 0) return false;
    nn_layer_set_trainable((struct nn_layer *)o, lua_toboolean(L, 3));
    return true;
}

static const luaL_Reg methods[] = {
    {"build", layer_build},
    {"compute_output_shape", layer_compute_output_shape},
    {"get_weights", layer_get_weights},
    {"set_weights", layer_set_weights},
    {"count_params", layer_count_params},
    {NULL, NULL},
};

static const char *const fields[] = {"trainable",
                                     "built",
                                     "dtype",
                                     "input_shape",
                                     "input",
                                     "output",
                                     "weights",
                                     "variables",
                                     "trainable_weights",
                                     "trainable_variables",
                                     "non_trainable_weights",
                                     "non_trainable_variables",
                                     NULL};

const struct bind_kind bind_layers = {"layers", "layer", methods, layer_call, field, set_field, fields};
