/* Views that rename dimensions: reshape, transpose, broadcast_to. No element moves. */
#include "op/internal.h"

/* ---- reshape ---------------------------------------------------------------------------------------------------- */

static enum status infer_reshape(const struct op_inference *i) {
    const struct shape *from = &i->in[0].shape, *to = &i->attrs->full.shape;
    if (infer_give(i, i->in[0].dtype, to) != OK) return i->err->status;
    if (shape_size(from) != shape_size(to))
        return infer_fail(i, "cannot reshape shape %s of %lld elements into shape %s", SHAPE_TEXT(from),
                          (long long)shape_size(from), SHAPE_TEXT(to));
    return OK;
}

/* The dimensions of x with more than one element, runs that step evenly joined into one. Returns how many. */
static int joined_runs(const struct tensor *x, int64_t *dim, int64_t *stride) {
    int n = 0;
    for (int d = 0; d < x->shape.rank; d++) {
        if (x->shape.dim[d] == 1) continue;
        if (n > 0 && stride[n - 1] == x->stride[d] * x->shape.dim[d]) {
            dim[n - 1] *= x->shape.dim[d];
            stride[n - 1] = x->stride[d];
        } else {
            dim[n] = x->shape.dim[d];
            stride[n++] = x->stride[d];
        }
    }
    return n;
}

/* The new dimensions, from the last one on, must cut each even run into whole parts. */
static bool reshape_view(const struct tensor *in, const union op_attrs *a, struct tensor *out) {
    out->shape = a->full.shape;
    tensor_strides(&out->shape, out->stride);
    if (tensor_is_contiguous(in)) return true;
    int64_t dim[TENSOR_MAX_RANK], stride[TENSOR_MAX_RANK];
    int run = joined_runs(in, dim, stride);
    for (int d = out->shape.rank - 1; d >= 0; d--) {
        int64_t want = out->shape.dim[d];
        if (want == 1) continue;
        if (run > 1 && dim[run - 1] == 1) run--;
        if (run == 0 || dim[run - 1] % want != 0) return false;
        out->stride[d] = stride[run - 1];
        stride[run - 1] *= want;
        dim[run - 1] /= want;
    }
    return true;
}

UNARY_GRADIENT(reshape_gradient, emit_reshape(e, dy, &x->shape))
const struct op op_reshape = {
    .name = "reshape",
    .doc = "the same elements in row-major order under attrs.full.shape, of as many elements",
    .nin = 1,
    .nout = 1,
    .flags = OP_VIEW,
    .dtypes = OP_ANY,
    .attrs = OP_FULL,
    .infer = infer_reshape,
    .view = reshape_view,
    .gradient = reshape_gradient,
    SAMPLES({.nin = 1, .shape = {DIMS(2, 3, 5)}, .attrs = ATTRS(.full.shape = {2, {6, 5}}), .low = -3, .high = 3},
            {.nin = 1, .shape = {DIMS(6)}, .attrs = ATTRS(.full.shape = {4, {1, 3, 1, 2}}), .low = -3, .high = 3},
            {.nin = 1, .shape = {DIMS(1, 1)}, .attrs = ATTRS(.full.shape = {0}), .low = -3, .high = 3},
            {.nin = 1, .shape = {DIMS(0, 3)}, .attrs = ATTRS(.full.shape = {2, {5, 0}}), .low = -3, .high = 3}),
};

/* ---- transpose -------------------------------------------------------------------------------------------------- */

static enum status infer_transpose(const struct op_inference *i) {
    const struct op_axes *axes = &i->attrs->axes;
    struct shape reduced;
    if (axes->n != i->in[0].shape.rank)
        return infer_fail(i, "%d axes do not permute shape %s", axes->n, SHAPE_TEXT(&i->in[0].shape));
    if (infer_reduced(i, &reduced) != OK) return i->err->status;
    i->out[0] = i->in[0];
    for (int d = 0; d < axes->n; d++) i->out[0].shape.dim[d] = i->in[0].shape.dim[axes->axis[d]];
    return OK;
}

