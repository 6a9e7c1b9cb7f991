/* The general convolution: for some positions at a time, everything a position reads is laid out as the row of a matrix,
 * and the sum becomes a matrix product. Any stride, dilation, padding and number of groups, in all three passes.
 * Invariant: blocks and partial sums depend on the geometry alone. */
#include <string.h>

#include "base/cancel.h"
#include "device/cpu/blas.h"
#include "device/cpu/conv.h"
#include "device/cpu/conv_kernels.h"

enum {
    BLOCK = 1 << 18, /* elements of a laid out block, so that it stays in L2 */
    PARTS = 16,      /* most partial kernel gradients, */
    FEW_PARTS = 4,   /* and where each is large, so that all stay below PART_BYTES */
    PART_BYTES = 1 << 24,
    PART_WORK = 1 << 26 /* multiplications that are worth one */
};

/* ---- laying out --------------------------------------------------------------------------------------------------- */

/* A regular grid of positions (image, i, j), each of which reads taps (u, v) of all channels of one group:
 * source[image, i * step[0] + first[0] + u * spread[0], j * step[1] + first[1] + v * spread[1]]. */
struct grid {
    const char *source;
    int64_t h, w, c;       /* of the source */
    int64_t rows, columns; /* positions of one image */
    int64_t tap[2];        /* how many */
    int64_t step[2], first[2], spread[2];
    int64_t channel, channels; /* the group's */
    size_t size;
};

static int64_t grid_width(const struct grid *g) {
    return g->tap[0] * g->tap[1] * g->channels;
}

/* One row of taps: `row` is the source's row, x where its first tap lies. Taps outside read zeros. */
static void lay_out_taps(const struct grid *g, const char *row, int64_t x, char *out) {
    const size_t bytes = (size_t)g->channels * g->size;
    const int64_t last = x + (g->tap[1] - 1) * g->spread[1];
    if (g->spread[1] == 1 && g->channels == g->c && x >= 0 && last < g->w) {
        memcpy(out, row + (size_t)(x * g->c) * g->size, (size_t)g->tap[1] * bytes);
        return;
    }
    for (int64_t v = 0; v < g->tap[1]; v++, x += g->spread[1], out += bytes) {
        if (x < 0 || x >= g->w)
            memset(out, 0, bytes);
        else
            memcpy(out, row + (size_t)(x * g->c + g->channel) * g->size, bytes);
    }
}

static void lay_out(const struct grid *g, int64_t position, int64_t n, char *out) {
    const size_t bytes = (size_t)(g->tap[1] * g->channels) * g->size;
    for (; n > 0; n--, position++) {
        const int64_t j = position % g->columns, i = position / g->columns % g->rows;
        const int64_t image = position / g->columns / g->rows;
        const int64_t x = j * g->step[1] + g->first[1];
        int64_t y = i * g->step[0] + g->first[0];
        for (int64_t u = 0; u < g->tap[0]; u++, y += g->spread[0], out += bytes) {
            if (y < 0 || y >= g->h)
                memset(out, 0, bytes);
            else
                lay_out_taps(g, g->source + (size_t)((image * g->h + y) * g->w * g->c) * g->size, x, out);
        }
    }
}

/* Whether the layout is the source itself: then nothing is copied. */
static bool is_source(const struct grid *g) {
    return g->tap[0] == 1 && g->tap[1] == 1 && g->step[0] == 1 && g->step[1] == 1 && g->first[0] == 0 &&
           g->first[1] == 0 && g->rows == g->h && g->columns == g->w;
}

/* n laid out positions: row-major with *ld elements between rows. */
static const void *laid_out(const struct grid *g, int64_t position, int64_t n, void *scratch, int64_t *ld) {
    if (is_source(g)) {
        *ld = g->c;
        return g->source + (size_t)(position * g->c + g->channel) * g->size;
    }
    *ld = grid_width(g);
    lay_out(g, position, n, scratch);
    return scratch;
}

