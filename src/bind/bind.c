/* Opening the bindings, userdata boxes, and errors as Lua sees them. */
#include "bind/bind.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/mem.h"
#include "base/nearest.h"
#include "bind/internal.h"

static const char run_key; /* its address is the registry key of the run */

struct run *bind_run(lua_State *L) {
    lua_rawgetp(L, LUA_REGISTRYINDEX, &run_key);
    struct run *r = lua_touserdata(L, -1);
    lua_pop(L, 1);
    return r;
}

/* ---- errors -------------------------------------------------------------------------------------------------------- */

#define BIND_ERROR "celda.error"

static int error_tostring(lua_State *L) {
    lua_getfield(L, 1, "where");
    lua_getfield(L, 1, "name");
    lua_pushliteral(L, ": ");
    lua_getfield(L, 1, "message");
    lua_concat(L, 4);
    return 1;
}

void bind_push_where(lua_State *L) {
    lua_Debug ar;
    for (int level = 1; level < 50 && lua_getstack(L, level, &ar); level++) {
        lua_getinfo(L, "Sl", &ar);
        if (ar.currentline <= 0 || strncmp(ar.short_src, "celda:", 6) == 0) continue;
        lua_pushfstring(L, "%s:%d: ", ar.short_src, ar.currentline);
        return;
    }
    lua_pushliteral(L, "");
}

void bind_check(lua_State *L, enum status s, const struct err *e) {
    if (s == OK) return;
    if (s == ERR_CANCELLED) {
        lua_pushliteral(L, "KeyboardInterrupt");
        lua_error(L);
    }
    lua_createtable(L, 0, 3);
    lua_pushstring(L, err_name(s));
    lua_setfield(L, -2, "name");
    lua_pushstring(L, e->text);
    lua_setfield(L, -2, "message");
    bind_push_where(L);
    lua_setfield(L, -2, "where");
    luaL_setmetatable(L, BIND_ERROR);
    lua_error(L);
}

/* ---- boxes --------------------------------------------------------------------------------------------------------- */

void **bind_box(lua_State *L, const char *type) {
    void **box = lua_newuserdatauv(L, sizeof *box, 1);
    *box = NULL;
    luaL_setmetatable(L, type);
    return box;
}

void *bind_test(lua_State *L, int index, const char *type) {
    void **box = luaL_testudata(L, index, type);
    return box ? *box : NULL;
}

void *bind_unbox(lua_State *L, int index, const char *type) {
    void *p = bind_test(L, index, type);
    if (!p) luaL_typeerror(L, index, type);
    return p;
}

/* ---- memory: Lua's collector learns of bytes it does not see --------------------------------------------------------- */

static void collect_all(void *arg) {
    lua_gc(arg, LUA_GCCOLLECT);
}

void bind_push_tensor(lua_State *L, struct tensor *t) {
    enum { STEP = 1024 }; /* the collector works in steps of kB */
    static _Thread_local size_t debt;
    void **box = lua_newuserdatauv(L, sizeof *box, 1);
    *box = t;
    luaL_setmetatable(L, BIND_TENSOR);
    debt += t->storage ? t->storage->bytes : 0;
    if (debt < (size_t)1 << 20) return;
    lua_gc(L, LUA_GCSTEP, (int)(debt / STEP > 1 << 20 ? 1 << 20 : debt / STEP));
    debt = 0;
}

/* ---- ops ----------------------------------------------------------------------------------------------------------- */

void bind_op(lua_State *L, const struct op *op, struct tensor *const *in, int nin, const union op_attrs *a) {
    struct tensor *out[OP_MAX_OUT];
    struct err e = {0};
    void **box = bind_box(L, BIND_TENSOR);
    bind_check(L, run_op(bind_run(L), op, in, nin, a, out, &e), &e);
    for (int k = 1; k < op->nout; k++) tensor_release(out[k]);
    *box = NULL;
    lua_pop(L, 1);
    bind_push_tensor(L, out[0]);
}

struct tensor *bind_cast(lua_State *L, struct tensor *x, enum dtype d) {
    if (x->dtype == d) return x;
    struct err e = {0};
    struct op_emitter emit = run_emitter(bind_run(L), &e);
    luaL_checkstack(L, 4, NULL);
    struct tensor *y = emit_cast(&emit, x, d);
    if (y) tensor_retain(y);
    op_emitter_close(&emit);
    bind_check(L, e.status, &e);
    if (y) bind_push_tensor(L, y);
    return y;
}

