/* LeakyReLU: x above 0, negative_slope * x below. */
#include "nn/impl.h"

struct leaky_relu {
    struct nn_layer layer;
    double negative_slope;
};

static const struct nn_arg args[] = {
    {"negative_slope", NN_FLOAT, offsetof(struct leaky_relu, negative_slope), "0.3", .doc = "slope below 0"},
    {0},
};

static enum status init(struct nn_object *o, struct err *e) {
    double slope = ((struct leaky_relu *)o)->negative_slope;
    if (slope >= 0) return OK;
    return err_set(e, ERR_VALUE,
                   "The negative_slope value of a Leaky ReLU layer cannot be None or negative value. Expected a float. "
                   "Received: negative_slope=%g",
                   slope);
}

static struct tensor *call(struct nn_layer *l, struct nn_call *c, struct tensor *const *x, int nx) {
    (void)nx;
    struct op_emitter *m = c->emit;
    emit_t below = emit_muls(m, x[0], ((struct leaky_relu *)l)->negative_slope);
    return emit_where(m, emit_gts(m, x[0], 0), x[0], below);
}

const struct nn_layer_class nn_layer_leaky_relu = {
    .base = {.name = "LeakyReLU",
             .kind = NN_LAYER,
             .doc = "x above 0, negative_slope * x below; any shape",
             .args = args,
             .size = sizeof(struct leaky_relu),
             .init = init},
    .call = call,
};
