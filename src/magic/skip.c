/* %skip: passes the next cells over. */
#include <stdlib.h>

#include "magic/magic.h"

static enum status parse_count(const struct magic_call *c, int *count, struct err *e) {
    const int left = c->notebook->count + 1 - c->notebook->next;
    char *end;
    const long n = *c->args ? strtol(c->args, &end, 10) : 1;
    if (*c->args && (*end || n < 1))
        return err_set(e, ERR_VALUE, "what is '%s'? %%skip COUNT passes so many cells over", c->args);
    if (left == 0) return err_set(e, ERR_STATE, "this is the end of the notebook");
    if (n > left)
        return err_set(e, ERR_VALUE, "%s cells cannot be skipped: %d %s left", c->args, left, left == 1 ? "is" : "are");
    *count = (int)n;
    return OK;
}

static enum status run(const struct magic_call *c, struct err *e) {
    struct magic_notebook *nb = c->notebook;
    int count = 0;
    if (parse_count(c, &count, e)) return e->status;
    for (; count > 0; count--, nb->next++)
        if (nb->state[nb->next - 1].progress == MAGIC_NOT_RUN) nb->state[nb->next - 1].progress = MAGIC_SKIPPED;
    return OK;
}

const struct magic magic_skip = {
    .name = "skip",
    .usage = "%skip [COUNT]",
    .help = "passes the next cell over, or so many",
    .needs_notebook = true,
    .run = run,
};
