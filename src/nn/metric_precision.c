/* Precision, Recall: of what is predicted, how much is true; of what is true, how much is predicted. */
#include <math.h>

#include "nn/impl.h"

struct precision {
    struct nn_metric metric;
    double threshold;
};

#define PRECISION_ARGS(NAME)                                                                                           \
    {"thresholds", NN_FLOAT, offsetof(struct precision, threshold), "null",                                            \
     .doc = "above it a prediction is positive; null: 0.5"},                                                           \
        {"top_k", NN_REJECT, 0, "null", .doc = "counts the k largest predictions"},                                    \
        {"class_id", NN_REJECT, 0, "null", .doc = "one class alone"}, NN_NAME_ARG(NAME), NN_METRIC_DTYPE_ARG, {        \
        0                                                                                                              \
    }
static const struct nn_arg precision_args[] = {PRECISION_ARGS("precision")};
static const struct nn_arg recall_args[] = {PRECISION_ARGS("recall")};

static enum status init(struct nn_object *o, struct err *e) {
    const double threshold = ((const struct precision *)o)->threshold;
    if (isnan(threshold) || (threshold >= 0 && threshold <= 1)) return OK;
    return err_set(e, ERR_VALUE, "Threshold values must be in [0, 1]. Received: %g", threshold);
}

/* 1 for what is true, and for what is predicted. */
static void positives(const struct nn_object *o, struct nn_call *c, struct tensor *y_true, struct tensor *y_pred,
                      struct tensor **true_, struct tensor **predicted) {
    const double threshold = ((const struct precision *)o)->threshold;
    emit_t above = emit_gts(c->emit, y_pred, isnan(threshold) ? 0.5 : threshold);
    *predicted = emit_cast(c->emit, above, DT_FLOAT32);
    *true_ = emit_cast(c->emit, emit_cast(c->emit, y_true, DT_BOOL), DT_FLOAT32);
}

static void precision(struct nn_object *o, struct nn_call *c, struct tensor *y_true, struct tensor *y_pred,
                      struct tensor *part[2]) {
    struct tensor *true_, *predicted;
    positives(o, c, y_true, y_pred, &true_, &predicted);
    part[0] = emit_mul(c->emit, true_, predicted);
    part[1] = predicted;
}

static void recall(struct nn_object *o, struct nn_call *c, struct tensor *y_true, struct tensor *y_pred,
                   struct tensor *part[2]) {
    struct tensor *true_, *predicted;
    positives(o, c, y_true, y_pred, &true_, &predicted);
    part[0] = emit_mul(c->emit, true_, predicted);
    part[1] = true_;
}

const struct nn_metric_class nn_metric_precision = {
    .base = {.name = "Precision",
             .alias = "precision",
             .kind = NN_METRIC,
             .doc = "true positives over all that was predicted positive; labels are 0 and 1",
             .args = precision_args,
             .size = sizeof(struct precision),
             .init = init},
    .ratio = precision,
};

const struct nn_metric_class nn_metric_recall = {
    .base = {.name = "Recall",
             .alias = "recall",
             .kind = NN_METRIC,
             .doc = "true positives over all that is positive; labels are 0 and 1",
             .args = recall_args,
             .size = sizeof(struct precision),
             .init = init},
    .ratio = recall,
};
