/* Where the time goes, by the user's lines: a timer's signal arms a hook on the running coroutine, which counts the time
 * since the last one to the innermost line that is the user's at the next instruction, call or return; so the time of a C
 * function is its caller's line's. Invariant: between samples no hook is armed, and an interrupt's always goes first. */
#include <lauxlib.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/cancel.h"
#include "base/clock.h"
#include "base/mem.h"
#include "cell/array.h"
#include "session/internal.h"

#ifndef sigev_notify_thread_id
#define sigev_notify_thread_id _sigev_un._tid
#endif

enum { INTERVAL = 1000000, DEEPEST = 200, SHOWN = 15 }; /* ns; levels looked through; lines of the report */

struct line {
    char *source; /* as Lua has it: "=[3]", "@file.lua"; "" for celda's own work */
    int number;
    double seconds;
};

/* One is taken at a time: signals are the process's. */
static struct {
    volatile sig_atomic_t on;
    timer_t timer;
    struct sigaction before;
    double first, last; /* when it began, and when the last sample was taken */
    int samples;
    struct line *line;
    size_t count;
    struct err err;
} taken;

/* ---- samples -------------------------------------------------------------------------------------------------------- */

static struct line *find(const char *source, int number) {
    for (size_t i = 0; i < taken.count; i++)
        if (taken.line[i].number == number && strcmp(taken.line[i].source, source) == 0) return &taken.line[i];
    char *copy = mem_strdup(source, &taken.err);
    struct line *l = copy ? ARRAY_PUSH(taken.line, taken.count, &taken.err) : NULL;
    if (l)
        *l = (struct line){copy, number, 0};
    else
        mem_free(copy);
    return l;
}

static struct line *current_line(lua_State *L) {
    lua_Debug ar;
    for (int level = 0; level < DEEPEST && lua_getstack(L, level, &ar); level++) {
        lua_getinfo(L, "Sl", &ar);
        if (session_is_users(&ar)) return find(ar.source, ar.currentline);
    }
    return find("", 0);
}

static void hook(lua_State *L, lua_Debug *ar) {
    (void)ar;
    lua_sethook(L, NULL, 0, 0);
    session_interrupt_check(L); /* one that came meanwhile has lost its hook */
    if (!taken.on) return;      /* a coroutine that slept since then */
    const double now = clock_now();
    struct line *l = current_line(L);
    if (l) l->seconds += now - taken.last;
    taken.last = now;
    taken.samples++;
}

/* A hook that is there is an interrupt's, the user's, or waits for its sample. */
static void on_tick(int number) {
    lua_State *L = session_interrupt_coroutine();
    (void)number;
    if (L && !cancel_requested() && lua_gethookmask(L) == 0)
        lua_sethook(L, hook, LUA_MASKCALL | LUA_MASKRET | LUA_MASKCOUNT, 1);
}

/* ---- beginning and ending ------------------------------------------------------------------------------------------- */

static bool start_timer(void) {
    struct sigevent event = {.sigev_notify = SIGEV_THREAD_ID, .sigev_signo = SIGPROF};
    const struct itimerspec every = {{.tv_nsec = INTERVAL}, {.tv_nsec = INTERVAL}};
    event.sigev_notify_thread_id = gettid();
    if (timer_create(CLOCK_MONOTONIC, &event, &taken.timer)) return false;
    if (timer_settime(taken.timer, 0, &every, NULL) == 0) return true;
    timer_delete(taken.timer);
    return false;
}

enum status session_sample_begin(struct err *e) {
    struct sigaction action = {.sa_handler = on_tick, .sa_flags = SA_RESTART};
    if (taken.on) return err_set(e, ERR_STATE, "samples are being taken already");
    sigemptyset(&action.sa_mask);
    sigaddset(&action.sa_mask, SIGINT);
    taken.first = taken.last = clock_now();
    taken.samples = 0;
    sigaction(SIGPROF, &action, &taken.before);
    taken.on = start_timer();
    if (taken.on) return OK;
    sigaction(SIGPROF, &taken.before, NULL);
    return err_set(e, ERR_STATE, "this system gives no timer for samples");
}

static void forget(void) {
    for (size_t i = 0; i < taken.count; i++) mem_free(taken.line[i].source);
    mem_free(taken.line);
    taken.line = NULL;
    taken.count = 0;
    taken.err = (struct err){0};
}

/* ---- the report ----------------------------------------------------------------------------------------------------- */

static int slower_first(const void *a, const void *b) {
    const struct line *x = a, *y = b;
    return x->seconds > y->seconds ? -1 : x->seconds < y->seconds;
}

/* Leaves so many columns of the text behind `start`. */
static void cut(struct buf *out, size_t start, int columns) {
    for (size_t i = start; i < out->len; i++) {
        const bool continues = ((unsigned char)out->data[i] & 0xC0) == 0x80;
        if (continues || columns-- > 0) continue;
        out->data[out->len = i] = 0;
    }
}

static void print_line(lua_State *L, const struct line *l, double whole, struct buf *out) {
    const size_t start = out->len;
    lua_Debug ar;
    buf_printf(out, "%6.1f %9.1f  ", 100 * l->seconds / whole, l->seconds * 1e3);
    if (l->number == 0) {
        buf_puts(out, "celda\n");
        return;
    }
    if (luaL_loadbufferx(L, "", 0, l->source, "t") != LUA_OK) lua_error(L);
    lua_getinfo(L, ">S", &ar); /* the source's name as messages have it */
    buf_printf(out, "%s:%d  ", ar.short_src, l->number);
    session_put_source_line(L, l->source, l->number, out);
    cut(out, start, session_of(L)->sink->width);
    buf_putc(out, '\n');
}

/* A struct buf * -> the text; protected, since sources are Lua's. */
static int write_report(lua_State *L) {
    struct buf *out = lua_touserdata(L, 1);
    const double whole = taken.last - taken.first;
    double rest = 0;
    buf_puts(out, "     %        ms  line\n");
    for (size_t i = 0; i < taken.count && i < SHOWN; i++) print_line(L, &taken.line[i], whole, out);
    for (size_t i = SHOWN; i < taken.count; i++) rest += taken.line[i].seconds;
    if (taken.count > SHOWN)
        buf_printf(out, "%6.1f %9.1f  %zu more\n", 100 * rest / whole, rest * 1e3, taken.count - SHOWN);
    return 0;
}

double session_sample_end(struct session *s, struct buf *out) {
    const double seconds = clock_now() - taken.first;
    timer_delete(taken.timer);
    taken.on = false;
    sigaction(SIGPROF, &taken.before, NULL);
    if (taken.count > 0) qsort(taken.line, taken.count, sizeof *taken.line, slower_first);
    buf_printf(out, "%d samples in %.3g s\n", taken.samples, seconds);
    if (taken.samples > 0) {
        lua_pushcfunction(s->L, write_report);
        lua_pushlightuserdata(s->L, out);
        if (lua_pcall(s->L, 1, 0, 0) != LUA_OK) lua_pop(s->L, 1);
    }
    forget();
    return seconds;
}
