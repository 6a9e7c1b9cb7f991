/* Tensors joined along an axis that they have. */
#include "op/internal.h"

static bool agree_except(const struct shape *a, const struct shape *b, int axis) {
    if (a->rank != b->rank) return false;
    for (int d = 0; d < a->rank; d++)
        if (d != axis && a->dim[d] != b->dim[d]) return false;
    return true;
}

static enum status infer_concatenate(const struct op_inference *i) {
    if (infer_one_axis(i) != OK) return i->err->status;
    int axis = i->attrs->axes.axis[0];
    struct shape s = i->in[0].shape;
    for (int k = 1; k < i->nin; k++) {
        if (!agree_except(&i->in[0].shape, &i->in[k].shape, axis))
            return infer_fail(i, "inputs must agree except along axis %d, but input 0 has shape %s and input %d %s",
                              axis, SHAPE_TEXT(&i->in[0].shape), k, SHAPE_TEXT(&i->in[k].shape));
        if (__builtin_add_overflow(s.dim[axis], i->in[k].shape.dim[axis], &s.dim[axis]))
            return infer_fail(i, "the result is too large");
    }
    return infer_give(i, i->in[0].dtype, &s);
}

static void concatenate_gradient(struct op_grad *g) {
    int axis = g->attrs->axes.axis[0];
    struct op_slice part = {0};
    for (int d = 0; d < g->out[0]->shape.rank; d++) part.step[d] = 1;
    for (int k = 0; k < g->nin; k++) {
        part.shape = g->in[k]->shape;
        if (g->wants[k]) g->din[k] = emit_slice(g->emit, g->dout[0], &part);
        part.start[axis] += part.shape.dim[axis];
    }
}

#define AXIS(AXIS_) ATTRS(.axes = {1, {AXIS_}, false})

const struct op op_concatenate = {
    .name = "concatenate",
    .doc = "the inputs one after the other along attrs.axes.axis[0]; their other dimensions are equal",
    .nin = -1,
    .nout = 1,
    .flags = OP_STRIDED,
    .dtypes = OP_ANY,
    .attrs = OP_AXES,
    .infer = infer_concatenate,
    .gradient = concatenate_gradient,
    SAMPLES({.nin = 2, .shape = {DIMS(2, 3), DIMS(2, 5)}, .attrs = AXIS(1), .low = -3, .high = 3},
            {.nin = 3, .shape = {DIMS(2, 3, 4), DIMS(1, 3, 4), DIMS(3, 3, 4)}, .attrs = AXIS(0), .low = -3, .high = 3},
            {.nin = 1, .shape = {DIMS(3)}, .attrs = AXIS(0), .low = -3, .high = 3},
            {.nin = 3, .shape = {DIMS(2, 0), DIMS(2, 3), DIMS(2, 0)}, .attrs = AXIS(1), .low = -3, .high = 3}),
};
