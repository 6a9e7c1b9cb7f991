/* The memory plan: greedy by size. Values are placed from the largest down, each at the lowest offset where nothing that
 * lives at the same time lies (Pisarchyk and Lee 2020, "Efficient memory management for deep neural net inference").
 * Invariant: two places that overlap in the arena never live at the same node. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "graph/graph.h"

enum { ALIGN = 64 };

/* A value, a workspace or what is kept of one, that wants a place while nodes first .. last run. */
struct block {
    size_t size, offset;
    int first, last, value, node, keeper; /* one of these three; the others are -1 */
};

static bool is_view(const struct graph *g, int v) {
    const struct graph_value *x = &g->value[v];
    return x->kind == GRAPH_RESULT && g->node[x->node].op && g->node[x->node].op->flags & OP_VIEW;
}

/* The value whose bytes v shows. */
static int root_of(const struct graph *g, int v) {
    while (is_view(g, v)) v = g->node[g->value[v].node].in[0];
    return v;
}

/* When a node runs: at its own turn, or at that of the node it runs together with. */
static int turn(const struct graph_needs *needs, int node) {
    return needs->with ? needs->with[node] : node;
}

static void find_last_uses(const struct graph *g, const struct graph_needs *needs, int *last) {
    for (int v = 0; v < g->nvalue; v++) last[v] = -1;
    for (int i = 0; i < g->nnode; i++)
        for (int k = 0; k < g->node[i].nin; k++) {
            int *root = &last[root_of(g, g->node[i].in[k])];
            if (turn(needs, i) > *root) *root = turn(needs, i);
        }
    for (int i = 0; i < g->noutput; i++) last[root_of(g, g->output[i])] = g->nnode;
    for (int v = 0; v < g->nvalue; v++) last[v] = last[root_of(g, v)];
}

/* Outputs are computed straight into the caller's buffers, unless they show another value's bytes. */
static void mark_outputs(const struct graph *g, bool *own) {
    for (int i = 0; i < g->noutput; i++) own[g->output[i]] = !is_view(g, g->output[i]);
}

static size_t rounded(size_t bytes) {
    return (bytes + ALIGN - 1) / ALIGN * ALIGN;
}

/* Everything that wants a place; returns how many. */
static int collect(const struct graph *g, const struct graph_plan *p, const bool *own, const struct graph_needs *needs,
                   struct block *b, struct err *e) {
    int n = 0;
    for (int v = 0; v < g->nvalue; v++) {
        const struct graph_value *x = &g->value[v];
        size_t bytes;
        if (x->kind != GRAPH_RESULT || own[v] || is_view(g, v) || (needs->absent && needs->absent[v])) continue;
        if (shape_bytes(&x->sig.shape, x->sig.dtype, &bytes, e)) return -1;
        int first = turn(needs, x->node), last = p->last_use[v] < first ? first : p->last_use[v];
        b[n++] = (struct block){rounded(bytes ? bytes : 1), 0, first, last, v, -1, -1};
    }
    for (int i = 0; needs->scratch && i < g->nnode; i++) {
        size_t bytes = needs->scratch(needs->arg, i);
        if (bytes) b[n++] = (struct block){rounded(bytes), 0, turn(needs, i), turn(needs, i), -1, i, -1};
    }
    for (int i = 0, until = 0; needs->kept && i < g->nnode; i++) {
        size_t bytes = needs->kept(needs->arg, i, &until);
        if (bytes) b[n++] = (struct block){rounded(bytes), 0, turn(needs, i), turn(needs, until), -1, -1, i};
    }
    return n;
}

static int larger_first(const void *a, const void *b) {
    const struct block *x = a, *y = b;
    if (x->size != y->size) return x->size < y->size ? 1 : -1;
    if (x->first != y->first) return x->first - y->first;
    return x->value != y->value ? x->value - y->value : x->keeper - y->keeper;
}

