/* TopKCategoricalAccuracy, SparseTopKCategoricalAccuracy: how often the label is among the k largest predictions. */
#include "nn/impl.h"

struct top_k {
    struct nn_metric metric;
    int64_t k;
};

#define K_ARG                                                                                                          \
    { "k", NN_INT, offsetof(struct top_k, k), "5", .doc = "how many predictions count" }
static const struct nn_arg args[] = {K_ARG, NN_NAME_ARG("top_k_categorical_accuracy"), NN_METRIC_DTYPE_ARG, {0}};
static const struct nn_arg sparse_args[] = {
    K_ARG,
    NN_NAME_ARG("sparse_top_k_categorical_accuracy"),
    NN_METRIC_DTYPE_ARG,
    {"from_sorted_ids", NN_REJECT, 0, "false", .doc = "whether y_pred are sorted classes"},
    {0},
};

/* Fewer than k predictions are larger than the label's; TensorFlow's in_top_k. */
static struct tensor *call(struct nn_object *o, struct nn_call *c, struct tensor *hot, struct tensor *y_pred) {
    struct op_emitter *m = c->emit;
    if (!hot) return NULL;
    struct op_axes last = nn_axes_from(y_pred->shape.rank - 1, y_pred->shape.rank);
    last.keepdims = true;
    emit_t own = emit_sum(m, emit_mul(m, hot, y_pred), &last);
    last.keepdims = false;
    emit_t larger = emit_sum(m, emit_cast(m, emit_gt(m, y_pred, own), DT_FLOAT32), &last);
    return emit_cast(m, emit_lt(m, larger, emit_scalar_like(m, larger, (double)((struct top_k *)o)->k)), DT_FLOAT32);
}

static struct tensor *sparse(struct nn_object *o, struct nn_call *c, struct tensor *y_true, struct tensor *y_pred) {
    const int rank = y_true->shape.rank;
    if (rank == y_pred->shape.rank && rank > 0 && y_true->shape.dim[rank - 1] == 1) y_true = nn_drop_last(c, y_true);
    const int64_t classes = y_pred->shape.dim[y_pred->shape.rank - 1];
    return call(o, c, emit_one_hot(c->emit, y_true, classes, DT_FLOAT32), y_pred);
}

static enum status init(struct nn_object *o, struct err *e) {
    return nn_want_positive(o, "k", ((struct top_k *)o)->k, e);
}

const struct nn_metric_class nn_metric_top_k_categorical_accuracy = {
    .base = {.name = "TopKCategoricalAccuracy",
             .alias = "top_k_categorical_accuracy",
             .kind = NN_METRIC,
             .doc = "how often the one-hot label is among the k largest predictions",
             .args = args,
             .size = sizeof(struct top_k),
             .init = init},
    .call = call,
};

const struct nn_metric_class nn_metric_sparse_top_k_categorical_accuracy = {
    .base = {.name = "SparseTopKCategoricalAccuracy",
             .alias = "sparse_top_k_categorical_accuracy",
             .kind = NN_METRIC,
             .doc = "how often the label is among the k largest predictions",
             .args = sparse_args,
             .size = sizeof(struct top_k),
             .init = init},
    .labels = true,
    .call = sparse,
};
