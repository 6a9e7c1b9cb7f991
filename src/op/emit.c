/* One function per op over an emitter. Operands that are NULL (after an error) give NULL. */
#include "op/emit.h"

#include "op/ops.h"

static emit_t emit_op(struct op_emitter *e, const struct op *op, const emit_t *in, int nin,
                      const union op_attrs *attrs) {
    struct tensor *out[OP_MAX_OUT];
    op_emit(e, op, in, nin, attrs, out);
    return out[0];
}

/* ---- elementwise ------------------------------------------------------------------------------------------------ */

#define UNARY(NAME)                                                                                                    \
    emit_t emit_##NAME(struct op_emitter *e, emit_t x) {                                                               \
        return emit_op(e, &op_##NAME, &x, 1, NULL);                                                                    \
    }
#define BINARY(NAME)                                                                                                   \
    emit_t emit_##NAME(struct op_emitter *e, emit_t a, emit_t b) {                                                     \
        return emit_op(e, &op_##NAME, (const emit_t[]){a, b}, 2, NULL);                                                \
    }

UNARY(neg)
UNARY(abs)
UNARY(sign)
UNARY(exp)
UNARY(expm1)
UNARY(log)
UNARY(log1p)
UNARY(log2)
UNARY(log10)
UNARY(sqrt)
UNARY(rsqrt)
UNARY(square)
UNARY(reciprocal)
UNARY(sin)
UNARY(cos)
UNARY(tan)
UNARY(arcsin)
UNARY(arccos)
UNARY(arctan)
UNARY(sinh)
UNARY(cosh)
UNARY(tanh)
UNARY(erf)
UNARY(floor)
UNARY(ceil)
UNARY(round)
UNARY(trunc)
UNARY(isnan)
UNARY(isinf)
UNARY(isfinite)
UNARY(logical_not)
UNARY(invert)
UNARY(sigmoid)
UNARY(softplus)
UNARY(relu)
UNARY(copy)
UNARY(stop_gradient)

BINARY(add)
BINARY(sub)
BINARY(mul)
BINARY(div)
BINARY(floor_divide)
BINARY(mod)
BINARY(pow)
BINARY(maximum)
BINARY(minimum)
BINARY(arctan2)
BINARY(eq)
BINARY(ne)
BINARY(gt)
BINARY(ge)
BINARY(lt)
BINARY(le)
BINARY(logical_and)
BINARY(logical_or)
BINARY(logical_xor)
BINARY(bitwise_and)
BINARY(bitwise_or)
BINARY(bitwise_xor)

emit_t emit_elu(struct op_emitter *e, emit_t x, double alpha) {
    return emit_op(e, &op_elu, &x, 1, &(union op_attrs){.scalar = alpha});
}

emit_t emit_where(struct op_emitter *e, emit_t condition, emit_t a, emit_t b) {
    return emit_op(e, &op_where, (const emit_t[]){condition, a, b}, 3, NULL);
}

emit_t emit_cast(struct op_emitter *e, emit_t x, enum dtype d) {
    if (x && x->dtype == d) return x;
    return emit_op(e, &op_cast, &x, 1, &(union op_attrs){.full.dtype = d});
}

/* ---- constants -------------------------------------------------------------------------------------------------- */

emit_t emit_full(struct op_emitter *e, enum dtype d, const struct shape *shape, double value) {
    union op_attrs attrs = {.full = {.dtype = d, .shape = *shape}};
    if (dtype_is_float(d))
        attrs.full.value = value;
    else
        attrs.full.integer = (int64_t)value;
    return emit_op(e, &op_full, NULL, 0, &attrs);
}

emit_t emit_scalar_like(struct op_emitter *e, emit_t x, double value) {
    return x ? emit_full(e, x->dtype, &(struct shape){0}, value) : NULL;
}

emit_t emit_zeros_like(struct op_emitter *e, emit_t x) {
    return x ? emit_full(e, x->dtype, &x->shape, 0) : NULL;
}

