/* What calls change of an object, kept to go back to: its variables (those of a layer that is not built yet are none), and
 * a layer's or an optimizer's own state. The variables' values are the runtime's: run_snapshot keeps them. */
#include <string.h>

#include "base/mem.h"
#include "nn/impl.h"

struct nn_snapshot {
    struct nn_object *object; /* retained */
    struct variable *variable[NN_MAX_VARIABLES];
    int nvariable;
    struct nn_layer layer; /* of layers: all but the object in front of it */
    bool built;            /* of optimizers, as what follows */
    int nslots;
    struct nn_slots *slots;
};

/* ---- slots of optimizers ------------------------------------------------------------------------------------------- */

void nn_slots_free(struct nn_slots *slots, int n) {
    for (int i = 0; i < n; i++) {
        variable_release(slots[i].of);
        for (int k = 0; k < NN_MAX_SLOTS; k++) variable_release(slots[i].slot[k]);
    }
    mem_free(slots);
}

static enum status copy_slots(const struct nn_slots *from, int n, struct nn_slots **out, struct err *e) {
    struct nn_slots *to = n ? mem_alloc(sizeof *to * (size_t)n, e) : NULL;
    if (e->status) return e->status;
    for (int i = 0; i < n; i++) {
        to[i] = from[i];
        variable_retain(to[i].of);
        for (int k = 0; k < NN_MAX_SLOTS; k++)
            if (to[i].slot[k]) variable_retain(to[i].slot[k]);
    }
    *out = to;
    return OK;
}

/* ---- layers -------------------------------------------------------------------------------------------------------- */

/* A layer's state behind its object: plain values, and a seed that it has from the beginning. */
static void copy_layer(struct nn_layer *to, const struct nn_layer *from) {
    const size_t skip = sizeof(struct nn_object);
    memcpy((char *)to + skip, (const char *)from + skip, sizeof *to - skip);
}

/* ---- the snapshot -------------------------------------------------------------------------------------------------- */

static void copy_variables(struct variable **to, struct variable *const *from, int n) {
    for (int i = 0; i < n; i++) to[i] = variable_retain(from[i]);
}

static void release_variables(struct variable **v, int n) {
    for (int i = 0; i < n; i++) variable_release(v[i]);
}

enum status nn_snapshot_new(struct nn_object *o, struct nn_snapshot **out, struct err *e) {
    struct nn_snapshot *s = mem_zalloc(sizeof *s, e);
    if (!s) return e->status;
    if (o->class->kind == NN_OPTIMIZER) {
        const struct nn_optimizer *optimizer = (struct nn_optimizer *)o;
        s->built = optimizer->built;
        s->nslots = optimizer->nslots;
        if (copy_slots(optimizer->slots, optimizer->nslots, &s->slots, e)) {
            mem_free(s);
            return e->status;
        }
    }
    if (o->class->kind == NN_LAYER) copy_layer(&s->layer, (struct nn_layer *)o);
    s->object = nn_retain(o);
    s->nvariable = o->nvariable;
    copy_variables(s->variable, o->variable, o->nvariable);
    *out = s;
    return OK;
}

static enum status restore_optimizer(const struct nn_snapshot *s, struct nn_optimizer *o, struct err *e) {
    struct nn_slots *slots;
    if (copy_slots(s->slots, s->nslots, &slots, e)) return e->status;
    nn_slots_free(o->slots, o->nslots);
    o->slots = slots;
    o->nslots = s->nslots;
    o->built = s->built;
    return OK;
}

enum status nn_snapshot_restore(const struct nn_snapshot *s, struct err *e) {
    struct nn_object *o = s->object;
    struct variable *before[NN_MAX_VARIABLES];
    const int n = o->nvariable;
    if (o->class->kind == NN_OPTIMIZER && restore_optimizer(s, (struct nn_optimizer *)o, e)) return e->status;
    if (o->class->kind == NN_LAYER) copy_layer((struct nn_layer *)o, &s->layer);
    memcpy(before, o->variable, sizeof before);
    copy_variables(o->variable, s->variable, s->nvariable);
    o->nvariable = s->nvariable;
    release_variables(before, n);
    return OK;
}

void nn_snapshot_free(struct nn_snapshot *s) {
    if (!s) return;
    release_variables(s->variable, s->nvariable);
    nn_slots_free(s->slots, s->nslots);
    nn_release(s->object);
    mem_free(s);
}
