/* Reductions over attrs.axes. Gradients spread dy over the reduced dimensions. */
#include "op/internal.h"

/* ---- inference -------------------------------------------------------------------------------------------------- */

static enum status infer_reduction(const struct op_inference *i, enum dtype d) {
    i->out[0].dtype = d;
    return infer_reduced(i, &i->out[0].shape);
}

static enum status infer_sum(const struct op_inference *i) {
    enum dtype d = i->in[0].dtype;
    return infer_reduction(i, dtype_is_float(d) ? d : DT_INT64);
}

static enum status infer_mean(const struct op_inference *i) {
    enum dtype d = i->in[0].dtype;
    return infer_reduction(i, dtype_is_float(d) ? d : DT_FLOAT32);
}

static enum status infer_logical(const struct op_inference *i) {
    return infer_reduction(i, DT_BOOL);
}

/* An empty reduction has no largest element, unless there is no result either. */
static enum status infer_extremum(const struct op_inference *i, enum dtype d) {
    const struct op_axes *axes = &i->attrs->axes;
    if (infer_reduction(i, d) != OK) return i->err->status;
    if (shape_size(&i->out[0].shape) == 0) return OK;
    for (int k = 0; k < axes->n; k++)
        if (i->in[0].shape.dim[axes->axis[k]] == 0)
            return infer_fail(i, "axis %d of shape %s is empty: there is no such element", axes->axis[k],
                              SHAPE_TEXT(&i->in[0].shape));
    return OK;
}

static enum status infer_max(const struct op_inference *i) {
    return infer_extremum(i, i->in[0].dtype);
}

static enum status infer_argmax(const struct op_inference *i) {
    if (infer_one_axis(i) != OK) return i->err->status;
    return infer_extremum(i, DT_INT64);
}

/* ---- gradients -------------------------------------------------------------------------------------------------- */

/* t, a result of reducing g's input, with the reduced dimensions as 1, so that it broadcasts against the input. */
static emit_t kept(const struct op_grad *g, emit_t t) {
    struct shape s = g->in[0]->shape;
    for (int k = 0; k < g->attrs->axes.n; k++) s.dim[g->attrs->axes.axis[k]] = 1;
    return emit_reshape(g->emit, t, &s);
}

static emit_t spread(const struct op_grad *g, emit_t t) {
    return emit_broadcast_to(g->emit, kept(g, t), &g->in[0]->shape);
}

static void sum_gradient(struct op_grad *g) {
    g->din[0] = spread(g, g->dout[0]);
}

static void mean_gradient(struct op_grad *g) {
    int64_t n = 1;
    for (int k = 0; k < g->attrs->axes.n; k++) n *= g->in[0]->shape.dim[g->attrs->axes.axis[k]];
    g->din[0] = spread(g, emit_divs(g->emit, g->dout[0], (double)n));
}

/* The product of the others: out / x, except beside zeros: with one zero only its own derivative is not 0, and with
 * more none is. */
static void prod_gradient(struct op_grad *g) {
    struct op_emitter *e = g->emit;
    struct op_axes axes = g->attrs->axes;
    axes.keepdims = true;
    const emit_t x = g->in[0], dy = kept(g, g->dout[0]), nothing = emit_scalar_like(e, x, 0);
    emit_t zero = emit_eqs(e, x, 0);
    emit_t zeros = emit_sum(e, emit_cast(e, zero, x->dtype), &axes);
    emit_t nonzero = emit_where(e, zero, emit_scalar_like(e, x, 1), x);
    emit_t product = emit_prod(e, nonzero, &axes);
    emit_t at_zero = emit_where(e, emit_eqs(e, zeros, 1), product, nothing);
    emit_t elsewhere = emit_where(e, emit_eqs(e, zeros, 0), emit_div(e, product, nonzero), nothing);
    g->din[0] = emit_mul(e, dy, emit_where(e, zero, at_zero, elsewhere));
}

/* Equal extrema share the gradient, as in TensorFlow. */
static void max_gradient(struct op_grad *g) {
    struct op_emitter *e = g->emit;
    struct op_axes axes = g->attrs->axes;
    axes.keepdims = true;
    const emit_t x = g->in[0], dy = kept(g, g->dout[0]);
    emit_t chosen = emit_cast(e, emit_eq(e, x, kept(g, g->out[0])), x->dtype);
    g->din[0] = emit_mul(e, emit_div(e, chosen, emit_sum(e, chosen, &axes)), dy);
}

/* ---- the ops ---------------------------------------------------------------------------------------------------- */