struct tensor *bind_float(lua_State *L, struct tensor *x) {
    return dtype_is_float(x->dtype) ? x : bind_cast(L, x, DT_FLOAT32);
}

/* ---- celda.* ------------------------------------------------------------------------------------------------------- */

static int celda_clock(lua_State *L) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    lua_pushnumber(L, (double)t.tv_sec + (double)t.tv_nsec * 1e-9);
    return 1;
}

/* Counters of the runtime, and memory: {eager_calls, program_calls, tensor_bytes, used_bytes, limit_bytes}. */
static int celda_stats(lua_State *L) {
    const struct run *r = bind_run(L);
    const struct {
        const char *name;
        double value;
    } field[] = {{"eager_calls", (double)r->eager_calls},
                 {"program_calls", (double)r->program_calls},
                 {"tensor_bytes", (double)mem_block_used()},
                 {"used_bytes", (double)mem_used()},
                 {"limit_bytes", (double)mem_limit()}};
    lua_newtable(L);
    for (size_t i = 0; i < sizeof field / sizeof *field; i++) {
        lua_pushinteger(L, (lua_Integer)field[i].value);
        lua_setfield(L, -2, field[i].name);
    }
    return 1;
}

/* celda.device([name]): the runtime device's name; with a name it is changed. */
static int celda_device(lua_State *L) {
    struct run *r = bind_run(L);
    struct err e = {0};
    if (!lua_isnoneornil(L, 1)) bind_check(L, run_set_device(r, luaL_checkstring(L, 1), &e), &e);
    lua_pushstring(L, r->device->name);
    return 1;
}

/* celda.devices(): {name = description or false, reason} for each kind there is a name for. */
static int celda_devices(lua_State *L) {
    static const char *const kind[] = {"cpu", "gpu", "tpu"};
    lua_newtable(L);
    for (size_t i = 0; i < sizeof kind / sizeof *kind; i++) {
        struct err e = {0};
        struct device *d;
        lua_newtable(L);
        lua_pushstring(L, kind[i]);
        lua_setfield(L, -2, "name");
        bool there = run_device(bind_run(L), kind[i], &d, &e) == OK;
        lua_pushboolean(L, there);
        lua_setfield(L, -2, "available");
        if (!there) {
            lua_pushstring(L, e.text);
            lua_setfield(L, -2, "reason");
        }
        lua_seti(L, -2, (lua_Integer)i + 1);
    }
    return 1;
}

/* celda.nearest(word, names): the name that was probably meant, or nil. */
static int celda_nearest(lua_State *L) {
    enum { MOST = 256 };
    const char *names[MOST + 1] = {0};
    luaL_checktype(L, 2, LUA_TTABLE);
    int n = (int)luaL_len(L, 2);
    luaL_checkstack(L, MOST + 4, NULL);
    for (int i = 0; i < n && i < MOST; i++) {
        lua_geti(L, 2, i + 1);
        names[i] = luaL_checkstring(L, -1);
    }
    lua_pushstring(L, nearest(luaL_checkstring(L, 1), names));
    return 1;
}

static void open_celda(lua_State *L) {
    static const luaL_Reg functions[] = {{"nearest", celda_nearest}, {"clock", celda_clock},     {"stats", celda_stats},
                                         {"device", celda_device},   {"devices", celda_devices}, {NULL, NULL}};
    luaL_newlib(L, functions);
    lua_pushliteral(L, CELDA_VERSION);
    lua_setfield(L, -2, "version");
    lua_setglobal(L, "celda");
}

void bind_open(lua_State *L, struct run *r) {
    lua_pushlightuserdata(L, r);
    lua_rawsetp(L, LUA_REGISTRYINDEX, &run_key);
    mem_on_pressure(collect_all, L);
    luaL_newmetatable(L, BIND_ERROR);
    lua_pushcfunction(L, error_tostring);
    lua_setfield(L, -2, "__tostring");
    lua_pop(L, 1);
    open_celda(L);
    bind_open_tensor(L);
    bind_open_tensor_functions(L);
    bind_open_random(L);
    bind_open_variable(L);
    bind_open_tape(L);
    bind_open_program(L);
    bind_open_files(L);
    bind_open_json(L);
    bind_open_objects(L);
}
