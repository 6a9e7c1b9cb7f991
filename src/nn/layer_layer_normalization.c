/* LayerNormalization: mean 0 and variance 1 along an axis of each sample, then a learned scale and offset. */
#include "nn/impl.h"

struct layer_normalization {
    struct nn_layer layer;
    int64_t axis;
    double epsilon;
    bool center, scale;
    struct nn_object *beta_initializer, *gamma_initializer;
    struct variable *gamma, *beta;
};

#define FIELD(field) offsetof(struct layer_normalization, field)
static const struct nn_arg args[] = {
    {"axis", NN_AXIS, FIELD(axis), "-1", .flags = NN_LISTED, .doc = "along which mean and variance are taken"},
    {"epsilon", NN_FLOAT, FIELD(epsilon), "0.001", .doc = "added to the variance"},
    {"center", NN_BOOL, FIELD(center), "true", .doc = "whether beta is added"},
    {"scale", NN_BOOL, FIELD(scale), "true", .doc = "whether gamma is multiplied with"},
    {"rms_scaling", NN_REJECT, 0, "false", .doc = "scales by the root of the mean square alone"},
    {"beta_initializer", NN_INITIALIZER, FIELD(beta_initializer), "\"zeros\"", .doc = "draws beta"},
    {"gamma_initializer", NN_INITIALIZER, FIELD(gamma_initializer), "\"ones\"", .doc = "draws gamma"},
    {"beta_regularizer", NN_REJECT, 0, "null", .doc = "a penalty on beta"},
    {"gamma_regularizer", NN_REJECT, 0, "null", .doc = "a penalty on gamma"},
    {"beta_constraint", NN_REJECT, 0, "null", .doc = "a projection of beta after each step"},
    {"gamma_constraint", NN_REJECT, 0, "null", .doc = "a projection of gamma after each step"},
    {0},
};

static enum status output(struct nn_layer *l, const struct shape *in, int nin, struct shape *out, struct err *e) {
    (void)nin;
    int axis;
    *out = in[0];
    return shape_axis(&in[0], ((struct layer_normalization *)l)->axis, &axis, e);
}

static enum status build(struct nn_layer *l, const struct op_sig *in, int nin, struct err *e) {
    (void)nin;
    struct layer_normalization *n = (struct layer_normalization *)l;
    int axis;
    if (shape_axis(&in[0].shape, n->axis, &axis, e)) return e->status;
    const struct shape s = {1, {in[0].shape.dim[axis]}};
    if (s.dim[0] < 0)
        return err_set(e, ERR_VALUE, "axis %lld of the input must be known, not None", (long long)n->axis);
    l->rank = in[0].shape.rank;
    l->axis = axis - l->rank;
    l->axis_size = s.dim[0];
    if (n->scale && nn_add_weight(l, "gamma", &s, n->gamma_initializer, true, &n->gamma, e)) return e->status;
    return n->center ? nn_add_weight(l, "beta", &s, n->beta_initializer, true, &n->beta, e) : OK;
}

/* A weight, shaped to broadcast with x. */
static struct tensor *along(struct nn_call *c, const struct nn_layer *l, struct variable *v, const struct tensor *x) {
    struct shape s = {.rank = x->shape.rank};
    for (int i = 0; i < s.rank; i++) s.dim[i] = i == s.rank + l->axis ? l->axis_size : 1;
    return emit_reshape(c->emit, nn_read(c, v), &s);
}

/* x * inv + (beta - mean * inv), inv = rsqrt(variance + epsilon) * gamma. */
static struct tensor *call(struct nn_layer *l, struct nn_call *c, struct tensor *const *x, int nx) {
    (void)nx;
    const struct layer_normalization *n = (struct layer_normalization *)l;
    struct op_emitter *m = c->emit;
    const struct op_axes axes = {.n = 1, .axis = {x[0]->shape.rank + l->axis}, .keepdims = true};
    emit_t mean = emit_mean(m, x[0], &axes);
    emit_t variance = emit_mean(m, emit_square(m, emit_sub(m, x[0], mean)), &axes);
    emit_t inv = emit_rsqrt(m, emit_adds(m, variance, n->epsilon));
    if (n->scale) inv = emit_mul(m, inv, along(c, l, n->gamma, x[0]));
    emit_t shift = emit_neg(m, emit_mul(m, mean, inv));
    if (n->center) shift = emit_add(m, shift, along(c, l, n->beta, x[0]));
    return emit_add(m, emit_mul(m, x[0], inv), shift);
}

const struct nn_layer_class nn_layer_layer_normalization = {
    .base = {.name = "LayerNormalization",
             .kind = NN_LAYER,
             .doc = "gamma * (x - mean) / sqrt(variance + epsilon) + beta, with each sample's own statistics along one "
                    "axis; any shape",
             .args = args,
             .size = sizeof(struct layer_normalization)},
    .min_rank = 1,
    .build = build,
    .output = output,
    .call = call,
};