#define REDUCTION(DTYPES, INFER)                                                                                       \
    .nin = 1, .nout = 1, .flags = OP_STRIDED, .dtypes = (DTYPES), .attrs = OP_AXES, .infer = (INFER)

#define AXES(...) ATTRS(.axes = {__VA_ARGS__})
#define REDUCTION_SAMPLES(LOW, HIGH)                                                                                   \
    SAMPLES({.nin = 1, .shape = {DIMS(3, 5)}, .attrs = AXES(2, {0, 1}, false), .low = (LOW), .high = (HIGH)},          \
            {.nin = 1, .shape = {DIMS(2, 3, 7)}, .attrs = AXES(1, {2}, false), .low = (LOW), .high = (HIGH)},          \
            {.nin = 1, .shape = {DIMS(4, 3, 5)}, .attrs = AXES(2, {0, 2}, true), .low = (LOW), .high = (HIGH)},        \
            {.nin = 1, .shape = {DIMS(37, 3)}, .attrs = AXES(1, {0}, false), .low = (LOW), .high = (HIGH)},            \
            {.nin = 1, .shape = {DIMS(4, 6)}, .attrs = AXES(1, {1}, false), .low = 0, .high = 3, .whole = true},       \
            {.nin = 1, .shape = {DIMS(3, 2)}, .attrs = AXES(0, {0}, false), .low = (LOW), .high = (HIGH)},             \
            {.nin = 1, .shape = {{0}}, .low = (LOW), .high = (HIGH)},                                                  \
            {.nin = 1, .shape = {DIMS(0, 3)}, .attrs = AXES(1, {1}, false), .low = (LOW), .high = (HIGH)})

const struct op op_sum = {
    .name = "sum",
    .doc = "the sum over attrs.axes; integers and bool give int64",
    REDUCTION(OP_ANY, infer_sum),
    .gradient = sum_gradient,
    REDUCTION_SAMPLES(-3, 3),
};

const struct op op_prod = {
    .name = "prod",
    .doc = "the product over attrs.axes; integers and bool give int64",
    REDUCTION(OP_ANY, infer_sum),
    .gradient = prod_gradient,
    REDUCTION_SAMPLES(-1.5, 1.5),
};

const struct op op_mean = {
    .name = "mean",
    .doc = "the mean over attrs.axes; integers and bool give float32; NaN of nothing",
    REDUCTION(OP_ANY, infer_mean),
    .gradient = mean_gradient,
    REDUCTION_SAMPLES(-3, 3),
};

const struct op op_max = {
    .name = "max",
    .doc = "the largest element over attrs.axes, which may not be empty; NaN if there is one",
    REDUCTION(OP_ANY, infer_max),
    .gradient = max_gradient,
    REDUCTION_SAMPLES(-3, 3),
};

const struct op op_min = {
    .name = "min",
    .doc = "the smallest element over attrs.axes, which may not be empty; NaN if there is one",
    REDUCTION(OP_ANY, infer_max),
    .gradient = max_gradient,
    REDUCTION_SAMPLES(-3, 3),
};

const struct op op_any = {
    .name = "any",
    .doc = "whether any element over attrs.axes is true; of bool",
    REDUCTION(OP_BOOL, infer_logical),
    REDUCTION_SAMPLES(0, 2),
};

const struct op op_all = {
    .name = "all",
    .doc = "whether all elements over attrs.axes are true; of bool",
    REDUCTION(OP_BOOL, infer_logical),
    REDUCTION_SAMPLES(0, 2),
};

#define ARG_SAMPLES                                                                                                    \
    SAMPLES({.nin = 1, .shape = {DIMS(5, 7)}, .attrs = AXES(1, {1}, false), .low = -3, .high = 3},                     \
            {.nin = 1, .shape = {DIMS(4, 3, 5)}, .attrs = AXES(1, {0}, true), .low = -3, .high = 3},                   \
            {.nin = 1, .shape = {DIMS(2, 9, 3)}, .attrs = AXES(1, {1}, false), .low = 0, .high = 3, .whole = true},    \
            {.nin = 1, .shape = {DIMS(0, 3)}, .attrs = AXES(1, {1}, false), .low = -3, .high = 3})

const struct op op_argmax = {
    .name = "argmax",
    .doc =
        "the 0-based int64 place of the largest element along attrs.axes.axis[0]: the first of equals; NaN is largest",
    REDUCTION(OP_ANY, infer_argmax),
    ARG_SAMPLES,
};

const struct op op_argmin = {
    .name = "argmin",
    .doc = "the 0-based int64 place of the smallest element along attrs.axes.axis[0]: the first of equals; NaN is "
           "smallest",
    REDUCTION(OP_ANY, infer_argmax),
    ARG_SAMPLES,
};
