/* The recording emitter. */
#include "support/recorder.h"

#include <stdio.h>
#include <string.h>

static enum status record(struct op_emitter *e, const struct op *op, struct tensor *const *in, int nin,
                          const union op_attrs *attrs, struct tensor **out) {
    struct recorder *r = e->context;
    struct op_sig sig[OP_MAX_IN], result[OP_MAX_OUT];
    if (r->ncall == RECORDER_MAX) return err_set(e->err, ERR_MEMORY, "too many calls for the recorder");
    if (r->fail_at == r->ncall + 1) return err_set(e->err, ERR_VALUE, "refused");
    for (int k = 0; k < nin; k++) sig[k] = (struct op_sig){in[k]->dtype, in[k]->shape};
    if (op_infer(op, sig, nin, attrs, result, e->err) != OK) return e->err->status;
    int made = 0;
    while (made < op->nout &&
           tensor_symbolic(NULL, r->ncall, result[made].dtype, &result[made].shape, &out[made], e->err) == OK)
        made++;
    if (made < op->nout) {
        while (made > 0) tensor_release(out[--made]);
        return e->err->status;
    }
    struct recorder_call *c = &r->call[r->ncall++];
    *c = (struct recorder_call){.op = op, .nin = nin, .attrs = *attrs, .out = out[0]};
    for (int k = 0; k < nin && k < 4; k++) c->in[k] = in[k];
    return OK;
}

void recorder_open(struct recorder *r) {
    memset(r, 0, sizeof *r);
    r->emit = (struct op_emitter){.emit = record, .context = r, .err = &r->err};
}

void recorder_close(struct recorder *r) {
    op_emitter_close(&r->emit);
}

emit_t recorder_input(struct recorder *r, enum dtype d, const struct shape *s) {
    struct tensor *t = NULL;
    if (tensor_symbolic(NULL, -1, d, s, &t, &r->err) != OK) return NULL;
    return op_emitter_own(&r->emit, t);
}

const char *recorder_text(const struct recorder *r, char *text, size_t cap) {
    size_t n = 0;
    text[0] = 0;
    for (int k = 0; k < r->ncall && n < cap; k++)
        n += (size_t)snprintf(text + n, cap - n, "%s%s", k ? " " : "", r->call[k].op->name);
    return text;
}
