/* RMSprop (Hinton, Neural Networks for Machine Learning, lecture 6e), with momentum, and centred (Graves 2013, eq. 40). */
#include "nn/impl.h"

struct rmsprop {
    struct nn_optimizer optimizer;
    double rho, momentum, epsilon;
    bool centered;
};

static const struct nn_arg args[] = {
    NN_LEARNING_RATE_ARG("0.001"),
    {"rho", NN_FLOAT, offsetof(struct rmsprop, rho), "0.9", .doc = "decay of the means"},
    {"momentum", NN_FLOAT, offsetof(struct rmsprop, momentum), "0.0", .doc = "part of the last step that is kept"},
    NN_EPSILON_ARG(struct rmsprop),
    {"centered", NN_BOOL, offsetof(struct rmsprop, centered), "false",
     .doc = "divides by the variance of the gradients instead of the mean of their squares"},
    NN_OPTIMIZER_ARGS,
    {0},
};

/* A centred one keeps a momentum, too, where Keras has none if that is 0. */
static int nslot(const struct nn_optimizer *o) {
    const struct rmsprop *r = (const struct rmsprop *)o;
    return r->centered ? 3 : r->momentum > 0 ? 2 : 1;
}

/* rho * mean + (1 - rho) * x */
static struct tensor *decayed(const struct rmsprop *r, struct nn_call *c, struct tensor *mean, struct tensor *x) {
    return emit_add(c->emit, emit_muls(c->emit, mean, r->rho), emit_muls(c->emit, x, 1 - r->rho));
}

static void update(struct nn_optimizer *o, struct nn_call *c, struct nn_update *u) {
    const struct rmsprop *r = (const struct rmsprop *)o;
    struct op_emitter *m = c->emit;
    u->slot[0] = decayed(r, c, u->slot[0], emit_square(m, u->gradient));
    emit_t divisor = u->slot[0];
    if (r->centered) {
        u->slot[2] = decayed(r, c, u->slot[2], u->gradient);
        divisor = emit_sub(m, divisor, emit_square(m, u->slot[2]));
    }
    emit_t step =
        emit_mul(m, emit_mul(m, u->gradient, u->learning_rate), emit_rsqrt(m, emit_adds(m, divisor, r->epsilon)));
    if (r->momentum > 0) step = u->slot[1] = emit_add(m, emit_muls(m, u->slot[1], r->momentum), step);
    u->value = emit_sub(m, u->value, step);
}

const struct nn_optimizer_class nn_optimizer_rmsprop = {
    .base = {.name = "RMSprop",
             .alias = "rmsprop",
             .kind = NN_OPTIMIZER,
             .doc = "w -= learning_rate * g / sqrt(mean(g^2) + epsilon), the mean decaying",
             .args = args,
             .size = sizeof(struct rmsprop)},
    .slot_name = {"velocity", "momentum", "average_gradient"},
    .nslot = nslot,
    .update = update,
};
