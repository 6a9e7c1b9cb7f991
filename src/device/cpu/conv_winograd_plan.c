/* How a Winograd convolution is cut: the size of its tiles, chunks of rows, segments, blocks of channels. Invariant: which
 * numbers are summed apart depends on the geometry and the instruction set alone. */
#include "device/cpu/conv_winograd.h"

enum { LANE = CPU_CONV_LANE, PAD = CPU_WINOGRAD_PAD, TAPS = CPU_WINOGRAD_TAPS };

/* A chunk of a thread's own stays in its core's cache. Where weights' transforms are larger than LARGE_FLOATS they leave it
 * between two chunks: then chunks of fewer rows wait for them (128 to 128 channels: 1.7 ms with 14, 1.5 with 24). */
enum { CHUNK_FLOATS = 1 << 17, LARGE_FLOATS = 3 << 17, LEAST = 12, LEAST_LARGE = 24, MOST = 96, EVEN = 4 };

/* One that the threads share passes between their cores: for few rows, which would not go round (one image of 32 x 32: 12 %
 * less time), for weights with which a chunk would take longer than a cancel may wait, and for kernel gradients whose
 * transform is large; longer sums suit them. */
enum { SHARED_FLOATS = 1 << 21, LEAST_SHARED = 128, MOST_OWN_FLOATS = 1 << 22 };

/* Kernel gradients whose transform is at most so large (64 to 64 channels) are summed in segments of the rows, one thread
 * each where there are no more threads: twice as fast for 32 channels as handing transforms from core to core, and for 64
 * where these share no cache (a step of vgg32 takes 5 % less). */
enum { SEGMENTS = 8, SEGMENT_ROWS = 64, PART_FLOATS = 1 << 19 };

static int64_t chunk_rows(const struct winograd_plan *p) {
    const int64_t numbers = p->form->points * (p->cblocks * p->cblock + p->oblocks * p->oblock);
    const bool large = p->form->points * p->wplane > LARGE_FLOATS;
    int64_t most = CHUNK_FLOATS / numbers, least = large ? LEAST_LARGE : LEAST, even = EVEN;
    if (p->shared)
        most = SHARED_FLOATS / numbers, least = LEAST_SHARED, even = 1;
    else if (p->pass == CPU_CONV_GRAD_KERNEL)
        most *= 2, least = even = 1;
    else if (most > MOST)
        most = MOST;
    const int64_t chunks = cpu_ceil_div(p->segment, most < least ? least : most);
    return cpu_ceil_div(p->segment, cpu_ceil_div(chunks, even) * even);
}

static bool is_small(const struct winograd_plan *p) {
    return p->form->points * p->wplane <= PART_FLOATS;
}

static int64_t segments(const struct winograd_plan *p) {
    const int64_t most = p->rows / SEGMENT_ROWS;
    if (!is_small(p) || most < 1) return 1;
    return most < SEGMENTS ? most : SEGMENTS;
}

/* How many positions of an axis tiles must cover: of an input's gradient those that some output read. */
static int64_t reach(const struct winograd_plan *p, int a) {
    const int64_t size = a ? p->ow : p->oh;
    return p->back ? cpu_conv_reach(a ? p->w : p->h, p->before[a], size) : size;
}

static void plan_rows(struct winograd_plan *p, int threads) {
    const bool kernel = p->pass == CPU_CONV_GRAD_KERNEL;
    p->segments = kernel ? segments(p) : 1;
    p->segment = cpu_ceil_div(p->rows, p->segments);
    p->shared = kernel ? p->segments == 1 || p->segments < threads
                       : p->rows <= LEAST_SHARED || p->form->points * p->wplane > MOST_OWN_FLOATS;
    p->chunk = chunk_rows(p);
    p->xplane = p->chunk * p->cblock * p->cblocks + PAD;
    p->yplane = p->chunk * p->oblock * p->oblocks + PAD;
}

static struct winograd_plan plan_images(const struct cpu *c, const struct cpu_winograd *form, const struct cpu_conv *g,
                                        enum cpu_conv_pass pass, bool back) {
    const bool turned = pass == CPU_CONV_GRAD_KERNEL && back;
    struct winograd_plan p = {.kernels = cpu_conv_kernels(c), .form = form, .pass = pass, .n = g->n, .back = back};
    p.h = back ? g->oh : g->h, p.w = back ? g->ow : g->w, p.c = back ? g->o : g->c;
    p.oh = back ? g->h : g->oh, p.ow = back ? g->w : g->ow, p.o = back ? g->c : g->o;
    *(back ? &p.xpool : &p.ypool) = g->pool;
    for (int a = 0; a < 2; a++) p.before[a] = back ? TAPS - 1 - g->before[a] : g->before[a];
    for (int a = 0; a < 2; a++) p.tiles[a] = cpu_ceil_div(reach(&p, a), form->tile);
    p.rows = p.n * p.tiles[0] * p.tiles[1];
    p.cblock = cpu_conv_block(p.c), p.cblocks = cpu_ceil_div(p.c, p.cblock);
    p.oblock = cpu_conv_block(p.o), p.oblocks = cpu_ceil_div(p.o, p.oblock);
    p.win = turned ? p.o : p.c, p.wout = turned ? p.c : p.o;
    p.wblock = turned ? p.cblock : p.oblock, p.wblocks = turned ? p.cblocks : p.oblocks;
    p.wplane = p.win * p.wblock * p.wblocks + PAD;
    return p;
}

/* A kernel's gradient has the points around a tile from x or from dy: from dy, as the input's gradient, with which it may
 * then run, where that makes no more tiles; a large one, which never does, from x. */
static struct winograd_plan plan_form(const struct cpu *c, const struct cpu_winograd *form, const struct cpu_conv *g,
                                      enum cpu_conv_pass pass) {
    struct winograd_plan p = plan_images(c, form, g, pass, pass == CPU_CONV_GRAD_INPUT);
    if (pass == CPU_CONV_GRAD_KERNEL && is_small(&p)) {
        const struct winograd_plan back = plan_images(c, form, g, pass, true);
        if (back.rows <= p.rows) p = back;
    }
    plan_rows(&p, threads_count(c->threads));
    return p;
}

/* The products, tiles of 16 channels transformed and back, and the kernel's transform. */
static double plan_cost(const struct winograd_plan *p) {
    const double slow = 16.0 / p->kernels->lanes, rows = (double)p->rows, points = p->form->points;
    const double in = (double)cpu_ceil_div(p->win, LANE), out = (double)cpu_ceil_div(p->wout, LANE);
    const double product = points * rows * (double)(p->win * p->wblocks * p->wblock) / 133;
    const double weights = (p->pass == CPU_CONV_GRAD_KERNEL ? 7.7 : points / 15) * (double)(TAPS * TAPS * p->c * p->o);
    return slow * (product + rows * points * (1.22 * in + 0.94 * out)) + weights;
}

void cpu_winograd_plan(const struct cpu *c, const struct cpu_conv *g, enum cpu_conv_pass pass,
                       struct winograd_plan *best, double *cost) {
    const struct cpu_winograd *const *forms = cpu_conv_kernels(c)->winograd;
    best->form = NULL;
    for (int i = 0; forms[i]; i++) {
        const struct winograd_plan p = plan_form(c, forms[i], g, pass);
        const double ns = plan_cost(&p);
        if ((pass == CPU_CONV_GRAD_KERNEL ? p.rows : p.c) < p.form->sums) continue;
        if (!best->form || ns < *cost) *best = p, *cost = ns;
    }
}
