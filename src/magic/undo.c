/* %undo, %redo: taking the last cell's effect on the session back, and the other way round. */
#include <stdlib.h>

#include "magic/magic.h"

/* The notebook's cell of that name is to be run again, or has been. */
static void mark(struct magic_notebook *nb, const char *cell, enum magic_cell_state state) {
    const int n = nb && *cell == '[' ? atoi(cell + 1) : 0;
    if (n < 1 || n > nb->count) return;
    nb->state[n - 1] = state;
    nb->next = state == MAGIC_DONE ? n + 1 : n;
}

static enum status undo(const struct magic_call *c, struct err *e) {
    char cell[32];
    struct buf left = {0};
    buf_puts(&left, session_undo_left_out(c->session));
    if (session_undo(c->session, cell, e) == OK) {
        mark(c->notebook, cell, MAGIC_NOT_RUN);
        magic_print(c, "%s is taken back; %%redo does it again\n", cell);
        if (left.len) magic_print(c, "left as it is:\n%s", buf_text(&left));
    }
    buf_free(&left);
    return e->status;
}

static enum status redo(const struct magic_call *c, struct err *e) {
    char cell[32];
    if (session_redo(c->session, cell, e)) return e->status;
    mark(c->notebook, cell, MAGIC_DONE);
    magic_print(c, "%s is there again\n", cell);
    return OK;
}

const struct magic magic_undo = {
    .name = "undo",
    .usage = "%undo",
    .help =
        "takes back what the last cell changed, up to 16 times\n"
        "Session variables, globals, tables and upvalues that they reach, tensors, models, optimizers, random state\n"
        "and the runtime device become what they were before the cell; tables and models stay the same objects.\n"
        "What stays: files, output, coroutines, and tables of more than 262144 entries in all, which are named.\n"
        "An eighth of the memory limit is used at most for tensors that were overwritten or dropped; the oldest cells\n"
        "go first, and all of them when memory is short.",
    .run = undo,
};

const struct magic magic_redo = {
    .name = "redo",
    .usage = "%redo",
    .help = "does again what %undo took back",
    .run = redo,
};
