/* Expressions shown after each cell. Invariant: showing them is no part of a cell: it has no share in its time, in what is
 * undone, or in who depends on whom; and what goes wrong in one is a line, not an error. */
#include <lauxlib.h>
#include <string.h>

#include "base/cancel.h"
#include "base/mem.h"
#include "cell/array.h"
#include "cell/lua.h"
#include "session/internal.h"

int session_watch_count(const struct session *s) {
    return (int)s->watch_count;
}

const char *session_watch_at(const struct session *s, int i) {
    return s->watch[i];
}

/* ---- showing -------------------------------------------------------------------------------------------------------- */

/* A struct buf *, function -> its values in the text */
static int call_and_write(lua_State *L) {
    struct buf *out = lua_touserdata(L, 1);
    lua_call(L, 0, LUA_MULTRET);
    if (lua_gettop(L) == 1) lua_pushnil(L); /* as Lua takes a call without a value */
    for (int i = 2; i <= lua_gettop(L); i++) {
        if (i > 2) buf_puts(out, ", ");
        session_inspect(L, i, out);
    }
    return 0;
}

/* The values, or the message of the error. Leaves the stack as it was, but for a message. */
static bool evaluate(struct session *s, const char *code, struct buf *out) {
    lua_State *L = s->L;
    const int top = lua_gettop(L);
    int status = locals_load(L, s->locals, code, strlen(code), "=watch");
    if (status == LUA_OK) {
        lua_pushcfunction(L, call_and_write);
        lua_pushlightuserdata(L, out);
        lua_rotate(L, top + 1, 2);
        const bool outermost = !session_interrupt_running();
        s->lua_calls++;
        if (outermost) session_interrupt_begin(L);
        status = lua_pcall(L, 2, 0, 0);
        if (outermost) session_interrupt_end(L);
        s->lua_calls--;
        locals_keep(L, s->locals);
    }
    if (status != LUA_OK) {
        buf_free(out);
        buf_puts(out, lua_type(L, -1) == LUA_TSTRING ? lua_tostring(L, -1) : "an error that is no text");
    }
    lua_settop(L, top);
    return status == LUA_OK;
}

/* "x = 3"; a value of many lines stands below. */
static void show(struct session *s, const char *code) {
    struct buf value = {0}, line = {0};
    const bool fine = evaluate(s, code, &value);
    const char *text = buf_text(&value), *place = strncmp(text, "watch:1: ", 9) == 0 ? text + 9 : text;
    buf_printf(&line, "%s%s%s%s\n", code, fine ? " =" : ":", strchr(text, '\n') ? "\n" : " ", fine ? text : place);
    s->sink->text(s->sink, SINK_OUT, buf_text(&line), line.len);
    buf_free(&value);
    buf_free(&line);
}

void session_show_watches(struct session *s) {
    for (size_t i = 0; i < s->watch_count && !s->sink->quiet && !cancel_requested(); i++) show(s, s->watch[i]);
    if (s->depth == 0) session_interrupt_clear(); /* one that came meanwhile stopped an expression, not a cell */
}

/* ---- the list ------------------------------------------------------------------------------------------------------- */

static size_t find(const struct session *s, const char *code) {
    size_t i = 0;
    while (i < s->watch_count && strcmp(s->watch[i], code) != 0) i++;
    return i;
}

enum status session_watch(struct session *s, const char *code, struct err *e) {
    if (!cell_lua_is_expression(code, strlen(code)))
        return err_set(e, ERR_VALUE, "'%s' is no expression: only what has a value can be watched", code);
    if (find(s, code) == s->watch_count) {
        char *copy = mem_strdup(code, e), **place = copy ? ARRAY_PUSH(s->watch, s->watch_count, e) : NULL;
        if (!place) {
            mem_free(copy);
            return e->status;
        }
        *place = copy;
    }
    show(s, code);
    return OK;
}

enum status session_unwatch(struct session *s, const char *code, struct err *e) {
    const size_t i = find(s, code);
    if (i == s->watch_count) return err_set(e, ERR_NOT_FOUND, "'%s' is not watched", code);
    mem_free(s->watch[i]);
    memmove(s->watch + i, s->watch + i + 1, (--s->watch_count - i) * sizeof *s->watch);
    return OK;
}

void session_unwatch_all(struct session *s) {
    while (s->watch_count > 0) mem_free(s->watch[--s->watch_count]);
    mem_free(s->watch);
    s->watch = NULL;
}
