/* Convolution by Fourier transforms: how it is cut (conv_fft_plan.c), its products (conv_fft_product.c), and between them
 * the transforms and passes of conv_fft.c, whose head comment has the formulas and the layout of a spectrum. */
#ifndef CPU_CONV_FFT_H
#define CPU_CONV_FFT_H

#include "device/cpu/conv.h"
#include "device/cpu/conv_kernels.h"
#include "device/cpu/conv_tiles.h"

/* A correlation of (images, h, w, c) with (kh, kw, c, o) to (images, oh, ow, o). */
struct fft_plan {
    const struct cpu_conv_kernels *kernels;
    const struct cpu_dft *dft;
    int64_t n, h, w, c, oh, ow, o, kh, kw, before[2];
    int64_t covered[2];                       /* outputs that are computed, by axis: those behind are zero */
    int64_t tile[2], tiles[2];                /* outputs a tile, tiles an image */
    int64_t rows, chunk;                      /* tiles of all images; how many are transformed at a time */
    int64_t group;                            /* of how many chunks a kernel gradient is summed at a time */
    int64_t cblock, cblocks, oblock, oblocks; /* channels a block, blocks */
    int64_t xplane, yplane, wplane;           /* floats from a real plane to its imaginary one */
    const struct cpu_conv_pool *xpool, *ypool;
    bool convolve;    /* not a correlation: y~ = sum_k x~[o - k] w[k], */
    int64_t after[2]; /* and y begins that far into its grid */
};

/* The plan with the least cost, in nanoseconds; false where no grid fits. */
bool cpu_fft_plan(const struct cpu_conv_kernels *kernels, const struct cpu_conv *g, enum cpu_conv_pass pass,
                  struct fft_plan *best, double *cost);
/* From the plan of a convolution of one tile an image, that of its input gradient: with the same spectrum of dy. */
struct fft_plan cpu_fft_backward(const struct fft_plan *f);
/* One tile an image. */
bool cpu_fft_is_whole(const struct fft_plan *p);

/* Floats of one chunk's spectrum of x and of y. */
int64_t cpu_fft_input_floats(const struct fft_plan *p);
int64_t cpu_fft_output_floats(const struct fft_plan *p);

/* One chunk's products, y^ = x^ conj(w^) (or x^ w^); or those of a group of chunks, w^ += x^T conj(y^). */
struct fft_product {
    const struct fft_plan *p;
    const float *x;
    float *w, *y;
    int64_t rows; /* of the chunk or the group */
    bool first;   /* of the groups that a kernel gradient sums */
    const int64_t *by_one, *by_cblock;
    char *scratch;
    size_t scratch_bytes;
};

/* Bytes for each worker; enough for a patch of the transforms, too. */
size_t cpu_fft_product_scratch(const struct fft_plan *p);
/* Over frequencies; arg: a struct fft_product. The products of a correlation, or of a kernel's gradient. */
void cpu_fft_product_forward(void *arg, int64_t begin, int64_t end, int worker);
void cpu_fft_product_kernel(void *arg, int64_t begin, int64_t end, int worker);

#endif
