/* Inferences that several ops share. */
#include <stdarg.h>

#include "op/internal.h"

enum status infer_fail(const struct op_inference *i, const char *format, ...) {
    va_list args;
    va_start(args, format);
    enum status s = err_vset(i->err, ERR_VALUE, format, args);
    va_end(args);
    return s;
}

enum status infer_give(const struct op_inference *i, enum dtype d, const struct shape *s) {
    size_t bytes;
    if (shape_bytes(s, d, &bytes, i->err) != OK) return i->err->status;
    i->out[0] = (struct op_sig){.dtype = d, .shape = *s};
    return OK;
}

static enum status infer_broadcast(const struct op_inference *i, enum dtype d) {
    struct shape s = i->in[0].shape;
    for (int k = 1; k < i->nin; k++) {
        struct shape both;
        if (shape_broadcast(&s, &i->in[k].shape, &both, i->err) != OK) return i->err->status;
        s = both;
    }
    return infer_give(i, d, &s);
}

enum status infer_same(const struct op_inference *i) {
    return infer_broadcast(i, i->in[i->nin - 1].dtype);
}

enum status infer_bool(const struct op_inference *i) {
    return infer_broadcast(i, DT_BOOL);
}

enum status infer_first(const struct op_inference *i) {
    i->out[0] = i->in[0];
    return OK;
}

enum status infer_full(const struct op_inference *i) {
    return infer_give(i, i->attrs->full.dtype, &i->attrs->full.shape);
}

enum status infer_reduced(const struct op_inference *i, struct shape *out) {
    const struct op_axes *axes = &i->attrs->axes;
    const struct shape *x = &i->in[0].shape;
    bool reduced[TENSOR_MAX_RANK] = {0};
    for (int k = 0; k < axes->n; k++) {
        int axis = axes->axis[k];
        if (axis < 0 || axis >= x->rank)
            return infer_fail(i, "axis %d is out of bounds for shape %s", axis, SHAPE_TEXT(x));
        if (reduced[axis]) return infer_fail(i, "axis %d stands twice", axis);
        reduced[axis] = true;
    }
    *out = (struct shape){0};
    for (int d = 0; d < x->rank; d++)
        if (!reduced[d])
            out->dim[out->rank++] = x->dim[d];
        else if (axes->keepdims)
            out->dim[out->rank++] = 1;
    return OK;
}

enum status infer_one_axis(const struct op_inference *i) {
    const struct op_axes *axes = &i->attrs->axes;
    const struct shape *x = &i->in[0].shape;
    if (axes->n != 1) return infer_fail(i, "needs one axis, got %d", axes->n);
    if (axes->axis[0] < 0 || axes->axis[0] >= x->rank)
        return infer_fail(i, "axis %d is out of bounds for shape %s", axes->axis[0], SHAPE_TEXT(x));
    return OK;
}

enum status infer_rank(const struct op_inference *i, int input, int rank, const char *layout) {
    const struct shape *x = &i->in[input].shape;
    if (x->rank == rank) return OK;
    return infer_fail(i, "input %d must be %s, got shape %s", input, layout, SHAPE_TEXT(x));
}

enum status infer_extent(const struct op_inference *i, const char *what, int64_t v, int64_t least) {
    if (v >= least && v <= INT32_MAX) return OK;
    return infer_fail(i, "%s must be %s, got %lld", what, least == 1 ? "positive" : "at least 0", (long long)v);
}
