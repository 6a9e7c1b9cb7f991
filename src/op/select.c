/* Elementwise choice, conversion and copying. */
#include "op/internal.h"

static void where_gradient(struct op_grad *g) {
    struct op_emitter *e = g->emit;
    const emit_t condition = g->in[0], dy = g->dout[0], zero = emit_scalar_like(e, dy, 0);
    if (g->wants[1]) g->din[1] = emit_unbroadcast(e, emit_where(e, condition, dy, zero), &g->in[1]->shape);
    if (g->wants[2]) g->din[2] = emit_unbroadcast(e, emit_where(e, condition, zero, dy), &g->in[2]->shape);
}

const struct op op_where = {
    .name = "where",
    .doc = "a where the bool condition holds, else b: where(condition, a, b)",
    ELEMENTWISE(3, OP_ANY, infer_same),
    .conditions = 1,
    .gradient = where_gradient,
    SAMPLES({.nin = 3, .shape = {DIMS(3, 5), DIMS(3, 5), DIMS(3, 5)}, .low = -3, .high = 3},
            {.nin = 3, .shape = {DIMS(4, 1), DIMS(3), DIMS(2, 1, 1)}, .low = -3, .high = 3},
            {.nin = 3, .shape = {{0}, DIMS(2, 3), {0}}, .low = -3, .high = 3},
            {.nin = 3, .shape = {DIMS(0, 1), {0}, DIMS(3)}, .low = -3, .high = 3}),
};

static enum status infer_cast(const struct op_inference *i) {
    i->out[0] = (struct op_sig){.dtype = i->attrs->full.dtype, .shape = i->in[0].shape};
    return OK;
}

static void cast_gradient(struct op_grad *g) {
    if (dtype_is_float(g->in[0]->dtype) && dtype_is_float(g->out[0]->dtype))
        g->din[0] = emit_cast(g->emit, g->dout[0], g->in[0]->dtype);
}

const struct op op_cast = {
    .name = "cast",
    .doc = "x as attrs.full.dtype: floats lose their fraction on the way to integers, integers wrap, bool is x != 0; "
           "what NaN and floats out of range become is not defined",
    ELEMENTWISE(1, OP_ANY, infer_cast),
    .attrs = OP_FULL,
    .gradient = cast_gradient,
    SAMPLES({.nin = 1, .shape = {DIMS(3, 7)}, .attrs = ATTRS(.full.dtype = DT_FLOAT32), .low = -5, .high = 5},
            {.nin = 1, .shape = {DIMS(3, 7)}, .attrs = ATTRS(.full.dtype = DT_FLOAT64), .low = -5, .high = 5},
            {.nin = 1, .shape = {DIMS(9)}, .attrs = ATTRS(.full.dtype = DT_INT64), .low = -5, .high = 5},
            {.nin = 1, .shape = {DIMS(9)}, .attrs = ATTRS(.full.dtype = DT_INT32), .low = -5, .high = 5},
            {.nin = 1, .shape = {DIMS(2, 2)}, .attrs = ATTRS(.full.dtype = DT_UINT8), .low = 0, .high = 250},
            {.nin = 1, .shape = {DIMS(17)}, .attrs = ATTRS(.full.dtype = DT_BOOL), .low = 0, .high = 2, .whole = true},
            {.nin = 1, .shape = {DIMS(0)}, .attrs = ATTRS(.full.dtype = DT_FLOAT32), .low = 0, .high = 1}),
};

UNARY_GRADIENT(copy_gradient, dy)
const struct op op_copy = {
    .name = "copy",
    .doc = "x, contiguous in memory of its own",
    ELEMENTWISE(1, OP_ANY, infer_same),
    .gradient = copy_gradient,
    UNARY_SAMPLES(-3, 3),
};
