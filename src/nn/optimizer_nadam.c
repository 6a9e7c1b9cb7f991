/* Nadam: Adam with Nesterov's momentum, whose decay grows (Dozat 2015, algorithm 8; the schedule 1 - 0.5 * 0.96^t of its
 * section 5, as Keras has it). */
#include "nn/impl.h"

struct nadam {
    struct nn_optimizer optimizer;
    double beta_1, beta_2, epsilon;
};

static const struct nn_arg args[] = {
    NN_LEARNING_RATE_ARG("0.001"),
    NN_ADAM_ARGS(struct nadam, "the mean of their squares"),
    NN_OPTIMIZER_ARGS,
    {0},
};

/* beta_1 (1 - 0.5 * 0.96^step) */
static struct tensor *decay(const struct nadam *a, struct op_emitter *m, struct tensor *step) {
    emit_t power = emit_rpows(m, 0.96, step);
    return emit_muls(m, emit_rsubs(m, 1, emit_muls(m, power, 0.5)), a->beta_1);
}

static struct tensor *product(const struct nn_optimizer *o, struct nn_call *c, const struct nn_update *u) {
    return emit_mul(c->emit, u->shared, decay((const struct nadam *)o, c->emit, u->step));
}

static void update(struct nn_optimizer *o, struct nn_call *c, struct nn_update *u) {
    const struct nadam *a = (const struct nadam *)o;
    struct op_emitter *m = c->emit;
    emit_t now = decay(a, m, u->step), next = decay(a, m, emit_adds(m, u->step, 1));
    emit_t power = emit_rpows(m, a->beta_2, u->step);
    /* Unlike Adam's, Keras's betas are float32 before they are taken from 1. */
    u->slot[0] = nn_towards(c, u->slot[0], u->gradient, (float)a->beta_1);
    u->slot[1] = nn_towards(c, u->slot[1], emit_square(m, u->gradient), (float)a->beta_2);
    emit_t ahead = emit_div(m, next, emit_rsubs(m, 1, emit_mul(m, u->shared, next)));
    emit_t here = emit_div(m, emit_rsubs(m, 1, now), emit_rsubs(m, 1, u->shared));
    emit_t mean = emit_add(m, emit_mul(m, u->slot[0], ahead), emit_mul(m, u->gradient, here));
    emit_t square = emit_div(m, u->slot[1], emit_rsubs(m, 1, power));
    emit_t divisor = emit_adds(m, emit_sqrt(m, square), a->epsilon);
    u->value = emit_sub(m, u->value, emit_div(m, emit_mul(m, mean, u->learning_rate), divisor));
}

const struct nn_optimizer_class nn_optimizer_nadam = {
    .base = {.name = "Nadam",
             .alias = "nadam",
             .kind = NN_OPTIMIZER,
             .doc = "Adam that looks a step ahead: with Nesterov's momentum",
             .args = args,
             .size = sizeof(struct nadam)},
    .slot_name = {"momentum", "velocity"},
    .shared_name = "u_product",
    .shared = product,
    .update = update,
};
