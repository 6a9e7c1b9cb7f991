/* Arithmetic: sign and the binary operators. Integers wrap; of bool, + is or and * is and, as in NumPy. */
#include "op/internal.h"

UNARY_GRADIENT(neg_gradient, emit_neg(e, dy))
const struct op op_neg = {
    .name = "neg",
    .doc = "-x",
    ELEMENTWISE(1, OP_NUMBERS, infer_same),
    .gradient = neg_gradient,
    UNARY_SAMPLES(-3, 3),
};

UNARY_GRADIENT(abs_gradient, emit_mul(e, dy, emit_sign(e, x)))
const struct op op_abs = {
    .name = "abs",
    .doc = "the absolute value",
    ELEMENTWISE(1, OP_NUMBERS, infer_same),
    .gradient = abs_gradient,
    UNARY_SAMPLES(-3, 3),
};

const struct op op_sign = {
    .name = "sign",
    .doc = "-1, 0 or 1; NaN of NaN",
    ELEMENTWISE(1, OP_NUMBERS, infer_same),
    UNARY_SAMPLES(-3, 3),
};

BINARY_GRADIENT(add_gradient, dy, dy)
const struct op op_add = {
    .name = "add",
    .doc = "a + b",
    ELEMENTWISE(2, OP_ANY, infer_same),
    .gradient = add_gradient,
    BINARY_SAMPLES(-3, 3),
    .increasing = true,
};

BINARY_GRADIENT(sub_gradient, dy, emit_neg(e, dy))
const struct op op_sub = {
    .name = "sub",
    .doc = "a - b",
    ELEMENTWISE(2, OP_NUMBERS, infer_same),
    .gradient = sub_gradient,
    BINARY_SAMPLES(-3, 3),
};

BINARY_GRADIENT(mul_gradient, emit_mul(e, dy, b), emit_mul(e, dy, a))
const struct op op_mul = {
    .name = "mul",
    .doc = "a * b",
    ELEMENTWISE(2, OP_ANY, infer_same),
    .gradient = mul_gradient,
    BINARY_SAMPLES(-3, 3),
};

BINARY_GRADIENT(div_gradient, emit_div(e, dy, b), emit_neg(e, emit_mul(e, dy, emit_div(e, y, b))))
const struct op op_div = {
    .name = "div",
    .doc = "a / b, true division",
    ELEMENTWISE(2, OP_FLOATS, infer_same),
    .gradient = div_gradient,
    BINARY_SAMPLES(-3, -0.5),
};

const struct op op_floor_divide = {
    .name = "floor_divide",
    .doc = "the largest whole number not above a / b; of integers divided by 0: 0",
    ELEMENTWISE(2, OP_NUMBERS, infer_same),
    BINARY_SAMPLES(1, 40),
};

BINARY_GRADIENT(mod_gradient, dy, emit_neg(e, emit_mul(e, dy, emit_floor(e, emit_div(e, a, b)))))
const struct op op_mod = {
    .name = "mod",
    .doc = "a - b * floor_divide(a, b): it has b's sign, as in Python; of integers by 0: 0",
    ELEMENTWISE(2, OP_NUMBERS, infer_same),
    .gradient = mod_gradient,
    BINARY_SAMPLES(1, 40),
};

/* d a^b / db is a^b log(a), taken as 0 where a <= 0. */
static emit_t log_of_positive(struct op_emitter *e, emit_t a) {
    emit_t positive = emit_gts(e, a, 0);
    emit_t safe = emit_where(e, positive, a, emit_scalar_like(e, a, 1));
    return emit_log(e, safe);
}

/* d a^b / da is b a^(b - 1), and 0 for b = 0 even where a is 0. */
static emit_t exponent_less_one(struct op_emitter *e, emit_t b) {
    return emit_where(e, emit_eqs(e, b, 0), emit_scalar_like(e, b, 1), emit_adds(e, b, -1));
}

BINARY_GRADIENT(pow_gradient, emit_mul(e, dy, emit_mul(e, b, emit_pow(e, a, exponent_less_one(e, b)))),
                emit_mul(e, dy, emit_mul(e, y, log_of_positive(e, a))))
const struct op op_pow = {
    .name = "pow",
    .doc = "a to the power b; an integer to a negative integer power is an error while running",
    ELEMENTWISE(2, OP_NUMBERS, infer_same),
    .gradient = pow_gradient,
    BINARY_SAMPLES(0.3, 3),
};

/* Where a and b are equal, all of the gradient goes to a, as in TensorFlow. */
BINARY_GRADIENT(maximum_gradient, emit_where(e, emit_ge(e, a, b), dy, emit_scalar_like(e, dy, 0)),
                emit_where(e, emit_ge(e, a, b), emit_scalar_like(e, dy, 0), dy))
const struct op op_maximum = {
    .name = "maximum",
    .doc = "the larger of a and b; NaN if either is NaN",
    ELEMENTWISE(2, OP_ANY, infer_same),
    .gradient = maximum_gradient,
    BINARY_SAMPLES(-3, 3),
};

BINARY_GRADIENT(minimum_gradient, emit_where(e, emit_le(e, a, b), dy, emit_scalar_like(e, dy, 0)),
                emit_where(e, emit_le(e, a, b), emit_scalar_like(e, dy, 0), dy))
const struct op op_minimum = {
    .name = "minimum",
    .doc = "the smaller of a and b; NaN if either is NaN",
    ELEMENTWISE(2, OP_ANY, infer_same),
    .gradient = minimum_gradient,
    BINARY_SAMPLES(-3, 3),
};
