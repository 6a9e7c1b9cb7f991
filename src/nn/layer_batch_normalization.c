/* BatchNormalization: mean 0 and variance 1 along every axis but one, then a learned scale and offset. */
#include "nn/impl.h"

struct batch_normalization {
    struct nn_layer layer;
    int64_t axis;
    double momentum, epsilon;
    bool center, scale;
    struct nn_object *beta_initializer, *gamma_initializer, *mean_initializer, *variance_initializer;
    struct variable *gamma, *beta, *moving_mean, *moving_variance;
    bool synchronized;
};

#define FIELD(field) offsetof(struct batch_normalization, field)
static const struct nn_arg args[] = {
    {"axis", NN_SINGLE, FIELD(axis), "-1", .doc = "the axis that keeps its statistics apart: the channels"},
    {"momentum", NN_FLOAT, FIELD(momentum), "0.99", .doc = "of the moving averages"},
    {"epsilon", NN_FLOAT, FIELD(epsilon), "0.001", .doc = "added to the variance"},
    {"center", NN_BOOL, FIELD(center), "true", .doc = "whether beta is added"},
    {"scale", NN_BOOL, FIELD(scale), "true", .doc = "whether gamma is multiplied with"},
    {"beta_initializer", NN_INITIALIZER, FIELD(beta_initializer), "\"zeros\"", .doc = "draws beta"},
    {"gamma_initializer", NN_INITIALIZER, FIELD(gamma_initializer), "\"ones\"", .doc = "draws gamma"},
    {"moving_mean_initializer", NN_INITIALIZER, FIELD(mean_initializer), "\"zeros\"", .doc = "draws the moving mean"},
    {"moving_variance_initializer", NN_INITIALIZER, FIELD(variance_initializer), "\"ones\"",
     .doc = "draws the moving variance"},
    {"beta_regularizer", NN_REJECT, 0, "null", .doc = "a penalty on beta"},
    {"gamma_regularizer", NN_REJECT, 0, "null", .doc = "a penalty on gamma"},
    {"beta_constraint", NN_REJECT, 0, "null", .doc = "a projection of beta after each step"},
    {"gamma_constraint", NN_REJECT, 0, "null", .doc = "a projection of gamma after each step"},
    {"renorm", NN_REJECT, 0, "false", .doc = "batch renormalization"},
    {"renorm_clipping", NN_REJECT, 0, "null", .doc = "bounds of batch renormalization"},
    {"renorm_momentum", NN_REJECT, 0, "0.99", .doc = "momentum of batch renormalization"},
    {"synchronized", NN_BOOL, FIELD(synchronized), "false", .doc = "statistics over all devices; there is one"},
    {0},
};

/* The axis as an index, -1 where the input has no such axis. */
static int axis_of(const struct batch_normalization *b, const struct shape *in) {
    int64_t axis = b->axis < 0 ? b->axis + in->rank : b->axis;
    return axis >= 0 && axis < in->rank ? (int)axis : -1;
}

static enum status output(struct nn_layer *l, const struct shape *in, int nin, struct shape *out, struct err *e) {
    (void)nin;
    const struct batch_normalization *b = (struct batch_normalization *)l;
    char text[200];
    if (axis_of(b, &in[0]) < 0)
        return err_set(e, ERR_VALUE, "Axis %lld is out of bounds for input shape %s", (long long)b->axis,
                       nn_shape_text(&in[0], text, sizeof text));
    *out = in[0];
    return OK;
}

static enum status build(struct nn_layer *l, const struct op_sig *in, int nin, struct err *e) {
    (void)nin;
    struct batch_normalization *b = (struct batch_normalization *)l;
    int axis = axis_of(b, &in[0].shape);
    struct shape s = {1, {in[0].shape.dim[axis]}};
    if (s.dim[0] < 0)
        return err_set(e, ERR_VALUE, "axis %lld of the input must be known, not None", (long long)b->axis);
    l->rank = in[0].shape.rank;
    l->axis = axis - l->rank;
    l->axis_size = s.dim[0];
    if (b->scale && nn_add_weight(l, "gamma", &s, b->gamma_initializer, true, &b->gamma, e)) return e->status;
    if (b->center && nn_add_weight(l, "beta", &s, b->beta_initializer, true, &b->beta, e)) return e->status;
    if (nn_add_weight(l, "moving_mean", &s, b->mean_initializer, false, &b->moving_mean, e)) return e->status;
    return nn_add_weight(l, "moving_variance", &s, b->variance_initializer, false, &b->moving_variance, e);
}

