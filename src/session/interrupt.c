/* Ctrl-C. The handler sets the cancel flag and arms a hook on the running coroutine, which raises at each of the next
 * instructions, calls and returns until the cell's outermost pcall has been reached: a pcall of the user's cannot swallow
 * it. Invariant: hooks are armed only between session_interrupt_begin and _end; no permanent hook slows a cell down (one
 * would cost 35 %). */
#include <errno.h>
#include <fcntl.h>
#include <lauxlib.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <unistd.h>

#include "base/cancel.h"
#include "session/internal.h"

static _Atomic(lua_State *) current; /* the coroutine that runs; NULL while no cell does */
static atomic_int presses;           /* in this cell */
static int pipe_end[2] = {-1, -1};
static pthread_t main_thread;
static atomic_bool installed;

/* __close handlers run to their end; finalizers do by Lua's own doing (it switches hooks off for them). */
static bool is_closing(lua_State *L) {
    lua_Debug ar;
    for (int level = 0; level < 1000 && lua_getstack(L, level, &ar); level++)
        if (lua_getinfo(L, "n", &ar) && ar.name && strcmp(ar.namewhat, "metamethod") == 0 &&
            strcmp(ar.name, "close") == 0)
            return true;
    return false;
}

/* The message handler is called with the hook still armed: it must not be interrupted itself. */
static bool is_message_handler(lua_State *L, lua_Debug *ar) {
    lua_getinfo(L, "f", ar);
    bool own = lua_tocfunction(L, -1) == session_on_error;
    lua_pop(L, 1);
    return own;
}

static void hook(lua_State *L, lua_Debug *ar) {
    if (!cancel_requested()) {
        lua_sethook(L, NULL, 0, 0); /* a coroutine that an earlier interrupt left behind */
        return;
    }
    if (is_message_handler(L, ar) || is_closing(L)) return;
    lua_pushliteral(L, "KeyboardInterrupt");
    lua_error(L);
}

static void arm(lua_State *L) {
    lua_sethook(L, hook, LUA_MASKCALL | LUA_MASKRET | LUA_MASKCOUNT, 1);
}

static void on_signal(int number) {
    static const char waiting[] = "\nStill waiting for a library call to return; it will stop then.\n";
    int saved = errno;
    lua_State *L = atomic_load(&current);
    (void)number;
    cancel_request();
    if (L) arm(L);
    if (L && atomic_fetch_add(&presses, 1) == 1 && write(STDERR_FILENO, waiting, sizeof waiting - 1) < 0) errno = 0;
    if (pipe_end[1] >= 0 && write(pipe_end[1], "i", 1) < 0) errno = 0;
    errno = saved;
}

enum status session_catch_interrupts(struct session *s, int *fd, struct err *e) {
    (void)s;
    struct sigaction action = {.sa_handler = on_signal}; /* no SA_RESTART: a blocking read returns */
    if (pipe_end[0] < 0 && pipe2(pipe_end, O_CLOEXEC | O_NONBLOCK))
        return err_set(e, ERR_IO, "cannot make a pipe for interrupts: %s", strerror(errno));
    sigemptyset(&action.sa_mask);
    main_thread = pthread_self();
    if (sigaction(SIGINT, &action, NULL)) return err_set(e, ERR_IO, "cannot catch interrupts: %s", strerror(errno));
    installed = true;
    *fd = pipe_end[0];
    return OK;
}

void session_interrupt(void) {
    if (installed)
        pthread_kill(main_thread, SIGINT);
    else
        on_signal(SIGINT);
}

void session_interrupt_begin(lua_State *L) {
    cancel_clear();
    presses = 0;
    atomic_store(&current, L);
}

void session_interrupt_end(lua_State *L) {
    char drained[64];
    atomic_store(&current, NULL);
    lua_sethook(L, NULL, 0, 0);
    cancel_clear();
    while (pipe_end[0] >= 0 && read(pipe_end[0], drained, sizeof drained) > 0) {
    }
}

/* ---- coroutines: as Lua's own library has them, but the interrupt knows which one runs ------------------------------- */

/* Resumes co with narg values from L; pushes its results on L and returns how many, or -1 with the error pushed. */
static int resume(lua_State *L, lua_State *co, int narg) {
    int nres;
    if (!lua_checkstack(co, narg)) {
        lua_pushliteral(L, "too many arguments to resume");
        return -1;
    }
    lua_xmove(L, co, narg);
    lua_State *before = atomic_exchange(&current, co);
    if (cancel_requested() && before) arm(co);
    int status = lua_resume(co, L, narg, &nres);
    atomic_store(&current, before);
    if (cancel_requested() && before) arm(L);
    if (status == LUA_OK || status == LUA_YIELD) {
        if (!lua_checkstack(L, nres + 1)) {
            lua_pop(co, nres);
            lua_pushliteral(L, "too many results to resume");
            return -1;
        }
        lua_xmove(co, L, nres);
        return nres;
    }
    lua_xmove(co, L, 1);
    return -1;
}

static int coroutine_resume(lua_State *L) {
    lua_State *co = lua_tothread(L, 1);
    luaL_argexpected(L, co, 1, "coroutine");
    int n = resume(L, co, lua_gettop(L) - 1);
    lua_pushboolean(L, n >= 0);
    lua_insert(L, n >= 0 ? -(n + 1) : -2);
    return n >= 0 ? n + 1 : 2;
}

static int wrapped(lua_State *L) {
    lua_State *co = lua_tothread(L, lua_upvalueindex(1));
    int n = resume(L, co, lua_gettop(L));
    if (n >= 0) return n;
    int status = lua_status(co);
    if (status != LUA_OK && status != LUA_YIELD) {
        lua_resetthread(co); /* closes its pending variables; the error may be theirs */
        lua_xmove(co, L, 1);
    }
    if (lua_type(L, -1) == LUA_TSTRING) {
        luaL_where(L, 1);
        lua_insert(L, -2);
        lua_concat(L, 2);
    }
    return lua_error(L);
}

static int coroutine_wrap(lua_State *L) {
    luaL_checktype(L, 1, LUA_TFUNCTION);
    lua_State *co = lua_newthread(L);
    lua_pushvalue(L, 1);
    lua_xmove(L, co, 1);
    lua_pushcclosure(L, wrapped, 1);
    return 1;
}

void session_open_coroutines(lua_State *L) {
    lua_getglobal(L, "coroutine");
    lua_pushcfunction(L, coroutine_resume);
    lua_setfield(L, -2, "resume");
    lua_pushcfunction(L, coroutine_wrap);
    lua_setfield(L, -2, "wrap");
    lua_pop(L, 1);
}
