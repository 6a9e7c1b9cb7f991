/* Reading or writing a strided tensor in row-major order, some elements at a time. */
#ifndef DEVICE_CPU_WALK_H
#define DEVICE_CPU_WALK_H

#include "tensor/tensor.h"

struct cpu_walk {
    size_t size;     /* bytes of an element */
    bool contiguous; /* row-major without gaps or repetition */
    int64_t period;  /* not 0: the operand is its first `period` elements, contiguous, again and again */
    int rank;        /* after merging dimensions that are walked as one */
    int64_t dim[TENSOR_MAX_RANK], stride[TENSOR_MAX_RANK];
};

/* How t, broadcast to `shape`, is walked. */
void cpu_walk_prepare(struct cpu_walk *g, const struct tensor *t, const struct shape *shape);
/* Elements first .. first+n-1 of the operand whose first element is at `base`, written to `out`. */
void cpu_walk_read(const struct cpu_walk *g, const void *base, int64_t first, int64_t n, void *out);
/* The same places written from `in`; no element of the operand may repeat. */
void cpu_walk_write(const struct cpu_walk *g, void *base, int64_t first, int64_t n, const void *in);

#endif
