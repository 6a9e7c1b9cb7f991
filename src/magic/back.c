/* %back: the cell before becomes the next one. */
#include "magic/magic.h"

static enum status run(const struct magic_call *c, struct err *e) {
    if (c->notebook->next == 1) return err_set(e, ERR_STATE, "this is the first cell");
    c->notebook->next--;
    return OK;
}

const struct magic magic_back = {
    .name = "back",
    .usage = "%back",
    .help = "makes the cell before the next one\nNothing is undone.",
    .needs_notebook = true,
    .run = run,
};
