/* What a user reads of an error: the message, for a syntax error the line with a mark below, then the frames. Invariant:
 * the report is made while the error is raised, so that a message that itself runs Lua (__tostring) can be interrupted;
 * where no report could be made (no memory), the error's value speaks. */
#include <lauxlib.h>
#include <string.h>

#include "base/cancel.h"
#include "base/mem.h"
#include "bind/bind.h"
#include "cell/lua.h"
#include "session/internal.h"

/* ---- messages ------------------------------------------------------------------------------------------------------ */

/* A message that begins with a place in our own Lua gets the user's place instead. */
static void put_message(lua_State *L, const char *message, size_t n, struct buf *out) {
    const char *rest = strncmp(message, "celda:", 6) == 0 ? strstr(message, ": ") : NULL;
    if (!rest) {
        buf_put(out, message, n);
        return;
    }
    bind_push_where(L);
    buf_puts(out, lua_tostring(L, -1));
    buf_puts(out, rest + 2);
    lua_pop(L, 1);
}

/* An object speaks for itself through __tostring; other values are shown. */
static int write_object(lua_State *L) {
    struct buf *out = lua_touserdata(L, 2);
    if (luaL_getmetafield(L, 1, "__tostring") == LUA_TNIL) {
        buf_puts(out, "the error is ");
        session_inspect(L, 1, out);
    } else {
        buf_puts(out, luaL_tolstring(L, 1, NULL));
    }
    return 0;
}

static void put_object(lua_State *L, int index, struct buf *out) {
    lua_pushcfunction(L, write_object);
    lua_pushvalue(L, index);
    lua_pushlightuserdata(L, out);
    if (lua_pcall(L, 2, 0, 0) == LUA_OK) return;
    buf_free(out);
    buf_printf(out, "the error is a %s whose __tostring fails", luaL_typename(L, index));
    lua_pop(L, 1);
}

/* An error's kind, where the core made it: "IndexError". */
static enum status kind_of(lua_State *L, int index, const char **name) {
    *name = "Error";
    if (lua_type(L, index) == LUA_TSTRING && strcmp(lua_tostring(L, index), SESSION_INTERRUPTED) == 0) {
        *name = err_name(ERR_CANCELLED);
        return ERR_CANCELLED;
    }
    if (luaL_getmetafield(L, index, "__name") == LUA_TNIL) return ERR_VALUE;
    bool ours = lua_type(L, -1) == LUA_TSTRING && strcmp(lua_tostring(L, -1), "celda.error") == 0;
    lua_pop(L, 1);
    if (!ours || lua_getfield(L, index, "name") != LUA_TSTRING) return ERR_VALUE;
    enum status found = ERR_VALUE;
    for (enum status s = ERR_MEMORY; s <= ERR_CANCELLED; s++)
        if (strcmp(err_name(s), lua_tostring(L, -1)) == 0) found = s;
    lua_pop(L, 1);
    *name = err_name(found);
    return found;
}

static void begin_report(struct session_report *r, enum status status, const char *name) {
    buf_free(&r->text);
    r->status = status;
    r->name = name;
    r->message = 0;
}

/* A single frame that the message names already says nothing new. */
static void put_frames(lua_State *L, struct session_report *r) {
    struct buf frames = {0};
    int n = session_traceback(L, &frames);
    const char *in = n == 1 ? strstr(buf_text(&frames), ": in ") : NULL;
    size_t place = in ? (size_t)(in - frames.data) - 2 : 0;
    if (!place || strncmp(frames.data + 2, buf_text(&r->text), place) != 0) buf_put(&r->text, frames.data, frames.len);
    buf_free(&frames);
}

int session_on_error(lua_State *L) {
    struct session_report *r = &session_of(L)->report;
    const char *name;
    size_t n;
    if (!lua_checkstack(L, 20)) return 1;
    enum status status = kind_of(L, 1, &name);
    begin_report(r, status, name);
    const char *text = lua_type(L, 1) == LUA_TSTRING ? lua_tolstring(L, 1, &n) : NULL;
    struct buf mark = {0};
    if (text)
        put_message(L, text, n, &r->text);
    else
        put_object(L, 1, &r->text);
    if (status != ERR_CANCELLED && cancel_requested()) { /* while __tostring ran */
        begin_report(r, ERR_CANCELLED, SESSION_INTERRUPTED);
        buf_puts(&r->text, SESSION_INTERRUPTED);
    }
    if (r->status != ERR_CANCELLED) session_explain(L, &r->text, &mark);
    r->message = r->text.len;
    buf_putc(&r->text, '\n');
    buf_put(&r->text, buf_text(&mark), mark.len);
    buf_free(&mark);
    put_frames(L, r);
    return 1;
}

void session_report_value(lua_State *L, int status, struct session_report *r) {
    const char *text = lua_tostring(L, -1);
    if (status == LUA_ERRMEM) {
        begin_report(r, ERR_MEMORY, err_name(ERR_MEMORY));
        buf_printf(&r->text, "%s: not enough memory: %zu MB in use, limit %zu MB (%s)", r->name, mem_used() / 1000000,
                   mem_limit() / 1000000, mem_limit_source());
    } else {
        begin_report(r, ERR_VALUE, "Error");
        buf_puts(&r->text, text ? text : "error in error handling");
    }
    r->message = r->text.len;
    buf_putc(&r->text, '\n');
}

/* ---- syntax errors ------------------------------------------------------------------------------------------------- */

struct cell_span session_find_line(const char *text, size_t n, int number) {
    struct cell_span line = {0, 0};
    for (; number > 1; number--) {
        while (line.begin < n && text[line.begin] != '\n') line.begin++;
        line.begin += line.begin < n;
    }
    for (line.end = line.begin; line.end < n && text[line.end] != '\n';) line.end++;
    return line;
}

void session_report_syntax(lua_State *L, const char *source, size_t n, struct session_report *r) {
    struct cell_lua lua = {0};
    struct err e = {0};
    begin_report(r, ERR_VALUE, "SyntaxError");
    buf_puts(&r->text, lua_tostring(L, -1));
    r->message = r->text.len;
    buf_putc(&r->text, '\n');
    if (cell_lua_parse(source, n, &lua, &e) == OK && lua.status != CELL_LUA_COMPLETE) {
        const char *habit = session_habit(source, n, &lua);
        session_put_mark(source, n, lua.line, lua.column, 1, &r->text);
        if (habit) buf_printf(&r->text, "  %s\n", habit);
    }
    cell_lua_free(&lua);
}