#define WITH_SCALAR(NAME, OP)                                                                                          \
    emit_t emit_##NAME(struct op_emitter *e, emit_t x, double s) {                                                     \
        return emit_##OP(e, x, emit_scalar_like(e, x, s));                                                             \
    }

WITH_SCALAR(adds, add)
WITH_SCALAR(muls, mul)
WITH_SCALAR(divs, div)
WITH_SCALAR(maximums, maximum)
WITH_SCALAR(minimums, minimum)
WITH_SCALAR(gts, gt)
WITH_SCALAR(eqs, eq)

emit_t emit_rpows(struct op_emitter *e, double s, emit_t x) {
    return emit_pow(e, emit_scalar_like(e, x, s), x);
}

emit_t emit_rsubs(struct op_emitter *e, double s, emit_t x) {
    return emit_sub(e, emit_scalar_like(e, x, s), x);
}

emit_t emit_arange(struct op_emitter *e, enum dtype d, double start, double step, int64_t count) {
    union op_attrs attrs = {.range = {.dtype = d, .count = count}};
    if (dtype_is_float(d))
        attrs.range.start = start, attrs.range.step = step;
    else
        attrs.range.integer_start = (int64_t)start, attrs.range.integer_step = (int64_t)step;
    return emit_op(e, &op_arange, NULL, 0, &attrs);
}

emit_t emit_random_uniform(struct op_emitter *e, emit_t seed, const struct shape *shape) {
    return emit_op(e, &op_random_uniform, &seed, 1, &(union op_attrs){.full.shape = *shape});
}

/* ---- movement --------------------------------------------------------------------------------------------------- */

emit_t emit_reshape(struct op_emitter *e, emit_t x, const struct shape *shape) {
    if (x && shape_equal(&x->shape, shape)) return x;
    return emit_op(e, &op_reshape, &x, 1, &(union op_attrs){.full.shape = *shape});
}

emit_t emit_broadcast_to(struct op_emitter *e, emit_t x, const struct shape *shape) {
    if (x && shape_equal(&x->shape, shape)) return x;
    return emit_op(e, &op_broadcast_to, &x, 1, &(union op_attrs){.full.shape = *shape});
}

emit_t emit_transpose(struct op_emitter *e, emit_t x, const int *permutation) {
    if (!x) return NULL;
    union op_attrs attrs = {.axes.n = x->shape.rank};
    for (int d = 0; d < x->shape.rank; d++) attrs.axes.axis[d] = permutation[d];
    return emit_op(e, &op_transpose, &x, 1, &attrs);
}

emit_t emit_slice(struct op_emitter *e, emit_t x, const struct op_slice *slice) {
    return emit_op(e, &op_slice, &x, 1, &(union op_attrs){.slice = *slice});
}

emit_t emit_pad(struct op_emitter *e, emit_t x, const struct op_slice *slice) {
    return emit_op(e, &op_pad, &x, 1, &(union op_attrs){.slice = *slice});
}

emit_t emit_concatenate(struct op_emitter *e, const emit_t *x, int n, int axis) {
    return emit_op(e, &op_concatenate, x, n, &(union op_attrs){.axes = {.n = 1, .axis = {axis}}});
}

emit_t emit_gather(struct op_emitter *e, emit_t x, emit_t indices) {
    return emit_op(e, &op_gather, (const emit_t[]){x, indices}, 2, NULL);
}

emit_t emit_scatter_add(struct op_emitter *e, emit_t indices, emit_t updates, int64_t rows) {
    return emit_op(e, &op_scatter_add, (const emit_t[]){indices, updates}, 2, &(union op_attrs){.integer = rows});
}

emit_t emit_one_hot(struct op_emitter *e, emit_t indices, int64_t depth, enum dtype d) {
    return emit_op(e, &op_one_hot, &indices, 1, &(union op_attrs){.full = {.dtype = d, .integer = depth}});
}

