/* What differs between two texts of a notebook, in words: "cells 3, 5; new cell 7; text; 1 deleted". */
#include <stdio.h>

#include "base/mem.h"
#include "magic/change.h"

struct differences {
    const struct notebook *old, *new;
    int *from; /* notebook_match's */
    struct buf *out;
    bool any;
};

static bool is_other(const struct differences *d, size_t i) {
    return d->from[i] < 0 || !cell_same(&d->old->cells[d->from[i]], &d->new->cells[i]);
}

static void put(struct differences *d, const char *words) {
    buf_printf(d->out, "%s%s", d->any ? "; " : "", words);
    d->any = true;
}

/* Code cells that are others, by their new numbers: those that are new, or those that are not. */
static void put_cells(struct differences *d, bool fresh) {
    struct buf words = {0}, numbers = {0};
    int count = 0;
    for (size_t i = 0, n = 0; i < d->new->count; i++) {
        if (d->new->cells[i].kind != CELL_CODE) continue;
        n++;
        if (is_other(d, i) && (d->from[i] < 0) == fresh) buf_printf(&numbers, "%s%zu", count++ ? ", " : "", n);
    }
    buf_printf(&words, "%scell%s %s", fresh ? "new " : "", count > 1 ? "s" : "", buf_text(&numbers));
    if (count > 0) put(d, buf_text(&words));
    buf_free(&words);
    buf_free(&numbers);
}

static void put_text(struct differences *d) {
    for (size_t i = 0; i < d->new->count; i++) {
        if (d->new->cells[i].kind == CELL_CODE || !is_other(d, i)) continue;
        put(d, "text");
        return;
    }
}

static void put_gone(struct differences *d) {
    size_t kept = 0;
    char words[40];
    for (size_t i = 0; i < d->new->count; i++) kept += d->from[i] >= 0;
    snprintf(words, sizeof words, "%zu deleted", d->old->count - kept);
    if (kept < d->old->count) put(d, words);
}

static bool is_moved(const struct differences *d) {
    int last = -1;
    for (size_t i = 0; i < d->new->count; i++) {
        if (d->from[i] < 0) continue;
        if (d->from[i] < last) return true;
        last = d->from[i];
    }
    return false;
}

enum status change_put_differences(const struct notebook *old, const struct notebook *new, struct buf *out,
                                   struct err *e) {
    struct differences d = {.old = old, .new = new, .out = out};
    d.from = mem_alloc(sizeof *d.from * (new->count + 1), e);
    if (d.from && notebook_match(old, new, d.from, e) == OK) {
        put_cells(&d, false);
        put_cells(&d, true);
        put_text(&d);
        put_gone(&d);
        if (is_moved(&d)) put(&d, "another order");
        if (!d.any) put(&d, "blank lines");
    }
    mem_free(d.from);
    return e->status ? e->status : buf_status(out, e);
}
