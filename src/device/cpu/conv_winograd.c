/* Convolution with 3 x 3 kernels by Winograd's F(4 x 4, 3 x 3): 36 products for 16 outputs instead of 144. Invariant:
 * results depend on the geometry and the instruction set alone, and stand within 1e-5 of the largest sum of products.
 *
 * An image is cut into tiles of 4 x 4 outputs; the transform of a tile's 6 x 6 inputs has 36 numbers for each channel,
 * and for each of the 36 a matrix product mixes the channels. The input gradient is the same with the kernel reversed
 * and transposed; the kernel gradient is F(3 x 3, 4 x 4) of x and dy, summed over tiles (isa/winograd.c).
 * Layout of a transform: [36][block of channels][row][channel in block]; a row is one tile of one image. */
#include "device/cpu/conv.h"

#include <string.h>

#include "device/cpu/conv_kernels.h"
#include "device/cpu/conv_tiles.h"

enum { N = 6, POINTS = N * N, TILE = 4, TAPS = 3, LANE = CPU_CONV_LANE };
enum { PAD = 16 }; /* floats between planes, so that they do not fall onto the same cache sets */
enum { CHUNK_FLOATS = 1 << 17 };
/* Weights' transforms larger than that leave the cache between two chunks: then chunks of fewer rows wait for them (128 to 128
 * channels: 1.7 ms with 14, 1.5 with 24). */
enum { CACHED_FLOATS = 3 << 17, LEAST = 12, LEAST_UNCACHED = 24, MOST = 96 };
/* Kernel gradients whose transform is at most so large are summed in segments of the rows, one thread each: twice as
 * fast for 32 channels as handing transforms from core to core. */
enum { SEGMENTS = 16, PART_FLOATS = 1 << 19, PARTS_FLOATS = 1 << 22 };

/* A correlation of (images, h, w, c) with (3, 3, c, o) to (images, oh, ow, o). */
struct plan {
    const struct cpu_conv_kernels *kernels;
    int64_t n, h, w, c, oh, ow, o, before[2], tiles[2];
    int64_t rows, chunk;
    int64_t segments, segment; /* parts that a kernel gradient sums apart, and rows of one */
    int64_t cblock, cblocks, oblock, oblocks;
    int64_t xplane, yplane, wplane; /* floats of one of the 36, all blocks */
    const struct cpu_conv_pool *xpool, *ypool;
};

/* A chunk's transforms stay in a core's cache; a kernel gradient in one segment passes them between cores, and wants
 * longer sums. */
static int64_t chunk_rows(const struct plan *p, enum cpu_conv_pass pass) {
    int64_t channels = p->cblocks * p->cblock + p->oblocks * p->oblock, most = CHUNK_FLOATS / POINTS / channels;
    const bool kernel = pass == CPU_CONV_GRAD_KERNEL, cached = kernel || POINTS * p->wplane <= CACHED_FLOATS;
    const int64_t least = cached ? LEAST : LEAST_UNCACHED;
    if (kernel && p->segments == 1)
        most = 2 * most < 64 ? 64 : 2 * most;
    else
        most = most < least ? least : most > MOST ? MOST : most;
    return cpu_ceil_div(p->segment, cpu_ceil_div(p->segment, most));
}

static int64_t segments(const struct plan *p) {
    int64_t part = POINTS * p->wplane, most = PARTS_FLOATS / part;
    return part > PART_FLOATS ? 1 : most < SEGMENTS ? most : SEGMENTS;
}

/* How many positions of an axis tiles must cover: of an input's gradient those that some output read. */
static int64_t reach(const struct plan *p, enum cpu_conv_pass pass, int a) {
    const int64_t size = a ? p->ow : p->oh;
    return pass == CPU_CONV_GRAD_INPUT ? cpu_conv_reach(a ? p->w : p->h, p->before[a], size) : size;
}

