/* Adam (Kingma and Ba 2014, the formulation just before its section 2.1), with AMSGrad, and AdamW (Loshchilov and Hutter
 * 2017), which decays weights unless it is told not to. */
#include "nn/impl.h"

struct adam {
    struct nn_optimizer optimizer;
    double beta_1, beta_2, epsilon;
    bool amsgrad;
};

#define ADAM_ARGS                                                                                                      \
    NN_ADAM_ARGS(struct adam, "the mean of their squares"), {                                                          \
        "amsgrad", NN_BOOL, offsetof(struct adam, amsgrad), "false", .doc = "divides by the largest mean so far"       \
    }
static const struct nn_arg args[] = {NN_LEARNING_RATE_ARG("0.001"), ADAM_ARGS, NN_OPTIMIZER_ARGS, {0}};
static const struct nn_arg decaying_args[] = {
    NN_LEARNING_RATE_ARG("0.001"), NN_WEIGHT_DECAY_ARG("0.004"), ADAM_ARGS, NN_DECAYED_OPTIMIZER_ARGS, {0}};

static int nslot(const struct nn_optimizer *o) {
    return ((const struct adam *)o)->amsgrad ? 3 : 2;
}

/* learning_rate * sqrt(1 - beta_2^t) / (1 - beta_1^t) */
static struct tensor *corrected_rate(const struct adam *a, struct nn_call *c, const struct nn_update *u) {
    struct op_emitter *m = c->emit;
    emit_t power_1 = emit_rpows(m, a->beta_1, u->step);
    emit_t power_2 = emit_rpows(m, a->beta_2, u->step);
    emit_t rate = emit_mul(m, u->learning_rate, emit_sqrt(m, emit_rsubs(m, 1, power_2)));
    return emit_div(m, rate, emit_rsubs(m, 1, power_1));
}

static void update(struct nn_optimizer *o, struct nn_call *c, struct nn_update *u) {
    const struct adam *a = (const struct adam *)o;
    struct op_emitter *m = c->emit;
    u->slot[0] = nn_towards(c, u->slot[0], u->gradient, a->beta_1);
    u->slot[1] = nn_towards(c, u->slot[1], emit_square(m, u->gradient), a->beta_2);
    if (a->amsgrad) u->slot[2] = emit_maximum(m, u->slot[2], u->slot[1]);
    emit_t divisor = emit_adds(m, emit_sqrt(m, u->slot[a->amsgrad ? 2 : 1]), a->epsilon);
    emit_t step = emit_div(m, emit_mul(m, u->slot[0], corrected_rate(a, c, u)), divisor);
    u->value = emit_sub(m, u->value, step);
}

const struct nn_optimizer_class nn_optimizer_adam = {
    .base = {.name = "Adam",
             .alias = "adam",
             .kind = NN_OPTIMIZER,
             .doc = "w -= learning_rate * mean(g) / (sqrt(mean(g^2)) + epsilon), the means decaying and bias-corrected",
             .args = args,
             .size = sizeof(struct adam)},
    .slot_name = {"momentum", "velocity", "velocity_hat"},
    .nslot = nslot,
    .update = update,
};

const struct nn_optimizer_class nn_optimizer_adamw = {
    .base = {.name = "AdamW",
             .alias = "adamw",
             .kind = NN_OPTIMIZER,
             .doc = "Adam, with w -= learning_rate * weight_decay * w before each step",
             .args = decaying_args,
             .size = sizeof(struct adam)},
    .slot_name = {"momentum", "velocity", "velocity_hat"},
    .nslot = nslot,
    .update = update,
};
