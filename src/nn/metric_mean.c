/* Mean: of the values it is given. */
#include "nn/impl.h"

static const struct nn_arg args[] = {NN_NAME_ARG("mean"), NN_METRIC_DTYPE_ARG, {0}};

static struct tensor *call(struct nn_object *o, struct nn_call *c, struct tensor *values, struct tensor *unused) {
    (void)o, (void)c, (void)unused;
    return values;
}

const struct nn_metric_class nn_metric_mean = {
    .base = {.name = "Mean",
             .alias = "mean",
             .kind = NN_METRIC,
             .doc = "the mean of all values since the last reset",
             .args = args,
             .size = sizeof(struct nn_metric)},
    .values_only = true,
    .call = call,
};
