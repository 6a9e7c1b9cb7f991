/* Compiled graphs: elementwise regions as loops over chunks, every other node by its kernel, in the layout of
 * graph/layout.h, and some together with others (join.h). Invariant: a step writes only its own outputs and workspace, and
 * nothing is allocated after the first run. */
#include "device/cpu/program.h"

#include "base/cancel.h"
#include "base/clock.h"
#include "base/mem.h"
#include "device/cpu/conv.h"
#include "device/cpu/join.h"
#include "device/cpu/tuned.h"
#include "graph/layout.h"
#include "op/ops.h"

struct step {
    struct cpu_elementwise *loops; /* of an elementwise node, or NULL */
    const void **address;          /* its inputs', then its outputs' */
};

struct device_program {
    struct graph_layout *layout;
    struct step *step;      /* one for each node, */
    struct cpu_join **join; /* and what runs with it, or NULL */
    int sure;               /* from this node on nothing can fail: there inputs may be overwritten */
    double *seconds;        /* by node, while it is profiled */
};

/* ---- compiling ---------------------------------------------------------------------------------------------------- */

static enum status prepare_elementwise(struct cpu *c, struct step *s, const struct graph_node *n,
                                       const struct graph_call *call, const struct cpu_join *join, struct err *e) {
    const struct cpu_tails *tails = join ? &join->tails : NULL;
    s->address = mem_zalloc(sizeof(void *) * (size_t)(n->nin + n->nout), e);
    if (!s->address) return e->status;
    s->loops = n->fused ? cpu_elementwise_new(c, n->fused, call->tensor, n->nin, call->tensor + n->nin, tails, e)
                        : cpu_elementwise_of_call(c, &call->call, tails, e);
    return e->status;
}

static enum status prepare_step(struct device_program *p, struct cpu *c, int i, struct err *e) {
    const struct graph_node *n = &p->layout->graph->node[i];
    struct graph_call *call = &p->layout->call[i];
    if (call->kind == GRAPH_CALL_NOTHING || call->kind == GRAPH_CALL_COPY) return OK;
    if (graph_is_elementwise(n)) return prepare_elementwise(c, &p->step[i], n, call, p->join[i], e);
    if (!cpu_slot(c, n->op)->kernel) return err_set(e, ERR_UNSUPPORTED, "%s: no kernel on the cpu", n->op->name);
    const struct cpu_join *host = p->join[p->layout->with[i]];
    if (host && host->kernel == i) return OK; /* its host's workspace serves both */
    if (host && host->input == i)
        call->workspace =
            cpu_conv_gradients_workspace(c, &call->call, &p->layout->call[host->kernel].call, host->kept >= 0);
    else if (p->join[i] && (p->join[i]->kept_for >= 0 || p->join[i]->ones >= 0))
        call->workspace = cpu_conv_joined_workspace(c, &call->call, p->join[i]->kept_for >= 0, p->join[i]->ones >= 0);
    else
        call->workspace = cpu_workspace(c, &call->call);
    return OK;
}

void cpu_program_free(struct device *d, struct device_program *p) {
    if (!p) return;
    for (int i = 0; p->step && i < p->layout->graph->nnode; i++) {
        mem_free(p->step[i].address);
        cpu_elementwise_free(p->step[i].loops);
    }
    for (int i = 0; p->join && i < p->layout->graph->nnode; i++) mem_free(p->join[i]);
    graph_layout_free(p->layout);
    mem_free(p->join);
    mem_free(p->step);
    mem_free(p);
    cpu_arena_leave((struct cpu *)d);
}

/* The first of the elementwise nodes at the end that take every number: an optimizer's updates. */
static int first_sure(const struct device_program *p) {
    int i = p->layout->graph->nnode;
    for (; i > 0; i--) {
        const struct cpu_elementwise *loops = p->step[i - 1].loops;
        if (p->layout->call[i - 1].kind == GRAPH_CALL_NOTHING) continue;
        if (!loops || p->join[i - 1] || p->layout->with[i - 1] != i - 1 || cpu_elementwise_may_refuse(loops)) break;
    }
    return i;
}

bool cpu_program_overwrites(struct device *d, const struct device_program *p, int output, int input) {
    (void)d;
    const struct graph *g = p->layout->graph;
    const struct graph_value *v = &g->value[g->output[output]];
    return v->kind == GRAPH_RESULT && v->node >= p->sure && graph_layout_overwrites(p->layout, output, input);
}

static enum status compile(struct device_program *p, struct cpu *c, const struct graph *g, struct err *e) {
    if (graph_layout_new(g, &c->arena, &p->layout, e) != OK) return e->status;
    p->step = mem_zalloc(sizeof *p->step * (size_t)(g->nnode + 1), e);
    p->join = mem_zalloc(sizeof *p->join * (size_t)(g->nnode + 1), e);
    if (e->status == OK) cpu_join(c, p->layout, p->join, e);
    for (int i = 0; e->status == OK && i < g->nnode; i++) prepare_step(p, c, i, e);
    if (e->status == OK) p->sure = first_sure(p);
    return e->status == OK ? graph_layout_plan(p->layout, e) : e->status;
}

