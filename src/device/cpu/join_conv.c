/* What runs with a convolution or its gradients. Max pooling, whose operand, four times as large, is then never in memory;
 * batch normalisation's last step before it, bias and relu behind it, relu's gradient behind its own (2 % of a step of
 * vgg32), and a channel of ones that a kernel's gradient reads. Its two gradients run together where they share the work on
 * what they both read, and take up from the forward pass what it has done of theirs. (Not with them: the sums of relu's
 * gradient, row by row of tiles where it is stored. A step of vgg32 took 2 % less, but they were not the op's bits, and which
 * ones ran so depended on the passes.)
 * Invariant: as join.c has it. */
#include <math.h>
#include <string.h>

#include "device/cpu/conv.h"
#include "device/cpu/join.h"
#include "op/ops.h"

/* ---- pooling ------------------------------------------------------------------------------------------------------ */

/* Whether node i can hand its result to, or take an operand from, the pooling of node `pool`, contiguous as both are. */
static bool takes_pool(const struct cpu *c, const struct graph_layout *l, int i, int pool) {
    return !l->call[i].copy && !l->call[pool].copy && cpu_conv_takes_pool(c, &l->call[i].call, &l->call[pool].call);
}

/* A convolution whose result is pooled and nothing else. */
static enum status join_pooling(struct cpu *c, struct graph_layout *l, struct cpu_join **join, int i, struct err *e) {
    const int v = l->graph->node[i].out, reader = cpu_join_only_reader(l, v);
    if (reader < 0 || l->graph->node[reader].in[0] != v || !takes_pool(c, l, i, reader)) return OK;
    if (cpu_join_run_with(l, join, i, reader, v, e)) join[i]->pool = reader;
    return e->status;
}

/* Whether node i is a gradient whose dy is value v, as it is and nothing else of it. */
static bool reads_as_gradient(const struct graph_layout *l, int i, int v) {
    const struct graph_node *n = &l->graph->node[i];
    if (n->op != &op_conv2d_grad_input && n->op != &op_conv2d_grad_kernel) return false;
    const int dy = n->op == &op_conv2d_grad_kernel;
    return n->in[dy] == v && l->value[n->in[!dy]].root != v;
}

/* Unpooling for convolutions alone: it goes with the last of them, so that its operands stay until then. */
static enum status join_unpooling(struct cpu *c, struct graph_layout *l, struct cpu_join **join, int i, struct err *e) {
    const int v = l->graph->node[i].out;
    int last = -1;
    for (int k = 0; k < l->graph->nnode; k++) {
        if (!cpu_join_reads(l, k, v)) continue;
        if (!reads_as_gradient(l, k, v) || !takes_pool(c, l, k, i)) return OK;
        last = k;
    }
    if (last < 0 || cpu_join_is_output(l, v)) return OK;
    for (int k = i; k <= last; k++) {
        if (!cpu_join_reads(l, k, v)) continue;
        if (!cpu_join_at(join, k, e)) return e->status;
        join[k]->pool = i;
    }
    l->with[i] = last;
    l->absent[v] = true;
    return OK;
}

/* ---- both gradients ----------------------------------------------------------------------------------------------- */

/* Whether what node i reads is there before node h runs. */
static bool is_ready(const struct graph_layout *l, int i, int h) {
    for (int k = 0; k < l->graph->node[i].nin; k++) {
        const int root = l->value[l->graph->node[i].in[k]].root;
        const struct graph_value *v = &l->graph->value[root];
        if (v->kind == GRAPH_RESULT && !l->absent[root] && l->with[v->node] >= h) return false;
    }
    return true;
}

static bool same_pool(struct cpu_join *const *join, int a, int b) {
    return (join[a] ? join[a]->pool : -1) == (join[b] ? join[b]->pool : -1);
}

/* The kernel's gradient k runs with the input's, i, which comes before it and reads the same dy. */
static enum status join_gradients(struct cpu *c, struct graph_layout *l, struct cpu_join **join, int i, struct err *e) {
    const struct graph *g = l->graph;
    for (int k = i + 1; k < g->nnode; k++) {
        if (g->node[k].op != &op_conv2d_grad_kernel || g->node[k].in[1] != g->node[i].in[0]) continue;
        if (l->call[i].copy || l->call[k].copy || !same_pool(join, i, k) || !is_ready(l, k, i) ||
            !cpu_conv_gradients_workspace(c, &l->call[i].call, &l->call[k].call, false))
            return OK;
        if (!cpu_join_at(join, i, e)) return e->status;
        join[i]->input = i;
        join[i]->kernel = k;
        l->with[k] = i;
        return OK;
    }
    return OK;
}

