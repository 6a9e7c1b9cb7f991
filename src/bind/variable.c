/* keras.Variable: v:numpy(), v:assign(x), v.shape, and arithmetic as on tensors. */
#include <string.h>

#include "base/mem.h"
#include "bind/internal.h"
#include "op/ops.h"

static struct variable *self(lua_State *L) {
    return bind_unbox(L, 1, BIND_VARIABLE);
}

/* Variable(initializer[, shape, dtype, trainable = true, name]): a value, or an initializer and a shape. A number or a
 * table becomes float32, as in Keras. */
static int variable_create(lua_State *L) {
    static const char *const names[] = {"initializer", "shape", "dtype", "trainable", "name", NULL};
    struct run *r = bind_run(L);
    struct err e = {0};
    bind_args(L, 1, "Variable", names);
    bind_want(L, 1, "Variable", "initializer");
    bool tensor = luaL_testudata(L, 1, BIND_TENSOR) || luaL_testudata(L, 1, BIND_VARIABLE);
    if (!lua_isnil(L, 2)) bind_initial_value(L, 1, 2);
    enum dtype d = bind_dtype(L, 3, tensor ? bind_tensor(L, 1)->dtype : DT_FLOAT32);
    struct tensor *value = bind_tensor_as(L, 1, d);
    struct buf *name = bind_new_buf(L);
    if (lua_isnil(L, 5)) {
        char *given;
        bind_check(L, run_unique_name(r, "variable", &given, &e), &e);
        buf_puts(name, given);
        mem_free(given);
    } else {
        buf_puts(name, luaL_checkstring(L, 5));
    }
    bind_check(L, buf_status(name, &e), &e);
    struct variable **box = (struct variable **)bind_box(L, BIND_VARIABLE);
    bind_made(L, box, variable_new(r, value, buf_text(name), bind_boolean(L, 4, true), box, &e), &e);
    bind_remember(L, *box);
    return 1;
}

/* v:numpy(): a copy of the value. */
static int variable_numpy(lua_State *L) {
    self(L);
    struct tensor *t = bind_tensor(L, 1);
    bind_op(L, &op_copy, &t, 1, NULL);
    return 1;
}

static int assign(lua_State *L, struct variable *v, struct tensor *t) {
    struct err e = {0};
    bind_check(L, variable_assign(bind_run(L), v, t, &e), &e);
    lua_settop(L, 1);
    return 1;
}

static int variable_assign_to(lua_State *L) {
    struct variable *v = self(L);
    lua_settop(L, 2);
    return assign(L, v, bind_tensor_as(L, 2, v->value->dtype));
}

/* v:assign_add(x) and v:assign_sub(x): upvalue 1 is the op. */
static int variable_update(lua_State *L) {
    const struct op *op = lua_touserdata(L, lua_upvalueindex(1));
    struct variable *v = self(L);
    struct tensor *in[2];
    lua_settop(L, 2);
    lua_pushvalue(L, 1);
    lua_pushvalue(L, 2);
    bind_operands(L, op, 3, 2, in);
    return assign(L, v, bind_op(L, op, in, 2, NULL));
}

/* What a variable has beside its value's members; false: nothing of that name. */
static bool push_field(lua_State *L, struct variable *v, const char *name) {
    struct err e = {0};
    struct tensor *value;
    if (strcmp(name, "name") == 0) {
        lua_pushstring(L, v->name);
    } else if (strcmp(name, "path") == 0) {
        lua_pushstring(L, v->path);
    } else if (strcmp(name, "trainable") == 0) {
        lua_pushboolean(L, v->trainable);
    } else if (strcmp(name, "value") == 0) {
        bind_check(L, variable_read(bind_run(L), v, &value, &e), &e);
        bind_push_shared(L, value);
    } else {
        return false;
    }
    return true;
}

/* Methods and fields of its own, then whatever its value has: v:sum(), v[1]. Upvalue 1: the methods. */
static int variable_index(lua_State *L) {
    struct variable *v = self(L);
    struct err e = {0};
    struct tensor *value;
    if (lua_type(L, 2) == LUA_TSTRING) {
        lua_pushvalue(L, 2);
        if (lua_rawget(L, lua_upvalueindex(1)) != LUA_TNIL || push_field(L, v, lua_tostring(L, 2))) return 1;
        lua_settop(L, 2);
    }
    bind_check(L, variable_read(bind_run(L), v, &value, &e), &e);
    bind_push_shared(L, value);
    lua_replace(L, 1);
    lua_gettable(L, 1);
    return 1;
}

static int variable_newindex(lua_State *L) {
    struct variable *v = self(L);
    if (lua_type(L, 2) != LUA_TSTRING || strcmp(lua_tostring(L, 2), "trainable") != 0)
        return bind_raise(L, ERR_TYPE, "a Variable's value is changed with v:assign(x), not by setting '%s'",
                          luaL_tolstring(L, 2, NULL));
    v->trainable = lua_toboolean(L, 3);
    return 0;
}

static int variable_tostring(lua_State *L) {
    struct variable *v = self(L);
    char shape[256];
    lua_pushfstring(L, "<Variable path=%s, shape=%s, dtype=%s, value=", v->path,
                    shape_text(&v->value->shape, shape, sizeof shape), dtype_name(v->value->dtype));
    bind_push_shared(L, v->value);
    luaL_tolstring(L, -1, NULL);
    lua_remove(L, -2);
    lua_pushliteral(L, ">");
    lua_concat(L, 3);
    return 1;
}

static int variable_length(lua_State *L) {
    struct variable *v = self(L);
    if (v->value->shape.rank == 0) return bind_raise(L, ERR_TYPE, "a 0-d Variable has no length");
    return lua_pushinteger(L, v->value->shape.dim[0]), 1;
}

static int release(lua_State *L) {
    variable_release(bind_take(L, BIND_VARIABLE));
    return 0;
}

void bind_open_variable(lua_State *L, int core) {
    static const luaL_Reg events[] = {
        {"__newindex", variable_newindex}, {"__tostring", variable_tostring}, {"__len", variable_length}, {NULL, NULL}};
    static const luaL_Reg methods[] = {{"numpy", variable_numpy}, {"assign", variable_assign_to}, {NULL, NULL}};
    static const char *const types[] = {BIND_VARIABLE, NULL};
    bind_new_type(L, BIND_VARIABLE, events, release);
    bind_open_operators(L);
    luaL_newlib(L, methods);
    for (int sub = 0; sub < 2; sub++) {
        lua_pushlightuserdata(L, (void *)(sub ? &op_sub : &op_add));
        lua_pushcclosure(L, variable_update, 1);
        lua_setfield(L, -2, sub ? "assign_sub" : "assign_add");
    }
    bind_methods(L, "v", types);
    lua_pushvalue(L, -1);
    lua_setfield(L, -3, "__members");
    lua_pushcclosure(L, variable_index, 1);
    lua_setfield(L, -2, "__index");
    lua_pop(L, 1);
    lua_pushcfunction(L, variable_create);
    lua_setfield(L, core, "Variable");
}
