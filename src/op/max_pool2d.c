/* Max pooling over height and width, NHWC. Padding is never the maximum. The gradient goes to the first maximum of a
 * window in row-major order, as in TensorFlow on a CPU. */
#include "op/internal.h"

static enum status infer_max_pool2d(const struct op_inference *i) {
    const struct op_window *w = &i->attrs->window;
    const struct shape *x = &i->in[0].shape;
    if (infer_rank(i, 0, 4, "(batch, height, width, channels)") != OK) return i->err->status;
    i->out[0] = i->in[0];
    for (int d = 0; d < 2; d++) {
        if (infer_extent(i, "window size", w->size[d], 1) != OK || infer_extent(i, "stride", w->stride[d], 1) != OK ||
            infer_extent(i, "padding", w->before[d], 0) != OK || infer_extent(i, "padding", w->after[d], 0) != OK)
            return i->err->status;
        if (w->before[d] >= w->size[d] || w->after[d] >= w->size[d])
            return infer_fail(i, "padding must be smaller than the window");
        int64_t padded = x->dim[d + 1] + w->before[d] + w->after[d];
        if (x->dim[d + 1] < 1 || w->size[d] > padded)
            return infer_fail(i, "a window of %s %lld does not fit into an input of %lld (padded %lld)",
                              d == 0 ? "height" : "width", (long long)w->size[d], (long long)x->dim[d + 1],
                              (long long)padded);
        i->out[0].shape.dim[d + 1] = (padded - w->size[d]) / w->stride[d] + 1;
    }
    return OK;
}

static void max_pool2d_gradient(struct op_grad *g) {
    g->din[0] = emit_max_pool2d_grad(g->emit, g->in[0], g->out[0], g->dout[0], &g->attrs->window);
}

#define WINDOW(...) ATTRS(.window = {__VA_ARGS__})

#define HALVES WINDOW({2, 2}, {2, 2}, {1, 1}, {0, 0}, {0, 0}, 1, {0, 0})
#define OVERLAPPING WINDOW({3, 2}, {1, 2}, {1, 1}, {1, 0}, {1, 1}, 1, {0, 0})

const struct op op_max_pool2d = {
    .name = "max_pool2d",
    .doc =
        "the largest element of each window of x (batch, height, width, channels); attrs.window: size, stride, before "
        "and after",
    .nin = 1,
    .nout = 1,
    .dtypes = OP_FLOATS,
    .attrs = OP_WINDOW,
    .infer = infer_max_pool2d,
    .gradient = max_pool2d_gradient,
    SAMPLES({.nin = 1, .shape = {DIMS(2, 6, 4, 3)}, .attrs = HALVES, .low = -3, .high = 3},
            {.nin = 1, .shape = {DIMS(2, 7, 5, 2)}, .attrs = HALVES, .low = -3, .high = -1},
            {.nin = 1, .shape = {DIMS(1, 5, 7, 2)}, .attrs = OVERLAPPING, .low = -3, .high = -1},
            {.nin = 1, .shape = {DIMS(1, 6, 6, 2)}, .attrs = OVERLAPPING, .low = 0, .high = 3, .whole = true},
            {.nin = 1, .shape = {DIMS(0, 4, 4, 2)}, .attrs = HALVES, .low = -3, .high = 3}),
};

/* x, y, dy -> dx */
static enum status infer_max_pool2d_grad(const struct op_inference *i) {
    const struct op_sig x = i->in[0];
    if (infer_max_pool2d(i) != OK) return i->err->status;
    for (int k = 1; k < 3; k++)
        if (!shape_equal(&i->in[k].shape, &i->out[0].shape))
            return infer_fail(i, "input %d has shape %s, the output %s", k, SHAPE_TEXT(&i->in[k].shape),
                              SHAPE_TEXT(&i->out[0].shape));
    i->out[0] = x;
    return OK;
}

static void no_second_gradient(struct op_grad *g) {
    err_set(g->emit->err, ERR_UNSUPPORTED, "max_pool2d has no second gradient");
}

/* All ones, so that y is x's maximum, and every window a tie. */
#define GRAD_SAMPLE(ATTRS_, X, Y)                                                                                      \
    { .nin = 3, .shape = {X, Y, Y}, .attrs = ATTRS_, .low = 1, .high = 1 }

const struct op op_max_pool2d_grad = {
    .name = "max_pool2d_grad",
    .doc = "max_pool2d's gradient from (x, y = max_pool2d(x), dy): dy added at the first maximum of each window in "
           "row-major order",
    .nin = 3,
    .nout = 1,
    .dtypes = OP_FLOATS,
    .attrs = OP_WINDOW,
    .infer = infer_max_pool2d_grad,
    .gradient = no_second_gradient,
    SAMPLES(GRAD_SAMPLE(HALVES, DIMS(2, 6, 4, 3), DIMS(2, 3, 2, 3)),
            GRAD_SAMPLE(HALVES, DIMS(1, 5, 7, 2), DIMS(1, 2, 3, 2)),
            GRAD_SAMPLE(OVERLAPPING, DIMS(1, 5, 7, 2), DIMS(1, 5, 4, 2))),
};
