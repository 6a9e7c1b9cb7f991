/* Compiled graphs: the nodes in their order by the same kernels that eager calls use, in the layout of graph/layout.h.
 * Invariant: nothing is allocated after the first run. */
#include "base/cancel.h"
#include "base/mem.h"
#include "device/gpu/gpu.h"
#include "graph/layout.h"

struct device_program {
    struct graph_layout *layout;
    struct gpu_kernel **fused; /* by node: of a fused region, or NULL */
};

static enum status prepare_step(struct device_program *p, struct gpu *g, int i, struct err *e) {
    const struct graph_node *n = &p->layout->graph->node[i];
    struct graph_call *c = &p->layout->call[i];
    if (c->kind == GRAPH_CALL_OP) c->workspace = gpu_workspace(g, &c->call);
    if (c->kind != GRAPH_CALL_FUSED) return OK;
    return gpu_fused_kernel(g, n->fused, c->call.in, n->nin, c->call.out, &p->fused[i], e);
}

/* ---- running ------------------------------------------------------------------------------------------------------ */

static enum status copy(void *device, const struct tensor *from, const struct tensor *to, struct err *e) {
    return gpu_copy(device, from, to, e);
}

static enum status run_step(struct device_program *p, struct gpu *g, int i, struct err *e) {
    const struct graph_node *n = &p->layout->graph->node[i];
    const struct graph_call *c = &p->layout->call[i];
    switch (c->kind) {
    case GRAPH_CALL_NOTHING: return OK;
    case GRAPH_CALL_COPY: return gpu_copy(g, c->tensor[0], c->tensor[1], e);
    case GRAPH_CALL_FUSED: return gpu_fused_run(g, p->fused[i], n->fused, c->call.in, n->nin, c->call.out, e);
    default:
        if (graph_layout_copy_inputs(p->layout, i, copy, g, e) != OK) return e->status;
        return gpu_run(g, &c->call, &g->arena, c->at, e);
    }
}

/* `out` NULL: while planning. */
static enum status run_steps(struct device_program *p, struct gpu *g, struct tensor *const *out, struct err *e) {
    for (int i = 0; i < p->layout->graph->nnode; i++)
        if (cancel_check(e) != OK || run_step(p, g, i, e) != OK) return e->status;
    return graph_layout_copy_outputs(p->layout, out, copy, g, e);
}

/* The arena is as large as the largest program that runs, and goes with the last one. */
static enum status reserve_arena(struct gpu *g, size_t bytes, struct err *e) {
    if (g->arena.handle && bytes <= g->arena.bytes) return OK;
    gpu_free(&g->base, g->arena.handle, g->arena.bytes);
    g->arena = (struct storage){.device = &g->base, .bytes = bytes};
    return gpu_alloc(&g->base, bytes, &g->arena.handle, e);
}

enum status gpu_program_execute(struct device *d, struct device_program *p, struct tensor *const *in,
                                struct tensor *const *out, uint64_t *ticket, struct err *e) {
    struct gpu *g = (struct gpu *)d;
    *ticket = 0;
    if (reserve_arena(g, p->layout->bytes, e) != OK) return e->status;
    graph_layout_bind(p->layout, in, out);
    run_steps(p, g, out, e);
    *ticket = g->queued;
    return e->status;
}

/* ---- compiling ---------------------------------------------------------------------------------------------------- */

void gpu_program_free(struct device *d, struct device_program *p) {
    struct gpu *g = (struct gpu *)d;
    if (!p) return;
    graph_layout_free(p->layout);
    mem_free(p->fused);
    mem_free(p);
    if (--g->programs > 0) return;
    gpu_free(d, g->arena.handle, g->arena.bytes);
    g->arena = (struct storage){0};
}

/* A run without launches tells every kernel that a run needs; then all are compiled. */
static enum status compile(struct device_program *p, struct gpu *g, const struct graph *graph, struct err *e) {
    if (graph_layout_new(graph, &g->arena, &p->layout, e) != OK) return e->status;
    p->fused = mem_zalloc(sizeof(struct gpu_kernel *) * (size_t)(graph->nnode + 1), e);
    for (int i = 0; e->status == OK && i < graph->nnode; i++) prepare_step(p, g, i, e);
    if (e->status || graph_layout_plan(p->layout, e) != OK) return e->status;
    g->planning = true;
    run_steps(p, g, NULL, e);
    g->planning = false;
    return e->status == OK ? gpu_kernels_compile(g, e) : e->status;
}

enum status gpu_program_compile(struct device *d, const struct graph *graph, struct device_program **out,
                                struct err *e) {
    struct gpu *g = (struct gpu *)d;
    struct device_program *p = mem_zalloc(sizeof *p, e);
    if (!p) return e->status;
    g->programs++;
    if (compile(p, g, graph, e) != OK) {
        gpu_program_free(d, p);
        return e->status;
    }
    *out = p;
    return OK;
}

size_t gpu_program_bytes(struct device *d, const struct device_program *p, size_t *bound) {
    (void)d;
    if (bound) *bound = p->layout->plan->bound;
    return p->layout->bytes;
}
