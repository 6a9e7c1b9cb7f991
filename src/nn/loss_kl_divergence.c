/* KLDivergence, Poisson: how far predicted distributions, or rates, are from what was. */
#include "nn/impl.h"

static const struct nn_arg divergence_args[] = {NN_REDUCTION_ARG, NN_NAME_ARG("kl_divergence"), NN_LOSS_DTYPE_ARG, {0}};
static const struct nn_arg poisson_args[] = {NN_REDUCTION_ARG, NN_NAME_ARG("poisson"), NN_LOSS_DTYPE_ARG, {0}};

static struct tensor *clip(struct nn_call *c, struct tensor *p) {
    return emit_minimums(c->emit, emit_maximums(c->emit, p, NN_EPSILON), 1);
}

static struct tensor *divergence(struct nn_object *o, struct nn_call *c, struct tensor *y_true, struct tensor *y_pred) {
    (void)o;
    emit_t t = clip(c, y_true), p = clip(c, y_pred);
    emit_t terms = emit_mul(c->emit, t, emit_log(c->emit, emit_div(c->emit, t, p)));
    if (!terms) return NULL;
    const struct op_axes last = nn_axes_from(terms->shape.rank - 1, terms->shape.rank);
    return emit_sum(c->emit, terms, &last);
}

static struct tensor *poisson(struct nn_object *o, struct nn_call *c, struct tensor *y_true, struct tensor *y_pred) {
    (void)o;
    emit_t likely = emit_mul(c->emit, y_true, emit_log(c->emit, emit_adds(c->emit, y_pred, NN_EPSILON)));
    return nn_mean_last(c, emit_sub(c->emit, y_pred, likely));
}

const struct nn_loss_class nn_loss_kl_divergence = {
    .base = {.name = "KLDivergence",
             .alias = "kl_divergence kld KLD",
             .kind = NN_LOSS,
             .doc = "sum(y_true * log(y_true / y_pred)) along the last axis",
             .args = divergence_args,
             .size = sizeof(struct nn_loss)},
    .call = divergence,
};

const struct nn_loss_class nn_loss_poisson = {
    .base = {.name = "Poisson",
             .alias = "poisson",
             .kind = NN_LOSS,
             .doc = "mean(y_pred - y_true * log(y_pred)) along the last axis",
             .args = poisson_args,
             .size = sizeof(struct nn_loss)},
    .call = poisson,
};
