/* %list: the cells with their state. */
#include <string.h>

#include "cell/notebook.h"
#include "magic/magic.h"

/* The title, or the first line of code. */
static void print_cell(const struct magic_call *c, int n) {
    static const char *const mark[] = {
        [MAGIC_NOT_RUN] = " ", [MAGIC_DONE] = "\u2713", [MAGIC_FAILED] = "\u2717", [MAGIC_SKIPPED] = "-"};
    const struct magic_notebook *nb = c->notebook;
    const struct cell *cell = &nb->notebook->cells[magic_cell_index(nb, n)];
    int room = session_sink(c->session)->width - 10, line = (int)strcspn(cell->source, "\n");
    const char *text = *cell->title ? cell->title : cell->source;
    if (*cell->title) line = (int)strlen(cell->title);
    magic_print(c, "%s%s [%d] %.*s\n", n == nb->next ? ">" : " ", mark[nb->state[n - 1]], n, line < room ? line : room,
                text);
}

static enum status run(const struct magic_call *c, struct err *e) {
    (void)e;
    for (int n = 1; n <= c->notebook->count; n++) print_cell(c, n);
    return OK;
}

const struct magic magic_list = {
    .name = "list",
    .usage = "%list",
    .help = "lists the cells\n> the next one, \u2713 done, \u2717 failed, - skipped.",
    .needs_notebook = true,
    .run = run,
};
