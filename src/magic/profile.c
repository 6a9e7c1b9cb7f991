/* %profile and %%profile: the time and memory of each op of the compiled steps that a statement or a cell runs. */
#include <string.h>

#include "base/buf.h"
#include "magic/magic.h"
#include "run/run.h"

static enum status run(const struct magic_call *c, struct err *e) {
    struct run *r = session_runtime(c->session);
    struct buf text = {0};
    const char *code = *c->body ? c->body : c->args;
    if (!*code) return err_set(e, ERR_VALUE, "what should be profiled? %%profile CODE, or %%%%profile before a cell");
    if (profile_begin(r, e)) return e->status;
    enum status s = session_run_part(c->session, code, strlen(code));
    profile_end(r, &text);
    magic_print(c, "%s", buf_text(&text));
    buf_free(&text);
    return s;
}

const struct magic magic_profile = {
    .name = "profile",
    .usage = "%profile CODE",
    .help = "shows the time and memory of each op of the compiled steps that CODE runs\n%profile "
            "model:train_on_batch(x, y) for one step, %profile model:fit(x, y, {epochs = 1}) for their "
            "mean.\nMilliseconds are of one call; MB is what the op makes; equal ones are added up; the slowest come "
            "first. Ops that were "
            "called one by one are added up below. %prof shows the lines of Lua that take the time.",
    .takes_cell = true,
    .run = run,
};
