/* %insert: a new cell, empty or with the body of %%insert. */
#include <string.h>

#include "magic/change.h"

/* Right above cell `t->n`, which is where one looks for it; without a number behind the cell that ran last. */
static size_t place_of(const struct magic_call *c, const struct change_target *t, bool given) {
    const struct magic_notebook *nb = c->notebook;
    if (!given && t->n > 1) return (size_t)magic_cell_index(nb, t->n - 1) + 1;
    const int at = magic_cell_index(nb, t->n);
    return at < 0 ? nb->notebook->count : (size_t)at;
}

static enum status run(const struct magic_call *c, struct err *e) {
    struct change_target t = {.n = c->notebook->next};
    struct notebook *copy;
    if (change_parse_target(c, &t, e) || change_begin(c, &copy, e)) return e->status;
    const char *source = c->body + strspn(c->body, "\r\n");
    const size_t at = place_of(c, &t, *c->args >= '0' && *c->args <= '9');
    if (notebook_insert(copy, at, t.text ? CELL_MARKDOWN : CELL_CODE, source, strlen(source), e)) {
        notebook_free(copy);
        return e->status;
    }
    if (change_commit(c, copy, e)) return e->status;
    const char *what = t.text ? " markdown" : "", *then = t.text ? "changes" : "writes";
    change_say(c, t.text ? "text above [%d] is new" : "[%d] is new", t.n);
    if (*source)
        change_say(c, "\n");
    else
        change_say(c, "; %%edit %d%s %s it\n", t.n, what, then);
    return OK;
}

const struct magic magic_insert = {
    .name = "insert",
    .usage = "%insert [N] [markdown]",
    .help =
        "makes a new cell, above cell N\nWithout a number it comes behind the cell that ran last, and is the next one. "
        "%%insert takes the lines below it as the cell's source; markdown makes a text cell. An input that was "
        "recalled, "
        "with %%insert on a line above it, becomes a cell.",
    .needs_notebook = true,
    .takes_cell = true,
    .run = run,
};
