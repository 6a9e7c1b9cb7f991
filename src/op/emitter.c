/* The emitter's bookkeeping: errors stick, and every tensor it hands out is released when it closes. */
#include "base/mem.h"
#include "op/op.h"

struct tensor *op_emitter_own(struct op_emitter *e, struct tensor *t) {
    if (!t) return NULL;
    if (e->nowned == e->capacity) {
        int capacity = e->capacity ? 2 * e->capacity : 32;
        struct tensor **grown = mem_realloc(e->owned, (size_t)capacity * sizeof(struct tensor *), e->err);
        if (!grown) {
            tensor_release(t);
            return NULL;
        }
        e->owned = grown;
        e->capacity = capacity;
    }
    return e->owned[e->nowned++] = t;
}

static bool inputs_present(struct op_emitter *e, const struct op *op, struct tensor *const *in, int nin) {
    for (int k = 0; k < nin; k++)
        if (!in[k]) err_set(e->err, ERR_STATE, "%s: input %d is missing", op->name, k);
    return e->err->status == OK;
}

bool op_emit(struct op_emitter *e, const struct op *op, struct tensor *const *in, int nin, const union op_attrs *attrs,
             struct tensor **out) {
    static const union op_attrs none = {0};
    struct tensor *made[OP_MAX_OUT] = {0};
    for (int k = 0; k < op->nout; k++) out[k] = NULL;
    if (e->err->status != OK || !inputs_present(e, op, in, nin)) return false;
    if (e->emit(e, op, in, nin, attrs ? attrs : &none, made) != OK) return false;
    for (int k = 0; k < op->nout; k++) op_emitter_own(e, made[k]);
    if (e->err->status != OK) return false;
    for (int k = 0; k < op->nout; k++) out[k] = made[k];
    return true;
}

void op_emitter_close(struct op_emitter *e) {
    for (int k = 0; k < e->nowned; k++) tensor_release(e->owned[k]);
    mem_free(e->owned);
    e->owned = NULL;
    e->nowned = e->capacity = 0;
}
