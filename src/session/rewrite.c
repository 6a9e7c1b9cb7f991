/* The source of a cell, changed in four places only: a `local` that names a session variable assigns it; any other is
 * followed by a capture; the last expression is returned; and a function around it has the session's names as upvalues.
 */
#include "session/rewrite.h"

#include <stdio.h>
#include <string.h>

#define MAX_LOCALS 200    /* of a Lua function */
#define NAMES_A_LEVEL 190 /* session names declared by one of the functions around the cell */

/* ---- names ----------------------------------------------------------------------------------------------------------
 */

static const char *text_of(const struct rewrite *r, const struct cell_local *l) {
    return r->source + l->name.begin;
}
static size_t length_of(const struct cell_local *l) {
    return l->name.end - l->name.begin;
}

static bool same(const struct rewrite *r, const struct cell_local *a, const struct cell_local *b) {
    return length_of(a) == length_of(b) && !memcmp(text_of(r, a), text_of(r, b), length_of(a));
}

static bool is(const struct rewrite *r, const struct cell_local *l, const char *name) {
    return length_of(l) == strlen(name) && !memcmp(text_of(r, l), name, length_of(l));
}

static bool is_kept(const struct rewrite *r, const struct cell_local *l) {
    return !is(r, l, "_") && !is(r, l, "_ENV");
}

/* A name of a statement that a later name of the same statement hides. */
static bool is_hidden(const struct rewrite *r, const struct cell_local_statement *st, size_t i) {
    for (size_t k = i + 1; k < st->count; k++)
        if (same(r, &st->names[k], &st->names[i])) return true;
    return false;
}

static bool declared_before(const struct rewrite *r, const struct cell_local_statement *st,
                            const struct cell_local *l) {
    for (const struct cell_local_statement *s = r->lua->locals; s < st; s++)
        for (size_t i = 0; i < s->count; i++)
            if (same(r, &s->names[i], l)) return true;
    return false;
}

/* The session variable that this name assigns instead of declaring a new local, or NULL. */
static struct rewrite_variable *assigns(struct rewrite *r, const struct cell_local_statement *st, size_t i) {
    const struct cell_local *l = &st->names[i];
    if (l->attribute != CELL_PLAIN || !is_kept(r, l) || is_hidden(r, st, i) || declared_before(r, st, l)) return NULL;
    for (size_t k = 0; k < r->count; k++)
        if (is(r, l, r->variables[k].name)) return r->variables[k].constant ? NULL : &r->variables[k];
    return NULL;
}

/* A name that stands nowhere in the source, nor does it with a number behind it. */
static void choose_keep_name(struct rewrite *r) {
    int i = 0;
    do snprintf(r->keep, sizeof r->keep, "_k%d_", i++);
    while (memmem(r->source, r->size, r->keep, strlen(r->keep)));
}

/* ---- local statements -----------------------------------------------------------------------------------------------
 */

static void put_span(const struct rewrite *r, struct buf *out, size_t begin, size_t end) {
    buf_put(out, r->source + begin, end - begin);
}

static void put_name(const struct rewrite *r, struct buf *out, const struct cell_local *l) {
    put_span(r, out, l->name.begin, l->name.end);
}

/* All names are session variables: the word `local` goes, the rest is an assignment or a function statement. */
static void put_assignment(const struct rewrite *r, struct buf *out, const struct cell_local_statement *st) {
    buf_puts(out, ";    ");
    put_span(r, out, st->span.begin + strlen("local"), st->span.end);
    if (!st->initialised) buf_puts(out, "=nil");
    buf_putc(out, ';');
}

/* Session variables among new locals get their values through a local of another name; so does, unseen, what they hide. */
static void put_declaration(const struct rewrite *r, struct buf *out, const struct cell_local_statement *st,
                            const bool *assigned) {
    size_t at = st->span.begin;
    for (size_t i = 0; i < st->count; i++) {
        if (!assigned[i] && !is_hidden(r, st, i)) continue;
        put_span(r, out, at, st->names[i].name.begin);
        buf_printf(out, "%s%zu", r->keep, i);
        at = st->names[i].name.end;
    }
    put_span(r, out, at, st->span.end);
    buf_putc(out, ';');
    for (size_t i = 0; i < st->count; i++) {
        if (!assigned[i]) continue;
        put_name(r, out, &st->names[i]);
        buf_printf(out, "=%s%zu;", r->keep, i);
    }
}

/* Nothing is called here: a capture cannot fail, and no traceback shows it. */
static void put_captures(struct rewrite *r, struct buf *out, const struct cell_local_statement *st,
                         const bool *assigned) {
    int variables = 0;
    for (size_t i = 0; i < st->count; i++) {
        const struct cell_local *l = &st->names[i];
        if (assigned[i] || l->attribute != CELL_PLAIN || !is_kept(r, l) || is_hidden(r, st, i)) continue;
        if (variables++)
            buf_putc(out, ',');
        else
            buf_printf(out, "%s[%d]=function()return ", r->keep, ++r->slots);
        put_name(r, out, l);
    }
    if (variables) buf_puts(out, " end;");
    for (size_t i = 0; i < st->count; i++) {
        const struct cell_local *l = &st->names[i];
        if (l->attribute == CELL_PLAIN || !is_kept(r, l) || is_hidden(r, st, i)) continue;
        buf_printf(out, "%s[%d]={'%.*s',%.*s};", r->keep, ++r->slots, (int)length_of(l), text_of(r, l),
                   (int)length_of(l), text_of(r, l));
    }
}

