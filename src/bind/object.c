/* Layers, initializers, losses, optimizers, metrics and schedules as Lua objects: constructors and errors come from the classes'
 * tables of arguments. What each kind does beside that is in its own file. */
#include <string.h>

#include "base/json.h"
#include "base/nearest.h"
#include "bind/internal.h"

enum { MAX_ARGS = 64, MAX_MEMBERS = 128 };

static const struct bind_kind *const kinds[NN_KINDS] = {
    [NN_LAYER] = &bind_layers,   [NN_INITIALIZERS] = &bind_initializers,
    [NN_LOSS] = &bind_losses,    [NN_OPTIMIZER] = &bind_optimizers,
    [NN_METRIC] = &bind_metrics, [NN_SCHEDULE] = &bind_schedules,
};

enum nn_kind bind_kind_named(lua_State *L, int index) {
    const char *names[NN_KINDS + 1] = {NULL};
    for (int kind = 0; kind < NN_KINDS; kind++) names[kind] = kinds[kind]->module;
    return (enum nn_kind)luaL_checkoption(L, index, NULL, names);
}

static const struct bind_kind *kind_of(const struct nn_object *o) {
    return kinds[o->class->kind];
}

struct nn_object *bind_object(lua_State *L, int index, enum nn_kind kind) {
    struct nn_object *o = bind_test(L, index, BIND_OBJECT);
    if (!o || o->class->kind != kind)
        bind_raise(L, ERR_TYPE, "expected one of %s, got a %s", nn_module(kind),
                   o ? o->class->name : bind_kind_name(L, index));
    return o;
}

/* ---- construction -------------------------------------------------------------------------------------------------- */

/* The arguments in the slots from `first` on as JSON by name (pushed), and those that are live objects in `given`. */
static json_t *config_of(lua_State *L, const char *const *names, int first, struct nn_given *given, int *ngiven) {
    struct err e = {0};
    json_t *config = json_object();
    bind_hold_json(L, config);
    for (int i = 0; names[i] && config; i++) {
        struct nn_object *o = bind_test(L, first + i, BIND_OBJECT);
        if (lua_isnil(L, first + i)) continue;
        if (o) {
            given[(*ngiven)++] = (struct nn_given){names[i], o};
            continue;
        }
        json_t *value = bind_hold_as_json(L, first + i);
        if (json_object_set(config, names[i], value)) config = NULL;
        lua_pop(L, 1);
    }
    if (!config) bind_check(L, err_set(&e, ERR_MEMORY, "no memory for the arguments"), &e);
    return config;
}

/* keras.layers.Dense(10, {activation = "relu"}): upvalue 1 is the class. */
static int construct(lua_State *L) {
    const struct nn_class *c = lua_touserdata(L, lua_upvalueindex(1));
    const char *names[MAX_ARGS + 1];
    struct nn_given given[MAX_ARGS];
    struct err e = {0};
    int n = 0, ngiven = 0, positional = nn_positional(c);
    const struct nn_arg *one = nn_arg_at(c, 0);
    if (!one || one->initial || one->type != NN_SHAPE) bind_drop_empty(L, 1);
    int top = lua_gettop(L);
    for (const struct nn_arg *a; n < MAX_ARGS && (a = nn_arg_at(c, n)); n++) names[n] = a->name;
    names[n] = NULL;
    for (int i = 1; i <= top; i++)
        if (bind_push_symbolic_call(L, i))
            return bind_raise(L, ERR_TYPE, "%s: argument %d is what the %s is to be called on: %s(...)(x)", c->name, i,
                              kinds[c->kind]->word, c->name);
    int by_place = top - (top > 0 && bind_is_keywords(L, top));
    if (by_place > positional)
        return bind_raise(L, ERR_TYPE, "%s takes at most %d positional arguments, but %d were given", c->name,
                          positional, by_place);
    bind_args(L, 1, c->name, names);
    struct nn_object **box = (struct nn_object **)bind_box(L, BIND_OBJECT);
    const json_t *config = config_of(L, names, 1, given, &ngiven);
    bind_made(L, box, nn_new(bind_run(L), c, config, given, ngiven, box, &e), &e);
    lua_pop(L, 1);
    return 1;
}

