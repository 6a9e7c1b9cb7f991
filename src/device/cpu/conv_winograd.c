/* Convolution with 3 x 3 kernels by Winograd's minimal filtering: F(4 x 4, 3 x 3), 36 products for 16 outputs instead of 144,
 * F(6 x 6, 3 x 3), 64 for 36 instead of 324, or F(8 x 8, 3 x 3), 118 for 64 instead of 576. Invariant: results depend on the
 * geometry and the instruction set alone, and stand within 1e-5 of the largest sum of products.
 *
 * An image is cut into tiles of outputs; the transform of a tile's inputs has a number for each of some points and each
 * channel, and for each point a matrix product mixes the channels. The input gradient is the same with the kernel reversed
 * and transposed; for the kernel's see conv_winograd_gradients.c, for the formulas isa/winograd_template.h. */
#include "device/cpu/conv_winograd.h"

enum { TAPS = CPU_WINOGRAD_TAPS, CACHED_FLOATS = 1 << 17 /* weights' transforms that stay in a core's cache */ };

/* What is multiplied after the weights at w, so many floats, to be fetched meanwhile; behind the last ones it starts again.
 * NULL where they may still be in the cache: fetching cost 32 to 64 channels 2 %, it spares 64 to 128 ones 5 %. */
static const float *weights_after(const struct winograd_pass *s, const float *w, int64_t floats) {
    const int64_t all = s->p.form->points * s->p.wplane;
    if (all <= CACHED_FLOATS) return NULL;
    return w + floats + CPU_WINOGRAD_PAD < s->weights + all ? w + floats : s->weights;
}

/* y = x w for one of the points and one block of outputs; the depth runs over the blocks of inputs. */
static void product(const struct winograd_pass *s, int64_t rows, const float *x, const float *w, float *y) {
    const struct winograd_plan *p = &s->p;
    struct cpu_tile t = {.rows = rows, .columns = p->oblock, .row = s->by_block, .step = s->by_one, .c = y};
    t.ldb = t.ldc = p->oblock;
    for (int64_t k = 0; k < p->c; k += p->cblock) {
        t.depth = p->c - k < p->cblock ? p->c - k : p->cblock;
        t.a = x + k * rows, t.b = w + k * p->oblock;
        t.from = k > 0 ? y : NULL;
        t.ahead = weights_after(s, t.b, t.depth * p->oblock);
        p->kernels->tile(&t);
    }
}

/* One of the points, all blocks of outputs. */
static void product_point(const struct winograd_pass *s, int64_t rows, int64_t f, const float *x, float *y) {
    const struct winograd_plan *p = &s->p;
    for (int64_t o = 0; o < p->oblocks; o++)
        product(s, rows, x + f * p->xplane, s->weights + f * p->wplane + o * p->c * p->oblock,
                y + f * p->yplane + o * rows * p->oblock);
}

void cpu_winograd_results(const struct winograd_pass *s, int64_t first, int64_t rows, const float *x, float *y,
                          float *scratch) {
    for (int64_t f = 0; f < s->p.form->points; f++) product_point(s, rows, f, x, y);
    cpu_winograd_transform(s->p.kernels, &s->y, first, rows, 0, rows, y, scratch);
}

/* A chunk of rows from x to y: nothing leaves the core's cache in between. */
static void correlate_rows(void *arg, int64_t begin, int64_t end, int worker) {
    const struct winograd_pass *s = arg;
    const struct winograd_plan *p = &s->p;
    const int64_t rows = end - begin;
    float *scratch = cpu_scratch(s->cpu, worker), *x = scratch + CPU_WINOGRAD_PATCH,
          *y = x + p->form->points * p->xplane;
    cpu_winograd_transform(p->kernels, &s->x, begin, rows, 0, rows, x, scratch);
    cpu_winograd_results(s, begin, rows, x, y, scratch);
}

static void shared_correlate(void *arg, int64_t begin, int64_t end, int worker) {
    (void)worker;
    const struct winograd_pass *s = arg;
    for (int64_t f = begin; f < end; f++) product_point(s, s->rows, f, s->xs, s->ys);
}

