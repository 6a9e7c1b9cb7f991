/* MaxPooling2D: the largest value of each window over height and width. */
#include <string.h>

#include "nn/impl.h"

struct max_pooling2d {
    struct nn_layer layer;
    int64_t pool_size[2], strides[2];
    char *padding, *data_format;
};

static const struct nn_arg args[] = {
    {"pool_size", NN_PAIR, offsetof(struct max_pooling2d, pool_size), "[2, 2]", .doc = "height and width of a window"},
    {"strides", NN_PAIR, offsetof(struct max_pooling2d, strides), "null", .doc = "step of the window; null: its size"},
    {"padding", NN_STRING, offsetof(struct max_pooling2d, padding), "\"valid\"", .choices = "valid same",
     .doc = "valid: whole windows alone; same: windows may hang over the edge"},
    {"data_format", NN_STRING, offsetof(struct max_pooling2d, data_format), "\"channels_last\"",
     .choices = "channels_last", .doc = "(batch, height, width, channels)"},
    {0},
};

static enum status init(struct nn_object *o, struct err *e) {
    struct max_pooling2d *p = (struct max_pooling2d *)o;
    if (p->strides[0] == NN_NONE) memcpy(p->strides, p->pool_size, sizeof p->strides);
    if (nn_want_positive_pair(o, "pool_size", p->pool_size, e)) return e->status;
    return nn_want_positive_pair(o, "strides", p->strides, e);
}

static bool window(const struct max_pooling2d *p, const struct shape *in, struct op_window *w, int64_t out[2]) {
    return nn_window(w, &in->dim[1], p->pool_size, p->strides, NULL, !strcmp(p->padding, "same"), out);
}

static enum status output(struct nn_layer *l, const struct shape *in, int nin, struct shape *out, struct err *e) {
    (void)nin;
    const struct max_pooling2d *p = (struct max_pooling2d *)l;
    struct op_window w;
    int64_t size[2];
    char text[200];
    if (!window(p, &in[0], &w, size))
        return err_set(e, ERR_VALUE,
                       "Computed output size would be zero or negative. Received: `inputs.shape=%s`, "
                       "`pool_size=(%lld, %lld)`, `padding=%s`",
                       nn_shape_text(&in[0], text, sizeof text), (long long)p->pool_size[0], (long long)p->pool_size[1],
                       p->padding);
    *out = SHAPE(in[0].dim[0], size[0], size[1], in[0].dim[3]);
    return OK;
}

static struct tensor *call(struct nn_layer *l, struct nn_call *c, struct tensor *const *x, int nx) {
    (void)nx;
    struct op_window w;
    int64_t size[2];
    window((struct max_pooling2d *)l, &x[0]->shape, &w, size);
    return emit_max_pool2d(c->emit, x[0], &w);
}

const struct nn_layer_class nn_layer_max_pooling2d = {
    .base = {.name = "MaxPooling2D",
             .alias = "MaxPool2D",
             .kind = NN_LAYER,
             .doc = "the largest value of each window, from (batch, height, width, channels) to the same with height "
                    "and width divided by the strides",
             .args = args,
             .size = sizeof(struct max_pooling2d),
             .init = init},
    .rank = 4,
    .output = output,
    .call = call,
};
