/* Accuracy, BinaryAccuracy, CategoricalAccuracy, SparseCategoricalAccuracy: how often a prediction is right. */
#include "nn/impl.h"

struct binary_accuracy {
    struct nn_metric metric;
    double threshold;
};

static const struct nn_arg accuracy_args[] = {NN_NAME_ARG("accuracy"), NN_METRIC_DTYPE_ARG, {0}};
static const struct nn_arg categorical_args[] = {NN_NAME_ARG("categorical_accuracy"), NN_METRIC_DTYPE_ARG, {0}};
static const struct nn_arg sparse_args[] = {NN_NAME_ARG("sparse_categorical_accuracy"), NN_METRIC_DTYPE_ARG, {0}};
static const struct nn_arg binary_args[] = {
    NN_NAME_ARG("binary_accuracy"),
    NN_METRIC_DTYPE_ARG,
    {"threshold", NN_FLOAT, offsetof(struct binary_accuracy, threshold), "0.5", .doc = "above it a prediction is 1"},
    {0},
};

static struct tensor *equal(struct nn_object *o, struct nn_call *c, struct tensor *y_true, struct tensor *y_pred) {
    (void)o;
    return nn_matches(c, y_true, y_pred);
}

static struct tensor *binary(struct nn_object *o, struct nn_call *c, struct tensor *y_true, struct tensor *y_pred) {
    emit_t above = emit_gts(c->emit, y_pred, ((struct binary_accuracy *)o)->threshold);
    return nn_matches(c, y_true, emit_cast(c->emit, above, DT_FLOAT32));
}

static struct tensor *categorical(struct nn_object *o, struct nn_call *c, struct tensor *y_true,
                                  struct tensor *y_pred) {
    (void)o;
    return nn_matches(c, emit_argmax(c->emit, y_true, -1), emit_argmax(c->emit, y_pred, -1));
}

/* Labels may have a last dimension of 1. */
static struct tensor *sparse(struct nn_object *o, struct nn_call *c, struct tensor *y_true, struct tensor *y_pred) {
    (void)o;
    int rank = y_true->shape.rank;
    if (rank == y_pred->shape.rank && rank > 0 && y_true->shape.dim[rank - 1] == 1) y_true = nn_drop_last(c, y_true);
    return nn_matches(c, y_true, emit_argmax(c->emit, y_pred, -1));
}

const struct nn_metric_class nn_metric_accuracy = {
    .base = {.name = "Accuracy",
             .kind = NN_METRIC,
             .doc = "how often y_pred equals y_true",
             .args = accuracy_args,
             .size = sizeof(struct nn_metric)},
    .call = equal,
};

const struct nn_metric_class nn_metric_binary_accuracy = {
    .base = {.name = "BinaryAccuracy",
             .alias = "binary_accuracy",
             .kind = NN_METRIC,
             .doc = "how often y_pred > threshold equals y_true",
             .args = binary_args,
             .size = sizeof(struct binary_accuracy)},
    .call = binary,
};

const struct nn_metric_class nn_metric_categorical_accuracy = {
    .base = {.name = "CategoricalAccuracy",
             .alias = "categorical_accuracy",
             .kind = NN_METRIC,
             .doc = "how often the largest prediction is where the one-hot label is",
             .args = categorical_args,
             .size = sizeof(struct nn_metric)},
    .call = categorical,
};

const struct nn_metric_class nn_metric_sparse_categorical_accuracy = {
    .base = {.name = "SparseCategoricalAccuracy",
             .alias = "sparse_categorical_accuracy",
             .kind = NN_METRIC,
             .doc = "how often the largest prediction is the label's",
             .args = sparse_args,
             .size = sizeof(struct nn_metric)},
    .labels = true,
    .call = sparse,
};
