/* Convolution by Fourier transforms of whole small images or of tiles (overlap-save), and one complex matrix product for
 * each frequency by three real multiplications. Invariant: every result depends on the geometry and the instruction set
 * alone, and stands within 1e-6 of the largest sum of products, which is closer than direct float32 summation.
 *
 * y[o] = sum_k x~[o + k] w[k], with x~ the input placed `before` positions into a grid of N: a circular correlation, so
 * Y^ = X^ conj(W^); the padding's zeros are shared between both ends, and N = H + 2 is enough for "same" 5 x 5. The kernel
 * gradient is sum over images of X^ conj(dY^), inverted at the kernel's positions. The input gradient is dY^ W^ where an
 * image is one tile, so that both gradients can share dY^; else the correlation of dy with the kernel reversed.
 * Layout of a spectrum: [frequency][block of channels][re, im][row][channel in block]; a row is one tile of one image. */
#include "device/cpu/conv.h"
#include "device/cpu/conv_kernels.h"
#include "device/cpu/conv_tiles.h"

#include <math.h>

enum { PLANE_PAD = 80, LANE = CPU_CONV_LANE, MAX_BLOCK = CPU_CONV_BLOCK };

/* Rows transformed at a time: as fast as 256 on a quiet machine, a twentieth faster on a busy one, a quarter of the memory. */
enum { MAX_ROWS = 64 };

/* A worker's chunk: what comes next is fetched early within it (a fifth of the passes' time). */
enum { ROWS = 8, FREQUENCIES = 6 };

/* A correlation of (images, h, w, c) with (kh, kw, c, o) to (images, oh, ow, o). */
struct fft_plan {
    const struct cpu_conv_kernels *kernels;
    const struct cpu_dft *dft;
    int64_t n, h, w, c, oh, ow, o, kh, kw, before[2];
    int64_t tile[2], tiles[2];                /* outputs a tile, tiles an image, by axis */
    int64_t rows, chunk;                      /* tiles of all images; how many are transformed at a time */
    int64_t cblock, cblocks, oblock, oblocks; /* channels a block, blocks */
    int64_t xplane, yplane, wplane;           /* floats from a real plane to its imaginary one */
    const struct cpu_conv_pool *xpool, *ypool;
    bool convolve;    /* not a correlation: y~ = sum_k x~[o - k] w[k], */
    int64_t after[2]; /* and y begins that far into its grid */
};

/* How an axis is cut for grids of n: outputs a tile (0: it cannot be). The kernel must fit in the grid, even where an image
 * is so small that its border never meets anything. A single tile needs no border of its own: the places that wrap around
 * must read zeros. */
static int64_t tile_size(int64_t n, int64_t in, int64_t out, int64_t k, int64_t before) {
    int64_t read = in < out + k - 1 - before ? in : out + k - 1 - before;
    if (n < k) return 0;
    return n >= before + read && n >= out + k - 1 - before && n >= out ? out : n - k + 1;
}

static int64_t plane(int64_t rows, int64_t block) {
    return rows * block + PLANE_PAD;
}

static void plan_sizes(struct fft_plan *p) {
    p->tiles[0] = cpu_ceil_div(p->oh, p->tile[0]), p->tiles[1] = cpu_ceil_div(p->ow, p->tile[1]);
    p->rows = p->n * p->tiles[0] * p->tiles[1];
    int64_t chunks = cpu_ceil_div(p->rows, MAX_ROWS);
    p->chunk = cpu_ceil_div(p->rows, chunks);
    p->cblock = cpu_conv_block(p->c), p->cblocks = cpu_ceil_div(p->c, p->cblock);
    p->oblock = cpu_conv_block(p->o), p->oblocks = cpu_ceil_div(p->o, p->oblock);
    p->xplane = plane(p->chunk, p->cblock);
    p->yplane = plane(p->chunk, p->oblock);
    p->wplane = plane(p->cblocks * p->cblock, p->oblock);
}

