/* The samples of an op as signatures. */
#include "support/samples.h"

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
