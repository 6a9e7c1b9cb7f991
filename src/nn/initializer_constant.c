/* Zeros, Ones, Constant: one value everywhere. They draw no seed. */
#include "nn/impl.h"

struct constant {
    struct nn_object object;
    double value;
};

static const struct nn_arg no_args[] = {{0}};
static const struct nn_arg constant_args[] = {
    {"value", NN_FLOAT, offsetof(struct constant, value), "0.0", .doc = "the value"},
    {0},
};

static enum status fill(const struct shape *s, float value, float *out) {
    int64_t n = shape_size(s);
    for (int64_t i = 0; i < n; i++) out[i] = value;
    return OK;
}

static enum status draw_zeros(struct nn_object *o, const struct shape *s, float *out, struct err *e) {
    (void)o, (void)e;
    return fill(s, 0, out);
}

static enum status draw_ones(struct nn_object *o, const struct shape *s, float *out, struct err *e) {
    (void)o, (void)e;
    return fill(s, 1, out);
}

static enum status draw_constant(struct nn_object *o, const struct shape *s, float *out, struct err *e) {
    (void)e;
    return fill(s, (float)((struct constant *)o)->value, out);
}

const struct nn_initializer_class nn_initializer_zeros = {
    .base = {.name = "Zeros",
             .alias = "zeros zero",
             .kind = NN_INITIALIZERS,
             .doc = "0",
             .args = no_args,
             .size = sizeof(struct nn_object)},
    .draw = draw_zeros,
};

const struct nn_initializer_class nn_initializer_ones = {
    .base = {.name = "Ones",
             .alias = "ones one",
             .kind = NN_INITIALIZERS,
             .doc = "1",
             .args = no_args,
             .size = sizeof(struct nn_object)},
    .draw = draw_ones,
};

const struct nn_initializer_class nn_initializer_constant = {
    .base = {.name = "Constant",
             .alias = "constant",
             .kind = NN_INITIALIZERS,
             .doc = "one value",
             .args = constant_args,
             .size = sizeof(struct constant)},
    .draw = draw_constant,
};
