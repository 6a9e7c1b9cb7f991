/* Direct convolution as a matrix product whose left operand is read in place through offsets (implicit GEMM): nothing is
 * unrolled but a padded copy of one image. Best where input channels are few, and for strides and dilation.
 * Invariant: images are summed in fixed groups, so that results do not depend on the number of threads. */
#include "device/cpu/conv.h"
#include "device/cpu/conv_kernels.h"
#include "device/cpu/conv_tiles.h"

#include <string.h>

enum { LANE = 16, GROUPS = 16 };

/* Bytes of y or dy worked on at a time: what is pooled next, or read again for every six taps, is then in L1. 5 to 12 % of a
 * first layer's time. */
enum { STRIP_BYTES = 30000 };

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
    float *sums;                   /* kernel gradient, not NULL: where dy's sums over each group go */
    int64_t images;                /* in a group */
    int64_t strip;                 /* rows of y or dy that are worked on at a time */
    bool stream;                   /* forward: y is written past the caches */
};

static int64_t padded(int64_t n) {
    return (n + LANE - 1) / LANE * LANE;
}
static int64_t pixels(const struct cpu_conv *g) {
    return g->oh * g->ow;
}

/* As many rows as fit; of pooled images whole windows. */
static int64_t strip_rows(const struct cpu_conv *g, int64_t columns) {
    const struct cpu_conv_pool *p = g->pool;
    const int64_t step = p ? p->stride[0] : 1, fits = STRIP_BYTES / (g->ow * columns * (int64_t)sizeof(float));
    if (p && (p->before[0] || p->size[0] > p->stride[0])) return g->oh;
    const int64_t rows = fits < step ? step : fits / step * step;
    return rows < g->oh ? rows : g->oh;
}

static void direct_sizes(const struct cpu_conv *g, struct direct *d) {
    d->ph = (g->oh - 1) * g->stride[0] + (g->kh - 1) * g->dilation[0] + 1;
    d->pw = (g->ow - 1) * g->stride[1] + (g->kw - 1) * g->dilation[1] + 1;
    d->taps = g->kh * g->kw * g->c;
    d->columns = padded(g->o);
    d->images = (g->n + GROUPS - 1) / GROUPS;
    d->strip = strip_rows(g, d->columns);
}

/* Behind the rest of the workspace, of a kernel's gradient with a channel of ones: dy's sums, ones for x, both gradients. */
static int64_t ones_floats(const struct cpu_conv *g) {
    return GROUPS * (pixels(g) * g->o + g->h * g->w) + g->kh * g->kw * g->c * g->o;
}

