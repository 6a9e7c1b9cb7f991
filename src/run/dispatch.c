/* Calling ops: now, on the device where the inputs lie, or into the trace. */
#include <string.h>

#include "base/clock.h"
#include "op/ops.h"
#include "run/internal.h"

static bool takes_strides(const struct op *op) {
    return (op->flags & (OP_STRIDED | OP_ELEMENTWISE)) != 0;
}

/* The one device of all inputs; the runtime device where there are none. */
static enum status common_device(struct run *r, const struct op *op, struct tensor *const *in, int nin,
                                 struct device **out, struct err *e) {
    *out = nin ? tensor_device(in[0]) : r->device;
    for (int i = 1; i < nin; i++)
        if (tensor_device(in[i]) != *out)
            return err_set(e, ERR_VALUE, "%s: tensors on different devices, %s and %s; move one with :to(device)",
                           op->name, (*out)->name, tensor_device(in[i])->name);
    return OK;
}

/* To its end, so that the time is the op's own. */
static enum status time_call(struct run *r, struct device *d, const struct op_call *call, struct err *e) {
    uint64_t ticket;
    const double start = clock_now();
    if (d->driver->run(d, call, &ticket, e) || d->driver->wait(d, ticket, e)) return e->status;
    return profile_op(r, call->op, clock_now() - start, e);
}

static enum status call_device(struct run *r, struct device *d, const struct op_call *call, struct err *e) {
    uint64_t ticket;
    if (!d->driver->has(d, call->op))
        return err_set(e, ERR_UNSUPPORTED, "%s is not available on device %s", call->op->name, d->name);
    r->eager_calls++;
    return r->profile ? time_call(r, d, call, e) : d->driver->run(d, call, &ticket, e);
}

enum status run_contiguous(struct run *r, struct tensor *t, struct tensor **out, struct err *e) {
    static const union op_attrs none = {0};
    if (tensor_is_symbolic(t) || tensor_is_contiguous(t)) {
        *out = tensor_retain(t);
        return OK;
    }
    struct device *d = tensor_device(t);
    struct tensor *copy;
    if (tensor_new(d, t->dtype, &t->shape, &copy, e)) return e->status;
    struct op_call call = {.op = &op_copy, .nin = 1, .nout = 1, .in = &t, .out = &copy, .attrs = &none};
    if (call_device(r, d, &call, e)) {
        tensor_release(copy);
        return e->status;
    }
    *out = copy;
    return OK;
}

static enum status view_now(struct run *r, const struct op *op, struct tensor *in, const union op_attrs *a,
                            const struct op_sig *sig, struct tensor **out, struct err *e) {
    struct tensor *v, *whole;
    if (tensor_view(in, &v, e)) return e->status;
    v->shape = sig->shape;
    if (op->view(in, a, v)) {
        *out = v;
        return OK;
    }
    tensor_release(v);
    if (run_contiguous(r, in, &whole, e)) return e->status;
    if (tensor_view(whole, &v, e) == OK) {
        v->shape = sig->shape;
        if (op->view(whole, a, v))
            *out = v;
        else
            tensor_release(v), err_set(e, ERR_STATE, "%s: no view of a contiguous tensor", op->name);
    }
    tensor_release(whole);
    return e->status;
}

/* Callers hand in the place where a result will be kept: after a failure nothing may be left there. */
static void drop(struct tensor **out) {
    tensor_release(*out);
    *out = NULL;
}

static bool is_empty(const struct op_sig *sig, int n) {
    for (int k = 0; k < n; k++)
        if (shape_size(&sig[k].shape) > 0) return false;
    return true;
}

