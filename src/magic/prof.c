/* %prof and %%prof: where the time of a statement or a cell goes, by lines of Lua and by ops. */
#include <string.h>

#include "base/buf.h"
#include "magic/magic.h"
#include "run/run.h"

static enum status run(const struct magic_call *c, struct err *e) {
    struct run *r = session_runtime(c->session);
    struct buf text = {0};
    const char *code = *c->body ? c->body : c->args;
    if (!*code) return err_set(e, ERR_VALUE, "what should be sampled? %%prof CODE, or %%%%prof before a cell");
    if (profile_begin(r, e)) return e->status;
    if (session_sample_begin(e)) {
        profile_end(r, NULL);
        return e->status;
    }
    enum status s = session_run_part(c->session, code, strlen(code));
    const double seconds = session_sample_end(c->session, &text);
    profile_totals(r, seconds, &text);
    profile_end(r, NULL);
    magic_print_text(c, &text);
    buf_free(&text);
    return s;
}

const struct magic magic_prof = {
    .name = "prof",
    .usage = "%prof CODE",
    .help =
        "shows which lines and ops take CODE's time\nA thousand times a second the line that runs is noted; a line "
        "that waits for a function of C's counts, too.\nThe ops' time is a part of that of the lines that called them, "
        "and their shares are of the same whole.\n%%prof takes a cell. %profile shows each op of a compiled step.",
    .takes_cell = true,
    .run = run,
};
