/* Sums of padded parts that lie side by side are their concatenation: what is cut into slices has such a gradient, and that of
 * a sequence's steps, halved until they are single, takes steps instead of steps * log(steps). Concatenations of
 * concatenations become one. A training step of LSTMs and GRUs takes a quarter to a third less. Invariant: results stay, but
 * for the sign of zeros. */
#include "graph/rewrite.h"
#include "op/ops.h"

struct part {
    int value;
    int64_t start;
};

/* What lies along an axis, in order. */
struct parts {
    int axis, count;
    struct part part[OP_MAX_IN];
};

/* The only axis along which x is shorter than its padded value, where it is moved and nothing else; -1: there is none. */
static int padded_axis(const struct graph *g, const struct graph_node *pad) {
    const struct shape *part = &g->value[pad->in[0]].sig.shape, *whole = &g->value[pad->out].sig.shape;
    int axis = -1;
    for (int d = 0; d < whole->rank; d++) {
        if (pad->attrs.slice.step[d] != 1) return -1;
        if (part->dim[d] == whole->dim[d]) continue;
        if (axis >= 0) return -1;
        axis = d;
    }
    return axis;
}

/* Takes a padded part in. */
static bool add_part(const struct graph *g, int node, struct parts *p) {
    const struct graph_node *pad = &g->node[node];
    const int axis = padded_axis(g, pad);
    if (axis < 0 || p->count == OP_MAX_IN || (p->count > 0 && axis != p->axis)) return false;
    const struct part part = {pad->in[0], pad->attrs.slice.start[axis]};
    int at = p->count++;
    p->axis = axis;
    for (; at > 0 && p->part[at - 1].start > part.start; at--) p->part[at] = p->part[at - 1];
    p->part[at] = part;
    return true;
}

static bool is_read_once(const struct graph_readers *r, int v) {
    return r->first[v + 1] - r->first[v] == 1 && !r->output[v];
}

static bool same_sig(const struct graph *g, int a, int b) {
    const struct op_sig *x = &g->value[a].sig, *y = &g->value[b].sig;
    return x->dtype == y->dtype && shape_equal(&x->shape, &y->shape);
}

/* Whether the sum that node n makes is one of padded parts alone; both operands are looked at before their own are, so that
 * most sums end here. */
static bool collect(const struct graph *g, const struct graph_readers *r, const struct graph_node *n, int depth,
                    struct parts *p) {
    const struct graph_node *inner[2];
    int ninner = 0;
    if (depth == OP_MAX_IN) return false;
    for (int k = 0; k < 2; k++) {
        const int in = n->in[k], pad = graph_made_by(g, in, &op_pad), sum = graph_made_by(g, in, &op_add);
        if (!same_sig(g, in, n->out)) return false;
        if (sum >= 0 && is_read_once(r, in))
            inner[ninner++] = &g->node[sum];
        else if (pad < 0 || !add_part(g, pad, p))
            return false;
    }
    for (int k = 0; k < ninner; k++)
        if (!collect(g, r, inner[k], depth + 1, p)) return false;
    return true;
}

/* Whether they fill the value without a gap. */
static bool are_whole(const struct graph *g, int v, const struct parts *p) {
    int64_t at = 0;
    for (int k = 0; k < p->count; at += g->value[p->part[k++].value].sig.shape.dim[p->axis])
        if (p->part[k].start != at) return false;
    return at == g->value[v].sig.shape.dim[p->axis];
}

/* Node n as parts side by side; false: it is something else. */
static bool parts_of(const struct graph *g, const struct graph_readers *r, const struct graph_node *n,
                     struct parts *p) {
    p->count = 0;
    if (n->op == &op_add) return collect(g, r, n, 0, p) && are_whole(g, n->out, p);
    if (n->op != &op_concatenate) return false;
    p->axis = n->attrs.axes.axis[0];
    for (int k = 0; k < n->nin; k++) p->part[p->count++].value = n->in[k];
    return true;
}

/* The new graph's concatenation of them; of a part that is one itself and read here alone, its parts, as long as there is
 * room for one of each that follows. */
static enum status write_parts(struct graph_rewrite *w, const struct graph_readers *r, const struct parts *p, int out,
                               struct err *e) {
    const union op_attrs attrs = {.axes = {1, {p->axis}, false}};
    int in[OP_MAX_IN], n = 0;
    for (int k = 0; k < p->count; k++) {
        const int old = p->part[k].value, v = graph_rewrite_value(w, old, e);
        if (v < 0) return e->status;
        const int inner = is_read_once(r, old) ? graph_made_by(w->to, v, &op_concatenate) : -1;
        const struct graph_node *c = inner < 0 ? NULL : &w->to->node[inner];
        if (c && c->attrs.axes.axis[0] == p->axis && n + c->nin + p->count - k - 1 <= OP_MAX_IN)
            for (int i = 0; i < c->nin; i++) in[n++] = c->in[i];
        else
            in[n++] = v;
    }
    const int v = graph_add(w->to, &op_concatenate, in, n, &attrs, e);
    if (v >= 0) w->map[out] = v;
    return e->status;
}

static bool concerns(const struct graph *g) {
    for (int i = 0; i < g->nnode; i++)
        if (g->node[i].op == &op_pad || g->node[i].op == &op_concatenate) return true;
    return false;
}

enum status graph_unpad(struct graph *g, unsigned passes, struct err *e) {
    struct graph_rewrite w;
    struct graph_readers r;
    struct parts parts;
    if (!(passes & GRAPH_UNPAD) || !concerns(g)) return OK;
    if (graph_readers_new(g, &r, e) == OK) {
        graph_rewrite_begin(&w, g, e);
        for (int i = 0; e->status == OK && i < g->nnode; i++) {
            if (parts_of(g, &r, &g->node[i], &parts))
                write_parts(&w, &r, &parts, g->node[i].out, e);
            else
                graph_rewrite_node(&w, i, e);
        }
        graph_rewrite_end(&w, g, e);
    }
    graph_readers_free(&r);
    return e->status ? e->status : graph_prune(g, passes & GRAPH_DCE, e);
}
