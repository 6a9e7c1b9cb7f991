/* What every layer does: arguments common to all, checks of inputs in Keras's words, building once, calling. A layer's
 * weights are all there or none: a build that fails leaves it unbuilt. */
#include <string.h>

#include "base/mem.h"
#include "nn/impl.h"

const struct nn_arg nn_layer_args[] = {
    {"name", NN_STRING, offsetof(struct nn_object, name), "null", .doc = "of the layer; counted by class if not given"},
    {"trainable", NN_BOOL, offsetof(struct nn_layer, trainable), "true", .doc = "whether training changes its weights"},
    {"dtype", NN_POLICY, 0, "\"float32\"", .doc = "float32"},
    {"input_shape", NN_SHAPE, offsetof(struct nn_layer, input_shape), "null", .flags = NN_HIDDEN,
     .doc = "of one sample, where the layer is a model's first"},
    {"input_dim", NN_INT, offsetof(struct nn_layer, input_dim), "null", .flags = NN_HIDDEN,
     .doc = "short for an input_shape of one size"},
    {"activity_regularizer", NN_REJECT, 0, "null", .flags = NN_HIDDEN, .doc = "a penalty on the output"},
    {"autocast", NN_REJECT, 0, "true", .flags = NN_HIDDEN, .doc = "casts floating inputs to the layer's dtype"},
    {0},
};

static const struct nn_layer_class *class_of(const struct nn_layer *l) {
    return (const struct nn_layer_class *)l->object.class;
}

enum status nn_layer_init(struct nn_object *o, struct err *e) {
    struct nn_layer *l = (struct nn_layer *)o;
    if (o->name && strchr(o->name, '/'))
        return err_set(e, ERR_VALUE,
                       "Argument `name` must be a string and cannot contain character `/`. Received: name=%s", o->name);
    if (l->input_dim != NN_NONE) l->input_shape = SHAPE(l->input_dim);
    l->built_shape.rank = -1;
    l->built = !class_of(l)->build;
    return OK;
}

void nn_layer_fini(struct nn_object *o) {
    variable_release(((struct nn_layer *)o)->seed);
}

void nn_layer_set_trainable(struct nn_layer *l, bool trainable) {
    l->trainable = trainable;
    for (int i = 0; i < l->object.nvariable; i++)
        l->object.variable[i]->trainable = trainable && (l->weights_trained >> i & 1);
}

/* ---- checks ------------------------------------------------------------------------------------------------------ */

static enum status check_count(const struct nn_layer *l, int n, struct err *e) {
    int wanted = class_of(l)->nin;
    if (wanted == NN_ANY_INPUTS) {
        if (n >= 1 && n <= OP_MAX_IN) return OK;
        return err_set(e, ERR_VALUE, "layer \"%s\" expects 1 to %d inputs, but it received %d", l->object.name,
                       OP_MAX_IN, n);
    }
    if (wanted == 0) wanted = 1;
    if (n == wanted) return OK;
    return err_set(e, ERR_VALUE, "layer \"%s\" expects %d input(s), but it received %d input tensors", l->object.name,
                   wanted, n);
}

static enum status incompatible(const struct nn_layer *l, int i, const struct shape *s, const char *what, int expected,
                                struct err *e) {
    char text[200];
    return err_set(e, ERR_VALUE,
                   "Input %d of layer \"%s\" is incompatible with the layer: expected %s=%d, found ndim=%d. "
                   "Full shape received: %s",
                   i, l->object.name, what, expected, s->rank, nn_shape_text(s, text, sizeof text));
}

static enum status check_axis(const struct nn_layer *l, int i, const struct shape *s, struct err *e) {
    char text[200];
    if (l->axis == 0 || s->rank + l->axis < 0) return OK;
    int64_t found = s->dim[s->rank + l->axis];
    if (found < 0 || found == l->axis_size) return OK;
    return err_set(e, ERR_VALUE,
                   "Input %d of layer \"%s\" is incompatible with the layer: expected axis %d of input shape to have "
                   "value %lld, but received input with shape %s",
                   i, l->object.name, l->axis, (long long)l->axis_size, nn_shape_text(s, text, sizeof text));
}

