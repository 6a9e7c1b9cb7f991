/* Flatten: all dimensions but the batch become one. */
#include "nn/impl.h"

struct flatten {
    struct nn_layer layer;
    char *data_format;
};

static const struct nn_arg args[] = {
    NN_DATA_FORMAT_ARG(struct flatten, "batch, ..., channels"),
    {0},
};

static enum status output(struct nn_layer *l, const struct shape *in, int nin, struct shape *out, struct err *e) {
    (void)l, (void)nin, (void)e;
    int64_t n = 1;
    for (int i = 1; i < in[0].rank; i++) n = n < 0 || in[0].dim[i] < 0 ? -1 : n * in[0].dim[i];
    *out = SHAPE(in[0].dim[0], n);
    return OK;
}

static struct tensor *call(struct nn_layer *l, struct nn_call *c, struct tensor *const *x, int nx) {
    struct shape s;
    output(l, &x[0]->shape, nx, &s, c->emit->err);
    return emit_reshape(c->emit, x[0], &s);
}

const struct nn_layer_class nn_layer_flatten = {
    .base = {.name = "Flatten",
             .kind = NN_LAYER,
             .doc = "from (batch, ...) to (batch, product of the rest)",
             .args = args,
             .size = sizeof(struct flatten)},
    .min_rank = 1,
    .any_dtype = true,
    .output = output,
    .call = call,
};
