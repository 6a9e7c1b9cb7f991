/* %new: an empty notebook, in the session that there is. */
#include <unistd.h>

#include "base/file.h"
#include "base/mem.h"
#include "magic/change.h"

/* No cell of the new notebook has run, whatever its number. */
static enum status forget_numbers(const struct magic_call *c, struct err *e) {
    const int count = c->place->count;
    int *to = mem_zalloc(sizeof *to * (size_t)(count + 1), e);
    if (!to) return e->status;
    session_rename_cells(c->session, to, count);
    mem_free(to);
    return OK;
}

static enum status open_new(const struct magic_call *c, const char *path, struct err *e) {
    if (access(path, F_OK) == 0) return err_set(e, ERR_STATE, "'%s' exists: celda %s opens it", path, path);
    if (file_replace(path, "", 0, e) || forget_numbers(c, e)) return e->status;
    magic_notebook_close(c->place);
    if (magic_notebook_open(c->place, path, e)) return e->status;
    magic_print(c, "%s is new\n", path);
    return OK;
}

static enum status run(const struct magic_call *c, struct err *e) {
    struct buf path = {0};
    if (!c->place) return err_set(e, ERR_STATE, "no notebook can be opened here");
    if (c->place->running > 0) return err_set(e, ERR_STATE, "a cell of the notebook is running");
    if (c->notebook && c->notebook->notebook->changed)
        return err_set(e, ERR_STATE, "the changes of %s are not saved; %%write first", change_name(c->notebook));
    if (change_put_name(c->args, &path, e) == OK) open_new(c, path.data, e);
    buf_free(&path);
    return e->status;
}

const struct magic magic_new = {
    .name = "new",
    .usage = "%new NAME.cells",
    .help =
        "begins an empty notebook\nVariables stay; the notebook that was open is saved. %write NAME.cells makes one of "
        "what was typed.",
    .run = run,
};
