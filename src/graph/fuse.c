/* Fusion: elementwise nodes of one shape that feed each other become one node, which a device runs as one loop over the
 * elements. Invariant: no path over regions leaves one and comes back, so that they can still run in order; no work is
 * done twice, and every result that is read outside leaves its region as an output. */
#include <string.h>

#include "base/mem.h"
#include "graph/rewrite.h"

enum { MAX_STEPS = 40, MAX_INPUTS = 24 };

struct fusion {
    const struct graph *g;
    int *region; /* by node: the region's first node; itself: alone */
    int *size;   /* by region: nodes */
    struct graph_rewrite r;
    int *stack;
    bool *written; /* by region */
    bool *below;   /* by region: reenters's */
};

static int producer(const struct graph *g, int value) {
    return g->value[value].kind == GRAPH_RESULT ? g->value[value].node : -1;
}

bool graph_is_fusable(const struct graph *g, int node) {
    const struct graph_node *n = &g->node[node];
    return n->op && n->op->flags & OP_ELEMENTWISE && n->nout == 1 && n->nin >= 1 && n->nin <= 4;
}

/* Marks the regions that depend on regions a or b, these two left out; says whether it marked any. One sweep does not
 * find all: a region's earlier nodes may stand before what marks it. */
static bool mark_below(struct fusion *f, int a, int b, int until) {
    bool more = false;
    for (int m = 0; m <= until; m++) {
        const int region = f->region[m];
        for (int k = 0; region != a && region != b && !f->below[region] && k < f->g->node[m].nin; k++) {
            const int p = producer(f->g, f->g->node[m].in[k]);
            if (p < 0 || (f->region[p] != a && f->region[p] != b && !f->below[f->region[p]])) continue;
            f->below[region] = more = true;
        }
    }
    return more;
}

/* Whether a third region depends on one of regions a and b and feeds one of them: joined they could not run in order.
 * Regions count, not nodes: of two regions each may feed the other though no path between nodes comes back. */
static bool reenters(struct fusion *f, int a, int b, int until) {
    memset(f->below, 0, (size_t)until + 1);
    while (mark_below(f, a, b, until)) {
    }
    for (int m = 0; m <= until; m++) {
        for (int k = 0; (f->region[m] == a || f->region[m] == b) && k < f->g->node[m].nin; k++) {
            const int p = producer(f->g, f->g->node[m].in[k]);
            if (p >= 0 && f->below[f->region[p]]) return true;
        }
    }
    return false;
}

/* Values that a union of two regions reads from outside, at most `limit` + 1. */
static int outside_inputs(const struct fusion *f, int a, int b, int limit) {
    int seen[MAX_INPUTS + 1], n = 0;
    for (int m = 0; m < f->g->nnode && n <= limit; m++) {
        if (f->region[m] != a && f->region[m] != b) continue;
        for (int k = 0; k < f->g->node[m].nin && n <= limit; k++) {
            int v = f->g->node[m].in[k], p = producer(f->g, v), i = 0;
            if (p >= 0 && (f->region[p] == a || f->region[p] == b)) continue;
            while (i < n && seen[i] != v) i++;
            if (i == n) seen[n++] = v;
        }
    }
    return n;
}

static void join_regions(struct fusion *f) {
    const struct graph *g = f->g;
    for (int i = 0; i < g->nnode; i++) {
        for (int k = 0; graph_is_fusable(g, i) && k < g->node[i].nin; k++) {
            int p = producer(g, g->node[i].in[k]);
            if (p < 0 || !graph_is_fusable(g, p) || (g->node[i].late && !g->node[p].late)) continue;
            int a = f->region[p], b = f->region[i];
            if (a > b) a = f->region[i], b = f->region[p];
            if (a == b || f->size[a] + f->size[b] > MAX_STEPS) continue;
            if (!shape_equal(&g->value[g->node[p].out].sig.shape, &g->value[g->node[i].out].sig.shape)) continue;
            if (outside_inputs(f, a, b, MAX_INPUTS) > MAX_INPUTS || reenters(f, a, b, i)) continue;
            for (int m = 0; m <= i; m++)
                if (f->region[m] == b) f->region[m] = a;
            f->size[a] += f->size[b];
        }
    }
}

/* ---- writing ------------------------------------------------------------------------------------------------------ */

bool graph_leaves(const struct graph *g, const int *region, int value) {
    if (graph_is_output(g, value)) return true;
    for (int m = 0; m < g->nnode; m++)
        if (region[m] != region[g->value[value].node] && graph_reads(&g->node[m], value)) return true;
    return false;
}

/* A region being written: the node, and which operand each old value is (in `at`, by value; -1: none yet). */
struct region {
    struct graph_node node;
    struct op_sig sig[MAX_STEPS];
    int old_out[MAX_STEPS];
    int old_in[MAX_INPUTS];
};

static void gather_inputs(const struct fusion *f, int region, struct region *w) {
    for (int m = 0; m < f->g->nnode; m++) {
        for (int k = 0; f->region[m] == region && k < f->g->node[m].nin; k++) {
            int v = f->g->node[m].in[k], p = producer(f->g, v), i = 0;
            if (p >= 0 && f->region[p] == region) continue;
            while (i < w->node.nin && w->old_in[i] != v) i++;
            if (i == w->node.nin) w->old_in[w->node.nin++] = v;
        }
    }
}

