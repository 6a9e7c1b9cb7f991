/* Dead nodes go, and equal nodes become one. Every op is a function of its inputs and attributes alone (random ones of
 * their seed), so equal calls give equal results. */
#include <string.h>

#include "base/mem.h"
#include "graph/rewrite.h"

/* Marks the nodes that some output needs. */
static void mark_live(const struct graph *g, bool *live, unsigned passes) {
    memset(live, !(passes & GRAPH_DCE), (size_t)g->nnode);
    for (int i = 0; i < g->noutput; i++) {
        const struct graph_value *v = &g->value[g->output[i]];
        if (v->kind == GRAPH_RESULT) live[v->node] = true;
    }
    for (int i = g->nnode - 1; i >= 0; i--)
        for (int k = 0; live[i] && k < g->node[i].nin; k++) {
            const struct graph_value *v = &g->value[g->node[i].in[k]];
            if (v->kind == GRAPH_RESULT) live[v->node] = true;
        }
}

/* A node of the new graph that computes what node n of the old one does, or -1. */
static int find_equal(struct graph_rewrite *r, const struct graph_node *n, struct err *e) {
    for (int i = 0; n->op && i < r->to->nnode; i++) {
        const struct graph_node *m = &r->to->node[i];
        bool same = m->op == n->op && m->nin == n->nin && op_attrs_equal(n->op->attrs, &m->attrs, &n->attrs);
        for (int k = 0; same && k < n->nin; k++) same = m->in[k] == graph_rewrite_value(r, n->in[k], e);
        if (same) return i;
    }
    return -1;
}

enum status graph_prune(struct graph *g, unsigned passes, struct err *e) {
    struct graph_rewrite r = {0};
    bool *live = mem_alloc((size_t)g->nnode + 1, e);
    if (live) {
        mark_live(g, live, passes);
        graph_rewrite_begin(&r, g, e);
    }
    for (int i = 0; e->status == OK && i < g->nnode; i++) {
        const struct graph_node *n = &g->node[i];
        if (!live[i]) continue;
        int equal = passes & GRAPH_CSE ? find_equal(&r, n, e) : -1;
        for (int k = 0; equal >= 0 && k < n->nout; k++) r.map[n->out + k] = r.to->node[equal].out + k;
        if (equal < 0) graph_rewrite_node(&r, i, e);
    }
    mem_free(live);
    return graph_rewrite_end(&r, g, e);
}