static bool transpose_view(const struct tensor *in, const union op_attrs *a, struct tensor *out) {
    for (int d = 0; d < in->shape.rank; d++) {
        out->shape.dim[d] = in->shape.dim[a->axes.axis[d]];
        out->stride[d] = in->stride[a->axes.axis[d]];
    }
    return true;
}

static void transpose_gradient(struct op_grad *g) {
    int inverse[TENSOR_MAX_RANK];
    for (int d = 0; d < g->attrs->axes.n; d++) inverse[g->attrs->axes.axis[d]] = d;
    g->din[0] = emit_transpose(g->emit, g->dout[0], inverse);
}

const struct op op_transpose = {
    .name = "transpose",
    .doc = "dimension d of the result is dimension attrs.axes.axis[d] of x; the axes are a permutation of all of them",
    .nin = 1,
    .nout = 1,
    .flags = OP_VIEW,
    .dtypes = OP_ANY,
    .attrs = OP_AXES,
    .infer = infer_transpose,
    .view = transpose_view,
    .gradient = transpose_gradient,
    SAMPLES(
        {.nin = 1, .shape = {DIMS(3, 5)}, .attrs = ATTRS(.axes = {2, {1, 0}, false}), .low = -3, .high = 3},
        {.nin = 1, .shape = {DIMS(2, 3, 5, 2)}, .attrs = ATTRS(.axes = {4, {2, 0, 3, 1}, false}), .low = -3, .high = 3},
        {.nin = 1, .shape = {{0}}, .low = -3, .high = 3},
        {.nin = 1, .shape = {DIMS(0, 3)}, .attrs = ATTRS(.axes = {2, {1, 0}, false}), .low = -3, .high = 3}),
};

/* ---- broadcast_to ----------------------------------------------------------------------------------------------- */

static enum status infer_broadcast_to(const struct op_inference *i) {
    const struct shape *from = &i->in[0].shape, *to = &i->attrs->full.shape;
    struct shape both;
    struct err unused = {0};
    if (shape_broadcast(from, to, &both, &unused) != OK || !shape_equal(&both, to))
        return infer_fail(i, "cannot broadcast shape %s to shape %s", SHAPE_TEXT(from), SHAPE_TEXT(to));
    return infer_give(i, i->in[0].dtype, to);
}

static bool broadcast_to_view(const struct tensor *in, const union op_attrs *a, struct tensor *out) {
    int added = a->full.shape.rank - in->shape.rank;
    out->shape = a->full.shape;
    for (int d = 0; d < out->shape.rank; d++) {
        bool repeated = d < added || in->shape.dim[d - added] == 1;
        out->stride[d] = repeated ? 0 : in->stride[d - added];
    }
    return true;
}

UNARY_GRADIENT(broadcast_to_gradient, emit_unbroadcast(e, dy, &x->shape))
const struct op op_broadcast_to = {
    .name = "broadcast_to",
    .doc = "x repeated to attrs.full.shape by NumPy's rules",
    .nin = 1,
    .nout = 1,
    .flags = OP_VIEW,
    .dtypes = OP_ANY,
    .attrs = OP_FULL,
    .infer = infer_broadcast_to,
    .view = broadcast_to_view,
    .gradient = broadcast_to_gradient,
    SAMPLES({.nin = 1, .shape = {DIMS(3)}, .attrs = ATTRS(.full.shape = {2, {4, 3}}), .low = -3, .high = 3},
            {.nin = 1, .shape = {DIMS(3, 1, 5)}, .attrs = ATTRS(.full.shape = {4, {2, 3, 2, 5}}), .low = -3, .high = 3},
            {.nin = 1, .shape = {{0}}, .attrs = ATTRS(.full.shape = {1, {6}}), .low = -3, .high = 3},
            {.nin = 1, .shape = {DIMS(1)}, .attrs = ATTRS(.full.shape = {2, {3, 0}}), .low = -3, .high = 3}),
};
