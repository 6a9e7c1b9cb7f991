/* PReLU: x above 0, alpha * x below, alpha learned for each place. */
#include "nn/impl.h"

struct prelu {
    struct nn_layer layer;
    struct nn_object *alpha_initializer;
    struct shape shared_axes; /* from 1; rank -1: none */
    struct variable *alpha;
};

static const struct nn_arg args[] = {
    {"alpha_initializer", NN_INITIALIZER, offsetof(struct prelu, alpha_initializer), "\"Zeros\"", .doc = "draws alpha"},
    {"alpha_regularizer", NN_REJECT, 0, "null", .doc = "a penalty on alpha"},
    {"alpha_constraint", NN_REJECT, 0, "null", .doc = "a projection of alpha after each step"},
    {"shared_axes", NN_SHAPE, offsetof(struct prelu, shared_axes), "null",
     .doc = "axes, from 1, along which one alpha serves"},
    {0},
};

static bool is_shared(const struct prelu *p, int axis) {
    for (int i = 0; i < p->shared_axes.rank; i++)
        if (p->shared_axes.dim[i] == axis) return true;
    return false;
}

static enum status build(struct nn_layer *l, const struct op_sig *in, int nin, struct err *e) {
    (void)nin;
    struct prelu *p = (struct prelu *)l;
    struct shape alpha = {.rank = in[0].shape.rank - 1};
    for (int i = 0; i < alpha.rank; i++) {
        alpha.dim[i] = is_shared(p, i + 1) ? 1 : in[0].shape.dim[i + 1];
        if (alpha.dim[i] < 0) return err_set(e, ERR_VALUE, "dimension %d of the input must be known, not None", i + 1);
    }
    l->rank = in[0].shape.rank;
    return nn_add_weight(l, "alpha", &alpha, p->alpha_initializer, true, &p->alpha, e);
}

static struct tensor *call(struct nn_layer *l, struct nn_call *c, struct tensor *const *x, int nx) {
    (void)nx;
    struct op_emitter *m = c->emit;
    emit_t below = emit_mul(m, nn_read(c, ((struct prelu *)l)->alpha), emit_relu(m, emit_neg(m, x[0])));
    return emit_sub(m, emit_relu(m, x[0]), below);
}

const struct nn_layer_class nn_layer_prelu = {
    .base = {.name = "PReLU",
             .kind = NN_LAYER,
             .doc = "x above 0, alpha * x below; any shape",
             .args = args,
             .size = sizeof(struct prelu)},
    .min_rank = 1,
    .build = build,
    .call = call,
};
