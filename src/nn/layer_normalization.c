/* LayerNormalization, GroupNormalization: mean 0 and variance 1 within each sample, along an axis or over groups of channels,
 * then a learned scale and offset. */
#include "nn/impl.h"

struct normalization {
    struct nn_layer layer;
    int64_t groups, axis;
    double epsilon;
    bool center, scale;
    struct nn_object *beta_initializer, *gamma_initializer;
    struct variable *gamma, *beta;
};

#define FIELD(field) offsetof(struct normalization, field)
#define EPSILON_ARGS                                                                                                   \
    {"epsilon", NN_FLOAT, FIELD(epsilon), "0.001", .doc = "added to the variance"},                                    \
        {"center", NN_BOOL, FIELD(center), "true", .doc = "whether beta is added"}, {                                  \
        "scale", NN_BOOL, FIELD(scale), "true", .doc = "whether gamma is multiplied with"                              \
    }
#define WEIGHT_ARGS                                                                                                    \
    {"beta_initializer", NN_INITIALIZER, FIELD(beta_initializer), "\"zeros\"", .doc = "draws beta"},                   \
        {"gamma_initializer", NN_INITIALIZER, FIELD(gamma_initializer), "\"ones\"", .doc = "draws gamma"},             \
        {"beta_regularizer", NN_REJECT, 0, "null", .doc = "a penalty on beta"},                                        \
        {"gamma_regularizer", NN_REJECT, 0, "null", .doc = "a penalty on gamma"},                                      \
        {"beta_constraint", NN_REJECT, 0, "null", .doc = "a projection of beta after each step"}, {                    \
        "gamma_constraint", NN_REJECT, 0, "null", .doc = "a projection of gamma after each step"                       \
    }

static const struct nn_arg layer_args[] = {
    {"axis", NN_SINGLE, FIELD(axis), "-1", .flags = NN_LISTED, .doc = "along which mean and variance are taken"},
    EPSILON_ARGS,
    {"rms_scaling", NN_REJECT, 0, "false", .doc = "scales by the root of the mean square alone"},
    WEIGHT_ARGS,
    {0},
};
static const struct nn_arg group_args[] = {
    {"groups", NN_INT, FIELD(groups), "32", .doc = "of channels; -1: each channel is one"},
    {"axis", NN_SINGLE, FIELD(axis), "-1", .doc = "the channels: the last axis"},
    EPSILON_ARGS,
    WEIGHT_ARGS,
    {0},
};

/* gamma and beta along an axis. */
static enum status build_weights(struct normalization *n, const struct shape *in, int axis, struct err *e) {
    struct nn_layer *l = &n->layer;
    const struct shape s = {1, {in->dim[axis]}};
    if (s.dim[0] < 0)
        return err_set(e, ERR_VALUE, "axis %lld of the input must be known, not None", (long long)n->axis);
    l->axis = axis - in->rank;
    l->axis_size = s.dim[0];
    if (n->scale && nn_add_weight(l, "gamma", &s, n->gamma_initializer, true, &n->gamma, e)) return e->status;
    return n->center ? nn_add_weight(l, "beta", &s, n->beta_initializer, true, &n->beta, e) : OK;
}

/* x * inv + (beta - mean * inv), inv = rsqrt(variance + epsilon) * gamma; the weights get that shape. */
static struct tensor *normalize(const struct normalization *n, struct nn_call *c, struct tensor *x,
                                const struct op_axes *axes, const struct shape *weight) {
    struct op_emitter *m = c->emit;
    emit_t mean = emit_mean(m, x, axes), variance = emit_mean(m, emit_square(m, emit_sub(m, x, mean)), axes);
    emit_t inv = emit_rsqrt(m, emit_adds(m, variance, n->epsilon));
    if (n->scale) inv = emit_mul(m, inv, emit_reshape(m, nn_read(c, n->gamma), weight));
    emit_t shift = emit_neg(m, emit_mul(m, mean, inv));
    if (n->center) shift = emit_add(m, shift, emit_reshape(m, nn_read(c, n->beta), weight));
    return emit_add(m, emit_mul(m, x, inv), shift);
}

/* ---- along an axis ------------------------------------------------------------------------------------------------- */

static enum status layer_output(struct nn_layer *l, const struct shape *in, int nin, struct shape *out, struct err *e) {
    (void)nin;
    int axis;
    *out = in[0];
    return shape_axis(&in[0], ((struct normalization *)l)->axis, &axis, e);
}

