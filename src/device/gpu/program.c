/* Compiled graphs: the ops in their order, over one arena in which the memory plan has placed all intermediates. Every
 * value has a header made at compile time; running passes them to the same kernels that eager calls use. Invariant: nothing
 * is allocated after the first run. */
#include "base/cancel.h"
#include "base/mem.h"
#include "device/gpu/gpu.h"
#include "graph/graph.h"

enum home { IN_ARENA, IN_CONSTANT, IN_INPUT, IN_OUTPUT };

struct value {
    struct tensor header;
    int root;       /* the value whose bytes this one shows: itself, unless it is a view */
    int64_t offset; /* of the first element, from the root's, in elements */
    /* Of a root: where its bytes are. */
    enum home home;
    int argument; /* IN_INPUT, IN_OUTPUT: which */
    size_t place; /* IN_ARENA */
    bool copied;  /* a view that strides cannot say: a copy of its input, which lives as long as the program */
};

struct step {
    struct op_call call;
    struct tensor **tensor;   /* what call.in and call.out point to: headers of values, or of contiguous copies */
    struct tensor *copy;      /* inputs that the op needs contiguous: one header for each input, or NULL */
    struct gpu_kernel *fused; /* of a fused region */
    size_t workspace, copies; /* bytes of the op's workspace; of the contiguous copies before it */
};

struct device_program {
    const struct graph *graph;
    struct value *value;
    struct step *step; /* one for each node */
    struct graph_plan *plan;
    size_t bytes, copied; /* of the arena; of the copied views, at its end */
};

static size_t rounded(size_t bytes) {
    return (bytes + 63) / 64 * 64;
}

/* ---- values ------------------------------------------------------------------------------------------------------- */

static bool is_view(const struct graph_node *n) {
    return n->op && n->op->flags & OP_VIEW;
}

static int first_output(const struct graph *g, int v) {
    for (int i = 0; i < g->noutput; i++)
        if (g->output[i] == v) return i;
    return -1;
}

static void make_root(struct value *x, int v, const struct op_sig *sig) {
    *x = (struct value){.root = v};
    x->header.dtype = sig->dtype;
    x->header.shape = sig->shape;
    tensor_strides(&sig->shape, x->header.stride);
}

static void resolve_view(struct device_program *p, int v, const struct graph_node *n) {
    const struct value *from = &p->value[n->in[0]];
    struct value *to = &p->value[v];
    *to = (struct value){.header = from->header, .root = from->root};
    if (n->op->view(&from->header, &n->attrs, &to->header)) {
        to->offset = to->header.offset;
        return;
    }
    make_root(to, v, &p->graph->value[v].sig);
    to->copied = true;
    to->place = p->copied;
    p->copied += rounded(tensor_bytes(&to->header));
}

/* Headers with offsets from their roots; places come later. */
static void make_values(struct device_program *p) {
    const struct graph *g = p->graph;
    for (int v = 0; v < g->nvalue; v++) {
        const struct graph_value *from = &g->value[v];
        struct value *x = &p->value[v];
        if (from->kind == GRAPH_RESULT && is_view(&g->node[from->node])) {
            resolve_view(p, v, &g->node[from->node]);
            continue;
        }
        make_root(x, v, &from->sig);
        const int output = from->kind == GRAPH_RESULT ? first_output(g, v) : -1;
        x->home = from->kind == GRAPH_INPUT      ? IN_INPUT
                  : from->kind == GRAPH_CONSTANT ? IN_CONSTANT
                  : output >= 0                  ? IN_OUTPUT
                                                 : IN_ARENA;
        x->argument = from->kind == GRAPH_INPUT ? from->output : output;
        for (int d = 0; from->kind == GRAPH_CONSTANT && d < from->sig.shape.rank; d++)
            x->header.stride[d] = from->constant->stride[d];
    }
}

/* Points the headers of one home at their bytes. */
static void place_values(struct device_program *p, struct gpu *g, enum home home, struct tensor *const *arguments) {
    for (int v = 0; v < p->graph->nvalue; v++) {
        struct value *x = &p->value[v];
        const struct value *root = &p->value[x->root];
        if (root->home != home) continue;
        const struct tensor *at = home == IN_CONSTANT ? p->graph->value[x->root].constant
                                  : arguments         ? arguments[root->argument]
                                                      : NULL;
        x->header.storage = at ? at->storage : &g->arena;
        x->header.offset = x->offset + (at ? at->offset : (int64_t)(root->place / dtype_size(x->header.dtype)));
    }
}

/* ---- steps -------------------------------------------------------------------------------------------------------- */

/* Headers for the inputs that the op needs contiguous. */
static enum status prepare_copies(struct gpu *g, struct step *s, struct err *e) {
    const bool strided = s->call.op->flags & (OP_STRIDED | OP_ELEMENTWISE);
    for (int i = 0; i < s->call.nin && !strided; i++) {
        if (tensor_is_contiguous(s->tensor[i])) continue;
        if (!s->copy) s->copy = mem_zalloc(sizeof *s->copy * (size_t)s->call.nin, e);
        if (!s->copy) return e->status;
        struct tensor *copy = &s->copy[i];
        copy->dtype = s->tensor[i]->dtype;
        copy->shape = s->tensor[i]->shape;
        copy->storage = &g->arena;
        tensor_strides(&copy->shape, copy->stride);
        s->copies += rounded(tensor_bytes(copy));
        s->tensor[i] = copy;
    }
    return OK;
}

