/* BinaryCrossentropy: each value is a probability of its own. */
#include "nn/impl.h"

struct binary_crossentropy {
    struct nn_loss loss;
    bool from_logits;
    double label_smoothing;
    int64_t axis;
};

#define FIELD(field) offsetof(struct binary_crossentropy, field)
static const struct nn_arg args[] = {
    {"from_logits", NN_BOOL, FIELD(from_logits), "false", .doc = "whether y_pred are logits, not probabilities"},
    {"label_smoothing", NN_FLOAT, FIELD(label_smoothing), "0.0", .doc = "squeezes labels towards 0.5"},
    {"axis", NN_SINGLE, FIELD(axis), "-1", .doc = "along which the mean is taken"},
    NN_REDUCTION_ARG,
    NN_NAME_ARG("binary_crossentropy"),
    NN_LOSS_DTYPE_ARG,
    {0},
};

/* max(z, 0) - z * y + log(1 + exp(-|z|)): TensorFlow's form that cannot overflow. */
static struct tensor *of_logits(struct nn_call *c, struct tensor *y, struct tensor *z) {
    struct op_emitter *m = c->emit;
    emit_t linear = emit_sub(m, emit_relu(m, z), emit_mul(m, z, y));
    return emit_add(m, linear, emit_log1p(m, emit_exp(m, emit_neg(m, emit_abs(m, z)))));
}

static struct tensor *of_probabilities(struct nn_call *c, struct tensor *y, struct tensor *p) {
    struct op_emitter *m = c->emit;
    emit_t kept = nn_clip_probability(c, p);
    emit_t ones = emit_mul(m, y, emit_log(m, kept));
    emit_t zeros = emit_mul(m, emit_rsubs(m, 1, y), emit_log(m, emit_rsubs(m, 1, kept)));
    return emit_neg(m, emit_add(m, ones, zeros));
}

static struct tensor *call(struct nn_object *o, struct nn_call *c, struct tensor *y_true, struct tensor *y_pred) {
    const struct binary_crossentropy *b = (struct binary_crossentropy *)o;
    struct op_emitter *m = c->emit;
    struct op_axes axes = {.n = 1};
    if (nn_check_same_shape(c, y_true, y_pred) || shape_axis(&y_pred->shape, b->axis, &axes.axis[0], m->err))
        return NULL;
    if (b->label_smoothing)
        y_true = emit_adds(m, emit_muls(m, y_true, 1 - b->label_smoothing), 0.5 * b->label_smoothing);
    emit_t logits = y_pred->logits ? y_pred->logits : b->from_logits ? y_pred : NULL;
    emit_t values = logits ? of_logits(c, y_true, logits) : of_probabilities(c, y_true, y_pred);
    return emit_mean(m, values, &axes);
}

const struct nn_loss_class nn_loss_binary_crossentropy = {
    .base = {.name = "BinaryCrossentropy",
             .alias = "binary_crossentropy bce BCE",
             .kind = NN_LOSS,
             .doc = "mean(-y_true * log(y_pred) - (1 - y_true) * log(1 - y_pred)) along an axis",
             .args = args,
             .size = sizeof(struct binary_crossentropy)},
    .call = call,
};
