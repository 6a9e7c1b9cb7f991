/* Lion (Chen et al. 2023, algorithm 2). */
#include "nn/impl.h"

struct lion {
    struct nn_optimizer optimizer;
    double beta_1, beta_2;
};

static const struct nn_arg args[] = {
    NN_LEARNING_RATE_ARG("0.001"),
    {"beta_1", NN_FLOAT, offsetof(struct lion, beta_1), "0.9", .doc = "the momentum's part in a step"},
    {"beta_2", NN_FLOAT, offsetof(struct lion, beta_2), "0.99", .doc = "decay of the momentum"},
    NN_OPTIMIZER_ARGS,
    {0},
};

static enum status init(struct nn_object *o, struct err *e) {
    const double beta_1 = ((const struct lion *)o)->beta_1;
    if (beta_1 > 0 && beta_1 <= 1) return OK;
    return err_set(e, ERR_VALUE,
                   "Argument `beta_1` must be in the [0, 1] range. Otherwise, the optimizer degenerates to SignSGD. "
                   "Received: beta_1=%g.",
                   beta_1);
}

/* part * momentum + (1 - part) * g */
static struct tensor *mixed(struct nn_call *c, const struct nn_update *u, double part) {
    return emit_add(c->emit, emit_muls(c->emit, u->slot[0], part), emit_muls(c->emit, u->gradient, 1 - part));
}

static void update(struct nn_optimizer *o, struct nn_call *c, struct nn_update *u) {
    const struct lion *l = (const struct lion *)o;
    emit_t direction = emit_sign(c->emit, mixed(c, u, l->beta_1));
    u->value = emit_sub(c->emit, u->value, emit_mul(c->emit, u->learning_rate, direction));
    u->slot[0] = mixed(c, u, l->beta_2);
}

const struct nn_optimizer_class nn_optimizer_lion = {
    .base = {.name = "Lion",
             .alias = "lion",
             .kind = NN_OPTIMIZER,
             .doc = "w -= learning_rate * sign(beta_1 * momentum + (1 - beta_1) * g)",
             .args = args,
             .size = sizeof(struct lion),
             .init = init},
    .slot_name = {"momentum"},
    .update = update,
};
