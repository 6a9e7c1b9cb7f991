/* The null driver: takes every op and runs none. Buffers are counted, not allocated; reading one gives zeros; running a
 * program checks its schedule and its memory plan. */
#include "device/null/null.h"

#include <stdio.h>
#include <string.h>

#include "base/mem.h"

struct null {
    struct device base;
    size_t used, peak;
};

struct device_program {
    const struct graph *graph;
    struct graph_plan *plan;
};

/* What all handles are: an address to compare, never to follow. */
static char nowhere;

/* ---- schedules ---------------------------------------------------------------------------------------------------- */

static const char *node_name(const struct graph *g, int node) {
    return g->node[node].op ? g->node[node].op->name : "fused";
}

static bool is_view(const struct graph *g, int v) {
    const struct graph_value *x = &g->value[v];
    return x->kind == GRAPH_RESULT && g->node[x->node].op && g->node[x->node].op->flags & OP_VIEW;
}

static int root_of(const struct graph *g, int v) {
    while (is_view(g, v)) v = g->node[g->value[v].node].in[0];
    return v;
}

static bool overlap(const struct graph *g, const struct graph_plan *p, int a, int b) {
    size_t bytes[2];
    const int v[2] = {a, b};
    struct err unused = {0};
    for (int i = 0; i < 2; i++) {
        const struct op_sig *s = &g->value[v[i]].sig;
        if (p->offset[v[i]] == SIZE_MAX || shape_bytes(&s->shape, s->dtype, &bytes[i], &unused) != OK) return false;
    }
    return p->offset[a] < p->offset[b] + bytes[1] && p->offset[b] < p->offset[a] + bytes[0];
}

/* `written`: by value, the node that wrote its place last, or -1 before it exists. */
static enum status check_reads(const struct graph *g, int node, const int *written, struct err *e) {
    for (int k = 0; k < g->node[node].nin; k++) {
        const int v = root_of(g, g->node[node].in[k]);
        if (g->value[v].kind != GRAPH_RESULT || written[v] == g->value[v].node) continue;
        const int maker = g->value[v].node;
        if (written[v] < 0)
            return err_set(e, ERR_STATE, "node %d (%s) reads %%%d before node %d (%s) makes it", node,
                           node_name(g, node), v, maker, node_name(g, maker));
        return err_set(e, ERR_STATE, "node %d (%s) reads %%%d, which node %d (%s) has overwritten", node,
                       node_name(g, node), v, written[v], node_name(g, written[v]));
    }
    return OK;
}

static enum status check_writes(const struct graph *g, const struct graph_plan *p, int node, int *written,
                                struct err *e) {
    const struct graph_node *n = &g->node[node];
    for (int out = n->out; out < n->out + n->nout; out++) {
        if (is_view(g, out)) continue;
        for (int k = 0; k < n->nin; k++)
            if (overlap(g, p, root_of(g, n->in[k]), out))
                return err_set(e, ERR_STATE, "node %d (%s) writes %%%d over its own input %%%d of node %d", node,
                               node_name(g, node), out, n->in[k], g->value[root_of(g, n->in[k])].node);
        for (int v = 0; v < g->nvalue; v++)
            if (written[v] >= 0 && overlap(g, p, v, out)) written[v] = node;
        written[out] = node;
    }
    return OK;
}

enum status null_check_schedule(const struct graph *g, const struct graph_plan *p, struct err *e) {
    int *written = mem_alloc(sizeof *written * (size_t)(g->nvalue + 1), e);
    if (!written) return e->status;
    for (int v = 0; v < g->nvalue; v++) written[v] = -1;
    for (int i = 0; i < g->nnode; i++)
        if (check_reads(g, i, written, e) != OK || check_writes(g, p, i, written, e) != OK) break;
    mem_free(written);
    return e->status;
}

/* ---- the driver --------------------------------------------------------------------------------------------------- */

