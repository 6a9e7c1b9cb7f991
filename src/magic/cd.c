/* %cd and %pwd: the folder that relative paths start in, and commands run in. */
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "magic/magic.h"

static enum status show(const struct magic_call *c, struct err *e) {
    char path[PATH_MAX];
    if (!getcwd(path, sizeof path)) return err_set(e, ERR_IO, "the current folder cannot be told: %s", strerror(errno));
    magic_print(c, "%s\n", path);
    return OK;
}

/* "~" and "~/x" stand for the home folder, nothing for it too, as in a shell. */
static enum status change(const struct magic_call *c, struct err *e) {
    const char *home = getenv("HOME"), *to = *c->args ? c->args : "~";
    struct buf path = {0};
    if (*to == '~' && (to[1] == '/' || !to[1])) {
        if (!home) return err_set(e, ERR_STATE, "HOME is not set");
        buf_puts(&path, home);
        to++;
    }
    buf_puts(&path, to);
    if (buf_status(&path, e) == OK && chdir(buf_text(&path)))
        err_set(e, ERR_IO, "cannot enter '%s': %s", buf_text(&path), strerror(errno));
    buf_free(&path);
    return e->status ? e->status : show(c, e);
}

const struct magic magic_cd = {
    .name = "cd",
    .usage = "%cd [FOLDER]",
    .help = "changes the folder that relative paths start in\nWithout one: the home folder.",
    .run = change,
};

const struct magic magic_pwd = {
    .name = "pwd",
    .usage = "%pwd",
    .help = "shows the folder that relative paths start in",
    .run = show,
};
