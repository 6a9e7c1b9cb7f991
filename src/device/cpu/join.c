/* Reductions over leading dimensions run with the elementwise node that makes their operand, or reads it: the sums of batch
 * normalisation and of biases are made where a pass over memory of their own took as long again. Random numbers for one
 * elementwise node are made there, and never are in memory. Max pooling runs with its convolution, whose result, four times
 * as large, is then never in memory; so do batch normalisation's last step before it, bias and relu behind it, and relu's
 * gradient behind its own (2 % of a step of vgg32). A convolution's two gradients run together where they share the work on
 * what they both read, and take up from the forward pass what it has done of theirs.
 * Invariant: a node only moves to another's turn if its operand is there by then and nobody has asked for its result. */
#include "device/cpu/join.h"

#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "device/cpu/conv.h"
#include "op/ops.h"

/* ---- reductions --------------------------------------------------------------------------------------------------- */

/* Whether node i, which is more than a view, reads value v. */
static bool reads(const struct graph_layout *l, int i, int v) {
    const struct graph_node *n = &l->graph->node[i];
    for (int k = 0; l->call[i].kind != GRAPH_CALL_NOTHING && k < n->nin; k++)
        if (l->value[n->in[k]].root == v) return true;
    return false;
}

static int first_reader(const struct graph_layout *l, int v) {
    int i = 0;
    while (i < l->graph->nnode && !reads(l, i, v)) i++;
    return i;
}

/* Whether value v shows all bytes of its root in their order. */
static bool is_whole(const struct graph_layout *l, int v) {
    const struct tensor *t = &l->value[v].header, *root = &l->value[l->value[v].root].header;
    return tensor_is_contiguous(t) && tensor_size(t) == tensor_size(root);
}

/* Whether value v is an output, or shown by one. */
static bool is_output(const struct graph_layout *l, int v) {
    for (int i = 0; i < l->graph->noutput; i++)
        if (l->value[l->graph->output[i]].root == v) return true;
    return false;
}

/* Which value of host h (as cpu_tail has it) the bytes of root v are; -1: h does not have them whole. */
static int value_in(const struct graph_layout *l, int h, int v) {
    const struct graph_node *n = &l->graph->node[h];
    if (!graph_is_elementwise(n) || tensor_size(&l->value[n->out].header) != tensor_size(&l->value[v].header))
        return -1;
    if (v >= n->out && v < n->out + n->nout) return n->nin + (n->fused ? n->fused->out[v - n->out] : 0);
    for (int k = 0; k < n->nin; k++)
        if (l->value[n->in[k]].root == v && is_whole(l, n->in[k])) return k;
    return -1;
}

static bool takes(const struct cpu_join *j, const struct cpu_columns *columns) {
    if (!j) return true;
    return j->tails.count < CPU_MAX_TAILS && j->tails.tail[0].columns.width == columns->width &&
           j->tails.tail[0].columns.segment == columns->segment;
}

/* The node with which reduction i of root v can run, or -1: who makes v, else a reader before anyone needs the result. */
static int find_host(const struct graph_layout *l, struct cpu_join *const *join, int i, int v,
                     const struct cpu_columns *columns) {
    const struct graph_value *x = &l->graph->value[v];
    if (x->kind == GRAPH_RESULT && l->with[x->node] == x->node && value_in(l, x->node, v) >= 0)
        return takes(join[x->node], columns) ? x->node : -1;
    const int until = first_reader(l, l->graph->node[i].out);
    for (int h = 0; h < until; h++)
        if (l->with[h] == h && value_in(l, h, v) >= 0 && takes(join[h], columns)) return h;
    return -1;
}

static struct cpu_join *new_join(struct err *e) {
    struct cpu_join *j = mem_zalloc(sizeof *j, e);
    if (j) j->pool = j->input = j->kernel = j->kept = j->kept_for = j->scaled = j->finished = j->bias = -1;
    return j;
}

