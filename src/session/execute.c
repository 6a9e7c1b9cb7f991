/* Running a cell. Invariant: whatever the cell does, session_run returns with the Lua stack as it was, no hook armed, no
 * tape recording and no trace open, and everything computed before an error is kept. */
#include <lauxlib.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cancel.h"
#include "base/mem.h"
#include "cell/lua.h"
#include "cell/magic_line.h"
#include "session/checkpoint.h"
#include "session/internal.h"

/* ---- the value of a last expression -------------------------------------------------------------------------------- */

/* Whether the last statement is an expression that is no call. */
static bool ends_in_expression(const char *source, size_t n) {
    struct cell_lua lua = {0};
    struct err e = {0};
    const bool expression = cell_lua_parse(source, n, &lua, &e) == OK && lua.status == CELL_LUA_COMPLETE &&
                            lua.last.begin < lua.last.end && !lua.last_is_call;
    cell_lua_free(&lua);
    return expression;
}

/* A call that gives nothing but nil shows nothing, nor does io.write(...), which was seen already; another expression
 * shows what it is. */
static bool has_values(lua_State *L, int top, const char *source, size_t n) {
    const bool seen = lua_gettop(L) == top + 1 && session_is_output(L, top + 1);
    for (int i = top + 1; !seen && i <= lua_gettop(L); i++)
        if (!lua_isnil(L, i)) return true;
    return lua_gettop(L) > top && ends_in_expression(source, n);
}

static int on_error(lua_State *L) {
    session_on_error(L);
    session_keep_frames(L);
    return 1;
}

/* Calls the function on the stack over its n arguments with our message handler. */
static int call_protected(lua_State *L, int n, int results) {
    int at = lua_gettop(L) - n;
    lua_pushcfunction(L, on_error);
    lua_insert(L, at);
    int status = lua_pcall(L, n, results, at);
    lua_remove(L, at);
    return status;
}

/* Nothing here needs memory outside of the protected call. */
static int display(lua_State *L, int first, struct buf *text) {
    int n = lua_gettop(L) - first + 1;
    lua_pushcfunction(L, session_display_values);
    lua_insert(L, first);
    lua_pushlightuserdata(L, text);
    lua_insert(L, first + 1);
    return call_protected(L, n + 1, 0);
}

/* ---- pieces: Lua between magics ------------------------------------------------------------------------------------ */

/* The report of the error on the stack's top goes to the result; pops it. */
static enum status take_report(struct session *s, struct session_result *out) {
    struct session_report *r = &s->report;
    snprintf(out->error_name, sizeof out->error_name, "%s", r->name);
    out->message_size = out->error.len + r->message;
    buf_put(&out->error, buf_text(&r->text), r->text.len);
    buf_free(&r->text);
    lua_pop(s->L, 1);
    return r->status;
}

static enum status load_failed(struct session *s, int status, const char *source, size_t n,
                               struct session_result *out) {
    if (status == LUA_ERRSYNTAX)
        session_report_syntax(s->L, source, n, &s->report);
    else
        session_report_value(s->L, status, &s->report);
    return take_report(s, out);
}

/* Before the first Lua of a cell: what it changes can be taken back, and is noted. */
static void begin_cell(struct session *s, const char *cell) {
    if (s->undo_point) return;
    session_undo_point(s, cell);
    trail_begin(s->trail);
    s->undo_point = true;
}

/* Calls the function under its n arguments as a cell's Lua, and shows what it returns. */
static int call_and_show(struct session *s, int n, const char *source, size_t size, struct session_result *out) {
    lua_State *L = s->L;
    struct buf text = {0};
    const int top = lua_gettop(L) - n - 1;
    buf_free(&s->report.text);
    session_forget_coroutines(L);
    s->lua_calls++;
    mem_keep_reserve(true);
    session_interrupt_begin(L);
    int status = call_protected(L, n, LUA_MULTRET);
    mem_keep_reserve(s->lua_calls > 1);
    if (status == LUA_OK && has_values(L, top, source, size)) {
        out->has_value = true;
        mem_keep_reserve(false); /* what the cell filled up, its value may be shown beside */
        status = display(L, top + 1, &text);
    }
    session_interrupt_end(L);
    s->lua_calls--;
    buf_free(&text);
    return status;
}

