/* Rewriting. Invariant: until graph_rewrite_end succeeds the old graph is untouched. */
#include "graph/rewrite.h"

#include <string.h>

#include "base/mem.h"

enum status graph_rewrite_begin(struct graph_rewrite *r, const struct graph *from, struct err *e) {
    *r = (struct graph_rewrite){.from = from};
    r->map = mem_alloc(sizeof *r->map * (size_t)(from->nvalue + 1), e);
    if (!r->map || graph_new(&r->to, e)) return e->status;
    for (int v = 0; v < from->nvalue; v++) r->map[v] = -1;
    for (int i = 0; i < from->ninput; i++) {
        int v = graph_add_input(r->to, &from->value[from->input[i]].sig, e);
        if (v < 0) return e->status;
        r->map[from->input[i]] = v;
    }
    return OK;
}

int graph_rewrite_value(struct graph_rewrite *r, int value, struct err *e) {
    const struct graph_value *v = &r->from->value[value];
    if (r->map[value] < 0 && v->kind == GRAPH_CONSTANT) r->map[value] = graph_add_constant(r->to, v->constant, e);
    return r->map[value];
}

static struct graph_fused *copy_fused(const struct graph_fused *f, struct err *e) {
    struct graph_fused *c = mem_zalloc(sizeof *c, e);
    if (!c) return NULL;
    *c = (struct graph_fused){.nstep = f->nstep, .nout = f->nout};
    c->step = mem_alloc(sizeof *c->step * (size_t)f->nstep, e);
    c->out = mem_alloc(sizeof *c->out * (size_t)f->nout, e);
    if (e->status) {
        graph_fused_free(c);
        return NULL;
    }
    memcpy(c->step, f->step, sizeof *c->step * (size_t)f->nstep);
    memcpy(c->out, f->out, sizeof *c->out * (size_t)f->nout);
    return c;
}

enum status graph_rewrite_node(struct graph_rewrite *r, int node, struct err *e) {
    const struct graph_node *n = &r->from->node[node];
    struct op_sig sig[n->nout > 0 ? n->nout : 1];
    struct graph_node copy = *n;
    copy.in = mem_alloc(sizeof *copy.in * (size_t)(n->nin ? n->nin : 1), e);
    copy.fused = n->fused && copy.in ? copy_fused(n->fused, e) : NULL;
    for (int i = 0; e->status == OK && i < n->nin; i++) copy.in[i] = graph_rewrite_value(r, n->in[i], e);
    for (int k = 0; k < n->nout; k++) sig[k] = r->from->value[n->out + k].sig;
    int v = e->status ? -1 : graph_add_node(r->to, &copy, sig, e);
    if (v < 0) {
        mem_free(copy.in);
        graph_fused_free(copy.fused);
        return e->status;
    }
    for (int k = 0; k < n->nout; k++) r->map[n->out + k] = v + k;
    return OK;
}

enum status graph_rewrite_end(struct graph_rewrite *r, struct graph *g, struct err *e) {
    for (int i = 0; e->status == OK && i < g->noutput; i++) {
        int v = graph_rewrite_value(r, g->output[i], e);
        if (v >= 0) graph_add_output(r->to, v, e);
    }
    if (e->status == OK) {
        struct graph old = *g;
        *g = *r->to;
        *r->to = old;
    }
    graph_free(r->to);
    mem_free(r->map);
    return e->status;
}

enum status graph_optimize(struct graph *g, unsigned passes, struct err *e) {
    if (passes & (GRAPH_CSE | GRAPH_DCE) && graph_prune(g, passes, e)) return e->status;
    if (graph_unpad(g, passes, e)) return e->status;
    if (passes & GRAPH_TRIM && graph_trim(g, e)) return e->status;
    if (passes & GRAPH_ADJOINT && graph_adjoint(g, e)) return e->status;
    if (passes & GRAPH_RECOMPUTE && (graph_recompute(g, e) || graph_prune(g, passes & GRAPH_DCE, e))) return e->status;
    return passes & GRAPH_FUSE ? graph_fuse(g, e) : OK;
}