/* The products, and for a grid point of 16 channels the transforms: 4.8 ns forward and 7.7 ns back, most of it cache misses. */
static double plan_cost(const struct fft_plan *p, enum cpu_conv_pass pass) {
    double points = (double)p->dft->n * p->dft->n, slow = 16.0 / p->kernels->lanes, rows = (double)p->rows;
    double in = (double)cpu_ceil_div(p->c, LANE), out = (double)cpu_ceil_div(p->o, LANE);
    double product = 3.0 * p->dft->count * rows * (double)(p->cblocks * p->cblock * p->oblocks * p->oblock) / 146;
    double back = pass == CPU_CONV_GRAD_KERNEL ? 4.8 : 7.7, weights = pass == CPU_CONV_GRAD_KERNEL ? 7.7 : 4.8;
    return slow * (product + points * (rows * (4.8 * in + back * out) + weights * (double)p->c * out));
}

/* From the plan of a convolution of one tile an image, that of its input gradient: with the same spectrum of dy. */
static struct fft_plan backward_plan(const struct fft_plan *f) {
    struct fft_plan p = *f;
    p.h = f->oh, p.w = f->ow, p.c = f->o, p.oh = f->h, p.ow = f->w, p.o = f->c;
    p.tile[0] = p.oh, p.tile[1] = p.ow;
    p.convolve = true;
    for (int a = 0; a < 2; a++) p.before[a] = 0, p.after[a] = f->before[a];
    p.xpool = f->ypool, p.ypool = NULL;
    plan_sizes(&p);
    return p;
}

static bool is_whole(const struct fft_plan *p) {
    return p->tiles[0] == 1 && p->tiles[1] == 1;
}

/* The grid with the least cost; false where no size fits. */
static bool plan_grid(const struct cpu_conv_kernels *kernels, const struct cpu_conv *g, enum cpu_conv_pass pass,
                      struct fft_plan *best, double *cost) {
    bool back = pass == CPU_CONV_GRAD_INPUT;
    struct fft_plan p = {.kernels = kernels, .n = g->n, .kh = g->kh, .kw = g->kw};
    p.h = back ? g->oh : g->h, p.w = back ? g->ow : g->w, p.c = back ? g->o : g->c;
    p.oh = back ? g->h : g->oh, p.ow = back ? g->w : g->ow, p.o = back ? g->c : g->o;
    *(back ? &p.xpool : &p.ypool) = g->pool;
    for (int a = 0; a < 2; a++) p.before[a] = back ? (a ? g->kw : g->kh) - 1 - g->before[a] : g->before[a];
    *cost = INFINITY;
    for (p.dft = kernels->dft; p.dft->n; p.dft++) {
        p.tile[0] = tile_size(p.dft->n, p.h, p.oh, p.kh, p.before[0]);
        p.tile[1] = tile_size(p.dft->n, p.w, p.ow, p.kw, p.before[1]);
        if (p.tile[0] == 0 || p.tile[1] == 0) continue;
        plan_sizes(&p);
        double c = plan_cost(&p, pass);
        if (c < *cost) *cost = c, *best = p;
    }
    return *cost < INFINITY;
}

static bool plan_new(const struct cpu_conv_kernels *kernels, const struct cpu_conv *g, enum cpu_conv_pass pass,
                     struct fft_plan *best, double *cost) {
    struct fft_plan whole;
    if (pass != CPU_CONV_GRAD_INPUT || !plan_grid(kernels, g, CPU_CONV_GRAD_KERNEL, &whole, cost) || !is_whole(&whole))
        return plan_grid(kernels, g, pass, best, cost);
    *best = backward_plan(&whole);
    *cost = plan_cost(best, pass);
    return true;
}

/* ---- spectra ------------------------------------------------------------------------------------------------------ */

/* One of the images that rows are cut from, and its spectrum. */
struct fft_images {
    const struct fft_plan *p;
    struct cpu_conv_grid grid;
    int64_t block, plane;
    float *spectrum;
    int64_t first; /* the chunk's first row */
    char *scratch; /* of all workers, for channel counts that fill no vector */
    size_t scratch_bytes;
};

