/* Conv2D: a convolution over height and width of NHWC images with an HWIO kernel, a bias, an activation. */
#include <string.h>

#include "nn/impl.h"

struct conv2d {
    struct nn_layer layer;
    int64_t filters, groups;
    int64_t kernel_size[2], strides[2], dilation_rate[2];
    char *padding, *data_format;
    bool use_bias;
    const struct nn_activation *activation;
    struct nn_object *kernel_initializer, *bias_initializer;
    struct variable *kernel, *bias;
};

static const struct nn_arg args[] = {
    {"filters", NN_INT, offsetof(struct conv2d, filters), NULL, .doc = "channels of the output"},
    {"kernel_size", NN_PAIR, offsetof(struct conv2d, kernel_size), NULL, .doc = "height and width of the kernel"},
    {"strides", NN_PAIR, offsetof(struct conv2d, strides), "[1, 1]", .doc = "step of the kernel over the input"},
    {"padding", NN_STRING, offsetof(struct conv2d, padding), "\"valid\"", .choices = "valid same",
     .doc = "valid: none; same: zeros, so that stride 1 keeps the size"},
    {"data_format", NN_STRING, offsetof(struct conv2d, data_format), "\"channels_last\"", .choices = "channels_last",
     .doc = "(batch, height, width, channels)"},
    {"dilation_rate", NN_PAIR, offsetof(struct conv2d, dilation_rate), "[1, 1]", .doc = "step inside the kernel"},
    {"groups", NN_INT, offsetof(struct conv2d, groups), "1", .doc = "the channels are cut into so many parts"},
    {"activation", NN_ACTIVATION, offsetof(struct conv2d, activation), "null", .doc = "applied at the end"},
    {"use_bias", NN_BOOL, offsetof(struct conv2d, use_bias), "true", .doc = "whether a bias is added"},
    {"kernel_initializer", NN_INITIALIZER, offsetof(struct conv2d, kernel_initializer), "\"glorot_uniform\"",
     .doc = "draws the kernel, (height, width, channels / groups, filters)"},
    {"bias_initializer", NN_INITIALIZER, offsetof(struct conv2d, bias_initializer), "\"zeros\"",
     .doc = "draws the bias, (filters)"},
    {"kernel_regularizer", NN_REJECT, 0, "null", .doc = "a penalty on the kernel"},
    {"bias_regularizer", NN_REJECT, 0, "null", .doc = "a penalty on the bias"},
    {"activity_regularizer", NN_REJECT, 0, "null", .doc = "a penalty on the output"},
    {"kernel_constraint", NN_REJECT, 0, "null", .doc = "a projection of the kernel after each step"},
    {"bias_constraint", NN_REJECT, 0, "null", .doc = "a projection of the bias after each step"},
    {"lora_rank", NN_REJECT, 0, "null", .flags = NN_HIDDEN, .doc = "rank of a low-rank adaptation"},
    {"lora_alpha", NN_REJECT, 0, "null", .flags = NN_HIDDEN, .doc = "scale of a low-rank adaptation"},
    {0},
};

static enum status init(struct nn_object *o, struct err *e) {
    struct conv2d *v = (struct conv2d *)o;
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
    return nn_check_strides(v->strides, v->dilation_rate, e);
}

static bool window(const struct conv2d *v, const struct shape *in, struct op_window *w, int64_t out[2]) {
    bool fits =
        nn_window(w, &in->dim[1], v->kernel_size, v->strides, v->dilation_rate, !strcmp(v->padding, "same"), out);
    w->groups = v->groups;
    return fits;
}

static enum status output(struct nn_layer *l, const struct shape *in, int nin, struct shape *out, struct err *e) {
    (void)nin;
    const struct conv2d *v = (struct conv2d *)l;
    struct op_window w;
    int64_t size[2], channels = in[0].dim[3];
    char text[200];
    if (channels > 0 && channels % v->groups)
        return err_set(e, ERR_VALUE,
                       "The number of input channels must be evenly divisible by the number of groups. Received "
                       "groups=%lld, but the input has %lld channels (full input shape is %s)",
                       (long long)v->groups, (long long)channels, nn_shape_text(&in[0], text, sizeof text));
    if (!window(v, &in[0], &w, size)) return nn_empty_output(&in[0], &w, v->padding, e);
    *out = SHAPE(in[0].dim[0], size[0], size[1], v->filters);
    return OK;
}

static enum status build(struct nn_layer *l, const struct op_sig *in, int nin, struct err *e) {
    (void)nin;
    struct conv2d *v = (struct conv2d *)l;
    int64_t channels = in[0].shape.dim[3];
    if (nn_want_channels(l, channels, e)) return e->status;
    struct shape kernel = SHAPE(v->kernel_size[0], v->kernel_size[1], channels / v->groups, v->filters);
    if (nn_add_weight(l, "kernel", &kernel, v->kernel_initializer, true, &v->kernel, e)) return e->status;
    return v->use_bias
               ? nn_add_weight(l, "bias", &(struct shape){1, {v->filters}}, v->bias_initializer, true, &v->bias, e)
               : OK;
}

static struct tensor *call(struct nn_layer *l, struct nn_call *c, struct tensor *const *x, int nx) {
    (void)nx;
    struct conv2d *v = (struct conv2d *)l;
    struct op_window w;
    int64_t size[2];
    window(v, &x[0]->shape, &w, size);
    emit_t y = emit_conv2d(c->emit, x[0], nn_read(c, v->kernel), &w);
    if (v->use_bias) y = emit_add(c->emit, y, nn_read(c, v->bias));
    return y ? v->activation->call(c, y) : NULL;
}

const struct nn_layer_class nn_layer_conv2d = {
    .base = {.name = "Conv2D",
             .alias = "Convolution2D",
             .kind = NN_LAYER,
             .doc = "activation(convolution of x with the kernel + bias), from (batch, height, width, channels) to "
                    "(batch, height, width, filters)",
             .args = args,
             .size = sizeof(struct conv2d),
             .init = init},
    .rank = 4,
    .build = build,
    .output = output,
    .call = call,
};
