/* Compiled graphs. Every value has a header made at compile time: views are resolved into strides, intermediates lie in
 * the device's arena where the memory plan says, outputs in the caller's buffers. Running is a walk over the steps.
 * Invariant: a step writes only its own outputs and workspace, and nothing is allocated after the first run. */
#include "device/cpu/program.h"

#include <time.h>

#include "base/cancel.h"
#include "base/mem.h"
#include "device/cpu/cpu.h"
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

enum kind { STEP_NOTHING, STEP_COPY, STEP_ELEMENTWISE, STEP_KERNEL };

struct step {
    enum kind kind;
    struct op_call call;
    struct tensor **tensor;        /* what call.in and call.out point to: headers of values, or of contiguous copies */
    struct tensor *copy;           /* an input that the kernel needs contiguous: one header for each input, or NULL */
    struct cpu_elementwise *loops; /* STEP_ELEMENTWISE */
    const void **address;          /* its inputs', then its outputs' */
    size_t workspace, copies;      /* bytes of the kernel's workspace; of the contiguous copies after it */
};

struct device_program {
    const struct graph *graph;
    struct value *value;
    struct step *step; /* one for each node */
    struct graph_plan *plan;
    size_t bytes, copied; /* of the arena; of the copied views, at its end */
    double *seconds;      /* by node, while it is profiled */
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

/* Headers with offsets from their roots; places in the arena come later. */
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
        if (from->kind == GRAPH_INPUT) {
            x->home = IN_INPUT;
            x->argument = from->output;
        } else if (from->kind == GRAPH_CONSTANT) {
            x->home = IN_CONSTANT;
            tensor_strides(&from->sig.shape, x->header.stride);
            for (int d = 0; d < from->sig.shape.rank; d++) x->header.stride[d] = from->constant->stride[d];
        } else if (output >= 0) {
            x->home = IN_OUTPUT;
            x->argument = output;
        }
    }
}

/* Points the headers of one home at their bytes. */
static void place_values(struct device_program *p, struct cpu *c, enum home home, struct tensor *const *arguments) {
    for (int v = 0; v < p->graph->nvalue; v++) {
        struct value *x = &p->value[v];
        const struct value *root = &p->value[x->root];
        if (root->home != home) continue;
        const struct tensor *at = home == IN_CONSTANT ? p->graph->value[x->root].constant
                                  : arguments         ? arguments[root->argument]
                                                      : NULL;
        const size_t size = dtype_size(x->header.dtype);
        const int64_t first = at ? at->offset : (int64_t)(root->place / size);
        x->header.storage = at ? at->storage : &c->arena;
        x->header.offset = first + x->offset;
    }
}

/* ---- steps -------------------------------------------------------------------------------------------------------- */

static struct tensor *header(const struct device_program *p, int v) {
    return &p->value[v].header;
}

/* A header like `from`'s, contiguous; its storage is set when it runs. */
static size_t prepare_copy(struct tensor *copy, const struct tensor *from) {
    copy->dtype = from->dtype;
    copy->shape = from->shape;
    tensor_strides(&copy->shape, copy->stride);
    return rounded(tensor_bytes(copy));
}

static enum status prepare_kernel(struct device_program *p, struct cpu *c, struct step *s, struct err *e) {
    const bool strided = s->call.op->flags & OP_STRIDED;
    for (int i = 0; i < s->call.nin && !strided; i++) {
        if (tensor_is_contiguous(s->tensor[i])) continue;
        if (!s->copy) s->copy = mem_zalloc(sizeof *s->copy * (size_t)s->call.nin, e);
        if (!s->copy) return e->status;
        s->copies += prepare_copy(&s->copy[i], s->tensor[i]);
        s->copy[i].storage = &c->arena;
        s->tensor[i] = &s->copy[i];
    }
    s->kind = STEP_KERNEL;
    s->workspace = rounded(cpu_workspace(c, &s->call));
    (void)p;
    return OK;
}

static enum status prepare_elementwise(struct cpu *c, struct step *s, const struct graph_node *n, struct err *e) {
    s->kind = STEP_ELEMENTWISE;
    s->address = mem_zalloc(sizeof(void *) * (size_t)(n->nin + n->nout), e);
    if (!s->address) return e->status;
    s->loops = n->fused ? cpu_elementwise_new(c, n->fused, s->tensor, n->nin, s->tensor + n->nin, e)
                        : cpu_elementwise_of_call(c, &s->call, e);
    return e->status;
}

static enum status prepare_step(struct device_program *p, struct cpu *c, int i, struct err *e) {
    const struct graph_node *n = &p->graph->node[i];
    struct step *s = &p->step[i];
    s->tensor = mem_zalloc(sizeof(struct tensor *) * (size_t)(n->nin + n->nout), e);
    if (!s->tensor) return e->status;
    for (int k = 0; k < n->nin; k++) s->tensor[k] = header(p, n->in[k]);
    for (int k = 0; k < n->nout; k++) s->tensor[n->nin + k] = header(p, n->out + k);
    s->call = (struct op_call){.op = n->op, .nin = n->nin, .nout = n->nout, .attrs = &n->attrs};
    s->call.in = s->tensor;
    s->call.out = s->tensor + n->nin;
    if (is_view(n)) {
        s->kind = p->value[n->out].copied ? STEP_COPY : STEP_NOTHING;
        return OK;
    }
    if (n->fused || n->op->flags & OP_ELEMENTWISE) return prepare_elementwise(c, s, n, e);
    if (!cpu_slot(c, n->op)->kernel) return err_set(e, ERR_UNSUPPORTED, "%s: no kernel on the cpu", n->op->name);
    return prepare_kernel(p, c, s, e);
}

