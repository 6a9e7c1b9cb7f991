/* Adadelta (Zeiler 2012, algorithm 1). */
#include "nn/impl.h"

struct adadelta {
    struct nn_optimizer optimizer;
    double rho, epsilon;
};

static const struct nn_arg args[] = {
    NN_LEARNING_RATE_ARG("0.001"),
    {"rho", NN_FLOAT, offsetof(struct adadelta, rho), "0.95", .doc = "decay of the means"},
    NN_EPSILON_ARG(struct adadelta),
    NN_OPTIMIZER_ARGS,
    {0},
};

/* rho * mean + (1 - rho) * x^2 */
static struct tensor *decayed(const struct adadelta *a, struct nn_call *c, struct tensor *mean, struct tensor *x) {
    emit_t square = emit_muls(c->emit, emit_square(c->emit, x), 1 - a->rho);
    return emit_add(c->emit, emit_muls(c->emit, mean, a->rho), square);
}

static struct tensor *root(const struct adadelta *a, struct nn_call *c, struct tensor *mean) {
    return emit_sqrt(c->emit, emit_adds(c->emit, mean, a->epsilon));
}

static void update(struct nn_optimizer *o, struct nn_call *c, struct nn_update *u) {
    const struct adadelta *a = (const struct adadelta *)o;
    struct op_emitter *m = c->emit;
    u->slot[0] = decayed(a, c, u->slot[0], u->gradient);
    emit_t step = emit_div(m, emit_mul(m, root(a, c, u->slot[1]), u->gradient), root(a, c, u->slot[0]));
    u->slot[1] = decayed(a, c, u->slot[1], step);
    u->value = emit_sub(m, u->value, emit_mul(m, u->learning_rate, step));
}

const struct nn_optimizer_class nn_optimizer_adadelta = {
    .base =
        {.name = "Adadelta",
         .alias = "adadelta",
         .kind = NN_OPTIMIZER,
         .doc = "w -= learning_rate * g * sqrt(mean(step^2) + epsilon) / sqrt(mean(g^2) + epsilon), the means decaying",
         .args = args,
         .size = sizeof(struct adadelta)},
    .slot_name = {"accumulated_grad", "accumulated_delta_var"},
    .update = update,
};