static enum status join_reduction(struct cpu *c, struct graph_layout *l, struct cpu_join **join, int i, struct err *e) {
    struct cpu_columns columns;
    const struct graph_node *n = &l->graph->node[i];
    if (l->call[i].kind != GRAPH_CALL_OP || !cpu_columns_of(c, &l->call[i].call, &columns)) return OK;
    const int v = l->value[n->in[0]].root, h = is_whole(l, n->in[0]) ? find_host(l, join, i, v, &columns) : -1;
    if (h < 0) return OK;
    if (!join[h]) join[h] = new_join(e);
    if (!join[h]) return e->status;
    struct cpu_tails *t = &join[h]->tails;
    join[h]->node[t->count] = i;
    t->tail[t->count++] = (struct cpu_tail){value_in(l, h, v), columns};
    l->with[i] = h;
    return OK;
}

/* ---- random numbers ----------------------------------------------------------------------------------------------- */

/* Whether a region of these tails asks for whole vectors of random numbers. */
static bool makes_vectors(const struct cpu_tails *t) {
    return t->count == 0 || CPU_CHUNK / t->tail[0].columns.width * t->tail[0].columns.width % 32 == 0;
}

/* Random numbers for one elementwise node: dropout's. */
static enum status join_random(const struct graph_layout *l, struct cpu_join **join, int i, struct err *e) {
    const struct graph_node *n = &l->graph->node[i];
    if (n->op != &op_random_uniform || is_output(l, n->out) || !is_whole(l, n->in[0])) return OK;
    const int h = first_reader(l, n->out);
    if (h == l->graph->nnode || l->with[h] != h || (join[h] && !makes_vectors(&join[h]->tails))) return OK;
    for (int k = h + 1; k < l->graph->nnode; k++)
        if (reads(l, k, n->out)) return OK;
    const int k = value_in(l, h, n->out);
    if (k < 0 || k >= 64) return OK;
    for (int other = 0; other < l->graph->node[h].nin; other++)
        if (other != k && l->value[l->graph->node[h].in[other]].root == n->out) return OK; /* a view of it */
    if (!join[h]) join[h] = new_join(e);
    if (!join[h]) return e->status;
    join[h]->tails.random |= UINT64_C(1) << k;
    l->with[i] = h;
    l->absent[n->out] = true;
    return OK;
}

/* ---- pooling ------------------------------------------------------------------------------------------------------ */

/* Whether node i can hand its result to, or take an operand from, the pooling of node `pool`, contiguous as both are. */
static bool takes_pool(const struct cpu *c, const struct graph_layout *l, int i, int pool) {
    return !l->call[i].copy && !l->call[pool].copy && cpu_conv_takes_pool(c, &l->call[i].call, &l->call[pool].call);
}

static enum status set_pool(struct cpu_join **join, int i, int pool, struct err *e) {
    if (!join[i]) join[i] = new_join(e);
    if (join[i]) join[i]->pool = pool;
    return e->status;
}

