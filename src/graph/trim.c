/* Convolutions compute only what max pooling reads: of 11 rows 5 windows of 2 leave one out, which is then left out before,
 * by less padding after the input, and of the gradients likewise. Invariant: it applies only where nobody else reads what
 * the windows leave out. */
#include "graph/rewrite.h"
#include "op/ops.h"

static bool is_pooling(const struct op *op) {
    return op == &op_max_pool2d || op == &op_max_pool2d_argmax;
}

/* Whether node n is a gradient of a convolution of more than single pixels whose dy is v, and v nothing else of it. */
static bool takes_gradient(const struct graph *g, const struct graph_node *n, int v) {
    const struct op_window *w = &n->attrs.window;
    if (n->op == &op_conv2d_grad_kernel) return n->in[1] == v && n->in[0] != v && w->size[0] * w->size[1] > 1;
    if (n->op != &op_conv2d_grad_input) return false;
    const int64_t *kernel = g->value[n->in[1]].sig.shape.dim;
    return n->in[0] == v && n->in[1] != v && kernel[0] * kernel[1] > 1;
}

/* Whether v has readers, all of them pooling, or all of them gradients. */
static bool only_read_by(const struct graph *g, int v, bool pooling) {
    int readers = 0;
    for (int i = 0; i < g->nnode; i++) {
        const struct graph_node *n = &g->node[i];
        for (int k = 0; k < n->nin; k++) {
            if (n->in[k] != v) continue;
            if (pooling ? !is_pooling(n->op) : !takes_gradient(g, n, v)) return false;
            readers++;
        }
    }
    return !graph_is_output(g, v) && (pooling ? readers == 1 : readers > 0);
}

/* How many rows and columns behind the last window an image of this height and width has; whether there are any. */
static bool left_out(const struct op_window *w, const int64_t *image, const int64_t *windows, int64_t trim[2]) {
    for (int a = 0; a < 2; a++) {
        const int64_t read = (windows[a] - 1) * w->stride[a] + w->size[a] - w->before[a];
        trim[a] = windows[a] > 0 && read > 0 && read < image[a] ? image[a] - read : 0;
    }
    return trim[0] || trim[1];
}

/* Of v, a convolution's result that is pooled and nothing else. */
static bool trims_result(const struct graph *g, int v, int64_t trim[2]) {
    const int conv = graph_made_by(g, v, &op_conv2d);
    if (conv < 0 || !only_read_by(g, v, true)) return false;
    const int64_t *kernel = g->value[g->node[conv].in[1]].sig.shape.dim;
    for (int i = 0; i < g->nnode; i++) {
        const struct graph_node *n = &g->node[i];
        if (is_pooling(n->op) && n->in[0] == v)
            return kernel[0] * kernel[1] > 1 &&
                   left_out(&n->attrs.window, &g->value[v].sig.shape.dim[1], &g->value[n->out].sig.shape.dim[1], trim);
    }
    return false;
}

/* Of v, a gradient put back into its windows for convolutions alone. */
static bool trims_gradient(const struct graph *g, int v, int64_t trim[2]) {
    const int unpool = graph_made_by(g, v, &op_max_unpool2d);
    if (unpool < 0 || !only_read_by(g, v, false)) return false;
    const struct graph_node *n = &g->node[unpool];
    return left_out(&n->attrs.window, &g->value[v].sig.shape.dim[1], &g->value[n->in[1]].sig.shape.dim[1], trim);
}

/* The window of node n when what is left out is gone; false: as it is. */
static bool trimmed(const struct graph *g, const struct graph_node *n, struct op_window *w) {
    int64_t trim[2];
    const bool back = n->op == &op_conv2d_grad_input || n->op == &op_conv2d_grad_kernel;
    *w = n->attrs.window;
    if (n->op == &op_conv2d ? trims_result(g, n->out, trim)
                            : back && trims_gradient(g, n->in[n->op == &op_conv2d_grad_kernel], trim)) {
        for (int a = 0; a < 2; a++) w->after[a] -= trim[a] * w->stride[a];
        return true;
    }
    const bool pooling = is_pooling(n->op) && trims_result(g, n->in[0], trim);
    if (!pooling && !(n->op == &op_max_unpool2d && trims_gradient(g, n->out, trim))) return false;
    for (int a = 0; a < 2; a++) {
        if (trim[a]) w->after[a] = 0;
        if (!pooling) w->input[a] -= trim[a];
    }
    return true;
}

static enum status write_trimmed(struct graph_rewrite *r, const struct graph_node *n, const struct op_window *w,
                                 struct err *e) {
    const union op_attrs attrs = {.window = *w};
    int in[2];
    for (int k = 0; k < n->nin; k++) in[k] = graph_rewrite_value(r, n->in[k], e);
    const int v = e->status ? -1 : graph_add(r->to, n->op, in, n->nin, &attrs, e);
    for (int k = 0; v >= 0 && k < n->nout; k++) r->map[n->out + k] = v + k;
    return e->status;
}

enum status graph_trim(struct graph *g, struct err *e) {
    struct graph_rewrite r;
    struct op_window w;
    graph_rewrite_begin(&r, g, e);
    for (int i = 0; e->status == OK && i < g->nnode; i++) {
        if (trimmed(g, &g->node[i], &w))
            write_trimmed(&r, &g->node[i], &w, e);
        else
            graph_rewrite_node(&r, i, e);
    }
    return graph_rewrite_end(&r, g, e);
}
