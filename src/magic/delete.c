/* %delete: a cell goes, and can be had back. */
#include "magic/change.h"

static enum status run(const struct magic_call *c, struct err *e) {
    struct change_target t = {0};
    struct notebook *copy;
    if (change_parse_target(c, &t, e)) return e->status;
    if (t.n == 0) return err_set(e, ERR_VALUE, "which cell? %%delete N");
    const int at = change_find_target(c, &t, e);
    if (at < 0 || change_begin(c, &copy, e)) return e->status;
    notebook_delete(copy, (size_t)at);
    if (change_commit(c, copy, e)) return e->status;
    change_say(c, t.text ? "the text above [%d] is deleted" : "[%d] is deleted", t.n);
    change_say(c, "; %%undo edit brings it back\n");
    return OK;
}

const struct magic magic_delete = {
    .name = "delete",
    .usage = "%delete N [markdown]",
    .help = "deletes a cell, or the text right above it\nIts variables stay. %undo edit brings the cell back.",
    .needs_notebook = true,
    .run = run,
};