enum status cpu_program_compile(struct device *d, const struct graph *g, struct device_program **out, struct err *e) {
    struct cpu *c = (struct cpu *)d;
    struct device_program *p = mem_zalloc(sizeof *p, e);
    if (!p) return e->status;
    cpu_arena_join(c);
    if (compile(p, c, g, e) != OK) {
        cpu_program_free(d, p);
        return e->status;
    }
    *out = p;
    return OK;
}

size_t cpu_program_bytes(struct device *d, const struct device_program *p, size_t *bound) {
    (void)d;
    if (bound) *bound = p->layout->plan->bound;
    return p->layout->bytes;
}

/* ---- running ------------------------------------------------------------------------------------------------------ */

static enum status copy(void *device, const struct tensor *from, const struct tensor *to, struct err *e) {
    return cpu_copy(device, from, tensor_data(to), e);
}

static void *workspace(const struct device_program *p, const struct cpu *c, int i) {
    return (char *)c->arena.handle + p->layout->call[i].at;
}

/* Where operand k of node i is: the seeds of random numbers that are made as they are needed. */
static const void *operand(const struct device_program *p, int i, int k) {
    const struct graph_layout *l = p->layout;
    const bool random = p->join[i] && p->join[i]->tails.random >> k & 1;
    if (!random) return tensor_data(l->call[i].tensor[k]);
    const struct graph_value *v = &l->graph->value[l->value[l->graph->node[i].in[k]].root];
    return tensor_data(l->call[v->node].tensor[0]);
}

/* The node and what runs with it. */
static enum status run_elementwise(struct device_program *p, struct cpu *c, int i, struct err *e) {
    const struct step *s = &p->step[i];
    const struct graph_call *call = &p->layout->call[i];
    const struct cpu_join *join = p->join[i];
    const int nin = call->call.nin, ntail = join ? join->tails.count : 0;
    void *partial[CPU_MAX_TAILS];
    for (int k = 0; k < nin; k++) s->address[k] = operand(p, i, k);
    for (int k = nin; k < nin + call->call.nout; k++) s->address[k] = tensor_data(call->tensor[k]);
    for (int k = 0; k < ntail; k++) partial[k] = workspace(p, c, join->node[k]);
    enum status r = cpu_elementwise_run(c, s->loops, s->address, (void *const *)(s->address + nin), partial, e);
    for (int k = 0; r == OK && k < ntail; k++)
        r = cpu_columns_finish(c, &p->layout->call[join->node[k]].call, partial[k], e);
    return r;
}

static struct cpu_conv_joined joined(const struct device_program *p, const struct cpu *c, const struct cpu_join *join,
                                     int keeper) {
    const struct graph_call *call = p->layout->call;
    struct cpu_conv_joined o = {
        .pool = join->pool >= 0 ? &call[join->pool].call : NULL,
        .kept = keeper >= 0 ? (char *)c->arena.handle + call[keeper].kept_at : NULL,
    };
    if (join->ones >= 0) o.ones = true, o.raw = tensor_data(call[join->ones].tensor[0]);
    if (join->scaled < 0) return o;
    struct tensor *const *x = call[join->scaled].tensor;
    o.raw = tensor_data(x[join->factor[0]]);
    o.scale = tensor_data(x[join->factor[1]]), o.shift = tensor_data(x[join->factor[2]]);
    return o;
}

static void set_finish(const struct device_program *p, const struct cpu_join *join, struct cpu_conv_finish *finish,
                       struct cpu_conv_joined *o) {
    const struct op_call *call = &p->layout->call[join->finished].call;
    o->finish = finish;
    if (call->op == &op_where) {
        *finish = (struct cpu_conv_finish){.where = tensor_data(call->in[0])};
        o->finished = tensor_data(call->out[0]);
        return;
    }
    *finish = (struct cpu_conv_finish){.bias = tensor_data(call->in[join->bias]), .relu = join->relu};
    if (join->positive >= 0) finish->positive = tensor_data(call->out[join->positive]);
    o->finished = tensor_data(call->out[join->positive == 0]);
}

static enum status run_gradients(struct device_program *p, struct cpu *c, int i, struct err *e) {
    const struct cpu_join *join = p->join[i];
    const struct graph_call *call = p->layout->call;
    struct cpu_conv_joined o = joined(p, c, join, join->kept);
    struct cpu_conv_finish finish;
    if (join->finished >= 0) set_finish(p, join, &finish, &o);
    return cpu_conv_run_gradients(c, &call[join->input].call, &call[join->kernel].call, &o, workspace(p, c, i), e);
}

/* A convolution or one of its gradients. */
static enum status run_joined(struct device_program *p, struct cpu *c, int i, struct err *e) {
    const struct cpu_join *join = p->join[i];
    struct cpu_conv_joined o = joined(p, c, join, join->kept_for >= 0 ? i : -1);
    struct cpu_conv_finish finish;
    if (join->finished >= 0) set_finish(p, join, &finish, &o);
    return cpu_conv_run_joined(c, &p->layout->call[i].call, &o, workspace(p, c, i), e);
}

