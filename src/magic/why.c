/* %why: which cell wrote a variable, when, and from what. */
#include <stdio.h>
#include <string.h>

#include "base/units.h"
#include "magic/magic.h"
#include "session/trail.h"

enum { DEPTH = 3 };

/* Who wrote the name before run `before`, and, a level deeper, what that cell read. */
static void explain(const struct magic_call *c, const struct trail *t, const char *name, int before, int level) {
    struct buf line = {0};
    const int w = trail_writer(t, name, before);
    if (w < 0) return;
    const struct trail_run *r = trail_at(t, w);
    buf_printf(&line, "%*s%s: %s, ", 2 * level, "", name, r->cell);
    units_ago(r->time, &line);
    for (int i = 0; i < r->nread; i++) buf_printf(&line, "%s%s", i ? ", " : ", from ", r->read[i]);
    magic_print(c, "%s\n", buf_text(&line));
    buf_free(&line);
    for (int i = 0; i < r->nread && level < DEPTH; i++) explain(c, t, r->read[i], w, level + 1);
}

static enum status run(const struct magic_call *c, struct err *e) {
    const struct trail *t = session_trail(c->session);
    if (!*c->args) return err_set(e, ERR_VALUE, "why what? %%why NAME");
    if (!t) return err_set(e, ERR_STATE, "what cells write is not noted here");
    if (trail_writer(t, c->args, trail_count(t)) < 0)
        return err_set(e, ERR_NOT_FOUND, "no cell has written '%s'; %%who lists the variables", c->args);
    explain(c, t, c->args, trail_count(t), 0);
    return OK;
}

const struct magic magic_why = {
    .name = "why",
    .usage = "%why NAME",
    .help = "says which cell wrote a variable last, when, and from what\n"
            "Indented below: who had written what that cell read.",
    .run = run,
};
