/* %save: the session as a file. */
#include "magic/magic.h"

static enum status run(const struct magic_call *c, struct err *e) {
    struct buf report = {0};
    if (!*c->args) return err_set(e, ERR_VALUE, "%%save needs a path: %%save session.celda");
    if (session_save(c->session, c->args, &report, e) == OK) magic_print_text(c, &report);
    buf_free(&report);
    return e->status;
}

const struct magic magic_save = {
    .name = "save",
    .usage = "%save FILE.celda",
    .help = "saves the session: variables, functions, models, optimizers, random state\n%load brings it back, here or "
            "elsewhere, on any device. What cannot be saved (an open file, a coroutine) is named, the rest is saved.",
    .run = run,
};
