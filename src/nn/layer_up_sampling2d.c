/* UpSampling2D: each pixel becomes a rectangle of pixels. */
#include "nn/impl.h"

struct up_sampling2d {
    struct nn_layer layer;
    int64_t size[2];
    char *data_format, *interpolation;
};

static const struct nn_arg args[] = {
    {"size", NN_PAIR, offsetof(struct up_sampling2d, size), "[2, 2]", .doc = "height and width of a pixel's rectangle"},
    NN_DATA_FORMAT_ARG(struct up_sampling2d, "batch, height, width, channels"),
    {"interpolation", NN_STRING, offsetof(struct up_sampling2d, interpolation), "\"nearest\"", .choices = "nearest",
     .doc = "nearest: the pixel itself, again and again"},
    {0},
};

static enum status init(struct nn_object *o, struct err *e) {
    return nn_want_positive_pair(o, "size", ((struct up_sampling2d *)o)->size, e);
}

static enum status output(struct nn_layer *l, const struct shape *in, int nin, struct shape *out, struct err *e) {
    (void)nin, (void)e;
    *out = in[0];
    for (int i = 0; i < 2; i++)
        if (in[0].dim[i + 1] >= 0) out->dim[i + 1] *= ((struct up_sampling2d *)l)->size[i];
    return OK;
}

static struct tensor *call(struct nn_layer *l, struct nn_call *c, struct tensor *const *x, int nx) {
    const int64_t *in = x[0]->shape.dim, *size = ((struct up_sampling2d *)l)->size;
    const struct shape once = SHAPE(in[0], in[1], 1, in[2], 1, in[3]);
    const struct shape repeated = SHAPE(in[0], in[1], size[0], in[2], size[1], in[3]);
    struct shape out;
    output(l, &x[0]->shape, nx, &out, c->emit->err);
    emit_t y = emit_broadcast_to(c->emit, emit_reshape(c->emit, x[0], &once), &repeated);
    return emit_reshape(c->emit, y, &out);
}

const struct nn_layer_class nn_layer_up_sampling2d = {
    .base = {.name = "UpSampling2D",
             .kind = NN_LAYER,
             .doc =
                 "repeats pixels, from (batch, height, width, channels) to the same with height and width times size",
             .args = args,
             .size = sizeof(struct up_sampling2d),
             .init = init},
    .rank = 4,
    .output = output,
    .call = call,
};