static struct plan make_plan(const struct cpu_conv_kernels *kernels, const struct cpu_conv *g,
                             enum cpu_conv_pass pass) {
    bool back = pass == CPU_CONV_GRAD_INPUT;
    struct plan p = {.kernels = kernels, .n = g->n};
    p.h = back ? g->oh : g->h, p.w = back ? g->ow : g->w, p.c = back ? g->o : g->c;
    p.oh = back ? g->h : g->oh, p.ow = back ? g->w : g->ow, p.o = back ? g->c : g->o;
    *(back ? &p.xpool : &p.ypool) = g->pool;
    for (int a = 0; a < 2; a++) p.before[a] = back ? TAPS - 1 - g->before[a] : g->before[a];
    for (int a = 0; a < 2; a++) p.tiles[a] = cpu_ceil_div(reach(&p, pass, a), TILE);
    p.rows = p.n * p.tiles[0] * p.tiles[1];
    p.cblock = cpu_conv_block(p.c), p.cblocks = cpu_ceil_div(p.c, p.cblock);
    p.oblock = cpu_conv_block(p.o), p.oblocks = cpu_ceil_div(p.o, p.oblock);
    p.wplane = p.c * p.oblock * p.oblocks + PAD;
    p.segments = pass == CPU_CONV_GRAD_KERNEL ? segments(&p) : 1;
    p.segment = cpu_ceil_div(p.rows, p.segments);
    p.chunk = chunk_rows(&p, pass);
    p.xplane = p.chunk * p.cblock * p.cblocks + PAD;
    p.yplane = p.chunk * p.oblock * p.oblocks + PAD;
    return p;
}

/* ---- transforms --------------------------------------------------------------------------------------------------- */

typedef void transform_fn(const struct cpu_conv_patch *g, float *out, int64_t stride);
typedef void inverse_fn(const struct cpu_conv_patch *g, const float *in, int64_t stride);

/* Images and how their rows are transformed. */
struct side {
    struct cpu_conv_grid grid;
    int64_t block, plane;
    transform_fn *transform; /* one of these two */
    inverse_fn *inverse;
};

static struct side make_side(const struct plan *p, const float *data, bool output) {
    struct side s = {.block = output ? p->oblock : p->cblock, .plane = output ? p->yplane : p->xplane};
    s.grid = (struct cpu_conv_grid){.data = (float *)data,
                                    .n = p->n,
                                    .h = output ? p->oh : p->h,
                                    .w = output ? p->ow : p->w,
                                    .c = output ? p->o : p->c,
                                    .tile = {TILE, TILE},
                                    .tiles = {p->tiles[0], p->tiles[1]},
                                    .limit = {output ? TILE : N, output ? TILE : N},
                                    .pool = output ? p->ypool : p->xpool};
    for (int a = 0; a < 2 && !output; a++) s.grid.before[a] = p->before[a];
    return s;
}

/* One vector of channels of a patch, of which `used` are real, to or from its place among the planes. */
static void transform_lanes(const struct cpu_conv_kernels *k, const struct side *s, struct cpu_conv_patch *g, int used,
                            float *place, float *scratch) {
    const bool straight = s->inverse && used == k->lanes && !g->pooled; /* it is finished on the way */
    struct cpu_conv_patch room, *at = g;
    if (!straight) at = cpu_conv_patch_enter(k, g, used, N, scratch, s->inverse != NULL, &room);
    if (s->transform)
        s->transform(at, place, s->plane);
    else
        s->inverse(at, place, s->plane);
    if (s->inverse && !straight) cpu_conv_patch_leave(k, g, at, used);
}

/* Rows begin .. end-1 of a chunk of `rows` that starts at row `first`. */
static void transform_rows(const struct cpu_conv_kernels *k, const struct side *s, int64_t first, int64_t rows,
                           int64_t begin, int64_t end, float *planes, float *scratch) {
    int lanes = k->lanes;
    for (int64_t r = begin; r < end; r++) {
        struct cpu_conv_windows windows;
        struct cpu_conv_patch g;
        cpu_conv_patch(&s->grid, first + r, s->inverse != NULL, &g, &windows);
        for (int64_t c = 0; c < s->grid.c; c += lanes, cpu_conv_patch_advance(&g, lanes)) {
            int used = s->grid.c - c < lanes ? (int)(s->grid.c - c) : lanes;
            transform_lanes(k, s, &g, used, planes + (c / s->block * rows + r) * s->block + c % s->block, scratch);
        }
    }
}

