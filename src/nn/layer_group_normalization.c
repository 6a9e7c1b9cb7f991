/* GroupNormalization: mean 0 and variance 1 over each sample's groups of channels, then a learned scale and offset. */
#include "nn/impl.h"

struct group_normalization {
    struct nn_layer layer;
    int64_t groups, axis;
    double epsilon;
    bool center, scale;
    struct nn_object *beta_initializer, *gamma_initializer;
    struct variable *gamma, *beta;
};

#define FIELD(field) offsetof(struct group_normalization, field)
static const struct nn_arg args[] = {
    {"groups", NN_INT, FIELD(groups), "32", .doc = "of channels; -1: each channel is one"},
    {"axis", NN_AXIS, FIELD(axis), "-1", .doc = "the channels: the last axis"},
    {"epsilon", NN_FLOAT, FIELD(epsilon), "0.001", .doc = "added to the variance"},
    {"center", NN_BOOL, FIELD(center), "true", .doc = "whether beta is added"},
    {"scale", NN_BOOL, FIELD(scale), "true", .doc = "whether gamma is multiplied with"},
    {"beta_initializer", NN_INITIALIZER, FIELD(beta_initializer), "\"zeros\"", .doc = "draws beta"},
    {"gamma_initializer", NN_INITIALIZER, FIELD(gamma_initializer), "\"ones\"", .doc = "draws gamma"},
    {"beta_regularizer", NN_REJECT, 0, "null", .doc = "a penalty on beta"},
    {"gamma_regularizer", NN_REJECT, 0, "null", .doc = "a penalty on gamma"},
    {"beta_constraint", NN_REJECT, 0, "null", .doc = "a projection of beta after each step"},
    {"gamma_constraint", NN_REJECT, 0, "null", .doc = "a projection of gamma after each step"},
    {0},
};

static int64_t groups_of(const struct group_normalization *n, int64_t channels) {
    return n->groups == -1 ? channels : n->groups;
}

static enum status output(struct nn_layer *l, const struct shape *in, int nin, struct shape *out, struct err *e) {
    (void)nin;
    const struct group_normalization *n = (struct group_normalization *)l;
    const int64_t channels = in[0].dim[in[0].rank - 1], groups = groups_of(n, channels);
    *out = in[0];
    if (channels < 0 || (groups > 0 && groups <= channels && channels % groups == 0)) return OK;
    return err_set(e, ERR_VALUE, "Number of groups (%lld) must be a divisor of the number of channels (%lld).",
                   (long long)groups, (long long)channels);
}

static enum status build(struct nn_layer *l, const struct op_sig *in, int nin, struct err *e) {
    (void)nin;
    struct group_normalization *n = (struct group_normalization *)l;
    const struct shape s = {1, {in[0].shape.dim[in[0].shape.rank - 1]}};
    if (n->axis != -1 && n->axis != in[0].shape.rank - 1)
        return err_set(e, ERR_UNSUPPORTED, "GroupNormalization: axis must be the last one, not %lld",
                       (long long)n->axis);
    if (s.dim[0] < 0) return err_set(e, ERR_VALUE, "the input's channels must be known, but its shape has None there");
    l->axis = -1;
    l->axis_size = s.dim[0];
    if (n->scale && nn_add_weight(l, "gamma", &s, n->gamma_initializer, true, &n->gamma, e)) return e->status;
    return n->center ? nn_add_weight(l, "beta", &s, n->beta_initializer, true, &n->beta, e) : OK;
}

/* (batch, ..., groups, channels of a group) */
static struct shape grouped(const struct shape *s, int64_t groups) {
    struct shape g = *s;
    g.dim[g.rank - 1] = groups;
    g.dim[g.rank++] = s->dim[s->rank - 1] / groups;
    return g;
}

/* x * inv + (beta - mean * inv), inv = rsqrt(variance + epsilon) * gamma. */
static struct tensor *call(struct nn_layer *l, struct nn_call *c, struct tensor *const *x, int nx) {
    (void)nx;
    const struct group_normalization *n = (struct group_normalization *)l;
    struct op_emitter *m = c->emit;
    const int64_t groups = groups_of(n, l->axis_size);
    const struct shape g = grouped(&x[0]->shape, groups), weight = SHAPE(groups, l->axis_size / groups);
    struct op_axes axes = {.keepdims = true};
    for (int i = 1; i < g.rank; i++)
        if (i != g.rank - 2) axes.axis[axes.n++] = i;
    emit_t y = emit_reshape(m, x[0], &g), mean = emit_mean(m, y, &axes);
    emit_t variance = emit_mean(m, emit_square(m, emit_sub(m, y, mean)), &axes);
    emit_t inv = emit_rsqrt(m, emit_adds(m, variance, n->epsilon));
    if (n->scale) inv = emit_mul(m, inv, emit_reshape(m, nn_read(c, n->gamma), &weight));
    emit_t shift = emit_neg(m, emit_mul(m, mean, inv));
    if (n->center) shift = emit_add(m, shift, emit_reshape(m, nn_read(c, n->beta), &weight));
    return emit_reshape(m, emit_add(m, emit_mul(m, y, inv), shift), &x[0]->shape);
}

const struct nn_layer_class nn_layer_group_normalization = {
    .base = {.name = "GroupNormalization",
             .kind = NN_LAYER,
             .doc =
                 "gamma * (x - mean) / sqrt(variance + epsilon) + beta, with the statistics of each sample's groups of "
                 "channels; (batch, ..., channels)",
             .args = args,
             .size = sizeof(struct group_normalization)},
    .min_rank = 2,
    .build = build,
    .output = output,
    .call = call,
};