/* What the convolution of gradients that run together at node i can keep for them. */
static enum status join_kept(const struct cpu *c, struct graph_layout *l, struct cpu_join **join, int i,
                             struct err *e) {
    const struct graph *g = l->graph;
    const int kernel = join[i]->kernel;
    for (int f = 0; f < i; f++) {
        if (g->node[f].op != &op_conv2d || l->call[f].copy || g->node[f].in[0] != g->node[kernel].in[0]) continue;
        const size_t kept = cpu_conv_kept(c, &l->call[f].call, &l->call[kernel].call);
        if (!kept || l->call[f].kept) continue;
        l->call[f].kept = kept;
        if (!cpu_join_at(join, f, e)) return e->status;
        l->call[f].kept_until = i;
        join[f]->kept_for = i;
        join[i]->kept = f;
        return OK;
    }
    return OK;
}

/* Whether operand k of node n has one number a channel of `channels`. */
static bool is_per_channel(const struct graph_layout *l, const struct graph_node *n, int k, int64_t channels) {
    const struct tensor *t = &l->value[n->in[k]].header;
    return t->shape.rank == 1 && t->shape.dim[0] == channels && tensor_is_contiguous(t);
}

/* Whether node i computes x scale + shift; `factor`: which of its operands they are. */
static bool is_scaling(const struct graph_layout *l, int i, int factor[3]) {
    const struct graph_node *n = &l->graph->node[i];
    const struct graph_step *s = n->fused ? n->fused->step : NULL;
    if (!s || n->fused->nstep != 2 || n->nout != 1 || n->fused->out[0] != 1 || n->nin != 3 || s[0].op != &op_mul ||
        s[1].op != &op_add)
        return false;
    const struct shape *shape = &l->value[n->out].header.shape;
    const int64_t channels = shape->dim[shape->rank - 1];
    for (int k = 0; k < 2; k++) {
        factor[0] = s[0].in[k], factor[1] = s[0].in[!k], factor[2] = s[1].in[s[1].in[0] == n->nin];
        if (factor[0] < n->nin && factor[1] < n->nin && factor[2] < n->nin && cpu_join_is_whole(l, n->in[factor[0]]) &&
            shape_equal(&l->value[n->in[factor[0]]].header.shape, shape) && is_per_channel(l, n, factor[1], channels) &&
            is_per_channel(l, n, factor[2], channels))
            return true;
    }
    return false;
}

/* Batch normalisation's last step as convolution f reads it, if its gradients need no more than what f keeps. */
static void join_scaling(const struct cpu *c, struct graph_layout *l, struct cpu_join **join, int f) {
    const int v = l->graph->node[f].in[0], gradients = join[f]->kept_for;
    const int i = l->graph->value[v].kind == GRAPH_RESULT ? l->graph->value[v].node : -1;
    int factor[3];
    if (i < 0 || join[i] || cpu_join_is_output(l, v) || !is_scaling(l, i, factor) ||
        !cpu_conv_takes_scale(c, &l->call[f].call))
        return;
    for (int k = 0; k < l->graph->nnode; k++)
        if (cpu_join_reads(l, k, v) && k != f && k != join[gradients]->kernel) return;
    memcpy(join[f]->factor, factor, sizeof factor);
    join[f]->scaled = i;
    l->with[i] = f;
    l->absent[v] = true;
}

/* Whether all of v is this number, which is not negative, nor -0. */
static bool is_full(const struct graph *g, int v, double number) {
    const struct graph_value *x = &g->value[v];
    const struct graph_node *n = x->kind == GRAPH_RESULT ? &g->node[x->node] : NULL;
    return n && n->op == &op_full && n->attrs.full.value == number && !signbit(n->attrs.full.value) &&
           dtype_is_float(n->attrs.full.dtype);
}

/* Whether node i computes y + bias of operand v, or relu of that, or also whether that is positive; says so in j. */
static bool is_finish(const struct graph_layout *l, int i, int v, struct cpu_join *j) {
    const struct graph_node *n = &l->graph->node[i];
    const struct graph_step plain = {.op = n->op, .nin = n->nin, .in = {0, 1}};
    const struct graph_step *s = n->fused ? n->fused->step : &plain;
    const int steps = n->fused ? n->fused->nstep : 1, first = n->nin;
    const struct shape *shape = &l->value[n->out].header.shape;
    if (s[0].op != &op_add || n->nin < 2 || s[0].in[0] >= first || s[0].in[1] >= first || steps > 3 || n->nout > 2)
        return false;
    const int y = n->in[s[0].in[0]] == v ? 0 : 1;
    j->bias = s[0].in[!y], j->relu = steps > 1, j->positive = -1;
    if (n->in[s[0].in[y]] != v || !is_per_channel(l, n, j->bias, shape->dim[shape->rank - 1])) return false;
    if (steps == 1) return n->nin == 2;
    if (s[1].op != &op_relu || s[1].in[0] != first) return false;
    if (steps == 2) return n->nout == 1 && n->nin == 2 && n->fused->out[0] == 1;
    if (s[2].op != &op_gt || s[2].in[0] != first + 1 || s[2].in[1] >= first || n->nin != 3 || n->nout != 2)
        return false;
    j->positive = n->fused->out[1] == 2 ? 1 : 0;
    return n->fused->out[!j->positive] == 1 && n->fused->out[j->positive] == 2 &&
           is_full(l->graph, n->in[s[2].in[1]], 0);
}