/* What came of call_and_show: the stack is as high as `top` again, or the result has the error. */
static enum status end_call(struct session *s, int status, int top, struct session_result *out) {
    if (status == LUA_OK) {
        lua_settop(s->L, top);
        return OK;
    }
    if (!s->report.text.len) { /* no handler ran, for lack of memory */
        session_report_value(s->L, status, &s->report);
        session_forget_frames(s->L);
    }
    return take_report(s, out);
}

static enum status run_lua(struct session *s, const char *source, size_t n, const char *chunk,
                           struct session_result *out) {
    lua_State *L = s->L;
    int top = lua_gettop(L), status = locals_load(L, s->locals, source, n, chunk);
    if (status != LUA_OK) return load_failed(s, status, source, n, out);
    session_keep_source(L, chunk, source, n);
    begin_cell(s, chunk + 1);
    trail_add_source(s->trail, source, n);
    status = call_and_show(s, 0, source, n, out);
    locals_keep(L, s->locals);
    return end_call(s, status, top, out);
}

/* Text as a part of the cell, at the line where the magic that runs stands. */
static enum status put_part(const struct session *s, const char *text, size_t n, struct buf *out, struct err *e) {
    for (int i = 0; i < s->lines_above; i++) buf_putc(out, '\n');
    buf_put(out, text, n);
    return buf_status(out, e);
}

/* Compiles it for nothing but its errors. */
static enum status check_lua(struct session *s, const struct buf *source, const char *chunk,
                             struct session_result *out) {
    const int status = locals_load(s->L, s->locals, source->data, source->len, chunk);
    if (status != LUA_OK) return load_failed(s, status, source->data, source->len, out);
    lua_pop(s->L, 1);
    locals_keep(s->L, s->locals);
    return OK;
}

/* session_run_code's, of texts at their line. */
static enum status run_code(struct session *s, const struct buf *source, const struct buf *shown,
                            const struct session_code *c) {
    lua_State *L = s->L;
    const int top = lua_gettop(L);
    enum status checked = check_lua(s, shown, s->chunk, s->result);
    if (checked) return checked;
    int status = locals_load(L, s->locals, source->data, source->len, s->chunk);
    if (status != LUA_OK) return load_failed(s, status, shown->data, shown->len, s->result);
    session_keep_source(L, s->chunk, shown->data, shown->len);
    begin_cell(s, s->chunk + 1);
    trail_add_source(s->trail, source->data, source->len);
    lua_pushcfunction(L, c->call);
    lua_insert(L, -2);
    lua_pushlightuserdata(L, c->arg);
    status = call_and_show(s, 2, "", 0, s->result);
    locals_keep(L, s->locals);
    return end_call(s, status, top, s->result);
}

/* What call_magic is called with. */
struct magic_words {
    const char *name, *args, *body;
};

/* Protected, since strings need memory. */
static int call_magic(lua_State *L) {
    const struct magic_words *w = lua_touserdata(L, 1);
    session_push_magic(L, w->name);
    lua_pushstring(L, w->args);
    lua_pushstring(L, *w->body ? w->body : NULL);
    lua_call(L, 2, LUA_MULTRET);
    return lua_gettop(L) - 1;
}

enum status session_run_function(struct session *s, lua_CFunction f, void *arg) {
    const int top = lua_gettop(s->L);
    begin_cell(s, s->chunk + 1);
    lua_pushcfunction(s->L, f);
    lua_pushlightuserdata(s->L, arg);
    return end_call(s, call_and_show(s, 1, "", 0, s->result), top, s->result);
}

enum status session_call_magic(struct session *s, const char *name, const char *args, const char *body) {
    return session_run_function(s, call_magic, &(struct magic_words){name, args, body});
}

/* An error of the core's. */
static void set_error(struct session_result *out, const struct err *e) {
    snprintf(out->error_name, sizeof out->error_name, "%s", err_name(e->status));
    buf_printf(&out->error, "%s: %s", out->error_name, e->text);
    out->message_size = out->error.len;
    buf_putc(&out->error, '\n');
}

