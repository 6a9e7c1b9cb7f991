/* softmax, log_softmax and the cross-entropy of integer labels, each computed from x - max(x). */
#include "op/internal.h"

static enum status infer_softmax(const struct op_inference *i) {
    if (infer_one_axis(i) != OK) return i->err->status;
    return infer_first(i);
}

static struct op_axes along(int axis) {
    return (struct op_axes){.n = 1, .axis = {axis}, .keepdims = true};
}

static void softmax_gradient(struct op_grad *g) {
    struct op_emitter *e = g->emit;
    const struct op_axes axis = along(g->attrs->axes.axis[0]);
    const emit_t y = g->out[0], dy = g->dout[0];
    g->din[0] = emit_mul(e, emit_sub(e, dy, emit_sum(e, emit_mul(e, dy, y), &axis)), y);
}

#define AXIS(AXIS_) ATTRS(.axes = {1, {AXIS_}, false})
#define SOFTMAX_SAMPLES                                                                                                \
    SAMPLES({.nin = 1, .shape = {DIMS(5, 10)}, .attrs = AXIS(1), .low = -4, .high = 4},                                \
            {.nin = 1, .shape = {DIMS(3, 4, 5)}, .attrs = AXIS(1), .low = -4, .high = 4},                              \
            {.nin = 1, .shape = {DIMS(7)}, .attrs = AXIS(0), .low = 80, .high = 100},                                  \
            {.nin = 1, .shape = {DIMS(0, 3)}, .attrs = AXIS(1), .low = -4, .high = 4})

const struct op op_softmax = {
    .name = "softmax",
    .doc = "exp(x) over its sum along attrs.axes.axis[0]",
    .nin = 1,
    .nout = 1,
    .dtypes = OP_FLOATS,
    .attrs = OP_AXES,
    .infer = infer_softmax,
    .gradient = softmax_gradient,
    SOFTMAX_SAMPLES,
};

static void log_softmax_gradient(struct op_grad *g) {
    struct op_emitter *e = g->emit;
    const struct op_axes axis = along(g->attrs->axes.axis[0]);
    const emit_t y = g->out[0], dy = g->dout[0];
    g->din[0] = emit_sub(e, dy, emit_mul(e, emit_exp(e, y), emit_sum(e, dy, &axis)));
}

const struct op op_log_softmax = {
    .name = "log_softmax",
    .doc = "the logarithm of softmax along attrs.axes.axis[0]",
    .nin = 1,
    .nout = 1,
    .dtypes = OP_FLOATS,
    .attrs = OP_AXES,
    .infer = infer_softmax,
    .gradient = log_softmax_gradient,
    SOFTMAX_SAMPLES,
};

/* ---- cross-entropy ---------------------------------------------------------------------------------------------- */

static enum status infer_crossentropy(const struct op_inference *i) {
    const struct shape *logits = &i->in[0].shape, *labels = &i->in[1].shape;
    if (logits->rank < 1) return infer_fail(i, "logits need a dimension of classes");
    struct shape expected = *logits;
    expected.rank--;
    if (!shape_equal(labels, &expected))
        return infer_fail(i, "labels must have shape %s for logits %s, got %s", SHAPE_TEXT(&expected),
                          SHAPE_TEXT(logits), SHAPE_TEXT(labels));
    i->out[0] = (struct op_sig){.dtype = i->in[0].dtype, .shape = expected};
    return OK;
}

static void crossentropy_gradient(struct op_grad *g) {
    if (g->wants[0]) g->din[0] = emit_sparse_softmax_crossentropy_grad(g->emit, g->in[0], g->in[1], g->dout[0]);
}

#define CROSSENTROPY_SAMPLES(NIN)                                                                                      \
    SAMPLES({.nin = (NIN), .shape = {DIMS(6, 10), DIMS(6), DIMS(6)}, .low = -4, .high = 4, .index_bound = 10},         \
            {.nin = (NIN), .shape = {DIMS(2, 3, 5), DIMS(2, 3), DIMS(2, 3)}, .low = 80, .high = 90, .index_bound = 5}, \
            {.nin = (NIN), .shape = {DIMS(3), {0}, {0}}, .low = -4, .high = 4, .index_bound = 3},                      \
            {.nin = (NIN), .shape = {DIMS(0, 3), DIMS(0), DIMS(0)}, .low = -4, .high = 4, .index_bound = 3})

const struct op op_sparse_softmax_crossentropy = {
    .name = "sparse_softmax_crossentropy",
    .doc = "-log_softmax(logits)[label] along the last dimension, from (logits, integer labels); a label outside "
           "[0, classes) is an error while running that names it and the number of classes",
    .nin = 2,
    .nout = 1,
    .dtypes = OP_FLOATS,
    .indices = 1 << 1,
    .infer = infer_crossentropy,
    .gradient = crossentropy_gradient,
    CROSSENTROPY_SAMPLES(2),
};

/* logits, labels, dy -> dlogits */
static enum status infer_crossentropy_grad(const struct op_inference *i) {
    if (infer_crossentropy(i) != OK) return i->err->status;
    if (!shape_equal(&i->in[2].shape, &i->out[0].shape))
        return infer_fail(i, "the loss has shape %s, its gradient %s", SHAPE_TEXT(&i->out[0].shape),
                          SHAPE_TEXT(&i->in[2].shape));
    return infer_first(i);
}

/* With p = softmax(logits) and u = p - one_hot(labels), y = u dy: d/d(dy) is the sum of u ddy over the classes, and
 * d/d(logits) is softmax's gradient at dy ddy. */
static void crossentropy_grad_gradient(struct op_grad *g) {
    struct op_emitter *e = g->emit;
    const emit_t logits = g->in[0], ddy = g->dout[0];
    const int last = logits->shape.rank - 1;
    const struct op_axes classes = along(last);
    struct shape row = logits->shape;
    row.dim[last] = 1;
    emit_t p = emit_softmax(e, logits, last);
    if (g->wants[0]) {
        emit_t dp = emit_mul(e, ddy, emit_reshape(e, g->in[2], &row));
        g->din[0] = emit_mul(e, emit_sub(e, dp, emit_sum(e, emit_mul(e, dp, p), &classes)), p);
    }
    if (g->wants[2]) {
        emit_t u = emit_sub(e, p, emit_one_hot(e, g->in[1], logits->shape.dim[last], logits->dtype));
        g->din[2] = emit_reshape(e, emit_sum(e, emit_mul(e, u, ddy), &classes), &g->in[2]->shape);
    }
}

const struct op op_sparse_softmax_crossentropy_grad = {
    .name = "sparse_softmax_crossentropy_grad",
    .doc = "the gradient for the logits, (softmax(logits) - one_hot(labels)) * dy, from (logits, labels, dy); labels "
           "outside [0, classes) are an error while running",
    .nin = 3,
    .nout = 1,
    .dtypes = OP_FLOATS,
    .indices = 1 << 1,
    .infer = infer_crossentropy_grad,
    .gradient = crossentropy_grad_gradient,
    CROSSENTROPY_SAMPLES(3),
};
