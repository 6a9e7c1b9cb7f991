/* MeanAbsoluteError, MeanAbsolutePercentageError, MeanSquaredLogarithmicError. */
#include "nn/impl.h"

static const struct nn_arg absolute_args[] = {
    NN_REDUCTION_ARG, NN_NAME_ARG("mean_absolute_error"), NN_LOSS_DTYPE_ARG, {0}};
static const struct nn_arg percentage_args[] = {
    NN_REDUCTION_ARG, NN_NAME_ARG("mean_absolute_percentage_error"), NN_LOSS_DTYPE_ARG, {0}};
static const struct nn_arg logarithmic_args[] = {
    NN_REDUCTION_ARG, NN_NAME_ARG("mean_squared_logarithmic_error"), NN_LOSS_DTYPE_ARG, {0}};

static struct tensor *absolute(struct nn_object *o, struct nn_call *c, struct tensor *y_true, struct tensor *y_pred) {
    (void)o;
    return nn_mean_absolute_error(c, y_true, y_pred);
}

static struct tensor *percentage(struct nn_object *o, struct nn_call *c, struct tensor *y_true, struct tensor *y_pred) {
    (void)o;
    emit_t size = emit_maximums(c->emit, emit_abs(c->emit, y_true), NN_EPSILON);
    emit_t part = emit_abs(c->emit, emit_div(c->emit, emit_sub(c->emit, y_true, y_pred), size));
    return emit_muls(c->emit, nn_mean_last(c, part), 100);
}

static struct tensor *logarithm(struct nn_call *c, struct tensor *x) {
    return emit_log(c->emit, emit_adds(c->emit, emit_maximums(c->emit, x, NN_EPSILON), 1));
}

static struct tensor *logarithmic(struct nn_object *o, struct nn_call *c, struct tensor *y_true,
                                  struct tensor *y_pred) {
    (void)o;
    return nn_mean_squared_error(c, logarithm(c, y_true), logarithm(c, y_pred));
}

const struct nn_loss_class nn_loss_mean_absolute_error = {
    .base = {.name = "MeanAbsoluteError",
             .alias = "mean_absolute_error mae MAE",
             .kind = NN_LOSS,
             .doc = "mean(|y_true - y_pred|) along the last axis",
             .args = absolute_args,
             .size = sizeof(struct nn_loss)},
    .call = absolute,
};

const struct nn_loss_class nn_loss_mean_absolute_percentage_error = {
    .base = {.name = "MeanAbsolutePercentageError",
             .alias = "mean_absolute_percentage_error mape MAPE",
             .kind = NN_LOSS,
             .doc = "100 * mean(|y_true - y_pred| / |y_true|) along the last axis",
             .args = percentage_args,
             .size = sizeof(struct nn_loss)},
    .call = percentage,
};

const struct nn_loss_class nn_loss_mean_squared_logarithmic_error = {
    .base = {.name = "MeanSquaredLogarithmicError",
             .alias = "mean_squared_logarithmic_error msle MSLE",
             .kind = NN_LOSS,
             .doc = "mean((log(y_true + 1) - log(y_pred + 1))^2) along the last axis",
             .args = logarithmic_args,
             .size = sizeof(struct nn_loss)},
    .call = logarithmic,
};
