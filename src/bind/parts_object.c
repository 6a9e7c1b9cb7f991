/* Layers, losses, optimizers, metrics and initializers taken apart and put together again, for lua/celda. */
#include <string.h>

#include "bind/internal.h"

enum { MAX_HELD = 16 };

/* ---- taken apart --------------------------------------------------------------------------------------------------- */

static void set_arguments(lua_State *L, struct nn_object *o) {
    struct err e = {0};
    json_t *arguments = nn_arguments(o, &e);
    bind_hold_json(L, arguments);
    bind_check(L, e.status, &e);
    bind_push_json(L, arguments);
    lua_setfield(L, -3, "arguments");
    lua_pop(L, 1);
}

static void set_held(lua_State *L, struct nn_object *o) {
    struct nn_given held[MAX_HELD];
    int n = nn_held(o, held, MAX_HELD);
    lua_createtable(L, 0, n);
    for (int i = 0; i < n; i++) {
        *bind_box(L, BIND_OBJECT) = nn_retain(held[i].object);
        lua_setfield(L, -2, held[i].name);
    }
    lua_setfield(L, -2, "held");
}

/* Pushes a list of o's own variables. */
static void push_own_variables(lua_State *L, const struct nn_object *o) {
    struct variable *own[NN_MAX_VARIABLES + 1];
    bind_push_variables(L, own, nn_variables(o, own));
}

/* slots: a list of {of = v, v, ...}. */
static void set_slots(lua_State *L, const struct nn_optimizer *o) {
    if (!o->built) return;
    lua_createtable(L, o->nslots, 0);
    for (int i = 0; i < o->nslots; i++) {
        int n = 0;
        while (n < NN_MAX_SLOTS && o->slots[i].slot[n]) n++;
        bind_push_variables(L, o->slots[i].slot, n);
        bind_push_variable(L, o->slots[i].of);
        lua_setfield(L, -2, "of");
        lua_rawseti(L, -2, i + 1);
    }
    lua_setfield(L, -2, "slots");
}

/* object_parts(o): {id = its address, kind, class, arguments, held, variables}, and where it has them seed, built (a
 * shape) and slots. */
static int object_parts(lua_State *L) {
    struct nn_object *o = bind_unbox(L, 1, BIND_OBJECT);
    const int64_t *seed = nn_seed_of(o);
    lua_createtable(L, 0, 8);
    lua_pushlightuserdata(L, o);
    lua_setfield(L, -2, "id");
    lua_getfield(L, 1, "kind");
    lua_setfield(L, -2, "kind");
    lua_pushstring(L, o->class->name);
    lua_setfield(L, -2, "class");
    set_arguments(L, o);
    set_held(L, o);
    push_own_variables(L, o);
    lua_setfield(L, -2, "variables");
    if (seed) {
        lua_pushinteger(L, *seed);
        lua_setfield(L, -2, "seed");
    }
    if (o->class->kind == NN_LAYER && ((struct nn_layer *)o)->built_shape.rank >= 0) {
        bind_push_shape(L, &((struct nn_layer *)o)->built_shape);
        lua_setfield(L, -2, "built");
    }
    if (o->class->kind == NN_OPTIMIZER) set_slots(L, (struct nn_optimizer *)o);
    return 1;
}

/* ---- put together -------------------------------------------------------------------------------------------------- */

/* The objects of the table at `index` by name; they stay there. */
static int given_of(lua_State *L, int index, struct nn_given *given) {
    int n = 0;
    luaL_checktype(L, index, LUA_TTABLE);
    for (lua_pushnil(L); lua_next(L, index); lua_pop(L, 1)) {
        if (n == MAX_HELD || lua_type(L, -2) != LUA_TSTRING) bind_raise(L, ERR_IO, "an object's parts are damaged");
        given[n++] = (struct nn_given){lua_tostring(L, -2), bind_unbox(L, -1, BIND_OBJECT)};
    }
    return n;
}

/* new_object(kind, class, arguments, held[, seed]) */
static int new_object(lua_State *L) {
    enum nn_kind kind = bind_kind_named(L, 1);
    struct nn_given given[MAX_HELD];
    struct err e = {0};
    lua_settop(L, 5);
    const struct nn_class *c = nn_find(kind, luaL_checkstring(L, 2), &e);
    bind_check(L, e.status, &e);
    int ngiven = given_of(L, 4, given);
    const json_t *arguments = bind_hold_as_json(L, 3);
    struct nn_object **box = (struct nn_object **)bind_box(L, BIND_OBJECT);
    bind_made(L, box, nn_new(bind_run(L), c, arguments, given, ngiven, box, &e), &e);
    int64_t *seed = nn_seed_of(*box);
    if (seed && lua_isinteger(L, 5)) *seed = lua_tointeger(L, 5);
    return 1;
}

/* object_variables(o): those of object_parts(o). */
static int object_variables(lua_State *L) {
    push_own_variables(L, bind_unbox(L, 1, BIND_OBJECT));
    return 1;
}

/* build_layer(layer, shape): of one input. */
static int build_layer(lua_State *L) {
    struct nn_layer *l = (struct nn_layer *)bind_object(L, 1, NN_LAYER);
    struct op_sig in = {.dtype = DT_FLOAT32};
    struct err e = {0};
    bind_partial_shape(L, 2, &in.shape);
    bind_check(L, nn_layer_build(l, &in, 1, NULL, &e), &e);
    return 0;
}

/* build_optimizer(o, variables): a list of lists, each variable's slots. */
static int build_optimizer(lua_State *L) {
    struct nn_optimizer *o = (struct nn_optimizer *)bind_object(L, 1, NN_OPTIMIZER);
    struct variable **v;
    struct err e = {0};
    lua_settop(L, 2);
    int n = bind_variables(L, 2, &v);
    bind_check(L, nn_optimizer_build(o, v, n, &e), &e);
    lua_newtable(L);
    set_slots(L, o);
    lua_getfield(L, -1, "slots");
    return 1;
}

void bind_open_parts_object(lua_State *L, int core) {
    static const luaL_Reg functions[] = {{"object_parts", object_parts},         {"new_object", new_object},
                                         {"object_variables", object_variables}, {"build_layer", build_layer},
                                         {"build_optimizer", build_optimizer},   {NULL, NULL}};
    lua_pushvalue(L, core);
    luaL_setfuncs(L, functions, 0);
    lua_pop(L, 1);
}
