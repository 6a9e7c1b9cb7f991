/* Winograd convolutions: how they are cut (conv_winograd_plan.c), and what the passes of conv_winograd.c and
 * conv_winograd_gradients.c share (conv_winograd_pass.c).
 * Layout of a transform: [point][block of channels][row][channel in block]; a row is one tile of one image. */
#ifndef CPU_CONV_WINOGRAD_H
#define CPU_CONV_WINOGRAD_H

#include "device/cpu/conv.h"
#include "device/cpu/conv_kernels.h"
#include "device/cpu/conv_tiles.h"

enum {
    CPU_WINOGRAD_PAD = 16, /* floats between planes, so that they do not fall onto the same cache sets */
    CPU_WINOGRAD_TAPS = 3,
    CPU_WINOGRAD_GRID = 10, /* positions of an axis that the largest tile reads */
    CPU_WINOGRAD_PATCH = CPU_WINOGRAD_GRID * CPU_WINOGRAD_GRID * CPU_CONV_LANE
};

/* A correlation of (images, h, w, c) with (3, 3, c, o) to (images, oh, ow, o); of a kernel's gradient: these two images, whose
 * transforms are multiplied. */
struct winograd_plan {
    const struct cpu_conv_kernels *kernels;
    const struct cpu_winograd *form;
    enum cpu_conv_pass pass;
    int64_t n, h, w, c, oh, ow, o, before[2], tiles[2];
    int64_t rows, chunk;       /* tiles of all images; how many are transformed at a time */
    bool back;                 /* the images are dy, the results as large as x */
    bool shared;               /* the threads work on one chunk together, else each on its own */
    int64_t segments, segment; /* parts that a kernel gradient sums apart, and rows of one */
    int64_t cblock, cblocks, oblock, oblocks;
    int64_t win, wout, wblock, wblocks; /* the kernel's channels, and what its transform has of them in a block */
    int64_t xplane, yplane, wplane;     /* floats of one point, all blocks */
    const struct cpu_conv_pool *xpool, *ypool;
};

/* The plan with the least cost, which is in nanoseconds. */
void cpu_winograd_plan(const struct cpu *c, const struct cpu_conv *g, enum cpu_conv_pass pass,
                       struct winograd_plan *best, double *cost);
struct winograd_plan cpu_winograd_plan_of(const struct cpu *c, const struct cpu_conv *g, enum cpu_conv_pass pass);

/* Images and how their rows are transformed: by one of these two. */
struct winograd_side {
    struct cpu_conv_grid grid;
    int64_t block, plane;
    void (*transform)(const struct cpu_conv_patch *g, float *out, int64_t stride);
    void (*inverse)(const struct cpu_conv_patch *g, const float *in, int64_t stride);
};

/* A part of a kernel gradient's rows, and of its weights. */
struct winograd_segment {
    int64_t start, stop;
    float *weights;
};

/* Everything that the chunks of a pass share. */
struct winograd_pass {
    struct winograd_plan p;
    struct winograd_side x, y, w; /* w: the taps of an input channel are a patch; its grid is not used */
    float *kernel;                /* (3, 3, win, wout) */
    float *reversed;              /* room for one */
    float *weights;               /* its transform, [point][block][channel of win][channel of wout in block] */
    float *xs, *ys;               /* of a chunk that the threads share: the transforms of `rows` rows from `first` on */
    int64_t first, rows;
    struct winograd_segment segment; /* that it is part of, of a kernel's gradient */
    struct winograd_pass *input;     /* the input's gradient, if it is computed from the same transforms of dy */
    const int64_t *by_one, *by_block;
    const struct cpu *cpu;
    _Atomic(bool) cancelled; /* a segment was left unfinished */
};

/* The bytes of workspace. */
size_t cpu_winograd_bytes(const struct winograd_plan *p);
/* x: the images (p->h, p->w, p->c); y: (p->oh, p->ow, p->o). */
enum status cpu_winograd_open(struct cpu *c, const struct cpu_conv *g, const struct winograd_plan *p, void *workspace,
                              const float *x, const float *y, struct winograd_pass *s, struct err *e);
/* The transform of the kernel, or back from it. */
enum status cpu_winograd_weights(struct cpu *c, struct winograd_pass *s, float *kernel, struct err *e);
/* Everything of a correlation with the kernel (of the input's gradient: with that turned round) before its first chunk. */
enum status cpu_winograd_open_correlation(struct cpu *c, const struct cpu_conv *g, struct winograd_pass *s,
                                          const float *kernel, struct err *e);

/* Transforms rows begin .. end-1 of a chunk of `rows` that starts at row `first`, to or from the planes. */
void cpu_winograd_transform(const struct cpu_conv_kernels *k, const struct winograd_side *s, int64_t first,
                            int64_t rows, int64_t begin, int64_t end, float *planes, float *scratch);
/* A correlation's chunk of results y, from the transforms x of its images. */
void cpu_winograd_results(const struct winograd_pass *s, int64_t first, int64_t rows, const float *x, float *y,
                          float *scratch);

/* The rows of the chunk that begins with row `first`, before row `stop`. */
int64_t cpu_winograd_chunk_rows(const struct winograd_plan *p, int64_t first, int64_t stop);
/* That is the chunk that the threads share from now on; its transforms, one side or the other. */
void cpu_winograd_open_chunk(struct winograd_pass *s, int64_t first, int64_t stop);
enum status cpu_winograd_shared_input(struct cpu *c, struct winograd_pass *s, struct err *e);
enum status cpu_winograd_shared_output(struct cpu *c, struct winograd_pass *s, struct err *e);

/* The kernel's gradient, and both, as struct cpu_conv_algorithm has them. */
cpu_conv_fn cpu_winograd_grad_kernel;
enum status cpu_winograd_gradients(struct cpu *c, const struct cpu_conv *g, const struct cpu_conv_gradients *o,
                                   void *workspace, struct err *e);
size_t cpu_winograd_gradients_workspace(const struct cpu *c, const struct cpu_conv *g);

#endif
