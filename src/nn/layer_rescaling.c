/* Rescaling: x * scale + offset. */
#include "nn/impl.h"

struct rescaling {
    struct nn_layer layer;
    double scale, offset;
};

static const struct nn_arg args[] = {
    {"scale", NN_FLOAT, offsetof(struct rescaling, scale), NULL, .doc = "the factor"},
    {"offset", NN_FLOAT, offsetof(struct rescaling, offset), "0.0", .doc = "added at the end"},
    {0},
};

static struct tensor *call(struct nn_layer *l, struct nn_call *c, struct tensor *const *x, int nx) {
    (void)nx;
    const struct rescaling *r = (struct rescaling *)l;
    return emit_adds(c->emit, emit_muls(c->emit, x[0], r->scale), r->offset);
}

const struct nn_layer_class nn_layer_rescaling = {
    .base = {.name = "Rescaling",
             .kind = NN_LAYER,
             .doc = "x * scale + offset; any shape",
             .args = args,
             .size = sizeof(struct rescaling)},
    .call = call,
};
