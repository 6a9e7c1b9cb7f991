/* Adamax (Kingma and Ba 2014, section 7.1): Adam with the largest gradient in the place of the mean square. */
#include "nn/impl.h"

struct adamax {
    struct nn_optimizer optimizer;
    double beta_1, beta_2, epsilon;
};

static const struct nn_arg args[] = {
    NN_LEARNING_RATE_ARG("0.001"),
    NN_ADAM_ARGS(struct adamax, "the largest gradient"),
    NN_OPTIMIZER_ARGS,
    {0},
};

static void update(struct nn_optimizer *o, struct nn_call *c, struct nn_update *u) {
    const struct adamax *a = (const struct adamax *)o;
    struct op_emitter *m = c->emit;
    u->slot[0] = nn_towards(c, u->slot[0], u->gradient, a->beta_1);
    u->slot[1] = emit_maximum(m, emit_muls(m, u->slot[1], a->beta_2), emit_abs(m, u->gradient));
    emit_t power = emit_rpows(m, a->beta_1, u->step);
    emit_t divisor = emit_mul(m, emit_rsubs(m, 1, power), emit_adds(m, u->slot[1], a->epsilon));
    u->value = emit_sub(m, u->value, emit_div(m, emit_mul(m, u->learning_rate, u->slot[0]), divisor));
}

const struct nn_optimizer_class nn_optimizer_adamax = {
    .base = {.name = "Adamax",
             .alias = "adamax",
             .kind = NN_OPTIMIZER,
             .doc = "w -= learning_rate * mean(g) / (max|g| + epsilon), the mean and the maximum decaying",
             .args = args,
             .size = sizeof(struct adamax)},
    .slot_name = {"momentum", "norm"},
    .update = update,
};
