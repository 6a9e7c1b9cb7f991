/* A cell as the reader sees it before it runs: text cells above, then the title and numbered lines of code. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/wrap.h"
#include "cell/colour.h"
#include "front/repl/repl.h"
#include "session/trail.h"

void repl_print(struct repl *r, const char *format, ...) {
    struct buf text = {0};
    va_list args;
    va_start(args, format);
    buf_vprintf(&text, format, args);
    va_end(args);
    r->console.sink.text(&r->console.sink, SINK_OUT, buf_text(&text), text.len);
    buf_free(&text);
}

void repl_tell(struct repl *r, const char *format, ...) {
    struct buf text = {0};
    va_list args;
    va_start(args, format);
    buf_vprintf(&text, format, args);
    va_end(args);
    wrap_to(&r->console.sink, SINK_OUT, buf_text(&text), text.len);
    buf_free(&text);
}

static const char *style(const struct repl *r, const char *code) {
    return r->console.sink.colour ? code : "";
}

static void show_code(struct repl *r, const struct cell *c) {
    struct buf text = {0};
    int number = 0;
    if (r->console.sink.colour)
        cell_put_coloured(c->source, c->size, &text);
    else
        buf_put(&text, c->source, c->size);
    for (const char *line = buf_text(&text); line; number++) {
        const char *end = strchr(line, '\n');
        const int n = (int)(end ? (size_t)(end - line) : strlen(line));
        repl_print(r, "%s%3d%s  %.*s\n", style(r, "\033[2m"), number + 1, style(r, "\033[0m"), n, line);
        line = end ? end + 1 : NULL;
    }
    buf_free(&text);
}

/* The first of the text cells above the cell at that index; itself, if there are none. */
static int first_text(const struct notebook *nb, int at) {
    while (at > 0 && nb->cells[at - 1].kind != CELL_CODE) at--;
    return at;
}

void repl_show_cell(struct repl *r, int n) {
    const struct notebook *nb = r->notebook.notebook;
    int at = magic_cell_index(&r->notebook, n);
    repl_print(r, "\n");
    for (int i = first_text(nb, at); i < at; i++)
        if (nb->cells[i].kind == CELL_MARKDOWN) repl_show_markdown(r, nb->cells[i].source);
    repl_print(r, "%s[%d] %s%s\n", style(r, "\033[1m"), n, nb->cells[at].title, style(r, "\033[0m"));
    show_code(r, &nb->cells[at]);
}

/* Of all that repl_show_cell shows of the next one; 0 at the end. */
static uint32_t next_hash(const struct magic_notebook *nb) {
    const int at = magic_cell_index(nb, nb->next);
    uint32_t hash = at < 0 ? nb->count == 0 : (uint32_t)nb->next;
    for (int i = at < 0 ? 0 : first_text(nb->notebook, at); i <= at; i++) {
        const struct cell *c = &nb->notebook->cells[i];
        hash = 31 * hash + trail_hash(c->source, c->size);
        hash = 31 * hash + trail_hash(c->title, strlen(c->title));
    }
    return hash;
}

bool repl_next_is_shown(const struct repl *r) {
    const struct magic_notebook *nb = &r->notebook;
    return !nb->notebook || r->shown == next_hash(nb);
}

void repl_show_next(struct repl *r) {
    struct magic_notebook *nb = &r->notebook;
    if (!nb->notebook) return;
    r->shown = next_hash(nb);
    if (nb->next <= nb->count)
        repl_show_cell(r, nb->next);
    else if (nb->count == 0)
        repl_tell(r, "\nThe notebook has no cells: %%edit writes the first one, or %%%%insert with lines below it.\n");
    else
        repl_tell(r, "\nThis was the last cell. Type Lua, %%list, %%rerun N, or Ctrl-D to leave.\n");
}
