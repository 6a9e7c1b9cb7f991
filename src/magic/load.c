/* %load: what %save wrote. */
#include <string.h>

#include "magic/magic.h"

static enum status run(const struct magic_call *c, struct err *e) {
    static const char option[] = "--salvage";
    struct buf report = {0};
    const char *path = c->args;
    bool salvage = strncmp(path, option, strlen(option)) == 0 && strchr(" \t", path[strlen(option)]);
    if (salvage) path += strlen(option) + strspn(path + strlen(option), " \t");
    if (!*path) return err_set(e, ERR_VALUE, "%%load needs a path: %%load session.celda");
    if (session_load(c->session, path, salvage, &report, e) == OK) magic_print_text(c, &report);
    buf_free(&report);
    return e->status;
}

const struct magic magic_load = {
    .name = "load",
    .usage = "%load [--salvage] FILE.celda",
    .help =
        "loads a session that %save wrote\nVariables of the same names are replaced, others stay; everything goes to "
        "the current runtime device. Of a damaged file nothing is loaded, with --salvage what is whole.",
    .run = run,
};
