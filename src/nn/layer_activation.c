/* Activation: one of the activation functions as a layer. */
#include "nn/impl.h"

struct activation {
    struct nn_layer layer;
    const struct nn_activation *activation;
};

static const struct nn_arg args[] = {
    {"activation", NN_ACTIVATION, offsetof(struct activation, activation), NULL, .doc = "its name"},
    {0},
};

static struct tensor *call(struct nn_layer *l, struct nn_call *c, struct tensor *const *x, int nx) {
    (void)nx;
    return ((struct activation *)l)->activation->call(c, x[0]);
}

const struct nn_layer_class nn_layer_activation = {
    .base = {.name = "Activation",
             .kind = NN_LAYER,
             .doc = "an activation function of x; any shape",
             .args = args,
             .size = sizeof(struct activation)},
    .call = call,
};
