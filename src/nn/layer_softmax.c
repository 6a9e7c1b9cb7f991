/* Softmax: exp(x) over its sum along one axis. */
#include "nn/impl.h"

struct softmax {
    struct nn_layer layer;
    int64_t axis;
};

static const struct nn_arg args[] = {
    {"axis", NN_SINGLE, offsetof(struct softmax, axis), "-1", .doc = "along which the results sum to 1"},
    {0},
};

static enum status output(struct nn_layer *l, const struct shape *in, int nin, struct shape *out, struct err *e) {
    (void)nin;
    int axis;
    *out = in[0];
    return shape_axis(&in[0], ((struct softmax *)l)->axis, &axis, e);
}

static struct tensor *call(struct nn_layer *l, struct nn_call *c, struct tensor *const *x, int nx) {
    (void)nx;
    int64_t axis = ((struct softmax *)l)->axis;
    return nn_softmax(c, x[0], (int)(axis < 0 ? axis + x[0]->shape.rank : axis));
}

const struct nn_layer_class nn_layer_softmax = {
    .base = {.name = "Softmax",
             .kind = NN_LAYER,
             .doc = "exp(x) / sum(exp(x)) along an axis; any shape",
             .args = args,
             .size = sizeof(struct softmax)},
    .min_rank = 1,
    .output = output,
    .call = call,
};
