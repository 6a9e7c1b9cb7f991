/* DepthwiseConv2D, a convolution whose channels stay apart, depth_multiplier filters each; and SeparableConv2D, that and then
 * a convolution of one pixel, which mixes them. */
#include <string.h>

#include "nn/impl.h"

struct depthwise {
    struct nn_layer layer;
    int64_t filters; /* of SeparableConv2D */
    int64_t kernel_size[2], strides[2], dilation_rate[2], depth_multiplier;
    char *padding, *data_format;
    bool use_bias;
    const struct nn_activation *activation;
    struct nn_object *depthwise_initializer, *pointwise_initializer, *bias_initializer;
    struct variable *kernel, *pointwise, *bias; /* pointwise NULL: of DepthwiseConv2D */
};

#define FIELD(field) offsetof(struct depthwise, field)
#define KERNEL_ARGS                                                                                                    \
    {"kernel_size", NN_PAIR, FIELD(kernel_size), NULL, .doc = "height and width of the kernel"},                       \
        {"strides", NN_PAIR, FIELD(strides), "[1, 1]", .doc = "step of the kernel over the input"}, {                  \
        "padding", NN_STRING, FIELD(padding), "\"valid\"",                                                             \
            .choices = "valid same", .doc = "valid: none; same: zeros, so that stride 1 keeps the size"                \
    }
#define MULTIPLIER_ARG                                                                                                 \
    { "depth_multiplier", NN_INT, FIELD(depth_multiplier), "1", .doc = "filters of each input channel" }
#define FORMAT_ARGS                                                                                                    \
    NN_DATA_FORMAT_ARG(struct depthwise, "batch, height, width, channels"), {                                          \
        "dilation_rate", NN_PAIR, FIELD(dilation_rate), "[1, 1]", .doc = "step inside the kernel"                      \
    }
#define OUTPUT_ARGS                                                                                                    \
    {"activation", NN_ACTIVATION, FIELD(activation), "null", .doc = "applied at the end"},                             \
        {"use_bias", NN_BOOL, FIELD(use_bias), "true", .doc = "whether a bias is added"}, {                            \
        "depthwise_initializer", NN_INITIALIZER, FIELD(depthwise_initializer), "\"glorot_uniform\"",                   \
            .doc = "draws the kernel, (height, width, channels, depth_multiplier)"                                     \
    }
#define BIAS_INITIALIZER_ARG                                                                                           \
    { "bias_initializer", NN_INITIALIZER, FIELD(bias_initializer), "\"zeros\"", .doc = "draws the bias" }
#define REJECTED(name, DOC)                                                                                            \
    { name, NN_REJECT, 0, "null", .doc = DOC }
#define PENALTY(name) REJECTED(name, "a penalty")
#define PROJECTION(name) REJECTED(name, "a projection after each step")

static const struct nn_arg depthwise_args[] = {
    KERNEL_ARGS,
    MULTIPLIER_ARG,
    FORMAT_ARGS,
    OUTPUT_ARGS,
    BIAS_INITIALIZER_ARG,
    PENALTY("depthwise_regularizer"),
    PENALTY("bias_regularizer"),
    PENALTY("activity_regularizer"),
    PROJECTION("depthwise_constraint"),
    PROJECTION("bias_constraint"),
    {0},
};

static const struct nn_arg separable_args[] = {
    {"filters", NN_INT, FIELD(filters), NULL, .doc = "channels of the output"},
    KERNEL_ARGS,
    FORMAT_ARGS,
    MULTIPLIER_ARG,
    OUTPUT_ARGS,
    {"pointwise_initializer", NN_INITIALIZER, FIELD(pointwise_initializer), "\"glorot_uniform\"",
     .doc = "draws the kernel that mixes, (1, 1, channels * depth_multiplier, filters)"},
    BIAS_INITIALIZER_ARG,
    PENALTY("depthwise_regularizer"),
    PENALTY("pointwise_regularizer"),
    PENALTY("bias_regularizer"),
    PENALTY("activity_regularizer"),
    PROJECTION("depthwise_constraint"),
    PROJECTION("pointwise_constraint"),
    PROJECTION("bias_constraint"),
    {0},
};

static bool is_separable(const struct depthwise *v) {
    return v->pointwise_initializer != NULL;
}

static enum status init(struct nn_object *o, struct err *e) {
    const struct depthwise *v = (struct depthwise *)o;
    if ((is_separable(v) && nn_want_positive(o, "filters", v->filters, e)) ||
        nn_want_positive(o, "depth_multiplier", v->depth_multiplier, e) ||
        nn_want_positive_pair(o, "kernel_size", v->kernel_size, e) ||
        nn_want_positive_pair(o, "strides", v->strides, e) ||
        nn_want_positive_pair(o, "dilation_rate", v->dilation_rate, e))
        return e->status;
    return nn_check_strides(o, v->strides, v->dilation_rate, e);
}

