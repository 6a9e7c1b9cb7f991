/* Direct convolution as a matrix product whose left operand is read in place through offsets (implicit GEMM): nothing is
 * unrolled but a padded copy of one image. Best where input channels are few, and for strides and dilation.
 * Invariant: images are summed in fixed groups, so that results do not depend on the number of threads. */
#include "device/cpu/conv.h"
#include "device/cpu/conv_kernels.h"
#include "device/cpu/conv_tiles.h"

#include <string.h>

enum { LANE = 16, GROUPS = 16 };

/* The workspace's parts: offset tables, the kernel with its columns padded to LANE, partial kernel gradients. */
struct direct {
    struct cpu *c;
    const struct cpu_conv *g;
    const struct cpu_conv_kernels *kernels;
    const float *a, *b;
    float *out;
    int64_t ph, pw, taps, columns; /* the padded image; kh * kw * c; o padded to LANE */
    int64_t *pixel, *tap;          /* offsets of output pixels and of taps in the padded image */
    int64_t *row, *unit;           /* of grad_input's left operand, dy: pixel * o, output channel */
    float *kernel;                 /* (taps, columns); for grad_input (o, taps padded) */
    float *partial;                /* GROUPS of (taps, columns) */
    int64_t images;                /* in a group */
};

static int64_t padded(int64_t n) {
    return (n + LANE - 1) / LANE * LANE;
}
static int64_t pixels(const struct cpu_conv *g) {
    return g->oh * g->ow;
}

static void direct_sizes(const struct cpu_conv *g, struct direct *d) {
    d->ph = (g->oh - 1) * g->stride[0] + (g->kh - 1) * g->dilation[0] + 1;
    d->pw = (g->ow - 1) * g->stride[1] + (g->kw - 1) * g->dilation[1] + 1;
    d->taps = g->kh * g->kw * g->c;
    d->columns = padded(g->o);
    d->images = (g->n + GROUPS - 1) / GROUPS;
}

static size_t workspace(const struct cpu *c, const struct cpu_conv *g, enum cpu_conv_pass pass) {
    (void)c;
    struct direct d;
    direct_sizes(g, &d);
    int64_t tables = (2 * pixels(g) + d.taps + g->o) * (int64_t)sizeof(int64_t);
    int64_t kernel = pass == CPU_CONV_GRAD_INPUT ? g->o * padded(d.taps) : d.taps * d.columns;
    int64_t partial = pass == CPU_CONV_GRAD_KERNEL ? GROUPS * d.taps * d.columns : 0;
    return (size_t)((tables + 63) / 64 * 64 + (kernel + partial) * (int64_t)sizeof(float));
}

static void direct_tables(struct direct *d) {
    const struct cpu_conv *g = d->g;
    for (int64_t i = 0; i < pixels(g); i++) {
        d->pixel[i] = (i / g->ow * g->stride[0] * d->pw + i % g->ow * g->stride[1]) * g->c;
        d->row[i] = i * g->o;
    }
    for (int64_t i = 0; i < g->o; i++) d->unit[i] = i;
    for (int64_t i = 0; i < d->taps; i++) {
        int64_t u = i / (g->kw * g->c), v = i / g->c % g->kw;
        d->tap[i] = (u * g->dilation[0] * d->pw + v * g->dilation[1]) * g->c + i % g->c;
    }
}

/* Scratch of a worker: a padded image, a padded copy of dy or y, and grad_input's columns. */
static int64_t image_floats(const struct direct *d) {
    return (d->ph * d->pw * d->g->c + LANE - 1) / LANE * LANE;
}
static int64_t output_floats(const struct direct *d) {
    return pixels(d->g) * d->columns;
}

