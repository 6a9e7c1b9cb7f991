/* GlobalAveragePooling2D, GlobalMaxPooling2D: one value for each channel of an image. */
#include "nn/impl.h"

struct global_pooling2d {
    struct nn_layer layer;
    char *data_format;
    bool keepdims;
};

static const struct nn_arg args[] = {
    {"data_format", NN_STRING, offsetof(struct global_pooling2d, data_format), "\"channels_last\"",
     .choices = "channels_last", .doc = "(batch, height, width, channels)"},
    {"keepdims", NN_BOOL, offsetof(struct global_pooling2d, keepdims), "false",
     .doc = "whether height and width stay, as 1"},
    {0},
};

static enum status output(struct nn_layer *l, const struct shape *in, int nin, struct shape *out, struct err *e) {
    (void)nin, (void)e;
    bool keep = ((struct global_pooling2d *)l)->keepdims;
    *out = keep ? SHAPE(in[0].dim[0], 1, 1, in[0].dim[3]) : SHAPE(in[0].dim[0], in[0].dim[3]);
    return OK;
}

static struct op_axes image_axes(const struct nn_layer *l) {
    return (struct op_axes){.n = 2, .axis = {1, 2}, .keepdims = ((const struct global_pooling2d *)l)->keepdims};
}

static struct tensor *mean(struct nn_layer *l, struct nn_call *c, struct tensor *const *x, int nx) {
    (void)nx;
    struct op_axes axes = image_axes(l);
    return emit_mean(c->emit, x[0], &axes);
}

static struct tensor *max(struct nn_layer *l, struct nn_call *c, struct tensor *const *x, int nx) {
    (void)nx;
    struct op_axes axes = image_axes(l);
    return emit_max(c->emit, x[0], &axes);
}

const struct nn_layer_class nn_layer_global_average_pooling2d = {
    .base = {.name = "GlobalAveragePooling2D",
             .alias = "GlobalAvgPool2D",
             .kind = NN_LAYER,
             .doc = "the mean over height and width, from (batch, height, width, channels) to (batch, channels)",
             .args = args,
             .size = sizeof(struct global_pooling2d)},
    .rank = 4,
    .output = output,
    .call = mean,
};

const struct nn_layer_class nn_layer_global_max_pooling2d = {
    .base = {.name = "GlobalMaxPooling2D",
             .alias = "GlobalMaxPool2D",
             .kind = NN_LAYER,
             .doc = "the largest value over height and width, from (batch, height, width, channels) to "
                    "(batch, channels)",
             .args = args,
             .size = sizeof(struct global_pooling2d)},
    .rank = 4,
    .output = output,
    .call = max,
};
