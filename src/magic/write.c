/* %write: the notebook to its file or to another one; what was typed in a session without a notebook becomes one. */
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "magic/change.h"

/* Whether a file may go; one that is not there, or the notebook itself, may. */
static enum status check_old(const struct magic_call *c, const char *path, struct err *e) {
    struct stat old, own;
    char question[300], answer[16] = "";
    if (stat(path, &old)) return OK;
    if (c->notebook && stat(c->notebook->notebook->path, &own) == 0 && own.st_dev == old.st_dev &&
        own.st_ino == old.st_ino)
        return OK;
    snprintf(question, sizeof question, "'%.200s' exists. Overwrite it? [y/N] ", path);
    if (c->place->ask && !c->place->ask(c->place, question, answer, sizeof answer)) *answer = 0;
    return *answer == 'y' || *answer == 'Y' ? OK : err_set(e, ERR_STATE, "'%s' exists, and is left as it is", path);
}

static enum status save(const struct magic_call *c, struct err *e) {
    if (!c->notebook) return err_set(e, ERR_VALUE, "under which name? %%write NAME.cells");
    if (change_save(c->session, c->notebook, e) == OK) magic_print(c, "%s is saved\n", change_name(c->notebook));
    return e->status;
}

static enum status run(const struct magic_call *c, struct err *e) {
    struct buf path = {0};
    const bool began = !c->notebook; /* a notebook of what was typed */
    if (!c->place) return err_set(e, ERR_STATE, "there is no notebook here to be written");
    if (!*c->args) return save(c, e);
    if (change_put_name(c->args, &path, e) == OK && check_old(c, path.data, e) == OK) {
        if (c->notebook)
            change_save_as(c->place, path.data, e);
        else
            magic_notebook_open_inputs(c->session, c->place, path.data, e);
    }
    if (e->status == OK)
        magic_print(c, "%s is written: %d cell%s\n", path.data, c->place->count, c->place->count == 1 ? "" : "s");
    if (e->status == OK && began)
        magic_print(c, "What is typed from now on stays out of it; %%insert makes a cell there.\n");
    buf_free(&path);
    return e->status;
}

const struct magic magic_write = {
    .name = "write",
    .usage = "%write [NAME.cells]",
    .help =
        "writes the notebook\nChanges are saved at once, so without a name it is of use where that was not possible. "
        "With "
        "one the session goes on with that file. In a session without a notebook the inputs so far become one, all of "
        "them in their order, those that failed too, and the session goes on with it.",
    .run = run,
};
