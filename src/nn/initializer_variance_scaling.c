/* VarianceScaling and its six named cases, which keep the variance of what flows through a layer.
 * Sources: Glorot and Bengio 2010, LeCun et al. 1998, He et al. 2015. */
#include <math.h>
#include <string.h>

#include "nn/impl.h"

struct variance_scaling {
    struct nn_object object;
    double scale;
    char *mode, *distribution; /* as given; the named cases have their own in their class */
    int64_t seed_given, seed;
};

struct rule {
    double scale;
    const char *mode, *distribution;
};

#define FIELD(field) offsetof(struct variance_scaling, field)
#define SEED_ARGS                                                                                                      \
    {"seed", NN_INT, FIELD(seed_given), "null", .doc = "null: drawn"},                                                 \
        {"input_axes", NN_REJECT, 0, "null", .doc = "axes that count as inputs"},                                      \
        {"output_axes", NN_REJECT, 0, "null", .doc = "axes that count as outputs"}, {                                  \
        0                                                                                                              \
    }
static const struct nn_arg general_args[] = {
    {"scale", NN_FLOAT, FIELD(scale), "1.0", .doc = "factor of the variance"},
    {"mode", NN_STRING, FIELD(mode), "\"fan_in\"", .choices = "fan_in fan_out fan_avg",
     .doc = "what the variance is divided by"},
    {"distribution", NN_STRING, FIELD(distribution), "\"truncated_normal\"",
     .choices = "truncated_normal untruncated_normal uniform normal", .doc = "normal stands for truncated_normal"},
    SEED_ARGS,
};
static const struct nn_arg named_args[] = {SEED_ARGS};

static enum status init(struct nn_object *o, struct err *e) {
    struct variance_scaling *v = (struct variance_scaling *)o;
    if (v->mode && !(v->scale > 0))
        return err_set(e, ERR_VALUE, "Argument `scale` must be positive float. Received: scale=%g", v->scale);
    v->seed = nn_seed_or_draw(o->run, v->seed_given);
    return OK;
}

/* Keras's compute_fans: a convolution's kernel counts each place of its window. */
static void fans(const struct shape *s, double *in, double *out) {
    double window = 1;
    for (int i = 0; i + 2 < s->rank; i++) window *= (double)s->dim[i];
    *in = s->rank == 0 ? 1 : window * (double)s->dim[s->rank == 1 ? 0 : s->rank - 2];
    *out = s->rank == 0 ? 1 : window * (double)s->dim[s->rank - 1];
}

static enum status draw(const struct variance_scaling *v, struct rule rule, const struct shape *s, float *out) {
    double in, outputs;
    fans(s, &in, &outputs);
    double n = strcmp(rule.mode, "fan_in") == 0 ? in : strcmp(rule.mode, "fan_out") == 0 ? outputs : (in + outputs) / 2;
    double variance = rule.scale / fmax(1, n), limit = sqrt(3 * variance);
    struct rng_philox stream = rng_stateless(v->seed, 0);
    int64_t size = shape_size(s);
    if (strcmp(rule.distribution, "uniform") == 0)
        rng_uniform(&stream, size, -limit, limit, out);
    else if (strcmp(rule.distribution, "untruncated_normal") == 0)
        rng_normal(&stream, size, 0, sqrt(variance), out);
    else
        rng_truncated_normal(&stream, size, 0, sqrt(variance) / 0.87962566103423978, out);
    return OK;
}

static enum status draw_general(struct nn_object *o, const struct shape *s, float *out, struct err *e) {
    (void)e;
    const struct variance_scaling *v = (struct variance_scaling *)o;
    return draw(v, (struct rule){v->scale, v->mode, v->distribution}, s, out);
}

const struct nn_initializer_class nn_initializer_variance_scaling = {
    .base = {.name = "VarianceScaling",
             .alias = "variance_scaling",
             .kind = NN_INITIALIZERS,
             .doc = "mean 0, variance scale / fan",
             .args = general_args,
             .size = sizeof(struct variance_scaling),
             .init = init},
    .draw = draw_general,
    .seed = FIELD(seed),
};

#define DRAW(NAME, ...)                                                                                                \
    static enum status NAME(struct nn_object *o, const struct shape *s, float *out, struct err *e) {                   \
        (void)e;                                                                                                       \
        return draw((struct variance_scaling *)o, (struct rule){__VA_ARGS__}, s, out);                                 \
    }
DRAW(glorot_uniform, 1, "fan_avg", "uniform")
DRAW(glorot_normal, 1, "fan_avg", "truncated_normal")
DRAW(he_uniform, 2, "fan_in", "uniform")
DRAW(he_normal, 2, "fan_in", "truncated_normal")
DRAW(lecun_uniform, 1, "fan_in", "uniform")
DRAW(lecun_normal, 1, "fan_in", "truncated_normal")

#define NAMED(NAME, ALIAS, DOC)                                                                                        \
    .base = {.name = (NAME),                                                                                           \
             .alias = (ALIAS),                                                                                         \
             .kind = NN_INITIALIZERS,                                                                                  \
             .doc = (DOC),                                                                                             \
             .args = named_args,                                                                                       \
             .size = sizeof(struct variance_scaling),                                                                  \
             .init = init}

const struct nn_initializer_class nn_initializer_glorot_uniform = {
    NAMED("GlorotUniform", "glorot_uniform", "uniform within sqrt(6 / (fan_in + fan_out))"),
    .draw = glorot_uniform,
    .seed = FIELD(seed),
};

const struct nn_initializer_class nn_initializer_glorot_normal = {
    NAMED("GlorotNormal", "glorot_normal", "truncated normal of variance 2 / (fan_in + fan_out)"),
    .draw = glorot_normal,
    .seed = FIELD(seed),
};

const struct nn_initializer_class nn_initializer_he_uniform = {
    NAMED("HeUniform", "he_uniform", "uniform within sqrt(6 / fan_in)"),
    .draw = he_uniform,
    .seed = FIELD(seed),
};

const struct nn_initializer_class nn_initializer_he_normal = {
    NAMED("HeNormal", "he_normal", "truncated normal of variance 2 / fan_in"),
    .draw = he_normal,
    .seed = FIELD(seed),
};

const struct nn_initializer_class nn_initializer_lecun_uniform = {
    NAMED("LecunUniform", "lecun_uniform", "uniform within sqrt(3 / fan_in)"),
    .draw = lecun_uniform,
    .seed = FIELD(seed),
};

const struct nn_initializer_class nn_initializer_lecun_normal = {
    NAMED("LecunNormal", "lecun_normal", "truncated normal of variance 1 / fan_in"),
    .draw = lecun_normal,
    .seed = FIELD(seed),
};
