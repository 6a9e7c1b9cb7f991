/* slice takes every step-th element of a range in each dimension; pad puts them back into zeros. Each is the other's
 * gradient. */
#include "op/internal.h"

/* The elements of `small` lie inside `large` at start, start + step, ... */
static enum status check_inside(const struct op_inference *i, const struct shape *small, const struct shape *large) {
    const struct op_slice *s = &i->attrs->slice;
    if (small->rank != large->rank)
        return infer_fail(i, "shapes %s and %s differ in rank", SHAPE_TEXT(small), SHAPE_TEXT(large));
    for (int d = 0; d < small->rank; d++) {
        if (s->step[d] == 0) return infer_fail(i, "step of dimension %d is 0", d);
        if (small->dim[d] < 0) return infer_fail(i, "dimension %d is negative", d);
        if (small->dim[d] == 0) continue;
        int64_t reach, last;
        bool overflow = __builtin_mul_overflow(small->dim[d] - 1, s->step[d], &reach) ||
                        __builtin_add_overflow(s->start[d], reach, &last);
        if (overflow || s->start[d] < 0 || s->start[d] >= large->dim[d] || last < 0 || last >= large->dim[d])
            return infer_fail(i, "%lld elements from %lld on in steps of %lld are outside dimension %d of shape %s",
                              (long long)small->dim[d], (long long)s->start[d], (long long)s->step[d], d,
                              SHAPE_TEXT(large));
    }
    return OK;
}

static enum status infer_slice(const struct op_inference *i) {
    i->out[0] = (struct op_sig){.dtype = i->in[0].dtype, .shape = i->attrs->slice.shape};
    return check_inside(i, &i->attrs->slice.shape, &i->in[0].shape);
}

static bool slice_view(const struct tensor *in, const union op_attrs *a, struct tensor *out) {
    out->shape = a->slice.shape;
    for (int d = 0; d < in->shape.rank; d++) {
        out->stride[d] = in->stride[d] * a->slice.step[d];
        if (out->shape.dim[d] > 0) out->offset += a->slice.start[d] * in->stride[d];
    }
    return true;
}

static void slice_gradient(struct op_grad *g) {
    struct op_slice back = g->attrs->slice;
    back.shape = g->in[0]->shape;
    g->din[0] = emit_pad(g->emit, g->dout[0], &back);
}

#define SLICE(...) ATTRS(.slice = {__VA_ARGS__})

const struct op op_slice = {
    .name = "slice",
    .doc = "attrs.slice.shape elements of x at start, start + step, ... in each dimension; a step may be negative",
    .nin = 1,
    .nout = 1,
    .flags = OP_VIEW,
    .dtypes = OP_ANY,
    .attrs = OP_SLICE,
    .infer = infer_slice,
    .view = slice_view,
    .gradient = slice_gradient,
    SAMPLES({.nin = 1, .shape = {DIMS(7, 5)}, .attrs = SLICE({2, {3, 2}}, {1, 3}, {2, 1}), .low = -3, .high = 3},
            {.nin = 1,
             .shape = {DIMS(4, 3, 6)},
             .attrs = SLICE({3, {4, 3, 3}}, {3, 0, 5}, {-1, 1, -2}),
             .low = -3,
             .high = 3},
            {.nin = 1, .shape = {DIMS(5)}, .attrs = SLICE({1, {0}}, {5}, {1}), .low = -3, .high = 3},
            {.nin = 1, .shape = {{0}}, .low = -3, .high = 3}),
};

static enum status infer_pad(const struct op_inference *i) {
    if (infer_give(i, i->in[0].dtype, &i->attrs->slice.shape) != OK) return i->err->status;
    return check_inside(i, &i->in[0].shape, &i->attrs->slice.shape);
}

static void pad_gradient(struct op_grad *g) {
    struct op_slice back = g->attrs->slice;
    back.shape = g->in[0]->shape;
    g->din[0] = emit_slice(g->emit, g->dout[0], &back);
}

const struct op op_pad = {
    .name = "pad",
    .doc = "zeros of attrs.slice.shape with x at start, start + step, ... in each dimension: the inverse of slice",
    .nin = 1,
    .nout = 1,
    .flags = OP_STRIDED,
    .dtypes = OP_ANY,
    .attrs = OP_SLICE,
    .infer = infer_pad,
    .gradient = pad_gradient,
    SAMPLES({.nin = 1, .shape = {DIMS(3, 2)}, .attrs = SLICE({2, {7, 5}}, {1, 3}, {2, 1}), .low = -3, .high = 3},
            {.nin = 1,
             .shape = {DIMS(4, 3, 3)},
             .attrs = SLICE({3, {4, 3, 6}}, {3, 0, 5}, {-1, 1, -2}),
             .low = -3,
             .high = 3},
            {.nin = 1, .shape = {DIMS(0)}, .attrs = SLICE({1, {5}}, {0}, {1}), .low = -3, .high = 3},
            {.nin = 1, .shape = {{0}}, .low = -3, .high = 3}),
};
