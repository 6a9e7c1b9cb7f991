/* Depthwise convolution: as many groups as channels, so that there is nothing to multiply matrices with; each row of the
 * result is computed for vectors of channels, tap by tap. Several filters a channel: x is repeated for each first.
 * Of 32 images 28x28 with 128 channels, 3x3, im2col takes 50 to 90 times as long (forward 467 to 7 ms, training 944 to 10).
 * Invariant: rows are summed in segments that depend on the geometry alone. */
#include "device/cpu/conv.h"

#include <string.h>

/* Segments of a kernel's gradient: so many at least, and more where one would take longer than a cancel may wait. */
enum { SEGMENTS = 16, SEGMENT_PRODUCTS = 1 << 24, CHUNK_PRODUCTS = 1 << 16 };

/* One axis: taps begin[i] .. begin[i + 1] - 1 meet position i of what is made. */
struct axis {
    int64_t *begin;
    struct cpu_depthwise_tap *tap;
};

struct depthwise {
    const struct cpu_conv *g;
    const struct cpu_conv_kernels *kernels;
    int64_t h, w, from_h, from_w; /* of what is made (of dy, for a kernel's gradient), and of what is read */
    int64_t segments;
    struct axis axis[2];
    const float *from, *kernel;
    float *wide; /* x or dx with as many channels as y, where y has more; else NULL */
    float *partial, *out;
};

static int64_t multiplier(const struct cpu_conv *g) {
    return g->o / g->c;
}

static int64_t rows_of(const struct depthwise *d) {
    return d->g->n * d->h;
}

static double products(const struct cpu_conv *g) {
    return (double)(g->n * g->oh * g->ow) * (double)(g->kh * g->kw * g->o);
}

static void set_sizes(const struct cpu_conv *g, enum cpu_conv_pass pass, struct depthwise *d) {
    const bool back = pass == CPU_CONV_GRAD_INPUT;
    d->g = g;
    d->h = back ? g->h : g->oh, d->w = back ? g->w : g->ow;
    d->from_h = back ? g->oh : g->h, d->from_w = back ? g->ow : g->w;
    d->segments = SEGMENTS + (int64_t)(products(g) / SEGMENT_PRODUCTS);
    if (d->segments > rows_of(d)) d->segments = rows_of(d);
}

/* ---- workspace ---------------------------------------------------------------------------------------------------- */

/* The parts of d at `base`, which may be NULL; their bytes. */
static size_t place(struct depthwise *d, enum cpu_conv_pass pass, char *base) {
    const struct cpu_conv *g = d->g;
    const int64_t size[2] = {d->h, d->w}, kernel[2] = {g->kh, g->kw};
    size_t at = 0;
    for (int a = 0; a < 2; a++) {
        const size_t begin = cpu_conv_take(&at, (size[a] + 1) * (int64_t)sizeof(int64_t));
        const size_t tap = cpu_conv_take(&at, size[a] * kernel[a] * (int64_t)sizeof(struct cpu_depthwise_tap));
        if (base) d->axis[a] = (struct axis){(int64_t *)(base + begin), (struct cpu_depthwise_tap *)(base + tap)};
    }
    if (multiplier(g) > 1) {
        const size_t wide = cpu_conv_take(&at, g->n * g->h * g->w * g->o * (int64_t)sizeof(float));
        if (base) d->wide = (float *)(base + wide);
    }
    if (pass == CPU_CONV_GRAD_KERNEL) {
        const size_t partial = cpu_conv_take(&at, d->segments * g->kh * g->kw * g->o * (int64_t)sizeof(float));
        if (base) d->partial = (float *)(base + partial);
    }
    return at;
}

static size_t workspace(const struct cpu *c, const struct cpu_conv *g, enum cpu_conv_pass pass) {
    (void)c;
    struct depthwise d = {0};
    set_sizes(g, pass, &d);
    return place(&d, pass, NULL);
}

/* Position i of y reads position i * stride + u * dilation - before of x, if there is one; `back`: the other way. */
static void find_taps(const struct depthwise *d, int a, bool back, int64_t size, int64_t from, int64_t taps) {
    const struct cpu_conv *g = d->g;
    const struct axis *t = &d->axis[a];
    int64_t n = 0;
    for (int64_t i = 0; i < size; i++) {
        t->begin[i] = n;
        for (int64_t u = 0; u < taps; u++) {
            int64_t at =
                back ? i + g->before[a] - u * g->dilation[a] : i * g->stride[a] + u * g->dilation[a] - g->before[a];
            if (back && at % g->stride[a]) continue;
            if (back) at /= g->stride[a];
            if (at >= 0 && at < from) t->tap[n++] = (struct cpu_depthwise_tap){at, u};
        }
    }
    t->begin[size] = n;
}

static void open_pass(const struct cpu *c, const struct cpu_conv *g, enum cpu_conv_pass pass, void *space,
                      struct depthwise *d) {
    *d = (struct depthwise){.kernels = cpu_conv_kernels(c)};
    set_sizes(g, pass, d);
    place(d, pass, space);
    find_taps(d, 0, pass == CPU_CONV_GRAD_INPUT, d->h, d->from_h, g->kh);
    find_taps(d, 1, pass == CPU_CONV_GRAD_INPUT, d->w, d->from_w, g->kw);
}

/* ---- several filters a channel ------------------------------------------------------------------------------------ */

static void repeat_pixels(void *arg, int64_t begin, int64_t end, int worker) {
    (void)worker;
    const struct depthwise *d = arg;
    const int64_t c = d->g->c, m = multiplier(d->g);
    for (int64_t i = begin * c; i < end * c; i++)
        for (int64_t q = 0; q < m; q++) d->wide[i * m + q] = d->from[i];
}

