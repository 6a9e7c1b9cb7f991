/* Fusion: elementwise nodes of one shape that feed each other become one node, which a device runs as one loop over the
 * elements. Invariant: no path over regions leaves one and comes back, so that they can still run in order; no work is
 * done twice, and every result that is read outside leaves its region as an output. */
#include <string.h>

#include "base/mem.h"
#include "graph/rewrite.h"

/* Nodes of a region are at most SPAN apart: what is between is looked through for each. */
enum { MAX_STEPS = 40, MAX_INPUTS = 24, SPAN = 2000 };

struct fusion {
    const struct graph *g;
    struct graph_readers readers;
    int *region; /* by node: the region's first node; itself: alone */
    int *size;   /* by region: nodes */
    int *next;   /* by node: the next one of its region; -1: none */
    struct graph_rewrite r;
    int *stack;
    bool *written; /* by region */
    int *search;   /* by region: the last search that came by, of */
    int searches;
};

static int producer(const struct graph *g, int value) {
    return g->value[value].kind == GRAPH_RESULT ? g->value[value].node : -1;
}

bool graph_is_fusable(const struct graph *g, int node) {
    const struct graph_node *n = &g->node[node];
    return n->op && n->op->flags & OP_ELEMENTWISE && n->nout == 1 && n->nin >= 1 && n->nin <= 4;
}

/* Puts the regions on the stack that read what a node makes, up to node `until`, and were not found before; says whether
 * regions a or b are among them. */
static bool push_readers(struct fusion *f, int node, int a, int b, int until, int *depth) {
    const struct graph_node *n = &f->g->node[node];
    bool found = false;
    for (int k = f->readers.first[n->out]; k < f->readers.first[n->out + n->nout]; k++) {
        const int reader = f->readers.node[k], region = reader <= until ? f->region[reader] : -1;
        if (region < 0) continue;
        if (region == a || region == b)
            found = true;
        else if (f->search[region] != f->searches)
            f->search[region] = f->searches, f->stack[(*depth)++] = region;
    }
    return found;
}

/* Whether a third region depends on one of regions a and b and feeds one of them: joined they could not run in order.
 * Regions count, not nodes: of two regions each may feed the other though no path between nodes comes back. */
static bool reenters(struct fusion *f, int a, int b, int until) {
    int depth = 0;
    f->searches++;
    for (int m = a; m >= 0; m = f->next[m]) push_readers(f, m, a, b, until, &depth);
    for (int m = b; m >= 0; m = f->next[m]) push_readers(f, m, a, b, until, &depth);
    while (depth > 0) {
        const int third = f->stack[--depth];
        for (int m = third; m >= 0; m = f->next[m])
            if (push_readers(f, m, a, b, until, &depth)) return true;
    }
    return false;
}

/* Adds to seen[MAX_INPUTS + 1], which has n, the values that region a reads from outside of itself and b, as far as there is
 * room; says how many there are then. */
static int add_inputs(const struct fusion *f, int a, int b, int *seen, int n) {
    for (int m = a; m >= 0 && n <= MAX_INPUTS; m = f->next[m])
        for (int k = 0; k < f->g->node[m].nin && n <= MAX_INPUTS; k++) {
            int v = f->g->node[m].in[k], p = producer(f->g, v), i = 0;
            if (p >= 0 && (f->region[p] == a || f->region[p] == b)) continue;
            while (i < n && seen[i] != v) i++;
            if (i == n) seen[n++] = v;
        }
    return n;
}

/* Whether a union of two regions reads more values than a node may. */
static bool reads_too_many(const struct fusion *f, int a, int b) {
    int seen[MAX_INPUTS + 1];
    return add_inputs(f, b, a, seen, add_inputs(f, a, b, seen, 0)) > MAX_INPUTS;
}

/* Region b's nodes become a's, in their order; a's first one is before all of b's. */
static void join(struct fusion *f, int a, int b) {
    f->size[a] += f->size[b];
    for (int m = b, before = a, rest; m >= 0; m = rest) {
        rest = f->next[m];
        while (f->next[before] >= 0 && f->next[before] < m) before = f->next[before];
        f->next[m] = f->next[before], f->next[before] = m;
        f->region[m] = a;
    }
}

static void join_regions(struct fusion *f) {
    const struct graph *g = f->g;
    for (int i = 0; i < g->nnode; i++) {
        for (int k = 0; graph_is_fusable(g, i) && k < g->node[i].nin; k++) {
            int p = producer(g, g->node[i].in[k]);
            if (p < 0 || !graph_is_fusable(g, p) || (g->node[i].late && !g->node[p].late)) continue;
            int a = f->region[p], b = f->region[i];
            if (a > b) a = f->region[i], b = f->region[p];
            if (a == b || f->size[a] + f->size[b] > MAX_STEPS || i - a > SPAN) continue;
            if (!shape_equal(&g->value[g->node[p].out].sig.shape, &g->value[g->node[i].out].sig.shape)) continue;
            if (reads_too_many(f, a, b) || reenters(f, a, b, i)) continue;
            join(f, a, b);
        }
    }
}

/* ---- writing ------------------------------------------------------------------------------------------------------ */

bool graph_leaves(const struct graph *g, const struct graph_readers *r, const int *region, int value) {
    for (int k = r->first[value]; k < r->first[value + 1]; k++)
        if (region[r->node[k]] != region[g->value[value].node]) return true;
    return r->output[value];
}

/* A region being written: the node, and which operand each old value is (in `at`, by value; -1: none yet). */
struct region {
    struct graph_node node;
    struct op_sig sig[MAX_STEPS];
    int old_out[MAX_STEPS];
    int old_in[MAX_INPUTS + 1]; /* add_inputs wants one more */
};

static int operand(const struct fusion *f, int region, const struct region *w, const int *step_of, int v) {
    int p = producer(f->g, v);
    if (p >= 0 && f->region[p] == region) return w->node.nin + step_of[p];
    for (int i = 0; i < w->node.nin; i++)
        if (w->old_in[i] == v) return i;
    return -1;
}

static void gather_steps(const struct fusion *f, int region, struct region *w, int *step_of) {
    struct graph_fused *fused = w->node.fused;
    for (int m = region; m >= 0; m = f->next[m]) {
        const struct graph_node *n = &f->g->node[m];
        const struct op_sig *sig = &f->g->value[n->out].sig;
        struct graph_step *s = &fused->step[fused->nstep];
        *s = (struct graph_step){.op = n->op, .attrs = n->attrs, .nin = n->nin, .dtype = sig->dtype};
        for (int k = 0; k < n->nin; k++) s->in[k] = operand(f, region, w, step_of, n->in[k]);
        if (graph_leaves(f->g, &f->readers, f->region, n->out)) {
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
        w.node.nin = add_inputs(f, region, region, w.old_in, 0);
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
    for (int m = region; m >= 0; m = f->next[m]) {
        for (int k = 0; k < f->g->node[m].nin; k++) {
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
    f->next = mem_alloc(n * sizeof(int), e);
    f->search = mem_zalloc(n * sizeof(int), e);
    f->stack = mem_zalloc(2 * n * sizeof(int), e);
    f->written = mem_zalloc(n * sizeof(bool), e);
    if (e->status || graph_readers_new(f->g, &f->readers, e)) return e->status;
    for (int i = 0; i < f->g->nnode; i++) f->region[i] = i, f->size[i] = 1, f->next[i] = -1;
    return OK;
}

static void fusion_free(struct fusion *f) {
    graph_readers_free(&f->readers);
    mem_free(f->search);
    mem_free(f->next);
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
