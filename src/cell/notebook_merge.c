/* Two changes of one notebook put together. Invariant: what comes out holds every cell of both as one of them wrote it. */
#include <string.h>

#include "base/mem.h"
#include "cell/notebook.h"

/* Whether the cells are those of `old`, in their order, so that at most what they hold is another. */
static bool has_same_cells(const struct notebook *old, const struct notebook *new, const int *from) {
    if (old->count != new->count) return false;
    for (size_t i = 0; i < new->count; i++)
        if (from[i] != (int)i) return false;
    return true;
}

/* The cells of `to`, which are written as they stand there, with those that `edits` changed in their places. */
static enum status put_edits(const struct notebook *base, const struct notebook *edits, struct notebook *to,
                             const int *from, struct err *e) {
    for (size_t k = 0; k < base->count; k++) {
        if (cell_same(&base->cells[k], &edits->cells[k])) continue;
        size_t i = 0;
        while (i < to->count && from[i] != (int)k) i++;
        if (i == to->count || !cell_same(&base->cells[k], &to->cells[i]))
            return err_set(e, ERR_STATE, "a cell was changed on both sides");
        to->cells[i] = edits->cells[k];
    }
    return OK;
}

/* `edits` has the cells of `base`; `other` may be anything. */
static enum status merge(const struct notebook *base, const struct notebook *edits, const struct notebook *other,
                         const int *from, struct notebook **out, struct err *e) {
    struct notebook view = *other;
    struct buf text = {0};
    view.cells = mem_alloc(sizeof *view.cells * (other->count + 1), e);
    if (!view.cells) return e->status;
    memcpy(view.cells, other->cells, sizeof *view.cells * other->count);
    if (put_edits(base, edits, &view, from, e) == OK && notebook_write(&view, &text, e) == OK)
        notebook_parse(buf_text(&text), text.len, out, e);
    mem_free(view.cells);
    buf_free(&text);
    return e->status;
}

enum status notebook_merge(const struct notebook *base, const struct notebook *a, const struct notebook *b,
                           struct notebook **out, struct err *e) {
    int *from_a = mem_alloc(sizeof *from_a * (a->count + 1), e),
        *from_b = mem_alloc(sizeof *from_b * (b->count + 1), e);
    *out = NULL;
    if (from_a && from_b && notebook_match(base, a, from_a, e) == OK && notebook_match(base, b, from_b, e) == OK) {
        if (has_same_cells(base, a, from_a))
            merge(base, a, b, from_b, out, e);
        else if (has_same_cells(base, b, from_b))
            merge(base, b, a, from_a, out, e);
        else
            err_set(e, ERR_STATE, "cells were added, deleted or moved on both sides");
    }
    mem_free(from_a);
    mem_free(from_b);
    return e->status;
}
