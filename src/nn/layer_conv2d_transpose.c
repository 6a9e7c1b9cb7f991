/* Conv2DTranspose: the gradient of a convolution for its input, as a layer: strides make images larger. */
#include <string.h>

#include "nn/impl.h"

struct conv2d_transpose {
    struct nn_layer layer;
    int64_t filters, kernel_size[2], strides[2], dilation_rate[2];
    char *padding, *data_format;
    bool use_bias;
    const struct nn_activation *activation;
    struct nn_object *kernel_initializer, *bias_initializer;
    struct variable *kernel, *bias;
};

#define FIELD(field) offsetof(struct conv2d_transpose, field)
static const struct nn_arg args[] = {
    {"filters", NN_INT, FIELD(filters), NULL, .doc = "channels of the output"},
    {"kernel_size", NN_PAIR, FIELD(kernel_size), NULL, .doc = "height and width of the kernel"},
    {"strides", NN_PAIR, FIELD(strides), "[1, 1]", .doc = "how far apart the input's pixels lie in the output"},
    {"padding", NN_STRING, FIELD(padding), "\"valid\"", .choices = "valid same",
     .doc = "valid: all of the output; same: height and width times the strides"},
    {"output_padding", NN_REJECT, 0, "null", .doc = "the output's size where several would fit"},
    NN_DATA_FORMAT_ARG(struct conv2d_transpose, "batch, height, width, channels"),
    {"dilation_rate", NN_PAIR, FIELD(dilation_rate), "[1, 1]", .doc = "step inside the kernel"},
    {"activation", NN_ACTIVATION, FIELD(activation), "null", .doc = "applied at the end"},
    {"use_bias", NN_BOOL, FIELD(use_bias), "true", .doc = "whether a bias is added"},
    {"kernel_initializer", NN_INITIALIZER, FIELD(kernel_initializer), "\"glorot_uniform\"",
     .doc = "draws the kernel, (height, width, filters, channels)"},
    {"bias_initializer", NN_INITIALIZER, FIELD(bias_initializer), "\"zeros\"", .doc = "draws the bias, (filters)"},
    {"kernel_regularizer", NN_REJECT, 0, "null", .doc = "a penalty on the kernel"},
    {"bias_regularizer", NN_REJECT, 0, "null", .doc = "a penalty on the bias"},
    {"activity_regularizer", NN_REJECT, 0, "null", .doc = "a penalty on the output"},
    {"kernel_constraint", NN_REJECT, 0, "null", .doc = "a projection of the kernel after each step"},
    {"bias_constraint", NN_REJECT, 0, "null", .doc = "a projection of the bias after each step"},
    {0},
};

static enum status init(struct nn_object *o, struct err *e) {
    const struct conv2d_transpose *v = (struct conv2d_transpose *)o;
    if (nn_want_positive(o, "filters", v->filters, e) || nn_want_positive_pair(o, "kernel_size", v->kernel_size, e) ||
        nn_want_positive_pair(o, "strides", v->strides, e))
        return e->status;
    if (nn_want_positive_pair(o, "dilation_rate", v->dilation_rate, e)) return e->status;
    return nn_check_strides(o, v->strides, v->dilation_rate, e);
}

/* Keras's compute_conv_transpose_output_length. */
static int64_t length(const struct conv2d_transpose *v, int i, int64_t in) {
    const int64_t reach = (v->kernel_size[i] - 1) * v->dilation_rate[i] + 1, over = reach - v->strides[i];
    if (in < 0) return -1;
    return in * v->strides[i] + (!strcmp(v->padding, "valid") && over > 0 ? over : 0);
}

static enum status output(struct nn_layer *l, const struct shape *in, int nin, struct shape *out, struct err *e) {
    (void)nin, (void)e;
    const struct conv2d_transpose *v = (struct conv2d_transpose *)l;
    *out = SHAPE(in[0].dim[0], length(v, 0, in[0].dim[1]), length(v, 1, in[0].dim[2]), v->filters);
    return OK;
}

static enum status build(struct nn_layer *l, const struct op_sig *in, int nin, struct err *e) {
    (void)nin;
    struct conv2d_transpose *v = (struct conv2d_transpose *)l;
    const int64_t channels = in[0].shape.dim[3];
    if (nn_want_channels(l, channels, e)) return e->status;
    const struct shape kernel = SHAPE(v->kernel_size[0], v->kernel_size[1], v->filters, channels),
                       bias = SHAPE(v->filters);
    if (nn_add_weight(l, "kernel", &kernel, v->kernel_initializer, true, &v->kernel, e)) return e->status;
    return v->use_bias ? nn_add_weight(l, "bias", &bias, v->bias_initializer, true, &v->bias, e) : OK;
}

/* The window is that of the convolution that makes the input of the output. */
static struct tensor *call(struct nn_layer *l, struct nn_call *c, struct tensor *const *x, int nx) {
    struct conv2d_transpose *v = (struct conv2d_transpose *)l;
    struct op_window w;
    struct shape out;
    int64_t back[2];
    output(l, &x[0]->shape, nx, &out, c->emit->err);
    nn_window(&w, &out.dim[1], v->kernel_size, v->strides, v->dilation_rate, !strcmp(v->padding, "same"), back);
    emit_t y = emit_conv2d_grad_input(c->emit, x[0], nn_read(c, v->kernel), &w);
    if (v->use_bias) y = emit_add(c->emit, y, nn_read(c, v->bias));
    return y ? v->activation->call(c, y) : NULL;
}

const struct nn_layer_class nn_layer_conv2d_transpose = {
    .base = {.name = "Conv2DTranspose",
             .alias = "Convolution2DTranspose",
             .kind = NN_LAYER,
             .doc =
                 "activation(what a convolution with these strides would have made x of + bias), from (batch, height, "
                 "width, channels) to the same with height and width times strides, filters",
             .args = args,
             .size = sizeof(struct conv2d_transpose),
             .init = init},
    .rank = 4,
    .build = build,
    .output = output,
    .call = call,
};
