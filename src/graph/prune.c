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

/* The new graph's nodes, by what they compute. */
struct table {
    size_t size;      /* a power of two */
    int *head, *next; /* by hash, by node: a node; -1: none, or no more */
};

static enum status table_new(struct table *t, int nnode, struct err *e) {
    for (t->size = 16; t->size < (size_t)nnode;) t->size *= 2;
    t->head = mem_alloc(t->size * sizeof *t->head, e);
    t->next = mem_alloc(((size_t)nnode + 1) * sizeof *t->next, e);
    for (size_t i = 0; e->status == OK && i < t->size; i++) t->head[i] = -1;
    return e->status;
}

static void table_free(struct table *t) {
    mem_free(t->head);
    mem_free(t->next);
}

/* Where a node with these inputs stands: FNV-1a (Fowler, Noll, Vo) of its op and them. */
static int *place(const struct table *t, const struct graph_node *n, const int *in) {
    uint64_t hash = 0xcbf29ce484222325u ^ (uintptr_t)n->op;
    for (int k = 0; k < n->nin; k++) hash = (hash ^ (uint64_t)in[k]) * 0x100000001b3u;
    return &t->head[(hash ^ hash >> 32) & (t->size - 1)];
}

/* A node of the new graph that computes what node n of the old one does, with its inputs in the new one, or -1. */
static int find_equal(const struct graph_rewrite *r, const struct table *t, const struct graph_node *n, const int *in) {
    for (int i = n->op ? *place(t, n, in) : -1; i >= 0; i = t->next[i]) {
        const struct graph_node *m = &r->to->node[i];
        if (m->op == n->op && m->nin == n->nin && op_attrs_equal(n->op->attrs, &m->attrs, &n->attrs) &&
            memcmp(m->in, in, (size_t)n->nin * sizeof *in) == 0)
            return i;
    }
    return -1;
}

/* Node i, or in its place an equal one that is there. */
static void take(struct graph_rewrite *r, struct table *t, int i, bool cse, struct err *e) {
    const struct graph_node *n = &r->from->node[i];
    int in[n->nin > 0 ? n->nin : 1];
    for (int k = 0; k < n->nin; k++) in[k] = graph_rewrite_value(r, n->in[k], e);
    if (e->status) return;
    const int equal = cse ? find_equal(r, t, n, in) : -1;
    for (int k = 0; equal >= 0 && k < n->nout; k++) r->map[n->out + k] = r->to->node[equal].out + k;
    if (equal >= 0 || graph_rewrite_node(r, i, e) != OK) return;
    int *head = place(t, n, in);
    t->next[r->to->nnode - 1] = *head;
    *head = r->to->nnode - 1;
}

enum status graph_prune(struct graph *g, unsigned passes, struct err *e) {
    struct graph_rewrite r = {0};
    struct table t = {0};
    bool *live = mem_alloc((size_t)g->nnode + 1, e);
    if (live && table_new(&t, g->nnode, e) == OK) {
        mark_live(g, live, passes);
        graph_rewrite_begin(&r, g, e);
    }
    for (int i = 0; e->status == OK && i < g->nnode; i++)
        if (live[i]) take(&r, &t, i, passes & GRAPH_CSE, e);
    mem_free(live);
    table_free(&t);
    return graph_rewrite_end(&r, g, e);
}
