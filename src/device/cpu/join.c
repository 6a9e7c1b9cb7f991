/* Reductions over leading dimensions run with the elementwise node that makes their operand, or reads it: the sums of batch
 * normalisation and of biases are made where a pass over memory of their own took as long again. Random numbers for one
 * elementwise node are made there, and never are in memory. What runs with convolutions is join_conv.c's.
 * Invariant: a node only moves to another's turn if its operand is there by then and nobody has asked for its result. */
#include "device/cpu/join.h"

#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "device/cpu/conv.h"
#include "op/ops.h"

struct cpu_join *cpu_join_at(struct cpu_join **join, int i, struct err *e) {
    if (join[i]) return join[i];
    struct cpu_join *j = join[i] = mem_zalloc(sizeof *j, e);
    if (j) j->pool = j->input = j->kernel = j->kept = j->kept_for = j->scaled = j->ones = j->finished = j->bias = -1;
    return j;
}

struct cpu_join *cpu_join_run_with(const struct graph_layout *l, struct cpu_join **join, int i, int n, int v,
                                   struct err *e) {
    if (!cpu_join_at(join, i, e)) return NULL;
    l->with[n] = i;
    l->absent[v] = true;
    return join[i];
}

bool cpu_join_reads(const struct graph_layout *l, int i, int v) {
    const struct graph_node *n = &l->graph->node[i];
    for (int k = 0; l->call[i].kind != GRAPH_CALL_NOTHING && k < n->nin; k++)
        if (l->value[n->in[k]].root == v) return true;
    return false;
}

int cpu_join_first_reader(const struct graph_layout *l, int v) {
    int i = 0;
    while (i < l->graph->nnode && !cpu_join_reads(l, i, v)) i++;
    return i;
}

bool cpu_join_is_whole(const struct graph_layout *l, int v) {
    const struct tensor *t = &l->value[v].header, *root = &l->value[l->value[v].root].header;
    return tensor_is_contiguous(t) && tensor_size(t) == tensor_size(root);
}

bool cpu_join_is_output(const struct graph_layout *l, int v) {
    for (int i = 0; i < l->graph->noutput; i++)
        if (l->value[l->graph->output[i]].root == v) return true;
    return false;
}

int cpu_join_only_reader(const struct graph_layout *l, int v) {
    const int n = l->graph->nnode, reader = cpu_join_first_reader(l, v);
    bool more = reader == n || cpu_join_is_output(l, v);
    for (int i = reader + 1; i < n && !more; i++) more = cpu_join_reads(l, i, v);
    return more ? -1 : reader;
}

/* ---- reductions --------------------------------------------------------------------------------------------------- */

/* Which value of host h (as cpu_tail has it) the bytes of root v are; -1: h does not have them whole. */
static int value_in(const struct graph_layout *l, int h, int v) {
    const struct graph_node *n = &l->graph->node[h];
    if (!graph_is_elementwise(n) || tensor_size(&l->value[n->out].header) != tensor_size(&l->value[v].header))
        return -1;
    if (v >= n->out && v < n->out + n->nout) return n->nin + (n->fused ? n->fused->out[v - n->out] : 0);
    for (int k = 0; k < n->nin; k++)
        if (l->value[n->in[k]].root == v && cpu_join_is_whole(l, n->in[k])) return k;
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
    const int until = cpu_join_first_reader(l, l->graph->node[i].out);
    for (int h = 0; h < until; h++)
        if (l->with[h] == h && value_in(l, h, v) >= 0 && takes(join[h], columns)) return h;
    return -1;
}

static enum status join_reduction(struct cpu *c, struct graph_layout *l, struct cpu_join **join, int i, struct err *e) {
    struct cpu_columns columns;
    const struct graph_node *n = &l->graph->node[i];
    if (l->call[i].kind != GRAPH_CALL_OP || !cpu_columns_of(c, &l->call[i].call, &columns)) return OK;
    const int v = l->value[n->in[0]].root, h = cpu_join_is_whole(l, n->in[0]) ? find_host(l, join, i, v, &columns) : -1;
    if (h < 0) return OK;
    if (!cpu_join_at(join, h, e)) return e->status;
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
    if (n->op != &op_random_uniform || !cpu_join_is_whole(l, n->in[0])) return OK;
    const int h = cpu_join_only_reader(l, n->out);
    if (h < 0 || l->with[h] != h || (join[h] && !makes_vectors(&join[h]->tails))) return OK;
    const int k = value_in(l, h, n->out);
    if (k < 0 || k >= 64) return OK;
    for (int other = 0; other < l->graph->node[h].nin; other++)
        if (other != k && l->value[l->graph->node[h].in[other]].root == n->out) return OK; /* a view of it */
    if (cpu_join_run_with(l, join, h, i, n->out, e)) join[h]->tails.random |= UINT64_C(1) << k;
    return e->status;
}

/* ---- what needs no place ------------------------------------------------------------------------------------------ */

/* Whether only nodes that run with node h need its output v. */
static bool stays_inside(const struct graph_layout *l, int h, int v) {
    for (int i = 0; i < l->graph->nnode; i++)
        if (l->with[i] != h && cpu_join_reads(l, i, v)) return false;
    return !cpu_join_is_output(l, v);
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
    if (j->ones >= 0) also(j, node[j->ones].op->name, &count);
    if (j->kernel >= 0) also(j, node[j->kernel].op->name, &count);
    if (j->pool >= 0) also(j, node[j->pool].op->name, &count);
    if (j->finished >= 0) also(j, j->relu ? "bias, relu" : j->bias >= 0 ? "bias" : "where", &count);
    if (j->tails.random) also(j, op_random_uniform.name, &count);
    for (int t = 0; t < j->tails.count; t++) also(j, node[j->node[t]].op->name, &count);
}

enum status cpu_join(struct cpu *c, struct graph_layout *l, struct cpu_join **join, struct err *e) {
    for (int i = 0; i < l->graph->nnode; i++)
        if (cpu_join_conv(c, l, join, i, e) != OK || join_reduction(c, l, join, i, e) != OK) return e->status;
    if (cpu_join_conv_after(c, l, join, e) != OK) return e->status;
    for (int i = 0; i < l->graph->nnode; i++)
        if (join_random(l, join, i, e) != OK) return e->status;
    for (int i = 0; i < l->graph->nnode; i++) {
        if (!join[i]) continue;
        if (join[i]->tails.count) leave_out(l, i, join[i]);
        describe(c, l, i, join[i]);
    }
    return OK;
}
