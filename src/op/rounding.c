/* Rounding to whole numbers and questions about floats. Their gradient is zero. */
#include "op/internal.h"

const struct op op_floor = {
    .name = "floor",
    .doc = "the largest whole number not above x",
    ELEMENTWISE(1, OP_FLOATS, infer_same),
    UNARY_SAMPLES(-5, 5),
};

const struct op op_ceil = {
    .name = "ceil",
    .doc = "the smallest whole number not below x",
    ELEMENTWISE(1, OP_FLOATS, infer_same),
    UNARY_SAMPLES(-5, 5),
};

const struct op op_round = {
    .name = "round",
    .doc = "the nearest whole number, halves to the even one",
    ELEMENTWISE(1, OP_FLOATS, infer_same),
    UNARY_SAMPLES(-5, 5),
};

const struct op op_trunc = {
    .name = "trunc",
    .doc = "x without its fraction",
    ELEMENTWISE(1, OP_FLOATS, infer_same),
    UNARY_SAMPLES(-5, 5),
};

const struct op op_isnan = {
    .name = "isnan",
    .doc = "whether x is NaN; bool",
    ELEMENTWISE(1, OP_FLOATS, infer_bool),
    UNARY_SAMPLES(-5, 5),
};

const struct op op_isinf = {
    .name = "isinf",
    .doc = "whether x is infinite; bool",
    ELEMENTWISE(1, OP_FLOATS, infer_bool),
    UNARY_SAMPLES(-5, 5),
};

const struct op op_isfinite = {
    .name = "isfinite",
    .doc = "whether x is neither infinite nor NaN; bool",
    ELEMENTWISE(1, OP_FLOATS, infer_bool),
    UNARY_SAMPLES(-5, 5),
};