/* A convolution whose result is pooled and nothing else. */
static enum status join_pooling(struct cpu *c, struct graph_layout *l, struct cpu_join **join, int i, struct err *e) {
    const int v = l->graph->node[i].out, reader = first_reader(l, v);
    if (reader == l->graph->nnode || l->graph->node[reader].in[0] != v || is_output(l, v) ||
        !takes_pool(c, l, i, reader))
        return OK;
    for (int k = reader + 1; k < l->graph->nnode; k++)
        if (reads(l, k, v)) return OK;
    l->with[reader] = i;
    l->absent[v] = true;
    return set_pool(join, i, reader, e);
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
        if (!reads(l, k, v)) continue;
        if (!reads_as_gradient(l, k, v) || !takes_pool(c, l, k, i)) return OK;
        last = k;
    }
    if (last < 0 || is_output(l, v)) return OK;
    for (int k = i; k <= last; k++)
        if (reads(l, k, v) && set_pool(join, k, i, e) != OK) return e->status;
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
        if (!join[i]) join[i] = new_join(e);
        if (!join[i]) return e->status;
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
        if (!join[f]) join[f] = new_join(e);
        if (!join[f]) return e->status;
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
        if (factor[0] < n->nin && factor[1] < n->nin && factor[2] < n->nin && is_whole(l, n->in[factor[0]]) &&
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
    if (i < 0 || join[i] || is_output(l, v) || !is_scaling(l, i, factor) || !cpu_conv_takes_scale(c, &l->call[f].call))
        return;
    for (int k = 0; k < l->graph->nnode; k++)
        if (reads(l, k, v) && k != f && k != join[gradients]->kernel) return;
    memcpy(join[f]->factor, factor, sizeof factor);
    join[f]->scaled = i;
    l->with[i] = f;
    l->absent[v] = true;
}

static bool is_zero(const struct graph *g, int v) {
    const struct graph_value *x = &g->value[v];
    const struct graph_node *n = x->kind == GRAPH_RESULT ? &g->node[x->node] : NULL;
    return n && n->op == &op_full && n->attrs.full.value == 0 && dtype_is_float(n->attrs.full.dtype);
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
    return n->fused->out[!j->positive] == 1 && n->fused->out[j->positive] == 2 && is_zero(l->graph, n->in[s[2].in[1]]);
}

/* Bias and relu as convolution f stores what it makes, pooled or not. */
static enum status join_finish(const struct cpu *c, struct graph_layout *l, struct cpu_join **join, int f,
                               struct err *e) {
    const struct graph *g = l->graph;
    const int pool = join[f] ? join[f]->pool : -1, v = pool >= 0 ? g->node[pool].out : g->node[f].out;
    const int i = first_reader(l, v);
    if (g->node[f].op != &op_conv2d || l->call[f].copy || i == g->nnode || !graph_is_elementwise(&g->node[i]) ||
        join[i] || is_output(l, v) || !cpu_conv_takes_finish(c, &l->call[f].call))
        return OK;
    for (int k = i + 1; k < g->nnode; k++)
        if (reads(l, k, v)) return OK;
    struct cpu_join found;
    if (!is_finish(l, i, v, &found)) return OK;
    const struct graph_value *bias = &g->value[l->value[g->node[i].in[found.bias]].root];
    if (bias->kind == GRAPH_RESULT && l->with[bias->node] >= f) return OK;
    if (!join[f]) join[f] = new_join(e);
    if (!join[f]) return e->status;
    join[f]->finished = i;
    join[f]->bias = found.bias, join[f]->positive = found.positive, join[f]->relu = found.relu;
    l->with[i] = f;
    l->absent[v] = true;
    return OK;
}

/* relu's gradient as input gradient i stores what it makes. */
static enum status join_relu_gradient(const struct cpu *c, struct graph_layout *l, struct cpu_join **join, int i,
                                      struct err *e) {
    const struct graph *g = l->graph;
    const int v = g->node[i].out, reader = first_reader(l, v);
    if (reader == g->nnode || g->node[reader].op != &op_where || join[reader] || l->call[i].copy || is_output(l, v) ||
        !cpu_conv_takes_finish(c, &l->call[i].call))
        return OK;
    for (int k = reader + 1; k < g->nnode; k++)
        if (reads(l, k, v)) return OK;
    const int *in = g->node[reader].in, mask = l->value[in[0]].root;
    if (in[1] != v || !is_zero(g, in[2]) || !is_whole(l, in[0]) ||
        !shape_equal(&l->value[in[0]].header.shape, &l->value[v].header.shape) ||
        (g->value[mask].kind == GRAPH_RESULT && l->with[g->value[mask].node] >= i))
        return OK;
    if (!join[i]) join[i] = new_join(e);
    if (!join[i]) return e->status;
    join[i]->finished = reader;
    l->with[reader] = i;
    l->absent[v] = true;
    return OK;
}

