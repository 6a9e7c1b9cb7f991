/* Whole training steps as graphs: tests/bind/steps.lua, with what only C can ask of a program. */
#include <lauxlib.h>

#include "bind/internal.h"
#include "device/device.h"
#include "support/host.h"

/* passes(n): the passes that programs traced from now on go through; returns those before. */
static int passes(lua_State *L) {
    struct run *r = bind_run(L);
    lua_pushinteger(L, r->passes);
    r->passes = (unsigned)luaL_checkinteger(L, 1);
    return 1;
}

/* on_null(program): compiles its graph for the null device, which checks the schedule, and runs it there; returns the
 * bytes of its arena. */
static int on_null(lua_State *L) {
    struct err e = {0};
    struct device *d = NULL;
    struct device_program *p = NULL;
    uint64_t ticket;
    const struct graph *g = program_graph(bind_unbox(L, 1, BIND_PROGRAM));
    if (device_open("null", 0, &d, &e) || d->driver->compile(d, g, &p, &e) ||
        d->driver->execute(d, p, NULL, NULL, &ticket, &e))
        return luaL_error(L, "%s", e.text);
    lua_pushinteger(L, (lua_Integer)d->driver->program_bytes(d, p, NULL));
    d->driver->program_free(d, p);
    d->driver->close(d);
    return 1;
}

static void open_functions(lua_State *L) {
    lua_register(L, "passes", passes);
    lua_register(L, "on_null", on_null);
    lua_pushinteger(L, GRAPH_ALL);
    lua_setglobal(L, "ALL");
    lua_pushinteger(L, GRAPH_FUSE);
    lua_setglobal(L, "FUSE");
    lua_pushinteger(L, GRAPH_CSE | GRAPH_DCE);
    lua_setglobal(L, "PRUNE");
}

int main(void) {
    return host_main_with("tests/bind/steps.lua", open_functions);
}