static int64_t block_rows(const struct grid *g, int64_t columns) {
    const int64_t width = grid_width(g) + 1, most = columns > 1024 ? BLOCK / (columns / 1024 + 1) : BLOCK;
    return most / width > 16 ? most / width : 16;
}

/* ---- forward and grad_input ---------------------------------------------------------------------------------------- */

/* out[position] = laid out row times `matrix` (width, n): one group's columns of the result. */
struct product {
    struct cpu *cpu;
    struct grid grid;
    const void *matrix;
    int64_t ld, n, block, positions;
    char *out;
    /* Where position (image, i, j) goes, in elements: image * image_step + i * row_step + j * column_step. */
    int64_t image_step, row_step, column_step;
    enum dtype dtype;
};

static void product_block(void *arg, int64_t begin, int64_t end, int worker) {
    const struct product *p = arg;
    const size_t size = p->grid.size;
    char *scratch = cpu_scratch(p->cpu, worker);
    for (; begin < end; begin++) {
        const int64_t first = begin * p->block, left = p->positions - first, m = left < p->block ? left : p->block;
        struct cpu_gemm g = {.dtype = p->dtype, .m = m, .n = p->n, .k = grid_width(&p->grid)};
        g.a = laid_out(&p->grid, first, m, scratch, &g.lda);
        g.b = p->matrix, g.ldb = p->ld;
        const bool dense =
            p->row_step == p->grid.columns * p->column_step && p->image_step == p->grid.rows * p->row_step;
        char *sums = scratch + (size_t)(p->block * g.k) * size;
        g.c = dense ? p->out + (size_t)(first * p->column_step) * size : sums;
        g.ldc = dense ? p->column_step : p->n;
        cpu_gemm(&g);
        for (int64_t i = 0; i < m && !dense; i++) {
            const int64_t at = first + i, row = at / p->grid.columns;
            const int64_t to = row / p->grid.rows * p->image_step + row % p->grid.rows * p->row_step +
                               at % p->grid.columns * p->column_step;
            memcpy(p->out + (size_t)to * size, sums + (size_t)(i * p->n) * size, (size_t)p->n * size);
        }
    }
}

static enum status run_product(struct product *p, int64_t images, struct err *e) {
    p->positions = images * p->grid.rows * p->grid.columns;
    p->block = block_rows(&p->grid, p->n);
    if (p->positions == 0) return OK;
    const size_t scratch = (size_t)(p->block * (grid_width(&p->grid) + p->n)) * p->grid.size;
    if (cpu_blas_open(e) != OK || cpu_scratch_reserve(p->cpu, scratch, e) != OK) return e->status;
    return threads_for(p->cpu->threads, (p->positions + p->block - 1) / p->block, 1, product_block, p, e);
}

/* The grid that reads x, as y's positions do. */
static struct grid forward_grid(const struct cpu_conv *g, const void *x, int64_t group) {
    return (struct grid){
        .source = x,
        .h = g->h,
        .w = g->w,
        .c = g->c,
        .rows = g->oh,
        .columns = g->ow,
        .tap = {g->kh, g->kw},
        .step = {g->stride[0], g->stride[1]},
        .first = {-g->before[0], -g->before[1]},
        .spread = {g->dilation[0], g->dilation[1]},
        .channel = group * (g->c / g->groups),
        .channels = g->c / g->groups,
        .size = dtype_size(g->dtype),
    };
}

static enum status forward(struct cpu *c, const struct cpu_conv *g, const void *x, const void *kernel, void *y,
                           void *workspace, struct err *e) {
    (void)workspace;
    const int64_t filters = cpu_conv_filters(g);
    for (int64_t group = 0; group < g->groups; group++) {
        struct product p = {.cpu = c, .grid = forward_grid(g, x, group), .dtype = g->dtype, .ld = g->o, .n = filters};
        const size_t shift = (size_t)(group * filters) * p.grid.size;
        p.matrix = (const char *)kernel + shift;
        p.out = (char *)y + shift;
        p.column_step = g->o, p.row_step = g->ow * g->o, p.image_step = g->oh * g->ow * g->o;
        if (run_product(&p, g->n, e) != OK) return e->status;
    }
    return OK;
}

