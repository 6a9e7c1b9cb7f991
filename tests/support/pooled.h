/* A convolution with the pooling behind it, in graphs by hand, and which algorithm runs it. */
#ifndef SUPPORT_POOLED_H
#define SUPPORT_POOLED_H

#include "device/cpu/conv.h"
#include "support/cpu.h"
#include "support/graphs.h"

struct pooled {
    int64_t size, channels, kernel, filters, before; /* of the convolution, square, of three images */
    int64_t window, stride, padding;                 /* of the pooling */
};

union op_attrs pooled_conv(const struct pooled *p);
union op_attrs pooled_pool(const struct pooled *p);
/* The height and width of the convolution's result. */
int64_t pooled_out(const struct pooled *p);

/* From now on that algorithm runs these convolutions, of three images or of n, on c, where it can; whether it can
 * anything. */
bool pooled_insist(struct cpu *c, const struct pooled *p, const struct cpu_conv_algorithm *a);
bool pooled_insist_for(struct cpu *c, const struct pooled *p, int64_t n, const struct cpu_conv_algorithm *a);

/* The value of a call of an op of one operand or two. */
int pooled_call(struct graph *g, const struct op *op, int a, int b, const union op_attrs *attrs);
/* Fails unless g's outputs on d have these bits. */
void pooled_same(struct device *d, const struct graph *g, struct tensor *const *in, struct tensor *const *want);

#endif
