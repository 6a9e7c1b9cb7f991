/* 2-D convolution (cross-correlation, as in Keras): NHWC input, HWIO kernel, explicit padding, groups. Its gradients
 * are ops of their own, and each of the three is a gradient of the other two. Negative padding after the input leaves its
 * last rows or columns out. */
#include "op/internal.h"

static enum status check_window(const struct op_inference *i) {
    const struct op_window *w = &i->attrs->window;
    for (int d = 0; d < 2; d++) {
        if (infer_extent(i, "stride", w->stride[d], 1) != OK || infer_extent(i, "dilation", w->dilation[d], 1) != OK ||
            infer_extent(i, "padding", w->before[d], 0) != OK)
            return i->err->status;
    }
    return infer_extent(i, "groups", w->groups, 1);
}

/* The output's height or width. */
static enum status output_size(const struct op_inference *i, int d, int64_t input, int64_t kernel, int64_t *out) {
    const struct op_window *w = &i->attrs->window;
    if (infer_extent(i, "kernel size", kernel, 1) != OK) return i->err->status;
    int64_t padded = input + w->before[d] + w->after[d], reach = (kernel - 1) * w->dilation[d] + 1;
    if (reach > padded)
        return infer_fail(i, "a kernel of %s %lld (dilated %lld) does not fit into an input of %lld (padded %lld)",
                          d == 0 ? "height" : "width", (long long)kernel, (long long)reach, (long long)input,
                          (long long)padded);
    *out = (padded - reach) / w->stride[d] + 1;
    return OK;
}

/* What must hold between input x, kernel k and output y, whichever of them is sought. */
static enum status check_conv(const struct op_inference *i, const struct shape *x, const struct shape *k,
                              struct shape *y) {
    if (infer_extent(i, "kernel channels", k->dim[2], 0) != OK) return i->err->status;
    int64_t groups = i->attrs->window.groups, channels = k->dim[2] * groups;
    if (x->dim[3] != channels)
        return infer_fail(i, "input has %lld channels, kernel expects %lld", (long long)x->dim[3], (long long)channels);
    if (k->dim[3] % groups != 0)
        return infer_fail(i, "%lld filters do not divide into %lld groups", (long long)k->dim[3], (long long)groups);
    *y = (struct shape){4, {x->dim[0], 0, 0, k->dim[3]}};
    for (int d = 0; d < 2; d++)
        if (output_size(i, d, x->dim[d + 1], k->dim[d], &y->dim[d + 1]) != OK) return i->err->status;
    return OK;
}

/* dy must be shaped as the convolution's output would be. */
static enum status check_dy(const struct op_inference *i, const struct shape *dy, const struct shape *y) {
    if (shape_equal(dy, y)) return OK;
    return infer_fail(i, "the output's gradient has shape %s, the output %s", SHAPE_TEXT(dy), SHAPE_TEXT(y));
}

#define IMAGE "(batch, height, width, channels)"
#define KERNEL "(height, width, input channels, filters)"

static enum status infer_conv2d(const struct op_inference *i) {
    struct shape y;
    if (infer_rank(i, 0, 4, IMAGE) != OK || infer_rank(i, 1, 4, KERNEL) != OK || check_window(i) != OK ||
        check_conv(i, &i->in[0].shape, &i->in[1].shape, &y) != OK)
        return i->err->status;
    return infer_give(i, i->in[0].dtype, &y);
}

/* dy, kernel -> dx */
static enum status infer_grad_input(const struct op_inference *i) {
    const struct shape *dy = &i->in[0].shape, *k = &i->in[1].shape;
    const struct op_window *w = &i->attrs->window;
    if (infer_rank(i, 0, 4, IMAGE) != OK || infer_rank(i, 1, 4, KERNEL) != OK || check_window(i) != OK)
        return i->err->status;
    struct shape y, x = {4, {dy->dim[0], w->input[0], w->input[1], k->dim[2] * w->groups}};
    if (check_conv(i, &x, k, &y) != OK || check_dy(i, dy, &y) != OK) return i->err->status;
    return infer_give(i, i->in[0].dtype, &x);
}

