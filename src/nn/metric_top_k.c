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

/* TensorFlow's in_top_k: fewer than k predictions are larger than the label's, which is one of the classes, and all are
 * finite. */
static struct tensor *in_top_k(const struct top_k *t, struct nn_call *c, struct tensor *label, struct tensor *y_pred) {
    struct op_emitter *m = c->emit;
    const int rank = y_pred->shape.rank;
    if (rank == 0) return nn_fail(c, ERR_VALUE, "y_pred must have at least one dimension");
    struct op_axes last = nn_axes_from(rank - 1, rank);
    emit_t hot = emit_one_hot(m, label, y_pred->shape.dim[rank - 1], DT_BOOL);
    last.keepdims = true;
    emit_t own = emit_sum(m, emit_where(m, hot, y_pred, emit_scalar_like(m, y_pred, 0)), &last);
    last.keepdims = false;
    emit_t larger = emit_sum(m, emit_cast(m, emit_gt(m, y_pred, own), DT_FLOAT32), &last);
    emit_t few = emit_lt(m, larger, emit_scalar_like(m, larger, (double)t->k));
    emit_t valid = emit_logical_and(m, emit_any(m, hot, &last), emit_all(m, emit_isfinite(m, y_pred), &last));
    return emit_cast(m, emit_logical_and(m, few, valid), DT_FLOAT32);
}

static struct tensor *call(struct nn_object *o, struct nn_call *c, struct tensor *y_true, struct tensor *y_pred) {
    return in_top_k((struct top_k *)o, c, emit_argmax(c->emit, y_true, -1), y_pred);
}

static struct tensor *sparse(struct nn_object *o, struct nn_call *c, struct tensor *y_true, struct tensor *y_pred) {
    const int rank = y_true->shape.rank;
    if (rank == y_pred->shape.rank && rank > 0 && y_true->shape.dim[rank - 1] == 1) y_true = nn_drop_last(c, y_true);
    return in_top_k((struct top_k *)o, c, y_true, y_pred);
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
