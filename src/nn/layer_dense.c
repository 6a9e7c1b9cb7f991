/* Dense: a matrix product with the last dimension, a bias, an activation. */
#include "nn/impl.h"

struct dense {
    struct nn_layer layer;
    int64_t units;
    bool use_bias;
    const struct nn_activation *activation;
    struct nn_object *kernel_initializer, *bias_initializer;
    struct variable *kernel, *bias;
};

static const struct nn_arg args[] = {
    {"units", NN_INT, offsetof(struct dense, units), NULL, .doc = "size of the output's last dimension"},
    {"activation", NN_ACTIVATION, offsetof(struct dense, activation), "null", .doc = "applied at the end"},
    {"use_bias", NN_BOOL, offsetof(struct dense, use_bias), "true", .doc = "whether a bias is added"},
    {"kernel_initializer", NN_INITIALIZER, offsetof(struct dense, kernel_initializer), "\"glorot_uniform\"",
     .doc = "draws the kernel, (inputs, units)"},
    {"bias_initializer", NN_INITIALIZER, offsetof(struct dense, bias_initializer), "\"zeros\"",
     .doc = "draws the bias, (units)"},
    {"kernel_regularizer", NN_REJECT, 0, "null", .doc = "a penalty on the kernel"},
    {"bias_regularizer", NN_REJECT, 0, "null", .doc = "a penalty on the bias"},
    {"activity_regularizer", NN_REJECT, 0, "null", .flags = NN_HIDDEN, .doc = "a penalty on the output"},
    {"kernel_constraint", NN_REJECT, 0, "null", .doc = "a projection of the kernel after each step"},
    {"bias_constraint", NN_REJECT, 0, "null", .doc = "a projection of the bias after each step"},
    {"lora_rank", NN_REJECT, 0, "null", .flags = NN_HIDDEN, .doc = "rank of a low-rank adaptation"},
    {"lora_alpha", NN_REJECT, 0, "null", .flags = NN_HIDDEN, .doc = "scale of a low-rank adaptation"},
    {"quantization_config", NN_REJECT, 0, "null", .doc = "how weights are quantized"},
    {0},
};

static enum status init(struct nn_object *o, struct err *e) {
    return nn_want_positive(o, "units", ((struct dense *)o)->units, e);
}

static enum status build(struct nn_layer *l, const struct op_sig *in, int nin, struct err *e) {
    (void)nin;
    struct dense *d = (struct dense *)l;
    int64_t inputs = in[0].shape.dim[in[0].shape.rank - 1];
    if (inputs < 0)
        return err_set(e, ERR_VALUE, "the last dimension of the input must be known, but its shape has None there");
    l->axis = -1;
    l->axis_size = inputs;
    if (nn_add_weight(l, "kernel", &(struct shape){2, {inputs, d->units}}, d->kernel_initializer, true, &d->kernel, e))
        return e->status;
    return d->use_bias
               ? nn_add_weight(l, "bias", &(struct shape){1, {d->units}}, d->bias_initializer, true, &d->bias, e)
               : OK;
}

static enum status output(struct nn_layer *l, const struct shape *in, int nin, struct shape *out, struct err *e) {
    (void)nin, (void)e;
    *out = in[0];
    out->dim[out->rank - 1] = ((struct dense *)l)->units;
    return OK;
}

static struct tensor *call(struct nn_layer *l, struct nn_call *c, struct tensor *const *x, int nx) {
    (void)nx;
    struct dense *d = (struct dense *)l;
    emit_t y = nn_matmul_last(c, x[0], nn_read(c, d->kernel));
    if (d->use_bias) y = emit_add(c->emit, y, nn_read(c, d->bias));
    return y ? d->activation->call(c, y) : NULL;
}

const struct nn_layer_class nn_layer_dense = {
    .base = {.name = "Dense",
             .kind = NN_LAYER,
             .doc = "activation(x @ kernel + bias), from (..., inputs) to (..., units)",
             .args = args,
             .size = sizeof(struct dense),
             .init = init},
    .min_rank = 2,
    .build = build,
    .output = output,
    .call = call,
};