/* x, dy -> dkernel */
static enum status infer_grad_kernel(const struct op_inference *i) {
    const struct shape *x = &i->in[0].shape, *dy = &i->in[1].shape;
    const struct op_window *w = &i->attrs->window;
    if (infer_rank(i, 0, 4, IMAGE) != OK || infer_rank(i, 1, 4, IMAGE) != OK || check_window(i) != OK)
        return i->err->status;
    struct shape y, k = {4, {w->size[0], w->size[1], x->dim[3] / w->groups, dy->dim[3]}};
    if (check_conv(i, x, &k, &y) != OK || check_dy(i, dy, &y) != OK) return i->err->status;
    return infer_give(i, i->in[0].dtype, &k);
}

/* ---- gradients -------------------------------------------------------------------------------------------------- */

static void conv2d_gradient(struct op_grad *g) {
    const emit_t x = g->in[0], kernel = g->in[1], dy = g->dout[0];
    struct op_window w = g->attrs->window;
    for (int d = 0; d < 2; d++) w.input[d] = x->shape.dim[d + 1], w.size[d] = kernel->shape.dim[d];
    if (g->wants[0]) g->din[0] = emit_conv2d_grad_input(g->emit, dy, kernel, &w);
    if (g->wants[1]) g->din[1] = emit_conv2d_grad_kernel(g->emit, x, dy, &w);
}

static void grad_input_gradient(struct op_grad *g) {
    const emit_t dy = g->in[0], kernel = g->in[1], ddx = g->dout[0];
    struct op_window w = g->attrs->window;
    for (int d = 0; d < 2; d++) w.size[d] = kernel->shape.dim[d];
    if (g->wants[0]) g->din[0] = emit_conv2d(g->emit, ddx, kernel, &w);
    if (g->wants[1]) g->din[1] = emit_conv2d_grad_kernel(g->emit, ddx, dy, &w);
}

static void grad_kernel_gradient(struct op_grad *g) {
    const emit_t x = g->in[0], dy = g->in[1], ddkernel = g->dout[0];
    struct op_window w = g->attrs->window;
    for (int d = 0; d < 2; d++) w.input[d] = x->shape.dim[d + 1];
    if (g->wants[0]) g->din[0] = emit_conv2d_grad_input(g->emit, dy, ddkernel, &w);
    if (g->wants[1]) g->din[1] = emit_conv2d(g->emit, x, ddkernel, &w);
}

/* ---- the ops ---------------------------------------------------------------------------------------------------- */

#define CONV(INFER) .nin = 2, .nout = 1, .dtypes = OP_FLOATS, .infer = (INFER)
#define WINDOW(...) ATTRS(.window = {__VA_ARGS__})

#define SAME_5X5 WINDOW({5, 5}, {1, 1}, {1, 1}, {2, 2}, {2, 2}, 1, {7, 6})
#define STRIDED_3X2 WINDOW({3, 2}, {2, 3}, {1, 1}, {0, 1}, {1, 0}, 1, {8, 7})
#define DILATED_3X3 WINDOW({3, 3}, {1, 1}, {2, 2}, {0, 0}, {0, 0}, 1, {7, 6})
#define CROPPED_3X3 WINDOW({3, 3}, {1, 1}, {1, 1}, {1, 0}, {-2, -1}, 1, {8, 7})
#define GROUPED_2X2 WINDOW({2, 2}, {1, 2}, {1, 1}, {0, 0}, {0, 1}, 2, {5, 5})
#define POINT_1X1 WINDOW({1, 1}, {1, 1}, {1, 1}, {0, 0}, {0, 0}, 1, {3, 3})
#define CONV_SAMPLE(ATTRS_, A, B)                                                                                      \
    { .nin = 2, .shape = {A, B}, .attrs = ATTRS_, .low = -1, .high = 1 }