/* Along one dimension, the inputs at residue, residue + stride, ... are read by the same taps: those with
 * (residue + before - u * dilation) divisible by the stride. From the last such tap down, dy is read in rising order. */
struct residue {
    int64_t positions, taps, last, down; /* taps last, last - down, ... */
    int64_t first, spread;               /* dy's index for the first position, and from tap to tap */
};

static struct residue find_residue(const struct cpu_conv *g, int d, int64_t residue) {
    const int64_t stride = g->stride[d], size = d == 0 ? g->h : g->w, taps = d == 0 ? g->kh : g->kw;
    struct residue r = {.positions = (size - residue + stride - 1) / stride, .last = -1};
    for (int64_t u = 0; u < taps; u++) {
        if ((residue + g->before[d] - u * g->dilation[d]) % stride != 0) continue;
        r.down = r.last < 0 ? 1 : u - r.last;
        r.last = u;
        r.taps++;
    }
    if (r.taps == 0) return r;
    r.first = (residue + g->before[d] - r.last * g->dilation[d]) / stride;
    r.spread = r.down * g->dilation[d] / stride;
    return r;
}

/* The kernel of one group for these residues: (taps, filters, channels), taps in the order of the grid. */
static void turn_kernel(const struct cpu_conv *g, const struct residue r[2], int64_t group, const char *kernel,
                        char *out) {
    const int64_t channels = g->c / g->groups, filters = cpu_conv_filters(g);
    const size_t size = dtype_size(g->dtype);
    for (int64_t u = 0; u < r[0].taps; u++)
        for (int64_t v = 0; v < r[1].taps; v++) {
            const int64_t ku = r[0].last - u * r[0].down, kv = r[1].last - v * r[1].down;
            const char *from = kernel + (size_t)((ku * g->kw + kv) * channels * g->o + group * filters) * size;
            for (int64_t f = 0; f < filters; f++)
                for (int64_t c = 0; c < channels; c++, out += size)
                    memcpy(out, from + (size_t)(c * g->o + f) * size, size);
        }
}

/* One group, the inputs of one residue in each dimension. */
static enum status grad_residue(struct cpu *c, const struct cpu_conv *g, const struct residue r[2], const int64_t at[2],
                                int64_t group, const void *dy, const void *kernel, char *dx, void *workspace,
                                struct err *e) {
    const int64_t channels = g->c / g->groups, filters = cpu_conv_filters(g);
    struct product p = {.cpu = c, .dtype = g->dtype, .matrix = workspace, .ld = channels, .n = channels};
    p.grid = (struct grid){
        .source = dy,
        .h = g->oh,
        .w = g->ow,
        .c = g->o,
        .rows = r[0].positions,
        .columns = r[1].positions,
        .tap = {r[0].taps, r[1].taps},
        .step = {1, 1},
        .first = {r[0].first, r[1].first},
        .spread = {r[0].spread, r[1].spread},
        .channel = group * filters,
        .channels = filters,
        .size = dtype_size(g->dtype),
    };
    p.column_step = g->stride[1] * g->c;
    p.row_step = g->stride[0] * g->w * g->c;
    p.image_step = g->h * g->w * g->c;
    p.out = dx + (size_t)((at[0] * g->w + at[1]) * g->c + group * channels) * p.grid.size;
    turn_kernel(g, r, group, kernel, workspace);
    return run_product(&p, g->n, e);
}

static enum status grad_input(struct cpu *c, const struct cpu_conv *g, const void *dy, const void *kernel, void *dx,
                              void *workspace, struct err *e) {
    int64_t at[2];
    for (int64_t group = 0; group < g->groups; group++)
        for (at[0] = 0; at[0] < g->stride[0] && at[0] < g->h; at[0]++)
            for (at[1] = 0; at[1] < g->stride[1] && at[1] < g->w; at[1]++) {
                const struct residue r[2] = {find_residue(g, 0, at[0]), find_residue(g, 1, at[1])};
                if (grad_residue(c, g, r, at, group, dy, kernel, dx, workspace, e) != OK) return e->status;
            }
    return OK;
}