static bool window(const struct depthwise *v, const struct shape *in, struct op_window *w, int64_t out[2]) {
    const bool same = !strcmp(v->padding, "same");
    const bool fits = nn_window(w, &in->dim[1], v->kernel_size, v->strides, v->dilation_rate, same, out);
    w->groups = in->dim[3];
    return fits;
}

static enum status output(struct nn_layer *l, const struct shape *in, int nin, struct shape *out, struct err *e) {
    (void)nin;
    const struct depthwise *v = (struct depthwise *)l;
    const int64_t channels = in[0].dim[3];
    struct op_window w;
    int64_t size[2];
    if (!window(v, &in[0], &w, size)) return nn_empty_output(&in[0], &w, v->padding, e);
    const int64_t filters = is_separable(v) ? v->filters : channels < 0 ? -1 : channels * v->depth_multiplier;
    *out = SHAPE(in[0].dim[0], size[0], size[1], filters);
    return OK;
}

static enum status build(struct nn_layer *l, const struct op_sig *in, int nin, struct err *e) {
    (void)nin;
    struct depthwise *v = (struct depthwise *)l;
    const int64_t channels = in[0].shape.dim[3];
    if (nn_want_channels(l, channels, e)) return e->status;
    const struct shape kernel = SHAPE(v->kernel_size[0], v->kernel_size[1], channels, v->depth_multiplier);
    const struct shape mixes = SHAPE(1, 1, channels * v->depth_multiplier, v->filters);
    const struct shape bias = SHAPE(is_separable(v) ? v->filters : channels * v->depth_multiplier);
    const char *name = is_separable(v) ? "depthwise_kernel" : "kernel";
    if (nn_add_weight(l, name, &kernel, v->depthwise_initializer, true, &v->kernel, e) ||
        (is_separable(v) &&
         nn_add_weight(l, "pointwise_kernel", &mixes, v->pointwise_initializer, true, &v->pointwise, e)))
        return e->status;
    return v->use_bias ? nn_add_weight(l, "bias", &bias, v->bias_initializer, true, &v->bias, e) : OK;
}

/* (height, width, channels, n) as a kernel of as many groups, (height, width, 1, channels * n). */
static struct tensor *grouped(struct nn_call *c, struct tensor *kernel) {
    if (!kernel) return NULL;
    const int64_t *dim = kernel->shape.dim;
    const struct shape s = SHAPE(dim[0], dim[1], 1, dim[2] * dim[3]);
    return emit_reshape(c->emit, kernel, &s);
}

static struct tensor *call(struct nn_layer *l, struct nn_call *c, struct tensor *const *x, int nx) {
    (void)nx;
    const struct depthwise *v = (struct depthwise *)l;
    struct op_window w, pixel;
    int64_t size[2];
    window(v, &x[0]->shape, &w, size);
    emit_t y = emit_conv2d(c->emit, x[0], grouped(c, nn_read(c, v->kernel)), &w);
    if (is_separable(v)) {
        static const int64_t one[2] = {1, 1};
        nn_window(&pixel, size, one, one, NULL, false, size);
        y = emit_conv2d(c->emit, y, nn_read(c, v->pointwise), &pixel);
    }
    if (v->use_bias) y = emit_add(c->emit, y, nn_read(c, v->bias));
    return y ? v->activation->call(c, y) : NULL;
}

const struct nn_layer_class nn_layer_depthwise_conv2d = {
    .base = {.name = "DepthwiseConv2D",
             .kind = NN_LAYER,
             .doc = "activation(convolution of each channel of x with kernels of its own + bias), from (batch, height, "
                    "width, channels) to (batch, height, width, channels * depth_multiplier)",
             .args = depthwise_args,
             .size = sizeof(struct depthwise),
             .init = init},
    .rank = 4,
    .build = build,
    .output = output,
    .call = call,
};

const struct nn_layer_class nn_layer_separable_conv2d = {
    .base = {.name = "SeparableConv2D",
             .alias = "SeparableConvolution2D",
             .kind = NN_LAYER,
             .doc =
                 "a depthwise convolution, then one of a pixel that mixes its channels: activation(... + bias), from "
                 "(batch, height, width, channels) to (batch, height, width, filters)",
             .args = separable_args,
             .size = sizeof(struct depthwise),
             .init = init},
    .rank = 4,
    .build = build,
    .output = output,
    .call = call,
};
