/* MeanSquaredError. */
#include "nn/impl.h"

static const struct nn_arg args[] = {NN_REDUCTION_ARG, NN_NAME_ARG("mean_squared_error"), NN_LOSS_DTYPE_ARG, {0}};

static struct tensor *call(struct nn_object *o, struct nn_call *c, struct tensor *y_true, struct tensor *y_pred) {
    (void)o;
    return nn_mean_squared_error(c, y_true, y_pred);
}

const struct nn_loss_class nn_loss_mean_squared_error = {
    .base = {.name = "MeanSquaredError",
             .alias = "mean_squared_error mse MSE",
             .kind = NN_LOSS,
             .doc = "mean((y_true - y_pred)^2) along the last axis",
             .args = args,
             .size = sizeof(struct nn_loss)},
    .call = call,
};
