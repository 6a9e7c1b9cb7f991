/* The kernel's gradient of a Winograd convolution, alone or with the input's, and the same bits either way: F(3 x 3, tile x
 * tile) of x and dy, of which one has the points around each tile. It is dy where it can: then its transform is that of the
 * input's gradient. Invariant: as conv_winograd.c has it. */
#include "base/cancel.h"
#include "device/cpu/conv_winograd.h"

/* A chunk's transforms of one side. */
struct planes {
    const float *at;
    int64_t plane, block, blocks;
};

/* The kernel's gradient over `rows` rows: weights = (or += unless `fresh`) a^T b, where a are x's transforms
 * and b are dy's, for products begin .. end-1, each of one of the points, one block of filters and one of channels. */
static void product_kernel(const struct winograd_pass *s, int64_t rows, const float *x, const float *y, float *weights,
                           bool fresh, int64_t begin, int64_t end) {
    const struct winograd_plan *p = &s->p;
    const struct planes in = {x, p->xplane, p->cblock, p->cblocks}, out = {y, p->yplane, p->oblock, p->oblocks};
    const struct planes *a = p->back ? &out : &in, *b = p->back ? &in : &out;
    for (int64_t u = begin; u < end; u++) {
        int64_t i = u % a->blocks, o = u / a->blocks % b->blocks, f = u / a->blocks / b->blocks;
        int64_t left = p->win - i * a->block;
        float *w = weights + f * p->wplane + (o * p->win + i * a->block) * b->block;
        struct cpu_tile t = {.rows = left < a->block ? left : a->block,
                             .columns = b->block,
                             .depth = rows,
                             .a = a->at + f * a->plane + i * rows * a->block,
                             .row = s->by_one,
                             .step = s->by_block,
                             .b = b->at + f * b->plane + o * rows * b->block,
                             .ldb = b->block,
                             .from = fresh ? NULL : w,
                             .c = w,
                             .ldc = b->block};
        p->kernels->tile(&t);
    }
}

static int64_t products(const struct winograd_plan *p) {
    return p->form->points * p->oblocks * p->cblocks;
}

static struct winograd_segment open_segment(const struct winograd_pass *s, int64_t u) {
    const struct winograd_plan *p = &s->p;
    const int64_t start = u * p->segment, stop = start + p->segment;
    return (struct winograd_segment){start, stop < p->rows ? stop : p->rows,
                                     s->weights + u * p->form->points * p->wplane};
}

/* Segments of a thread's own, chunk by chunk. */
static void segment_chunks(void *arg, int64_t begin, int64_t end, int worker) {
    struct winograd_pass *s = arg;
    const struct winograd_plan *p = &s->p;
    float *scratch = cpu_scratch(s->cpu, worker), *x = scratch + CPU_WINOGRAD_PATCH,
          *y = x + p->form->points * p->xplane;
    for (int64_t u = begin; u < end; u++) {
        const struct winograd_segment g = open_segment(s, u);
        for (int64_t first = g.start; first < g.stop; first += p->chunk) {
            if (first > g.start && cancel_requested()) {
                s->cancelled = true;
                return;
            }
            const int64_t rows = cpu_winograd_chunk_rows(p, first, g.stop);
            cpu_winograd_transform(p->kernels, &s->x, first, rows, 0, rows, x, scratch);
            cpu_winograd_transform(p->kernels, &s->y, first, rows, 0, rows, y, scratch);
            product_kernel(s, rows, x, y, g.weights, first == g.start, 0, products(p));
            if (s->input) cpu_winograd_results(s->input, first, rows, x, y, scratch);
        }
    }
}

/* The segments' parts added to the first, in their order. */
static void add_segments(void *arg, int64_t begin, int64_t end, int worker) {
    (void)worker;
    const struct winograd_pass *s = arg;
    const struct winograd_plan *p = &s->p;
    for (int64_t u = 1; u < p->segments; u++) {
        float *sum = s->weights + begin * p->wplane, *part = sum + u * p->form->points * p->wplane;
        p->kernels->sum_planes((end - begin) * p->wplane, sum, part, sum);
    }
}

