/* Devices in Lua: which there are, and device(NAME), which moves the session's state to one and, at the end of a scope or of
 * a function, back again. */
#include "bind/internal.h"

#define BIND_SCOPE "celda.device"

static void set_device(lua_State *L, const char *name) {
    struct err e = {0};
    lua_gc(L, LUA_GCCOLLECT); /* what is dead need not move */
    bind_check(L, run_set_device(bind_run(L), name, &e), &e);
}

/* ---- device(NAME) ------------------------------------------------------------------------------------------------- */

/* The device before, which is open as long as the run; NULL: it is the runtime's again. */
static int close_scope(lua_State *L) {
    struct device *before = bind_take(L, BIND_SCOPE);
    if (before) set_device(L, before->name);
    return 0;
}

static int scope_text(lua_State *L) {
    lua_pushstring(L, bind_run(L)->device->name);
    return 1;
}

static int finish_call(lua_State *L, int status, lua_KContext scope) {
    (void)status;
    return lua_gettop(L) - (int)scope;
}

/* device(): the runtime device's name. device(name): that one is the runtime's from now on, and all that lives on the one
 * before moves there; a `local _ <close> =` moves it back at the end of its scope. device(name, f, ...): during f(...). */
static int device_of(lua_State *L) {
    const int n = lua_gettop(L);
    if (lua_isnoneornil(L, 1)) return scope_text(L);
    const char *name = luaL_checkstring(L, 1);
    if (n > 1) luaL_checktype(L, 2, LUA_TFUNCTION);
    void **before = bind_box(L, BIND_SCOPE);
    struct device *device = bind_run(L)->device;
    set_device(L, name);
    *before = device;
    if (n < 2) return 1;
    lua_insert(L, 2);
    lua_toclose(L, 2);
    lua_callk(L, n - 2, LUA_MULTRET, 2, finish_call);
    return finish_call(L, LUA_OK, 2);
}

/* ---- devices() ---------------------------------------------------------------------------------------------------- */

/* Fills the table on the stack's top for one device. */
static void describe_device(lua_State *L, const char *name) {
    struct err e = {0};
    struct device *d;
    enum status s = run_device(bind_run(L), name, &d, &e);
    lua_pushstring(L, s ? name : d->name);
    lua_setfield(L, -2, "name");
    lua_pushboolean(L, s == OK);
    lua_setfield(L, -2, "available");
    if (s) {
        lua_pushstring(L, e.text);
        lua_setfield(L, -2, "reason");
        return;
    }
    struct buf *text = bind_new_buf(L);
    d->driver->describe(d, text);
    bind_push_buf(L, text);
    lua_setfield(L, -3, "description");
    lua_pop(L, 1);
}

/* celda.devices(): a list of {name, available, description or reason}. */
static int devices(lua_State *L) {
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

void bind_open_device(lua_State *L) {
    static const luaL_Reg events[] = {{"__close", close_scope}, {"__tostring", scope_text}, {NULL, NULL}};
    luaL_newmetatable(L, BIND_SCOPE);
    luaL_setfuncs(L, events, 0);
    lua_pop(L, 1);
    lua_pushcfunction(L, devices);
    lua_setfield(L, -2, "devices");
    lua_pushcfunction(L, device_of);
    lua_pushvalue(L, -1);
    lua_setglobal(L, "device");
    lua_setfield(L, -2, "device");
}
