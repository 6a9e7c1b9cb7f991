/* Operations exchanged while they are traced, so that tapes record, and gradients follow, what is computed: max pooling
 * of f(x) with f increasing is f of max pooling of x, and f runs on a quarter of the elements. Invariant: the result's
 * shape and values are the same; only where f makes two elements of a window equal may a gradient go to another of them. */
#include "op/ops.h"
#include "run/internal.h"

/* Whether input k of n broadcasts over height and width: the same number for all elements of a window. */
static bool constant_in_windows(const struct graph *g, const struct graph_node *n, int k) {
    const struct shape *s = &g->value[n->in[k]].sig.shape;
    for (int d = 1; d <= 2; d++) {
        int axis = d - 4 + s->rank; /* counted from the end, as broadcasting does */
        if (axis >= 0 && s->dim[axis] != 1) return false;
    }
    return true;
}

/* The one input of n that varies within a window, if it has n's shape and n is increasing; else -1. */
static int varying_input(const struct graph *g, const struct graph_node *n) {
    int varying = -1;
    if (!n->op->increasing || (n->op->attrs == OP_SCALAR && n->attrs.scalar < 0)) return -1;
    for (int k = 0; k < n->nin; k++) {
        if (constant_in_windows(g, n, k)) continue;
        if (varying >= 0) return -1;
        varying = k;
    }
    if (varying < 0 || !shape_equal(&g->value[n->in[varying]].sig.shape, &g->value[n->out].sig.shape)) return -1;
    return varying;
}

bool trace_pool_first(struct run *r, const struct op *op, struct tensor *in, const union op_attrs *a,
                      struct tensor **out, struct err *e) {
    struct trace *t = r->trace;
    if (!t || !(r->passes & GRAPH_POOL_FIRST) || !tensor_is_symbolic(in) || in->graph != t->graph) return false;
    const struct graph_value *v = &t->graph->value[in->value];
    if (v->kind != GRAPH_RESULT || in->shape.rank != 4) return false;
    /* Copied: pooling adds nodes, and the graph's arrays move. */
    const struct graph_node n = t->graph->node[v->node];
    struct tensor *arg[4], *pooled = NULL;
    int varying = n.nin <= 4 ? varying_input(t->graph, &n) : -1;
    if (varying < 0) return false;
    for (int k = 0; k < n.nin; k++)
        if (!(arg[k] = t->symbol[n.in[k]])) return false;
    if (run_op(r, op, &arg[varying], 1, a, &pooled, e)) return true;
    arg[varying] = pooled;
    run_op(r, n.op, arg, n.nin, &n.attrs, out, e);
    tensor_release(pooled);
    return true;
}