/* The magic's line as "name args". */
static void put_magic_line(const char *source, const struct cell_magic *m, struct buf *line) {
    const size_t name = m->name.end - m->name.begin;
    if (m->kind == CELL_MAGIC_SHELL) {
        buf_puts(line, name ? "sx " : "sh ");
        buf_put(line, source + m->name.begin, name);
        buf_puts(line, name ? " = " : "");
        buf_put(line, source + m->args.begin, m->args.end - m->args.begin);
        return;
    }
    if (m->kind == CELL_MAGIC_HELP) buf_puts(line, m->doubled && name ? "source " : "help ");
    const bool alone = m->kind == CELL_MAGIC_HELP || m->args.end <= m->name.end;
    buf_put(line, source + m->name.begin, alone ? name : m->args.end - m->name.begin);
}

static int count_lines(const char *source, size_t n) {
    int count = 0;
    for (size_t i = 0; i < n; i++) count += source[i] == '\n';
    return count;
}

static enum status run_magic(struct session *s, const char *source, size_t n, const struct cell_magic *m,
                             struct session_result *out) {
    struct err e = {0};
    struct buf line = {0}, body = {0};
    put_magic_line(source, m, &line);
    if (m->kind == CELL_MAGIC_CELL) buf_put(&body, source + m->line.end, n - m->line.end);
    const int outer = s->lines_above;
    s->lines_above = count_lines(source, m->line.begin);
    enum status status = s->magic ? s->magic(s, s->magic_arg, buf_text(&line), buf_text(&body), &e)
                                  : err_set(&e, ERR_UNSUPPORTED, "magics are not available here");
    s->lines_above = outer;
    if (e.status) set_error(out, &e);
    buf_free(&line);
    buf_free(&body);
    return status;
}

/* Lua from `from` to `to` of the cell, with as many line ends before it as the cell has, so that lines stay true. */
static enum status run_piece(struct session *s, const char *source, size_t from, size_t to, const char *chunk,
                             struct session_result *out) {
    struct buf piece = {0};
    struct err e = {0};
    size_t blank = from;
    while (blank < to && strchr(" \t\r\n", source[blank])) blank++;
    if (blank == to) return OK;
    for (int i = count_lines(source, from); i > 0; i--) buf_putc(&piece, '\n');
    buf_put(&piece, source + from, to - from);
    enum status result = buf_status(&piece, &e);
    if (result == OK)
        result = run_lua(s, piece.data, piece.len, chunk, out);
    else
        set_error(out, &e);
    buf_free(&piece);
    return result;
}

static enum status run_pieces(struct session *s, const char *source, size_t n, const char *chunk,
                              struct session_result *out) {
    struct cell_magic m;
    size_t at = 0;
    while (cell_magic_next(source, n, at, &m)) {
        enum status result = run_piece(s, source, at, m.line.begin, chunk, out);
        if (result == OK) result = run_magic(s, source, n, &m, out);
        if (result || m.kind == CELL_MAGIC_CELL) return result;
        at = m.line.end;
    }
    return run_piece(s, source, at, n, chunk, out);
}

enum status session_run_part(struct session *s, const char *source, size_t n) {
    struct buf part = {0};
    struct err e = {0};
    enum status status = put_part(s, source, n, &part, &e);
    if (status == OK)
        status = run_pieces(s, buf_text(&part), part.len, s->chunk, s->result);
    else
        set_error(s->result, &e);
    buf_free(&part);
    return status;
}

enum status session_run_code(struct session *s, const struct session_code *c) {
    struct buf source = {0}, shown = {0};
    struct err e = {0};
    enum status status = put_part(s, c->source, strlen(c->source), &source, &e);
    if (status == OK) status = put_part(s, c->shown, strlen(c->shown), &shown, &e);
    if (status == OK)
        status = run_code(s, &source, &shown, c);
    else
        set_error(s->result, &e);
    buf_free(&source);
    buf_free(&shown);
    return status;
}

/* What a cell that was stopped may have left open. */
static void clean_up(struct session *s) {
    trace_abort(s->run);
    s->run->ntape = s->depth == 0 ? 0 : s->run->ntape;
}

