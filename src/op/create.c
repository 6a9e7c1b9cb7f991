/* Tensors out of nothing but attributes (and a seed). */
#include "op/internal.h"

const struct op op_full = {
    .name = "full",
    .doc = "attrs.full: one value (integer for integers and bool) in every place of a shape",
    .nin = 0,
    .nout = 1,
    .dtypes = OP_ANY,
    .attrs = OP_FULL,
    .infer = infer_full,
    SAMPLES({.attrs = ATTRS(.full = {.dtype = DT_FLOAT32, .shape = {2, {3, 5}}, .value = -1.25})},
            {.attrs = ATTRS(.full = {.dtype = DT_FLOAT64, .value = 0.1})},
            {.attrs = ATTRS(.full = {.dtype = DT_INT64, .shape = {1, {7}}, .integer = -3})},
            {.attrs = ATTRS(.full = {.dtype = DT_BOOL, .shape = {1, {3}}, .integer = 1})},
            {.attrs = ATTRS(.full = {.dtype = DT_UINT8, .shape = {2, {0, 3}}, .integer = 200})}),
};

static enum status infer_arange(const struct op_inference *i) {
    const struct op_range *r = &i->attrs->range;
    struct shape s = {.rank = 1, .dim = {r->count}};
    if (r->count < 0) return infer_fail(i, "count is negative: %lld", (long long)r->count);
    if (r->dtype == DT_BOOL) return err_set(i->err, ERR_TYPE, "there is no range of bool");
    return infer_give(i, r->dtype, &s);
}

const struct op op_arange = {
    .name = "arange",
    .doc = "attrs.range: count numbers from start on, step apart",
    .nin = 0,
    .nout = 1,
    .dtypes = OP_NUMBERS,
    .attrs = OP_RANGE,
    .infer = infer_arange,
    SAMPLES({.attrs = ATTRS(.range = {.dtype = DT_FLOAT32, .count = 11, .start = -1, .step = 0.25})},
            {.attrs = ATTRS(.range = {.dtype = DT_FLOAT64, .count = 7, .start = 0.1, .step = 0.1})},
            {.attrs = ATTRS(.range = {.dtype = DT_INT64, .count = 5, .integer_start = 9, .integer_step = -4})},
            {.attrs = ATTRS(.range = {.dtype = DT_INT32, .count = 0, .integer_step = 1})},
            {.attrs = ATTRS(.range = {.dtype = DT_UINT8, .count = 30, .integer_start = 5, .integer_step = 3})}),
};

static enum status infer_random_uniform(const struct op_inference *i) {
    const struct op_sig *seed = &i->in[0];
    if (seed->dtype != DT_INT64 || seed->shape.rank != 1 || seed->shape.dim[0] != 2)
        return infer_fail(i, "seed must be int64 of shape (2,), got %s of shape %s", dtype_name(seed->dtype),
                          SHAPE_TEXT(&seed->shape));
    return infer_give(i, DT_FLOAT32, &i->attrs->full.shape);
}

const struct op op_random_uniform = {
    .name = "random_uniform",
    .doc = "float32 numbers in [0, 1) of shape attrs.full.shape: the stateless Philox stream of the int64 pair in[0], "
           "the same on every device (rng_stateless and rng_unit in base/rng.h)",
    .nin = 1,
    .nout = 1,
    .dtypes = 1u << DT_FLOAT32,
    .indices = 1,
    .attrs = OP_FULL,
    .infer = infer_random_uniform,
    SAMPLES({.nin = 1, .shape = {DIMS(2)}, .attrs = ATTRS(.full.shape = {2, {5, 7}}), .index_bound = 1000000},
            {.nin = 1, .shape = {DIMS(2)}, .attrs = ATTRS(.full.shape = {0}), .index_bound = 7},
            {.nin = 1, .shape = {DIMS(2)}, .attrs = ATTRS(.full.shape = {2, {0, 2}}), .index_bound = 7}),
};
