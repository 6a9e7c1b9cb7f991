/* MeanSquaredError and its root. */
#include "nn/impl.h"

static const struct nn_arg args[] = {NN_NAME_ARG("mean_squared_error"), NN_METRIC_DTYPE_ARG, {0}};
static const struct nn_arg root_args[] = {NN_NAME_ARG("root_mean_squared_error"), NN_METRIC_DTYPE_ARG, {0}};

static struct tensor *call(struct nn_object *o, struct nn_call *c, struct tensor *y_true, struct tensor *y_pred) {
    (void)o;
    return nn_mean_squared_error(c, y_true, y_pred);
}

static struct tensor *squares(struct nn_object *o, struct nn_call *c, struct tensor *y_true, struct tensor *y_pred) {
    (void)o;
    return emit_square(c->emit, emit_sub(c->emit, y_pred, y_true));
}

static struct tensor *root(struct nn_object *o, struct nn_call *c, struct tensor *mean) {
    (void)o;
    return emit_sqrt(c->emit, mean);
}

const struct nn_metric_class nn_metric_mean_squared_error = {
    .base = {.name = "MeanSquaredError",
             .alias = "mean_squared_error mse MSE",
             .kind = NN_METRIC,
             .doc = "the mean of (y_true - y_pred)^2",
             .args = args,
             .size = sizeof(struct nn_metric)},
    .call = call,
};

const struct nn_metric_class nn_metric_root_mean_squared_error = {
    .base = {.name = "RootMeanSquaredError",
             .alias = "root_mean_squared_error",
             .kind = NN_METRIC,
             .doc = "the root of the mean of (y_true - y_pred)^2",
             .args = root_args,
             .size = sizeof(struct nn_metric)},
    .call = squares,
    .result = root,
};
