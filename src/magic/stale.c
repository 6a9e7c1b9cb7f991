/* Which cells' results are out of date. Invariant: a cell can only be made stale by what stands above it or was typed:
 * what a later cell writes is, in a notebook read from top to bottom, no news to it. */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "cell/notebook.h"
#include "magic/magic.h"
#include "session/trail.h"

/* A code cell by its source. */
struct place {
    uint32_t source;
    int n;
};

struct search {
    const struct trail *trail;
    const struct magic_notebook *nb;
    struct place *place; /* in order of `source` */
    int *cell;           /* by run: the cell that has its source now, or had it; 0: none */
    int *last;           /* by cell, n at n - 1: its last run with its source, -1: none */
    struct magic_stale *out;
};

static int by_source(const void *a, const void *b) {
    const struct place *x = a, *y = b;
    return x->source != y->source ? (x->source < y->source ? -1 : 1) : x->n - y->n;
}

static const struct cell *cell_of(const struct search *s, int n) {
    return &s->nb->notebook->cells[magic_cell_index(s->nb, n)];
}

static void find_places(struct search *s) {
    int n = 0;
    for (size_t i = 0; i < s->nb->notebook->count; i++) {
        const struct cell *c = &s->nb->notebook->cells[i];
        if (c->kind != CELL_CODE) continue;
        s->place[n] = (struct place){trail_hash(c->source, c->size), n + 1};
        n++;
    }
    qsort(s->place, (size_t)n, sizeof *s->place, by_source);
}

/* The cell with the run's source; of several that are alike the one with the run's number, else the first. */
static int cell_of_run(const struct search *s, const struct trail_run *r) {
    int low = 0, high = s->nb->count, numbered = *r->cell == '[' ? atoi(r->cell + 1) : 0, found = 0;
    while (low < high) {
        const int middle = (low + high) / 2;
        if (s->place[middle].source < r->source)
            low = middle + 1;
        else
            high = middle;
    }
    for (; low < s->nb->count && s->place[low].source == r->source; low++)
        if (!found || s->place[low].n == numbered) found = s->place[low].n;
    return found;
}

/* The cell that the run's source was replaced in: the one of its number, if that never ran as it is. */
static int cell_before_edit(const struct search *s, const struct trail_run *r) {
    const int n = *r->cell == '[' ? atoi(r->cell + 1) : 0;
    return n >= 1 && n <= s->nb->count && s->last[n - 1] < 0 ? n : 0;
}

static void find_runs(struct search *s) {
    for (int n = 0; n < s->nb->count; n++) s->last[n] = -1;
    for (int i = 0; i < trail_count(s->trail); i++) {
        const struct trail_run *r = trail_at(s->trail, i);
        s->cell[i] = cell_of_run(s, r);
        if (s->cell[i] && !r->undone) s->last[s->cell[i] - 1] = i;
    }
    for (int i = 0; i < trail_count(s->trail); i++)
        if (!s->cell[i]) s->cell[i] = cell_before_edit(s, trail_at(s->trail, i));
}

/* The last run that wrote the name and could be news to cell n. */
static int writer_for(const struct search *s, const char *name, int n) {
    int w = trail_count(s->trail);
    do w = trail_writer(s->trail, name, w);
    while (w >= 0 && s->cell[w] >= n);
    return w;
}

static struct magic_stale judge_run(const struct search *s, int n) {
    const int run = s->last[n - 1];
    const struct trail_run *r = trail_at(s->trail, run);
    struct magic_stale result = {MAGIC_FRESH, NULL, NULL};
    for (int i = 0; i < r->nread; i++) {
        const int w = writer_for(s, r->read[i], n);
        if (w < 0) continue;
        const bool later = w > run;
        if (!later && (s->cell[w] == 0 || s->out[s->cell[w] - 1].kind == MAGIC_FRESH)) continue;
        result = (struct magic_stale){later ? MAGIC_CHANGED : MAGIC_INHERITED, r->read[i], trail_at(s->trail, w)->cell};
        if (later) break;
    }
    return result;
}

/* The cell ran, but not with the source that it has now. */
static bool is_edited(const struct search *s, int n) {
    for (int i = trail_count(s->trail) - 1; i >= 0; i--)
        if (s->cell[i] == n && !trail_at(s->trail, i)->undone) return true;
    return false;
}

static struct magic_stale judge(const struct search *s, int n) {
    const enum magic_progress progress = s->nb->state[n - 1].progress;
    if (cell_of(s, n)->size == 0 || (progress != MAGIC_DONE && progress != MAGIC_FAILED))
        return (struct magic_stale){0};
    if (s->last[n - 1] >= 0) return judge_run(s, n);
    if (s->nb->state[n - 1].lost && progress == MAGIC_DONE) return (struct magic_stale){MAGIC_LOST, NULL, NULL};
    return (struct magic_stale){is_edited(s, n) ? MAGIC_EDITED : MAGIC_FRESH, NULL, NULL};
}

enum status magic_find_stale(struct session *session, const struct magic_notebook *nb, struct magic_stale *out,
                             struct err *e) {
    struct search s = {.trail = session_trail(session), .nb = nb, .out = out};
    memset(out, 0, sizeof *out * (size_t)nb->count);
    if (!s.trail) return OK;
    s.place = mem_alloc(sizeof *s.place * (size_t)(nb->count + 1), e);
    s.last = mem_alloc(sizeof *s.last * (size_t)(nb->count + 1), e);
    s.cell = mem_alloc(sizeof *s.cell * (size_t)(trail_count(s.trail) + 1), e);
    if (e->status == OK) {
        find_places(&s);
        find_runs(&s);
        for (int n = 1; n <= nb->count; n++) out[n - 1] = judge(&s, n);
    }
    mem_free(s.cell);
    mem_free(s.last);
    mem_free(s.place);
    return e->status;
}