static void sum_pixels(void *arg, int64_t begin, int64_t end, int worker) {
    (void)worker;
    const struct depthwise *d = arg;
    const int64_t c = d->g->c, m = multiplier(d->g);
    for (int64_t i = begin * c; i < end * c; i++) {
        d->out[i] = 0;
        for (int64_t q = 0; q < m; q++) d->out[i] += d->wide[i * m + q];
    }
}

/* x as the rows read it. */
static enum status read_wide(struct cpu *c, struct depthwise *d, const float *x, struct err *e) {
    d->from = x;
    if (!d->wide) return OK;
    if (threads_share(c->threads, d->g->n * d->g->h * d->g->w, 64, 4096, repeat_pixels, d, e)) return e->status;
    d->from = d->wide;
    return OK;
}

/* ---- the passes --------------------------------------------------------------------------------------------------- */

/* Row r of all images, which is at `out`, with this kernel. */
static struct cpu_depthwise row_of(const struct depthwise *d, int64_t r, const float *kernel, float *out) {
    const int64_t image = r / d->h, i = r % d->h, o = d->g->o, *begin = d->axis[0].begin;
    return (struct cpu_depthwise){.columns = d->w,
                                  .channels = o,
                                  .rows = begin[i + 1] - begin[i],
                                  .row = d->axis[0].tap + begin[i],
                                  .begin = d->axis[1].begin,
                                  .column = d->axis[1].tap,
                                  .from = d->from + image * d->from_h * d->from_w * o,
                                  .from_row = d->from_w * o,
                                  .kernel = (float *)kernel,
                                  .kernel_row = d->g->kw * o,
                                  .out = out + r * d->w * o};
}

static void correlate_rows(void *arg, int64_t begin, int64_t end, int worker) {
    (void)worker;
    const struct depthwise *d = arg;
    for (int64_t r = begin; r < end; r++) {
        const struct cpu_depthwise row = row_of(d, r, d->kernel, d->out);
        d->kernels->depthwise(&row);
    }
}

static enum status correlate(struct cpu *c, struct depthwise *d, struct err *e) {
    const int64_t row = d->w * d->g->kh * d->g->kw * d->g->o;
    return threads_for(c->threads, rows_of(d), 1 + CHUNK_PRODUCTS / row, correlate_rows, d, e);
}

static enum status forward(struct cpu *c, const struct cpu_conv *g, const void *x, const void *kernel, void *y,
                           void *space, struct err *e) {
    struct depthwise d;
    open_pass(c, g, CPU_CONV_FORWARD, space, &d);
    d.kernel = kernel, d.out = y;
    return read_wide(c, &d, x, e) ? e->status : correlate(c, &d, e);
}

static enum status grad_input(struct cpu *c, const struct cpu_conv *g, const void *dy, const void *kernel, void *dx,
                              void *space, struct err *e) {
    struct depthwise d;
    open_pass(c, g, CPU_CONV_GRAD_INPUT, space, &d);
    d.from = dy, d.kernel = kernel, d.out = d.wide ? d.wide : dx;
    if (correlate(c, &d, e) || !d.wide) return e->status;
    d.out = dx;
    return threads_share(c->threads, g->n * g->h * g->w, 64, 4096, sum_pixels, &d, e);
}

static void gradient_segments(void *arg, int64_t begin, int64_t end, int worker) {
    (void)worker;
    const struct depthwise *d = arg;
    const int64_t floats = d->g->kh * d->g->kw * d->g->o, rows = rows_of(d);
    for (int64_t s = begin; s < end; s++) {
        float *partial = d->partial + s * floats;
        memset(partial, 0, (size_t)floats * sizeof *partial);
        for (int64_t r = rows * s / d->segments; r < rows * (s + 1) / d->segments; r++) {
            const struct cpu_depthwise row = row_of(d, r, partial, d->out);
            d->kernels->depthwise_gradient(&row);
        }
    }
}

static enum status grad_kernel(struct cpu *c, const struct cpu_conv *g, const void *x, const void *dy, void *dkernel,
                               void *space, struct err *e) {
    struct depthwise d;
    open_pass(c, g, CPU_CONV_GRAD_KERNEL, space, &d);
    d.out = (float *)dy;
    if (read_wide(c, &d, x, e) || threads_for(c->threads, d.segments, 1, gradient_segments, &d, e)) return e->status;
    const int64_t floats = g->kh * g->kw * g->o;
    float *sum = dkernel;
    memcpy(sum, d.partial, (size_t)floats * sizeof *sum);
    for (int64_t s = 1; s < d.segments; s++)
        for (int64_t i = 0; i < floats; i++) sum[i] += d.partial[s * floats + i];
    return OK;
}

/* ---- the algorithm ------------------------------------------------------------------------------------------------ */

static bool supports(const struct cpu_conv *g, enum cpu_conv_pass pass) {
    (void)pass;
    return g->dtype == DT_FLOAT32 && g->groups > 1 && g->groups == g->c && !cpu_conv_is_empty(g);
}

/* The products, and what is read and written, again where channels are repeated. */
static double cost(const struct cpu *c, const struct cpu_conv *g, enum cpu_conv_pass pass) {
    const double slow = 16.0 / cpu_conv_kernels(c)->lanes, floats = cpu_conv_inputs(g) + cpu_conv_outputs(g);
    return 0.03 * slow * products(g) * (pass == CPU_CONV_GRAD_KERNEL ? 1.5 : 1) + 0.3 * floats +
           (multiplier(g) > 1 ? cpu_conv_inputs(g) * (double)multiplier(g) : 0) + 2000;
}

const struct cpu_conv_algorithm cpu_conv_depthwise = {
    .name = "depthwise",
    .supports = supports,
    .cost = cost,
    .workspace = workspace,
    .pass = {forward, grad_input, grad_kernel},
};
