/* The convolution kernels compiled once for each instruction set. */
#ifndef CPU_CONV_KERNELS_H
#define CPU_CONV_KERNELS_H

#include <stdbool.h>
#include <stdint.h>

struct cpu;

/* C[r][0..columns) = from[r][...] + sum over k of A(r, k) * B[k][0..columns), where A(r, k) = a[row[r] + step[k]]:
 * offsets instead of strides make a convolution a product without copying its input (implicit GEMM; Dukhan 2019, "The
 * Indirect Convolution Algorithm"). columns is a multiple of 16; b and c are 64-byte aligned with leading dimensions
 * ldb, ldc in floats. */
struct cpu_tile {
    int64_t rows, depth, columns;
    const float *a;
    const int64_t *row, *step;
    const float *b;
    int64_t ldb;
    const float *from; /* may be c; NULL: zeros */
    int64_t ldfrom;    /* 0: as ldc */
    float *c;
    int64_t ldc;
    const float *ahead; /* what is read soon, fetched meanwhile: a cache line a step of each ROWS rows; NULL: nothing */
};

/* What becomes of results before they are stored. Of outputs: plus the bias of their channel, then relu, and whether that is
 * positive. Of an input's gradient: zero where relu had cut the input off. bias and where NULL: nothing. */
struct cpu_conv_finish {
    const float *bias; /* of the first channel */
    bool relu;
    uint8_t *positive;    /* for each output 0 or 1, laid out as the outputs are; NULL: not wanted */
    const uint8_t *where; /* likewise; a result stays where this is not 0 */
};
static inline bool cpu_conv_finishes(const struct cpu_conv_finish *f) {
    return f->bias || f->where;
}

/* The windows of max pooling over a patch, for a vector of channels: window (i, j) has its corner at the patch's position
 * (i * stride[0] - first[0], j * stride[1] - first[1]). Places are those of op/max_pool2d.c. */
struct cpu_conv_windows {
    int64_t size[2], stride[2], first[2];
    int64_t begin[2], end[2];          /* those that are meant: to be written, or all that meet the patch */
    int64_t row_stride, column_stride; /* floats from window to window, */
    int64_t next;                      /* and to the ones that are read after these: fetched meanwhile */
    bool covered;                      /* each position of the patch is in one of them */
    float *value;                      /* of window (0, 0) */
    uint8_t *place;                    /* likewise; NULL: not wanted */
    struct cpu_conv_finish finish;     /* of what is written */
};

/* Where a transform finds its image: position (i, j) of the N x N grid is x[i * row_stride + j * column_stride] and the
 * LANES - 1 floats behind it for positions inside [top, bottom) x [left, right), and zero outside. */
struct cpu_conv_patch {
    float *x;
    int64_t row_stride, column_stride;
    int64_t next; /* floats to the patch that is read after this one: fetched meanwhile */
    int top, bottom, left, right;
    bool stream; /* the inverse writes past the cache; x and the strides are whole vectors */
    /* Not NULL: the image is there as these windows alone, of which conv_tiles.c makes what a transform can read. */
    struct cpu_conv_windows *pooled;
    const float *scale, *shift; /* not NULL: the image is what lies there times scale plus shift, channel by channel */
    struct cpu_conv_finish finish; /* of what is written, where it is not pooled */
};

enum { CPU_DFT_CHANNELS = 32 }; /* that are transformed at once, at most */

/* The two-dimensional real DFT of some vectors of images at once, side by side at x, keeping the Hermitian half: `count`
 * frequencies. Frequency f is stored at out + f * stride (real parts) and out + f * stride + plane (imaginary parts). */
struct cpu_dft {
    int n;     /* the grid is n x n */
    int count; /* frequencies kept: n even: (n*n + 4) / 2, odd: (n*n + 1) / 2 */
    void (*forward)(const struct cpu_conv_patch *image, int vectors, float *out, int64_t stride, int64_t plane);
    /* The inverse without its factor 1/(n*n), at the positions that `image` names. */
    void (*inverse)(const struct cpu_conv_patch *image, int vectors, const float *in, int64_t stride, int64_t plane,
                    float scale);
};