static enum status layer_build(struct nn_layer *l, const struct op_sig *in, int nin, struct err *e) {
    (void)nin;
    struct normalization *n = (struct normalization *)l;
    int axis;
    if (shape_axis(&in[0].shape, n->axis, &axis, e)) return e->status;
    l->rank = in[0].shape.rank;
    return build_weights(n, &in[0].shape, axis, e);
}

static struct tensor *layer_call(struct nn_layer *l, struct nn_call *c, struct tensor *const *x, int nx) {
    (void)nx;
    const int rank = x[0]->shape.rank, axis = rank + l->axis;
    const struct op_axes axes = {.n = 1, .axis = {axis}, .keepdims = true};
    struct shape weight = {.rank = rank};
    for (int i = 0; i < rank; i++) weight.dim[i] = i == axis ? l->axis_size : 1;
    return normalize((struct normalization *)l, c, x[0], &axes, &weight);
}

const struct nn_layer_class nn_layer_layer_normalization = {
    .base = {.name = "LayerNormalization",
             .kind = NN_LAYER,
             .doc = "gamma * (x - mean) / sqrt(variance + epsilon) + beta, with each sample's own statistics along one "
                    "axis; any shape",
             .args = layer_args,
             .size = sizeof(struct normalization)},
    .min_rank = 1,
    .build = layer_build,
    .output = layer_output,
    .call = layer_call,
};

/* ---- over groups of channels ----------------------------------------------------------------------------------------- */

static enum status group_init(struct nn_object *o, struct err *e) {
    const int64_t groups = ((const struct normalization *)o)->groups;
    return groups == -1 ? OK : nn_want_positive(o, "groups", groups, e);
}

static int64_t groups_of(const struct nn_layer *l, int64_t channels) {
    const int64_t groups = ((const struct normalization *)l)->groups;
    return groups == -1 ? channels : groups;
}

static enum status group_output(struct nn_layer *l, const struct shape *in, int nin, struct shape *out, struct err *e) {
    (void)nin;
    const int64_t channels = in[0].dim[in[0].rank - 1], groups = groups_of(l, channels);
    const int64_t axis = ((const struct normalization *)l)->axis;
    if (axis != -1 && axis != in[0].rank - 1)
        return err_set(e, ERR_UNSUPPORTED, "argument axis must be the last one, not %lld", (long long)axis);
    *out = in[0];
    if (channels < 0 || (groups > 0 && groups <= channels && channels % groups == 0)) return OK;
    return err_set(e, ERR_VALUE, "Number of groups (%lld) must be a divisor of the number of channels (%lld).",
                   (long long)groups, (long long)channels);
}

static enum status group_build(struct nn_layer *l, const struct op_sig *in, int nin, struct err *e) {
    (void)nin;
    return build_weights((struct normalization *)l, &in[0].shape, in[0].shape.rank - 1, e);
}

/* As (batch, ..., groups, channels of a group). */
static struct tensor *group_call(struct nn_layer *l, struct nn_call *c, struct tensor *const *x, int nx) {
    (void)nx;
    const int64_t groups = groups_of(l, l->axis_size);
    const struct shape weight = SHAPE(groups, l->axis_size / groups);
    struct shape s = x[0]->shape;
    struct op_axes axes = {.keepdims = true};
    s.dim[s.rank - 1] = weight.dim[0], s.dim[s.rank] = weight.dim[1], s.rank++;
    for (int i = 1; i < s.rank; i++)
        if (i != s.rank - 2) axes.axis[axes.n++] = i;
    emit_t y = normalize((struct normalization *)l, c, emit_reshape(c->emit, x[0], &s), &axes, &weight);
    return emit_reshape(c->emit, y, &x[0]->shape);
}

const struct nn_layer_class nn_layer_group_normalization = {
    .base = {.name = "GroupNormalization",
             .kind = NN_LAYER,
             .doc =
                 "gamma * (x - mean) / sqrt(variance + epsilon) + beta, with the statistics of each sample's groups of "
                 "channels; (batch, ..., channels)",
             .args = group_args,
             .size = sizeof(struct normalization),
             .init = group_init},
    .min_rank = 2,
    .build = group_build,
    .output = group_output,
    .call = group_call,
};
