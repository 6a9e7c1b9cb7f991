/* %cd and %pwd: the folder that relative paths start in, and commands run in. */
#include <errno.h>
#include <limits.h>
#include <string.h>
#include <unistd.h>

#include "magic/magic.h"

static enum status show(const struct magic_call *c, struct err *e) {
    char path[PATH_MAX];
    if (!getcwd(path, sizeof path)) return err_set(e, ERR_IO, "the current folder cannot be told: %s", strerror(errno));
    magic_print(c, "%s\n", path);
    return OK;
}

/* Nothing stands for the home folder, as in a shell. */
static enum status change(const struct magic_call *c, struct err *e) {
    struct buf path = {0};
    if (magic_put_path(*c->args ? c->args : "~", &path, e) == OK && chdir(buf_text(&path)))
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
