/* %list: the cells with their state. */
#include <string.h>

#include "base/mem.h"
#include "cell/notebook.h"
#include "magic/magic.h"

static void put_staleness(const struct magic_stale *s, struct buf *out) {
    if (s->kind == MAGIC_EDITED) buf_puts(out, "  (stale: edited since it ran)");
    if (s->kind == MAGIC_LOST) buf_puts(out, "  (stale: what it made was not restored)");
    if (s->kind == MAGIC_CHANGED) buf_printf(out, "  (stale: %s was changed by %s)", s->variable, s->writer);
    if (s->kind == MAGIC_INHERITED) buf_printf(out, "  (stale: %s is from %s)", s->variable, s->writer);
}

/* The title, or the first line of code. */
static void print_cell(const struct magic_call *c, int n, const struct magic_stale *stale) {
    static const char *const mark[] = {
        [MAGIC_NOT_RUN] = " ", [MAGIC_DONE] = "\u2713", [MAGIC_FAILED] = "\u2717", [MAGIC_SKIPPED] = "-"};
    const struct magic_notebook *nb = c->notebook;
    const struct cell *cell = &nb->notebook->cells[magic_cell_index(nb, n)];
    int room = session_sink(c->session)->width - 10, line = (int)strcspn(cell->source, "\n");
    const char *text = *cell->title ? cell->title : cell->source;
    if (*cell->title) line = (int)strlen(cell->title);
    struct buf note = {0};
    put_staleness(stale, &note);
    room -= (int)note.len;
    if (room < 8) room = 8;
    const struct magic_cell_state *state = &nb->state[n - 1];
    magic_print(c, "%s%s%s[%d] %.*s%s\n", n == nb->next ? ">" : " ", stale->kind ? "~" : mark[state->progress],
                state->breakpoint ? "\u25cf" : " ", n, line < room ? line : room, text, buf_text(&note));
    buf_free(&note);
}

static enum status run(const struct magic_call *c, struct err *e) {
    const int count = c->notebook->count;
    struct magic_stale *stale = mem_alloc(sizeof *stale * (size_t)(count + 1), e);
    if (stale && magic_find_stale(c->session, c->notebook, stale, e) == OK)
        for (int n = 1; n <= count; n++) print_cell(c, n, &stale[n - 1]);
    mem_free(stale);
    return e->status;
}

const struct magic magic_list = {
    .name = "list",
    .usage = "%list",
    .help = "lists the cells\n> the next one, \u2713 done, \u2717 failed, - skipped, ~ stale: what it read was changed "
            "after it ran (%run stale runs these), \u25cf a breakpoint (%break).",
    .needs_notebook = true,
    .run = run,
};
