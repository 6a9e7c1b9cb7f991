/* Powers, exponentials and logarithms. */
#include "op/internal.h"

#define LN2 0.693147180559945309417
#define LN10 2.302585092994045684018
#define TWO_OVER_SQRT_PI 1.128379167095512573896

UNARY_GRADIENT(square_gradient, emit_mul(e, dy, emit_muls(e, x, 2)))
const struct op op_square = {
    .name = "square",
    .doc = "x * x",
    ELEMENTWISE(1, OP_NUMBERS, infer_same),
    .gradient = square_gradient,
    UNARY_SAMPLES(-3, 3),
};

UNARY_GRADIENT(sqrt_gradient, emit_div(e, emit_muls(e, dy, 0.5), y))
const struct op op_sqrt = {
    .name = "sqrt",
    .doc = "the square root; NaN below 0",
    ELEMENTWISE(1, OP_FLOATS, infer_same),
    .gradient = sqrt_gradient,
    UNARY_SAMPLES(0.1, 4),
};

UNARY_GRADIENT(rsqrt_gradient, emit_mul(e, emit_muls(e, dy, -0.5), emit_mul(e, emit_square(e, y), y)))
const struct op op_rsqrt = {
    .name = "rsqrt",
    .doc = "1 / sqrt(x)",
    ELEMENTWISE(1, OP_FLOATS, infer_same),
    .gradient = rsqrt_gradient,
    UNARY_SAMPLES(0.1, 4),
};

UNARY_GRADIENT(reciprocal_gradient, emit_neg(e, emit_mul(e, dy, emit_square(e, y))))
const struct op op_reciprocal = {
    .name = "reciprocal",
    .doc = "1 / x",
    ELEMENTWISE(1, OP_FLOATS, infer_same),
    .gradient = reciprocal_gradient,
    UNARY_SAMPLES(-3, -0.3),
};

UNARY_GRADIENT(exp_gradient, emit_mul(e, dy, y))
const struct op op_exp = {
    .name = "exp",
    .doc = "e to the power x",
    ELEMENTWISE(1, OP_FLOATS, infer_same),
    .gradient = exp_gradient,
    UNARY_SAMPLES(-4, 4),
};

UNARY_GRADIENT(expm1_gradient, emit_mul(e, dy, emit_adds(e, y, 1)))
const struct op op_expm1 = {
    .name = "expm1",
    .doc = "exp(x) - 1, exact for small x",
    ELEMENTWISE(1, OP_FLOATS, infer_same),
    .gradient = expm1_gradient,
    UNARY_SAMPLES(-2, 2),
};

UNARY_GRADIENT(log_gradient, emit_div(e, dy, x))
const struct op op_log = {
    .name = "log",
    .doc = "the natural logarithm; -inf at 0, NaN below",
    ELEMENTWISE(1, OP_FLOATS, infer_same),
    .gradient = log_gradient,
    UNARY_SAMPLES(0.1, 10),
};

UNARY_GRADIENT(log1p_gradient, emit_div(e, dy, emit_adds(e, x, 1)))
const struct op op_log1p = {
    .name = "log1p",
    .doc = "log(1 + x), exact for small x",
    ELEMENTWISE(1, OP_FLOATS, infer_same),
    .gradient = log1p_gradient,
    UNARY_SAMPLES(-0.8, 4),
};

UNARY_GRADIENT(log2_gradient, emit_div(e, dy, emit_muls(e, x, LN2)))
const struct op op_log2 = {
    .name = "log2",
    .doc = "the logarithm to base 2",
    ELEMENTWISE(1, OP_FLOATS, infer_same),
    .gradient = log2_gradient,
    UNARY_SAMPLES(0.1, 10),
};

UNARY_GRADIENT(log10_gradient, emit_div(e, dy, emit_muls(e, x, LN10)))
const struct op op_log10 = {
    .name = "log10",
    .doc = "the logarithm to base 10",
    ELEMENTWISE(1, OP_FLOATS, infer_same),
    .gradient = log10_gradient,
    UNARY_SAMPLES(0.1, 10),
};

UNARY_GRADIENT(erf_gradient,
               emit_mul(e, dy, emit_muls(e, emit_exp(e, emit_neg(e, emit_square(e, x))), TWO_OVER_SQRT_PI)))
const struct op op_erf = {
    .name = "erf",
    .doc = "the error function: 2/sqrt(pi) times the integral of exp(-t^2) from 0 to x",
    ELEMENTWISE(1, OP_FLOATS, infer_same),
    .gradient = erf_gradient,
    UNARY_SAMPLES(-3, 3),
};
