/* Winograd convolutions: how they are cut (conv_winograd_plan.c), for the passes of conv_winograd.c. */
#ifndef CPU_CONV_WINOGRAD_H
#define CPU_CONV_WINOGRAD_H

#include "device/cpu/conv.h"
#include "device/cpu/conv_kernels.h"
#include "device/cpu/conv_tiles.h"

enum { CPU_WINOGRAD_PAD = 16 }; /* floats between planes, so that they do not fall onto the same cache sets */

/* A correlation of (images, h, w, c) with (3, 3, c, o) to (images, oh, ow, o). */
struct winograd_plan {
    const struct cpu_conv_kernels *kernels;
    const struct cpu_winograd *form;
    int64_t n, h, w, c, oh, ow, o, before[2], tiles[2];
    int64_t rows, chunk;       /* tiles of all images; how many are transformed at a time */
    bool shared;               /* the threads work on one chunk together, else each on its own */
    int64_t segments, segment; /* parts that a kernel gradient sums apart, and rows of one */
    int64_t cblock, cblocks, oblock, oblocks;
    int64_t xplane, yplane, wplane; /* floats of one point, all blocks */
    const struct cpu_conv_pool *xpool, *ypool;
};

/* The plan with the least cost, which is in nanoseconds. */
void cpu_winograd_plan(const struct cpu *c, const struct cpu_conv *g, enum cpu_conv_pass pass,
                       struct winograd_plan *best, double *cost);

#endif
