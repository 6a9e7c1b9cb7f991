/* The life of an object: made from arguments, counted, freed with everything it holds. */
#include "base/mem.h"
#include "nn/impl.h"

static enum status give_name(struct nn_object *o, struct err *e) {
    char prefix[64];
    if (o->name || !nn_kinds[o->class->kind].counts_names) return OK;
    nn_snake_case(o->class->name, prefix, sizeof prefix);
    return run_unique_name(o->run, prefix, &o->name, e);
}

static enum status construct(struct nn_object *o, const json_t *config, const struct nn_given *given, int ngiven,
                             struct err *e) {
    const struct nn_kind_info *kind = &nn_kinds[o->class->kind];
    if (nn_args_set(o, config, given, ngiven, e) || give_name(o, e)) return e->status;
    if (kind->init && kind->init(o, e)) return e->status;
    return o->class->init ? o->class->init(o, e) : OK;
}

enum status nn_new(struct run *r, const struct nn_class *c, const json_t *config, const struct nn_given *given,
                   int ngiven, struct nn_object **out, struct err *e) {
    struct nn_object *o = mem_zalloc(c->size, e);
    if (!o) return e->status;
    o->class = c;
    o->run = r;
    atomic_init(&o->refs, 1);
    if (construct(o, config, given, ngiven, e)) {
        nn_release(o);
        return e->status;
    }
    *out = o;
    return OK;
}

struct nn_object *nn_retain(struct nn_object *o) {
    atomic_fetch_add(&o->refs, 1);
    return o;
}

void nn_release(struct nn_object *o) {
    if (!o || atomic_fetch_sub(&o->refs, 1) > 1) return;
    const struct nn_kind_info *kind = &nn_kinds[o->class->kind];
    if (kind->fini) kind->fini(o);
    for (int i = 0; i < o->nvariable; i++) variable_release(o->variable[i]);
    nn_args_clear(o);
    mem_free(o);
}
