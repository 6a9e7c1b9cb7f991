/* Activation functions. Gradients are in terms of the result, as in TensorFlow, so that the input need not be kept. */
#include "op/internal.h"

UNARY_GRADIENT(sigmoid_gradient, emit_mul(e, dy, emit_mul(e, y, emit_rsubs(e, 1, y))))
const struct op op_sigmoid = {
    .name = "sigmoid",
    .doc = "1 / (1 + exp(-x))",
    ELEMENTWISE(1, OP_FLOATS, infer_same),
    .gradient = sigmoid_gradient,
    UNARY_SAMPLES(-6, 6),
    .increasing = true,
};

UNARY_GRADIENT(softplus_gradient, emit_mul(e, dy, emit_sigmoid(e, x)))
const struct op op_softplus = {
    .name = "softplus",
    .doc = "log(1 + exp(x)), without overflow",
    ELEMENTWISE(1, OP_FLOATS, infer_same),
    .gradient = softplus_gradient,
    UNARY_SAMPLES(-6, 6),
    .increasing = true,
};

UNARY_GRADIENT(relu_gradient, emit_where(e, emit_gts(e, y, 0), dy, emit_scalar_like(e, dy, 0)))
const struct op op_relu = {
    .name = "relu",
    .doc = "max(x, 0); NaN of NaN",
    ELEMENTWISE(1, OP_FLOATS, infer_same),
    .gradient = relu_gradient,
    UNARY_SAMPLES(-3, 3),
    .increasing = true,
};

/* Below 0 the derivative is alpha exp(x) = y + alpha; y has x's sign unless alpha is negative. */
UNARY_GRADIENT(elu_gradient, emit_where(e, emit_gts(e, g->attrs->scalar < 0 ? x : y, 0), dy,
                                        emit_mul(e, dy, emit_adds(e, y, g->attrs->scalar))))
const struct op op_elu = {
    .name = "elu",
    .doc = "x above 0, attrs.scalar (alpha) * (exp(x) - 1) below",
    ELEMENTWISE(1, OP_FLOATS, infer_same),
    .attrs = OP_SCALAR,
    .gradient = elu_gradient,
    SAMPLES({.nin = 1, .shape = {DIMS(3, 7, 5)}, .attrs = ATTRS(.scalar = 1), .low = -3, .high = 3},
            {.nin = 1, .shape = {DIMS(19)}, .attrs = ATTRS(.scalar = 0.3), .low = -3, .high = 3},
            {.nin = 1, .shape = {{0}}, .attrs = ATTRS(.scalar = 1), .low = -3, .high = -1},
            {.nin = 1, .shape = {DIMS(0, 2)}, .attrs = ATTRS(.scalar = 1), .low = -3, .high = 3}),
    .increasing = true,
};
