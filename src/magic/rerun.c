/* %rerun: one cell again; without a number the one before the next. */
#include "magic/magic.h"

static enum status run(const struct magic_call *c, struct err *e) {
    struct magic_notebook *nb = c->notebook;
    int n = nb->next - 1, next = nb->next;
    if (*c->args && magic_parse_cell(nb, c->args, &n, e)) return e->status;
    if (n < 1) return err_set(e, ERR_STATE, "no cell has run yet");
    enum status s = nb->run_cell(nb, n);
    nb->next = next;
    return s;
}

const struct magic magic_rerun = {
    .name = "rerun",
    .usage = "%rerun [N]",
    .help = "runs one cell again\nThe next cell stays the next. Without a number: the last one.",
    .needs_notebook = true,
    .run = run,
};