/* ---- grad_kernel --------------------------------------------------------------------------------------------------- */

/* Positions are cut into parts with a partial sum each; then the parts are added in order. */
struct parts {
    struct cpu *cpu;
    const struct cpu_conv *g;
    struct grid grid;
    const char *dy;
    char *partial;             /* (parts, width, filters) */
    char *out;                 /* of this group; leading dimension o */
    int64_t nparts, positions; /* in all */
    int64_t each, block;       /* positions of a part, and laid out at a time */
    _Atomic(bool) cancelled;   /* a part was left unfinished */
};

static int64_t count_parts(const struct cpu_conv *g) {
    const int64_t positions = g->n * g->oh * g->ow;
    const int64_t bytes = cpu_conv_width(g) * cpu_conv_filters(g) * (int64_t)dtype_size(g->dtype);
    const double work = cpu_conv_flops(g) / 2 / (double)g->groups / PART_WORK;
    int64_t most = bytes > PART_BYTES / PARTS ? PART_BYTES / bytes : PARTS;
    if (most < FEW_PARTS) most = FEW_PARTS;
    if (most > positions) most = positions;
    if (most < 1 || work < 1) return 1;
    return work < (double)most ? (int64_t)work : most;
}

static void run_part(struct parts *p, int64_t part, void *scratch) {
    const int64_t filters = cpu_conv_filters(p->g), width = grid_width(&p->grid);
    const int64_t first = part * p->each, last = first + p->each < p->positions ? first + p->each : p->positions;
    struct cpu_gemm g = {.dtype = p->g->dtype, .transpose_a = true, .m = width, .n = filters};
    g.ldb = p->g->o, g.ldc = filters;
    g.c = p->partial + (size_t)(part * width * filters) * p->grid.size;
    int64_t at = first;
    do { /* at least once: a part of no positions is zeros */
        g.k = last - at < p->block ? last - at : p->block;
        if (g.k < 0) g.k = 0;
        g.a = laid_out(&p->grid, at, g.k, scratch, &g.lda);
        g.b = p->dy + (size_t)(at * p->g->o) * p->grid.size;
        cpu_gemm(&g);
        g.accumulate = true;
        at += p->block;
    } while (at < last && !cancel_requested());
    if (at < last) p->cancelled = true;
}

static void run_parts(void *arg, int64_t begin, int64_t end, int worker) {
    struct parts *p = arg;
    for (; begin < end; begin++) run_part(p, begin, cpu_scratch(p->cpu, worker));
}

/* Rows begin .. end-1 of the sum over the parts. */
#define ADD_PARTS(name, type)                                                                                          \
    static void name(const struct parts *p, const void *partial, void *out, int64_t begin, int64_t end) {              \
        const int64_t filters = cpu_conv_filters(p->g), width = grid_width(&p->grid);                                  \
        for (int64_t i = begin; i < end; i++)                                                                          \
            for (int64_t j = 0; j < filters; j++) {                                                                    \
                double sum = 0;                                                                                        \
                for (int64_t k = 0; k < p->nparts; k++) sum += ((const type *)partial)[(k * width + i) * filters + j]; \
                ((type *)out)[i * p->g->o + j] = (type)sum;                                                            \
            }                                                                                                          \
    }
ADD_PARTS(add_parts_f32, float)
ADD_PARTS(add_parts_f64, double)

static void add_parts(void *arg, int64_t begin, int64_t end, int worker) {
    (void)worker;
    const struct parts *p = arg;
    if (p->g->dtype == DT_FLOAT32)
        add_parts_f32(p, p->partial, p->out, begin, end);
    else
        add_parts_f64(p, p->partial, p->out, begin, end);
}

