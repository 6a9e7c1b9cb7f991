/* Max pooling over height and width, NHWC, and its way back. Padding is never the maximum. The gradient goes to the first
 * maximum of a window in row-major order, as in TensorFlow on a CPU: places are remembered, so that the input, four times
 * as large, need not live until then. */
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

static void unpool(struct op_grad *g, struct tensor *place) {
    struct op_window w = g->attrs->window;
    w.input[0] = g->in[0]->shape.dim[1];
    w.input[1] = g->in[0]->shape.dim[2];
    g->din[0] = emit_max_unpool2d(g->emit, place, g->dout[0], &w);
}

static void max_pool2d_gradient(struct op_grad *g) {
    unpool(g, emit_max_pool2d_place(g->emit, g->in[0], &g->attrs->window));
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

/* Places are bytes where they can be: written and read once each, they are a quarter of what an int32 would be. */
static enum status infer_max_pool2d_argmax(const struct op_inference *i) {
    const int64_t *size = i->attrs->window.size;
    if (infer_max_pool2d(i) != OK) return i->err->status;
    i->out[1] = (struct op_sig){size[0] <= 256 / size[1] ? DT_UINT8 : DT_INT32, i->out[0].shape};
    return OK;
}

static void max_pool2d_argmax_gradient(struct op_grad *g) {
    if (g->dout[0]) unpool(g, g->out[1]);
}

const struct op op_max_pool2d_argmax = {
    .name = "max_pool2d_argmax",
    .doc = "max_pool2d(x), and as uint8 (int32 for windows of more than 256) the place in its window, padding "
           "included, of each first maximum in row-major order",
    .nin = 1,
    .nout = 2,
    .dtypes = OP_FLOATS,
    .attrs = OP_WINDOW,
    .infer = infer_max_pool2d_argmax,
    .gradient = max_pool2d_argmax_gradient,
    SAMPLES({.nin = 1, .shape = {DIMS(2, 6, 4, 3)}, .attrs = HALVES, .low = -3, .high = 3},
            {.nin = 1, .shape = {DIMS(1, 5, 7, 2)}, .attrs = OVERLAPPING, .low = -3, .high = -1},
            {.nin = 1, .shape = {DIMS(1, 6, 6, 2)}, .attrs = OVERLAPPING, .low = 0, .high = 3, .whole = true}),
};

/* place, dy -> dx */
static enum status infer_max_unpool2d(const struct op_inference *i) {
    const struct op_window *w = &i->attrs->window;
    const struct shape *y = &i->in[0].shape;
    if (infer_rank(i, 0, 4, "(batch, height, width, channels)") != OK) return i->err->status;
    if (!shape_equal(y, &i->in[1].shape))
        return infer_fail(i, "places have shape %s, what is put there %s", SHAPE_TEXT(y), SHAPE_TEXT(&i->in[1].shape));
    struct shape x = *y;
    for (int d = 0; d < 2; d++) {
        if (infer_extent(i, "window size", w->size[d], 1) != OK || infer_extent(i, "stride", w->stride[d], 1) != OK)
            return i->err->status;
        if ((w->input[d] + w->before[d] + w->after[d] - w->size[d]) / w->stride[d] + 1 != y->dim[d + 1])
            return infer_fail(i, "windows over %lld places are not %lld", (long long)w->input[d],
                              (long long)y->dim[d + 1]);
        x.dim[d + 1] = w->input[d];
    }
    return infer_give(i, i->in[1].dtype, &x);
}

static void no_second_gradient(struct op_grad *g) {
    err_set(g->emit->err, ERR_UNSUPPORTED, "max_pool2d has no second gradient");
}

#define BACK(H, W) WINDOW({2, 2}, {2, 2}, {1, 1}, {0, 0}, {0, 0}, 1, {H, W})
#define BACK_OVERLAPPING(H, W) WINDOW({3, 2}, {1, 2}, {1, 1}, {1, 0}, {1, 1}, 1, {H, W})
#define UNPOOL_SAMPLE(ATTRS_, Y, BOUND)                                                                                \
    { .nin = 2, .shape = {Y, Y}, .attrs = ATTRS_, .low = -3, .high = 3, .index_bound = BOUND }

const struct op op_max_unpool2d = {
    .name = "max_unpool2d",
    .doc =
        "max_pool2d's gradient from max_pool2d_argmax's places and dy: each dy added at its place of its window, zeros "
        "elsewhere; attrs.window as there, input: height and width of the result",
    .nin = 2,
    .nout = 1,
    .dtypes = OP_FLOATS,
    .indices = 1 << 0,
    .bytes = true,
    .attrs = OP_WINDOW,
    .infer = infer_max_unpool2d,
    .gradient = no_second_gradient,
    SAMPLES(UNPOOL_SAMPLE(BACK(6, 4), DIMS(2, 3, 2, 3), 4), UNPOOL_SAMPLE(BACK(5, 7), DIMS(1, 2, 3, 2), 4),
            UNPOOL_SAMPLE(BACK_OVERLAPPING(5, 7), DIMS(1, 5, 4, 2), 6)),
};
