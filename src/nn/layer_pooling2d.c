/* MaxPooling2D, AveragePooling2D: the largest value, or the mean, of each window over height and width. */
#include <string.h>

#include "nn/impl.h"

struct pooling2d {
    struct nn_layer layer;
    int64_t pool_size[2], strides[2];
    char *padding, *data_format;
};

static const struct nn_arg args[] = {
    {"pool_size", NN_PAIR, offsetof(struct pooling2d, pool_size), "[2, 2]", .doc = "height and width of a window"},
    {"strides", NN_PAIR, offsetof(struct pooling2d, strides), "null", .doc = "step of the window; null: its size"},
    {"padding", NN_STRING, offsetof(struct pooling2d, padding), "\"valid\"", .choices = "valid same",
     .doc = "valid: whole windows alone; same: windows may hang over the edge"},
    {"data_format", NN_STRING, offsetof(struct pooling2d, data_format), "\"channels_last\"", .choices = "channels_last",
     .doc = "(batch, height, width, channels)"},
    {0},
};

static enum status init(struct nn_object *o, struct err *e) {
    struct pooling2d *p = (struct pooling2d *)o;
    if (p->strides[0] == NN_NONE) memcpy(p->strides, p->pool_size, sizeof p->strides);
    if (nn_want_positive_pair(o, "pool_size", p->pool_size, e)) return e->status;
    return nn_want_positive_pair(o, "strides", p->strides, e);
}

static bool window(const struct pooling2d *p, const struct shape *in, struct op_window *w, int64_t out[2]) {
    return nn_window(w, &in->dim[1], p->pool_size, p->strides, NULL, !strcmp(p->padding, "same"), out);
}

static enum status output(struct nn_layer *l, const struct shape *in, int nin, struct shape *out, struct err *e) {
    (void)nin;
    const struct pooling2d *p = (struct pooling2d *)l;
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

static struct tensor *max(struct nn_layer *l, struct nn_call *c, struct tensor *const *x, int nx) {
    (void)nx;
    struct op_window w;
    int64_t size[2];
    window((struct pooling2d *)l, &x[0]->shape, &w, size);
    return emit_max_pool2d(c->emit, x[0], &w);
}

/* Zeros where windows hang over the edge. */
static struct tensor *padded(struct op_emitter *m, struct tensor *x, const struct op_window *w) {
    struct op_slice place = {.start = {0, w->before[0], w->before[1], 0}, .step = {1, 1, 1, 1}, .shape = x->shape};
    for (int i = 0; i < 2; i++) place.shape.dim[i + 1] += w->before[i] + w->after[i];
    return shape_equal(&place.shape, &x->shape) ? x : emit_pad(m, x, &place);
}

/* The sums over windows, first along height, then along width: size[0] + size[1] additions an element, not their product. */
static struct tensor *sums(struct op_emitter *m, struct tensor *x, const struct op_window *w, const int64_t out[2]) {
    x = padded(m, x, w);
    for (int i = 0; i < 2; i++) {
        struct tensor *sum = NULL;
        for (int64_t k = 0; x && k < w->size[i]; k++) {
            struct op_slice s = {.shape = x->shape, .step = {1, 1, 1, 1}};
            s.start[i + 1] = k, s.step[i + 1] = w->stride[i], s.shape.dim[i + 1] = out[i];
            struct tensor *part = emit_slice(m, x, &s);
            sum = k ? emit_add(m, sum, part) : part;
        }
        x = sum;
    }
    return x;
}

/* As TensorFlow has it, what hangs over the edge does not count. */
static struct tensor *average(struct nn_layer *l, struct nn_call *c, struct tensor *const *x, int nx) {
    (void)nx;
    struct op_window w;
    int64_t out[2];
    window((struct pooling2d *)l, &x[0]->shape, &w, out);
    struct tensor *sum = sums(c->emit, x[0], &w, out);
    if (w.before[0] + w.after[0] + w.before[1] + w.after[1] == 0)
        return emit_divs(c->emit, sum, (double)(w.size[0] * w.size[1]));
    const struct shape image = SHAPE(1, x[0]->shape.dim[1], x[0]->shape.dim[2], 1);
    struct tensor *ones = emit_full(c->emit, DT_FLOAT32, &image, 1);
    return emit_div(c->emit, sum, ones ? sums(c->emit, ones, &w, out) : NULL);
}

#define POOLING_CLASS(NAME, ALIAS, VALUE, CALL)                                                                        \
    .base = {.name = (NAME),                                                                                           \
             .alias = (ALIAS),                                                                                         \
             .kind = NN_LAYER,                                                                                         \
             .doc = VALUE " of each window, from (batch, height, width, channels) to the same with height and width "  \
                          "divided by the strides",                                                                    \
             .args = args,                                                                                             \
             .size = sizeof(struct pooling2d),                                                                         \
             .init = init},                                                                                            \
    .rank = 4, .output = output, .call = (CALL)

const struct nn_layer_class nn_layer_max_pooling2d = {
    POOLING_CLASS("MaxPooling2D", "MaxPool2D", "the largest value", max),
};

const struct nn_layer_class nn_layer_average_pooling2d = {
    POOLING_CLASS("AveragePooling2D", "AvgPool2D", "the mean", average),
};
