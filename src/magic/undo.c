/* %undo, %redo: taking the last cell's effect on the session back, and the other way round. */
#include <stdlib.h>
#include <string.h>

#include "magic/change.h"
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
    if (n < 1 || n > nb->count || (done && nb->state[n - 1].progress == MAGIC_DONE)) return;
    nb->state[n - 1].progress = done ? MAGIC_DONE : MAGIC_NOT_RUN;
    nb->next = done ? n + 1 : n;
}

/* "edit": a change of the notebook. */
static enum status move_change(const struct magic_call *c, bool back, struct err *e) {
    if (strcmp(c->args, "edit") != 0)
        return err_set(e, ERR_VALUE, "what is '%s'? %%%sdo edit", c->args, back ? "un" : "re");
    if (!c->notebook) return err_set(e, ERR_STATE, "there is no open notebook whose cells could have been changed");
    if (change_undo(c, back, e)) return e->status;
    change_say(c,
               back ? "the notebook is as before; %%redo edit changes it again\n" : "the notebook is changed again\n");
    return OK;
}

static enum status undo(const struct magic_call *c, struct err *e) {
    if (*c->args) return move_change(c, true, e);
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
    if (*c->args) return move_change(c, false, e);
    char cell[32];
    if (session_redo(c->session, cell, e)) return e->status;
    mark(c, cell);
    magic_print(c, "%s is there again\n", cell);
    return OK;
}

const struct magic magic_undo = {
    .name = "undo",
    .usage = "%undo [edit]",
    .help =
        "takes back what the last cell changed, up to 16 times\nSession variables, globals, tables and upvalues that "
        "they reach, tensors, models, optimizers, random state and the runtime device become what they were before the "
        "cell; tables and models stay the same objects.\nWhat stays: files, output, coroutines, and tables of more "
        "than 65536 entries in all, which are named.\nAn eighth of the memory limit is used at most for tensors that "
        "were overwritten or dropped; the oldest cells go first, and all of them when memory is short.\n%undo edit "
        "takes back the last change of the notebook itself: %edit, %insert, %split, %merge, %move, %delete.",
    .run = undo,
};

const struct magic magic_redo = {
    .name = "redo",
    .usage = "%redo [edit]",
    .help = "does again what %undo took back",
    .run = redo,
};
