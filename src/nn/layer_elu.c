/* ELU: x above 0, alpha * (exp(x) - 1) below. */
#include "nn/impl.h"

struct elu {
    struct nn_layer layer;
    double alpha;
};

static const struct nn_arg args[] = {
    {"alpha", NN_FLOAT, offsetof(struct elu, alpha), "1.0", .doc = "-alpha is where it goes far below 0"},
    {0},
};

static struct tensor *call(struct nn_layer *l, struct nn_call *c, struct tensor *const *x, int nx) {
    (void)nx;
    return emit_elu(c->emit, x[0], ((struct elu *)l)->alpha);
}

const struct nn_layer_class nn_layer_elu = {
    .base = {.name = "ELU",
             .kind = NN_LAYER,
             .doc = "x above 0, alpha * (exp(x) - 1) below; any shape",
             .args = args,
             .size = sizeof(struct elu)},
    .call = call,
};