/* Everything that the chunks of a pass share. */
struct pass {
    struct plan p;
    struct side x, y, w; /* w: the taps of an input channel are a patch; its grid is not used */
    float *kernel;       /* (3, 3, c, o) */
    float *weights;      /* its transform, [36][block][c][channel in block] */
    float *xs, *ys;      /* kernel gradient: the transforms of `rows` rows from `first` on */
    int64_t first, rows;
    const int64_t *by_one, *by_cblock;
    const struct cpu *cpu;
};

/* The transform of the kernel, or back from it, for input channels begin .. end-1. */
static void weights_chunk(void *arg, int64_t begin, int64_t end, int worker) {
    const struct pass *s = arg;
    const struct plan *p = &s->p;
    int lanes = p->kernels->lanes;
    for (int64_t c = begin; c < end; c++) {
        struct cpu_conv_patch g = {.x = s->kernel + c * p->o, .bottom = TAPS, .right = TAPS};
        g.column_stride = p->c * p->o, g.row_stride = TAPS * g.column_stride;
        for (int64_t o = 0; o < p->o; o += lanes, g.x += lanes) {
            int used = p->o - o < lanes ? (int)(p->o - o) : lanes;
            float *place = s->weights + (o / p->oblock * p->c + c) * p->oblock + o % p->oblock;
            transform_lanes(p->kernels, &s->w, &g, used, place, cpu_scratch(s->cpu, worker));
        }
    }
}

/* ---- products ----------------------------------------------------------------------------------------------------- */

/* What is multiplied after the weights at w, so many floats, to be fetched meanwhile; behind the last ones it starts again.
 * NULL where they may still be in the cache: fetching cost 32 to 64 channels 2 %, it spares 64 to 128 ones 5 %. */
static const float *weights_after(const struct pass *s, const float *w, int64_t floats) {
    const int64_t all = POINTS * s->p.wplane;
    if (all <= CHUNK_FLOATS) return NULL;
    return w + floats + PAD < s->weights + all ? w + floats : s->weights;
}

/* y = x w for one of the 36 and one block of outputs; the depth runs over the blocks of inputs. */
static void product(const struct pass *s, int64_t rows, const float *x, const float *w, float *y) {
    const struct plan *p = &s->p;
    struct cpu_tile t = {.rows = rows, .columns = p->oblock, .row = s->by_cblock, .step = s->by_one, .c = y};
    t.ldb = t.ldc = p->oblock;
    for (int64_t k = 0; k < p->c; k += p->cblock) {
        t.depth = p->c - k < p->cblock ? p->c - k : p->cblock;
        t.a = x + k * rows, t.b = w + k * p->oblock;
        t.from = k > 0 ? y : NULL;
        t.ahead = weights_after(s, t.b, t.depth * p->oblock);
        p->kernels->tile(&t);
    }
}

/* Chunks of rows from x to y: nothing leaves the core's cache in between. */
static void correlate_chunks(void *arg, int64_t begin, int64_t end, int worker) {
    const struct pass *s = arg;
    const struct plan *p = &s->p;
    float *scratch = cpu_scratch(s->cpu, worker), *x = scratch + POINTS * LANE, *y = x + POINTS * p->xplane;
    for (int64_t chunk = begin; chunk < end; chunk++) {
        int64_t first = chunk * p->chunk, rows = p->rows - first < p->chunk ? p->rows - first : p->chunk;
        transform_rows(p->kernels, &s->x, first, rows, 0, rows, x, scratch);
        for (int64_t f = 0; f < POINTS; f++)
            for (int64_t o = 0; o < p->oblocks; o++)
                product(s, rows, x + f * p->xplane, s->weights + f * p->wplane + o * p->c * p->oblock,
                        y + f * p->yplane + o * rows * p->oblock);
        transform_rows(p->kernels, &s->y, first, rows, 0, rows, y, scratch);
    }
}

