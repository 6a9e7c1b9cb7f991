/* The table `celda`: clock, counters, devices, and what fit needs of the runtime. */
#include <time.h>

#include "base/mem.h"
#include "base/threads.h"
#include "bind/internal.h"

/* Seconds on a clock that only goes forward. */
static int celda_clock(lua_State *L) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    lua_pushnumber(L, (double)t.tv_sec + (double)t.tv_nsec * 1e-9);
    return 1;
}

/* Counters: ops run one by one, programs called, bytes held and allowed. */
static int celda_stats(lua_State *L) {
    const struct run *r = bind_run(L);
    const struct {
        const char *name;
        uint64_t value;
    } field[] = {{"eager_calls", r->eager_calls},
                 {"program_calls", r->program_calls},
                 {"tensor_bytes", mem_block_used()},
                 {"used_bytes", mem_used()},
                 {"peak_bytes", mem_peak()},
                 {"limit_bytes", mem_limit()},
                 {"threads", (uint64_t)threads_available()}};
    lua_createtable(L, 0, sizeof field / sizeof *field);
    for (size_t i = 0; i < sizeof field / sizeof *field; i++) {
        lua_pushinteger(L, (lua_Integer)field[i].value);
        lua_setfield(L, -2, field[i].name);
    }
    return 1;
}

/* celda.device([name]): the runtime device's name; a name makes that device the runtime's and moves all variables. */
static int celda_device(lua_State *L) {
    struct run *r = bind_run(L);
    struct err e = {0};
    if (!lua_isnoneornil(L, 1)) bind_check(L, run_set_device(r, luaL_checkstring(L, 1), &e), &e);
    lua_pushstring(L, r->device->name);
    return 1;
}

/* Fills the table on the stack's top for one device. */
static void describe_device(lua_State *L, const char *name) {
    struct err e = {0};
    struct device *d;
    enum status s = run_device(bind_run(L), name, &d, &e);
    lua_pushstring(L, name);
    lua_setfield(L, -2, "name");
    lua_pushboolean(L, s == OK);
    lua_setfield(L, -2, "available");
    if (s) {
        lua_pushstring(L, e.text);
        lua_setfield(L, -2, "reason");
    } else {
        struct buf *text = bind_new_buf(L);
        d->driver->describe(d, text);
        bind_push_buf(L, text);
        lua_setfield(L, -3, "description");
        lua_pop(L, 1);
    }
}

/* celda.devices(): a list of {name, available, description or reason}. */
static int celda_devices(lua_State *L) {
    static const char *const names[] = {"cpu", "gpu", "opencl", "tpu"};
    const int n = sizeof names / sizeof *names;
    lua_createtable(L, n, 0);
    for (int i = 0; i < n; i++) {
        lua_createtable(L, 0, 3);
        describe_device(L, names[i]);
        lua_rawseti(L, -2, i + 1);
    }
    return 1;
}

/* celda.operation(name): what an operation of tensors computes, or nil. */
static int celda_operation(lua_State *L) {
    const struct op *op = op_find(luaL_checkstring(L, 1));
    lua_pushstring(L, op ? op->doc : NULL);
    return 1;
}

void bind_open_celda(lua_State *L, int core) {
    static const luaL_Reg functions[] = {{"clock", celda_clock},         {"stats", celda_stats},
                                         {"device", celda_device},       {"devices", celda_devices},
                                         {"operation", celda_operation}, {NULL, NULL}};
    luaL_newlib(L, functions);
    lua_pushliteral(L, CELDA_VERSION);
    lua_setfield(L, -2, "version");
    lua_getfield(L, core, "trace");
    lua_setfield(L, -2, "trace");
    lua_setglobal(L, "celda");
}