static size_t workspace(const struct cpu *c, const struct cpu_conv *g, enum cpu_conv_pass pass) {
    (void)c;
    struct direct d;
    direct_sizes(g, &d);
    int64_t tables = (2 * pixels(g) + d.taps + g->o) * (int64_t)sizeof(int64_t);
    int64_t kernel = pass == CPU_CONV_GRAD_INPUT ? g->o * padded(d.taps) : d.taps * d.columns;
    int64_t partial = pass == CPU_CONV_GRAD_KERNEL ? GROUPS * d.taps * d.columns : 0;
    const size_t bytes = (size_t)((tables + 63) / 64 * 64 + (kernel + partial) * (int64_t)sizeof(float));
    return bytes + (pass == CPU_CONV_GRAD_KERNEL && g->ones ? (size_t)ones_floats(g) * sizeof(float) : 0);
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

/* Scratch of a worker: a padded image, and rows of y or dy with padded columns; or grad_input's columns, and dy. */
static int64_t image_floats(const struct direct *d) {
    return (d->ph * d->pw * d->g->c + LANE - 1) / LANE * LANE;
}
static int64_t strip_floats(const struct direct *d) {
    return d->strip * d->g->ow * d->columns;
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
    int64_t last = strip_floats(d);
    if (pass == CPU_CONV_GRAD_INPUT) last = pixels(g) * padded(d->taps) + (g->pool ? pixels(g) * d->columns : 0);
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

/* Rows y .. y+n-1 of image i of y or dy, which is there pooled, from or to `wide`, which has no padded columns then. */
static void pool_rows(const struct direct *d, int64_t i, int64_t y, int64_t n, float *wide, bool unpool) {
    const struct cpu_conv *g = d->g;
    struct cpu_conv_patch p = {
        .x = wide, .row_stride = g->ow * g->o, .column_stride = g->o, .bottom = (int)n, .right = (int)g->ow};
    struct cpu_conv_windows w;
    cpu_conv_windows(g->pool, i, y, 0, g->o, &w);
    if (unpool) {
        cpu_conv_windows_read(&w, &p);
    } else if (n < g->oh) {
        const int64_t end = cpu_ceil_div(y + n, w.stride[0]); /* the last window may hang over */
        w.begin[0] = y / w.stride[0];
        if (end < w.end[0]) w.end[0] = end;
    }
    cpu_conv_pool(d->kernels, &p, &w, unpool);
}

static int64_t strip_height(const struct direct *d, int64_t y) {
    return d->g->oh - y < d->strip ? d->g->oh - y : d->strip;
}

/* n rows of y, where nothing is pooled, from `wide` to where they belong, perhaps the same place. */
static void finish_rows(const struct direct *d, const float *wide, float *to, int64_t n) {
    const struct cpu_conv *g = d->g;
    struct cpu_conv_patch from = {
        .x = (float *)wide, .row_stride = g->ow * g->o, .column_stride = g->o, .bottom = (int)n, .right = (int)g->ow};
    struct cpu_conv_patch p = from;
    p.x = to, p.stream = d->stream;
    cpu_conv_finish_at(&g->finish, to - d->out, &p.finish);
    d->kernels->finish(&from, &p, (int)(g->o / d->kernels->lanes));
}

/* Rows y .. y+n-1 of image i: where the product writes them, and what then becomes of them. */
static void forward_strip(const struct direct *d, int64_t i, int64_t y, float *image, float *wide) {
    const struct cpu_conv *g = d->g;
    const int64_t n = strip_height(d, y), rows = n * g->ow;
    const bool whole = d->columns == g->o, straight = whole && !g->pool && !d->stream;
    float *to = d->out + (i * pixels(g) + y * g->ow) * g->o;
    struct cpu_tile t = {.rows = rows,
                         .depth = d->taps,
                         .columns = d->columns,
                         .a = image,
                         .row = d->pixel + y * g->ow,
                         .step = d->tap,
                         .b = d->kernel,
                         .ldb = d->columns,
                         .c = straight ? to : wide,
                         .ldc = d->columns};
    d->kernels->tile(&t);
    if (g->pool) pool_rows(d, i, y, n, wide, false);
    if (cpu_conv_finishes(&g->finish)) finish_rows(d, t.c, to, n);
    for (int64_t k = 0; !whole && k < rows; k++)
        memcpy(to + k * g->o, wide + k * d->columns, (size_t)g->o * sizeof *to);
}

static void forward_images(void *arg, int64_t begin, int64_t end, int worker) {
    const struct direct *d = arg;
    const struct cpu_conv *g = d->g;
    float *image = cpu_scratch(d->c, worker), *wide = image + image_floats(d);
    for (int64_t i = begin; i < end; i++) {
        pad_image(d, d->a + i * g->h * g->w * g->c, image);
        for (int64_t y = 0; y < g->oh; y += d->strip) forward_strip(d, i, y, image, wide);
    }
    if (d->stream) d->kernels->stream_end();
}

static enum status forward(struct cpu *c, const struct cpu_conv *g, const void *x, const void *kernel, void *y,
                           void *work, struct err *e) {
    struct direct d;
    if (direct_open(c, g, CPU_CONV_FORWARD, work, &d, e)) return e->status;
    d.a = x, d.b = kernel, d.out = y;
    d.stream = cpu_conv_finishes(&g->finish) && cpu_conv_streams(y, g->n * pixels(g), g->o);
    for (int64_t i = 0; i < d.taps; i++) {
        memcpy(d.kernel + i * d.columns, d.b + i * g->o, (size_t)g->o * sizeof(float));
        memset(d.kernel + i * d.columns + g->o, 0, (size_t)(d.columns - g->o) * sizeof(float));
    }
    return threads_for(c->threads, g->n, 1, forward_images, &d, e);
}

/* ---- gradient of the kernel: taps times pixels, on pixels times outputs, summed over the images of a group ----------- */

/* Rows of `columns` of dy's `o`, zeros behind them. */
static void pad_columns(const struct direct *d, const float *dy, int64_t rows, float *wide) {
    const int64_t o = d->g->o;
    for (int64_t i = 0; i < rows; i++) {
        memcpy(wide + i * d->columns, dy + i * o, (size_t)o * sizeof *wide);
        memset(wide + i * d->columns + o, 0, (size_t)(d->columns - o) * sizeof *wide);
    }
}

/* Adds what rows of dy from y on of image i give, or begins the sum with it. */
static void kernel_strip(const struct direct *d, int64_t i, int64_t y, float *image, float *wide) {
    const struct cpu_conv *g = d->g;
    const int64_t n = strip_height(d, y), depth = n * g->ow;
    const bool whole = d->columns == g->o;
    const float *dy = d->b + (i * pixels(g) + y * g->ow) * g->o;
    float *sum = d->partial + i / d->images * d->taps * d->columns;
    if (g->pool)
        pool_rows(d, i, y, n, wide, true);
    else if (!whole)
        pad_columns(d, dy, depth, wide);
    struct cpu_tile t = {.rows = d->taps,
                         .depth = depth,
                         .columns = d->columns,
                         .a = image,
                         .row = d->tap,
                         .step = d->pixel + y * g->ow,
                         .b = whole && !g->pool ? dy : wide,
                         .ldb = d->columns,
                         .from = i % d->images || y ? sum : NULL,
                         .c = sum,
                         .ldc = d->columns,
                         .ahead = g->pool ? NULL : dy + depth * g->o};
    d->kernels->tile(&t);
    if (!d->sums) return;
    float *sums = d->sums + (i / d->images * pixels(g) + y * g->ow) * g->o;
    if (i % d->images)
        d->kernels->sum_planes(depth * g->o, sums, t.b, sums);
    else
        memcpy(sums, t.b, (size_t)(depth * g->o) * sizeof *sums);
}

static void kernel_group(void *arg, int64_t begin, int64_t end, int worker) {
    const struct direct *d = arg;
    const struct cpu_conv *g = d->g;
    float *image = cpu_scratch(d->c, worker), *wide = image + image_floats(d);
    for (int64_t i = begin; i < end; i++) {
        pad_image(d, d->a + i * g->h * g->w * g->c, image);
        for (int64_t y = 0; y < g->oh; y += d->strip) kernel_strip(d, i, y, image, wide);
    }
}

static enum status grad_kernel_of(struct cpu *c, const struct cpu_conv *g, const float *x, const float *dy,
                                  float *dkernel, void *work, float *sums, struct err *e) {
    struct direct d;
    if (direct_open(c, g, CPU_CONV_GRAD_KERNEL, work, &d, e)) return e->status;
    d.a = x, d.b = dy, d.out = dkernel, d.sums = sums;
    if (threads_for(c->threads, g->n, d.images, kernel_group, &d, e)) return e->status;
    int64_t area = d.taps * d.columns, groups = (g->n + d.images - 1) / d.images;
    for (int64_t k = 1; k < groups; k++) d.kernels->sum_planes(area, d.partial, d.partial + k * area, d.partial);
    for (int64_t i = 0; i < d.taps; i++)
        memcpy(d.out + i * g->o, d.partial + i * d.columns, (size_t)g->o * sizeof(float));
    return OK;
}

/* A channel of ones is the same in every image: its gradient is that of one image a group, with the group's sum of dy. That
 * is an eighth of the work, and the tutorial's training step takes 3 % less. */
static enum status grad_kernel_ones(struct cpu *c, const struct cpu_conv *g, const float *x, const float *dy,
                                    float *dkernel, void *work, struct err *e) {
    struct cpu_conv rest = *g, ones = *g;
    rest.ones = ones.ones = false, rest.c--, ones.c = 1, ones.pool = NULL;
    ones.n = cpu_ceil_div(g->n, cpu_ceil_div(g->n, GROUPS));
    float *sums = (float *)((char *)work + workspace(c, g, CPU_CONV_GRAD_KERNEL)) - ones_floats(g);
    float *one = sums + GROUPS * pixels(g) * g->o, *drest = one + GROUPS * g->h * g->w;
    float *done = drest + g->kh * g->kw * rest.c * g->o;
    for (float *p = one; p < drest; p++) *p = 1;
    if (grad_kernel_of(c, &rest, x, dy, drest, work, sums, e) ||
        grad_kernel_of(c, &ones, one, sums, done, work, NULL, e))
        return e->status;
    for (int64_t t = 0; t < g->kh * g->kw; t++, dkernel += g->c * g->o) {
        memcpy(dkernel, drest + t * rest.c * g->o, (size_t)(rest.c * g->o) * sizeof *dkernel);
        memcpy(dkernel + rest.c * g->o, done + t * g->o, (size_t)g->o * sizeof *dkernel);
    }
    return OK;
}

static enum status grad_kernel(struct cpu *c, const struct cpu_conv *g, const void *x, const void *dy, void *dkernel,
                               void *work, struct err *e) {
    return g->ones ? grad_kernel_ones(c, g, x, dy, dkernel, work, e)
                   : grad_kernel_of(c, g, x, dy, dkernel, work, NULL, e);
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
        const float *dy = g->pool ? wide : d->a + n * pixels(g) * g->o;
        if (g->pool) pool_rows(d, n, 0, g->oh, wide, true);
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

/* The padded product, reading taps (grad_input: adding them up), images in and out, the kernel laid out or summed, of its
 * gradient once a strip. Images are the units of work: where there are few, cores wait; where they do not fit L2, they are
 * read from beyond. */
static double work(const struct cpu *c, const struct cpu_conv *g, enum cpu_conv_pass pass) {
    enum { LARGE = 1000000 }; /* bytes */
    struct direct d;
    direct_sizes(g, &d);
    const double slow = 16.0 / cpu_conv_kernels(c)->lanes * (1 + 1 / (double)g->n),
                 taps = (double)(g->n * pixels(g)) * (double)d.taps;
    const int64_t strips = cpu_ceil_div(g->oh, d.strip);
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
               kernel * (0.28 * (double)(g->n < GROUPS ? g->n : GROUPS) + 0.06 * (double)(g->n * strips));
    }
}

/* What a kernel of one tap reads is copied for nothing. */
static double cost(const struct cpu *c, const struct cpu_conv *g, enum cpu_conv_pass pass) {
    return work(c, g, pass) * (g->kh * g->kw == 1 ? 1.2 : 1);
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
    .finishes = {true},
    .ones = true,
};
