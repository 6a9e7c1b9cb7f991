/* Ctrl-C. The handler sets the cancel flag and arms a hook on the running coroutine, which raises at the next
 * instruction, call or return. While that error unwinds the hook is off, so that __close handlers run to their end;
 * whoever catches it (catch.c has them all) arms it again: so no pcall of the user's swallows an interrupt, and it goes up
 * to the cell's outermost one. Invariant: hooks are armed only while a cell's Lua runs; no permanent hook slows a cell
 * down (one would cost 35 %). */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <unistd.h>

#include "base/cancel.h"
#include "session/internal.h"

enum { DEEPEST = 200 }; /* levels looked through for a __close handler */

static _Atomic(lua_State *) current; /* the coroutine that runs; NULL while no cell's Lua does */
static atomic_int presses;           /* since the outermost cell began */
static int pipe_end[2] = {-1, -1};
static pthread_t main_thread;
static atomic_bool installed;

/* The error on its way up: raised on this coroutine when that many catchers had been entered in all. */
static lua_State *unwinding;
static lua_KContext entered, raised_at;

/* ---- the hook ------------------------------------------------------------------------------------------------------ */

static void hook(lua_State *L, lua_Debug *ar);

static void arm(lua_State *L) {
    lua_sethook(L, hook, LUA_MASKCALL | LUA_MASKRET | LUA_MASKCOUNT, 1);
}

/* The level of the innermost __close handler that runs now, in the normal course of things; -1: none. (Lua itself keeps
 * hooks off while __gc runs.) */
static int closing_level(lua_State *L) {
    lua_Debug ar;
    for (int level = 0; level < DEEPEST && lua_getstack(L, level, &ar); level++)
        if (lua_getinfo(L, "n", &ar) && ar.name && strcmp(ar.namewhat, "metamethod") == 0 &&
            strcmp(ar.name, "close") == 0)
            return level;
    return -1;
}

/* Inside a __close handler only returns are of interest: after the handler's own, the hook is armed again. */
static bool wait_for_close(lua_State *L, const lua_Debug *ar) {
    int level = closing_level(L);
    if (level < 0) return false;
    if (ar->event == LUA_HOOKRET && level == 0)
        arm(L);
    else
        lua_sethook(L, hook, LUA_MASKRET, 0);
    return true;
}

static void hook(lua_State *L, lua_Debug *ar) {
    bool wanted = cancel_requested() && atomic_load(&current);
    if (wanted && presses < 3 && wait_for_close(L, ar)) return;
    lua_sethook(L, NULL, 0, 0);
    if (!wanted) return; /* a coroutine that an earlier interrupt left behind */
    unwinding = L;
    raised_at = entered;
    lua_pushliteral(L, SESSION_INTERRUPTED);
    lua_error(L);
}

lua_KContext session_catcher_enter(void) {
    return ++entered;
}

void session_catcher_leave(lua_State *L, lua_State *from, lua_KContext number) {
    bool caught = unwinding == from && number <= raised_at;
    if (caught) unwinding = NULL;
    session_interrupt_check(L);
}

lua_State *session_interrupt_switch(lua_State *to) {
    lua_State *before = atomic_load(&current);
    if (!before) return NULL;
    atomic_store(&current, to);
    if (cancel_requested() && !unwinding) arm(to);
    return before;
}

/* ---- the signal ---------------------------------------------------------------------------------------------------- */

/* The first stops the cell. What cannot be stopped is said at the second. The third stops __close handlers, too. */
static void on_signal(int number) {
    static const char waiting[] = "\nwaiting for a library's function (or a __close handler) to return; "
                                  "the cell stops then\n";
    int saved = errno;
    if (installed && !pthread_equal(pthread_self(), main_thread)) {
        pthread_kill(main_thread, number);
        errno = saved;
        return;
    }
    lua_State *L = atomic_load(&current);
    cancel_request();
    int press = L ? atomic_fetch_add(&presses, 1) + 1 : 0;
    if (press == 1 || press > 2) arm(L);
    if (press == 2 && write(STDERR_FILENO, waiting, sizeof waiting - 1) < 0) errno = 0;
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

void session_interrupt_clear(void) {
    char drained[64];
    cancel_clear();
    presses = 0;
    while (pipe_end[0] >= 0 && read(pipe_end[0], drained, sizeof drained) > 0) {
    }
}

void session_interrupt_begin(lua_State *L) {
    unwinding = NULL;
    atomic_store(&current, L);
    if (cancel_requested()) arm(L); /* it came between two cells of a run */
}

lua_State *session_interrupt_coroutine(void) {
    return atomic_load(&current);
}

void session_interrupt_check(lua_State *L) {
    if (cancel_requested() && !unwinding && atomic_load(&current)) arm(L);
}

bool session_interrupt_running(void) {
    return atomic_load(&current) != NULL;
}

void session_interrupt_end(lua_State *L) {
    atomic_store(&current, NULL);
    unwinding = NULL;
    lua_sethook(L, NULL, 0, 0);
}