static enum status direct_open(struct cpu *c, const struct cpu_conv *g, enum cpu_conv_pass pass, void *work,
                               struct direct *d, struct err *e) {
    *d = (struct direct){.c = c, .g = g, .kernels = cpu_conv_kernels(c)};
    direct_sizes(g, d);
    d->pixel = work, d->row = d->pixel + pixels(g), d->tap = d->row + pixels(g);
    d->unit = d->tap + d->taps;
    d->kernel = (float *)(((uintptr_t)(d->unit + g->o) + 63) / 64 * 64);
    d->partial = d->kernel + d->taps * d->columns;
    direct_tables(d);
    int64_t last = output_floats(d);
    if (pass == CPU_CONV_GRAD_INPUT) last = pixels(g) * padded(d->taps) + (g->pool ? output_floats(d) : 0);
    return cpu_scratch_reserve(c, (size_t)(image_floats(d) + last) * sizeof(float), e);
}

/* Rows [top, bottom) of the padded image that lie inside the input, likewise columns; moves between the two. */
struct window {
    int64_t top, bottom, left, right;
};

static struct window inside(const struct direct *d) {
    const struct cpu_conv *g = d->g;
    struct window w = {g->before[0], g->before[0] + g->h, g->before[1], g->before[1] + g->w};
    if (w.bottom > d->ph) w.bottom = d->ph;
    if (w.right > d->pw) w.right = d->pw;
    return w;
}

static void pad_image(const struct direct *d, const float *x, float *to) {
    const struct cpu_conv *g = d->g;
    struct window w = inside(d);
    memset(to, 0, (size_t)image_floats(d) * sizeof *to);
    for (int64_t y = w.top; y < w.bottom && w.left < w.right; y++)
        memcpy(to + (y * d->pw + w.left) * g->c, x + (y - g->before[0]) * g->w * g->c,
               (size_t)((w.right - w.left) * g->c) * sizeof *to);
}

/* Image n of y or dy, which is there pooled, from or to `wide`, which has no padded columns then. */
static void pool_image(const struct direct *d, int64_t n, float *wide, bool unpool) {
    const struct cpu_conv *g = d->g;
    struct cpu_conv_patch p = {
        .x = wide, .row_stride = g->ow * g->o, .column_stride = g->o, .bottom = (int)g->oh, .right = (int)g->ow};
    struct cpu_conv_windows windows;
    cpu_conv_windows(g->pool, n, 0, 0, g->o, &windows);
    if (unpool) cpu_conv_windows_read(&windows, &p);
    cpu_conv_pool(d->kernels, &p, &windows, unpool);
}

/* Image n of dy: where it lies, unpooled in `wide`. */
static const float *gradient_image(const struct direct *d, const float *dy, int64_t n, float *wide) {
    if (!d->g->pool) return dy + n * pixels(d->g) * d->g->o;
    pool_image(d, n, wide, true);
    return wide;
}

static void forward_images(void *arg, int64_t begin, int64_t end, int worker) {
    const struct direct *d = arg;
    const struct cpu_conv *g = d->g;
    float *image = cpu_scratch(d->c, worker), *wide = image + image_floats(d);
    bool whole = d->columns == g->o;
    for (int64_t n = begin; n < end; n++) {
        float *y = d->out + n * pixels(g) * g->o;
        pad_image(d, d->a + n * g->h * g->w * g->c, image);
        struct cpu_tile t = {.rows = pixels(g),
                             .depth = d->taps,
                             .columns = d->columns,
                             .a = image,
                             .row = d->pixel,
                             .step = d->tap,
                             .b = d->kernel,
                             .ldb = d->columns,
                             .c = whole && !g->pool ? y : wide,
                             .ldc = d->columns};
        d->kernels->tile(&t);
        if (g->pool) pool_image(d, n, wide, false);
        for (int64_t i = 0; !whole && i < pixels(g); i++)
            memcpy(y + i * g->o, wide + i * d->columns, (size_t)g->o * sizeof *y);
    }
}

static enum status forward(struct cpu *c, const struct cpu_conv *g, const void *x, const void *kernel, void *y,
                           void *work, struct err *e) {
    struct direct d;
    if (direct_open(c, g, CPU_CONV_FORWARD, work, &d, e)) return e->status;
    d.a = x, d.b = kernel, d.out = y;
    for (int64_t i = 0; i < d.taps; i++) {
        memcpy(d.kernel + i * d.columns, d.b + i * g->o, (size_t)g->o * sizeof(float));
        memset(d.kernel + i * d.columns + g->o, 0, (size_t)(d.columns - g->o) * sizeof(float));
    }
    return threads_for(c->threads, g->n, 1, forward_images, &d, e);
}

