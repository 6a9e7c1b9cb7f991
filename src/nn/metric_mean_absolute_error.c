/* MeanAbsoluteError, as a metric. */
#include "nn/impl.h"

static const struct nn_arg args[] = {NN_NAME_ARG("mean_absolute_error"), NN_METRIC_DTYPE_ARG, {0}};

static struct tensor *call(struct nn_object *o, struct nn_call *c, struct tensor *y_true, struct tensor *y_pred) {
    (void)o;
    return nn_mean_absolute_error(c, y_true, y_pred);
}

const struct nn_metric_class nn_metric_mean_absolute_error = {
    .base = {.name = "MeanAbsoluteError",
             .alias = "mean_absolute_error mae MAE",
             .kind = NN_METRIC,
             .doc = "the mean of |y_true - y_pred|",
             .args = args,
             .size = sizeof(struct nn_metric)},
    .call = call,
};
