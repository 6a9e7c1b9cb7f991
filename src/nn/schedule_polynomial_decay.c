/* PolynomialDecay. */
#include "nn/impl.h"

struct polynomial {
    struct nn_object object;
    double initial, steps, end, power;
    bool cycle;
};

static const struct nn_arg args[] = {
    {"initial_learning_rate", NN_FLOAT, offsetof(struct polynomial, initial), NULL,
     .doc = "the rate of the first step"},
    {"decay_steps", NN_FLOAT, offsetof(struct polynomial, steps), NULL, .doc = "steps until end_learning_rate"},
    {"end_learning_rate", NN_FLOAT, offsetof(struct polynomial, end), "0.0001", .doc = "the last rate"},
    {"power", NN_FLOAT, offsetof(struct polynomial, power), "1.0", .doc = "1: it falls evenly"},
    {"cycle", NN_BOOL, offsetof(struct polynomial, cycle), "false",
     .doc = "after decay_steps it falls again, over the next multiple of them"},
    NN_NAME_ARG("PolynomialDecay"),
    {0},
};

static enum status init(struct nn_object *o, struct err *e) {
    return nn_want_decay_steps(o, "decay_steps", ((struct polynomial *)o)->steps, e);
}

/* Which part of the decay is done: of decay_steps, or of the first multiple of them that is not below step. */
static struct tensor *part(const struct polynomial *s, struct op_emitter *m, struct tensor *step) {
    if (!s->cycle) return emit_divs(m, emit_minimums(m, step, s->steps), s->steps);
    emit_t times = emit_maximums(m, emit_ceil(m, emit_divs(m, step, s->steps)), 1);
    return emit_div(m, step, emit_muls(m, times, s->steps));
}

static struct tensor *rate(struct nn_object *o, struct nn_call *c, struct tensor *step) {
    const struct polynomial *s = (const struct polynomial *)o;
    struct op_emitter *m = c->emit;
    emit_t left = emit_rsubs(m, 1, part(s, m, step));
    emit_t curve = emit_pow(m, left, emit_scalar_like(m, left, s->power));
    return emit_adds(m, emit_muls(m, curve, s->initial - s->end), s->end);
}

const struct nn_schedule_class nn_schedule_polynomial_decay = {
    .base = {.name = "PolynomialDecay",
             .kind = NN_SCHEDULE,
             .doc = "(initial_learning_rate - end_learning_rate) * (1 - min(step / decay_steps, 1)) ^ power + "
                    "end_learning_rate",
             .args = args,
             .size = sizeof(struct polynomial),
             .init = init},
    .rate = rate,
};
