/* %reset: forgets everything, after the user has said so. */
#include <string.h>

#include "magic/magic.h"

static enum status run(const struct magic_call *c, struct err *e) {
    if (strcmp(c->args, "-f") != 0)
        return err_set(e, ERR_VALUE, "%%reset forgets all variables and cannot be undone: type %%reset -f");
    if (session_reset(c->session, e)) return e->status;
    for (int i = 0; c->notebook && i < c->notebook->count; i++) c->notebook->state[i].progress = MAGIC_NOT_RUN;
    if (c->notebook) c->notebook->next = 1;
    magic_print(c, "all variables are forgotten\n");
    return OK;
}

const struct magic magic_reset = {
    .name = "reset",
    .usage = "%reset -f",
    .help = "forgets all variables\nThe session starts afresh, the notebook at its first cell.",
    .run = run,
};
