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
static enum status add_weight(struct nn_layer *l, const char *name, struct tensor *value, bool trainable,
                              struct variable **out, struct err *e) {
    struct nn_object *o = &l->object;
    struct buf path = {0};
    if (l->scope) buf_printf(&path, "%s/", l->scope);
    buf_printf(&path, "%s/%s", o->name, name);
    if (buf_status(&path, e) == OK &&
        variable_new(o->run, value, buf_text(&path), trainable && l->trainable, out, e) == OK) {
        if (trainable) l->weights_trained |= 1u << o->nvariable;
        o->variable[o->nvariable++] = *out;
    }
    buf_free(&path);
    return e->status;
}

enum status nn_add_weight(struct nn_layer *l, const char *name, const struct shape *s, struct nn_object *initializer,
                          bool trainable, struct variable **out, struct err *e) {
    struct tensor *value = NULL;
    if (nn_initializer_call(initializer, s, &value, e) == OK) add_weight(l, name, value, trainable, out, e);
    tensor_release(value);
    return e->status;
}

enum status nn_add_weight_of(struct nn_layer *l, const char *name, const struct shape *s, const float *values,
                             struct variable **out, struct err *e) {
    struct tensor *value = NULL;
    if (tensor_from(l->object.run->device, DT_FLOAT32, s, values, &value, e) == OK)
        add_weight(l, name, value, true, out, e);
    tensor_release(value);
    return e->status;
}

enum status nn_add_seed(struct nn_layer *l, int64_t seed, struct err *e) {
    struct run *r = l->object.run;
    int64_t state[2] = {nn_seed_or_draw(r, seed), 0};
    return nn_new_variable(r, "seed_generator/seed_generator_state", DT_INT64, &(struct shape){1, {2}}, state, false,
                           &l->seed, e);
}
