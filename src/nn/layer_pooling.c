/* MaxPooling2D, AveragePooling2D: the largest value, or the mean, of each window over height and width; and MaxPooling1D,
 * AveragePooling1D, over sequences: images whose height is 1. */
#include <string.h>

#include "nn/impl.h"

struct pooling {
    struct nn_layer layer;
    int64_t pool_size[2], strides[2];
    char *padding, *data_format;
};

#define FIELD(field) offsetof(struct pooling, field)
#define POOLING_ARGS(type, first, two, listed, extent, space)                                                           \
    {"pool_size", type, FIELD(pool_size[first]), two, .flags = listed, .doc = extent " of a window"},                   \
        {"strides", type, FIELD(strides[first]), "null", .flags = listed, .doc = "step of the window; null: its size"}, \
        {"padding",                                                                                                     \
         NN_STRING,                                                                                                     \
         FIELD(padding),                                                                                                \
         "\"valid\"",                                                                                                   \
         .choices = "valid same",                                                                                       \
         .doc = "valid: whole windows alone; same: windows may hang over the edge"},                                    \
        NN_DATA_FORMAT_ARG(struct pooling, "batch, " space ", channels")

static const struct nn_arg image_args[] = {
    POOLING_ARGS(NN_PAIR, 0, "[2, 2]", 0, "height and width", "height, width"),
    {0},
};

static const struct nn_arg sequence_args[] = {
    POOLING_ARGS(NN_SINGLE, 1, "2", NN_LISTED, "steps", "steps"),
    {0},
};

static enum status init(struct nn_object *o, struct err *e) {
    struct pooling *p = (struct pooling *)o;
    if (nn_is_sequence(o)) p->pool_size[0] = p->strides[0] = 1;
    if (p->strides[1] == NN_NONE) memcpy(p->strides, p->pool_size, sizeof p->strides);
    if (nn_want_positive_pair(o, "pool_size", p->pool_size, e)) return e->status;
    return nn_want_positive_pair(o, "strides", p->strides, e);
}

static bool window(const struct pooling *p, const struct shape *in, struct op_window *w, int64_t out[2]) {
    const struct shape image = nn_as_image(in);
    return nn_window(w, &image.dim[1], p->pool_size, p->strides, NULL, !strcmp(p->padding, "same"), out);
}

static enum status output(struct nn_layer *l, const struct shape *in, int nin, struct shape *out, struct err *e) {
    (void)nin;
    const struct pooling *p = (struct pooling *)l;
    struct op_window w;
    int64_t size[2];
    char text[200], size_text[NN_SIZES_TEXT];
    if (!window(p, &in[0], &w, size))
        return err_set(e, ERR_VALUE,
                       "Computed output size would be zero or negative. Received: `inputs.shape=%s`, "
                       "`pool_size=%s`, `padding=%s`",
                       nn_shape_text(&in[0], text, sizeof text),
                       nn_sizes_text(nn_is_sequence(&l->object), p->pool_size, size_text), p->padding);
    *out = nn_from_image(&in[0], size, in[0].dim[in[0].rank - 1]);
    return OK;
}

static struct tensor *image_max(struct op_emitter *m, struct tensor *x, const struct op_window *w,
                                const int64_t out[2]) {
    (void)out;
    return emit_max_pool2d(m, x, w);
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
static struct tensor *image_average(struct op_emitter *m, struct tensor *x, const struct op_window *w,
                                    const int64_t out[2]) {
    struct tensor *sum = sums(m, x, w, out);
    if (w->before[0] + w->after[0] + w->before[1] + w->after[1] == 0)
        return emit_divs(m, sum, (double)(w->size[0] * w->size[1]));
    const struct shape image = SHAPE(1, x->shape.dim[1], x->shape.dim[2], 1);
    struct tensor *ones = emit_full(m, DT_FLOAT32, &image, 1);
    return emit_div(m, sum, ones ? sums(m, ones, w, out) : NULL);
}

typedef struct tensor *pool_fn(struct op_emitter *m, struct tensor *x, const struct op_window *w, const int64_t out[2]);

static struct tensor *pool(const struct nn_layer *l, struct nn_call *c, struct tensor *x, pool_fn *f) {
    struct op_window w;
    int64_t size[2];
    window((const struct pooling *)l, &x->shape, &w, size);
    const struct shape in = x->shape, image = nn_as_image(&in);
    const struct shape out = nn_from_image(&in, size, in.dim[in.rank - 1]);
    struct tensor *from = emit_reshape(c->emit, x, &image), *y = from ? f(c->emit, from, &w, size) : NULL;
    return y ? emit_reshape(c->emit, y, &out) : NULL;
}

static struct tensor *max(struct nn_layer *l, struct nn_call *c, struct tensor *const *x, int nx) {
    (void)nx;
    return pool(l, c, x[0], image_max);
}

static struct tensor *average(struct nn_layer *l, struct nn_call *c, struct tensor *const *x, int nx) {
    (void)nx;
    return pool(l, c, x[0], image_average);
}

#define POOLING_CLASS(NAME, ALIAS, VALUE, SPACE, EXTENT, ARGS, CALL)                                                   \
    .base = {.name = (NAME),                                                                                           \
             .alias = (ALIAS),                                                                                         \
             .kind = NN_LAYER,                                                                                         \
             .doc = VALUE " of each window, from (batch, " SPACE ", channels) to the same with " EXTENT                \
                          " divided by the strides",                                                                   \
             .args = (ARGS),                                                                                           \
             .size = sizeof(struct pooling),                                                                           \
             .init = init},                                                                                            \
    .output = output, .call = (CALL)

const struct nn_layer_class nn_layer_max_pooling2d = {
    POOLING_CLASS("MaxPooling2D", "MaxPool2D", "the largest value", "height, width", "height and width", image_args,
                  max),
    .rank = 4,
};

const struct nn_layer_class nn_layer_average_pooling2d = {
    POOLING_CLASS("AveragePooling2D", "AvgPool2D", "the mean", "height, width", "height and width", image_args,
                  average),
    .rank = 4,
};

const struct nn_layer_class nn_layer_max_pooling1d = {
    POOLING_CLASS("MaxPooling1D", "MaxPool1D", "the largest value", "steps", "steps", sequence_args, max),
    .rank = 3,
};

const struct nn_layer_class nn_layer_average_pooling1d = {
    POOLING_CLASS("AveragePooling1D", "AvgPool1D", "the mean", "steps", "steps", sequence_args, average),
    .rank = 3,
};