static enum status run_step(struct device_program *p, struct cpu *c, int i, struct err *e) {
    const struct graph_call *call = &p->layout->call[i];
    if (call->kind == GRAPH_CALL_NOTHING || p->layout->with[i] != i) return OK;
    if (call->kind == GRAPH_CALL_COPY) return copy(c, call->tensor[0], call->tensor[1], e);
    if (p->step[i].loops) return run_elementwise(p, c, i, e);
    if (p->join[i] && p->join[i]->kernel >= 0) return run_gradients(p, c, i, e);
    if (p->join[i]) return run_joined(p, c, i, e);
    if (graph_layout_copy_inputs(p->layout, i, copy, c, e) != OK) return e->status;
    return cpu_run(c, &call->call, workspace(p, c, i), e);
}

static enum status run_steps(struct device_program *p, struct cpu *c, int uncancelled, struct err *e) {
    double begin = p->seconds ? clock_now() : 0;
    for (int i = 0; i < p->layout->graph->nnode; i++) {
        if (i == uncancelled) threads_finish_loops(c->threads, true);
        if ((i < uncancelled && cancel_check(e) != OK) || run_step(p, c, i, e) != OK) return e->status;
        if (!p->seconds) continue;
        double end = clock_now();
        p->seconds[i] += end - begin;
        begin = end;
    }
    return OK;
}

/* Whether an input was given for an output, too: then a node that cannot fail makes one from the other. */
static bool overwrites(const struct device_program *p) {
    for (int i = p->sure; i < p->layout->graph->nnode; i++) {
        const struct op_call *call = &p->layout->call[i].call;
        for (int a = 0; p->step[i].loops && a < call->nin; a++)
            for (int b = 0; b < call->nout; b++)
                if (call->in[a]->storage == call->out[b]->storage && call->in[a]->storage != p->layout->arena)
                    return true;
    }
    return false;
}

enum status cpu_program_execute(struct device *d, struct device_program *p, struct tensor *const *in,
                                struct tensor *const *out, uint64_t *ticket, struct err *e) {
    struct cpu *c = (struct cpu *)d;
    *ticket = 0;
    if (cpu_arena_reserve(c, p->layout->bytes, e) != OK) return e->status;
    graph_layout_bind(p->layout, in, out);
    /* Adam's update of 10^7 weights takes 25 ms on two cores: as long as that a cancel waits. */
    const int uncancelled = overwrites(p) ? p->sure : p->layout->graph->nnode;
    /* Weights whose gradient stays zero have moments that shrink until they are subnormal, and then every step of a long
     * training takes half as long again (784-512-512-10 after 1000 steps: 3.1 ms, then 5). */
    threads_flush_subnormals(c->threads, true);
    run_steps(p, c, uncancelled, e);
    threads_finish_loops(c->threads, false);
    threads_flush_subnormals(c->threads, false);
    return e->status == OK ? graph_layout_copy_outputs(p->layout, out, copy, c, e) : e->status;
}

void cpu_program_profile(struct device *d, struct device_program *p, double *seconds) {
    (void)d;
    p->seconds = seconds;
}

/* ---- ways ---------------------------------------------------------------------------------------------------------- */

static const struct cpu_kernel *kernel_of(const struct cpu *c, const struct device_program *p, int i) {
    const struct graph_node *n = &p->layout->graph->node[i];
    return n->op && p->layout->call[i].kind == GRAPH_CALL_OP ? cpu_slot(c, n->op)->kernel : NULL;
}

const char *cpu_program_way(struct device *d, const struct device_program *p, int node) {
    const struct cpu *c = (const struct cpu *)d;
    const struct cpu_kernel *k = kernel_of(c, p, node);
    if (p->join[node]) return p->join[node]->way;
    return k && k->way ? k->way(c, &p->layout->call[node].call) : NULL;
}

static enum status tune_node(struct cpu *c, struct device_program *p, int i, struct buf *out, struct err *e) {
    const struct graph_call *call = &p->layout->call[i];
    const struct cpu_kernel *k = kernel_of(c, p, i);
    struct buf found = {0};
    char shape[256];
    if (!k || !k->tune) return OK;
    if (k->tune(c, &call->call, &found, e) == OK && found.len)
        buf_printf(out, "%s -> %s: %s", call->call.op->name, shape_text(&call->call.out[0]->shape, shape, sizeof shape),
                   found.data);
    buf_free(&found);
    return e->status;
}

enum status cpu_program_tune(struct device *d, struct device_program *p, struct buf *out, struct err *e) {
    struct cpu *c = (struct cpu *)d;
    struct err written = {0};
    for (int i = 0; e->status == OK && i < p->layout->graph->nnode; i++) tune_node(c, p, i, out, e);
    d->choices++;
    if (cpu_tuned_write(c, &written) && e->status == OK) *e = written;
    return e->status;
}