/* Rows begin .. end-1 of the chunk, both transforms. */
static void transform_both(const struct pass *s, int64_t first, int64_t rows, int64_t begin, int64_t end, float *x,
                           float *y, float *scratch) {
    transform_rows(s->p.kernels, &s->x, first, rows, begin, end, x, scratch);
    transform_rows(s->p.kernels, &s->y, first, rows, begin, end, y, scratch);
}

/* The kernel's gradient over `rows` rows: weights = (or += unless `fresh`) x^T dy, for products begin .. end-1, each of
 * one of the 36, one block of outputs and one of inputs. */
static void product_kernel(const struct pass *s, int64_t rows, const float *x, const float *y, float *weights,
                           bool fresh, int64_t begin, int64_t end) {
    const struct plan *p = &s->p;
    for (int64_t u = begin; u < end; u++) {
        int64_t i = u % p->cblocks, o = u / p->cblocks % p->oblocks, f = u / p->cblocks / p->oblocks;
        int64_t left = p->c - i * p->cblock;
        float *w = weights + f * p->wplane + (o * p->c + i * p->cblock) * p->oblock;
        struct cpu_tile t = {.rows = left < p->cblock ? left : p->cblock,
                             .columns = p->oblock,
                             .depth = rows,
                             .a = x + f * p->xplane + i * rows * p->cblock,
                             .row = s->by_one,
                             .step = s->by_cblock,
                             .b = y + f * p->yplane + o * rows * p->oblock,
                             .ldb = p->oblock,
                             .from = fresh ? NULL : w,
                             .c = w,
                             .ldc = p->oblock};
        p->kernels->tile(&t);
    }
}

static int64_t products(const struct plan *p) {
    return POINTS * p->oblocks * p->cblocks;
}

/* A segment of the rows, chunk by chunk, to its own part of the weights. */
static void segment_chunks(void *arg, int64_t begin, int64_t end, int worker) {
    const struct pass *s = arg;
    const struct plan *p = &s->p;
    float *scratch = cpu_scratch(s->cpu, worker), *x = scratch + POINTS * LANE, *y = x + POINTS * p->xplane;
    for (int64_t u = begin; u < end; u++) {
        int64_t start = u * p->segment, stop = start + p->segment < p->rows ? start + p->segment : p->rows;
        float *weights = s->weights + u * POINTS * p->wplane;
        if (start >= stop) memset(weights, 0, (size_t)(POINTS * p->wplane) * sizeof *weights);
        for (int64_t first = start; first < stop; first += p->chunk) {
            int64_t rows = stop - first < p->chunk ? stop - first : p->chunk;
            transform_both(s, first, rows, 0, rows, x, y, scratch);
            product_kernel(s, rows, x, y, weights, first == start, 0, products(p));
        }
    }
}

/* The segments' parts added to the first, in their order. */
static void add_segments(void *arg, int64_t begin, int64_t end, int worker) {
    (void)worker;
    const struct pass *s = arg;
    const struct plan *p = &s->p;
    for (int64_t u = 1; u < p->segments; u++) {
        float *sum = s->weights + begin * p->wplane, *part = sum + u * POINTS * p->wplane;
        p->kernels->sum_planes((end - begin) * p->wplane, sum, part, sum);
    }
}

/* One chunk after the other: its rows are shared among the threads, then its products. */
static void shared_rows(void *arg, int64_t begin, int64_t end, int worker) {
    const struct pass *s = arg;
    transform_both(s, s->first, s->rows, begin, end, s->xs, s->ys, cpu_scratch(s->cpu, worker));
}

static void shared_products(void *arg, int64_t begin, int64_t end, int worker) {
    (void)worker;
    const struct pass *s = arg;
    product_kernel(s, s->rows, s->xs, s->ys, s->weights, s->first == 0, begin, end);
}

