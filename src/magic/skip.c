/* %skip: passes the next cell over. */
#include "magic/magic.h"

static enum status run(const struct magic_call *c, struct err *e) {
    struct magic_notebook *nb = c->notebook;
    if (nb->next > nb->count) return err_set(e, ERR_STATE, "this is the end of the notebook");
    if (nb->state[nb->next - 1].progress == MAGIC_NOT_RUN) nb->state[nb->next - 1].progress = MAGIC_SKIPPED;
    nb->next++;
    return OK;
}

const struct magic magic_skip = {
    .name = "skip",
    .usage = "%skip",
    .help = "passes the next cell over",
    .needs_notebook = true,
    .run = run,
};
