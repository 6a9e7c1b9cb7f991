/* The table of magics, and what they share. */
#include "magic/magic.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/nearest.h"
#include "cell/notebook.h"
#include "lists.h"

#define DECLARE(name) extern const struct magic magic_##name;
LIST_MAGICS(DECLARE)
#define ENTRY(name) &magic_##name,
const struct magic *const magic_all[] = {LIST_MAGICS(ENTRY) NULL};

/* ---- all of them ---------------------------------------------------------------------------------------------------- */

static enum status run_added(const struct magic_call *c, struct err *e) {
    (void)e; /* an error is the cell's */
    return session_call_magic(c->session, c->name, c->args, c->body);
}

struct visit {
    void (*fn)(void *arg, const struct magic *m);
    void *arg;
    const char *name; /* that is looked for among those added */
    bool found;
};

static void visit_added(void *arg, const struct session_magic *m) {
    const struct visit *v = arg;
    const struct magic magic = {
        .name = m->name, .usage = m->usage, .help = m->help, .takes_cell = m->takes_cell, .run = run_added};
    v->fn(v->arg, &magic);
}

static void compare_added(void *arg, const struct session_magic *m) {
    struct visit *v = arg;
    v->found |= strcmp(m->name, v->name) == 0;
}

void magic_each(struct session *s, void (*fn)(void *arg, const struct magic *m), void *arg) {
    struct visit v = {.fn = fn, .arg = arg};
    for (const struct magic *const *m = magic_all; *m; m++) {
        v.name = (*m)->name;
        v.found = false;
        session_each_magic(s, compare_added, &v);
        if (!v.found) fn(arg, *m);
    }
    session_each_magic(s, visit_added, &v);
}

/* ---- one of them ---------------------------------------------------------------------------------------------------- */

struct search {
    const char *name;
    size_t n;
    struct magic found;
    int fits; /* whose beginning it is */
    bool exact;
    const char **names; /* of all, NULL behind them */
    size_t count;
    struct err err;
};

static void fit(void *arg, const struct magic *m) {
    struct search *s = arg;
    if (s->exact || strncmp(m->name, s->name, s->n) != 0) return;
    s->found = *m;
    s->fits++;
    s->exact = m->name[s->n] == 0;
}

static void add_name(void *arg, const struct magic *m) {
    struct search *s = arg;
    const char **more = mem_realloc(s->names, sizeof *more * (s->count + 2), &s->err);
    if (!more) return;
    s->names = more;
    more[s->count++] = m->name;
    more[s->count] = NULL;
}

const char *magic_near(struct session *session, const char *word) {
    struct search s = {0};
    magic_each(session, add_name, &s);
    const char *near = s.names ? nearest(word, s.names) : NULL;
    mem_free(s.names);
    return near;
}

static void not_found(struct session *session, const struct search *s, struct err *e) {
    char word[64] = "";
    strncat(word, s->name, s->n < sizeof word - 1 ? s->n : sizeof word - 1);
    const char *near = magic_near(session, word);
    if (near)
        err_set(e, ERR_NOT_FOUND, "no magic %%%s; did you mean %%%s?", word, near);
    else
        err_set(e, ERR_NOT_FOUND, "no magic %%%s; %%help lists them", word);
}

enum status magic_find(struct session *session, const char *name, size_t n, struct magic *out, struct err *e) {
    struct search s = {.name = name, .n = n};
    if (n > 0) magic_each(session, fit, &s);
    *out = s.found;
    if (s.exact || s.fits == 1) return OK;
    not_found(session, &s, e);
    return ERR_NOT_FOUND;
}

/* ---- running -------------------------------------------------------------------------------------------------------- */

/* A usage of one word says that none are taken; those that Lua added need not give one. */
static enum status check_arguments(const struct magic_call *c, const struct magic *m, struct err *e) {
    if (!*c->args || m->run == run_added || strchr(m->usage, ' ')) return OK;
    return err_set(e, ERR_VALUE, "what is '%s'? %%%s takes no argument", c->args, m->name);
}

enum status magic_run_line(struct session *s, void *notebook, const char *line, const char *body, struct err *e) {
    size_t n = strcspn(line, " \t");
    struct magic m;
    if (magic_find(s, line, n, &m, e)) return e->status;
    struct magic_notebook *nb = notebook;
    struct magic_call c = {.session = s,
                           .notebook = nb && nb->notebook ? nb : NULL,
                           .place = nb,
                           .name = m.name,
                           .args = line + n + strspn(line + n, " \t"),
                           .body = body};
    if (m.needs_notebook && !c.notebook)
        return err_set(e, ERR_STATE, "%%%s needs an open notebook: start with celda NOTEBOOK.cells", m.name);
    if (*body && !m.takes_cell)
        return err_set(e, ERR_VALUE, "%%%s takes a line, not a cell: write %s", m.name, m.usage);
    return check_arguments(&c, &m, e) ? e->status : m.run(&c, e);
}

void magic_print(const struct magic_call *c, const char *format, ...) {
    char text[4096];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    struct sink *sink = session_sink(c->session);
    sink->text(sink, SINK_OUT, text, strlen(text));
}

void magic_print_text(const struct magic_call *c, const struct buf *text) {
    struct sink *sink = session_sink(c->session);
    sink->text(sink, SINK_OUT, buf_text(text), text->len);
}

void magic_put_string(const char *text, size_t n, struct buf *out) {
    buf_putc(out, '"');
    for (size_t i = 0; i < n; i++) {
        const unsigned char c = (unsigned char)text[i];
        if (c == '"' || c == '\\')
            buf_printf(out, "\\%c", c);
        else if (c < ' ' || c == 127)
            buf_printf(out, "\\%03d", c);
        else
            buf_putc(out, (char)c);
    }
    buf_putc(out, '"');
}

enum status magic_put_path(const char *path, struct buf *out, struct err *e) {
    const char *home = getenv("HOME");
    if (*path == '~' && (path[1] == '/' || !path[1])) {
        if (!home) return err_set(e, ERR_STATE, "HOME is not set");
        buf_puts(out, home);
        path++;
    }
    buf_puts(out, path);
    return buf_status(out, e);
}

void magic_put_span(double seconds, struct buf *out) {
    static const char *const unit[] = {"s", "ms", "\u00b5s", "ns"};
    int u = 0;
    if (seconds >= 60) {
        buf_printf(out, "%dmin %ds", (int)seconds / 60, (int)seconds % 60);
        return;
    }
    for (; seconds < 1 && u < 3; u++) seconds *= 1000;
    buf_printf(out, "%.3g %s", seconds, unit[u]);
}
