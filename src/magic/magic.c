/* The table of magics, and what they share. */
#include "magic/magic.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/nearest.h"
#include "cell/notebook.h"
#include "lists.h"

#define DECLARE(name) extern const struct magic magic_##name;
LIST_MAGICS(DECLARE)
#define ENTRY(name) &magic_##name,
const struct magic *const magic_all[] = {LIST_MAGICS(ENTRY) NULL};

enum { COUNT = sizeof magic_all / sizeof *magic_all };

static enum status not_found(const char *name, size_t n, struct err *e) {
    char word[64] = "";
    const char *names[COUNT];
    for (int i = 0; i < COUNT; i++) names[i] = magic_all[i] ? magic_all[i]->name : NULL;
    strncat(word, name, n < sizeof word - 1 ? n : sizeof word - 1);
    const char *near = nearest(word, names);
    return near ? err_set(e, ERR_NOT_FOUND, "no magic %%%s; did you mean %%%s?", word, near)
                : err_set(e, ERR_NOT_FOUND, "no magic %%%s; %%help lists them", word);
}

const struct magic *magic_find(const char *name, size_t n, struct err *e) {
    const struct magic *found = NULL;
    int fits = 0;
    for (const struct magic *const *m = magic_all; *m; m++) {
        if (strncmp((*m)->name, name, n) != 0) continue;
        if ((*m)->name[n] == 0) return *m;
        found = *m;
        fits++;
    }
    if (fits == 1 && n > 0) return found;
    not_found(name, n, e);
    return NULL;
}

enum status magic_run_line(struct session *s, void *notebook, const char *line, const char *body, struct err *e) {
    size_t n = strcspn(line, " \t");
    const struct magic *m = magic_find(line, n, e);
    if (!m) return e->status;
    struct magic_notebook *nb = notebook;
    struct magic_call c = {.session = s,
                           .notebook = nb && nb->notebook ? nb : NULL,
                           .place = nb,
                           .args = line + n + strspn(line + n, " \t"),
                           .body = body};
    if (m->needs_notebook && !c.notebook)
        return err_set(e, ERR_STATE, "%%%s needs an open notebook: start with celda NOTEBOOK.cells", m->name);
    if (*body && !m->takes_cell)
        return err_set(e, ERR_VALUE, "%%%s takes a line, not a cell: write %s", m->name, m->usage);
    return m->run(&c, e);
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
