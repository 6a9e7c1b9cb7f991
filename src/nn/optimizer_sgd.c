/* SGD, with momentum and Nesterov's momentum. */
#include "nn/impl.h"

struct sgd {
    struct nn_optimizer optimizer;
    double momentum;
    bool nesterov;
};

static const struct nn_arg args[] = {
    NN_LEARNING_RATE_ARG("0.01"),
    {"momentum", NN_FLOAT, offsetof(struct sgd, momentum), "0.0", .doc = "part of the last step that is kept"},
    {"nesterov", NN_BOOL, offsetof(struct sgd, nesterov), "false", .doc = "looks ahead along the momentum"},
    NN_OPTIMIZER_ARGS,
    {0},
};

static enum status init(struct nn_object *o, struct err *e) {
    double momentum = ((struct sgd *)o)->momentum;
    if (momentum >= 0 && momentum <= 1) return OK;
    return err_set(e, ERR_VALUE, "`momentum` must be a float between [0, 1]. Received: momentum=%g", momentum);
}

static int nslot(const struct nn_optimizer *o) {
    return ((const struct sgd *)o)->momentum != 0;
}

/* momentum * velocity - learning_rate * g */
static struct tensor *step(const struct sgd *s, struct nn_call *c, struct tensor *velocity, const struct nn_update *u) {
    emit_t pull = emit_mul(c->emit, u->gradient, u->learning_rate);
    return emit_sub(c->emit, emit_muls(c->emit, velocity, s->momentum), pull);
}

static void update(struct nn_optimizer *o, struct nn_call *c, struct nn_update *u) {
    const struct sgd *s = (const struct sgd *)o;
    if (s->momentum == 0) {
        u->value = emit_sub(c->emit, u->value, emit_mul(c->emit, u->gradient, u->learning_rate));
        return;
    }
    u->slot[0] = step(s, c, u->slot[0], u);
    u->value = emit_add(c->emit, u->value, s->nesterov ? step(s, c, u->slot[0], u) : u->slot[0]);
}

const struct nn_optimizer_class nn_optimizer_sgd = {
    .base = {.name = "SGD",
             .alias = "sgd",
             .kind = NN_OPTIMIZER,
             .doc = "velocity = momentum * velocity - learning_rate * g; w += velocity",
             .args = args,
             .size = sizeof(struct sgd),
             .init = init},
    .slot_name = {"momentum"},
    .nslot = nslot,
    .update = update,
};
