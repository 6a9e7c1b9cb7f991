/* Comparisons, logic and bits. Comparisons give bool; with NaN all but ne are false. */
#include "op/internal.h"

const struct op op_eq = {
    .name = "eq",
    .doc = "a == b; bool",
    ELEMENTWISE(2, OP_ANY, infer_bool),
    WHOLE_SAMPLES(0, 4),
};

const struct op op_ne = {
    .name = "ne",
    .doc = "a != b; bool",
    ELEMENTWISE(2, OP_ANY, infer_bool),
    WHOLE_SAMPLES(0, 4),
};

const struct op op_lt = {
    .name = "lt",
    .doc = "a < b; bool",
    ELEMENTWISE(2, OP_ANY, infer_bool),
    WHOLE_SAMPLES(0, 4),
};

const struct op op_le = {
    .name = "le",
    .doc = "a <= b; bool",
    ELEMENTWISE(2, OP_ANY, infer_bool),
    WHOLE_SAMPLES(0, 4),
};

const struct op op_gt = {
    .name = "gt",
    .doc = "a > b; bool",
    ELEMENTWISE(2, OP_ANY, infer_bool),
    WHOLE_SAMPLES(0, 4),
};

const struct op op_ge = {
    .name = "ge",
    .doc = "a >= b; bool",
    ELEMENTWISE(2, OP_ANY, infer_bool),
    WHOLE_SAMPLES(0, 4),
};

const struct op op_logical_and = {
    .name = "logical_and",
    .doc = "a and b, of bool",
    ELEMENTWISE(2, OP_BOOL, infer_same),
    WHOLE_SAMPLES(0, 2),
};

const struct op op_logical_or = {
    .name = "logical_or",
    .doc = "a or b, of bool",
    ELEMENTWISE(2, OP_BOOL, infer_same),
    WHOLE_SAMPLES(0, 2),
};

const struct op op_logical_xor = {
    .name = "logical_xor",
    .doc = "either a or b, of bool",
    ELEMENTWISE(2, OP_BOOL, infer_same),
    WHOLE_SAMPLES(0, 2),
};

const struct op op_logical_not = {
    .name = "logical_not",
    .doc = "not x, of bool",
    ELEMENTWISE(1, OP_BOOL, infer_same),
    UNARY_SAMPLES(0, 2),
};

const struct op op_bitwise_and = {
    .name = "bitwise_and",
    .doc = "the bits set in both a and b; of bool: and",
    ELEMENTWISE(2, OP_INTEGERS | OP_BOOL, infer_same),
    WHOLE_SAMPLES(0, 200),
};

const struct op op_bitwise_or = {
    .name = "bitwise_or",
    .doc = "the bits set in a or b; of bool: or",
    ELEMENTWISE(2, OP_INTEGERS | OP_BOOL, infer_same),
    WHOLE_SAMPLES(0, 200),
};

const struct op op_bitwise_xor = {
    .name = "bitwise_xor",
    .doc = "the bits set in one of a and b; of bool: either",
    ELEMENTWISE(2, OP_INTEGERS | OP_BOOL, infer_same),
    WHOLE_SAMPLES(0, 200),
};

const struct op op_invert = {
    .name = "invert",
    .doc = "all bits flipped; of bool: not",
    ELEMENTWISE(1, OP_INTEGERS | OP_BOOL, infer_same),
    UNARY_SAMPLES(0, 200),
};
