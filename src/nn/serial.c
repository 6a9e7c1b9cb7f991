/* Keras's serialised form, both ways: {"module", "class_name", "config", "registered_name", "build_config"}. */
#include <string.h>

#include "base/json.h"
#include "nn/impl.h"

/* ---- reading ----------------------------------------------------------------------------------------------------- */

static enum status check_keys(const char *class_name, const json_t *json, struct err *e) {
    static const char *const known[] = {"module",       "class_name",       "config", "registered_name",
                                        "build_config", "shared_object_id", NULL};
    for (void *i = json_object_iter((json_t *)json); i; i = json_object_iter_next((json_t *)json, i)) {
        const char *key = json_object_iter_key(i);
        int k = 0;
        while (known[k] && strcmp(known[k], key) != 0) k++;
        if (!known[k]) return err_set(e, ERR_VALUE, "%s: unknown key \"%.60s\" in its JSON", class_name, key);
    }
    return OK;
}

static bool is_keras(const json_t *module) {
    const char *name = json_string_value(module);
    return !name || strncmp(name, "keras", 5) == 0 || strcmp(name, "builtins") == 0;
}

/* One input's shape: [null, 28, 28, 1]. */
static bool to_signature(const json_t *list, struct op_sig *out) {
    size_t n = json_array_size(list);
    if (!json_is_array(list) || n == 0 || n > TENSOR_MAX_RANK) return false;
    *out = (struct op_sig){.dtype = DT_FLOAT32, .shape.rank = (int)n};
    for (size_t i = 0; i < n; i++) {
        const json_t *dim = json_array_get(list, i);
        if (!json_is_null(dim) && !json_is_integer(dim)) return false;
        out->shape.dim[i] = json_is_null(dim) ? -1 : json_integer_value(dim);
    }
    return true;
}

static enum status build_from(struct nn_object *o, const json_t *build_config, struct err *e) {
    const json_t *shape = json_object_get(build_config, "input_shape");
    if (o->class->kind != NN_LAYER || json_is_null(build_config) || !build_config) return OK;
    bool many = json_is_array(json_array_get(shape, 0));
    size_t n = many ? json_array_size(shape) : 1;
    struct op_sig in[OP_MAX_IN];
    for (size_t i = 0; i < n; i++)
        if (n > OP_MAX_IN || !to_signature(many ? json_array_get(shape, i) : shape, &in[i]))
            return err_set(e, ERR_VALUE, "%s: build_config has no input_shape that can be used", o->name);
    return nn_layer_build((struct nn_layer *)o, in, (int)n, NULL, e);
}

static enum status from_object(struct run *r, enum nn_kind kind, const json_t *json, struct nn_object **out,
                               struct err *e) {
    const char *name = json_string_value(json_object_get(json, "class_name"));
    if (!name) return err_set(e, ERR_VALUE, "a %s's JSON must have a class_name", nn_kinds[kind].word);
    if (check_keys(name, json, e)) return e->status;
    if (!is_keras(json_object_get(json, "module")))
        return err_set(e, ERR_NOT_FOUND, "unknown %s \"%.60s\": its module is not Keras's", nn_kinds[kind].word, name);
    const struct nn_class *c = nn_find(kind, name, e);
    struct nn_object *o = NULL;
    if (!c || nn_new(r, c, json_object_get(json, "config"), NULL, 0, &o, e)) return e->status;
    if (build_from(o, json_object_get(json, "build_config"), e))
        nn_release(o);
    else
        *out = o;
    return e->status;
}

enum status nn_deserialize(struct run *r, enum nn_kind kind, const json_t *json, struct nn_object **out,
                           struct err *e) {
    if (json_is_object(json)) return from_object(r, kind, json, out, e);
    if (!json_is_string(json))
        return err_set(e, ERR_TYPE, "expected the name of one of %s, or its JSON", nn_kinds[kind].module);
    const struct nn_class *c = nn_find(kind, json_string_value(json), e);
    return c ? nn_new(r, c, NULL, NULL, 0, out, e) : e->status;
}

/* ---- writing ----------------------------------------------------------------------------------------------------- */

static enum status add(json_t *to, const char *key, json_t *value, struct err *e) {
    if (value && !json_object_set_new(to, key, value)) return OK;
    return err_set(e, ERR_MEMORY, "no memory for the JSON of %s", key);
}

static enum status add_arg(json_t *config, const struct nn_object *o, const struct nn_arg *a, struct err *e) {
    if (a->flags & NN_HIDDEN) return OK;
    /* A learning rate that was changed since is what the JSON shows. */
    if (a->type == NN_RATE && !((const struct nn_optimizer *)o)->rate.schedule) {
        float rate = 0;
        if (tensor_read(o->variable[1]->value, &rate, e)) return e->status;
        return add(config, a->name, json_real(rate), e);
    }
    return add(config, a->name, nn_arg_get(o, a, e), e);
}

json_t *nn_config(const struct nn_object *o, struct err *e) {
    json_t *config = json_object();
    int own = nn_positional(o->class);
    if (!config) err_set(e, ERR_MEMORY, "no memory for the JSON of %s", o->class->name);
    const struct nn_arg *a;
    for (int i = own; config && !e->status && (a = nn_arg_at(o->class, i)); i++) add_arg(config, o, a, e);
    for (int i = 0; config && !e->status && i < own; i++) add_arg(config, o, nn_arg_at(o->class, i), e);
    if (!e->status) return config;
    json_decref(config);
    return NULL;
}

static json_t *shape_json(const struct shape *s) {
    json_t *list = json_array();
    for (int i = 0; list && i < s->rank; i++)
        if (json_array_append_new(list, s->dim[i] < 0 ? json_null() : json_integer(s->dim[i]))) {
            json_decref(list);
            return NULL;
        }
    return list;
}

static enum status add_build_config(json_t *json, const struct nn_object *o, struct err *e) {
    const struct nn_layer *l = (const struct nn_layer *)o;
    if (o->class->kind != NN_LAYER || l->built_shape.rank < 0) return OK;
    return add(json, "build_config", json_pack("{s:o}", "input_shape", shape_json(&l->built_shape)), e);
}

json_t *nn_serialize(const struct nn_object *o, struct err *e) {
    json_t *config = nn_config(o, e);
    if (!config) return NULL;
    json_t *json = json_pack("{s:s, s:s, s:o, s:n}", "module", nn_kinds[o->class->kind].module, "class_name",
                             o->class->name, "config", config, "registered_name");
    if (!json) err_set(e, ERR_MEMORY, "no memory for the JSON of %s", o->class->name);
    if (json && !add_build_config(json, o, e)) return json;
    json_decref(json);
    return NULL;
}
