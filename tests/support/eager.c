/* The eager emitter. */
#include "support/eager.h"

#include <string.h>

#include "base/mem.h"
#include "op/ops.h"

/* Outputs start as all ones bits, NaN in floats: what a kernel forgets to write, or reads before, shows. */
static enum status poison(struct tensor *t, struct err *e) {
    void *ones = mem_alloc(tensor_bytes(t), e);
    if (!ones) return e->status;
    memset(ones, 0xff, tensor_bytes(t));
    enum status s = tensor_write(t, ones, e);
    mem_free(ones);
    return s;
}

static enum status run_kernel(struct op_emitter *e, const struct op *op, struct tensor *const *in, int nin,
                              const union op_attrs *attrs, const struct op_sig *sig, struct tensor **out) {
    struct device *d = e->context;
    uint64_t ticket;
    for (int k = 0; k < op->nout; k++)
        if (tensor_new(d, sig[k].dtype, &sig[k].shape, &out[k], e->err) != OK || poison(out[k], e->err) != OK)
            return e->err->status;
    const struct op_call call = {.op = op, .nin = nin, .nout = op->nout, .in = in, .out = out, .attrs = attrs};
    if (d->driver->run(d, &call, &ticket, e->err) != OK) return e->err->status;
    return d->driver->wait(d, ticket, e->err);
}

static enum status run_view(struct op_emitter *e, const struct op *op, struct tensor *in, const union op_attrs *attrs,
                            struct tensor **out) {
    if (tensor_view(in, out, e->err) != OK || op->view(in, attrs, *out)) return e->err->status;
    tensor_release(*out);
    *out = NULL;
    in = emit_copy(e, in);
    return in ? run_view(e, op, in, attrs, out) : e->err->status;
}

static enum status emit_now(struct op_emitter *e, const struct op *op, struct tensor *const *in, int nin,
                            const union op_attrs *attrs, struct tensor **out) {
    struct op_sig sig[OP_MAX_IN], result[OP_MAX_OUT];
    struct tensor *lying[OP_MAX_IN];
    for (int k = 0; k < nin; k++) sig[k] = (struct op_sig){in[k]->dtype, in[k]->shape};
    if (op_infer(op, sig, nin, attrs, result, e->err) != OK) return e->err->status;
    if (op->flags & OP_VIEW) return run_view(e, op, in[0], attrs, out);
    for (int k = 0; k < nin; k++) {
        bool as_is = op->flags & (OP_ELEMENTWISE | OP_STRIDED) || tensor_is_contiguous(in[k]);
        lying[k] = as_is ? in[k] : emit_copy(e, in[k]);
        if (!lying[k]) return e->err->status;
    }
    enum status s = run_kernel(e, op, lying, nin, attrs, result, out);
    for (int k = 0; s != OK && k < op->nout; k++) tensor_release(out[k]);
    return s;
}

struct op_emitter eager_emitter(struct device *d, struct err *e) {
    return (struct op_emitter){.emit = emit_now, .context = d, .err = e};
}
