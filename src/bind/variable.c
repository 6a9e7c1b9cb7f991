/* keras.Variable: v:numpy(), v:assign(x), v.shape, and arithmetic as on tensors. */
#include <string.h>

#include "bind/internal.h"

static struct variable *check_variable(lua_State *L, int index) {
    return bind_unbox(L, index, BIND_VARIABLE);
}

/* keras.Variable(value, {name =, trainable = true, dtype =}) */
static int variable_create(lua_State *L) {
    static const char *const names[] = {"initializer", "name", "trainable", "dtype", NULL};
    struct variable *v;
    struct err e = {0};
    bind_args(L, 1, "Variable", names);
    struct tensor *t = bind_tensor(L, 1);
    t = bind_cast(L, t, bind_dtype(L, 4, t->dtype));
    const char *name = luaL_optstring(L, 2, "variable");
    bool trainable = lua_isnil(L, 3) || lua_toboolean(L, 3);
    void **box = bind_box(L, BIND_VARIABLE);
    bind_check(L, variable_new(bind_run(L), t, name, trainable, &v, &e), &e);
    *box = v;
    return 1;
}

/* v:numpy(): a copy of the value. */
static int variable_numpy(lua_State *L) {
    lua_settop(L, 1);
    bind_tensor(L, 1);
    lua_getfield(L, 1, "copy");
    lua_insert(L, 1);
    lua_call(L, 1, 1);
    return 1;
}

/* v.value: what it holds now, or while tracing what stands for it. */
static int variable_value(lua_State *L) {
    lua_settop(L, 1);
    bind_tensor(L, 1);
    return 1;
}

static int assign(lua_State *L, struct variable *v, struct tensor *t) {
    struct err e = {0};
    bind_check(L, variable_assign(bind_run(L), v, t, &e), &e);
    lua_settop(L, 1);
    return 1;
}

static int variable_assign_to(lua_State *L) {
    struct variable *v = check_variable(L, 1);
    bool floating;
    lua_settop(L, 2);
    struct tensor *t = bind_is_number(L, 2, &floating) && v->value->shape.rank == 0
                           ? bind_make_tensor(L, 2, v->value->dtype)
                           : bind_tensor(L, 2);
    return assign(L, v, t);
}

/* v:assign_add(x) and v:assign_sub(x): upvalue 1 is the op. */
static int variable_update(lua_State *L) {
    struct variable *v = check_variable(L, 1);
    struct tensor *x[2];
    lua_settop(L, 2);
    lua_pushvalue(L, 1);
    lua_pushvalue(L, 2);
    bind_operands(L, 3, 4, x);
    bind_op(L, lua_touserdata(L, lua_upvalueindex(1)), x, 2, NULL);
    return assign(L, v, bind_test(L, -1, BIND_TENSOR));
}

static bool push_field(lua_State *L, const struct variable *v, const char *name) {
    if (strcmp(name, "name") == 0)
        lua_pushstring(L, v->name);
    else if (strcmp(name, "path") == 0)
        lua_pushstring(L, v->path);
    else if (strcmp(name, "trainable") == 0)
        lua_pushboolean(L, v->trainable);
    else
        return false;
    return true;
}

/* Fields of its own, then whatever its value has. Upvalue 1: methods. */
static int variable_index(lua_State *L) {
    struct variable *v = check_variable(L, 1);
    if (lua_type(L, 2) == LUA_TSTRING) {
        const char *name = lua_tostring(L, 2);
        lua_pushvalue(L, 2);
        if (lua_rawget(L, lua_upvalueindex(1)) != LUA_TNIL || push_field(L, v, name)) return 1;
        lua_settop(L, 2);
        if (strcmp(name, "value") == 0) return variable_value(L);
    }
    bind_tensor(L, 1);
    lua_pushvalue(L, 2);
    lua_gettable(L, 1);
    return 1;
}

static int variable_newindex(lua_State *L) {
    struct variable *v = check_variable(L, 1);
    if (strcmp(luaL_checkstring(L, 2), "trainable") != 0)
        return luaL_error(L, "AttributeError: cannot set '%s' of a Variable; v:assign(x) changes its value",
                          lua_tostring(L, 2));
    v->trainable = lua_toboolean(L, 3);
    return 0;
}

static int variable_tostring(lua_State *L) {
    struct variable *v = check_variable(L, 1);
    char text[256];
    lua_pushfstring(L, "<Variable path=%s, shape=%s, dtype=%s, value=", v->path,
                    shape_text(&v->value->shape, text, sizeof text), dtype_name(v->value->dtype));
    bind_push_tensor(L, tensor_retain(v->value));
    luaL_tolstring(L, -1, NULL);
    lua_remove(L, -2);
    lua_pushliteral(L, ">");
    lua_concat(L, 3);
    return 1;
}

static int variable_gc(lua_State *L) {
    void **box = luaL_checkudata(L, 1, BIND_VARIABLE);
    variable_release(*box);
    *box = NULL;
    return 0;
}

/* Operators are the tensor's. */
static void copy_operators(lua_State *L) {
    static const char *const event[] = {"__add", "__sub",  "__mul", "__div",  "__idiv", "__mod", "__pow",
                                        "__unm", "__band", "__bor", "__bxor", "__bnot", "__lt",  "__le"};
    luaL_getmetatable(L, BIND_TENSOR);
    for (size_t i = 0; i < sizeof event / sizeof *event; i++) {
        lua_getfield(L, -1, event[i]);
        lua_setfield(L, -3, event[i]);
    }
    lua_pop(L, 1);
}

void bind_open_variable(lua_State *L) {
    static const luaL_Reg events[] = {
        {"__newindex", variable_newindex}, {"__tostring", variable_tostring}, {"__gc", variable_gc}, {NULL, NULL}};
    static const luaL_Reg methods[] = {{"numpy", variable_numpy}, {"assign", variable_assign_to}, {NULL, NULL}};
    luaL_newmetatable(L, BIND_VARIABLE);
    luaL_setfuncs(L, events, 0);
    copy_operators(L);
    luaL_newlib(L, methods);
    for (int sub = 0; sub < 2; sub++) {
        lua_pushlightuserdata(L, (void *)(sub ? op_find("sub") : op_find("add")));
        lua_pushcclosure(L, variable_update, 1);
        lua_setfield(L, -2, sub ? "assign_sub" : "assign_add");
    }
    lua_pushvalue(L, -1);
    lua_setfield(L, -3, "__methods");
    lua_pushcclosure(L, variable_index, 1);
    lua_setfield(L, -2, "__index");
    lua_getglobal(L, "celda");
    lua_pushcfunction(L, variable_create);
    lua_setfield(L, -2, "Variable");
    lua_pop(L, 2);
}