static enum status check_inputs(const struct nn_layer *l, const struct shape *in, int n, struct err *e) {
    const struct nn_layer_class *c = class_of(l);
    if (check_count(l, n, e)) return e->status;
    for (int i = 0; i < n; i++) {
        int rank = l->rank ? l->rank : c->rank;
        if (rank && in[i].rank != rank) return incompatible(l, i, &in[i], "ndim", rank, e);
        if (in[i].rank < c->min_rank) return incompatible(l, i, &in[i], "min_ndim", c->min_rank, e);
        if (check_axis(l, i, &in[i], e)) return e->status;
    }
    return OK;
}

static enum status name_layer(const struct nn_layer *l, struct err *e) {
    err_prefix(e, "layer \"%s\" (%s)", l->object.name, l->object.class->name);
    return e->status;
}

enum status nn_layer_output(struct nn_layer *l, const struct shape *in, int nin, struct shape *out, struct err *e) {
    const struct nn_layer_class *c = class_of(l);
    if (check_inputs(l, in, nin, e)) return e->status;
    *out = in[0];
    return c->output && c->output(l, in, nin, out, e) ? name_layer(l, e) : OK;
}

/* ---- building ---------------------------------------------------------------------------------------------------- */

static void forget_weights(struct nn_layer *l) {
    struct nn_object *o = &l->object;
    while (o->nvariable > 0) variable_release(o->variable[--o->nvariable]);
    l->weights_trained = 0;
    l->axis = 0;
    l->rank = 0;
}

enum status nn_layer_build(struct nn_layer *l, const struct op_sig *in, int nin, const char *scope, struct err *e) {
    const struct nn_layer_class *c = class_of(l);
    struct shape shapes[OP_MAX_IN], out;
    if (l->built) return OK;
    if (check_count(l, nin, e)) return e->status;
    for (int i = 0; i < nin; i++) shapes[i] = in[i].shape;
    if (nn_layer_output(l, shapes, nin, &out, e)) return e->status;
    l->scope = scope;
    enum status s = c->build(l, in, nin, e);
    l->scope = NULL;
    if (s) {
        forget_weights(l);
        return name_layer(l, e);
    }
    l->built_shape = shapes[0];
    l->built = true;
    return OK;
}

/* ---- calling ----------------------------------------------------------------------------------------------------- */

static enum status prepare(struct nn_layer *l, struct tensor *const *x, int nx, struct err *e) {
    struct op_sig in[OP_MAX_IN];
    struct shape shapes[OP_MAX_IN];
    if (check_count(l, nx, e)) return e->status;
    for (int i = 0; i < nx; i++) {
        in[i] = (struct op_sig){x[i]->dtype, x[i]->shape};
        shapes[i] = x[i]->shape;
    }
    if (nn_layer_build(l, in, nx, NULL, e)) return e->status;
    struct shape out;
    return nn_layer_output(l, shapes, nx, &out, e);
}

/* Keras's autocast: floats become float32; so do integers, where the layer computes with them. */
static struct tensor *cast_input(const struct nn_layer *l, struct nn_call *c, struct tensor *x) {
    bool keeps = class_of(l)->any_dtype && !dtype_is_float(x->dtype);
    return keeps ? x : emit_cast(c->emit, x, DT_FLOAT32);
}

enum status nn_layer_call(struct nn_layer *l, struct tensor *const *x, int nx, bool training, struct tensor **out,
                          struct err *e) {
    if (prepare(l, x, nx, e)) return e->status;
    struct op_emitter emit;
    struct nn_call c = nn_call_begin(l->object.run, &emit, training, e);
    struct tensor *in[OP_MAX_IN], *y = NULL;
    for (int i = 0; i < nx; i++) in[i] = cast_input(l, &c, x[i]);
    if (!e->status) y = class_of(l)->call(l, &c, in, nx);
    return nn_call_end(&c, y, out) ? name_layer(l, e) : OK;
}
