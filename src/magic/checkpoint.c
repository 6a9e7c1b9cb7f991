/* %checkpoint: the session's state on the disk, now and from time to time. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "magic/magic.h"
#include "session/checkpoint.h"

static enum status write_one(const struct magic_call *c, struct err *e) {
    struct buf report = {0};
    double interval = session_checkpoint_interval(c->session);
    bool first = !*session_checkpoint_folder(c->session);
    if (session_checkpoint_now(c->session, &report, e) == OK) magic_print_text(c, &report);
    if (first) session_checkpoint_every(c->session, interval); /* one was asked for, not one a minute */
    buf_free(&report);
    return e->status;
}

static enum status set_interval(const struct magic_call *c, double seconds, struct err *e) {
    if (!*session_checkpoint_folder(c->session) && session_checkpoint_start(c->session, NULL, e)) return e->status;
    session_checkpoint_every(c->session, seconds);
    if (seconds > 0)
        magic_print(c, "a checkpoint between cells, at most every %g s, to %s\n", seconds,
                    session_checkpoint_folder(c->session));
    else
        magic_print(c, "no more checkpoints but those that %%checkpoint writes\n");
    return OK;
}

static enum status run(const struct magic_call *c, struct err *e) {
    char *end;
    if (!*c->args) return write_one(c, e);
    if (strcmp(c->args, "off") == 0) return set_interval(c, 0, e);
    double seconds = strtod(c->args, &end);
    if (end == c->args || *end || !isfinite(seconds) || seconds <= 0)
        return err_set(e, ERR_VALUE, "%%checkpoint takes seconds or off, not '%s'", c->args);
    return set_interval(c, seconds, e);
}

const struct magic magic_checkpoint = {
    .name = "checkpoint",
    .usage = "%checkpoint [SECONDS | off]",
    .help = "writes the session's state to the disk\nNow, or between cells, at most every so many seconds. Only what "
            "changed "
            "is written, while the session goes on. %load loads one of its files, too.",
    .run = run,
};
