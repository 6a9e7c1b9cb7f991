/* %break: breakpoints on cells. */
#include <stdlib.h>
#include <string.h>

#include "magic/magic.h"

static void list(const struct magic_call *c) {
    const struct magic_notebook *nb = c->notebook;
    int n = 0;
    for (int i = 0; i < nb->count; i++)
        if (nb->state[i].breakpoint) magic_print(c, "%s[%d]", n++ ? " " : "", i + 1);
    magic_print(c, n ? "\n" : "no breakpoints\n");
}

static void remove_all(struct magic_notebook *nb) {
    for (int i = 0; i < nb->count; i++) nb->state[i].breakpoint = false;
}

/* "3" or "3 off". */
static enum status set(struct magic_notebook *nb, const char *args, struct err *e) {
    char number[32] = "";
    const size_t size = strcspn(args, " ");
    const char *rest = args + size + strspn(args + size, " ");
    int n;
    strncat(number, args, size < sizeof number ? size : sizeof number - 1);
    if (magic_parse_cell(nb, number, &n, e)) return e->status;
    if (*rest && strcmp(rest, "off") != 0)
        return err_set(e, ERR_VALUE, "what is '%s'? %%break N sets a breakpoint, %%break N off removes it", rest);
    nb->state[n - 1].breakpoint = !*rest;
    return OK;
}

static enum status run(const struct magic_call *c, struct err *e) {
    if (strcmp(c->args, "off") == 0)
        remove_all(c->notebook);
    else if (*c->args)
        return set(c->notebook, c->args, e);
    else
        list(c);
    return OK;
}

const struct magic magic_break = {
    .name = "break",
    .usage = "%break [N | N off | off]",
    .help = "sets a breakpoint on cell N\n%run and %continue stop before it; Enter runs it all the same. %break lists "
            "them, "
            "%break N off removes one, %break off all. They follow their cells when the notebook is edited.",
    .needs_notebook = true,
    .run = run,
};
