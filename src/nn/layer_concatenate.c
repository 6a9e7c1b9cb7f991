/* Concatenate: the inputs one after another along an axis. */
#include "nn/impl.h"

struct concatenate {
    struct nn_layer layer;
    int64_t axis;
};

static const struct nn_arg args[] = {
    {"axis", NN_INT, offsetof(struct concatenate, axis), "-1", .doc = "along which they are joined"},
    {0},
};

static enum status output(struct nn_layer *l, const struct shape *in, int nin, struct shape *out, struct err *e) {
    int axis;
    char first[200], other[200];
    if (shape_axis(&in[0], ((struct concatenate *)l)->axis, &axis, e)) return e->status;
    *out = in[0];
    for (int i = 1; i < nin; i++) {
        bool fits = in[i].rank == in[0].rank;
        for (int d = 0; fits && d < in[0].rank; d++)
            fits = d == axis || in[i].dim[d] == in[0].dim[d] || in[i].dim[d] < 0 || in[0].dim[d] < 0;
        if (!fits)
            return err_set(e, ERR_VALUE,
                           "A `Concatenate` layer requires inputs with matching shapes except for the concatenation "
                           "axis. Received: %s and %s",
                           nn_shape_text(&in[0], first, sizeof first), nn_shape_text(&in[i], other, sizeof other));
        bool unknown = out->dim[axis] < 0 || in[i].dim[axis] < 0;
        out->dim[axis] = unknown ? -1 : out->dim[axis] + in[i].dim[axis];
    }
    return OK;
}

static struct tensor *call(struct nn_layer *l, struct nn_call *c, struct tensor *const *x, int nx) {
    int64_t axis = ((struct concatenate *)l)->axis;
    return emit_concatenate(c->emit, x, nx, (int)(axis < 0 ? axis + x[0]->shape.rank : axis));
}

const struct nn_layer_class nn_layer_concatenate = {
    .base = {.name = "Concatenate",
             .kind = NN_LAYER,
             .doc = "the inputs joined along an axis",
             .args = args,
             .size = sizeof(struct concatenate)},
    .nin = NN_ANY_INPUTS,
    .output = output,
    .call = call,
};
