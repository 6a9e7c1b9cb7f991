/* ExponentialDecay and InverseTimeDecay: the rate falls with p = step / decay_steps. */
#include "nn/impl.h"

struct decay {
    struct nn_object object;
    double initial, steps, decay_rate;
    bool staircase;
};

#define ARGS(NAME)                                                                                                     \
    {"initial_learning_rate", NN_FLOAT, offsetof(struct decay, initial), NULL, .doc = "the rate of the first step"},   \
        {"decay_steps", NN_FLOAT, offsetof(struct decay, steps), NULL, .doc = "steps after which p is 1"},             \
        {"decay_rate", NN_FLOAT, offsetof(struct decay, decay_rate), NULL, .doc = "how fast it falls"},                \
        {"staircase", NN_BOOL, offsetof(struct decay, staircase), "false", .doc = "p is rounded down"},                \
        NN_NAME_ARG(NAME), {                                                                                           \
        0                                                                                                              \
    }

static const struct nn_arg exponential_args[] = {ARGS("ExponentialDecay")};
static const struct nn_arg inverse_time_args[] = {ARGS("InverseTimeDecay")};

static enum status init(struct nn_object *o, struct err *e) {
    return nn_want_decay_steps(o, "decay_steps", ((struct decay *)o)->steps, e);
}

static struct tensor *part(const struct decay *d, struct nn_call *c, struct tensor *step) {
    emit_t p = emit_divs(c->emit, step, d->steps);
    return d->staircase ? emit_floor(c->emit, p) : p;
}

static struct tensor *exponential(struct nn_object *o, struct nn_call *c, struct tensor *step) {
    const struct decay *d = (const struct decay *)o;
    emit_t p = part(d, c, step);
    return emit_muls(c->emit, emit_rpows(c->emit, d->decay_rate, p), d->initial);
}

static struct tensor *inverse_time(struct nn_object *o, struct nn_call *c, struct tensor *step) {
    const struct decay *d = (const struct decay *)o;
    emit_t divisor = emit_adds(c->emit, emit_muls(c->emit, part(d, c, step), d->decay_rate), 1);
    return emit_div(c->emit, emit_scalar_like(c->emit, divisor, d->initial), divisor);
}

const struct nn_schedule_class nn_schedule_exponential_decay = {
    .base = {.name = "ExponentialDecay",
             .kind = NN_SCHEDULE,
             .doc = "initial_learning_rate * decay_rate ^ (step / decay_steps)",
             .args = exponential_args,
             .size = sizeof(struct decay),
             .init = init},
    .rate = exponential,
};

const struct nn_schedule_class nn_schedule_inverse_time_decay = {
    .base = {.name = "InverseTimeDecay",
             .kind = NN_SCHEDULE,
             .doc = "initial_learning_rate / (1 + decay_rate * step / decay_steps)",
             .args = inverse_time_args,
             .size = sizeof(struct decay),
             .init = init},
    .rate = inverse_time,
};