/* ---- gradient of the kernel: taps times pixels, on pixels times outputs, summed over the images of a group ----------- */

static void kernel_group(void *arg, int64_t begin, int64_t end, int worker) {
    const struct direct *d = arg;
    const struct cpu_conv *g = d->g;
    float *image = cpu_scratch(d->c, worker), *wide = image + image_floats(d);
    bool whole = d->columns == g->o;
    for (int64_t n = begin; n < end; n++) {
        const float *dy = gradient_image(d, d->b, n, wide);
        float *sum = d->partial + n / d->images * d->taps * d->columns;
        pad_image(d, d->a + n * g->h * g->w * g->c, image);
        for (int64_t i = 0; !whole && i < pixels(g); i++) {
            memcpy(wide + i * d->columns, dy + i * g->o, (size_t)g->o * sizeof *wide);
            memset(wide + i * d->columns + g->o, 0, (size_t)(d->columns - g->o) * sizeof *wide);
        }
        struct cpu_tile t = {.rows = d->taps,
                             .depth = pixels(g),
                             .columns = d->columns,
                             .a = image,
                             .row = d->tap,
                             .step = d->pixel,
                             .b = whole ? dy : wide,
                             .ldb = d->columns,
                             .from = n % d->images ? sum : NULL,
                             .c = sum,
                             .ldc = d->columns,
                             .ahead = g->pool ? NULL : dy + pixels(g) * g->o};
        d->kernels->tile(&t);
    }
}

static enum status grad_kernel(struct cpu *c, const struct cpu_conv *g, const void *x, const void *dy, void *dkernel,
                               void *work, struct err *e) {
    struct direct d;
    if (direct_open(c, g, CPU_CONV_GRAD_KERNEL, work, &d, e)) return e->status;
    d.a = x, d.b = dy, d.out = dkernel;
    if (threads_for(c->threads, g->n, d.images, kernel_group, &d, e)) return e->status;
    int64_t area = d.taps * d.columns, groups = (g->n + d.images - 1) / d.images;
    for (int64_t k = 1; k < groups; k++) d.kernels->sum_planes(area, d.partial, d.partial + k * area, d.partial);
    for (int64_t i = 0; i < d.taps; i++)
        memcpy(d.out + i * g->o, d.partial + i * d.columns, (size_t)g->o * sizeof(float));
    return OK;
}

/* ---- gradient of the input: each pixel's taps by one product, then added where they were read ------------------------ */

static void add_taps(const struct direct *d, const float *column, int64_t width, float *image) {
    const struct cpu_conv *g = d->g;
    for (int64_t i = 0; i < pixels(g); i++, column += width) {
        float *at = image + d->pixel[i];
        for (int64_t t = 0; t < d->taps; t++) at[d->tap[t]] += column[t];
    }
}

static void input_images(void *arg, int64_t begin, int64_t end, int worker) {
    const struct direct *d = arg;
    const struct cpu_conv *g = d->g;
    float *image = cpu_scratch(d->c, worker), *column = image + image_floats(d);
    int64_t width = padded(d->taps);
    float *wide = column + pixels(g) * width;
    struct window w = inside(d);
    for (int64_t n = begin; n < end; n++) {
        const float *dy = gradient_image(d, d->a, n, wide);
        struct cpu_tile t = {.rows = pixels(g),
                             .depth = g->o,
                             .columns = width,
                             .a = dy,
                             .row = d->row,
                             .step = d->unit,
                             .b = d->kernel,
                             .ldb = width,
                             .c = column,
                             .ldc = width,
                             .ahead = g->pool ? NULL : dy + pixels(g) * g->o};
        d->kernels->tile(&t);
        memset(image, 0, (size_t)image_floats(d) * sizeof *image);
        add_taps(d, column, width, image);
        float *dx = d->out + n * g->h * g->w * g->c;
        memset(dx, 0, (size_t)(g->h * g->w * g->c) * sizeof *dx);
        for (int64_t y = w.top; y < w.bottom && w.left < w.right; y++)
            memcpy(dx + (y - g->before[0]) * g->w * g->c, image + (y * d->pw + w.left) * g->c,
                   (size_t)((w.right - w.left) * g->c) * sizeof *dx);
    }
}

