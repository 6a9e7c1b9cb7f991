/* The table `celda`: clock, counters, and what fit needs of the runtime; device.c adds devices. */
#include <time.h>

#include "base/mem.h"
#include "base/threads.h"
#include "bind/internal.h"

/* Seconds on a clock that only goes forward, when the runtime device has done all it was given: so that a difference of
 * two is what the work between them took. */
static int celda_clock(lua_State *L) {
    struct device *d = bind_run(L)->device;
    struct err e = {0};
    struct timespec t;
    bind_check(L, d->driver->sync(d, &e), &e);
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

/* celda.operation(name): what an operation of tensors computes, or nil. */
static int celda_operation(lua_State *L) {
    const struct op *op = bind_op_named(luaL_checkstring(L, 1));
    lua_pushstring(L, op ? op->doc : NULL);
    return 1;
}

void bind_open_celda(lua_State *L, int core) {
    static const luaL_Reg functions[] = {
        {"clock", celda_clock}, {"stats", celda_stats}, {"operation", celda_operation}, {NULL, NULL}};
    luaL_newlib(L, functions);
    bind_open_device(L);
    lua_pushliteral(L, CELDA_VERSION);
    lua_setfield(L, -2, "version");
    lua_getfield(L, core, "trace");
    lua_setfield(L, -2, "trace");
    lua_setglobal(L, "celda");
}