static enum status join_node(struct cpu *c, struct graph_layout *l, struct cpu_join **join, int i, struct err *e) {
    const struct op *op = l->call[i].kind == GRAPH_CALL_OP ? l->graph->node[i].op : NULL;
    if (op == &op_max_unpool2d) return join_unpooling(c, l, join, i, e);
    if (op == &op_conv2d_grad_input)
        return join_gradients(c, l, join, i, e) ? e->status : join_relu_gradient(c, l, join, i, e);
    if (op == &op_conv2d) return join_pooling(c, l, join, i, e);
    return join_reduction(c, l, join, i, e);
}

/* ---- what needs no place ------------------------------------------------------------------------------------------ */

/* Whether only nodes that run with node h need its output v. */
static bool stays_inside(const struct graph_layout *l, int h, int v) {
    for (int i = 0; i < l->graph->nnode; i++)
        if (l->with[i] != h && reads(l, i, v)) return false;
    return !is_output(l, v);
}

static void leave_out(struct graph_layout *l, int h, struct cpu_join *j) {
    const struct graph_node *n = &l->graph->node[h];
    for (int k = 0; k < n->nout && k < 64; k++) {
        if (!stays_inside(l, h, n->out + k)) continue;
        j->tails.absent |= UINT64_C(1) << k;
        l->absent[n->out + k] = true;
    }
}

/* "fft, with max_pool2d", "with random_uniform, mean" */
static void also(struct cpu_join *j, const char *name, int *count) {
    const size_t n = strlen(j->way);
    const char *before = (*count)++ ? ", " : n ? ", with " : "with ";
    snprintf(j->way + n, sizeof j->way - n, "%s%s", before, name);
}

static void describe(const struct cpu *c, const struct graph_layout *l, int i, struct cpu_join *j) {
    const struct graph_node *node = l->graph->node;
    const struct cpu_kernel *k = node[i].op ? cpu_slot(c, node[i].op)->kernel : NULL;
    const char *way = k && k->way ? k->way(c, &l->call[i].call) : NULL;
    int count = 0;
    snprintf(j->way, sizeof j->way, "%s", way ? way : "");
    if (j->scaled >= 0) also(j, "scaling", &count);
    if (j->kernel >= 0) also(j, node[j->kernel].op->name, &count);
    if (j->pool >= 0) also(j, node[j->pool].op->name, &count);
    if (j->finished >= 0) also(j, j->relu ? "bias, relu" : j->bias >= 0 ? "bias" : "where", &count);
    if (j->tails.random) also(j, op_random_uniform.name, &count);
    for (int t = 0; t < j->tails.count; t++) also(j, node[j->node[t]].op->name, &count);
}

enum status cpu_join(struct cpu *c, struct graph_layout *l, struct cpu_join **join, struct err *e) {
    for (int i = 0; i < l->graph->nnode; i++)
        if (join_node(c, l, join, i, e) != OK) return e->status;
    for (int i = 0; i < l->graph->nnode; i++)
        if (join[i] && join[i]->kernel >= 0 && join_kept(c, l, join, i, e) != OK) return e->status;
    for (int i = 0; i < l->graph->nnode; i++)
        if (join[i] && join[i]->kept_for >= 0) join_scaling(c, l, join, i);
    for (int i = 0; i < l->graph->nnode; i++)
        if (l->graph->node[i].op == &op_conv2d && join_finish(c, l, join, i, e) != OK) return e->status;
    for (int i = 0; i < l->graph->nnode; i++)
        if (join_random(l, join, i, e) != OK) return e->status;
    for (int i = 0; i < l->graph->nnode; i++) {
        if (!join[i]) continue;
        if (join[i]->tails.count) leave_out(l, i, join[i]);
        describe(c, l, i, join[i]);
    }
    return OK;
}