static enum status run_on(struct run *r, struct device *d, const struct op *op, struct tensor *const *in, int nin,
                          const union op_attrs *a, const struct op_sig *sig, struct tensor **out, struct err *e) {
    struct tensor *whole[OP_MAX_IN];
    int ready = 0, made = 0;
    for (; ready < nin; ready++) {
        whole[ready] = tensor_retain(in[ready]);
        if (takes_strides(op)) continue;
        tensor_release(whole[ready]);
        if (run_contiguous(r, in[ready], &whole[ready], e)) break;
    }
    while (e->status == OK && made < op->nout && tensor_new(d, sig[made].dtype, &sig[made].shape, &out[made], e) == OK)
        made++;
    if (e->status == OK && !is_empty(sig, op->nout)) {
        struct op_call call = {.op = op, .nin = nin, .nout = op->nout, .in = whole, .out = out, .attrs = a};
        call_device(r, d, &call, e);
    }
    for (int i = 0; i < ready; i++) tensor_release(whole[i]);
    for (int k = 0; e->status && k < made; k++) drop(&out[k]);
    return e->status;
}

static enum status run_now(struct run *r, const struct op *op, struct tensor *const *in, int nin,
                           const union op_attrs *a, struct tensor **out, struct err *e) {
    struct op_sig sig[OP_MAX_IN] = {0}, result[OP_MAX_OUT];
    struct device *d;
    for (int i = 0; i < nin; i++) sig[i] = (struct op_sig){in[i]->dtype, in[i]->shape};
    if (op_infer(op, sig, nin, a, result, e) || common_device(r, op, in, nin, &d, e)) return e->status;
    if (op->flags & OP_VIEW) return view_now(r, op, in[0], a, result, out, e);
    return run_on(r, d, op, in, nin, a, result, out, e);
}

static bool goes_to_trace(const struct run *r, struct tensor *const *in, int nin) {
    for (int i = 0; i < nin; i++)
        if (tensor_is_symbolic(in[i])) return true;
    return nin == 0 && r->trace;
}

static bool is_taped(const struct run *r, const struct tensor *x) {
    for (int i = 0; i < r->ntape; i++)
        if (tape_watches(r->tape[i], x)) return true;
    return false;
}

/* max_pool2d with the places of the maxima, which its gradient then need not look for. */
static enum status pool_for_tape(struct run *r, struct tensor *const *in, const union op_attrs *a, struct tensor **out,
                                 struct err *e) {
    struct tensor *both[2] = {NULL, NULL};
    if (run_op(r, &op_max_pool2d_argmax, in, 1, a, both, e)) return e->status;
    *out = both[0];
    tensor_release(both[1]);
    return OK;
}

enum status run_op(struct run *r, const struct op *op, struct tensor *const *in, int nin, const union op_attrs *a,
                   struct tensor **out, struct err *e) {
    static const union op_attrs none = {0};
    if (!a) a = &none;
    if (nin > OP_MAX_IN) return err_set(e, ERR_VALUE, "%s: %d inputs, at most %d", op->name, nin, OP_MAX_IN);
    if (op == &op_max_pool2d && trace_pool_first(r, op, in[0], a, out, e)) return e->status;
    if (op == &op_max_pool2d && is_taped(r, in[0])) return pool_for_tape(r, in, a, out, e);
    enum status s =
        goes_to_trace(r, in, nin) ? trace_op(r, op, in, nin, a, out, e) : run_now(r, op, in, nin, a, out, e);
    if (s) return s;
    struct op_call call = {.op = op, .nin = nin, .nout = op->nout, .in = in, .out = out, .attrs = a};
    for (int i = 0; i < r->ntape && s == OK; i++) s = tape_record(r->tape[i], &call, e);
    for (int k = 0; s && k < op->nout; k++) drop(&out[k]);
    return s;
}

static enum status emit(struct op_emitter *self, const struct op *op, struct tensor *const *in, int nin,
                        const union op_attrs *attrs, struct tensor **out) {
    return run_op(self->context, op, in, nin, attrs, out, self->err);
}

struct op_emitter run_emitter(struct run *r, struct err *e) {
    return (struct op_emitter){.emit = emit, .context = r, .err = e};
}
