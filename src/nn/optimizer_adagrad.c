/* Adagrad (Duchi, Hazan and Singer 2011, figure 1). */
#include "nn/impl.h"

struct adagrad {
    struct nn_optimizer optimizer;
    double initial, epsilon;
};

static const struct nn_arg args[] = {
    NN_LEARNING_RATE_ARG("0.001"),
    {"initial_accumulator_value", NN_FLOAT, offsetof(struct adagrad, initial), "0.1",
     .doc = "what the sums of squares begin with"},
    NN_EPSILON_ARG(struct adagrad),
    NN_OPTIMIZER_ARGS,
    {0},
};

static double start(const struct nn_optimizer *o, int slot) {
    (void)slot;
    return ((const struct adagrad *)o)->initial;
}

static void update(struct nn_optimizer *o, struct nn_call *c, struct nn_update *u) {
    struct op_emitter *m = c->emit;
    u->slot[0] = emit_add(m, u->slot[0], emit_square(m, u->gradient));
    emit_t divisor = emit_sqrt(m, emit_adds(m, u->slot[0], ((const struct adagrad *)o)->epsilon));
    u->value = emit_sub(m, u->value, emit_div(m, emit_mul(m, u->learning_rate, u->gradient), divisor));
}

const struct nn_optimizer_class nn_optimizer_adagrad = {
    .base = {.name = "Adagrad",
             .alias = "adagrad",
             .kind = NN_OPTIMIZER,
             .doc = "w -= learning_rate * g / sqrt(sum(g^2) + epsilon)",
             .args = args,
             .size = sizeof(struct adagrad)},
    .slot_name = {"accumulator"},
    .start = start,
    .update = update,
};
