/* UnitNormalization: vectors of length 1. */
#include "nn/impl.h"

struct unit_normalization {
    struct nn_layer layer;
    int64_t axis;
};

static const struct nn_arg args[] = {
    {"axis", NN_SINGLE, offsetof(struct unit_normalization, axis), "-1", .doc = "along which the vectors lie"},
    {0},
};

static enum status output(struct nn_layer *l, const struct shape *in, int nin, struct shape *out, struct err *e) {
    (void)nin;
    int axis;
    *out = in[0];
    return shape_axis(&in[0], ((struct unit_normalization *)l)->axis, &axis, e);
}

static struct tensor *call(struct nn_layer *l, struct nn_call *c, struct tensor *const *x, int nx) {
    (void)nx;
    return nn_unit_vectors(c, x[0], ((struct unit_normalization *)l)->axis);
}

const struct nn_layer_class nn_layer_unit_normalization = {
    .base = {.name = "UnitNormalization",
             .kind = NN_LAYER,
             .doc = "x divided by its length along an axis; any shape",
             .args = args,
             .size = sizeof(struct unit_normalization)},
    .min_rank = 1,
    .output = output,
    .call = call,
};