emit_t emit_unbroadcast(struct op_emitter *e, emit_t x, const struct shape *shape) {
    if (!x || shape_equal(&x->shape, shape)) return x;
    struct op_axes repeated = {0};
    int added = x->shape.rank - shape->rank;
    for (int d = 0; d < x->shape.rank; d++)
        if (d < added || shape->dim[d - added] != x->shape.dim[d]) repeated.axis[repeated.n++] = d;
    return emit_reshape(e, repeated.n ? emit_sum(e, x, &repeated) : x, shape);
}

/* ---- reductions ------------------------------------------------------------------------------------------------- */

static emit_t emit_reduction(struct op_emitter *e, const struct op *op, emit_t x, const struct op_axes *axes) {
    union op_attrs attrs = {0};
    if (!x) return NULL;
    if (axes)
        attrs.axes = *axes;
    else
        while (attrs.axes.n < x->shape.rank) attrs.axes.axis[attrs.axes.n] = attrs.axes.n, attrs.axes.n++;
    return emit_op(e, op, &x, 1, &attrs);
}

#define REDUCTION(NAME)                                                                                                \
    emit_t emit_##NAME(struct op_emitter *e, emit_t x, const struct op_axes *axes) {                                   \
        return emit_reduction(e, &op_##NAME, x, axes);                                                                 \
    }

REDUCTION(sum)
REDUCTION(prod)
REDUCTION(mean)
REDUCTION(max)
REDUCTION(min)
REDUCTION(any)
REDUCTION(all)

/* An op along one axis, which may be negative. */
#define ALONG_AXIS(NAME)                                                                                               \
    emit_t emit_##NAME(struct op_emitter *e, emit_t x, int axis) {                                                     \
        union op_attrs attrs = {.axes.n = 1};                                                                          \
        if (!x || shape_axis(&x->shape, axis, &attrs.axes.axis[0], e->err) != OK) return NULL;                         \
        return emit_op(e, &op_##NAME, &x, 1, &attrs);                                                                  \
    }

ALONG_AXIS(argmax)
ALONG_AXIS(argmin)
ALONG_AXIS(softmax)
ALONG_AXIS(log_softmax)

/* ---- linear algebra and networks -------------------------------------------------------------------------------- */

emit_t emit_matmul(struct op_emitter *e, emit_t a, emit_t b, bool transpose_a, bool transpose_b) {
    union op_attrs attrs = {.matmul = {transpose_a, transpose_b}};
    return emit_op(e, &op_matmul, (const emit_t[]){a, b}, 2, &attrs);
}

/* An op on images with a window. */
#define WINDOWED(NAME)                                                                                                 \
    emit_t emit_##NAME(struct op_emitter *e, emit_t a, emit_t b, const struct op_window *w) {                          \
        return emit_op(e, &op_##NAME, (const emit_t[]){a, b}, 2, &(union op_attrs){.window = *w});                     \
    }

WINDOWED(conv2d)
WINDOWED(conv2d_grad_input)
WINDOWED(conv2d_grad_kernel)

emit_t emit_max_pool2d(struct op_emitter *e, emit_t x, const struct op_window *w) {
    return emit_op(e, &op_max_pool2d, &x, 1, &(union op_attrs){.window = *w});
}

emit_t emit_max_pool2d_place(struct op_emitter *e, emit_t x, const struct op_window *w) {
    emit_t out[2];
    op_emit(e, &op_max_pool2d_argmax, &x, 1, &(union op_attrs){.window = *w}, out);
    return out[1];
}

emit_t emit_max_unpool2d(struct op_emitter *e, emit_t place, emit_t dy, const struct op_window *w) {
    return emit_op(e, &op_max_unpool2d, (const emit_t[]){place, dy}, 2, &(union op_attrs){.window = *w});
}

BINARY(sparse_softmax_crossentropy)

emit_t emit_sparse_softmax_crossentropy_grad(struct op_emitter *e, emit_t logits, emit_t labels, emit_t dy) {
    return emit_op(e, &op_sparse_softmax_crossentropy_grad, (const emit_t[]){logits, labels, dy}, 3, NULL);
}