static void put_statement(struct rewrite *r, struct buf *out, const struct cell_local_statement *st) {
    bool assigned[MAX_LOCALS];
    size_t count = 0;
    for (size_t i = 0; i < st->count; i++) {
        struct rewrite_variable *v = assigns(r, st, i);
        assigned[i] = v != NULL;
        if (v) v->used = true, count++;
    }
    if (count == st->count) {
        put_assignment(r, out, st);
        return;
    }
    put_declaration(r, out, st, assigned);
    put_captures(r, out, st, assigned);
}

/* ---- the last expression --------------------------------------------------------------------------------------------
 */

static size_t local_count(const struct rewrite *r) {
    size_t n = 0;
    for (size_t i = 0; i < r->lua->local_count; i++) n += r->lua->locals[i].count;
    return n;
}

/* Returned but not called as a tail call, which would take the cell's line out of the traceback: a variable to be
 * closed forbids those. With no room for one more local a call's first value has to do. */
static void put_last(const struct rewrite *r, struct buf *out) {
    struct cell_span last = r->lua->last;
    if (!r->lua->last_is_call) {
        buf_puts(out, " return ");
        put_span(r, out, last.begin, last.end);
    } else if (local_count(r) < MAX_LOCALS) {
        buf_printf(out, " local %s<close> =nil;return ", r->keep);
        put_span(r, out, last.begin, last.end);
    } else {
        buf_puts(out, " return (");
        put_span(r, out, last.begin, last.end);
        buf_putc(out, ')');
    }
}

static bool has_last(const struct rewrite *r) {
    return r->lua->last.begin != r->lua->last.end;
}

/* Where the Lua starts: behind a first line with #!. */
static size_t lua_start(const struct rewrite *r) {
    size_t at = 0;
    if (r->size > 1 && r->source[0] == '#' && r->source[1] == '!')
        while (at < r->size && r->source[at] != '\n') at++;
    return at;
}

void rewrite_plain(const struct rewrite *r, struct buf *out) {
    size_t at = lua_start(r);
    if (!has_last(r)) {
        put_span(r, out, at, r->size);
        return;
    }
    put_span(r, out, at, r->lua->last.begin);
    buf_puts(out, " return ");
    put_span(r, out, r->lua->last.begin, r->lua->last.end);
}

/* ---- the whole
 * ------------------------------------------------------------------------------------------------------- */

static void put_body(struct rewrite *r, struct buf *out) {
    size_t at = lua_start(r);
    for (size_t i = 0; i < r->lua->local_count; i++) {
        const struct cell_local_statement *st = &r->lua->locals[i];
        put_span(r, out, at, st->span.begin);
        put_statement(r, out, st);
        at = st->span.end;
    }
    if (has_last(r)) {
        put_span(r, out, at, r->lua->last.begin);
        put_last(r, out);
    } else {
        put_span(r, out, at, r->size);
    }
}

static void mark_used(struct rewrite *r) {
    for (size_t i = 0; i < r->count; i++) {
        struct rewrite_variable *v = &r->variables[i];
        for (size_t k = 0; k < r->lua->free_count && !v->used; k++)
            v->used = !strcmp(v->name, r->lua->free_names[k].name);
        r->used += v->used;
    }
}

/* `local a,b;return function()local c,...;return function(...)`: no function declares more than Lua allows. */
static void put_head(struct rewrite *r) {
    size_t n = 0;
    buf_printf(&r->text, "local %s", r->keep);
    r->depth = 1;
    for (size_t i = 0; i < r->count; i++) {
        if (!r->variables[i].used) continue;
        bool full = ++n % NAMES_A_LEVEL == 0;
        r->depth += full;
        buf_printf(&r->text, full ? ";return function()local %s%s" : ",%s%s", r->variables[i].name,
                   r->variables[i].constant ? "<const>" : "");
    }
    buf_puts(&r->text, ";return function(...)");
}

enum status rewrite_cell(struct rewrite *r, struct err *e) {
    struct buf body = {0};
    choose_keep_name(r);
    put_body(r, &body);
    mark_used(r);
    if (r->used > REWRITE_MAX_USED) {
        buf_free(&body);
        return err_set(e, ERR_VALUE, "too many session variables in one cell (limit is %d, it names %zu)",
                       REWRITE_MAX_USED, r->used);
    }
    put_head(r);
    buf_put(&r->text, buf_text(&body), body.len);
    buf_putc(&r->text, '\n');
    for (int i = 0; i < r->depth; i++) buf_puts(&r->text, " end");
    r->text.failed |= body.failed;
    buf_free(&body);
    return buf_status(&r->text, e);
}