/* `used` channels of a patch to or from their spectrum at s. */
static void transform_vectors(const struct fft_plan *p, const struct cpu_conv_patch *g, int used, float *s,
                              int64_t stride, int64_t plane, float *scratch, bool inverse) {
    int n = p->dft->n, vectors = (used + p->kernels->lanes - 1) / p->kernels->lanes;
    struct cpu_conv_patch room;
    const struct cpu_conv_patch *at = cpu_conv_patch_enter(p->kernels, g, used, n, scratch, inverse, &room);
    if (inverse) {
        p->dft->inverse(at, vectors, s, stride, plane, 1.0f / (float)(n * n));
        cpu_conv_patch_leave(p->kernels, g, at, used);
    } else {
        p->dft->forward(at, vectors, s, stride, plane);
    }
}

/* One row's vectors of the block of channels that starts at `first`. */
static void row_transform(const struct fft_images *m, int64_t r, int64_t first, float *scratch, bool inverse) {
    const struct fft_plan *p = m->p;
    int64_t left = m->grid.c - first < m->block ? m->grid.c - first : m->block;
    int64_t stride = cpu_ceil_div(m->grid.c, m->block) * 2 * m->plane;
    float *s = m->spectrum + first / m->block * 2 * m->plane + r * m->block;
    struct cpu_conv_windows windows;
    struct cpu_conv_patch g = cpu_conv_patch(&m->grid, m->first + r, inverse, &windows);
    cpu_conv_patch_advance(&g, first);
    for (int64_t i = 0; i < left; i += CPU_DFT_CHANNELS, s += CPU_DFT_CHANNELS) {
        int used = left - i < CPU_DFT_CHANNELS ? (int)(left - i) : CPU_DFT_CHANNELS;
        transform_vectors(p, &g, used, s, stride, m->plane, scratch, inverse);
        cpu_conv_patch_advance(&g, used);
    }
}

/* Block by block: the next row's numbers then lie behind this one's in every frequency, where they are fetched early. */
static void images_transform(const struct fft_images *m, int64_t begin, int64_t end, int worker, bool inverse) {
    float *scratch = (float *)(m->scratch + m->scratch_bytes * (size_t)worker);
    for (int64_t first = 0; first < m->grid.c; first += m->block)
        for (int64_t r = begin; r < end; r++) row_transform(m, r, first, scratch, inverse);
    m->p->kernels->stream_end();
}

static void images_forward(void *arg, int64_t begin, int64_t end, int worker) {
    images_transform(arg, begin, end, worker, false);
}

static void images_inverse(void *arg, int64_t begin, int64_t end, int worker) {
    images_transform(arg, begin, end, worker, true);
}

static struct fft_images input_images(const struct fft_plan *p, const float *x, float *spectrum) {
    int n = p->dft->n;
    struct cpu_conv_grid grid = {.data = (float *)x,
                                 .n = p->n,
                                 .h = p->h,
                                 .w = p->w,
                                 .c = p->c,
                                 .tile = {p->tile[0], p->tile[1]},
                                 .tiles = {p->tiles[0], p->tiles[1]},
                                 .before = {p->before[0], p->before[1]},
                                 .limit = {n, n},
                                 .pool = p->xpool};
    return (struct fft_images){.p = p, .grid = grid, .block = p->cblock, .plane = p->xplane, .spectrum = spectrum};
}

static struct fft_images output_images(const struct fft_plan *p, float *y, float *spectrum) {
    struct cpu_conv_grid grid = {.data = y,
                                 .n = p->n,
                                 .h = p->oh,
                                 .w = p->ow,
                                 .c = p->o,
                                 .tile = {p->tile[0], p->tile[1]},
                                 .tiles = {p->tiles[0], p->tiles[1]},
                                 .before = {p->after[0], p->after[1]},
                                 .limit = {p->tile[0] + p->after[0], p->tile[1] + p->after[1]},
                                 .stream = cpu_conv_streams(y, p->n * p->oh * p->ow, p->o),
                                 .pool = p->ypool};
    return (struct fft_images){.p = p, .grid = grid, .block = p->oblock, .plane = p->yplane, .spectrum = spectrum};
}