/* Pushes the JSON at `index`: a table, JSON text, or a bare name. */
static const json_t *serialised(lua_State *L, int index) {
    struct err e = {0};
    size_t n;
    if (lua_type(L, index) != LUA_TSTRING) return bind_hold_as_json(L, index);
    const char *text = lua_tolstring(L, index, &n);
    json_t *json = *text == '{' || *text == '"' ? json_parse(text, n, &e) : json_stringn(text, n);
    bind_hold_json(L, json);
    bind_check(L, e.status, &e);
    if (!json) bind_raise(L, ERR_VALUE, "a name must be UTF-8");
    return json;
}

/* deserialize(json): upvalue 1 is the kind. An object is returned as it is. */
static int deserialize(lua_State *L) {
    enum nn_kind kind = (enum nn_kind)lua_tointeger(L, lua_upvalueindex(1));
    struct err e = {0};
    luaL_checkany(L, 1);
    lua_settop(L, 1);
    if (luaL_testudata(L, 1, BIND_OBJECT)) return bind_object(L, 1, kind), 1;
    struct nn_object **box = (struct nn_object **)bind_box(L, BIND_OBJECT);
    const json_t *json = serialised(L, 1);
    bind_made(L, box, nn_deserialize(bind_run(L), kind, json, box, &e), &e);
    lua_pop(L, 1);
    return 1;
}

/* ---- what all objects have ----------------------------------------------------------------------------------------- */

static struct nn_object *self(lua_State *L) {
    return bind_unbox(L, 1, BIND_OBJECT);
}

/* Pushes the config as a userdata that keeps it. */
static json_t *push_config(lua_State *L, struct nn_object *o) {
    struct err e = {0};
    json_t *config = nn_config(o, &e);
    bind_hold_json(L, config);
    bind_check(L, e.status, &e);
    return config;
}

static int object_get_config(lua_State *L) {
    bind_push_json(L, push_config(L, self(L)));
    return 1;
}

/* The form that deserialize takes. */
static int object_serialize(lua_State *L) {
    struct err e = {0};
    json_t *json = nn_serialize(self(L), &e);
    bind_hold_json(L, json);
    bind_check(L, e.status, &e);
    bind_push_json(L, json);
    return 1;
}

static bool push_common(lua_State *L, struct nn_object *o, const char *name) {
    if (strcmp(name, "name") == 0)
        lua_pushstring(L, o->name);
    else if (strcmp(name, "class_name") == 0)
        lua_pushstring(L, o->class->name);
    else if (strcmp(name, "kind") == 0)
        lua_pushstring(L, kind_of(o)->module);
    else
        return false;
    return true;
}

/* layer.units, dropout.rate: an argument's value. */
static bool push_argument(lua_State *L, struct nn_object *o, const char *name) {
    const struct nn_arg *a = NULL;
    for (int i = 0; (a = nn_arg_at(o->class, i)) && strcmp(a->name, name) != 0; i++) {
    }
    if (!a || a->type == NN_REJECT) return false;
    const json_t *value = json_object_get(push_config(L, o), name);
    if (!value) return false;
    if (json_is_null(value))
        lua_pushnil(L);
    else
        bind_push_json(L, value);
    return true;
}

