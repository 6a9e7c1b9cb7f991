/* %undo, %redo: taking the last cell's effect on the session back, and the other way round. */
#include <stdlib.h>
#include <string.h>

#include "magic/magic.h"
#include "session/trail.h"

static bool ran(const struct magic_call *c, const char *cell) {
    const struct trail *t = session_trail(c->session);
    for (int i = t ? trail_count(t) : 0; i-- > 0;)
        if (!trail_at(t, i)->undone && strcmp(trail_at(t, i)->cell, cell) == 0) return true;
    return false;
}

/* The notebook's cell of that name is to be run again, unless it also ran before. */
static void mark(const struct magic_call *c, const char *cell) {
    struct magic_notebook *nb = c->notebook;
    const int n = nb && *cell == '[' ? atoi(cell + 1) : 0;
    const bool done = ran(c, cell);
    if (n < 1 || n > nb->count || (done && nb->state[n - 1] == MAGIC_DONE)) return;
    nb->state[n - 1] = done ? MAGIC_DONE : MAGIC_NOT_RUN;
    nb->next = done ? n + 1 : n;
}

static enum status undo(const struct magic_call *c, struct err *e) {
    char cell[32];
    struct buf left = {0};
    buf_puts(&left, session_undo_left_out(c->session));
    if (session_undo(c->session, cell, e) == OK) {
        mark(c, cell);
        magic_print(c, "%s is taken back; %%redo does it again\n", cell);
        if (left.len) magic_print(c, "left as it is:\n%s", buf_text(&left));
    }
    buf_free(&left);
    return e->status;
}

static enum status redo(const struct magic_call *c, struct err *e) {
    char cell[32];
    if (session_redo(c->session, cell, e)) return e->status;
    mark(c, cell);
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
        "What stays: files, output, coroutines, and tables of more than 65536 entries in all, which are named.\n"
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