/* Winograd's F(tile x tile, 3 x 3): the transforms of one patch, LANES channels at once, its numbers at out + f * stride
 * for f < points. */
struct cpu_winograd {
    int tile, points;
    int sums; /* for sums of at least so many channels, or tiles, which are the more accurate the longer */
    void (*input)(const struct cpu_conv_patch *x, float *out, int64_t stride);       /* (tile + 2) x (tile + 2) */
    void (*kernel)(const struct cpu_conv_patch *w, float *out, int64_t stride);      /* 3 x 3 */
    void (*gradient)(const struct cpu_conv_patch *dy, float *out, int64_t stride);   /* tile x tile */
    void (*output)(const struct cpu_conv_patch *y, const float *in, int64_t stride); /* to these, with their finish */
    void (*taps)(const struct cpu_conv_patch *dw, const float *in, int64_t stride);  /* to 3 x 3 */
};

/* Position `at` of what is read, and the tap of the kernel that meets it there. */
struct cpu_depthwise_tap {
    int64_t at, tap;
};

/* One row of a convolution each of whose channels has a kernel of its own: out (columns, channels), the sum over the tap
 * pairs (row[r], column[k]), begin[j] <= k < begin[j + 1] for column j, of from[at, at] kernel[tap, tap]; or, for the
 * kernel's gradient, what `out` adds to the kernel there. */
struct cpu_depthwise {
    int64_t columns, channels, rows;
    const struct cpu_depthwise_tap *row, *column;
    const int64_t *begin;
    const float *from;
    int64_t from_row; /* floats from row to row; from column to column it is `channels` */
    float *kernel;
    int64_t kernel_row; /* likewise */
    float *out;
};

/* One instruction set's copies. */
struct cpu_conv_kernels {
    int lanes;
    void (*tile)(const struct cpu_tile *t);
    /* A matrix of k rows, or its transposed one, laid out for `b` of a tile: `columns` of each row, zeros up to the next
     * multiple of 16, which is the result's leading dimension. */
    void (*pack)(int64_t k, int64_t columns, const float *b, int64_t ldb, float *out);
    void (*pack_transposed)(int64_t k, int64_t columns, const float *b, int64_t ldb, float *out);
    /* Before others may read what was streamed: once a chunk, for it waits for the memory. */
    void (*stream_end)(void);
    const struct cpu_dft *dft;                  /* by growing n; ends with n == 0 */
    const struct cpu_winograd *const *winograd; /* ends with NULL */
    /* The windows' values and places from a patch; a patch, all of it, from those of windows that do not overlap. */
    void (*pool)(const struct cpu_conv_patch *from, const struct cpu_conv_windows *w);
    void (*unpool)(const struct cpu_conv_patch *to, const struct cpu_conv_windows *w);
    /* A patch from one with a scale, whole vectors of channels. */
    void (*scale)(const struct cpu_conv_patch *from, const struct cpu_conv_patch *to, int vectors);
    /* A patch with its finish, whole vectors of channels, from one without; both may be the same. */
    void (*finish)(const struct cpu_conv_patch *from, const struct cpu_conv_patch *to, int vectors);
    void (*depthwise)(const struct cpu_depthwise *d);
    void (*depthwise_gradient)(const struct cpu_depthwise *d);
    /* For complex products by three real ones: re + im; sign (re + im) and im - re; re + sign im. */
    void (*sum_planes)(int64_t n, const float *re, const float *im, float *sum);
    void (*two_planes)(int64_t n, const float *re, const float *im, float sign, float *sum, float *difference);
    void (*one_plane)(int64_t n, const float *re, const float *im, float sign, float *out);
};

/* Those of the instruction set the device opened with. */
const struct cpu_conv_kernels *cpu_conv_kernels(const struct cpu *c);

#define CPU_DECLARE_CONV_KERNELS(name) extern const struct cpu_conv_kernels cpu_conv_kernels_##name;
CPU_DECLARE_CONV_KERNELS(portable)
CPU_DECLARE_CONV_KERNELS(avx2)
CPU_DECLARE_CONV_KERNELS(avx512)

#endif
