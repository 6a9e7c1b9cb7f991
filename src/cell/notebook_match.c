/* Which cell of an older text of a notebook each cell of a newer one continues. Invariant: no old cell is continued twice. */
#include <string.h>

#include "base/mem.h"
#include "cell/notebook.h"

struct match {
    const struct notebook *old, *new;
    int *from;  /* by new cell; -1: not found yet */
    bool *used; /* by old cell */
};

/* Whether two cells of one kind are taken for the same. */
typedef bool alike_fn(const struct cell *a, const struct cell *b);

bool cell_same(const struct cell *a, const struct cell *b) {
    return a->kind == b->kind && a->depth == b->depth && a->size == b->size && !memcmp(a->source, b->source, a->size) &&
           !strcmp(a->title, b->title) && json_equal(a->metadata, b->metadata);
}

static bool same_source(const struct cell *a, const struct cell *b) {
    return a->size > 0 && a->size == b->size && !memcmp(a->source, b->source, a->size);
}

static bool same_title(const struct cell *a, const struct cell *b) {
    return *a->title && !strcmp(a->title, b->title);
}

static void claim(struct match *m, size_t i, size_t j) {
    m->from[i] = (int)j;
    m->used[j] = true;
}

/* What stands before and behind all changes. */
static void match_ends(struct match *m) {
    size_t i = 0, n = m->old->count < m->new->count ? m->old->count : m->new->count, left;
    for (; i < n && cell_same(&m->old->cells[i], &m->new->cells[i]); i++) claim(m, i, i);
    for (left = n - i, i = 1; i <= left; i++) {
        if (!cell_same(&m->old->cells[m->old->count - i], &m->new->cells[m->new->count - i])) break;
        claim(m, m->new->count - i, m->old->count - i);
    }
}

/* Wherever they stand, in the order in which they stand. */
static void match_alike(struct match *m, alike_fn *alike) {
    for (size_t i = 0; i < m->new->count; i++) {
        for (size_t j = 0; m->from[i] < 0 && j < m->old->count; j++) {
            const struct cell *a = &m->old->cells[j], *b = &m->new->cells[i];
            if (!m->used[j] && a->kind == b->kind && alike(a, b)) claim(m, i, j);
        }
    }
}

static void match_at(struct match *m, size_t i, int j) {
    if (m->from[i] >= 0 || j < 0 || (size_t)j >= m->old->count || m->used[j]) return;
    if (m->old->cells[j].kind == m->new->cells[i].kind) claim(m, i, (size_t)j);
}

/* An edited cell still stands beside the neighbour that it had. */
static void match_neighbours(struct match *m) {
    const size_t n = m->new->count;
    for (size_t i = 0; i < n; i++)
        if (i == 0 || m->from[i - 1] >= 0) match_at(m, i, i == 0 ? 0 : m->from[i - 1] + 1);
    for (size_t i = n; i-- > 0;)
        if (i == n - 1 || m->from[i + 1] >= 0) match_at(m, i, (i == n - 1 ? (int)m->old->count : m->from[i + 1]) - 1);
}

enum status notebook_match(const struct notebook *old, const struct notebook *new, int *from, struct err *e) {
    struct match m = {old, new, from, mem_zalloc(old->count + 1, e)};
    if (!m.used) return e->status;
    for (size_t i = 0; i < new->count; i++) from[i] = -1;
    match_ends(&m);
    match_alike(&m, cell_same);
    match_alike(&m, same_source);
    match_alike(&m, same_title);
    match_neighbours(&m);
    mem_free(m.used);
    return OK;
}