/* The kernel's spectrum, for each input channel a row. */
struct fft_weights {
    const struct fft_plan *p;
    float *w; /* (kh, kw, c, o) */
    float *spectrum;
    char *scratch;
    size_t scratch_bytes;
};

static void weights_transform(const struct fft_weights *m, int64_t begin, int64_t end, int worker, bool inverse) {
    const struct fft_plan *p = m->p;
    int64_t stride = p->oblocks * 2 * p->wplane;
    float *scratch = (float *)(m->scratch + m->scratch_bytes * (size_t)worker);
    for (int64_t c = begin; c < end; c++) {
        struct cpu_conv_patch g = {.x = m->w + c * p->o,
                                   .row_stride = p->kw * p->c * p->o,
                                   .column_stride = p->c * p->o,
                                   .bottom = (int)p->kh,
                                   .right = (int)p->kw};
        for (int64_t o = 0, next; o < p->o; o = next) {
            /* No further than the block. */
            next = o + CPU_DFT_CHANNELS < o / p->oblock * p->oblock + p->oblock ? o + CPU_DFT_CHANNELS
                                                                                : (o / p->oblock + 1) * p->oblock;
            if (next > p->o) next = p->o;
            float *s = m->spectrum + o / p->oblock * 2 * p->wplane + c * p->oblock + o % p->oblock;
            transform_vectors(p, &g, (int)(next - o), s, stride, p->wplane, scratch, inverse);
            cpu_conv_patch_advance(&g, next - o);
        }
    }
    p->kernels->stream_end();
}

static void weights_forward(void *arg, int64_t begin, int64_t end, int worker) {
    weights_transform(arg, begin, end, worker, false);
}

static void weights_inverse(void *arg, int64_t begin, int64_t end, int worker) {
    weights_transform(arg, begin, end, worker, true);
}

/* ---- products ----------------------------------------------------------------------------------------------------- */

/* One chunk's products: y^ = x^ conj(w^) (or x^ w^), or w^ += x^T conj(y^). */
struct fft_product {
    const struct fft_plan *p;
    const float *x;
    float *w, *y;
    int64_t rows;
    bool first; /* of the chunks that a kernel gradient sums */
    const int64_t *by_one, *by_cblock;
    char *scratch;
    size_t scratch_bytes;
};

/* Per worker: the sum plane of x (all blocks), the first product, the two difference planes of the other operand. */
static size_t product_scratch(const struct fft_plan *p) {
    int64_t c = p->cblocks * p->cblock, most = c > p->chunk ? c : p->chunk;
    int64_t grid = (int64_t)p->dft->n * p->dft->n * CPU_DFT_CHANNELS;
    int64_t floats = p->chunk * c + 3 * most * p->oblock + 2 * p->cblock * p->oblock;
    return (size_t)(floats > grid ? floats : grid) * sizeof(float);
}

/* re, im = a conj(b) for one frequency and one block of outputs; a's depth runs over `steps` blocks. The three products:
 * t = (ar + ai) br; im = t - ar (br + bi); re = t + ai (bi - br). */
struct conjugate_product {
    struct cpu_tile tile;
    const float *sum, *ar, *ai; /* planes of a */
    const float *br, *d1, *d2;  /* planes of b */
    float *t, *re, *im;
    const float
        *ahead[3]; /* with each product for each block of depth some more of what comes next: x, the other, NULL */
    int64_t ahead_step[3];
    int64_t depth, block, asum, aplanes, bblock; /* total depth, depth a block, distances between blocks of a and b */
};

static void conjugate_product(const struct fft_plan *p, const struct conjugate_product *c) {
    const float *a[3] = {c->sum, c->ar, c->ai}, *b[3] = {c->br, c->d1, c->d2};
    float *out[3] = {c->t, c->im, c->re};
    for (int m = 0; m < 3; m++) {
        struct cpu_tile t = c->tile;
        int64_t distance = m == 0 ? c->asum : c->aplanes;
        t.c = out[m];
        for (int64_t k = 0, i = 0; k < c->depth; k += c->block, i++) {
            t.depth = c->depth - k < c->block ? c->depth - k : c->block;
            t.a = a[m] + i * distance, t.b = b[m] + i * c->bblock;
            t.from = i > 0 ? t.c : m > 0 ? c->t : NULL;
            t.ahead = c->ahead[m] ? c->ahead[m] + i * c->ahead_step[m] : NULL;
            p->kernels->tile(&t);
        }
    }
}

