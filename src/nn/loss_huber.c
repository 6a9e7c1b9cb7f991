/* Huber, LogCosh: squares near 0, absolute values far from it. */
#include <math.h>

#include "nn/impl.h"

struct huber {
    struct nn_loss loss;
    double delta;
};

static const struct nn_arg huber_args[] = {
    {"delta", NN_FLOAT, offsetof(struct huber, delta), "1.0", .doc = "where the square ends"},
    NN_REDUCTION_ARG,
    NN_NAME_ARG("huber_loss"),
    NN_LOSS_DTYPE_ARG,
    {0},
};
static const struct nn_arg log_cosh_args[] = {NN_REDUCTION_ARG, NN_NAME_ARG("log_cosh"), NN_LOSS_DTYPE_ARG, {0}};

static struct tensor *huber(struct nn_object *o, struct nn_call *c, struct tensor *y_true, struct tensor *y_pred) {
    const double delta = ((const struct huber *)o)->delta;
    struct op_emitter *m = c->emit;
    emit_t error = emit_sub(m, y_pred, y_true), size = emit_abs(m, error);
    emit_t square = emit_muls(m, emit_square(m, error), 0.5);
    emit_t line = emit_adds(m, emit_muls(m, size, delta), -0.5 * delta * delta);
    return nn_mean_last(c, emit_where(m, emit_gts(m, size, delta), line, square));
}

/* log((e^x + e^-x) / 2) = x + log(1 + e^-2x) - log 2 */
static struct tensor *log_cosh(struct nn_object *o, struct nn_call *c, struct tensor *y_true, struct tensor *y_pred) {
    (void)o;
    emit_t x = emit_sub(c->emit, y_pred, y_true);
    emit_t rest = emit_softplus(c->emit, emit_muls(c->emit, x, -2));
    return nn_mean_last(c, emit_adds(c->emit, emit_add(c->emit, x, rest), -log(2)));
}

const struct nn_loss_class nn_loss_huber = {
    .base = {.name = "Huber",
             .alias = "huber",
             .kind = NN_LOSS,
             .doc = "e^2 / 2 where |e| = |y_true - y_pred| is at most delta, else delta |e| - delta^2 / 2",
             .args = huber_args,
             .size = sizeof(struct huber)},
    .call = huber,
};

const struct nn_loss_class nn_loss_log_cosh = {
    .base = {.name = "LogCosh",
             .alias = "log_cosh",
             .kind = NN_LOSS,
             .doc = "mean(log(cosh(y_pred - y_true))) along the last axis",
             .args = log_cosh_args,
             .size = sizeof(struct nn_loss)},
    .call = log_cosh,
};
