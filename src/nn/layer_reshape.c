/* Reshape: another shape behind the batch, with the same elements. */
#include "nn/impl.h"

struct reshape {
    struct nn_layer layer;
    struct shape target;
};

static const struct nn_arg args[] = {
    {"target_shape", NN_SHAPE, offsetof(struct reshape, target), NULL, .flags = NN_WILDCARD,
     .doc = "without the batch; one size may be -1: what is left"},
    {0},
};

static enum status init(struct nn_object *o, struct err *e) {
    const struct shape *target = &((struct reshape *)o)->target;
    int wildcards = 0;
    for (int i = 0; i < target->rank; i++) wildcards += target->dim[i] < 0;
    if (target->rank == TENSOR_MAX_RANK)
        return err_set(e, ERR_VALUE, "Reshape: argument target_shape has too many dimensions");
    if (wildcards <= 1) return OK;
    return err_set(e, ERR_VALUE, "There must be at most one unknown dimension (-1) in target_shape.");
}

static int64_t product(const struct shape *s, int first, bool *unknown) {
    int64_t n = 1;
    for (int i = first; i < s->rank; i++)
        if (s->dim[i] < 0)
            *unknown = true;
        else
            n *= s->dim[i];
    return n;
}

static enum status output(struct nn_layer *l, const struct shape *in, int nin, struct shape *out, struct err *e) {
    (void)nin;
    const struct shape *target = &((struct reshape *)l)->target;
    bool unknown = false, wildcard = false;
    int64_t have = product(&in[0], 1, &unknown), want = product(target, 0, &wildcard);
    char from[200], to[200];
    out->rank = target->rank + 1;
    out->dim[0] = in[0].dim[0];
    for (int i = 0; i < target->rank; i++)
        out->dim[i + 1] = target->dim[i] >= 0 ? target->dim[i] : unknown || want == 0 ? -1 : have / want;
    if (unknown || (wildcard ? want > 0 && have % want == 0 : have == want)) return OK;
    return err_set(e, ERR_VALUE,
                   "The total size of the tensor must be unchanged. Received: input_shape=%s, target_shape=%s",
                   nn_shape_text(&in[0], from, sizeof from), shape_text(target, to, sizeof to));
}

static struct tensor *call(struct nn_layer *l, struct nn_call *c, struct tensor *const *x, int nx) {
    struct shape s;
    if (output(l, &x[0]->shape, nx, &s, c->emit->err)) return NULL;
    return emit_reshape(c->emit, x[0], &s);
}

const struct nn_layer_class nn_layer_reshape = {
    .base = {.name = "Reshape",
             .kind = NN_LAYER,
             .doc = "from (batch, ...) to (batch, *target_shape)",
             .args = args,
             .size = sizeof(struct reshape),
             .init = init},
    .min_rank = 1,
    .any_dtype = true,
    .output = output,
    .call = call,
};
