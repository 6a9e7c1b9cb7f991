/* Cropping2D: an image without rows and columns at its edges. */
#include "nn/impl.h"

struct cropping2d {
    struct nn_layer layer;
    int64_t cropping[4]; /* top, bottom, left, right */
    char *data_format;
};

static const struct nn_arg args[] = {
    {"cropping", NN_MARGINS, offsetof(struct cropping2d, cropping), "[[0, 0], [0, 0]]",
     .doc = "cells off all sides, or [height, width], or [[top, bottom], [left, right]]"},
    NN_DATA_FORMAT_ARG(struct cropping2d, "batch, height, width, channels"),
    {0},
};

static enum status init(struct nn_object *o, struct err *e) {
    const int64_t *c = ((struct cropping2d *)o)->cropping;
    for (int i = 0; i < 4; i++)
        if (c[i] < 0) return err_set(e, ERR_VALUE, "Cropping2D: argument cropping must not be negative");
    return OK;
}

static enum status output(struct nn_layer *l, const struct shape *in, int nin, struct shape *out, struct err *e) {
    (void)nin;
    const int64_t *c = ((struct cropping2d *)l)->cropping;
    char text[200];
    *out = in[0];
    for (int i = 0; i < 2; i++) {
        if (in[0].dim[i + 1] < 0) continue;
        out->dim[i + 1] -= c[2 * i] + c[2 * i + 1];
        if (out->dim[i + 1] <= 0)
            return err_set(
                e, ERR_VALUE,
                "Values in `cropping` argument should be smaller than the corresponding spatial dimension of "
                "the input. Received: inputs.shape=%s, cropping=((%lld, %lld), (%lld, %lld))",
                nn_shape_text(&in[0], text, sizeof text), (long long)c[0], (long long)c[1], (long long)c[2],
                (long long)c[3]);
    }
    return OK;
}

static struct tensor *call(struct nn_layer *l, struct nn_call *c, struct tensor *const *x, int nx) {
    const int64_t *cropping = ((struct cropping2d *)l)->cropping;
    struct op_slice s = {.start = {0, cropping[0], cropping[2], 0}, .step = {1, 1, 1, 1}};
    if (output(l, &x[0]->shape, nx, &s.shape, c->emit->err)) return NULL;
    return emit_slice(c->emit, x[0], &s);
}

const struct nn_layer_class nn_layer_cropping2d = {
    .base = {.name = "Cropping2D",
             .kind = NN_LAYER,
             .doc = "takes rows and columns off the edges of (batch, height, width, channels)",
             .args = args,
             .size = sizeof(struct cropping2d),
             .init = init},
    .rank = 4,
    .output = output,
    .call = call,
};
