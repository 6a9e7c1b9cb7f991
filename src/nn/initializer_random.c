/* RandomUniform, RandomNormal, TruncatedNormal. One object gives the same numbers each time, as in Keras. */
#include "nn/impl.h"

struct random {
    struct nn_object object;
    double first, second; /* minval, maxval or mean, stddev */
    int64_t seed_given, seed;
};

#define FIELD(field) offsetof(struct random, field)
static const struct nn_arg uniform_args[] = {
    {"minval", NN_FLOAT, FIELD(first), "-0.05", .doc = "the least value"},
    {"maxval", NN_FLOAT, FIELD(second), "0.05", .doc = "above all values"},
    {"seed", NN_INT, FIELD(seed_given), "null", .doc = "null: drawn"},
    {0},
};
static const struct nn_arg normal_args[] = {
    {"mean", NN_FLOAT, FIELD(first), "0.0", .doc = "the mean"},
    {"stddev", NN_FLOAT, FIELD(second), "0.05", .doc = "the standard deviation"},
    {"seed", NN_INT, FIELD(seed_given), "null", .doc = "null: drawn"},
    {0},
};

static enum status init(struct nn_object *o, struct err *e) {
    (void)e;
    struct random *r = (struct random *)o;
    r->seed = nn_seed_or_draw(o->run, r->seed_given);
    return OK;
}

#define DRAW(NAME, FUNCTION)                                                                                           \
    static enum status NAME(struct nn_object *o, const struct shape *s, float *out, struct err *e) {                   \
        (void)e;                                                                                                       \
        const struct random *r = (struct random *)o;                                                                   \
        struct rng_philox stream = rng_stateless(r->seed, 0);                                                          \
        FUNCTION(&stream, shape_size(s), r->first, r->second, out);                                                    \
        return OK;                                                                                                     \
    }
DRAW(draw_uniform, rng_uniform)
DRAW(draw_normal, rng_normal)
DRAW(draw_truncated, rng_truncated_normal)

const struct nn_initializer_class nn_initializer_random_uniform = {
    .base = {.name = "RandomUniform",
             .alias = "random_uniform uniform",
             .kind = NN_INITIALIZERS,
             .doc = "uniform in [minval, maxval)",
             .args = uniform_args,
             .size = sizeof(struct random),
             .init = init},
    .draw = draw_uniform,
    .seed = FIELD(seed),
};

const struct nn_initializer_class nn_initializer_random_normal = {
    .base = {.name = "RandomNormal",
             .alias = "random_normal normal",
             .kind = NN_INITIALIZERS,
             .doc = "normal with a mean and a standard deviation",
             .args = normal_args,
             .size = sizeof(struct random),
             .init = init},
    .draw = draw_normal,
    .seed = FIELD(seed),
};

const struct nn_initializer_class nn_initializer_truncated_normal = {
    .base = {.name = "TruncatedNormal",
             .alias = "truncated_normal",
             .kind = NN_INITIALIZERS,
             .doc = "normal, without what lies two standard deviations off",
             .args = normal_args,
             .size = sizeof(struct random),
             .init = init},
    .draw = draw_truncated,
    .seed = FIELD(seed),
};
