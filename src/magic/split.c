/* %split: one cell becomes two. */
#include <stdio.h>
#include <string.h>

#include "magic/change.h"

/* Where line `line` (from 1) begins; 0 where it is the first or there is none. */
static size_t start_of_line(const struct cell *c, int line) {
    size_t at = 0;
    for (int k = 1; k < line; k++) {
        const char *end = memchr(c->source + at, '\n', c->size - at);
        if (!end) return 0;
        at = (size_t)(end - c->source) + 1;
    }
    return at;
}

/* The part from `from` on becomes a cell of its own, with the same metadata. */
static enum status split(struct notebook *nb, size_t at, size_t from, struct err *e) {
    const struct cell *c = &nb->cells[at];
    if (notebook_insert(nb, at + 1, c->kind, c->source + from, c->size - from, e)) return e->status;
    const char *key;
    json_t *value;
    json_object_foreach(nb->cells[at].metadata, key, value) {
        if (notebook_set_metadata(nb, at + 1, key, json_incref(value), e)) return e->status;
    }
    return notebook_set_source(nb, at, nb->cells[at].source, from, e);
}

static enum status run(const struct magic_call *c, struct err *e) {
    const struct magic_notebook *nb = c->notebook;
    struct notebook *copy;
    char number[16] = "", more;
    int line = 0, n;
    if (sscanf(c->args, "%15s %d %c", number, &line, &more) != 2)
        return err_set(e, ERR_VALUE, "before which line? %%split N LINE");
    if (magic_parse_cell(nb, number, &n, e)) return e->status;
    const size_t at = (size_t)magic_cell_index(nb, n), from = start_of_line(&nb->notebook->cells[at], line);
    if (from == 0) return err_set(e, ERR_VALUE, "[%d] cannot be split before line %d", n, line);
    if (change_begin(c, &copy, e)) return e->status;
    if (split(copy, at, from, e)) {
        notebook_free(copy);
        return e->status;
    }
    if (change_commit(c, copy, e)) return e->status;
    change_say(c, "[%d] is split: from line %d on it is [%d]\n", n, line, n + 1);
    return OK;
}

const struct magic magic_split = {
    .name = "split",
    .usage = "%split N LINE",
    .help = "makes two cells of cell N\nThe second one begins with that line. Both keep the device, timeout and tags.",
    .needs_notebook = true,
    .run = run,
};
