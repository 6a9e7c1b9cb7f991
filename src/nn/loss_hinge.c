/* Hinge, SquaredHinge: labels are -1 and 1; where all are 0 and 1, 0 stands for -1. */
#include "nn/impl.h"

static const struct nn_arg hinge_args[] = {NN_REDUCTION_ARG, NN_NAME_ARG("hinge"), NN_LOSS_DTYPE_ARG, {0}};
static const struct nn_arg squared_args[] = {NN_REDUCTION_ARG, NN_NAME_ARG("squared_hinge"), NN_LOSS_DTYPE_ARG, {0}};

/* Keras's convert_binary_labels_to_hinge. */
static struct tensor *signs(struct nn_call *c, struct tensor *y) {
    struct op_emitter *m = c->emit;
    emit_t binary = emit_all(m, emit_logical_or(m, emit_eqs(m, y, 0), emit_eqs(m, y, 1)), NULL);
    return emit_where(m, binary, emit_adds(m, emit_muls(m, y, 2), -1), y);
}

static struct tensor *margins(struct nn_call *c, struct tensor *y_true, struct tensor *y_pred) {
    emit_t product = emit_mul(c->emit, signs(c, y_true), y_pred);
    return emit_maximums(c->emit, emit_rsubs(c->emit, 1, product), 0);
}

static struct tensor *hinge(struct nn_object *o, struct nn_call *c, struct tensor *y_true, struct tensor *y_pred) {
    (void)o;
    return nn_mean_last(c, margins(c, y_true, y_pred));
}

static struct tensor *squared(struct nn_object *o, struct nn_call *c, struct tensor *y_true, struct tensor *y_pred) {
    (void)o;
    return nn_mean_last(c, emit_square(c->emit, margins(c, y_true, y_pred)));
}

const struct nn_loss_class nn_loss_hinge = {
    .base = {.name = "Hinge",
             .alias = "hinge",
             .kind = NN_LOSS,
             .doc = "mean(max(1 - y_true * y_pred, 0)) along the last axis; labels are -1 and 1, or 0 and 1",
             .args = hinge_args,
             .size = sizeof(struct nn_loss)},
    .call = hinge,
};

const struct nn_loss_class nn_loss_squared_hinge = {
    .base = {.name = "SquaredHinge",
             .alias = "squared_hinge",
             .kind = NN_LOSS,
             .doc = "mean(max(1 - y_true * y_pred, 0)^2) along the last axis; labels are -1 and 1, or 0 and 1",
             .args = squared_args,
             .size = sizeof(struct nn_loss)},
    .call = squared,
};