/* ---- the passes --------------------------------------------------------------------------------------------------- */

/* The workspace's parts, in bytes from its start. */
struct layout {
    size_t weights, reversed, x, y, tables, bytes;
};

static size_t take(size_t *at, int64_t bytes) {
    size_t start = *at;
    *at += ((size_t)bytes + 63) / 64 * 64;
    return start;
}

static int64_t table_size(const struct plan *p) {
    return p->chunk > CPU_CONV_BLOCK ? p->chunk : CPU_CONV_BLOCK;
}

static struct layout layout(const struct plan *p, enum cpu_conv_pass pass) {
    struct layout l = {0};
    l.weights = take(&l.bytes, p->segments * POINTS * p->wplane * (int64_t)sizeof(float));
    if (pass == CPU_CONV_GRAD_INPUT) l.reversed = take(&l.bytes, TAPS * TAPS * p->c * p->o * (int64_t)sizeof(float));
    if (pass == CPU_CONV_GRAD_KERNEL && p->segments == 1) {
        l.x = take(&l.bytes, POINTS * p->xplane * (int64_t)sizeof(float));
        l.y = take(&l.bytes, POINTS * p->yplane * (int64_t)sizeof(float));
    }
    l.tables = take(&l.bytes, 2 * table_size(p) * (int64_t)sizeof(int64_t));
    return l;
}

static enum status open_pass(struct cpu *c, const struct cpu_conv *g, enum cpu_conv_pass pass, void *workspace,
                             const float *x, const float *y, struct pass *s, struct err *e) {
    const struct cpu_winograd *f = cpu_conv_kernels(c)->winograd;
    *s = (struct pass){.p = make_plan(cpu_conv_kernels(c), g, pass), .cpu = c};
    const struct plan *p = &s->p;
    bool kernel = pass == CPU_CONV_GRAD_KERNEL;
    bool shared = kernel && p->segments == 1;
    int64_t floats = POINTS * LANE + (shared ? 0 : POINTS * (p->xplane + p->yplane));
    if (cpu_scratch_reserve(c, (size_t)floats * sizeof(float), e)) return e->status;
    struct layout l = layout(p, pass);
    char *base = workspace;
    int64_t *by_one = (int64_t *)(base + l.tables), *by_cblock = by_one + table_size(p);
    for (int64_t i = 0; i < table_size(p); i++) by_one[i] = i, by_cblock[i] = i * p->cblock;
    s->by_one = by_one, s->by_cblock = by_cblock;
    s->weights = (float *)(base + l.weights), s->xs = (float *)(base + l.x), s->ys = (float *)(base + l.y);
    s->x = make_side(p, x, false), s->y = make_side(p, y, true);
    s->w = (struct side){.plane = p->wplane};
    s->x.transform = f->input;
    if (kernel)
        s->y.transform = f->gradient, s->w.inverse = f->taps;
    else
        s->y.inverse = f->output, s->w.transform = f->kernel;
    return OK;
}

static enum status correlate(struct cpu *c, struct pass *s, const float *w, struct err *e) {
    const struct plan *p = &s->p;
    s->kernel = (float *)w;
    if (threads_share(c->threads, p->c, 4, weights_chunk, s, e)) return e->status;
    const int64_t shape[4] = {p->n, p->oh, p->ow, p->o}, rows = p->tiles[0] * TILE, columns = p->tiles[1] * TILE;
    if (cpu_conv_clear_rim(c, s->y.grid.data, shape, rows, columns, e)) return e->status;
    return threads_for(c->threads, cpu_ceil_div(p->rows, p->chunk), 1, correlate_chunks, s, e);
}

static enum status forward(struct cpu *c, const struct cpu_conv *g, const void *x, const void *w, void *y,
                           void *workspace, struct err *e) {
    struct pass s;
    if (open_pass(c, g, CPU_CONV_FORWARD, workspace, x, y, &s, e)) return e->status;
    s.y.grid.finish = g->finish;
    return correlate(c, &s, w, e);
}