enum status cpu_winograd_open_correlation(struct cpu *c, const struct cpu_conv *g, struct winograd_pass *s,
                                          const float *kernel, struct err *e) {
    const struct winograd_plan *p = &s->p;
    if (p->back) {
        if (cpu_conv_transpose(c, g, kernel, s->reversed, true, e)) return e->status;
        kernel = s->reversed;
    }
    if (cpu_winograd_weights(c, s, (float *)kernel, e)) return e->status;
    const int64_t shape[4] = {p->n, p->oh, p->ow, p->o}, rows = p->tiles[0] * p->form->tile,
                  columns = p->tiles[1] * p->form->tile;
    return cpu_conv_clear_rim(c, s->y.grid.data, shape, rows, columns, e);
}

static enum status correlate(struct cpu *c, const struct cpu_conv *g, enum cpu_conv_pass pass, const float *x,
                             const float *w, const float *y, void *workspace, struct err *e) {
    struct winograd_pass s;
    const struct winograd_plan p = cpu_winograd_plan_of(c, g, pass);
    if (cpu_winograd_open(c, g, &p, workspace, x, y, &s, e) || cpu_winograd_open_correlation(c, g, &s, w, e))
        return e->status;
    if (!p.shared) return threads_for(c->threads, p.rows, p.chunk, correlate_rows, &s, e);
    for (int64_t first = 0; first < p.rows && e->status == OK; first += p.chunk) {
        cpu_winograd_open_chunk(&s, first, p.rows);
        if (cpu_winograd_shared_input(c, &s, e) == OK &&
            threads_share(c->threads, p.form->points, 1, 1, shared_correlate, &s, e) == OK)
            cpu_winograd_shared_output(c, &s, e);
    }
    return e->status;
}

static enum status forward(struct cpu *c, const struct cpu_conv *g, const void *x, const void *w, void *y,
                           void *workspace, struct err *e) {
    return correlate(c, g, CPU_CONV_FORWARD, x, w, y, workspace, e);
}

static enum status grad_input(struct cpu *c, const struct cpu_conv *g, const void *dy, const void *w, void *dx,
                              void *workspace, struct err *e) {
    return correlate(c, g, CPU_CONV_GRAD_INPUT, dy, w, dx, workspace, e);
}

/* ---- the algorithm ------------------------------------------------------------------------------------------------ */

static bool supports(const struct cpu_conv *g, enum cpu_conv_pass pass) {
    (void)pass;
    bool plain = g->stride[0] == 1 && g->stride[1] == 1 && g->dilation[0] == 1 && g->dilation[1] == 1;
    bool fits = g->kh == TAPS && g->kw == TAPS && g->before[0] < TAPS && g->before[1] < TAPS;
    return g->dtype == DT_FLOAT32 && plain && fits && g->groups == 1 && !cpu_conv_is_empty(g);
}

static double cost(const struct cpu *c, const struct cpu_conv *g, enum cpu_conv_pass pass) {
    struct winograd_plan p;
    double ns;
    cpu_winograd_plan(c, g, pass, &p, &ns);
    return ns + 0.3 * (cpu_conv_inputs(g) + cpu_conv_outputs(g)) + 40000;
}

static size_t workspace(const struct cpu *c, const struct cpu_conv *g, enum cpu_conv_pass pass) {
    struct winograd_plan p = cpu_winograd_plan_of(c, g, pass);
    return cpu_winograd_bytes(&p);
}

static bool pools(const struct cpu *c, const struct cpu_conv *g, enum cpu_conv_pass pass) {
    struct winograd_plan p = cpu_winograd_plan_of(c, g, pass);
    return cpu_conv_tiles_pool(g, pass, (int64_t[]){p.form->tile, p.form->tile}, p.tiles);
}

const struct cpu_conv_algorithm cpu_conv_winograd = {
    .name = "winograd",
    .supports = supports,
    .cost = cost,
    .workspace = workspace,
    .pass = {forward, grad_input, cpu_winograd_grad_kernel},
    .pools = pools,
    .finishes = {true, true},
    .gradients = cpu_winograd_gradients,
    .gradients_workspace = cpu_winograd_gradients_workspace,
};
