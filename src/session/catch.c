/* The functions of Lua's library that catch errors: pcall, xpcall, load, coroutine.resume and wrap. They do what Lua's own
 * do (lbaselib.c, lcorolib.c), and tell the interrupt which coroutine runs and that an error ends here. Invariant: an
 * interrupt goes past each of them. (coroutine.close only runs __close handlers, which are left alone.) */
#include <lauxlib.h>

#include "session/internal.h"

/* ---- pcall, xpcall, load ------------------------------------------------------------------------------------------- */

/* Results are true and what lies above the `skip` values at the bottom, or false and the error. */
static int finish(lua_State *L, int status, lua_KContext number, int skip) {
    session_catcher_leave(L, L, number);
    if (status == LUA_OK || status == LUA_YIELD) return lua_gettop(L) - skip;
    session_forget_coroutines(L);
    lua_pushboolean(L, false);
    lua_pushvalue(L, -2);
    return 2;
}

static int finish_pcall(lua_State *L, int status, lua_KContext number) {
    return finish(L, status, number, 0);
}

static int finish_xpcall(lua_State *L, int status, lua_KContext number) {
    return finish(L, status, number, 2);
}

static int catch_pcall(lua_State *L) {
    lua_KContext number = session_catcher_enter();
    luaL_checkany(L, 1);
    lua_pushboolean(L, true);
    lua_insert(L, 1);
    int status = lua_pcallk(L, lua_gettop(L) - 2, LUA_MULTRET, 0, number, finish_pcall);
    return finish_pcall(L, status, number);
}

static int catch_xpcall(lua_State *L) {
    lua_KContext number = session_catcher_enter();
    int n = lua_gettop(L);
    luaL_checktype(L, 2, LUA_TFUNCTION);
    lua_pushboolean(L, true);
    lua_pushvalue(L, 1);
    lua_rotate(L, 3, 2); /* f, handler, true, f, arguments */
    int status = lua_pcallk(L, n - 2, LUA_MULTRET, 2, number, finish_xpcall);
    return finish_xpcall(L, status, number);
}

/* load(...) catches the errors of the function that gives it text. Upvalue 1: Lua's own. */
static int catch_load(lua_State *L) {
    lua_KContext number = session_catcher_enter();
    lua_pushvalue(L, lua_upvalueindex(1));
    lua_insert(L, 1);
    lua_call(L, lua_gettop(L) - 1, LUA_MULTRET);
    session_catcher_leave(L, L, number);
    return lua_gettop(L);
}

/* ---- coroutines ---------------------------------------------------------------------------------------------------- */

/* Resumes co with n arguments from L. Moves its results to L and returns how many, or moves the error and returns -1. The
 * caller has entered, and leaves. */
static int resume(lua_State *L, lua_State *co, int n) {
    int results;
    if (!lua_checkstack(co, n)) {
        lua_pushliteral(L, "too many arguments to resume");
        return -1;
    }
    lua_xmove(L, co, n);
    lua_State *before = session_interrupt_switch(co);
    int status = lua_resume(co, L, n, &results);
    session_interrupt_switch(before);
    bool failed = status != LUA_OK && status != LUA_YIELD;
    if (!failed && !lua_checkstack(L, results + 1)) {
        lua_pop(co, results);
        lua_pushliteral(L, "too many results to resume");
        return -1;
    }
    lua_xmove(co, L, failed ? 1 : results);
    return failed ? -1 : results;
}

static int catch_resume(lua_State *L) {
    lua_KContext number = session_catcher_enter();
    lua_State *co = lua_tothread(L, 1);
    luaL_argexpected(L, co, 1, "coroutine");
    int n = resume(L, co, lua_gettop(L) - 1);
    int results = n < 0 ? 1 : n;
    session_catcher_leave(L, co, number);
    if (n < 0) session_forget_coroutines(L);
    lua_pushboolean(L, n >= 0);
    lua_insert(L, -(results + 1));
    return results + 1;
}

/* Closes the variables of a coroutine that failed, which may replace its error. */
static void close_failed(lua_State *L, lua_State *co) {
    lua_pop(L, 1);
    lua_resetthread(co);
    lua_xmove(co, L, 1);
}

static int wrapped(lua_State *L) {
    lua_KContext number = session_catcher_enter();
    lua_State *co = lua_tothread(L, lua_upvalueindex(1));
    int n = resume(L, co, lua_gettop(L)), status = lua_status(co);
    if (n >= 0) {
        session_catcher_leave(L, co, number);
        return n;
    }
    if (status != LUA_OK && status != LUA_YIELD) {
        session_keep_coroutine(L, co);
        close_failed(L, co);
    }
    session_catcher_leave(L, co, number);
    if (status != LUA_ERRMEM && lua_type(L, -1) == LUA_TSTRING) {
        luaL_where(L, 1);
        lua_insert(L, -2);
        lua_concat(L, 2);
    }
    return lua_error(L);
}

static int catch_wrap(lua_State *L) {
    luaL_checktype(L, 1, LUA_TFUNCTION);
    lua_State *co = lua_newthread(L);
    lua_pushvalue(L, 1);
    lua_xmove(L, co, 1);
    lua_pushcclosure(L, wrapped, 1);
    return 1;
}

/* ---- opening ------------------------------------------------------------------------------------------------------- */

/* Puts f in the place of a field of the table on top, with what stood there as its upvalue. */
static void replace(lua_State *L, const char *name, lua_CFunction f) {
    lua_getfield(L, -1, name);
    lua_pushcclosure(L, f, 1);
    lua_setfield(L, -2, name);
}

void session_open_catchers(lua_State *L) {
    lua_pushglobaltable(L);
    replace(L, "pcall", catch_pcall);
    replace(L, "xpcall", catch_xpcall);
    replace(L, "load", catch_load);
    lua_getfield(L, -1, "coroutine");
    replace(L, "resume", catch_resume);
    replace(L, "wrap", catch_wrap);
    lua_pop(L, 2);
}
