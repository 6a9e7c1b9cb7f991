/* Conv2D: a convolution over height and width of NHWC images with an HWIO kernel, a bias, an activation; and Conv1D, over
 * sequences: images whose height is 1. */
#include <string.h>

#include "nn/impl.h"

struct conv {
    struct nn_layer layer;
    int64_t filters, groups;
    int64_t kernel_size[2], strides[2], dilation_rate[2];
    char *padding, *data_format;
    bool use_bias;
    const struct nn_activation *activation;
    struct nn_object *kernel_initializer, *bias_initializer;
    struct variable *kernel, *bias;
};

/* Both take the same: sizes of `type`, the field's first number or, of a sequence, its second; what they are, in words. */
#define FIELD(field) offsetof(struct conv, field)
#define CONV_ARGS(type, first, one, listed, extent, space, paddings, paddings_doc)                                     \
    {"filters", NN_INT, FIELD(filters), NULL, .doc = "channels of the output"},                                        \
        {"kernel_size", type, FIELD(kernel_size[first]), NULL, .flags = listed, .doc = extent " of the kernel"},       \
        {"strides", type, FIELD(strides[first]), one, .flags = listed, .doc = "step of the kernel over the input"},    \
        {"padding", NN_STRING, FIELD(padding), "\"valid\"", .choices = paddings, .doc = paddings_doc},                 \
        NN_DATA_FORMAT_ARG(struct conv, "batch, " space ", channels"),                                                 \
        {"dilation_rate", type, FIELD(dilation_rate[first]), one, .flags = listed, .doc = "step inside the kernel"},   \
        {"groups", NN_INT, FIELD(groups), "1", .doc = "the channels are cut into so many parts"},                      \
        {"activation", NN_ACTIVATION, FIELD(activation), "null", .doc = "applied at the end"},                         \
        {"use_bias", NN_BOOL, FIELD(use_bias), "true", .doc = "whether a bias is added"},                              \
        {"kernel_initializer", NN_INITIALIZER, FIELD(kernel_initializer), "\"glorot_uniform\"",                        \
         .doc = "draws the kernel, (" space ", channels / groups, filters)"},                                          \
        {"bias_initializer", NN_INITIALIZER, FIELD(bias_initializer), "\"zeros\"",                                     \
         .doc = "draws the bias, (filters)"},                                                                          \
        {"kernel_regularizer", NN_REJECT, 0, "null", .doc = "a penalty on the kernel"},                                \
        {"bias_regularizer", NN_REJECT, 0, "null", .doc = "a penalty on the bias"},                                    \
        {"activity_regularizer", NN_REJECT, 0, "null", .doc = "a penalty on the output"},                              \
        {"kernel_constraint", NN_REJECT, 0, "null", .doc = "a projection of the kernel after each step"}, {            \
        "bias_constraint", NN_REJECT, 0, "null", .doc = "a projection of the bias after each step"                     \
    }

static const struct nn_arg image_args[] = {
    CONV_ARGS(NN_PAIR, 0, "[1, 1]", 0, "height and width", "height, width", "valid same",
              "valid: none; same: zeros, so that stride 1 keeps the size"),
    {"lora_rank", NN_REJECT, 0, "null", .flags = NN_HIDDEN, .doc = "rank of a low-rank adaptation"},
    {"lora_alpha", NN_REJECT, 0, "null", .flags = NN_HIDDEN, .doc = "scale of a low-rank adaptation"},
    {0},
};

static const struct nn_arg sequence_args[] = {
    CONV_ARGS(NN_SINGLE, 1, "1", NN_LISTED, "steps", "steps", "valid same causal",
              "valid: none; same: zeros, so that stride 1 keeps the size; causal: likewise, all of them in front"),
    {0},
};

static enum status init(struct nn_object *o, struct err *e) {
    struct conv *v = (struct conv *)o;
    if (nn_is_sequence(o)) v->kernel_size[0] = v->strides[0] = v->dilation_rate[0] = 1;
    if (nn_want_positive(o, "filters", v->filters, e) || nn_want_positive(o, "groups", v->groups, e) ||
        nn_want_positive_pair(o, "kernel_size", v->kernel_size, e) ||
        nn_want_positive_pair(o, "strides", v->strides, e) ||
        nn_want_positive_pair(o, "dilation_rate", v->dilation_rate, e))
        return e->status;
    if (v->filters % v->groups)
        return err_set(e, ERR_VALUE,
                       "The number of filters must be evenly divisible by the number of groups. "
                       "Received: groups=%lld, filters=%lld",
                       (long long)v->groups, (long long)v->filters);
    return nn_check_strides(o, v->strides, v->dilation_rate, e);
}

