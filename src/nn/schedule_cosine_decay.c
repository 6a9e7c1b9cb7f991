/* CosineDecay, with a linear warm-up, and CosineDecayRestarts. Loshchilov and Hutter 2016, "SGDR: Stochastic Gradient Descent
 * with Warm Restarts". */
#include <math.h>

#include "nn/impl.h"

struct cosine {
    struct nn_object object;
    double initial, steps, alpha;
    double warmup_target, warmup_steps; /* target NAN: none */
    double t_mul, m_mul;
};

static const struct nn_arg decay_args[] = {
    {"initial_learning_rate", NN_FLOAT, offsetof(struct cosine, initial), NULL, .doc = "the rate of the first step"},
    {"decay_steps", NN_FLOAT, offsetof(struct cosine, steps), NULL, .doc = "steps until alpha of it is left"},
    {"alpha", NN_FLOAT, offsetof(struct cosine, alpha), "0.0", .doc = "the part that stays"},
    NN_NAME_ARG("CosineDecay"),
    {"warmup_target", NN_FLOAT, offsetof(struct cosine, warmup_target), "null",
     .doc = "the rate to which it rises evenly before it decays"},
    {"warmup_steps", NN_FLOAT, offsetof(struct cosine, warmup_steps), "0", .doc = "in so many steps"},
    {0},
};

static const struct nn_arg restarts_args[] = {
    {"initial_learning_rate", NN_FLOAT, offsetof(struct cosine, initial), NULL, .doc = "the rate of the first step"},
    {"first_decay_steps", NN_FLOAT, offsetof(struct cosine, steps), NULL, .doc = "steps of the first decay"},
    {"t_mul", NN_FLOAT, offsetof(struct cosine, t_mul), "2.0", .doc = "how much longer each next decay takes"},
    {"m_mul", NN_FLOAT, offsetof(struct cosine, m_mul), "1.0", .doc = "the part of the rate with which it starts"},
    {"alpha", NN_FLOAT, offsetof(struct cosine, alpha), "0.0", .doc = "the part that stays at its end"},
    NN_NAME_ARG("SGDRDecay"),
    {0},
};

static enum status init_decay(struct nn_object *o, struct err *e) {
    return nn_want_decay_steps(o, "decay_steps", ((struct cosine *)o)->steps, e);
}

static enum status init_restarts(struct nn_object *o, struct err *e) {
    return nn_want_decay_steps(o, "first_decay_steps", ((struct cosine *)o)->steps, e);
}

/* (1 + cos(pi p)) / 2 */
static struct tensor *half_wave(struct op_emitter *m, struct tensor *p) {
    return emit_muls(m, emit_adds(m, emit_cos(m, emit_muls(m, p, M_PI)), 1), 0.5);
}

/* from * ((1 - alpha) * wave + alpha) */
static struct tensor *above(const struct cosine *s, struct op_emitter *m, struct tensor *wave, double from) {
    return emit_muls(m, emit_adds(m, emit_muls(m, wave, 1 - s->alpha), s->alpha), from);
}

static struct tensor *decay(struct nn_object *o, struct nn_call *c, struct tensor *step) {
    const struct cosine *s = (const struct cosine *)o;
    struct op_emitter *m = c->emit;
    const bool warms = !isnan(s->warmup_target);
    const double warmup = warms ? s->warmup_steps : 0, from = warms ? s->warmup_target : s->initial;
    emit_t done = emit_minimums(m, step, s->steps + warmup);
    emit_t p = emit_divs(m, emit_adds(m, done, -warmup), s->steps), decayed = above(s, m, half_wave(m, p), from);
    if (warmup <= 0) return decayed;
    emit_t rising = emit_adds(m, emit_muls(m, emit_divs(m, done, warmup), from - s->initial), s->initial);
    return emit_where(m, emit_lt(m, done, emit_scalar_like(m, done, warmup)), rising, decayed);
}

/* Of x decays' lengths, the first one's, which decay it is in, from 0, and which part of that is done. */
static struct tensor *find_decay(const struct cosine *s, struct op_emitter *m, struct tensor *x, struct tensor **part) {
    if (s->t_mul == 1) {
        emit_t number = emit_floor(m, x);
        *part = emit_sub(m, x, number);
        return number;
    }
    /* The lengths before it are a geometric series: (1 - t_mul^i) / (1 - t_mul). */
    emit_t grown = emit_rsubs(m, 1, emit_muls(m, x, 1 - s->t_mul));
    emit_t number = emit_floor(m, emit_divs(m, emit_log(m, grown), log(s->t_mul)));
    emit_t length = emit_rpows(m, s->t_mul, number);
    emit_t before = emit_divs(m, emit_rsubs(m, 1, length), 1 - s->t_mul);
    *part = emit_div(m, emit_sub(m, x, before), length);
    return number;
}

static struct tensor *restarts(struct nn_object *o, struct nn_call *c, struct tensor *step) {
    const struct cosine *s = (const struct cosine *)o;
    struct op_emitter *m = c->emit;
    emit_t part, number = find_decay(s, m, emit_divs(m, step, s->steps), &part);
    emit_t high = emit_rpows(m, s->m_mul, number);
    return above(s, m, emit_mul(m, high, half_wave(m, part)), s->initial);
}

const struct nn_schedule_class nn_schedule_cosine_decay = {
    .base = {.name = "CosineDecay",
             .kind = NN_SCHEDULE,
             .doc = "initial_learning_rate * ((1 - alpha) * (1 + cos(pi * min(step / decay_steps, 1))) / 2 + alpha)",
             .args = decay_args,
             .size = sizeof(struct cosine),
             .init = init_decay},
    .rate = decay,
};

const struct nn_schedule_class nn_schedule_cosine_decay_restarts = {
    .base = {.name = "CosineDecayRestarts",
             .kind = NN_SCHEDULE,
             .doc =
                 "CosineDecay over and over: first_decay_steps long, then each t_mul times as long and m_mul times as "
                 "high",
             .args = restarts_args,
             .size = sizeof(struct cosine),
             .init = init_restarts},
    .rate = restarts,
};
