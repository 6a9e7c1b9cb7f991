/* The samples of an op as signatures and as numbers. */
#include "support/samples.h"

#include "support/cpu.h"

bool sample_is_data(const struct op *op, int k) {
    return !((op->indices | op->conditions) >> k & 1);
}

struct op_sig sample_sig(const struct op *op, const struct op_sample *s, int k, enum dtype d) {
    struct op_sig sig = {.dtype = op->indices >> k & 1 ? DT_INT64 : op->conditions >> k & 1 ? DT_BOOL : d};
    sig.shape.rank = s->shape[k].rank;
    for (int i = 0; i < sig.shape.rank; i++) sig.shape.dim[i] = s->shape[k].dim[i];
    return sig;
}

const union op_attrs *sample_attrs(const struct op_sample *s) {
    static const union op_attrs none = {0};
    return s->attrs ? s->attrs : &none;
}

emit_t sample_input(struct op_emitter *e, const struct op *op, const struct op_sample *s, int k, enum dtype d) {
    const struct op_sig sig = sample_sig(op, s, k, d);
    double low = s->low, high = s->high;
    enum dtype drawn = s->whole || !dtype_is_float(d) ? DT_INT64 : DT_FLOAT32;
    if (!sample_is_data(op, k))
        low = 0, high = s->index_bound, drawn = sig.dtype;
    else if (d == DT_BOOL)
        drawn = DT_BOOL;
    else if (d == DT_UINT8 && low < 0)
        low = 0, high = high < 1 ? 1 : high;
    struct tensor *x = test_random(e->context, drawn, sig.shape, low, high, (uint64_t)k + 1);
    return emit_cast(e, op_emitter_own(e, x), sig.dtype);
}
