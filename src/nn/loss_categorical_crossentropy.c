/* CategoricalCrossentropy: -sum(y_true * log(y_pred)), labels one-hot or probabilities. */
#include "nn/impl.h"

struct crossentropy {
    struct nn_loss loss;
    bool from_logits;
    double label_smoothing;
    int64_t axis;
};

#define FIELD(field) offsetof(struct crossentropy, field)
static const struct nn_arg args[] = {
    {"from_logits", NN_BOOL, FIELD(from_logits), "false", .doc = "whether y_pred are logits, not probabilities"},
    {"label_smoothing", NN_FLOAT, FIELD(label_smoothing), "0.0", .doc = "part of each label given to all classes"},
    {"axis", NN_SINGLE, FIELD(axis), "-1", .doc = "of the classes"},
    NN_REDUCTION_ARG,
    NN_NAME_ARG("categorical_crossentropy"),
    NN_LOSS_DTYPE_ARG,
    {0},
};

/* log(p / sum(p)), p kept away from 0 and 1. */
static struct tensor *log_probabilities(struct nn_call *c, struct tensor *p, const struct op_axes *classes) {
    emit_t share = emit_div(c->emit, p, emit_sum(c->emit, p, classes));
    return emit_log(c->emit, nn_clip_probability(c, share));
}

static struct tensor *call(struct nn_object *o, struct nn_call *c, struct tensor *y_true, struct tensor *y_pred) {
    const struct crossentropy *x = (struct crossentropy *)o;
    struct op_emitter *m = c->emit;
    struct op_axes classes = {.n = 1, .keepdims = true};
    if (nn_check_same_shape(c, y_true, y_pred) || shape_axis(&y_pred->shape, x->axis, &classes.axis[0], m->err))
        return NULL;
    int64_t n = y_pred->shape.dim[classes.axis[0]];
    if (x->label_smoothing)
        y_true = emit_adds(m, emit_muls(m, y_true, 1 - x->label_smoothing), x->label_smoothing / (double)n);
    bool from_logits = x->from_logits || y_pred->logits;
    emit_t log_p = from_logits ? emit_log_softmax(m, y_pred->logits ? y_pred->logits : y_pred, classes.axis[0])
                               : log_probabilities(c, y_pred, &classes);
    classes.keepdims = false;
    return emit_neg(m, emit_sum(m, emit_mul(m, y_true, log_p), &classes));
}

const struct nn_loss_class nn_loss_categorical_crossentropy = {
    .base = {.name = "CategoricalCrossentropy",
             .alias = "categorical_crossentropy",
             .kind = NN_LOSS,
             .doc = "-sum(y_true * log(y_pred)) along the classes",
             .args = args,
             .size = sizeof(struct crossentropy)},
    .call = call,
};