static enum status prepare_step(struct device_program *p, struct gpu *g, int i, struct err *e) {
    const struct graph_node *n = &p->graph->node[i];
    struct step *s = &p->step[i];
    s->tensor = mem_zalloc(sizeof(struct tensor *) * (size_t)(n->nin + n->nout), e);
    if (!s->tensor) return e->status;
    for (int k = 0; k < n->nin; k++) s->tensor[k] = &p->value[n->in[k]].header;
    for (int k = 0; k < n->nout; k++) s->tensor[n->nin + k] = &p->value[n->out + k].header;
    s->call = (struct op_call){.op = n->op, .nin = n->nin, .nout = n->nout, .attrs = &n->attrs};
    s->call.in = s->tensor;
    s->call.out = s->tensor + n->nin;
    if (is_view(n)) return OK;
    if (n->fused) return gpu_fused_kernel(g, n->fused, s->call.in, n->nin, s->call.out, &s->fused, e);
    s->workspace = rounded(gpu_workspace(g, &s->call));
    return prepare_copies(g, s, e);
}

static size_t step_workspace(void *arg, int node) {
    const struct device_program *p = arg;
    return p->step[node].workspace + p->step[node].copies;
}

/* ---- running ------------------------------------------------------------------------------------------------------ */

static enum status run_op(struct device_program *p, struct gpu *g, int i, struct err *e) {
    struct step *s = &p->step[i];
    const size_t workspace = p->plan->scratch[i];
    size_t at = workspace + s->workspace;
    for (int k = 0; s->copy && k < s->call.nin; k++) {
        if (s->tensor[k] != &s->copy[k]) continue;
        s->copy[k].offset = (int64_t)(at / dtype_size(s->copy[k].dtype));
        if (gpu_copy(g, &p->value[p->graph->node[i].in[k]].header, &s->copy[k], e) != OK) return e->status;
        at += rounded(tensor_bytes(&s->copy[k]));
    }
    return gpu_run(g, &s->call, &g->arena, workspace, e);
}

static enum status run_step(struct device_program *p, struct gpu *g, int i, struct err *e) {
    const struct graph_node *n = &p->graph->node[i];
    const struct step *s = &p->step[i];
    if (n->fused) return gpu_fused_run(g, s->fused, n->fused, s->call.in, n->nin, s->call.out, e);
    if (!is_view(n)) return run_op(p, g, i, e);
    return p->value[n->out].copied ? gpu_copy(g, s->tensor[0], s->tensor[1], e) : OK;
}

/* Outputs that no step writes: views, inputs, constants, and what is an output already. `out` NULL: while planning. */
static enum status copy_outputs(struct device_program *p, struct gpu *g, struct tensor *const *out, struct err *e) {
    for (int i = 0; i < p->graph->noutput; i++) {
        const int v = p->graph->output[i];
        const struct value *x = &p->value[v];
        if (x->root == v && x->home == IN_OUTPUT && x->argument == i) continue;
        if (gpu_copy(g, &x->header, out ? out[i] : &x->header, e) != OK) return e->status;
    }
    return OK;
}

static enum status run_steps(struct device_program *p, struct gpu *g, struct tensor *const *out, struct err *e) {
    for (int i = 0; i < p->graph->nnode; i++)
        if (cancel_check(e) != OK || run_step(p, g, i, e) != OK) return e->status;
    return copy_outputs(p, g, out, e);
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
    if (reserve_arena(g, p->bytes, e) != OK) return e->status;
    place_values(p, g, IN_CONSTANT, NULL);
    place_values(p, g, IN_INPUT, in);
    place_values(p, g, IN_OUTPUT, out);
    run_steps(p, g, out, e);
    *ticket = g->queued;
    return e->status;
}

/* ---- compiling ---------------------------------------------------------------------------------------------------- */

void gpu_program_free(struct device *d, struct device_program *p) {
    struct gpu *g = (struct gpu *)d;
    if (!p) return;
    for (int i = 0; p->step && i < p->graph->nnode; i++) {
        mem_free(p->step[i].tensor);
        mem_free(p->step[i].copy);
    }
    graph_plan_free(p->plan);
    mem_free(p->step);
    mem_free(p->value);
    mem_free(p);
    if (--g->programs > 0) return;
    gpu_free(d, g->arena.handle, g->arena.bytes);
    g->arena = (struct storage){0};
}

static void place_intermediates(struct device_program *p, struct gpu *g) {
    p->bytes = rounded(p->plan->arena) + p->copied;
    for (int v = 0; v < p->graph->nvalue; v++) {
        struct value *x = &p->value[v];
        if (x->root != v || x->home != IN_ARENA) continue;
        x->place = x->copied ? rounded(p->plan->arena) + x->place : p->plan->offset[v];
    }
    for (enum home home = IN_ARENA; home <= IN_OUTPUT; home++) place_values(p, g, home, NULL);
}

/* A run without launches tells every kernel that a run needs; then all are compiled. */
static enum status compile(struct device_program *p, struct gpu *g, struct err *e) {
    const struct graph *graph = p->graph;
    p->value = mem_zalloc(sizeof *p->value * (size_t)(graph->nvalue + 1), e);
    p->step = mem_zalloc(sizeof *p->step * (size_t)(graph->nnode + 1), e);
    if (!p->value || !p->step) return e->status;
    make_values(p);
    for (int i = 0; i < graph->nnode; i++)
        if (prepare_step(p, g, i, e) != OK) return e->status;
    if (graph_plan_new(graph, step_workspace, p, &p->plan, e) != OK) return e->status;
    place_intermediates(p, g);
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
    p->graph = graph;
    g->programs++;
    if (compile(p, g, e) != OK) {
        gpu_program_free(d, p);
        return e->status;
    }
    *out = p;
    return OK;
}

size_t gpu_program_bytes(struct device *d, const struct device_program *p) {
    (void)d;
    return p->bytes;
}