static enum status grad_kernel(struct cpu *c, const struct cpu_conv *g, const void *x, const void *dy, void *dkernel,
                               void *workspace, struct err *e) {
    const int64_t filters = cpu_conv_filters(g);
    if (cpu_blas_open(e) != OK) return e->status;
    for (int64_t group = 0; group < g->groups; group++) {
        struct parts p = {.cpu = c, .g = g, .grid = forward_grid(g, x, group), .partial = workspace};
        const size_t shift = (size_t)(group * filters) * p.grid.size;
        const int64_t width = grid_width(&p.grid);
        if (width == 0 || filters == 0) return OK;
        p.dy = (const char *)dy + shift;
        p.out = (char *)dkernel + shift;
        p.nparts = count_parts(g);
        p.positions = g->n * g->oh * g->ow;
        p.each = (p.positions + p.nparts - 1) / p.nparts;
        p.block = block_rows(&p.grid, filters);
        if (cpu_scratch_reserve(c, (size_t)(p.block * width) * p.grid.size, e) != OK ||
            threads_for(c->threads, p.nparts, 1, run_parts, &p, e) != OK)
            return e->status;
        if (p.cancelled) return err_set(e, ERR_CANCELLED, "interrupted");
        const int64_t grain = (1 << 15) / (filters * p.nparts);
        if (threads_for(c->threads, width, grain > 1 ? grain : 1, add_parts, &p, e) != OK) return e->status;
    }
    return OK;
}

/* ---- the algorithm ------------------------------------------------------------------------------------------------- */

static bool supports(const struct cpu_conv *g, enum cpu_conv_pass pass) {
    (void)g, (void)pass;
    return true;
}

/* 1 x 1 kernels read the image as it lies. */
static bool lays_out(const struct cpu_conv *g) {
    const bool every = g->stride[0] == 1 && g->stride[1] == 1 && g->before[0] == 0 && g->before[1] == 0;
    return g->kh > 1 || g->kw > 1 || !every || g->groups > 1;
}

/* OpenBLAS's product, laying out what it reads, images in and out, the kernel. grad_input lays out dy for each element of x,
 * of which a stride leaves zeros that are no work. Of groups each tap is a piece of its own to lay out. */
static double cost(const struct cpu *c, const struct cpu_conv *g, enum cpu_conv_pass pass) {
    const double product = 16.0 / cpu_conv_kernels(c)->lanes * (g->dtype == DT_FLOAT32 ? 0.0042 : 0.0084);
    const double cells = (double)(g->n * g->oh * g->ow * g->groups * cpu_conv_width(g));
    const int64_t made = pass == CPU_CONV_GRAD_INPUT ? g->n * g->h * g->w : g->n * g->oh * g->ow;
    const double pieces = g->groups > 1 ? 8 * (double)(made * g->groups * g->kh * g->kw) : 0;
    const double images = pieces + 0.1 * cpu_conv_inputs(g) + 0.17 * cpu_conv_outputs(g), weights = cpu_conv_weights(g);
    if (pass != CPU_CONV_GRAD_INPUT)
        return product * cpu_conv_flops(g) + (lays_out(g) ? 0.095 : 0) * cells + images +
               (pass == CPU_CONV_FORWARD ? 0.5 : 1.5) * weights;
    const double places = (double)(g->n * g->h * g->w), taps = (double)(g->kh * g->kw * g->o);
    const int64_t channels = g->c / g->groups;
    return product * 2.2 * places * taps * (double)channels / (double)(g->stride[0] * g->stride[1]) +
           (lays_out(g) ? 0.052 : 0) * places * taps + 0.2 * cpu_conv_inputs(g) + images + 1.5 * weights;
}

static size_t workspace(const struct cpu *c, const struct cpu_conv *g, enum cpu_conv_pass pass) {
    (void)c;
    const int64_t kernel = cpu_conv_width(g) * cpu_conv_filters(g);
    if (pass == CPU_CONV_FORWARD) return 0;
    return (size_t)(kernel * (pass == CPU_CONV_GRAD_KERNEL ? count_parts(g) : 1)) * dtype_size(g->dtype);
}

const struct cpu_conv_algorithm cpu_conv_im2col = {
    .name = "im2col",
    .supports = supports,
    .cost = cost,
    .workspace = workspace,
    .pass = {forward, grad_input, grad_kernel},
};