/* The known name nearest to `name`: a field, an argument, a weight or a method. Upvalue 1: the kinds' tables of methods. */
static const char *nearest_member(lua_State *L, struct nn_object *o, const char *name) {
    const char *names[MAX_MEMBERS + 1] = {"name", "class_name"};
    const struct nn_arg *a;
    int n = 2;
    for (const char *const *f = kind_of(o)->fields; *f && n < MAX_MEMBERS; f++) names[n++] = *f;
    for (int i = 0; n < MAX_MEMBERS && (a = nn_arg_at(o->class, i)); i++) names[n++] = a->name;
    for (int i = 0; i < o->nvariable && n < MAX_MEMBERS; i++) names[n++] = o->variable[i]->name;
    lua_rawgeti(L, lua_upvalueindex(1), o->class->kind);
    for (lua_pushnil(L); lua_next(L, -2); lua_pop(L, 1))
        if (n < MAX_MEMBERS) names[n++] = lua_tostring(L, -2);
    lua_pop(L, 1);
    return nearest(name, names);
}

static int no_member(lua_State *L, struct nn_object *o, const char *name) {
    const char *near = nearest_member(L, o, name);
    return bind_raise(L, ERR_TYPE, "%s has no '%s'%s%s%s", o->class->name, name, near ? "; did you mean '" : "",
                      near ? near : "", near ? "'?" : "");
}

/* Upvalue 1: the kinds' tables of methods. */
static int object_index(lua_State *L) {
    struct nn_object *o = self(L);
    if (lua_type(L, 2) != LUA_TSTRING)
        return bind_raise(L, ERR_TYPE, "a %s cannot be indexed by a %s", o->class->name, bind_kind_name(L, 2));
    const char *name = lua_tostring(L, 2);
    lua_rawgeti(L, lua_upvalueindex(1), o->class->kind);
    lua_pushvalue(L, 2);
    if (lua_rawget(L, -2) != LUA_TNIL) return 1;
    lua_settop(L, 2);
    bool found = push_common(L, o, name) || kind_of(o)->field(L, o, name) || push_argument(L, o, name);
    return found ? 1 : no_member(L, o, name);
}

static int object_newindex(lua_State *L) {
    struct nn_object *o = self(L);
    bind_set_field_fn *set = kind_of(o)->set_field;
    if (lua_type(L, 2) == LUA_TSTRING && set && set(L, o, lua_tostring(L, 2))) return 0;
    const char *name = luaL_tolstring(L, 2, NULL), *near = nearest_member(L, o, name);
    bool other = near && strcmp(near, name) != 0;
    return bind_raise(L, ERR_TYPE, "'%s' of %s cannot be set%s%s%s", name, o->class->name,
                      other ? "; did you mean '" : "", other ? near : "", other ? "'?" : "");
}

static int object_call(lua_State *L) {
    struct nn_object *o = self(L);
    if (kind_of(o)->call) return kind_of(o)->call(L);
    return bind_raise(L, ERR_TYPE, "a %s cannot be called", o->class->name);
}

/* As Keras's repr: <Dense name=dense, built=true>. */
static int object_tostring(lua_State *L) {
    struct nn_object *o = self(L);
    const char *built = "";
    if (o->class->kind == NN_LAYER) built = ((struct nn_layer *)o)->built ? ", built=true" : ", built=false";
    lua_pushfstring(L, o->name ? "<%s name=%s%s>" : "<%s>", o->class->name, o->name, built);
    return 1;
}

static int release(lua_State *L) {
    nn_release(bind_take(L, BIND_OBJECT));
    return 0;
}

/* The methods of the object at 1, for completion. Upvalue 1: the kinds' tables of methods. */
static int object_members(lua_State *L) {
    lua_rawgeti(L, lua_upvalueindex(1), self(L)->class->kind);
    return 1;
}

/* ---- opening ------------------------------------------------------------------------------------------------------- */

static void set_text(lua_State *L, const char *field, const char *text) {
    lua_pushstring(L, text);
    lua_setfield(L, -2, field);
}