static enum status grad_input(struct cpu *c, const struct cpu_conv *g, const void *dy, const void *kernel, void *dx,
                              void *work, struct err *e) {
    struct direct d;
    if (direct_open(c, g, CPU_CONV_GRAD_INPUT, work, &d, e)) return e->status;
    d.a = dy, d.b = kernel, d.out = dx;
    int64_t width = padded(d.taps);
    memset(d.kernel, 0, (size_t)(g->o * width) * sizeof(float));
    for (int64_t t = 0; t < d.taps; t++)
        for (int64_t o = 0; o < g->o; o++) d.kernel[o * width + t] = d.b[t * g->o + o];
    return threads_for(c->threads, g->n, 1, input_images, &d, e);
}

/* ---- the algorithm ------------------------------------------------------------------------------------------------ */

static bool supports(const struct cpu_conv *g, enum cpu_conv_pass pass) {
    (void)pass;
    return g->dtype == DT_FLOAT32 && g->groups == 1 && !cpu_conv_is_empty(g);
}

/* How much longer a product takes whose right operand, of so many rows, is read again for every six rows of the left one:
 * from L2 as fast as it is used, from beyond not. */
static double again(int64_t rows) {
    return rows * 64 * (int64_t)sizeof(float) < 1200000 ? 1 : 1.6;
}

/* The padded product, reading taps (grad_input: adding them up), images in and out, the kernel laid out or summed. Images
 * are the units of work: where there are few, cores wait; where they do not fit L2, they are read from beyond. */
static double cost(const struct cpu *c, const struct cpu_conv *g, enum cpu_conv_pass pass) {
    enum { LARGE = 1000000 }; /* bytes */
    struct direct d;
    direct_sizes(g, &d);
    const double slow = 16.0 / cpu_conv_kernels(c)->lanes * (1 + 1 / (double)g->n),
                 taps = (double)(g->n * pixels(g)) * (double)d.taps;
    const double floats = cpu_conv_inputs(g) + cpu_conv_outputs(g), kernel = (double)(d.taps * d.columns);
    const bool large = floats * sizeof(float) > (double)g->n * LARGE;
    const double images = (large ? 0.3 : 0.15) * floats + 2000;
    switch (pass) {
    case CPU_CONV_FORWARD:
        return slow * taps * (0.0055 * again(d.taps) * (double)d.columns + 0.032) + images + 1.4 * kernel;
    case CPU_CONV_GRAD_INPUT: {
        const bool spills = pixels(g) * padded(d.taps) * (int64_t)sizeof(float) > LARGE;
        return slow * (double)(g->n * pixels(g) * g->o) * 0.0055 * again(g->o) * (double)padded(d.taps) +
               (spills ? 0.45 : 0.3) * taps + images + 1.9 * (double)(g->o * padded(d.taps));
    }
    default:
        return slow * taps * (0.006 * again(pixels(g)) * (large ? 1.15 : 1) * (double)d.columns + 0.043) + images +
               0.28 * (double)(g->n < GROUPS ? g->n : GROUPS) * kernel;
    }
}

static bool pools(const struct cpu *c, const struct cpu_conv *g, enum cpu_conv_pass pass) {
    (void)c, (void)pass;
    return g->o % LANE == 0;
}

const struct cpu_conv_algorithm cpu_conv_direct = {
    .name = "direct",
    .supports = supports,
    .cost = cost,
    .workspace = workspace,
    .pass = {forward, grad_input, grad_kernel},
    .pools = pools,
};
