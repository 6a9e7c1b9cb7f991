/* Padding and output sizes of convolutions and poolings, as TensorFlow computes them, and what they refuse. */
#include <stdio.h>

#include "nn/impl.h"

/* One dimension: false where the output would be empty. */
static bool place(struct op_window *w, int i, int64_t in, bool same, int64_t *out) {
    int64_t reach = (w->size[i] - 1) * w->dilation[i] + 1;
    w->input[i] = in;
    if (in < 0) {
        *out = -1;
        return true;
    }
    *out = same ? (in + w->stride[i] - 1) / w->stride[i] : in < reach ? 0 : (in - reach) / w->stride[i] + 1;
    int64_t missing = same ? (*out - 1) * w->stride[i] + reach - in : 0;
    if (missing < 0) missing = 0;
    w->before[i] = missing / 2;
    w->after[i] = missing - missing / 2;
    return *out > 0;
}

bool nn_window(struct op_window *w, const int64_t in[2], const int64_t size[2], const int64_t stride[2],
               const int64_t dilation[2], bool same, int64_t out[2]) {
    *w = (struct op_window){.groups = 1};
    bool fits = true;
    for (int i = 0; i < 2; i++) {
        w->size[i] = size[i];
        w->stride[i] = stride[i];
        w->dilation[i] = dilation ? dilation[i] : 1;
        fits = place(w, i, in[i], same, &out[i]) && fits;
    }
    return fits;
}

const char *nn_sizes_text(bool sequence, const int64_t sizes[2], char text[NN_SIZES_TEXT]) {
    if (sequence)
        snprintf(text, NN_SIZES_TEXT, "(%lld,)", (long long)sizes[1]);
    else
        snprintf(text, NN_SIZES_TEXT, "(%lld, %lld)", (long long)sizes[0], (long long)sizes[1]);
    return text;
}

enum status nn_empty_output(const struct shape *in, const struct op_window *w, const char *padding, struct err *e) {
    char text[200], size[NN_SIZES_TEXT], dilation[NN_SIZES_TEXT];
    return err_set(e, ERR_VALUE,
                   "Computed output size would be zero or negative. Received `inputs shape=%s`, `kernel_size=%s`, "
                   "`dilation_rate=%s`, `padding=%s`",
                   nn_shape_text(in, text, sizeof text), nn_sizes_text(in->rank == 3, w->size, size),
                   nn_sizes_text(in->rank == 3, w->dilation, dilation), padding);
}

bool nn_is_sequence(const struct nn_object *o) {
    return ((const struct nn_layer_class *)o->class)->rank == 3;
}

struct shape nn_as_image(const struct shape *s) {
    return s->rank == 3 ? SHAPE(s->dim[0], 1, s->dim[1], s->dim[2]) : *s;
}

struct shape nn_from_image(const struct shape *in, const int64_t size[2], int64_t channels) {
    return in->rank == 3 ? SHAPE(in->dim[0], size[1], channels) : SHAPE(in->dim[0], size[0], size[1], channels);
}

enum status nn_want_channels(struct nn_layer *l, int64_t channels, struct err *e) {
    if (channels < 0) return err_set(e, ERR_VALUE, "the input's channels must be known, but its shape has None there");
    l->axis = -1;
    l->axis_size = channels;
    return OK;
}

enum status nn_check_strides(const struct nn_object *o, const int64_t strides[2], const int64_t dilation[2],
                             struct err *e) {
    const bool strided = strides[0] > 1 || strides[1] > 1, dilated = dilation[0] > 1 || dilation[1] > 1;
    char a[NN_SIZES_TEXT], b[NN_SIZES_TEXT];
    if (!strided || !dilated) return OK;
    return err_set(e, ERR_VALUE,
                   "`strides > 1` not supported in conjunction with `dilation_rate > 1`. "
                   "Received: strides=%s and dilation_rate=%s",
                   nn_sizes_text(nn_is_sequence(o), strides, a), nn_sizes_text(nn_is_sequence(o), dilation, b));
}