/* A vector along the axis, shaped to broadcast with x. */
static struct tensor *along(const struct batch_normalization *b, struct nn_call *c, struct tensor *v,
                            const struct tensor *x) {
    int axis = axis_of(b, &x->shape);
    if (!v || axis == x->shape.rank - 1) return v;
    struct shape s = {.rank = x->shape.rank};
    for (int i = 0; i < s.rank; i++) s.dim[i] = i == axis ? x->shape.dim[i] : 1;
    return emit_reshape(c->emit, v, &s);
}

/* tf.nn.moments: the mean, then the mean squared difference from it, to which the mean is a constant. */
static void moments(const struct batch_normalization *b, struct nn_call *c, struct tensor *x, struct tensor **mean,
                    struct tensor **variance) {
    struct op_emitter *m = c->emit;
    struct op_axes axes = {0};
    for (int i = 0; i < x->shape.rank; i++)
        if (i != axis_of(b, &x->shape)) axes.axis[axes.n++] = i;
    *mean = emit_mean(m, x, &axes);
    emit_t difference = emit_sub(m, x, emit_stop_gradient(m, along(b, c, *mean, x)));
    *variance = emit_mean(m, emit_square(m, difference), &axes);
}

static void update(const struct batch_normalization *b, struct nn_call *c, struct variable *moving,
                   struct tensor *batch) {
    struct op_emitter *m = c->emit;
    emit_t old = emit_muls(m, nn_read(c, moving), b->momentum);
    nn_assign(c, moving, emit_add(m, old, emit_muls(m, batch, 1.0 - b->momentum)));
}

/* tf.nn.batch_normalization: x * inv + (beta - mean * inv), inv = rsqrt(variance + epsilon) * gamma. */
static struct tensor *normalize(const struct batch_normalization *b, struct nn_call *c, struct tensor *x,
                                struct tensor *mean, struct tensor *variance) {
    struct op_emitter *m = c->emit;
    emit_t inv = emit_rsqrt(m, emit_adds(m, variance, b->epsilon));
    if (b->scale) inv = emit_mul(m, inv, nn_read(c, b->gamma));
    emit_t shift = emit_mul(m, mean, inv);
    shift = b->center ? emit_sub(m, nn_read(c, b->beta), shift) : emit_neg(m, shift);
    return emit_add(m, emit_mul(m, x, along(b, c, inv, x)), along(b, c, shift, x));
}

static struct tensor *call(struct nn_layer *l, struct nn_call *c, struct tensor *const *x, int nx) {
    (void)nx;
    struct batch_normalization *b = (struct batch_normalization *)l;
    struct tensor *mean, *variance;
    if (c->training && l->trainable) {
        moments(b, c, x[0], &mean, &variance);
        update(b, c, b->moving_mean, mean);
        update(b, c, b->moving_variance, variance);
    } else {
        mean = nn_read(c, b->moving_mean);
        variance = nn_read(c, b->moving_variance);
    }
    return normalize(b, c, x[0], mean, variance);
}

const struct nn_layer_class nn_layer_batch_normalization = {
    .base = {.name = "BatchNormalization",
             .kind = NN_LAYER,
             .doc = "gamma * (x - mean) / sqrt(variance + epsilon) + beta, with the batch's statistics in training and "
                    "their moving averages otherwise; any shape",
             .args = args,
             .size = sizeof(struct batch_normalization)},
    .min_rank = 1,
    .build = build,
    .output = output,
    .call = call,
};