static void product_sums(const struct fft_product *q, int64_t f, float *sum) {
    const struct fft_plan *p = q->p;
    const float *x = q->x + f * p->cblocks * 2 * p->xplane;
    for (int64_t i = 0; i < p->cblocks; i++, x += 2 * p->xplane)
        p->kernels->sum_planes(q->rows * p->cblock, x, x + p->xplane, sum + i * q->rows * p->cblock);
}

static void product_forward(void *arg, int64_t begin, int64_t end, int worker) {
    const struct fft_product *q = arg;
    const struct fft_plan *p = q->p;
    float *sum = (float *)(q->scratch + q->scratch_bytes * (size_t)worker);
    float *t = sum + q->rows * p->cblocks * p->cblock, *d1 = t + q->rows * p->oblock, *d2 = d1 + p->c * p->oblock;
    for (int64_t f = begin; f < end; f++) {
        const float *x = q->x + f * p->cblocks * 2 * p->xplane;
        product_sums(q, f, sum);
        for (int64_t o = 0; o < p->oblocks; o++) {
            const float *w = q->w + (f * p->oblocks + o) * 2 * p->wplane;
            float *y = q->y + (f * p->oblocks + o) * 2 * p->yplane;
            p->kernels->conjugate_planes(p->c * p->oblock, w, w + p->wplane, d1, d2);
            struct conjugate_product c = {.tile = {.rows = q->rows,
                                                   .columns = p->oblock,
                                                   .row = q->by_cblock,
                                                   .step = q->by_one,
                                                   .ldb = p->oblock,
                                                   .ldc = p->oblock},
                                          .sum = sum,
                                          .ar = x,
                                          .ai = x + p->xplane,
                                          .br = w,
                                          .d1 = p->convolve ? d2 : d1, /* those of conj(w) */
                                          .d2 = p->convolve ? d1 : d2,
                                          .t = t,
                                          .re = y,
                                          .im = y + p->yplane,
                                          .ahead = {o ? NULL : x + p->cblocks * 2 * p->xplane, w + 2 * p->wplane},
                                          .ahead_step = {2 * p->xplane, 2 * p->cblock * p->oblock},
                                          .depth = p->c,
                                          .block = p->cblock,
                                          .asum = q->rows * p->cblock,
                                          .aplanes = 2 * p->xplane,
                                          .bblock = p->cblock * p->oblock};
            conjugate_product(p, &c);
        }
    }
}

/* The kernel's gradient for one frequency: for each block of inputs, its channels times rows, on rows times outputs. */
static void product_kernel(void *arg, int64_t begin, int64_t end, int worker) {
    const struct fft_product *q = arg;
    const struct fft_plan *p = q->p;
    float *sum = (float *)(q->scratch + q->scratch_bytes * (size_t)worker);
    float *t = sum + q->rows * p->cblocks * p->cblock, *d1 = t + p->cblock * p->oblock, *d2 = d1 + q->rows * p->oblock;
    float *part = d2 + q->rows * p->oblock;
    int64_t area = p->cblock * p->oblock;
    for (int64_t f = begin; f < end; f++) {
        product_sums(q, f, sum);
        for (int64_t o = 0; o < p->oblocks; o++) {
            const float *y = q->y + (f * p->oblocks + o) * 2 * p->yplane;
            p->kernels->conjugate_planes(q->rows * p->oblock, y, y + p->yplane, d1, d2);
            for (int64_t i = 0; i < p->cblocks; i++) {
                const float *x = q->x + (f * p->cblocks + i) * 2 * p->xplane;
                float *w = q->w + (f * p->oblocks + o) * 2 * p->wplane + i * area;
                struct conjugate_product c = {
                    .tile = {.rows = p->c - i * p->cblock < p->cblock ? p->c - i * p->cblock : p->cblock,
                             .columns = p->oblock,
                             .row = q->by_one,
                             .step = q->by_cblock,
                             .ldb = p->oblock,
                             .ldc = p->oblock},
                    .sum = sum + i * q->rows * p->cblock,
                    .ar = x,
                    .ai = x + p->xplane,
                    .br = y,
                    .d1 = d1,
                    .d2 = d2,
                    .t = t,
                    .re = q->first ? w : part,
                    .im = q->first ? w + p->wplane : part + area,
                    .ahead = {o ? NULL : x + p->cblocks * 2 * p->xplane, i ? NULL : y + 2 * p->yplane},
                    .depth = q->rows,
                    .block = q->rows};
                conjugate_product(p, &c);
                if (q->first) continue;
                p->kernels->sum_planes(c.tile.rows * p->oblock, w, part, w);
                p->kernels->sum_planes(c.tile.rows * p->oblock, w + p->wplane, part + area, w + p->wplane);
            }
        }
    }
}

