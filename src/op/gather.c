/* Rows by index, the sum back into rows, and one-hot rows. Indices are 0-based. */
#include "op/internal.h"

static enum status infer_gather(const struct op_inference *i) {
    const struct shape *x = &i->in[0].shape, *indices = &i->in[1].shape;
    struct shape s = *indices;
    if (x->rank < 1) return infer_fail(i, "a scalar has no rows");
    if (indices->rank + x->rank - 1 > TENSOR_MAX_RANK)
        return infer_fail(i, "the result would have %d dimensions", indices->rank + x->rank - 1);
    for (int d = 1; d < x->rank; d++) s.dim[s.rank++] = x->dim[d];
    return infer_give(i, i->in[0].dtype, &s);
}

static void gather_gradient(struct op_grad *g) {
    if (g->wants[0]) g->din[0] = emit_scatter_add(g->emit, g->in[1], g->dout[0], g->in[0]->shape.dim[0]);
}

const struct op op_gather = {
    .name = "gather",
    .doc =
        "rows x[i] for each i of the integers in[1]: shape indices.shape + x.shape[1:]; an index outside [0, rows) is "
        "an error while running that names it and the number of rows",
    .nin = 2,
    .nout = 1,
    .dtypes = OP_ANY,
    .indices = 1 << 1,
    .infer = infer_gather,
    .gradient = gather_gradient,
    SAMPLES({.nin = 2, .shape = {DIMS(5, 3), DIMS(7)}, .low = -3, .high = 3, .index_bound = 5},
            {.nin = 2, .shape = {DIMS(4, 2, 3), DIMS(2, 3)}, .low = -3, .high = 3, .index_bound = 4},
            {.nin = 2, .shape = {DIMS(6), {0}}, .low = -3, .high = 3, .index_bound = 6},
            {.nin = 2, .shape = {DIMS(4, 2), DIMS(0)}, .low = -3, .high = 3, .index_bound = 4}),
};

/* indices, updates -> rows */
static enum status infer_scatter_add(const struct op_inference *i) {
    const struct shape *indices = &i->in[0].shape, *updates = &i->in[1].shape;
    int64_t rows = i->attrs->integer;
    bool fits = updates->rank >= indices->rank && updates->rank - indices->rank < TENSOR_MAX_RANK;
    for (int d = 0; fits && d < indices->rank; d++) fits = updates->dim[d] == indices->dim[d];
    if (!fits)
        return infer_fail(i, "updates must have shape %s and then a row's, got %s", SHAPE_TEXT(indices),
                          SHAPE_TEXT(updates));
    if (rows < 0) return infer_fail(i, "rows is negative: %lld", (long long)rows);
    struct shape s = {1, {rows}};
    for (int d = indices->rank; d < updates->rank; d++) s.dim[s.rank++] = updates->dim[d];
    return infer_give(i, i->in[1].dtype, &s);
}

static void scatter_add_gradient(struct op_grad *g) {
    if (g->wants[1]) g->din[1] = emit_gather(g->emit, g->dout[0], g->in[0]);
}

const struct op op_scatter_add = {
    .name = "scatter_add",
    .doc = "attrs.integer rows of zeros with each row of the updates in[1] added at its index of in[0], in order: "
           "gather's gradient; an index outside [0, rows) is an error while running",
    .nin = 2,
    .nout = 1,
    .dtypes = OP_NUMBERS,
    .indices = 1 << 0,
    .attrs = OP_INTEGER,
    .infer = infer_scatter_add,
    .gradient = scatter_add_gradient,
    SAMPLES({.nin = 2,
             .shape = {DIMS(7), DIMS(7, 3)},
             .attrs = ATTRS(.integer = 5),
             .low = -3,
             .high = 3,
             .index_bound = 5},
            {.nin = 2,
             .shape = {DIMS(2, 3), DIMS(2, 3, 2, 2)},
             .attrs = ATTRS(.integer = 4),
             .low = -3,
             .high = 3,
             .index_bound = 3},
            {.nin = 2, .shape = {{0}, {0}}, .attrs = ATTRS(.integer = 3), .low = -3, .high = 3, .index_bound = 3},
            {.nin = 2,
             .shape = {DIMS(0), DIMS(0, 2)},
             .attrs = ATTRS(.integer = 3),
             .low = -3,
             .high = 3,
             .index_bound = 3}),
};

static enum status infer_one_hot(const struct op_inference *i) {
    const struct op_full *a = &i->attrs->full;
    struct shape s = i->in[0].shape;
    if (a->integer < 0) return infer_fail(i, "depth is negative: %lld", (long long)a->integer);
    if (s.rank == TENSOR_MAX_RANK) return infer_fail(i, "the result would have %d dimensions", s.rank + 1);
    s.dim[s.rank++] = a->integer;
    return infer_give(i, a->dtype, &s);
}

const struct op op_one_hot = {
    .name = "one_hot",
    .doc = "1 at the index and 0 elsewhere along a new last dimension of attrs.full.integer places, of dtype "
           "attrs.full.dtype; an index out of range gives zeros, as in Keras",
    .nin = 1,
    .nout = 1,
    .dtypes = OP_ANY,
    .indices = 1 << 0,
    .attrs = OP_FULL,
    .infer = infer_one_hot,
    SAMPLES(
        {.nin = 1, .shape = {DIMS(5)}, .attrs = ATTRS(.full = {.dtype = DT_FLOAT32, .integer = 4}), .index_bound = 4},
        {.nin = 1,
         .shape = {DIMS(2, 3)},
         .attrs = ATTRS(.full = {.dtype = DT_FLOAT64, .integer = 3}),
         .index_bound = 6},
        {.nin = 1, .shape = {{0}}, .attrs = ATTRS(.full = {.dtype = DT_BOOL, .integer = 7}), .index_bound = 7},
        {.nin = 1, .shape = {DIMS(0)}, .attrs = ATTRS(.full = {.dtype = DT_INT64, .integer = 2}), .index_bound = 2}),
};
