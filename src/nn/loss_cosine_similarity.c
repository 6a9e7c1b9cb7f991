/* CosineSimilarity: minus the cosine of the angle between labels and predictions. */
#include "nn/impl.h"

struct cosine {
    struct nn_loss loss;
    int64_t axis;
};

static const struct nn_arg args[] = {
    {"axis", NN_SINGLE, offsetof(struct cosine, axis), "-1", .doc = "along which the vectors lie"},
    NN_REDUCTION_ARG,
    NN_NAME_ARG("cosine_similarity"),
    NN_LOSS_DTYPE_ARG,
    {0},
};

static struct tensor *call(struct nn_object *o, struct nn_call *c, struct tensor *y_true, struct tensor *y_pred) {
    const int64_t axis = ((const struct cosine *)o)->axis;
    emit_t product = emit_mul(c->emit, nn_unit_vectors(c, y_true, axis), nn_unit_vectors(c, y_pred, axis));
    struct op_axes axes = {.n = 1};
    if (!product || shape_axis(&product->shape, axis, &axes.axis[0], c->emit->err)) return NULL;
    return emit_neg(c->emit, emit_sum(c->emit, product, &axes));
}

const struct nn_loss_class nn_loss_cosine_similarity = {
    .base = {.name = "CosineSimilarity",
             .alias = "cosine_similarity",
             .kind = NN_LOSS,
             .doc = "-sum(y_true / |y_true| * y_pred / |y_pred|) along an axis",
             .args = args,
             .size = sizeof(struct cosine)},
    .call = call,
};
