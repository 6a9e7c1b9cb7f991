/* Writing into a tensor in place. Invariant: the value is read completely before anything is written, so that
 * overlapping views (x["2:"] = x[":-1"]) behave as in NumPy. */
#include "base/mem.h"
#include "op/emit.h"
#include "run/run.h"

enum status run_assign(struct run *r, struct tensor *t, struct tensor *value, struct err *e) {
    char a[256], b[256];
    struct shape both;
    if (tensor_is_symbolic(t)) return err_set(e, ERR_STATE, "a tensor that is being traced cannot be assigned to");
    if (shape_broadcast(&t->shape, &value->shape, &both, &(struct err){0}) || !shape_equal(&both, &t->shape))
        return err_set(e, ERR_VALUE, "could not broadcast a value of shape %s into shape %s",
                       shape_text(&value->shape, a, sizeof a), shape_text(&t->shape, b, sizeof b));
    struct op_emitter emit = run_emitter(r, e);
    struct tensor *v = emit_broadcast_to(&emit, emit_cast(&emit, value, t->dtype), &t->shape);
    void *host = v ? mem_block_alloc(tensor_bytes(t), e) : NULL;
    if (host && tensor_read(v, host, e) == OK) tensor_write(t, host, e);
    mem_block_free(host);
    op_emitter_close(&emit);
    return e->status;
}
