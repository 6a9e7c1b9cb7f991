/* SparseCategoricalCrossentropy: -log(probability of the label's class). Where y_pred came out of a softmax, its logits
 * are used, as Keras does: so no probability is rounded to 0 or 1. */
#include "nn/impl.h"

struct sparse_crossentropy {
    struct nn_loss loss;
    bool from_logits;
};

static const struct nn_arg args[] = {
    {"from_logits", NN_BOOL, offsetof(struct sparse_crossentropy, from_logits), "false",
     .doc = "whether y_pred are logits, not probabilities"},
    {"ignore_class", NN_REJECT, 0, "null", .doc = "a label that does not count"},
    NN_REDUCTION_ARG,
    {"axis", NN_REJECT, 0, "-1", .flags = NN_HIDDEN, .doc = "of the classes: the last"},
    NN_NAME_ARG("sparse_categorical_crossentropy"),
    NN_LOSS_DTYPE_ARG,
    {0},
};

static struct tensor *call(struct nn_object *o, struct nn_call *c, struct tensor *y_true, struct tensor *y_pred) {
    const struct shape *p = &y_pred->shape, *t = &y_true->shape;
    bool from_logits = ((struct sparse_crossentropy *)o)->from_logits;
    emit_t logits = nn_logits(c, y_pred, from_logits);
    if (t->rank == p->rank && t->rank > 0 && t->dim[t->rank - 1] == 1) y_true = nn_drop_last(c, y_true);
    char labels[200], predictions[200];
    if (y_true && y_true->shape.rank != p->rank - 1)
        return nn_fail(c, ERR_VALUE,
                       "Argument `output` must have rank (ndim) `target.ndim + 1`. Received: target.shape=%s, "
                       "output.shape=%s",
                       nn_shape_text(t, labels, sizeof labels), nn_shape_text(p, predictions, sizeof predictions));
    return emit_sparse_softmax_crossentropy(c->emit, logits, y_true);
}

const struct nn_loss_class nn_loss_sparse_categorical_crossentropy = {
    .base = {.name = "SparseCategoricalCrossentropy",
             .alias = "sparse_categorical_crossentropy",
             .kind = NN_LOSS,
             .doc = "-log(y_pred[label]) along the last axis; labels are integers from 0",
             .args = args,
             .size = sizeof(struct sparse_crossentropy)},
    .labels = true,
    .call = call,
};
