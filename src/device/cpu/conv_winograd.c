/* Convolution with 3 x 3 kernels by Winograd's minimal filtering: F(4 x 4, 3 x 3), 36 products for 16 outputs instead of 144,
 * F(6 x 6, 3 x 3), 64 for 36 instead of 324, or F(8 x 8, 3 x 3), 118 for 64 instead of 576. Invariant: results depend on the
 * geometry and the instruction set alone, and stand within 1e-5 of the largest sum of products.
 *
 * An image is cut into tiles of outputs; the transform of a tile's inputs has a number for each of some points and each
 * channel, and for each point a matrix product mixes the channels. The input gradient is the same with the kernel reversed
 * and transposed; the kernel gradient is F(3 x 3, tile x tile) of x and dy, summed over tiles (isa/winograd*.c).
 * Layout of a transform: [point][block of channels][row][channel in block]; a row is one tile of one image. */
#include "device/cpu/conv_winograd.h"

#include "base/cancel.h"

enum { LANE = CPU_CONV_LANE, TAPS = 3 };
enum { MAX_GRID = 10, PATCH_FLOATS = MAX_GRID * MAX_GRID * LANE };
enum { CACHED_FLOATS = 1 << 17 }; /* weights' transforms that stay in a core's cache */

static struct winograd_plan plan_of(const struct cpu *c, const struct cpu_conv *g, enum cpu_conv_pass pass) {
    struct winograd_plan p;
    double ns;
    cpu_winograd_plan(c, g, pass, &p, &ns);
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

static struct side make_side(const struct winograd_plan *p, const float *data, bool output) {
    const int64_t tile = p->form->tile, limit = output ? tile : tile + TAPS - 1;
    struct side s = {.block = output ? p->oblock : p->cblock, .plane = output ? p->yplane : p->xplane};
    s.grid = (struct cpu_conv_grid){.data = (float *)data,
                                    .n = p->n,
                                    .h = output ? p->oh : p->h,
                                    .w = output ? p->ow : p->w,
                                    .c = output ? p->o : p->c,
                                    .tile = {tile, tile},
                                    .tiles = {p->tiles[0], p->tiles[1]},
                                    .limit = {limit, limit},
                                    .stream = output && cpu_conv_streams(data, p->n * p->oh * p->ow, p->o),
                                    .pool = output ? p->ypool : p->xpool};
    for (int a = 0; a < 2 && !output; a++) s.grid.before[a] = p->before[a];
    return s;
}

/* One vector of channels of a patch, of which `used` are real, to or from its place among the planes. */
static void transform_lanes(const struct cpu_conv_kernels *k, const struct side *s, struct cpu_conv_patch *g, int used,
                            float *place, float *scratch) {
    const bool straight = s->inverse && used == k->lanes && !g->pooled; /* it is finished on the way */
    struct cpu_conv_patch room, *at = g;
    if (!straight) at = cpu_conv_patch_enter(k, g, used, MAX_GRID, scratch, s->inverse != NULL, &room);
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
    if (s->inverse && s->grid.stream) k->stream_end();
}

/* A segment's rows, of which it has some (SEGMENT_ROWS are more than SEGMENTS), and its part of the weights. */
struct segment {
    int64_t start, stop;
    float *weights;
};

/* Everything that the chunks of a pass share. */
struct pass {
    struct winograd_plan p;
    struct side x, y, w; /* w: the taps of an input channel are a patch; its grid is not used */
    float *kernel;       /* (3, 3, c, o) */
    float *weights;      /* its transform, [point][block][c][channel in block] */
    float *xs, *ys;      /* of a chunk that the threads share: the transforms of `rows` rows from `first` on */
    int64_t first, rows;
    struct segment segment; /* that it is part of, of a kernel's gradient */
    const int64_t *by_one, *by_cblock;
    const struct cpu *cpu;
    _Atomic(bool) cancelled; /* a segment was left unfinished */
};

/* The transform of the kernel, or back from it, for input channels begin .. end-1. */
static void weights_chunk(void *arg, int64_t begin, int64_t end, int worker) {
    const struct pass *s = arg;
    const struct winograd_plan *p = &s->p;
    const int lanes = p->kernels->lanes;
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
    const int64_t all = s->p.form->points * s->p.wplane;
    if (all <= CACHED_FLOATS) return NULL;
    return w + floats + CPU_WINOGRAD_PAD < s->weights + all ? w + floats : s->weights;
}

/* y = x w for one of the points and one block of outputs; the depth runs over the blocks of inputs. */
static void product(const struct pass *s, int64_t rows, const float *x, const float *w, float *y) {
    const struct winograd_plan *p = &s->p;
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

/* One of the points, all blocks of outputs. */
static void product_point(const struct pass *s, int64_t rows, int64_t f, const float *x, float *y) {
    const struct winograd_plan *p = &s->p;
    for (int64_t o = 0; o < p->oblocks; o++)
        product(s, rows, x + f * p->xplane, s->weights + f * p->wplane + o * p->c * p->oblock,
                y + f * p->yplane + o * rows * p->oblock);
}

/* The rows of the chunk that begins with row `first`, before row `stop`. */
static int64_t chunk_rows(const struct winograd_plan *p, int64_t first, int64_t stop) {
    return stop - first < p->chunk ? stop - first : p->chunk;
}

/* A chunk of rows from x to y: nothing leaves the core's cache in between. */
static void correlate_rows(void *arg, int64_t begin, int64_t end, int worker) {
    const struct pass *s = arg;
    const struct winograd_plan *p = &s->p;
    const int64_t rows = end - begin;
    float *scratch = cpu_scratch(s->cpu, worker), *x = scratch + PATCH_FLOATS, *y = x + p->form->points * p->xplane;
    transform_rows(p->kernels, &s->x, begin, rows, 0, rows, x, scratch);
    for (int64_t f = 0; f < p->form->points; f++) product_point(s, rows, f, x, y);
    transform_rows(p->kernels, &s->y, begin, rows, 0, rows, y, scratch);
}

/* The kernel's gradient over `rows` rows: weights = (or += unless `fresh`) x^T dy, for products begin .. end-1, each of
 * one of the points, one block of outputs and one of inputs. */
static void product_kernel(const struct pass *s, int64_t rows, const float *x, const float *y, float *weights,
                           bool fresh, int64_t begin, int64_t end) {
    const struct winograd_plan *p = &s->p;
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

static int64_t products(const struct winograd_plan *p) {
    return p->form->points * p->oblocks * p->cblocks;
}

static struct segment open_segment(const struct pass *s, int64_t u) {
    const struct winograd_plan *p = &s->p;
    const int64_t start = u * p->segment, stop = start + p->segment;
    return (struct segment){start, stop < p->rows ? stop : p->rows, s->weights + u * p->form->points * p->wplane};
}

/* Segments of a thread's own, chunk by chunk. */
static void segment_chunks(void *arg, int64_t begin, int64_t end, int worker) {
    struct pass *s = arg;
    const struct winograd_plan *p = &s->p;
    float *scratch = cpu_scratch(s->cpu, worker), *x = scratch + PATCH_FLOATS, *y = x + p->form->points * p->xplane;
    for (int64_t u = begin; u < end; u++) {
        const struct segment g = open_segment(s, u);
        for (int64_t first = g.start; first < g.stop; first += p->chunk) {
            if (first > g.start && cancel_requested()) {
                s->cancelled = true;
                return;
            }
            const int64_t rows = chunk_rows(p, first, g.stop);
            transform_rows(p->kernels, &s->x, first, rows, 0, rows, x, scratch);
            transform_rows(p->kernels, &s->y, first, rows, 0, rows, y, scratch);
            product_kernel(s, rows, x, y, g.weights, first == g.start, 0, products(p));
        }
    }
}

/* The segments' parts added to the first, in their order. */
static void add_segments(void *arg, int64_t begin, int64_t end, int worker) {
    (void)worker;
    const struct pass *s = arg;
    const struct winograd_plan *p = &s->p;
    for (int64_t u = 1; u < p->segments; u++) {
        float *sum = s->weights + begin * p->wplane, *part = sum + u * p->form->points * p->wplane;
        p->kernels->sum_planes((end - begin) * p->wplane, sum, part, sum);
    }
}

/* One chunk after the other: its rows are shared among the threads, then its products. */
static void shared_input(void *arg, int64_t begin, int64_t end, int worker) {
    const struct pass *s = arg;
    transform_rows(s->p.kernels, &s->x, s->first, s->rows, begin, end, s->xs, cpu_scratch(s->cpu, worker));
}

static void shared_output(void *arg, int64_t begin, int64_t end, int worker) {
    const struct pass *s = arg;
    transform_rows(s->p.kernels, &s->y, s->first, s->rows, begin, end, s->ys, cpu_scratch(s->cpu, worker));
}

static void open_chunk(struct pass *s, int64_t first, int64_t stop) {
    s->first = first;
    s->rows = chunk_rows(&s->p, first, stop);
}

/* One of these two, of the open chunk. */
static enum status shared_rows(struct cpu *c, struct pass *s, threads_fn *transform, struct err *e) {
    return threads_share(c->threads, s->rows, 1, 4, transform, s, e);
}

static void shared_correlate(void *arg, int64_t begin, int64_t end, int worker) {
    (void)worker;
    const struct pass *s = arg;
    for (int64_t f = begin; f < end; f++) product_point(s, s->rows, f, s->xs, s->ys);
}

static void shared_kernel(void *arg, int64_t begin, int64_t end, int worker) {
    (void)worker;
    const struct pass *s = arg;
    product_kernel(s, s->rows, s->xs, s->ys, s->segment.weights, s->first == s->segment.start, begin, end);
}

static enum status shared_segment(struct cpu *c, struct pass *s, int64_t u, struct err *e) {
    const struct segment g = s->segment = open_segment(s, u);
    for (int64_t first = g.start; first < g.stop && e->status == OK; first += s->p.chunk) {
        open_chunk(s, first, g.stop);
        if (shared_rows(c, s, shared_input, e) == OK && shared_rows(c, s, shared_output, e) == OK)
            threads_for(c->threads, products(&s->p), 1, shared_kernel, s, e);
    }
    return e->status;
}

/* ---- the passes --------------------------------------------------------------------------------------------------- */

/* The workspace's parts, in bytes from its start. */
struct layout {
    size_t weights, reversed, x, y, tables, bytes;
};

static int64_t table_size(const struct winograd_plan *p) {
    return p->chunk > CPU_CONV_BLOCK ? p->chunk : CPU_CONV_BLOCK;
}

static struct layout layout(const struct winograd_plan *p, enum cpu_conv_pass pass) {
    struct layout l = {0};
    l.weights = cpu_conv_take(&l.bytes, p->segments * p->form->points * p->wplane * (int64_t)sizeof(float));
    if (pass == CPU_CONV_GRAD_INPUT)
        l.reversed = cpu_conv_take(&l.bytes, TAPS * TAPS * p->c * p->o * (int64_t)sizeof(float));
    if (p->shared) {
        l.x = cpu_conv_take(&l.bytes, p->form->points * p->xplane * (int64_t)sizeof(float));
        l.y = cpu_conv_take(&l.bytes, p->form->points * p->yplane * (int64_t)sizeof(float));
    }
    l.tables = cpu_conv_take(&l.bytes, 2 * table_size(p) * (int64_t)sizeof(int64_t));
    return l;
}

static enum status open_pass(struct cpu *c, const struct cpu_conv *g, enum cpu_conv_pass pass, void *workspace,
                             const float *x, const float *y, struct pass *s, struct err *e) {
    *s = (struct pass){.p = plan_of(c, g, pass), .cpu = c};
    const struct winograd_plan *p = &s->p;
    const struct cpu_winograd *f = p->form;
    bool kernel = pass == CPU_CONV_GRAD_KERNEL;
    int64_t floats = PATCH_FLOATS + (p->shared ? 0 : p->form->points * (p->xplane + p->yplane));
    if (cpu_scratch_reserve(c, (size_t)floats * sizeof(float), e)) return e->status;
    struct layout l = layout(p, pass);
    char *base = workspace;
    int64_t *by_one = (int64_t *)(base + l.tables), *by_cblock = by_one + table_size(p);
    for (int64_t i = 0; i < table_size(p); i++) by_one[i] = i, by_cblock[i] = i * p->cblock;
    s->by_one = by_one, s->by_cblock = by_cblock;
    s->weights = (float *)(base + l.weights), s->xs = (float *)(base + l.x), s->ys = (float *)(base + l.y);
    s->x = make_side(p, x, false), s->y = make_side(p, y, true);
    s->y.grid.finish = g->finish;
    s->w = (struct side){.plane = p->wplane};
    s->x.transform = f->input;
    if (kernel)
        s->y.transform = f->gradient, s->w.inverse = f->taps;
    else
        s->y.inverse = f->output, s->w.transform = f->kernel;
    return OK;
}

static enum status correlate(struct cpu *c, struct pass *s, const float *w, struct err *e) {
    const struct winograd_plan *p = &s->p;
    s->kernel = (float *)w;
    if (threads_share(c->threads, p->c, 1, 4, weights_chunk, s, e)) return e->status;
    const int64_t shape[4] = {p->n, p->oh, p->ow, p->o}, rows = p->tiles[0] * p->form->tile,
                  columns = p->tiles[1] * p->form->tile;
    if (cpu_conv_clear_rim(c, s->y.grid.data, shape, rows, columns, e)) return e->status;
    if (!p->shared) return threads_for(c->threads, p->rows, p->chunk, correlate_rows, s, e);
    for (int64_t first = 0; first < p->rows && e->status == OK; first += p->chunk) {
        open_chunk(s, first, p->rows);
        if (shared_rows(c, s, shared_input, e) == OK &&
            threads_share(c->threads, p->form->points, 1, 1, shared_correlate, s, e) == OK)
            shared_rows(c, s, shared_output, e);
    }
    return e->status;
}

static enum status forward(struct cpu *c, const struct cpu_conv *g, const void *x, const void *w, void *y,
                           void *workspace, struct err *e) {
    struct pass s;
    if (open_pass(c, g, CPU_CONV_FORWARD, workspace, x, y, &s, e)) return e->status;
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
    const struct winograd_plan *p = &s.p;
    for (int64_t u = 0; p->shared && u < p->segments && e->status == OK; u++) shared_segment(c, &s, u, e);
    if (!p->shared && threads_for(c->threads, p->segments, 1, segment_chunks, &s, e) == OK && s.cancelled)
        return err_set(e, ERR_CANCELLED, "interrupted");
    if (p->segments > 1 && e->status == OK) threads_for(c->threads, p->form->points, 1, add_segments, &s, e);
    s.kernel = dw;
    return e->status ? e->status : threads_share(c->threads, p->c, 1, 4, weights_chunk, &s, e);
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
    struct winograd_plan p = plan_of(c, g, pass);
    return layout(&p, pass).bytes;
}

static bool pools(const struct cpu *c, const struct cpu_conv *g, enum cpu_conv_pass pass) {
    struct winograd_plan p = plan_of(c, g, pass);
    return cpu_conv_tiles_pool(g, pass, (int64_t[]){p.form->tile, p.form->tile}, p.tiles);
}

const struct cpu_conv_algorithm cpu_conv_winograd = {
    .name = "winograd",
    .supports = supports,
    .cost = cost,
    .workspace = workspace,
    .pass = {forward, grad_input, grad_kernel},
    .pools = pools,
    .finishes = {true, true},
};
