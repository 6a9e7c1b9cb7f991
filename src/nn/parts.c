/* Objects taken apart, and the state that their arguments do not say, for files that keep them as they are. */
#include "nn/impl.h"

/* What a class's own hidden arguments say, others say too; those of all layers say where a model's input is. */
static bool is_kept(const struct nn_object *o, const struct nn_arg *a, int i) {
    if (a->flags & NN_HIDDEN && i < nn_positional(o->class)) return false;
    enum nn_kind kind;
    struct nn_object **held = nn_arg_object(o, a, &kind);
    return a->type != NN_REJECT && a->type != NN_POLICY && !(held && *held);
}

json_t *nn_arguments(const struct nn_object *o, struct err *e) {
    json_t *all = json_object();
    const struct nn_arg *a;
    if (!all) err_set(e, ERR_MEMORY, "no memory for the arguments of %s", o->class->name);
    for (int i = 0; !e->status && (a = nn_arg_at(o->class, i)); i++) {
        json_t *value = is_kept(o, a, i) ? nn_arg_get(o, a, e) : NULL;
        if (value && json_object_set_new(all, a->name, value))
            err_set(e, ERR_MEMORY, "no memory for the arguments of %s", o->class->name);
    }
    if (!e->status) return all;
    json_decref(all);
    return NULL;
}

int nn_held(const struct nn_object *o, struct nn_given *out, int cap) {
    const struct nn_arg *a;
    int n = 0;
    for (int i = 0; (a = nn_arg_at(o->class, i)); i++) {
        enum nn_kind kind;
        struct nn_object **held = nn_arg_object(o, a, &kind);
        if (held && *held && n < cap) out[n++] = (struct nn_given){a->name, *held};
    }
    return n;
}

int64_t *nn_seed_of(struct nn_object *o) {
    if (o->class->kind != NN_INITIALIZERS) return NULL;
    size_t at = ((const struct nn_initializer_class *)o->class)->seed;
    return at ? (int64_t *)((char *)o + at) : NULL;
}

int nn_variables(const struct nn_object *o, struct variable **out) {
    int n = 0;
    for (int i = 0; i < o->nvariable; i++) out[n++] = o->variable[i];
    struct variable *seed = o->class->kind == NN_LAYER ? ((const struct nn_layer *)o)->seed : NULL;
    if (seed) out[n++] = seed;
    return n;
}