static void shared_kernel(void *arg, int64_t begin, int64_t end, int worker) {
    (void)worker;
    const struct winograd_pass *s = arg;
    product_kernel(s, s->rows, s->xs, s->ys, s->segment.weights, s->first == s->segment.start, begin, end);
}

static enum status shared_segment(struct cpu *c, struct winograd_pass *s, int64_t u, struct err *e) {
    const struct winograd_segment g = s->segment = open_segment(s, u);
    for (int64_t first = g.start; first < g.stop && e->status == OK; first += s->p.chunk) {
        cpu_winograd_open_chunk(s, first, g.stop);
        if (cpu_winograd_shared_input(c, s, e) == OK && cpu_winograd_shared_output(c, s, e) == OK)
            threads_for(c->threads, products(&s->p), 1, shared_kernel, s, e);
    }
    return e->status;
}

static enum status run_kernel(struct cpu *c, struct winograd_pass *s, float *dw, struct err *e) {
    const struct winograd_plan *p = &s->p;
    for (int64_t u = 0; p->shared && u < p->segments && e->status == OK; u++) shared_segment(c, s, u, e);
    if (!p->shared && threads_for(c->threads, p->segments, 1, segment_chunks, s, e) == OK && s->cancelled)
        return err_set(e, ERR_CANCELLED, "interrupted");
    if (p->segments > 1 && e->status == OK) threads_for(c->threads, p->form->points, 1, add_segments, s, e);
    return e->status ? e->status : cpu_winograd_weights(c, s, dw, e);
}

enum status cpu_winograd_grad_kernel(struct cpu *c, const struct cpu_conv *g, const void *x, const void *dy, void *dw,
                                     void *workspace, struct err *e) {
    struct winograd_pass s;
    const struct winograd_plan p = cpu_winograd_plan_of(c, g, CPU_CONV_GRAD_KERNEL);
    const void *images = p.back ? dy : x, *tiles = p.back ? x : dy;
    if (cpu_winograd_open(c, g, &p, workspace, images, tiles, &s, e)) return e->status;
    return run_kernel(c, &s, dw, e);
}

/* Whether one transform of dy serves both; k: the kernel's gradient, i: the input's, in the same chunks. A step of vgg32
 * takes 1 to 4 % less; where the threads share a chunk, 8 % more. */
static bool plan_both(const struct cpu *c, const struct cpu_conv *g, struct winograd_plan *k, struct winograd_plan *i) {
    *k = cpu_winograd_plan_of(c, g, CPU_CONV_GRAD_KERNEL), *i = cpu_winograd_plan_of(c, g, CPU_CONV_GRAD_INPUT);
    i->shared = false, i->chunk = k->chunk;
    i->xplane = k->xplane, i->yplane = k->yplane;
    return k->back && k->form == i->form && !k->shared;
}

size_t cpu_winograd_gradients_workspace(const struct cpu *c, const struct cpu_conv *g) {
    struct winograd_plan k, i;
    return plan_both(c, g, &k, &i) ? cpu_winograd_bytes(&k) + cpu_winograd_bytes(&i) : 0;
}

enum status cpu_winograd_gradients(struct cpu *c, const struct cpu_conv *g, const struct cpu_conv_gradients *o,
                                   void *workspace, struct err *e) {
    struct winograd_plan by_kernel, by_input;
    plan_both(c, g, &by_kernel, &by_input);
    char *rest = (char *)workspace + cpu_winograd_bytes(&by_kernel);
    struct winograd_pass k, i;
    if (cpu_winograd_open(c, g, &by_kernel, workspace, o->dy, o->x, &k, e) ||
        cpu_winograd_open(c, g, &by_input, rest, o->dy, o->dx, &i, e) ||
        cpu_winograd_open_correlation(c, g, &i, o->kernel, e))
        return e->status;
    k.input = &i;
    return run_kernel(c, &k, o->dkernel, e);
}