static enum status open_null(int index, struct device **out, struct err *e) {
    struct null *n = mem_zalloc(sizeof *n, e);
    if (!n) return e->status;
    n->base.driver = &device_driver_null;
    n->base.index = index;
    snprintf(n->base.name, sizeof n->base.name, index ? "null:%d" : "null", index);
    *out = &n->base;
    return OK;
}

static void close_null(struct device *d) {
    mem_free(d);
}

static void describe(struct device *d, struct buf *out) {
    (void)d;
    buf_puts(out, "shapes only: nothing is computed, reading gives zeros\n");
}

static void memory(struct device *d, struct device_memory *out) {
    const struct null *n = (struct null *)d;
    *out = (struct device_memory){.used = n->used, .peak = n->peak, .limit = SIZE_MAX};
}

static void reset_peak(struct device *d) {
    struct null *n = (struct null *)d;
    n->peak = n->used;
}

static void count(struct device *d, size_t bytes) {
    struct null *n = (struct null *)d;
    n->used += bytes;
    if (n->used > n->peak) n->peak = n->used;
}

static enum status alloc(struct device *d, size_t bytes, void **handle, struct err *e) {
    (void)e;
    count(d, bytes);
    *handle = &nowhere;
    return OK;
}

static void free_null(struct device *d, void *handle, size_t bytes) {
    if (handle) ((struct null *)d)->used -= bytes;
}

static enum status copy_in(struct device *d, void *handle, size_t offset, const void *host, size_t bytes,
                           uint64_t *ticket, struct err *e) {
    (void)d, (void)handle, (void)offset, (void)host, (void)bytes, (void)e;
    *ticket = 0;
    return OK;
}

static enum status copy_out(struct device *d, const void *handle, size_t offset, void *host, size_t bytes,
                            uint64_t *ticket, struct err *e) {
    (void)d, (void)handle, (void)offset, (void)e;
    if (bytes) memset(host, 0, bytes);
    *ticket = 0;
    return OK;
}

static bool has(struct device *d, const struct op *op) {
    (void)d, (void)op;
    return true;
}

static enum status run(struct device *d, const struct op_call *call, uint64_t *ticket, struct err *e) {
    (void)d, (void)call, (void)e;
    *ticket = 0;
    return OK;
}

static enum status compile(struct device *d, const struct graph *g, struct device_program **out, struct err *e) {
    struct device_program *p = mem_zalloc(sizeof *p, e);
    if (!p) return e->status;
    p->graph = g;
    if (graph_plan_new(g, NULL, &p->plan, e) != OK) {
        mem_free(p);
        return e->status;
    }
    count(d, p->plan->arena);
    *out = p;
    return OK;
}

static enum status execute(struct device *d, struct device_program *p, struct tensor *const *in,
                           struct tensor *const *out, uint64_t *ticket, struct err *e) {
    (void)d, (void)in, (void)out;
    *ticket = 0;
    return null_check_schedule(p->graph, p->plan, e);
}

static void program_free(struct device *d, struct device_program *p) {
    if (!p) return;
    ((struct null *)d)->used -= p->plan->arena;
    graph_plan_free(p->plan);
    mem_free(p);
}

static size_t program_bytes(struct device *d, const struct device_program *p, size_t *bound) {
    (void)d;
    if (bound) *bound = p->plan->bound;
    return p->plan->arena;
}

static enum status wait(struct device *d, uint64_t ticket, struct err *e) {
    (void)d, (void)ticket, (void)e;
    return OK;
}

static enum status sync(struct device *d, struct err *e) {
    (void)d, (void)e;
    return OK;
}

const struct device_driver device_driver_null = {
    .abi_version = DEVICE_ABI,
    .kind = "null",
    .doc = "shapes without values, to test schedules",
    .forgets = true,
    .open = open_null,
    .close = close_null,
    .describe = describe,
    .memory = memory,
    .reset_peak = reset_peak,
    .alloc = alloc,
    .free = free_null,
    .copy_in = copy_in,
    .copy_out = copy_out,
    .has = has,
    .run = run,
    .compile = compile,
    .execute = execute,
    .program_free = program_free,
    .program_bytes = program_bytes,
    .wait = wait,
    .sync = sync,
};
