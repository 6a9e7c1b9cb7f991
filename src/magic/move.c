/* %move: a cell to another place. */
#include <stdio.h>

#include "magic/change.h"

static enum status run(const struct magic_call *c, struct err *e) {
    const struct magic_notebook *nb = c->notebook;
    struct notebook *copy;
    char from[16] = "", to[16] = "", more;
    int n, m;
    if (sscanf(c->args, "%15s %15s %c", from, to, &more) != 2) return err_set(e, ERR_VALUE, "where to? %%move N M");
    if (magic_parse_cell(nb, from, &n, e) || magic_parse_cell(nb, to, &m, e)) return e->status;
    if (n == m) return err_set(e, ERR_VALUE, "[%d] is there already", n);
    if (change_begin(c, &copy, e)) return e->status;
    notebook_move(copy, (size_t)magic_cell_index(nb, n), (size_t)magic_cell_index(nb, m));
    if (change_commit(c, copy, e)) return e->status;
    change_say(c, "[%d] is [%d] now\n", n, m);
    return OK;
}

const struct magic magic_move = {
    .name = "move",
    .usage = "%move N M",
    .help = "moves cell N to where cell M is\nText above it stays. Functions in tracebacks keep the number of the cell "
            "that "
            "they were made in.",
    .needs_notebook = true,
    .run = run,
};