static int operand(const struct fusion *f, int region, const struct region *w, const int *step_of, int v) {
    int p = producer(f->g, v);
    if (p >= 0 && f->region[p] == region) return w->node.nin + step_of[p];
    for (int i = 0; i < w->node.nin; i++)
        if (w->old_in[i] == v) return i;
    return -1;
}

static void gather_steps(const struct fusion *f, int region, struct region *w, int *step_of) {
    struct graph_fused *fused = w->node.fused;
    for (int m = 0; m < f->g->nnode; m++) {
        if (f->region[m] != region) continue;
        const struct graph_node *n = &f->g->node[m];
        const struct op_sig *sig = &f->g->value[n->out].sig;
        struct graph_step *s = &fused->step[fused->nstep];
        *s = (struct graph_step){.op = n->op, .attrs = n->attrs, .nin = n->nin, .dtype = sig->dtype};
        for (int k = 0; k < n->nin; k++) s->in[k] = operand(f, region, w, step_of, n->in[k]);
        if (graph_leaves(f->g, f->region, n->out)) {
            w->sig[fused->nout] = *sig;
            w->old_out[fused->nout] = n->out;
            fused->out[fused->nout++] = fused->nstep;
        }
        step_of[m] = fused->nstep++;
    }
    w->node.nout = fused->nout;
}

/* A region that nothing reads is dropped: without GRAPH_DCE there may be some. */
static enum status write_region(struct fusion *f, int region, struct err *e) {
    struct region w = {0};
    int n = f->size[region];
    w.node.in = mem_alloc(sizeof(int) * MAX_INPUTS, e);
    w.node.fused = mem_zalloc(sizeof *w.node.fused, e);
    if (w.node.fused) {
        w.node.fused->step = mem_alloc(sizeof *w.node.fused->step * (size_t)n, e);
        w.node.fused->out = mem_alloc(sizeof(int) * (size_t)n, e);
    }
    int v = -1;
    if (e->status == OK) {
        gather_inputs(f, region, &w);
        gather_steps(f, region, &w, f->stack + f->g->nnode);
        for (int i = 0; i < w.node.nin; i++) w.node.in[i] = graph_rewrite_value(&f->r, w.old_in[i], e);
        if (e->status == OK && w.node.nout > 0) v = graph_add_node(f->r.to, &w.node, w.sig, e);
    }
    if (v < 0) {
        mem_free(w.node.in);
        graph_fused_free(w.node.fused);
        return e->status;
    }
    for (int k = 0; k < w.node.nout; k++) f->r.map[w.old_out[k]] = v + k;
    return OK;
}

/* A region that `region` reads and that is not written yet, or -1. */
static int unwritten_input(const struct fusion *f, int region) {
    for (int m = region; m < f->g->nnode; m++) {
        for (int k = 0; f->region[m] == region && k < f->g->node[m].nin; k++) {
            int p = producer(f->g, f->g->node[m].in[k]);
            if (p >= 0 && f->region[p] != region && !f->written[f->region[p]]) return f->region[p];
        }
    }
    return -1;
}

/* Writes a region after all that it needs: depth first, on a stack of our own. */
static void write_from(struct fusion *f, int region, struct err *e) {
    int depth = 0;
    f->stack[depth++] = region;
    while (depth > 0 && e->status == OK) {
        int top = f->stack[depth - 1], input = unwritten_input(f, top);
        if (input >= 0) {
            f->stack[depth++] = input;
            continue;
        }
        depth--;
        f->written[top] = true;
        if (f->size[top] > 1)
            write_region(f, top, e);
        else
            graph_rewrite_node(&f->r, top, e);
    }
}

static enum status fusion_alloc(struct fusion *f, struct err *e) {
    size_t n = (size_t)f->g->nnode + 1;
    f->region = mem_alloc(n * sizeof(int), e);
    f->size = mem_alloc(n * sizeof(int), e);
    f->stack = mem_zalloc(2 * n * sizeof(int), e);
    f->written = mem_zalloc(n * sizeof(bool), e);
    f->below = mem_zalloc(n * sizeof(bool), e);
    if (e->status) return e->status;
    for (int i = 0; i < f->g->nnode; i++) f->region[i] = i, f->size[i] = 1;
    return OK;
}

static void fusion_free(struct fusion *f) {
    mem_free(f->below);
    mem_free(f->written);
    mem_free(f->stack);
    mem_free(f->size);
    mem_free(f->region);
}

enum status graph_regions(const struct graph *g, int *region, struct err *e) {
    struct fusion f = {.g = g};
    if (fusion_alloc(&f, e) == OK) {
        join_regions(&f);
        memcpy(region, f.region, (size_t)g->nnode * sizeof *region);
    }
    fusion_free(&f);
    return e->status;
}

enum status graph_fuse(struct graph *g, struct err *e) {
    struct fusion f = {.g = g};
    if (fusion_alloc(&f, e) == OK) {
        join_regions(&f);
        graph_rewrite_begin(&f.r, g, e);
    }
    for (int i = 0; e->status == OK && i < g->nnode; i++)
        if (!f.written[f.region[i]]) write_from(&f, f.region[i], e);
    fusion_free(&f);
    return graph_rewrite_end(&f.r, g, e);
}