/* The lowest gap among the placed blocks that live at the same time: `placed` are b[0] .. b[n - 1] by their offsets, and then
 * b[n], too. */
static void place(struct block *b, int n, struct block **placed) {
    size_t at = 0;
    int below = n;
    for (int i = 0; i < n; i++) {
        const struct block *p = placed[i];
        if (p->first > b[n].last || b[n].first > p->last) continue;
        if (p->offset >= at + b[n].size) break;
        if (p->offset + p->size > at) at = p->offset + p->size;
    }
    b[n].offset = at;
    for (; below > 0 && placed[below - 1]->offset > at; below--) placed[below] = placed[below - 1];
    placed[below] = &b[n];
}

static size_t liveness_bound(const struct graph *g, const struct block *b, int n, size_t *alive) {
    size_t most = 0;
    memset(alive, 0, sizeof *alive * (size_t)(g->nnode + 1));
    for (int i = 0; i < n; i++)
        for (int k = b[i].first; k <= b[i].last; k++) alive[k] += b[i].size;
    for (int k = 0; k <= g->nnode; k++)
        if (alive[k] > most) most = alive[k];
    return most;
}

static void place_all(struct graph_plan *p, struct block *b, int n, struct block **placed) {
    qsort(b, (size_t)n, sizeof *b, larger_first);
    for (int i = 0; i < n; i++) {
        place(b, i, placed);
        if (b[i].offset + b[i].size > p->arena) p->arena = b[i].offset + b[i].size;
        if (b[i].value >= 0)
            p->offset[b[i].value] = b[i].offset;
        else if (b[i].keeper >= 0)
            p->kept[b[i].keeper] = b[i].offset;
        else
            p->scratch[b[i].node] = b[i].offset;
    }
}

static enum status plan_alloc(const struct graph *g, struct graph_plan *p, struct err *e) {
    size_t values = (size_t)g->nvalue + 1, nodes = (size_t)g->nnode + 1;
    p->offset = mem_alloc(values * sizeof *p->offset, e);
    p->last_use = mem_alloc(values * sizeof *p->last_use, e);
    p->scratch = mem_zalloc(nodes * sizeof *p->scratch, e);
    p->kept = mem_zalloc(nodes * sizeof *p->kept, e);
    if (e->status) return e->status;
    for (int v = 0; v < g->nvalue; v++) p->offset[v] = SIZE_MAX;
    return OK;
}

enum status graph_plan_new(const struct graph *g, const struct graph_needs *needs, struct graph_plan **out,
                           struct err *e) {
    static const struct graph_needs none = {0};
    if (!needs) needs = &none;
    size_t most = (size_t)g->nvalue + 2 * (size_t)g->nnode + 1;
    struct graph_plan *p = mem_zalloc(sizeof *p, e);
    struct block *b = mem_alloc(most * sizeof *b, e), **placed = mem_alloc(most * sizeof *placed, e);
    size_t *alive = mem_alloc(most * sizeof *alive, e);
    bool *own = mem_zalloc(most * sizeof *own, e);
    int n = -1;
    if (e->status == OK && plan_alloc(g, p, e) == OK) {
        find_last_uses(g, needs, p->last_use);
        mark_outputs(g, own);
        n = collect(g, p, own, needs, b, e);
    }
    if (n >= 0) {
        p->bound = liveness_bound(g, b, n, alive);
        place_all(p, b, n, placed);
        for (int v = 0; v < g->nvalue; v++) p->offset[v] = p->offset[root_of(g, v)];
        *out = p;
    } else {
        graph_plan_free(p);
    }
    mem_free(own);
    mem_free(alive);
    mem_free(placed);
    mem_free(b);
    return e->status;
}

void graph_plan_free(struct graph_plan *p) {
    if (!p) return;
    mem_free(p->offset);
    mem_free(p->last_use);
    mem_free(p->scratch);
    mem_free(p->kept);
    mem_free(p);
}
