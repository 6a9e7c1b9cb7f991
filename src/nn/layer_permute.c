/* Permute: the dimensions behind the batch in another order. */
#include "nn/impl.h"

struct permute {
    struct nn_layer layer;
    struct shape dims;
};

static const struct nn_arg args[] = {
    {"dims", NN_SHAPE, offsetof(struct permute, dims), NULL, .doc = "the old dimensions, from 1, in their new order"},
    {0},
};

static enum status init(struct nn_object *o, struct err *e) {
    struct permute *p = (struct permute *)o;
    char text[200];
    uint64_t seen = 0;
    for (int i = 0; i < p->dims.rank; i++)
        if (p->dims.dim[i] >= 1 && p->dims.dim[i] <= p->dims.rank) seen |= UINT64_C(1) << p->dims.dim[i];
    p->layer.rank = p->dims.rank + 1;
    if (seen == (UINT64_C(2) << p->dims.rank) - 2) return OK;
    return err_set(e, ERR_VALUE,
                   "Invalid permutation argument `dims` for Permute Layer. The set of indices in `dims` must be "
                   "consecutive and start from 1. Received dims=%s",
                   shape_text(&p->dims, text, sizeof text));
}

static enum status output(struct nn_layer *l, const struct shape *in, int nin, struct shape *out, struct err *e) {
    (void)nin, (void)e;
    const struct shape *dims = &((struct permute *)l)->dims;
    *out = in[0];
    for (int i = 0; i < dims->rank; i++) out->dim[i + 1] = in[0].dim[dims->dim[i]];
    return OK;
}

static struct tensor *call(struct nn_layer *l, struct nn_call *c, struct tensor *const *x, int nx) {
    (void)nx;
    const struct shape *dims = &((struct permute *)l)->dims;
    int permutation[TENSOR_MAX_RANK] = {0};
    for (int i = 0; i < dims->rank; i++) permutation[i + 1] = (int)dims->dim[i];
    return emit_transpose(c->emit, x[0], permutation);
}

const struct nn_layer_class nn_layer_permute = {
    .base = {.name = "Permute",
             .kind = NN_LAYER,
             .doc = "the dimensions behind the batch, reordered",
             .args = args,
             .size = sizeof(struct permute),
             .init = init},
    .any_dtype = true,
    .output = output,
    .call = call,
};