const struct op op_conv2d = {
    .name = "conv2d",
    .doc = "x (batch, height, width, channels) convolved with a kernel (height, width, channels / groups, filters); "
           "attrs.window: stride, dilation, before and after (zeros; after < 0: so many rows or columns are left out), "
           "groups",
    CONV(infer_conv2d),
    .attrs = OP_WINDOW,
    .gradient = conv2d_gradient,
    SAMPLES(CONV_SAMPLE(SAME_5X5, DIMS(2, 7, 6, 3), DIMS(5, 5, 3, 4)),
            CONV_SAMPLE(STRIDED_3X2, DIMS(1, 8, 7, 2), DIMS(3, 2, 2, 3)),
            CONV_SAMPLE(DILATED_3X3, DIMS(2, 7, 6, 1), DIMS(3, 3, 1, 2)),
            CONV_SAMPLE(GROUPED_2X2, DIMS(2, 5, 5, 4), DIMS(2, 2, 2, 6)),
            CONV_SAMPLE(CROPPED_3X3, DIMS(2, 8, 7, 3), DIMS(3, 3, 3, 4)),
            CONV_SAMPLE(POINT_1X1, DIMS(2, 3, 3, 5), DIMS(1, 1, 5, 2)),
            CONV_SAMPLE(POINT_1X1, DIMS(0, 3, 3, 5), DIMS(1, 1, 5, 2))),
};

const struct op op_conv2d_grad_input = {
    .name = "conv2d_grad_input",
    .doc = "conv2d's gradient for its input, from (dy, kernel); attrs.window.input: the input's height and width",
    CONV(infer_grad_input),
    .attrs = OP_WINDOW,
    .gradient = grad_input_gradient,
    SAMPLES(CONV_SAMPLE(SAME_5X5, DIMS(2, 7, 6, 4), DIMS(5, 5, 3, 4)),
            CONV_SAMPLE(STRIDED_3X2, DIMS(1, 4, 3, 3), DIMS(3, 2, 2, 3)),
            CONV_SAMPLE(DILATED_3X3, DIMS(2, 3, 2, 2), DIMS(3, 3, 1, 2)),
            CONV_SAMPLE(GROUPED_2X2, DIMS(2, 4, 3, 6), DIMS(2, 2, 2, 6)),
            CONV_SAMPLE(CROPPED_3X3, DIMS(2, 5, 4, 4), DIMS(3, 3, 3, 4)),
            CONV_SAMPLE(POINT_1X1, DIMS(2, 3, 3, 2), DIMS(1, 1, 5, 2)),
            CONV_SAMPLE(POINT_1X1, DIMS(0, 3, 3, 2), DIMS(1, 1, 5, 2))),
};

const struct op op_conv2d_grad_kernel = {
    .name = "conv2d_grad_kernel",
    .doc = "conv2d's gradient for its kernel, from (x, dy); attrs.window.size: the kernel's height and width",
    CONV(infer_grad_kernel),
    .attrs = OP_WINDOW,
    .gradient = grad_kernel_gradient,
    SAMPLES(CONV_SAMPLE(SAME_5X5, DIMS(2, 7, 6, 3), DIMS(2, 7, 6, 4)),
            CONV_SAMPLE(STRIDED_3X2, DIMS(1, 8, 7, 2), DIMS(1, 4, 3, 3)),
            CONV_SAMPLE(DILATED_3X3, DIMS(2, 7, 6, 1), DIMS(2, 3, 2, 2)),
            CONV_SAMPLE(GROUPED_2X2, DIMS(2, 5, 5, 4), DIMS(2, 4, 3, 6)),
            CONV_SAMPLE(CROPPED_3X3, DIMS(2, 8, 7, 3), DIMS(2, 5, 4, 4)),
            CONV_SAMPLE(POINT_1X1, DIMS(2, 3, 3, 5), DIMS(2, 3, 3, 2)),
            CONV_SAMPLE(POINT_1X1, DIMS(0, 3, 3, 5), DIMS(0, 3, 3, 2))),
};