static enum status grad_input(struct cpu *c, const struct cpu_conv *g, const void *dy, const void *w, void *dx,
                              void *workspace, struct err *e) {
    struct pass s;
    if (open_pass(c, g, CPU_CONV_GRAD_INPUT, workspace, dy, dx, &s, e)) return e->status;
    float *reversed = (float *)((char *)workspace + layout(&s.p, CPU_CONV_GRAD_INPUT).reversed);
    if (cpu_conv_transpose(c, g, w, reversed, true, e)) return e->status;
    return correlate(c, &s, reversed, e);
}

static enum status grad_kernel(struct cpu *c, const struct cpu_conv *g, const void *x, const void *dy, void *dw,
                               void *workspace, struct err *e) {
    struct pass s;
    if (open_pass(c, g, CPU_CONV_GRAD_KERNEL, workspace, x, dy, &s, e)) return e->status;
    const struct plan *p = &s.p;
    if (p->segments > 1) {
        if (threads_for(c->threads, p->segments, 1, segment_chunks, &s, e) == OK)
            threads_for(c->threads, POINTS, 1, add_segments, &s, e);
    }
    for (; p->segments == 1 && s.first < p->rows && e->status == OK; s.first += p->chunk) {
        s.rows = p->rows - s.first < p->chunk ? p->rows - s.first : p->chunk;
        if (threads_share(c->threads, s.rows, 16, shared_rows, &s, e) == OK)
            threads_for(c->threads, products(p), 1, shared_products, &s, e);
    }
    s.kernel = dw;
    return e->status ? e->status : threads_share(c->threads, p->c, 4, weights_chunk, &s, e);
}

/* ---- the algorithm ------------------------------------------------------------------------------------------------ */

static bool supports(const struct cpu_conv *g, enum cpu_conv_pass pass) {
    (void)pass;
    bool plain = g->stride[0] == 1 && g->stride[1] == 1 && g->dilation[0] == 1 && g->dilation[1] == 1;
    bool fits = g->kh == TAPS && g->kw == TAPS && g->before[0] < TAPS && g->before[1] < TAPS;
    return g->dtype == DT_FLOAT32 && plain && fits && g->groups == 1 && !cpu_conv_is_empty(g);
}

/* The products, tiles of 16 channels transformed and back, images in and out, and the kernel's transform, which for its
 * gradient goes over partial sums. */
static double cost(const struct cpu *c, const struct cpu_conv *g, enum cpu_conv_pass pass) {
    struct plan p = make_plan(cpu_conv_kernels(c), g, pass);
    double slow = 16.0 / p.kernels->lanes, rows = (double)p.rows;
    double in = (double)cpu_ceil_div(p.c, LANE), out = (double)cpu_ceil_div(p.o, LANE);
    double product = POINTS * rows * (double)(p.c * p.oblocks * p.oblock) / 133;
    double images = 0.3 * (cpu_conv_inputs(g) + cpu_conv_outputs(g));
    double weights = (pass == CPU_CONV_GRAD_KERNEL ? 7.7 : 2.4) * cpu_conv_weights(g);
    return slow * (product + rows * (44 * in + 34 * out)) + images + weights + 40000;
}

static size_t workspace(const struct cpu *c, const struct cpu_conv *g, enum cpu_conv_pass pass) {
    struct plan p = make_plan(cpu_conv_kernels(c), g, pass);
    return layout(&p, pass).bytes;
}

static bool pools(const struct cpu *c, const struct cpu_conv *g, enum cpu_conv_pass pass) {
    struct plan p = make_plan(cpu_conv_kernels(c), g, pass);
    return cpu_conv_tiles_pool(g, pass, (int64_t[]){TILE, TILE}, p.tiles);
}

const struct cpu_conv_algorithm cpu_conv_winograd = {
    .name = "winograd",
    .supports = supports,
    .cost = cost,
    .workspace = workspace,
    .pass = {forward, grad_input, grad_kernel},
    .pools = pools,
    .finishes = true,
};
