/* What objects keep between calls: weights, seeds, and other variables, made on the runtime device. */
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "nn/impl.h"

enum status nn_new_variable(struct run *r, const char *path, enum dtype d, const struct shape *s, const void *bytes,
                            bool trainable, struct variable **out, struct err *e) {
    struct tensor *value = NULL;
    if (tensor_from(r->device, d, s, bytes, &value, e)) return e->status;
    variable_new(r, value, path, trainable, out, e);
    tensor_release(value);
    return e->status;
}

enum status nn_initializer_call(struct nn_object *o, const struct shape *s, struct tensor **out, struct err *e) {
    const struct nn_initializer_class *c = (const struct nn_initializer_class *)o->class;
    size_t bytes;
    if (shape_bytes(s, DT_FLOAT32, &bytes, e)) return e->status;
    float *values = mem_block_alloc(bytes, e);
    if (!values) return e->status;
    if (!c->draw(o, s, values, e)) tensor_from(o->run->device, DT_FLOAT32, s, values, out, e);
    mem_block_free(values);
    return e->status;
}

/* Keras's path: "sequential/conv2d/kernel". */
static enum status weight_path(const struct nn_layer *l, const char *name, struct buf *path, struct err *e) {
    if (l->scope) buf_printf(path, "%s/", l->scope);
    buf_printf(path, "%s/%s", l->object.name, name);
    return buf_status(path, e);
}

static enum status add_weight(struct nn_layer *l, const char *path, struct tensor *value, bool trainable,
                              struct variable **out, struct err *e) {
    struct nn_object *o = &l->object;
    if (variable_new(o->run, value, path, trainable && l->trainable, out, e)) return e->status;
    if (trainable) l->weights_trained |= 1u << o->nvariable;
    o->variable[o->nvariable++] = *out;
    return OK;
}

enum status nn_add_weight(struct nn_layer *l, const char *name, const struct shape *s, struct nn_object *initializer,
                          bool trainable, struct variable **out, struct err *e) {
    struct buf path = {0};
    struct tensor *value = NULL;
    if (!weight_path(l, name, &path, e) && !nn_initializer_call(initializer, s, &value, e))
        add_weight(l, buf_text(&path), value, trainable, out, e);
    tensor_release(value);
    buf_free(&path);
    return e->status;
}

enum status nn_add_seed(struct nn_layer *l, int64_t seed, struct err *e) {
    struct run *r = l->object.run;
    int64_t state[2] = {seed == NN_NONE ? (int64_t)nn_draw_seed(r) : seed, 0};
    return nn_new_variable(r, "seed_generator/seed_generator_state", DT_INT64, &(struct shape){1, {2}}, state, false,
                           &l->seed, e);
}
