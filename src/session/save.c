/* Saving and loading a session: what lua/celda does, called as a cell's code is, and reported in words. */
#include <lauxlib.h>
#include <string.h>
#include <time.h>

#include "base/mem.h"
#include "session/internal.h"

/* Protected, since strings need memory: a struct session_call -> results */
static int call(lua_State *L) {
    const struct session_call *c = lua_touserdata(L, 1);
    session_push_function(L, c->module, c->name);
    lua_pushstring(L, c->path);
    lua_pushboolean(L, c->flag);
    lua_call(L, 2, LUA_MULTRET);
    return lua_gettop(L) - 1;
}

static enum status take_error(struct session *s, int status, struct err *e) {
    struct session_report *r = &s->report;
    if (status == LUA_ERRMEM)
        session_report_value(s->L, status, r);
    else if (!r->text.len) /* not even for the message */
        err_set(e, ERR_MEMORY, "not enough memory");
    /* "OSError: '...' ...": the name is the status's */
    size_t name = strlen(r->name) + 2, skip = r->message > name && !strncmp(r->text.data, r->name, name - 2) ? name : 0;
    err_set(e, r->status, "%.*s", (int)(r->message - skip), buf_text(&r->text) + skip);
    buf_free(&r->text);
    lua_pop(s->L, 1);
    return e->status;
}

enum status session_call(struct session *s, const struct session_call *c, int results, struct err *e) {
    lua_State *L = s->L;
    int at = lua_gettop(L) + 1;
    lua_pushcfunction(L, session_on_error);
    lua_pushcfunction(L, call);
    lua_pushlightuserdata(L, (void *)c);
    buf_free(&s->report.text);
    session_forget_coroutines(L);
    s->lua_calls++;
    bool outermost = !session_interrupt_running();
    if (outermost) session_interrupt_begin(L);
    int status = lua_pcall(L, 1, results, at);
    if (outermost) session_interrupt_end(L);
    s->lua_calls--;
    lua_remove(L, at);
    return status == LUA_OK ? OK : take_error(s, status, e);
}

void session_report_list(lua_State *L, int index, const char *head, struct buf *report) {
    lua_Integer n = (lua_Integer)lua_rawlen(L, index);
    if (n > 0) buf_puts(report, head);
    for (lua_Integer i = 1; i <= n; i++) {
        lua_rawgeti(L, index, i);
        lua_rawgeti(L, -1, 1);
        lua_rawgeti(L, -2, 2);
        buf_printf(report, "  %s: %s\n", lua_tostring(L, -2), lua_tostring(L, -1));
        lua_pop(L, 3);
    }
}

static const char *plural(lua_Integer n) {
    return n == 1 ? "" : "s";
}

enum status session_save(struct session *s, const char *path, struct buf *report, struct err *e) {
    lua_State *L = s->L;
    int top = lua_gettop(L);
    if (session_call(s, &(struct session_call){"celda.save", "session", path, false}, 2, e)) return e->status;
    lua_Integer n = lua_tointeger(L, top + 1);
    buf_printf(report, "saved %lld variable%s to %s\n", n, plural(n), path);
    session_report_list(L, top + 2, "not saved:\n", report);
    lua_settop(L, top);
    return buf_status(report, e);
}

static void report_time(lua_State *L, int index, struct buf *report) {
    char text[64] = "";
    time_t when = (time_t)lua_tointeger(L, index);
    struct tm local;
    if (lua_isinteger(L, index) && localtime_r(&when, &local))
        strftime(text, sizeof text, ", saved %Y-%m-%d %H:%M", &local);
    buf_puts(report, text);
}

enum status session_report_room(struct buf *report, struct err *e) {
    enum { MOST = 512 }; /* bytes of most reports */
    return buf_room(report, MOST) ? OK : buf_status(report, e);
}

void session_report_loaded(lua_State *L, int first, const char *path, struct buf *report) {
    lua_Integer n = lua_tointeger(L, first);
    buf_printf(report, "loaded %lld variable%s from %s", n, plural(n), path);
    report_time(L, first + 3, report);
    buf_putc(report, '\n');
    session_report_list(L, first + 1, "not in it, since they could not be saved:\n", report);
    session_report_list(L, first + 2, "lost:\n", report);
}

enum status session_load(struct session *s, const char *path, bool salvage, struct buf *report, struct err *e) {
    lua_State *L = s->L;
    int top = lua_gettop(L);
    if (session_report_room(report, e) != OK) return e->status;
    if (session_call(s, &(struct session_call){"celda.load", "session", path, salvage}, 4, e)) return e->status;
    session_report_loaded(L, top + 1, path, report);
    lua_settop(L, top);
    return OK;
}
