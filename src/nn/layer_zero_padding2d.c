/* ZeroPadding2D: rows and columns of zeros around an image. */
#include "nn/impl.h"

struct zero_padding2d {
    struct nn_layer layer;
    int64_t padding[4]; /* top, bottom, left, right */
    char *data_format;
};

static const struct nn_arg args[] = {
    {"padding", NN_MARGINS, offsetof(struct zero_padding2d, padding), "[[1, 1], [1, 1]]",
     .doc = "cells on all sides, or [height, width], or [[top, bottom], [left, right]]"},
    NN_DATA_FORMAT_ARG(struct zero_padding2d, "batch, height, width, channels"),
    {0},
};

static enum status init(struct nn_object *o, struct err *e) {
    const int64_t *p = ((struct zero_padding2d *)o)->padding;
    for (int i = 0; i < 4; i++)
        if (p[i] < 0) return err_set(e, ERR_VALUE, "ZeroPadding2D: argument padding must not be negative");
    return OK;
}

static enum status output(struct nn_layer *l, const struct shape *in, int nin, struct shape *out, struct err *e) {
    (void)nin, (void)e;
    const int64_t *p = ((struct zero_padding2d *)l)->padding;
    *out = in[0];
    for (int i = 0; i < 2; i++)
        if (in[0].dim[i + 1] >= 0) out->dim[i + 1] += p[2 * i] + p[2 * i + 1];
    return OK;
}

static struct tensor *call(struct nn_layer *l, struct nn_call *c, struct tensor *const *x, int nx) {
    const int64_t *p = ((struct zero_padding2d *)l)->padding;
    struct op_slice place = {.start = {0, p[0], p[2], 0}, .step = {1, 1, 1, 1}};
    output(l, &x[0]->shape, nx, &place.shape, c->emit->err);
    return emit_pad(c->emit, x[0], &place);
}

const struct nn_layer_class nn_layer_zero_padding2d = {
    .base = {.name = "ZeroPadding2D",
             .kind = NN_LAYER,
             .doc = "zeros around height and width of (batch, height, width, channels)",
             .args = args,
             .size = sizeof(struct zero_padding2d),
             .init = init},
    .rank = 4,
    .output = output,
    .call = call,
};