static size_t step_workspace(void *arg, int node) {
    const struct device_program *p = arg;
    return p->step[node].workspace + p->step[node].copies;
}

/* ---- compiling ---------------------------------------------------------------------------------------------------- */

void cpu_program_free(struct device *d, struct device_program *p) {
    if (!p) return;
    for (int i = 0; p->step && i < p->graph->nnode; i++) {
        mem_free(p->step[i].tensor);
        mem_free(p->step[i].copy);
        mem_free(p->step[i].address);
        cpu_elementwise_free(p->step[i].loops);
    }
    graph_plan_free(p->plan);
    mem_free(p->step);
    mem_free(p->value);
    mem_free(p);
    cpu_arena_leave((struct cpu *)d);
}

static enum status compile(struct device_program *p, struct cpu *c, struct err *e) {
    const struct graph *g = p->graph;
    p->value = mem_zalloc(sizeof *p->value * (size_t)(g->nvalue + 1), e);
    p->step = mem_zalloc(sizeof *p->step * (size_t)(g->nnode + 1), e);
    if (!p->value || !p->step) return e->status;
    make_values(p);
    for (int i = 0; i < g->nnode; i++)
        if (prepare_step(p, c, i, e) != OK) return e->status;
    if (graph_plan_new(g, step_workspace, p, &p->plan, e) != OK) return e->status;
    p->bytes = rounded(p->plan->arena) + p->copied;
    for (int v = 0; v < g->nvalue; v++) {
        struct value *x = &p->value[v];
        if (x->root != v || x->home != IN_ARENA) continue;
        x->place = x->copied ? rounded(p->plan->arena) + x->place : p->plan->offset[v];
    }
    place_values(p, c, IN_ARENA, NULL);
    place_values(p, c, IN_CONSTANT, NULL);
    return OK;
}

enum status cpu_program_compile(struct device *d, const struct graph *g, struct device_program **out, struct err *e) {
    struct cpu *c = (struct cpu *)d;
    struct device_program *p = mem_zalloc(sizeof *p, e);
    if (!p) return e->status;
    p->graph = g;
    cpu_arena_join(c);
    if (compile(p, c, e) != OK) {
        cpu_program_free(d, p);
        return e->status;
    }
    *out = p;
    return OK;
}

size_t cpu_program_bytes(struct device *d, const struct device_program *p) {
    (void)d;
    return p->bytes;
}

/* ---- running ------------------------------------------------------------------------------------------------------ */

static enum status run_elementwise(struct cpu *c, const struct step *s, struct err *e) {
    const int nin = s->call.nin;
    for (int i = 0; i < nin + s->call.nout; i++) s->address[i] = tensor_data(s->tensor[i]);
    return cpu_elementwise_run(c, s->loops, s->address, (void *const *)(s->address + nin), e);
}

static enum status run_kernel(struct device_program *p, struct cpu *c, int i, struct err *e) {
    struct step *s = &p->step[i];
    char *workspace = (char *)c->arena.handle + p->plan->scratch[i], *copy = workspace + s->workspace;
    for (int k = 0; s->copy && k < s->call.nin; k++) {
        if (s->tensor[k] != &s->copy[k]) continue;
        if (cpu_copy(c, header(p, p->graph->node[i].in[k]), copy, e) != OK) return e->status;
        s->copy[k].offset = (copy - (char *)c->arena.handle) / (int64_t)dtype_size(s->copy[k].dtype);
        copy += rounded(tensor_bytes(&s->copy[k]));
    }
    return cpu_run(c, &s->call, workspace, e);
}

static enum status run_step(struct device_program *p, struct cpu *c, int i, struct err *e) {
    const struct step *s = &p->step[i];
    switch (s->kind) {
    case STEP_COPY: return cpu_copy(c, s->tensor[0], tensor_data(s->tensor[1]), e);
    case STEP_ELEMENTWISE: return run_elementwise(c, s, e);
    case STEP_KERNEL: return run_kernel(p, c, i, e);
    default: return OK;
    }
}

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static enum status run_steps(struct device_program *p, struct cpu *c, struct err *e) {
    double begin = p->seconds ? now() : 0;
    for (int i = 0; i < p->graph->nnode; i++) {
        if (cancel_check(e) != OK || run_step(p, c, i, e) != OK) return e->status;
        if (!p->seconds) continue;
        double end = now();
        p->seconds[i] += end - begin;
        begin = end;
    }
    return OK;
}

/* Outputs that no step writes: views, inputs, constants, and what is an output already. */
static enum status copy_outputs(struct device_program *p, struct cpu *c, struct tensor *const *out, struct err *e) {
    for (int i = 0; i < p->graph->noutput; i++) {
        const struct value *x = &p->value[p->graph->output[i]];
        const bool written = x->root == p->graph->output[i] && x->home == IN_OUTPUT && x->argument == i;
        if (!written && cpu_copy(c, &x->header, tensor_data(out[i]), e) != OK) return e->status;
    }
    return OK;
}

enum status cpu_program_execute(struct device *d, struct device_program *p, struct tensor *const *in,
                                struct tensor *const *out, uint64_t *ticket, struct err *e) {
    struct cpu *c = (struct cpu *)d;
    *ticket = 0;
    if (cpu_arena_reserve(c, p->bytes, e) != OK) return e->status;
    place_values(p, c, IN_INPUT, in);
    place_values(p, c, IN_OUTPUT, out);
    return run_steps(p, c, e) == OK ? copy_outputs(p, c, out, e) : e->status;
}

void cpu_program_profile(struct device *d, struct device_program *p, double *seconds) {
    (void)d;
    p->seconds = seconds;
}
