/* Dropout: in training sets a part of the values to 0 and scales the rest up. Mask number t comes from the Philox
 * stream of (seed, t), bit for bit Keras's; t counts the training calls. */
#include "nn/impl.h"

struct dropout {
    struct nn_layer layer;
    double rate;
    struct shape noise_shape;
    int64_t seed;
};

static const struct nn_arg args[] = {
    {"rate", NN_FLOAT, offsetof(struct dropout, rate), NULL, .doc = "part of the values that is set to 0"},
    {"noise_shape", NN_SHAPE, offsetof(struct dropout, noise_shape), "null",
     .doc = "shape of the mask, which is broadcast; null stands for the input's size"},
    {"seed", NN_INT, offsetof(struct dropout, seed), "null", .doc = "of the masks; null: drawn"},
    {0},
};

static enum status init(struct nn_object *o, struct err *e) {
    struct dropout *d = (struct dropout *)o;
    if (!(d->rate >= 0 && d->rate <= 1))
        return err_set(e, ERR_VALUE,
                       "Invalid value received for argument `rate`. Expected a float value between 0 and 1. "
                       "Received: rate=%g",
                       d->rate);
    return d->rate > 0 ? nn_add_seed(&d->layer, d->seed, e) : OK;
}

static bool mask_shape(const struct dropout *d, const struct shape *x, struct shape *out) {
    *out = *x;
    if (d->noise_shape.rank < 0) return true;
    if (d->noise_shape.rank != x->rank) return false;
    for (int i = 0; i < x->rank; i++)
        if (d->noise_shape.dim[i] >= 0) out->dim[i] = d->noise_shape.dim[i];
    return true;
}

/* The seed pair of this call; the next call's has one step more. */
static struct tensor *next_seed(struct dropout *d, struct nn_call *c) {
    struct op_emitter *m = c->emit;
    emit_t seed = nn_read(c, d->layer.seed);
    nn_assign(c, d->layer.seed, emit_add(m, seed, emit_arange(m, DT_INT64, 0, 1, 2)));
    return seed;
}

static struct tensor *call(struct nn_layer *l, struct nn_call *c, struct tensor *const *x, int nx) {
    (void)nx;
    struct dropout *d = (struct dropout *)l;
    struct op_emitter *m = c->emit;
    struct shape mask;
    if (!c->training || d->rate == 0) return x[0];
    if (d->rate == 1) return emit_zeros_like(m, x[0]);
    if (!mask_shape(d, &x[0]->shape, &mask))
        return nn_fail(c, ERR_VALUE, "noise_shape has %d dimensions, the input %d", d->noise_shape.rank,
                       x[0]->shape.rank);
    emit_t u = emit_random_uniform(m, next_seed(d, c), &mask);
    emit_t keep = emit_ge(m, u, emit_scalar_like(m, u, d->rate));
    return emit_where(m, keep, emit_muls(m, x[0], 1 / (1 - d->rate)), emit_scalar_like(m, x[0], 0));
}

const struct nn_layer_class nn_layer_dropout = {
    .base = {.name = "Dropout",
             .kind = NN_LAYER,
             .doc = "in training x / (1 - rate), but 0 in a random part of rate; otherwise x. Any shape",
             .args = args,
             .size = sizeof(struct dropout),
             .init = init},
    .call = call,
};