static bool window(const struct conv *v, const struct shape *in, struct op_window *w, int64_t out[2]) {
    const struct shape image = nn_as_image(in);
    const bool causal = !strcmp(v->padding, "causal"), same = causal || !strcmp(v->padding, "same");
    const bool fits = nn_window(w, &image.dim[1], v->kernel_size, v->strides, v->dilation_rate, same, out);
    if (causal) w->before[1] = (v->kernel_size[1] - 1) * v->dilation_rate[1], w->after[1] = 0;
    w->groups = v->groups;
    return fits;
}

static enum status output(struct nn_layer *l, const struct shape *in, int nin, struct shape *out, struct err *e) {
    (void)nin;
    const struct conv *v = (struct conv *)l;
    struct op_window w;
    int64_t size[2], channels = in[0].dim[in[0].rank - 1];
    char text[200];
    if (channels > 0 && channels % v->groups)
        return err_set(e, ERR_VALUE,
                       "The number of input channels must be evenly divisible by the number of groups. Received "
                       "groups=%lld, but the input has %lld channels (full input shape is %s)",
                       (long long)v->groups, (long long)channels, nn_shape_text(&in[0], text, sizeof text));
    if (!window(v, &in[0], &w, size)) return nn_empty_output(&in[0], &w, v->padding, e);
    *out = nn_from_image(&in[0], size, v->filters);
    return OK;
}

static enum status build(struct nn_layer *l, const struct op_sig *in, int nin, struct err *e) {
    (void)nin;
    struct conv *v = (struct conv *)l;
    const int64_t channels = in[0].shape.dim[in[0].shape.rank - 1], *size = v->kernel_size;
    if (nn_want_channels(l, channels, e)) return e->status;
    const struct shape image = SHAPE(size[0], size[1], channels / v->groups, v->filters);
    const struct shape sequence = SHAPE(size[1], channels / v->groups, v->filters);
    const struct shape kernel = nn_is_sequence(&l->object) ? sequence : image;
    if (nn_add_weight(l, "kernel", &kernel, v->kernel_initializer, true, &v->kernel, e)) return e->status;
    return v->use_bias
               ? nn_add_weight(l, "bias", &(struct shape){1, {v->filters}}, v->bias_initializer, true, &v->bias, e)
               : OK;
}

/* (steps, channels, filters) as a kernel of images. */
static struct tensor *image_kernel(struct nn_call *c, const struct conv *v) {
    struct tensor *kernel = nn_read(c, v->kernel);
    if (!kernel || kernel->shape.rank == 4) return kernel;
    const int64_t *dim = kernel->shape.dim;
    const struct shape image = SHAPE(1, dim[0], dim[1], dim[2]);
    return emit_reshape(c->emit, kernel, &image);
}

static struct tensor *call(struct nn_layer *l, struct nn_call *c, struct tensor *const *x, int nx) {
    (void)nx;
    const struct conv *v = (struct conv *)l;
    struct op_window w;
    int64_t size[2];
    window(v, &x[0]->shape, &w, size);
    const struct shape image = nn_as_image(&x[0]->shape), out = nn_from_image(&x[0]->shape, size, v->filters);
    emit_t y = emit_conv2d(c->emit, emit_reshape(c->emit, x[0], &image), image_kernel(c, v), &w);
    if (v->use_bias) y = emit_add(c->emit, y, nn_read(c, v->bias));
    if (y) y = v->activation->call(c, y);
    return y ? emit_reshape(c->emit, y, &out) : NULL;
}

#define CONV_CLASS(NAME, ALIAS, IN, OUT, ARGS)                                                                         \
    .base = {.name = (NAME),                                                                                           \
             .alias = (ALIAS),                                                                                         \
             .kind = NN_LAYER,                                                                                         \
             .doc = "activation(convolution of x with the kernel + bias), from (" IN ") to (" OUT ")",                 \
             .args = (ARGS),                                                                                           \
             .size = sizeof(struct conv),                                                                              \
             .init = init},                                                                                            \
    .build = build, .output = output, .call = call

const struct nn_layer_class nn_layer_conv2d = {
    CONV_CLASS("Conv2D", "Convolution2D", "batch, height, width, channels", "batch, height, width, filters",
               image_args),
    .rank = 4,
};

const struct nn_layer_class nn_layer_conv1d = {
    CONV_CLASS("Conv1D", "Convolution1D", "batch, steps, channels", "batch, steps, filters", sequence_args),
    .rank = 3,
};
