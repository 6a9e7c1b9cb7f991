/* Sums over batch and positions of a convolution's input gradient, which is what a layer that scales and shifts a network's
 * input needs of it (batch normalisation before the first convolution), taken from the kernel's gradient instead: the two
 * are adjoint, sum(dx r) = sum(k dk(r, dy)) for every r, so with x = r scale + shift, channel by channel,
 *   dk(x) = dk(r) scale + dk(1) shift,  sum dx r = sum k dk(r),  sum dx = sum k dk(1).
 * The last sum cancels where raw's mean is large beside its deviation, as raw scale + shift itself does.
 * Invariant: it applies only where nobody needs dx itself. */
#include <string.h>

#include "base/mem.h"
#include "graph/rewrite.h"
#include "op/ops.h"

/* dk(1) is computed as that of one more channel; beyond some that costs more than dx. */
enum { MAX_CHANNELS = 4 };

/* What is found around the input gradient `dx`, by node and value of the old graph. */
struct adjoint {
    int dx, dk;                  /* the nodes of the two gradients of one convolution */
    int dy, kernel;              /* values */
    int raw, scale, shift;       /* values: x = raw * scale + shift */
    bool *sums, *moments, *raws; /* by node: sum(dx), sum(dx * raw), dx * raw */
};

static int64_t channels_of(const struct graph *g, int v) {
    const struct shape *s = &g->value[v].sig.shape;
    return s->dim[s->rank - 1];
}

/* Of a node of two operands the one that is not v. */
static int other(const struct graph_node *n, int v) {
    return n->in[n->in[0] == v];
}

/* Whether v has one number a channel. */
static bool is_per_channel(const struct graph *g, int v, int64_t channels) {
    const struct op_sig *sig = &g->value[v].sig;
    return sig->dtype == DT_FLOAT32 && sig->shape.rank == 1 && sig->shape.dim[0] == channels;
}

/* Value x as raw * scale + shift, raw of x's shape. */
static bool find_affine(const struct graph *g, int x, struct adjoint *a) {
    const int64_t channels = channels_of(g, x);
    const int sum = graph_made_by(g, x, &op_add);
    for (int i = 0; sum >= 0 && i < 2; i++) {
        const int product = graph_made_by(g, g->node[sum].in[i], &op_mul);
        a->shift = g->node[sum].in[!i];
        for (int k = 0; product >= 0 && k < 2; k++) {
            a->raw = g->node[product].in[k], a->scale = g->node[product].in[!k];
            if (shape_equal(&g->value[a->raw].sig.shape, &g->value[x].sig.shape) &&
                is_per_channel(g, a->scale, channels) && is_per_channel(g, a->shift, channels))
                return true;
        }
    }
    return false;
}

static bool sums_positions(const struct graph_node *n) {
    static const int positions[3] = {0, 1, 2};
    const struct op_axes *axes = &n->attrs.axes;
    return n->op == &op_sum && axes->n == 3 && !axes->keepdims && !memcmp(axes->axis, positions, sizeof positions);
}

/* Marks the readers of v that sum it in `sums`; false if there is any other, but for products with raw where these are
 * marked, too. */
static bool only_summed(const struct graph *g, int v, int raw, bool *sums, bool *products) {
    for (int i = 0; i < g->nnode; i++) {
        const struct graph_node *n = &g->node[i];
        if (!graph_reads(n, v)) continue;
        if (sums_positions(n))
            sums[i] = true;
        else if (products && n->op == &op_mul && other(n, v) == raw && raw != v)
            products[i] = true;
        else
            return false;
    }
    return !graph_is_output(g, v);
}

/* The kernel's gradient that goes with the input's, dx, and comes after it; -1: none. */
static int find_twin(const struct graph *g, int dx) {
    const struct op_window *w = &g->node[dx].attrs.window;
    for (int i = dx + 1; i < g->nnode; i++) {
        const struct graph_node *n = &g->node[i];
        const struct op_window *u = &n->attrs.window;
        if (n->op == &op_conv2d_grad_kernel && n->in[1] == g->node[dx].in[0] && u->groups == 1 &&
            !memcmp(u->stride, w->stride, sizeof w->stride) && !memcmp(u->dilation, w->dilation, sizeof w->dilation) &&
            !memcmp(u->before, w->before, sizeof w->before) && !memcmp(u->after, w->after, sizeof w->after))
            return i;
    }
    return -1;
}