static int line_of(const struct buf *error, const char *name) {
    const char *at = strstr(buf_text(error), name);
    return at && at[strlen(name)] == ':' ? atoi(at + strlen(name) + 1) : 0;
}

/* The time of a cell ends when its devices have done their work; what they report late is the cell's error. */
static void finish_devices(struct session *s, struct session_result *out) {
    struct err e = {0};
    struct device *d = s->run->device;
    struct device_memory memory;
    d->driver->memory(d, &memory);
    out->device = d->name;
    if (!d->driver->addresses) out->device_bytes = memory.used;
    if (d->driver->sync(d, &e) == OK || out->status) return;
    out->status = e.status;
    set_error(out, &e);
}

/* An interrupt that is on its way stops the cell, not the move. */
static enum status move_to(struct session *s, const char *device, struct err *e) {
    bool cancelled = cancel_requested();
    cancel_clear();
    lua_gc(s->L, LUA_GCCOLLECT); /* what is dead need not move */
    run_set_device(s->run, device, e);
    if (cancelled) cancel_request();
    return e->status;
}

/* A cell with a device of its own: the state goes there with it, and comes back. */
static enum status run_on_device(struct session *s, const char *device, const char *source, size_t n, const char *chunk,
                                 struct session_result *out) {
    const char *before = s->run->device->name;
    struct err e = {0}, back = {0};
    if (move_to(s, device, &e)) {
        set_error(out, &e);
        return e.status;
    }
    enum status status = run_pieces(s, source, n, chunk, out);
    finish_devices(s, out);
    if (out->status && status == OK) status = out->status;
    if (move_to(s, before, &back) == OK || status) return status;
    err_prefix(&back, "the cell ran, but the session stays on %s", s->run->device->name);
    set_error(out, &back);
    return back.status;
}

static enum status run_under(struct session *s, const struct session_terms *t, const char *source, size_t n,
                             const char *chunk, struct session_result *out) {
    if (t->refused.status) {
        set_error(out, &t->refused);
        return t->refused.status;
    }
    return t->device ? run_on_device(s, t->device, source, n, chunk, out) : run_pieces(s, source, n, chunk, out);
}

void session_run(struct session *s, const char *source, size_t n, const char *name, struct session_result *out) {
    static const struct session_terms none;
    session_run_under(s, source, n, name, &none, out);
}

/* What loops over small things leave to the C library goes back to the system, once it is much more than last time. */
static void trim(struct session *s, struct session_resources *now) {
    enum { MUCH = 64 << 20 };
    const size_t used = mem_used(), spare = now->rss > used ? now->rss - used : 0;
    if (spare < s->spare + MUCH) return;
    mem_trim();
    session_resources_read(s->folder, now);
    s->spare = now->rss > used ? now->rss - used : 0;
}

void session_run_under(struct session *s, const char *source, size_t n, const char *name,
                       const struct session_terms *terms, struct session_result *out) {
    char chunk[80];
    const char *outer_chunk = s->chunk;
    const bool outer_undo = s->undo_point;
    struct session_result *outer = s->result;
    struct session_cost outer_within = s->within;
    *out = (struct session_result){0};
    snprintf(chunk, sizeof chunk, "=%s", name);
    if (s->depth++ == 0) session_interrupt_clear();
    sink_flush(s->sink);
    session_resources_begin(s->folder, &out->before);
    s->chunk = chunk;
    s->result = out;
    s->undo_point = false;
    s->within = (struct session_cost){0};
    out->status = run_under(s, terms, source, n, chunk, out);
    s->chunk = outer_chunk;
    s->result = outer;
    const bool ran_lua = s->undo_point;
    if (ran_lua) trail_end(s, name, source, n);
    s->undo_point = outer_undo;
    s->depth--;
    clean_up(s);
    sink_flush(s->sink);
    if (!out->device) finish_devices(s, out);
    if (out->status) out->error_line = line_of(&out->error, name);
    session_resources_read(s->folder, &out->after);
    if (s->depth == 0) trim(s, &out->after);
    session_ledger_add(s, name, out, &outer_within);
    if (s->depth == 0) {
        session_interrupt_clear();
        s->runs++;
        session_checkpoint_tick(s);
    }
    if (ran_lua) session_show_watches(s);
    sink_flush(s->sink);
}