/* ---- the passes --------------------------------------------------------------------------------------------------- */

/* The workspace's parts, in bytes from its start. */
struct fft_layout {
    size_t x, y, w, kernel, tables, bytes;
};

static size_t take(size_t *at, int64_t bytes) {
    size_t start = *at;
    *at += ((size_t)bytes + 63) / 64 * 64;
    return start;
}

static int64_t table_size(const struct fft_plan *p) {
    return p->chunk + MAX_BLOCK;
}

static struct fft_layout layout(const struct fft_plan *p, enum cpu_conv_pass pass, bool own_x) {
    struct fft_layout l = {0};
    int64_t plane = p->dft->count * 2 * (int64_t)sizeof(float);
    if (own_x) l.x = take(&l.bytes, plane * p->cblocks * p->xplane);
    l.y = take(&l.bytes, plane * p->oblocks * p->yplane);
    l.w = take(&l.bytes, plane * p->oblocks * p->wplane);
    if (pass == CPU_CONV_GRAD_INPUT) l.kernel = take(&l.bytes, p->kh * p->kw * p->c * p->o * (int64_t)sizeof(float));
    l.tables = take(&l.bytes, 2 * table_size(p) * (int64_t)sizeof(int64_t));
    return l;
}

/* The plan and everything a pass needs in one place. */
struct fft_run {
    struct fft_plan plan;
    struct fft_images x, y;
    struct fft_weights w;
    struct fft_product q;
    struct fft_layout at;
};

/* Everything but the plan, at `workspace`; x: where another pass has its spectrum, or NULL. */
static void run_place(struct cpu *c, enum cpu_conv_pass pass, char *workspace, float *x, struct fft_run *r) {
    const struct fft_plan *p = &r->plan;
    r->at = layout(p, pass, !x);
    int64_t *by_one = (int64_t *)(workspace + r->at.tables), *by_cblock = by_one + table_size(p);
    for (int64_t i = 0; i < table_size(p); i++) by_one[i] = i, by_cblock[i] = i * p->cblock;
    r->q = (struct fft_product){.p = p,
                                .x = x ? x : (float *)(workspace + r->at.x),
                                .w = (float *)(workspace + r->at.w),
                                .y = (float *)(workspace + r->at.y),
                                .by_one = by_one,
                                .by_cblock = by_cblock,
                                .scratch = c->scratch,
                                .scratch_bytes = c->scratch_bytes};
}

static enum status run_open(struct cpu *c, const struct cpu_conv *g, enum cpu_conv_pass pass, void *workspace,
                            struct fft_run *r, struct err *e) {
    double cost;
    plan_new(cpu_conv_kernels(c), g, pass, &r->plan, &cost);
    if (cpu_scratch_reserve(c, product_scratch(&r->plan), e)) return e->status;
    run_place(c, pass, workspace, NULL, r);
    return OK;
}