/* Whether node i is such an input gradient; fills a. */
static bool find(const struct graph *g, int i, struct adjoint *a) {
    const struct graph_node *n = &g->node[i];
    if (n->op != &op_conv2d_grad_input || n->attrs.window.groups != 1 || channels_of(g, n->out) > MAX_CHANNELS ||
        g->value[n->out].sig.dtype != DT_FLOAT32)
        return false;
    a->dx = i, a->dk = find_twin(g, i), a->dy = n->in[0], a->kernel = n->in[1];
    if (a->dk < 0 || !find_affine(g, g->node[a->dk].in[0], a)) return false;
    const struct shape *x = &g->value[a->raw].sig.shape, *kernel = &g->value[g->node[a->dk].out].sig.shape;
    if (!shape_equal(x, &g->value[n->out].sig.shape) || !shape_equal(kernel, &g->value[a->kernel].sig.shape))
        return false;
    for (bool *marks = a->sums; marks < a->sums + 3 * g->nnode; marks++) *marks = false;
    if (!only_summed(g, n->out, a->raw, a->sums, a->raws)) return false;
    for (int k = 0; k < g->nnode; k++) {
        if ((a->sums[k] || a->raws[k]) && k < a->dk) return false;
        if (a->raws[k] && !only_summed(g, g->node[k].out, -1, a->moments, NULL)) return false;
    }
    return true;
}

/* ---- writing ------------------------------------------------------------------------------------------------------ */

static int call(struct graph_rewrite *r, const struct op *op, int a, int b, const union op_attrs *attrs,
                struct err *e) {
    return e->status ? -1 : graph_add(r->to, op, (int[]){a, b}, b < 0 ? 1 : 2, attrs, e);
}

/* Of gradients dk (height, width, channels, filters) those for channels first .. first+n-1. */
static int part(struct graph_rewrite *r, int dk, int64_t first, int64_t n, struct err *e) {
    if (dk < 0) return -1;
    union op_attrs attrs = {
        .slice = {.shape = r->to->value[dk].sig.shape, .start = {0, 0, first}, .step = {1, 1, 1, 1}}};
    attrs.slice.shape.dim[2] = n;
    return call(r, &op_slice, dk, -1, &attrs, e);
}

/* A number a channel as one a channel of a kernel. */
static int per_kernel(struct graph_rewrite *r, int old, int64_t channels, struct err *e) {
    const union op_attrs attrs = {.full = {.shape = {3, {1, channels, 1}}}};
    const int v = graph_rewrite_value(r, old, e);
    return call(r, &op_reshape, v, -1, &attrs, e);
}

/* sum(kernel * dk) by channel. */
static int by_channel(struct graph_rewrite *r, int kernel, int dk, struct err *e) {
    const union op_attrs axes = {.axes = {3, {0, 1, 3}, false}};
    return call(r, &op_sum, call(r, &op_mul, kernel, dk, &(union op_attrs){0}, e), -1, &axes, e);
}

/* The kernel's gradient and the sums; r->map says where the old ones' readers find them. */
static enum status write(struct graph_rewrite *r, const struct adjoint *a, struct err *e) {
    static const union op_attrs none = {0}, along_channels = {.axes = {1, {3}, false}};
    const struct graph *g = r->from;
    const int64_t channels = channels_of(g, a->raw);
    union op_attrs ones = {.full = {.dtype = DT_FLOAT32, .shape = g->value[a->raw].sig.shape, .value = 1}};
    ones.full.shape.dim[3] = 1;
    const int one = graph_add(r->to, &op_full, NULL, 0, &ones, e), raw = graph_rewrite_value(r, a->raw, e);
    const int x = call(r, &op_concatenate, raw, one, &along_channels, e), dy = graph_rewrite_value(r, a->dy, e);
    const int dk = call(r, &op_conv2d_grad_kernel, x, dy, &g->node[a->dk].attrs, e);
    const int of_raw = part(r, dk, 0, channels, e), of_one = part(r, dk, channels, 1, e);
    const int scale = per_kernel(r, a->scale, channels, e), shift = per_kernel(r, a->shift, channels, e);
    r->map[g->node[a->dk].out] = call(r, &op_add, call(r, &op_mul, of_raw, scale, &none, e),
                                      call(r, &op_mul, of_one, shift, &none, e), &none, e);
    const int kernel = graph_rewrite_value(r, a->kernel, e);
    const int sum = by_channel(r, kernel, of_one, e), moment = by_channel(r, kernel, of_raw, e);
    for (int i = 0; i < g->nnode; i++) {
        if (a->sums[i]) r->map[g->node[i].out] = sum;
        if (a->moments[i]) r->map[g->node[i].out] = moment;
    }
    return e->status;
}

static enum status rewrite(struct graph *g, const struct adjoint *a, struct err *e) {
    struct graph_rewrite r;
    graph_rewrite_begin(&r, g, e);
    for (int i = 0; e->status == OK && i < g->nnode; i++) {
        if (i == a->dk)
            write(&r, a, e);
        else if (i != a->dx && !a->sums[i] && !a->moments[i] && !a->raws[i])
            graph_rewrite_node(&r, i, e);
    }
    return graph_rewrite_end(&r, g, e);
}

enum status graph_adjoint(struct graph *g, struct err *e) {
    struct adjoint a = {.sums = mem_zalloc(3 * (size_t)g->nnode + 1, e)};
    if (!a.sums) return e->status;
    a.moments = a.sums + g->nnode, a.raws = a.moments + g->nnode;
    int i = 0;
    while (i < g->nnode && !find(g, i, &a)) i++;
    if (i < g->nnode) rewrite(g, &a, e);
    mem_free(a.sums);
    return e->status;
}
