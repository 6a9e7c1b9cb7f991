/* InputLayer: where a model's data come in. It has no weights and passes its input on. */
#include "nn/impl.h"

struct input_layer {
    struct nn_layer layer;
    struct shape shape, batch_shape;
    int64_t batch_size;
    enum dtype dtype;
};

#define FIELD(field) offsetof(struct input_layer, field)
static const struct nn_arg args[] = {
    {"shape", NN_SHAPE, FIELD(shape), "null", .flags = NN_HIDDEN, .doc = "of one sample, without the batch"},
    {"batch_size", NN_INT, FIELD(batch_size), "null", .flags = NN_HIDDEN, .doc = "samples in a batch; null: any"},
    {"dtype", NN_DTYPE, FIELD(dtype), "\"float32\"", .doc = "of the data"},
    {"sparse", NN_REJECT, 0, "false", .doc = "sparse tensors"},
    {"ragged", NN_REJECT, 0, "false", .doc = "ragged tensors"},
    {"batch_shape", NN_SHAPE, FIELD(batch_shape), "null", .doc = "the shape with the batch in front"},
    {"input_tensor", NN_REJECT, 0, "null", .flags = NN_HIDDEN, .doc = "an existing tensor to wrap"},
    {"optional", NN_REJECT, 0, "false", .doc = "whether the input may be missing"},
    {"name", NN_STRING, offsetof(struct nn_object, name), "null", .doc = "of the layer"},
    {"trainable", NN_BOOL, offsetof(struct nn_layer, trainable), "true", .flags = NN_HIDDEN, .doc = "has no weights"},
    {0},
};

static enum status init(struct nn_object *o, struct err *e) {
    struct input_layer *l = (struct input_layer *)o;
    bool by_batch = l->batch_shape.rank >= 0;
    const struct shape *shape = l->shape.rank >= 0 || by_batch ? &l->shape : &l->layer.input_shape;
    if (shape->rank >= 0 && by_batch)
        return err_set(e, ERR_VALUE, "You cannot pass both `shape` and `batch_shape` at the same time.");
    if (l->batch_size != NN_NONE && by_batch)
        return err_set(e, ERR_VALUE, "You cannot pass both `batch_size` and `batch_shape` at the same time.");
    if (shape->rank < 0 && !by_batch) return err_set(e, ERR_VALUE, "You must pass a `shape` argument.");
    if (by_batch && l->batch_shape.rank == 0)
        return err_set(e, ERR_VALUE, "InputLayer: argument batch_shape must begin with the batch's size");
    if (shape->rank == TENSOR_MAX_RANK)
        return err_set(e, ERR_VALUE, "InputLayer: argument shape has too many dimensions");
    if (!by_batch) {
        l->batch_shape.rank = shape->rank + 1;
        l->batch_shape.dim[0] = l->batch_size == NN_NONE ? -1 : l->batch_size;
        for (int i = 0; i < shape->rank; i++) l->batch_shape.dim[i + 1] = shape->dim[i];
    }
    l->layer.input_shape = shape_of(l->batch_shape.rank - 1, l->batch_shape.dim + 1);
    l->layer.rank = l->batch_shape.rank;
    return OK;
}

static enum status output(struct nn_layer *l, const struct shape *in, int nin, struct shape *out, struct err *e) {
    (void)nin;
    const struct shape *wanted = &((struct input_layer *)l)->batch_shape;
    char expected[200], found[200];
    for (int i = 1; i < wanted->rank; i++) /* as in Keras, batches may have any size */
        if (wanted->dim[i] >= 0 && in[0].dim[i] >= 0 && wanted->dim[i] != in[0].dim[i])
            return err_set(e, ERR_VALUE, "expected shape=%s, found shape=%s",
                           nn_shape_text(wanted, expected, sizeof expected),
                           nn_shape_text(&in[0], found, sizeof found));
    *out = in[0];
    return OK;
}

static struct tensor *call(struct nn_layer *l, struct nn_call *c, struct tensor *const *x, int nx) {
    (void)nx;
    return emit_cast(c->emit, x[0], ((struct input_layer *)l)->dtype);
}

const struct nn_layer_class nn_layer_input_layer = {
    .base = {.name = "InputLayer",
             .kind = NN_LAYER,
             .doc = "the model's input: its shape, without the batch, and its dtype",
             .args = args,
             .size = sizeof(struct input_layer),
             .init = init},
    .any_dtype = true,
    .output = output,
    .call = call,
};