/* Pushes {{name = ..., type = ..., choices = ..., default = ..., doc = ...}, ...}. */
static void push_args(lua_State *L, const struct nn_class *c) {
    const struct nn_arg *a;
    lua_newtable(L);
    for (int i = 0; (a = nn_arg_at(c, i)); i++) {
        lua_createtable(L, 0, 6);
        set_text(L, "name", a->name);
        set_text(L, "default", a->initial);
        set_text(L, "doc", a->doc);
        set_text(L, "type", nn_arg_wanted(a));
        set_text(L, "choices", a->choices);
        lua_pushboolean(L, i >= nn_positional(c));
        lua_setfield(L, -2, "keyword");
        lua_rawseti(L, -2, i + 1);
    }
}

/* classes(kind): what help and the modules read: {{name, aliases, doc, args}, ...}. Upvalue 1 is the kind. */
static int classes(lua_State *L) {
    const struct nn_class *const *c = nn_all((enum nn_kind)lua_tointeger(L, lua_upvalueindex(1)));
    lua_newtable(L);
    for (int i = 1; *c; c++, i++) {
        lua_createtable(L, 0, 4);
        set_text(L, "name", (*c)->name);
        set_text(L, "aliases", (*c)->alias ? (*c)->alias : "");
        set_text(L, "doc", (*c)->doc);
        push_args(L, *c);
        lua_setfield(L, -2, "args");
        lua_rawseti(L, -2, i);
    }
    return 1;
}

/* Puts {Dense = constructor, ..., deserialize = f} into the table of the core. */
static void open_module(lua_State *L, int core, enum nn_kind kind) {
    lua_newtable(L);
    for (const struct nn_class *const *c = nn_all(kind); *c; c++) {
        lua_pushlightuserdata(L, (void *)*c);
        lua_pushcclosure(L, construct, 1);
        lua_setfield(L, -2, (*c)->name);
    }
    lua_pushinteger(L, kind);
    lua_pushcclosure(L, deserialize, 1);
    lua_setfield(L, -2, "deserialize");
    lua_pushcfunction(L, object_serialize);
    lua_setfield(L, -2, "serialize");
    lua_pushinteger(L, kind);
    lua_pushcclosure(L, classes, 1);
    lua_setfield(L, -2, "classes");
    lua_setfield(L, core, kinds[kind]->module);
}

/* kinds = {{name = "layers", module = "keras.layers"}, ...} in the table of the core. */
static void open_kinds(lua_State *L, int core) {
    lua_createtable(L, NN_KINDS, 0);
    for (int kind = 0; kind < NN_KINDS; kind++) {
        lua_createtable(L, 0, 2);
        set_text(L, "name", kinds[kind]->module);
        set_text(L, "module", nn_module((enum nn_kind)kind));
        lua_rawseti(L, -2, kind + 1);
    }
    lua_setfield(L, core, "kinds");
}

/* Pushes the tables of methods, by kind. */
static void push_methods(lua_State *L) {
    static const luaL_Reg common[] = {{"get_config", object_get_config}, {"serialize", object_serialize}, {NULL, NULL}};
    static const char *const types[] = {BIND_OBJECT, NULL};
    lua_createtable(L, NN_KINDS, 0);
    for (int kind = 0; kind < NN_KINDS; kind++) {
        luaL_newlib(L, common);
        luaL_setfuncs(L, kinds[kind]->methods, 0);
        bind_methods(L, kinds[kind]->word, types);
        lua_rawseti(L, -2, kind);
    }
}

void bind_open_objects(lua_State *L, int core) {
    static const luaL_Reg events[] = {{"__call", object_call}, {"__tostring", object_tostring}, {NULL, NULL}};
    static const luaL_Reg members[] = {
        {"__index", object_index}, {"__newindex", object_newindex}, {"__members", object_members}, {NULL, NULL}};
    bind_new_type(L, BIND_OBJECT, events, release);
    push_methods(L);
    luaL_setfuncs(L, members, 1);
    lua_pop(L, 1);
    for (int kind = 0; kind < NN_KINDS; kind++) open_module(L, core, (enum nn_kind)kind);
    open_kinds(L, core);
    bind_open_activations(L, core);
}
