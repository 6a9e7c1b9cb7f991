/* %ls: the files of a folder. */
#include "magic/magic.h"

static enum status run(const struct magic_call *c, struct err *e) {
    struct buf line = {0};
    buf_printf(&line, "sh COLUMNS=%d ls -CF %s", session_sink(c->session)->width, c->args);
    const enum status s = buf_status(&line, e) ? e->status : magic_run_line(c->session, c->place, line.data, "", e);
    buf_free(&line);
    return s;
}

const struct magic magic_ls = {
    .name = "ls",
    .usage = "%ls [FOLDER]",
    .help = "lists files, as !ls does",
    .run = run,
};
