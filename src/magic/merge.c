/* %merge: cells that follow each other become one. */
#include <stdio.h>

#include "magic/change.h"

/* Whether nothing but code stands between two indexes. */
static bool is_code(const struct notebook *nb, int from, int to) {
    for (int i = from; i <= to; i++)
        if (nb->cells[i].kind != CELL_CODE) return false;
    return true;
}

/* Cells [from, to] become the first of them, with an empty line between their sources. */
static enum status merge(struct notebook *nb, size_t from, size_t to, struct err *e) {
    struct buf source = {0};
    for (size_t i = from; i <= to; i++) {
        if (i > from) buf_puts(&source, "\n\n");
        buf_put(&source, nb->cells[i].source, nb->cells[i].size);
    }
    if (buf_status(&source, e) == OK && notebook_set_source(nb, from, buf_text(&source), source.len, e) == OK)
        for (size_t i = from; i < to; i++) notebook_delete(nb, from + 1);
    buf_free(&source);
    return e->status;
}

static enum status run(const struct magic_call *c, struct err *e) {
    const struct magic_notebook *nb = c->notebook;
    struct notebook *copy;
    char first[16] = "", last[16] = "", more;
    int n, m;
    const int words = sscanf(c->args, "%15s %15s %c", first, last, &more);
    if (words != 1 && words != 2)
        return err_set(e, ERR_VALUE, "which cells? %%merge N, with the one after it, or %%merge N M");
    if (magic_parse_cell(nb, first, &n, e)) return e->status;
    if (words == 1 && n == nb->count) return err_set(e, ERR_VALUE, "there is no cell after [%d]", n);
    if (words == 1) snprintf(last, sizeof last, "%d", n + 1);
    if (magic_parse_cell(nb, last, &m, e)) return e->status;
    if (m <= n) return err_set(e, ERR_VALUE, "[%d] does not stand before [%d]", n, m);
    const int from = magic_cell_index(nb, n), to = magic_cell_index(nb, m);
    if (!is_code(nb->notebook, from, to))
        return err_set(e, ERR_STATE,
                       "there is text between [%d] and [%d]: delete it (%%delete %d markdown) or move a cell", n, m, m);
    if (change_begin(c, &copy, e)) return e->status;
    if (merge(copy, (size_t)from, (size_t)to, e)) {
        notebook_free(copy);
        return e->status;
    }
    if (change_commit(c, copy, e)) return e->status;
    change_say(c, "[%d] to [%d] are [%d] now\n", n, m, n);
    return OK;
}

const struct magic magic_merge = {
    .name = "merge",
    .usage = "%merge N [M]",
    .help = "makes one cell of cells N to M\nWithout M: of N and the one after it. Title, device, timeout and tags are "
            "those "
            "of N.",
    .needs_notebook = true,
    .run = run,
};