static void run_images(struct fft_run *r, const struct cpu *c, const void *x, void *y) {
    r->x = input_images(&r->plan, x, (float *)r->q.x);
    r->y = output_images(&r->plan, y, r->q.y);
    r->w = (struct fft_weights){.p = &r->plan, .spectrum = r->q.w};
    r->x.scratch = r->y.scratch = r->w.scratch = c->scratch;
    r->x.scratch_bytes = r->y.scratch_bytes = r->w.scratch_bytes = c->scratch_bytes;
}

static void run_chunk(struct fft_run *r, int64_t first) {
    const struct fft_plan *p = &r->plan;
    r->x.first = r->y.first = first;
    r->q.rows = p->rows - first < p->chunk ? p->rows - first : p->chunk;
    r->q.first = first == 0;
}

/* y = x correlated with w (kh, kw, c, o), all as the plan has them. */
static enum status correlate(struct cpu *c, struct fft_run *r, const void *x, const void *w, void *y, struct err *e) {
    const struct fft_plan *p = &r->plan;
    run_images(r, c, x, y);
    r->w.w = (float *)w;
    enum status s = threads_for(c->threads, p->c, 4, weights_forward, &r->w, e);
    for (int64_t first = 0; s == OK && first < p->rows; first += p->chunk) {
        run_chunk(r, first);
        s = threads_for(c->threads, r->q.rows, ROWS, images_forward, &r->x, e);
        if (s == OK) s = threads_for(c->threads, p->dft->count, FREQUENCIES, product_forward, &r->q, e);
        if (s == OK) s = threads_for(c->threads, r->q.rows, ROWS, images_inverse, &r->y, e);
    }
    return s;
}

static enum status forward(struct cpu *c, const struct cpu_conv *g, const void *x, const void *w, void *y,
                           void *workspace, struct err *e) {
    struct fft_run r;
    if (run_open(c, g, CPU_CONV_FORWARD, workspace, &r, e)) return e->status;
    return correlate(c, &r, x, w, y, e);
}

static enum status grad_input(struct cpu *c, const struct cpu_conv *g, const void *dy, const void *w, void *dx,
                              void *workspace, struct err *e) {
    struct fft_run r;
    if (run_open(c, g, CPU_CONV_GRAD_INPUT, workspace, &r, e)) return e->status;
    float *reversed = (float *)((char *)workspace + r.at.kernel);
    if (cpu_conv_transpose(c, g, w, reversed, !r.plan.convolve, e)) return e->status;
    return correlate(c, &r, dy, reversed, dx, e);
}

static enum status grad_kernel(struct cpu *c, const struct cpu_conv *g, const void *x, const void *dy, void *dw,
                               void *workspace, struct err *e) {
    struct fft_run r;
    if (run_open(c, g, CPU_CONV_GRAD_KERNEL, workspace, &r, e)) return e->status;
    const struct fft_plan *p = &r.plan;
    run_images(&r, c, x, (void *)dy);
    enum status s = OK;
    for (int64_t first = 0; s == OK && first < p->rows; first += p->chunk) {
        run_chunk(&r, first);
        s = threads_for(c->threads, r.q.rows, ROWS, images_forward, &r.x, e);
        if (s == OK) s = threads_for(c->threads, r.q.rows, ROWS, images_forward, &r.y, e);
        if (s == OK) s = threads_for(c->threads, p->dft->count, FREQUENCIES, product_kernel, &r.q, e);
    }
    r.w.w = dw;
    return s ? s : threads_for(c->threads, p->c, 4, weights_inverse, &r.w, e);
}

