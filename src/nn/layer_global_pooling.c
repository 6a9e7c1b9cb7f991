/* GlobalAveragePooling2D, GlobalMaxPooling2D: one value for each channel of an image; likewise 1D, of a sequence. */
#include "nn/impl.h"

struct global_pooling {
    struct nn_layer layer;
    char *data_format;
    bool keepdims;
};

#define GLOBAL_ARGS(space, axes)                                                                                       \
    NN_DATA_FORMAT_ARG(struct global_pooling, "batch, " space ", channels"), {                                         \
        "keepdims", NN_BOOL, offsetof(struct global_pooling, keepdims), "false", .doc = "whether " axes ", as 1"       \
    }

static const struct nn_arg image_args[] = {GLOBAL_ARGS("height, width", "height and width stay"), {0}};
static const struct nn_arg sequence_args[] = {GLOBAL_ARGS("steps", "the steps stay"), {0}};

static enum status output(struct nn_layer *l, const struct shape *in, int nin, struct shape *out, struct err *e) {
    (void)nin, (void)e;
    static const int64_t one[2] = {1, 1};
    const int64_t channels = in[0].dim[in[0].rank - 1];
    const bool keep = ((const struct global_pooling *)l)->keepdims;
    *out = keep ? nn_from_image(&in[0], one, channels) : SHAPE(in[0].dim[0], channels);
    return OK;
}

/* All but the first and the last. */
static struct op_axes space_axes(const struct nn_layer *l, const struct tensor *x) {
    return (struct op_axes){
        .n = x->shape.rank - 2, .axis = {1, 2}, .keepdims = ((const struct global_pooling *)l)->keepdims};
}

static struct tensor *mean(struct nn_layer *l, struct nn_call *c, struct tensor *const *x, int nx) {
    (void)nx;
    struct op_axes axes = space_axes(l, x[0]);
    return emit_mean(c->emit, x[0], &axes);
}

static struct tensor *max(struct nn_layer *l, struct nn_call *c, struct tensor *const *x, int nx) {
    (void)nx;
    struct op_axes axes = space_axes(l, x[0]);
    return emit_max(c->emit, x[0], &axes);
}

#define GLOBAL_CLASS(NAME, ALIAS, VALUE, OVER, SPACE, ARGS, CALL)                                                      \
    .base = {.name = (NAME),                                                                                           \
             .alias = (ALIAS),                                                                                         \
             .kind = NN_LAYER,                                                                                         \
             .doc = VALUE " over " OVER ", from (batch, " SPACE ", channels) to (batch, channels)",                    \
             .args = (ARGS),                                                                                           \
             .size = sizeof(struct global_pooling)},                                                                   \
    .output = output, .call = (CALL)
#define IMAGE_CLASS(NAME, ALIAS, VALUE, CALL)                                                                          \
    GLOBAL_CLASS(NAME, ALIAS, VALUE, "height and width", "height, width", image_args, CALL), .rank = 4
#define SEQUENCE_CLASS(NAME, ALIAS, VALUE, CALL)                                                                       \
    GLOBAL_CLASS(NAME, ALIAS, VALUE, "the steps", "steps", sequence_args, CALL), .rank = 3

const struct nn_layer_class nn_layer_global_average_pooling2d = {
    IMAGE_CLASS("GlobalAveragePooling2D", "GlobalAvgPool2D", "the mean", mean),
};
const struct nn_layer_class nn_layer_global_max_pooling2d = {
    IMAGE_CLASS("GlobalMaxPooling2D", "GlobalMaxPool2D", "the largest value", max),
};
const struct nn_layer_class nn_layer_global_average_pooling1d = {
    SEQUENCE_CLASS("GlobalAveragePooling1D", "GlobalAvgPool1D", "the mean", mean),
};
const struct nn_layer_class nn_layer_global_max_pooling1d = {
    SEQUENCE_CLASS("GlobalMaxPooling1D", "GlobalMaxPool1D", "the largest value", max),
};
