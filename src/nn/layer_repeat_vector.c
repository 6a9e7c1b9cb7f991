/* RepeatVector: a vector, n times. */
#include "nn/impl.h"

struct repeat_vector {
    struct nn_layer layer;
    int64_t n;
};

static const struct nn_arg args[] = {
    {"n", NN_INT, offsetof(struct repeat_vector, n), NULL, .doc = "how often"},
    {0},
};

static enum status init(struct nn_object *o, struct err *e) {
    return nn_want_positive(o, "n", ((struct repeat_vector *)o)->n, e);
}

static enum status output(struct nn_layer *l, const struct shape *in, int nin, struct shape *out, struct err *e) {
    (void)nin, (void)e;
    *out = SHAPE(in[0].dim[0], ((struct repeat_vector *)l)->n, in[0].dim[1]);
    return OK;
}

static struct tensor *call(struct nn_layer *l, struct nn_call *c, struct tensor *const *x, int nx) {
    struct shape out;
    output(l, &x[0]->shape, nx, &out, c->emit->err);
    const struct shape once = SHAPE(out.dim[0], 1, out.dim[2]);
    return emit_broadcast_to(c->emit, emit_reshape(c->emit, x[0], &once), &out);
}

const struct nn_layer_class nn_layer_repeat_vector = {
    .base = {.name = "RepeatVector",
             .kind = NN_LAYER,
             .doc = "from (batch, features) to (batch, n, features)",
             .args = args,
             .size = sizeof(struct repeat_vector),
             .init = init},
    .rank = 2,
    .output = output,
    .call = call,
};
