/* %goto: makes a cell the next one, without running any. */
#include "magic/magic.h"

static enum status run(const struct magic_call *c, struct err *e) {
    return magic_parse_cell(c->notebook, c->args, &c->notebook->next, e);
}

const struct magic magic_goto = {
    .name = "goto",
    .usage = "%goto N",
    .help = "makes cell N the next one\nNothing runs; variables stay as they are.",
    .needs_notebook = true,
    .run = run,
};