/* Both gradients chunk by chunk, from one spectrum of dy. */
static enum status gradients(struct cpu *c, const struct cpu_conv *g, const struct cpu_conv_gradients *o,
                             void *workspace, struct err *e) {
    struct fft_run k, i; /* of the kernel and of the input */
    double cost;
    plan_new(cpu_conv_kernels(c), g, CPU_CONV_GRAD_KERNEL, &k.plan, &cost);
    i.plan = backward_plan(&k.plan);
    if (cpu_scratch_reserve(c, product_scratch(&k.plan), e) || cpu_scratch_reserve(c, product_scratch(&i.plan), e))
        return e->status;
    run_place(c, CPU_CONV_GRAD_KERNEL, workspace, NULL, &k);
    run_place(c, CPU_CONV_GRAD_INPUT, (char *)workspace + k.at.bytes, k.q.y, &i);
    run_images(&k, c, o->x, (void *)o->dy);
    run_images(&i, c, o->dy, o->dx);
    k.w.w = o->dkernel;
    i.w.w = (float *)((char *)workspace + k.at.bytes + i.at.kernel);
    if (cpu_conv_transpose(c, g, o->kernel, i.w.w, false, e)) return e->status;
    enum status s = threads_for(c->threads, i.plan.c, 4, weights_forward, &i.w, e);
    for (int64_t first = 0; s == OK && first < k.plan.rows; first += k.plan.chunk) {
        run_chunk(&k, first);
        run_chunk(&i, first);
        s = threads_for(c->threads, k.q.rows, ROWS, images_forward, &k.y, e);
        if (s == OK) s = threads_for(c->threads, k.plan.dft->count, FREQUENCIES, product_forward, &i.q, e);
        if (s == OK) s = threads_for(c->threads, k.q.rows, ROWS, images_inverse, &i.y, e);
        if (s == OK) s = threads_for(c->threads, k.q.rows, ROWS, images_forward, &k.x, e);
        if (s == OK) s = threads_for(c->threads, k.plan.dft->count, FREQUENCIES, product_kernel, &k.q, e);
    }
    return s ? s : threads_for(c->threads, k.plan.c, 4, weights_inverse, &k.w, e);
}

/* ---- the algorithm ------------------------------------------------------------------------------------------------ */

static bool supports(const struct cpu_conv *g, enum cpu_conv_pass pass) {
    (void)pass;
    bool plain = g->stride[0] == 1 && g->stride[1] == 1 && g->dilation[0] == 1 && g->dilation[1] == 1;
    bool fits = g->kh <= 9 && g->kw <= 9 && g->before[0] < g->kh && g->before[1] < g->kw;
    return g->dtype == DT_FLOAT32 && plain && fits && g->groups == 1 && !cpu_conv_is_empty(g);
}

static double cost(const struct cpu *c, const struct cpu_conv *g, enum cpu_conv_pass pass) {
    struct fft_plan p;
    double ns;
    plan_new(cpu_conv_kernels(c), g, pass, &p, &ns);
    return ns + 0.4 * (cpu_conv_inputs(g) + cpu_conv_outputs(g)) + 0.5 * cpu_conv_weights(g) + 50000;
}

static size_t workspace(const struct cpu *c, const struct cpu_conv *g, enum cpu_conv_pass pass) {
    struct fft_plan p;
    double ns;
    return plan_new(cpu_conv_kernels(c), g, pass, &p, &ns) ? layout(&p, pass, true).bytes : 0;
}

static size_t gradients_workspace(const struct cpu *c, const struct cpu_conv *g) {
    struct fft_plan p, back;
    double ns;
    if (!plan_new(cpu_conv_kernels(c), g, CPU_CONV_GRAD_KERNEL, &p, &ns) || !is_whole(&p)) return 0;
    back = backward_plan(&p);
    return layout(&p, CPU_CONV_GRAD_KERNEL, true).bytes + layout(&back, CPU_CONV_GRAD_INPUT, false).bytes;
}

static bool pools(const struct cpu *c, const struct cpu_conv *g, enum cpu_conv_pass pass) {
    struct fft_plan p;
    double ns;
    return plan_new(cpu_conv_kernels(c), g, pass, &p, &ns) && cpu_conv_tiles_pool(g, pass, p.tile, p.tiles);
}

const struct cpu_conv_algorithm cpu_conv_fft = {
    .name = "fft",
    .supports = supports,
    .cost = cost,
    .workspace = workspace,
    .pass = {forward, grad_input, grad_kernel},
    .pools = pools,
    .gradients = gradients,
    .gradients_workspace = gradients_workspace,
};