/* Bias and relu as convolution f stores what it makes, pooled or not. */
static enum status join_finish(const struct cpu *c, struct graph_layout *l, struct cpu_join **join, int f,
                               struct err *e) {
    const struct graph *g = l->graph;
    const int pool = join[f] ? join[f]->pool : -1, v = pool >= 0 ? g->node[pool].out : g->node[f].out;
    const int i = cpu_join_only_reader(l, v);
    struct cpu_join found;
    if (i < 0 || !graph_is_elementwise(&g->node[i]) || join[i] || l->call[f].copy ||
        !cpu_conv_takes_finish(c, &l->call[f].call) || !is_finish(l, i, v, &found))
        return OK;
    const struct graph_value *bias = &g->value[l->value[g->node[i].in[found.bias]].root];
    if (bias->kind == GRAPH_RESULT && l->with[bias->node] >= f) return OK;
    if (!cpu_join_run_with(l, join, f, i, v, e)) return e->status;
    join[f]->finished = i;
    join[f]->bias = found.bias, join[f]->positive = found.positive, join[f]->relu = found.relu;
    return OK;
}

/* relu's gradient as input gradient i stores what it makes. */
static enum status join_relu_gradient(const struct cpu *c, struct graph_layout *l, struct cpu_join **join, int i,
                                      struct err *e) {
    const struct graph *g = l->graph;
    const int v = g->node[i].out, reader = cpu_join_only_reader(l, v);
    if (reader < 0 || g->node[reader].op != &op_where || join[reader] || l->call[i].copy ||
        !cpu_conv_takes_finish(c, &l->call[i].call))
        return OK;
    const int *in = g->node[reader].in, mask = l->value[in[0]].root;
    if (in[1] != v || !is_full(g, in[2], 0) || !cpu_join_is_whole(l, in[0]) ||
        !shape_equal(&l->value[in[0]].header.shape, &l->value[v].header.shape) ||
        !shape_equal(&l->value[g->node[reader].out].header.shape, &l->value[v].header.shape) ||
        (g->value[mask].kind == GRAPH_RESULT && l->with[g->value[mask].node] >= i))
        return OK;
    if (cpu_join_run_with(l, join, i, reader, v, e)) join[i]->finished = reader;
    return e->status;
}

/* A channel of ones behind x, for kernel gradient i alone: it is none in memory. */
static enum status join_ones(const struct cpu *c, struct graph_layout *l, struct cpu_join **join, int i,
                             struct err *e) {
    const struct graph *g = l->graph;
    const int v = g->node[i].in[0], h = g->value[v].kind == GRAPH_RESULT ? g->value[v].node : -1;
    if (h < 0 || g->node[h].op != &op_concatenate || g->node[h].nin != 2 || l->with[i] != i || l->call[i].copy)
        return OK;
    const int *in = g->node[h].in;
    const struct shape *one = &l->value[in[1]].header.shape;
    if (g->node[h].attrs.axes.axis[0] != 3 || one->dim[3] != 1 || !is_full(g, in[1], 1) ||
        !cpu_join_is_whole(l, in[0]) || cpu_join_only_reader(l, v) != i || !cpu_conv_takes_ones(c, &l->call[i].call))
        return OK;
    if (cpu_join_run_with(l, join, i, h, v, e)) join[i]->ones = h;
    return e->status;
}

enum status cpu_join_conv(struct cpu *c, struct graph_layout *l, struct cpu_join **join, int i, struct err *e) {
    const struct op *op = l->call[i].kind == GRAPH_CALL_OP ? l->graph->node[i].op : NULL;
    if (op == &op_max_unpool2d) return join_unpooling(c, l, join, i, e);
    if (op == &op_conv2d) return join_pooling(c, l, join, i, e);
    if (op == &op_conv2d_grad_kernel) return join_ones(c, l, join, i, e);
    if (op != &op_conv2d_grad_input || join_gradients(c, l, join, i, e)) return e->status;
    return join_relu_gradient(c, l, join, i, e);
}

enum status cpu_join_conv_after(struct cpu *c, struct graph_layout *l, struct cpu_join **join, struct err *e) {
    const struct graph *g = l->graph;
    for (int i = 0; i < g->nnode; i++)
        if (join[i] && join[i]->kernel >= 0 && join_kept(c, l, join, i, e) != OK) return e->status;
    for (int i = 0; i < g->nnode; i++)
        if (join[i] && join[i]->kept_for >= 0) join_scaling(c, l, join, i);
    for (int i = 0; i < g->nnode; i++)
        if (g->node[i].op == &op_conv2d && join_finish(c, l, join, i, e) != OK) return e->status;
    return OK;
}
