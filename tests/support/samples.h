/* The samples of an op as signatures and as numbers: what the generic tests of all ops are driven by. */
#ifndef SUPPORT_SAMPLES_H
#define SUPPORT_SAMPLES_H

#include "op/emit.h"

/* The signature of input k when data has dtype d. */
struct op_sig sample_sig(const struct op *op, const struct op_sample *s, int k, enum dtype d);
bool sample_is_data(const struct op *op, int k);
/* Attributes are never NULL here. */
const union op_attrs *sample_attrs(const struct op_sample *s);
/* Input k, with data of dtype d: numbers that depend on the sample and k alone, and that float32 can hold. */
emit_t sample_input(struct op_emitter *e, const struct op *op, const struct op_sample *s, int k, enum dtype d);

#endif
