/* Trigonometric and hyperbolic functions; angles are in radians. */
#include "op/internal.h"

UNARY_GRADIENT(sin_gradient, emit_mul(e, dy, emit_cos(e, x)))
const struct op op_sin = {
    .name = "sin",
    .doc = "the sine",
    ELEMENTWISE(1, OP_FLOATS, infer_same),
    .gradient = sin_gradient,
    UNARY_SAMPLES(-6, 6),
};

UNARY_GRADIENT(cos_gradient, emit_neg(e, emit_mul(e, dy, emit_sin(e, x))))
const struct op op_cos = {
    .name = "cos",
    .doc = "the cosine",
    ELEMENTWISE(1, OP_FLOATS, infer_same),
    .gradient = cos_gradient,
    UNARY_SAMPLES(-6, 6),
};

UNARY_GRADIENT(tan_gradient, emit_mul(e, dy, emit_adds(e, emit_square(e, y), 1)))
const struct op op_tan = {
    .name = "tan",
    .doc = "the tangent",
    ELEMENTWISE(1, OP_FLOATS, infer_same),
    .gradient = tan_gradient,
    UNARY_SAMPLES(-1.2, 1.2),
};

UNARY_GRADIENT(arcsin_gradient, emit_mul(e, dy, emit_rsqrt(e, emit_rsubs(e, 1, emit_square(e, x)))))
const struct op op_arcsin = {
    .name = "arcsin",
    .doc = "the angle in [-pi/2, pi/2] whose sine is x; NaN outside [-1, 1]",
    ELEMENTWISE(1, OP_FLOATS, infer_same),
    .gradient = arcsin_gradient,
    UNARY_SAMPLES(-0.9, 0.9),
};

UNARY_GRADIENT(arccos_gradient, emit_neg(e, emit_mul(e, dy, emit_rsqrt(e, emit_rsubs(e, 1, emit_square(e, x))))))
const struct op op_arccos = {
    .name = "arccos",
    .doc = "the angle in [0, pi] whose cosine is x; NaN outside [-1, 1]",
    ELEMENTWISE(1, OP_FLOATS, infer_same),
    .gradient = arccos_gradient,
    UNARY_SAMPLES(-0.9, 0.9),
};

UNARY_GRADIENT(arctan_gradient, emit_div(e, dy, emit_adds(e, emit_square(e, x), 1)))
const struct op op_arctan = {
    .name = "arctan",
    .doc = "the angle in [-pi/2, pi/2] whose tangent is x",
    ELEMENTWISE(1, OP_FLOATS, infer_same),
    .gradient = arctan_gradient,
    UNARY_SAMPLES(-4, 4),
};

BINARY_GRADIENT(arctan2_gradient, emit_div(e, emit_mul(e, dy, b), emit_add(e, emit_square(e, a), emit_square(e, b))),
                emit_neg(e, emit_div(e, emit_mul(e, dy, a), emit_add(e, emit_square(e, a), emit_square(e, b)))))
const struct op op_arctan2 = {
    .name = "arctan2",
    .doc = "the angle of the point (x = b, y = a), in [-pi, pi]",
    ELEMENTWISE(2, OP_FLOATS, infer_same),
    .gradient = arctan2_gradient,
    BINARY_SAMPLES(0.2, 3),
};

UNARY_GRADIENT(sinh_gradient, emit_mul(e, dy, emit_cosh(e, x)))
const struct op op_sinh = {
    .name = "sinh",
    .doc = "the hyperbolic sine",
    ELEMENTWISE(1, OP_FLOATS, infer_same),
    .gradient = sinh_gradient,
    UNARY_SAMPLES(-3, 3),
};

UNARY_GRADIENT(cosh_gradient, emit_mul(e, dy, emit_sinh(e, x)))
const struct op op_cosh = {
    .name = "cosh",
    .doc = "the hyperbolic cosine",
    ELEMENTWISE(1, OP_FLOATS, infer_same),
    .gradient = cosh_gradient,
    UNARY_SAMPLES(-3, 3),
};

UNARY_GRADIENT(tanh_gradient, emit_mul(e, dy, emit_rsubs(e, 1, emit_square(e, y))))
const struct op op_tanh = {
    .name = "tanh",
    .doc = "the hyperbolic tangent",
    ELEMENTWISE(1, OP_FLOATS, infer_same),
    .gradient = tanh_gradient,
    UNARY_SAMPLES(-3, 3),
    .increasing = true,
};
