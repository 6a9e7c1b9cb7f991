/* Recomputing: what a region of elementwise nodes makes for another one is computed again there, from fewer bytes, where
 * that is cheap: batch normalisation's 2 (x - mean) from x, which is in memory anyway; an activation's y > 0 and y + 1
 * from y. Invariant: the same ops run on the same numbers, so every result keeps its bits. */
#include <string.h>

#include "base/mem.h"
#include "graph/rewrite.h"
#include "op/ops.h"

struct recompute {
    const struct graph *g;
    struct graph_readers readers;
    int *region;  /* by node: graph_regions's */
    int *root;    /* by value: what it is computed from again; -1: it is not */
    int64_t *now; /* by value as a root: bytes that are read and written for what could be computed from it */
};

/* Ops that take less time than reading their result from memory. */
static bool is_cheap(const struct op *op) {
    static const struct op *const cheap[] = {&op_add, &op_sub, &op_mul, &op_neg, &op_square,
                                             &op_gt,  &op_ge,  &op_lt,  &op_le};
    for (size_t i = 0; i < sizeof cheap / sizeof *cheap; i++)
        if (cheap[i] == op) return true;
    return false;
}

static int64_t size_of(const struct graph *g, int v) {
    return shape_size(&g->value[v].sig.shape);
}

static int64_t bytes_of(const struct graph *g, int v) {
    return size_of(g, v) * (int64_t)dtype_size(g->value[v].sig.dtype);
}

/* The one operand of v's node as large as v, if the others are small and the node is cheap; -1: it is not so. */
static int large_operand(const struct graph *g, int v) {
    int large = -1;
    const struct graph_node *n = &g->node[g->value[v].node];
    if (g->value[v].kind != GRAPH_RESULT || !is_cheap(n->op)) return -1;
    for (int k = 0; k < n->nin; k++) {
        const bool same = shape_equal(&g->value[n->in[k]].sig.shape, &g->value[v].sig.shape);
        if (!same && size_of(g, n->in[k]) > size_of(g, v) / 64) return -1;
        if (same && large >= 0 && large != n->in[k]) return -1;
        if (same) large = n->in[k];
    }
    return large;
}

/* Whether v leaves its region only to elementwise nodes of its shape. */
static bool leaves_to_regions(const struct recompute *r, int v) {
    const struct graph *g = r->g;
    const int region = r->region[g->value[v].node];
    bool found = false;
    for (int k = r->readers.first[v]; k < r->readers.first[v + 1]; k++) {
        const int i = r->readers.node[k];
        if (r->region[i] == region) continue;
        if (!graph_is_fusable(g, i) || !shape_equal(&g->value[g->node[i].out].sig.shape, &g->value[v].sig.shape))
            return false;
        found = true;
    }
    return found && !r->readers.output[v];
}

/* From what v can be computed again: up some cheap nodes of its region. v itself: nothing. */
static int root_of(const struct recompute *r, int v) {
    enum { MOST = 4 }; /* nodes that together still take less time than memory */
    const struct graph *g = r->g;
    const int region = r->region[g->value[v].node];
    int root = v;
    for (int i = 0; i < MOST && g->value[root].kind == GRAPH_RESULT && r->region[g->value[root].node] == region; i++) {
        const int up = large_operand(g, root);
        if (up < 0) break;
        root = up;
    }
    return root;
}

/* Whether a root made in `region` is in memory anyway. */
static bool is_stored(const struct recompute *r, int root, int region) {
    const struct graph_value *v = &r->g->value[root];
    return v->kind != GRAPH_RESULT || r->region[v->node] != region || graph_leaves(r->g, &r->readers, r->region, root);
}

/* Sets root for each value that is better computed again: written and read once each, as its root would be. */
static void choose(struct recompute *r) {
    const struct graph *g = r->g;
    for (int v = 0; v < g->nvalue; v++) {
        r->root[v] = -1;
        if (g->value[v].kind != GRAPH_RESULT || !graph_is_fusable(g, g->value[v].node) || !leaves_to_regions(r, v))
            continue;
        const int root = root_of(r, v);
        if (root == v) continue;
        r->root[v] = root;
        r->now[root] += 2 * bytes_of(g, v);
    }
    for (int v = 0; v < g->nvalue; v++) {
        const int root = r->root[v];
        if (root < 0) continue;
        const bool stored = is_stored(r, root, r->region[g->value[v].node]);
        if ((stored ? 1 : 2) * bytes_of(g, root) >= r->now[root]) r->root[v] = -1;
    }
}

/* ---- writing ------------------------------------------------------------------------------------------------------ */

/* v computed again from `root`, in the new graph. */
static int write_again(struct graph_rewrite *w, const struct recompute *r, int v, int root, struct err *e) {
    if (v == root || e->status) return graph_rewrite_value(w, v, e);
    const struct graph_node *n = &r->g->node[r->g->value[v].node];
    const int large = large_operand(r->g, v), again_large = write_again(w, r, large, root, e);
    int in[4];
    for (int k = 0; k < n->nin; k++) in[k] = n->in[k] == large ? again_large : graph_rewrite_value(w, n->in[k], e);
    const int again = e->status ? -1 : graph_add(w->to, n->op, in, n->nin, &n->attrs, e);
    if (again >= 0) w->to->node[w->to->nnode - 1].late = true;
    return again;
}

/* Node i, with copies of what it reads from other regions that is computed again. */
static void write_node(struct graph_rewrite *w, const struct recompute *r, int i, struct err *e) {
    const struct graph_node *n = &r->g->node[i];
    int before[n->nin > 0 ? n->nin : 1];
    for (int k = 0; k < n->nin; k++) {
        const int v = n->in[k];
        before[k] = w->map[v];
        if (r->root[v] >= 0 && r->region[r->g->value[v].node] != r->region[i])
            w->map[v] = write_again(w, r, v, r->root[v], e);
    }
    if (e->status == OK) graph_rewrite_node(w, i, e);
    for (int k = n->nin - 1; k >= 0; k--) w->map[n->in[k]] = before[k];
}

enum status graph_recompute(struct graph *g, struct err *e) {
    const size_t values = (size_t)g->nvalue + 1;
    struct recompute r = {.g = g, .region = mem_alloc(((size_t)g->nnode + 1) * sizeof(int), e)};
    struct graph_rewrite w;
    r.root = mem_alloc(values * sizeof *r.root, e);
    r.now = mem_zalloc(values * sizeof *r.now, e);
    if (e->status == OK && graph_readers_new(g, &r.readers, e) == OK && graph_regions(g, r.region, e) == OK) {
        choose(&r);
        graph_rewrite_begin(&w, g, e);
        for (int i = 0; e->status == OK && i < g->nnode; i++) write_node(&w, &r, i, e);
        graph_rewrite_end(&w, g, e);
    }
    graph_readers_free(&r.readers);
    mem_free(r.now);
    mem_free(r.root);
    mem_free(r.region);
    return e->status;
}
