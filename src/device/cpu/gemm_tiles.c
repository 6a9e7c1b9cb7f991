/* Invariant: each element's sum depends on k alone, not on the grid of units: one thread computes the same bits as many. B
 * is laid out in strips of COLUMNS that stay in the cache, A is read where it lies: of the products of a dense layer with
 * 128 rows this takes 3/4 of OpenBLAS 0.3.21's time with AVX-512, but for small products more. */
#include "device/cpu/gemm_tiles.h"

#include "base/cancel.h"
#include "device/cpu/conv_kernels.h"

enum {
    COLUMNS = 64,   /* of a strip */
    DEPTH = 128,    /* of k at a time: a packed strip is 32 kB */
    ROWS = 96,      /* of a unit at least, where there are as many units without */
    FEW = 24,       /* likewise where threads would go without: packing is then an eighth of the work */
    TILE = 12,      /* a multiple of every tile's rows */
    UNITS = 32,     /* that are enough to keep a few threads busy */
    LANE = 16,      /* the tile's columns come in as many */
    SHORT = 16,     /* a side below which packing does not pay, */
    NARROW = 8,     /* but of few columns, as a classifier's last layer has (10: 128 x 1600 in 44 us, not 60) */
    THIN = 64,      /* and k */
    SMALL = 1 << 20 /* multiplications, likewise */
};

struct products {
    struct cpu *c;
    const struct cpu_gemm *g;
    const struct cpu_gemm_stack *stack;
    const struct cpu_conv_kernels *kernels;
    int64_t rows, nrow, nstrip; /* of a unit; units down and across one product */
    _Atomic(bool) cancelled;
};

/* A worker's scratch. */
struct room {
    int64_t *row, *step;
    float *strip, *edge; /* DEPTH x COLUMNS; rows x COLUMNS */
};

bool cpu_gemm_tiles_suit(const struct cpu *c, const struct cpu_gemm *g) {
    const bool narrow = !g->transpose_a && g->n >= NARROW && g->n < SHORT;
    return g->dtype == DT_FLOAT32 && cpu_conv_kernels(c)->lanes >= 8 && !g->accumulate && g->m >= SHORT &&
           (g->n >= SHORT || narrow) && g->k >= THIN && g->m * g->n * g->k >= SMALL / (narrow ? 2 : 1);
}

static size_t scratch_bytes(const struct products *p) {
    return (size_t)(p->rows + DEPTH) * sizeof(int64_t) + (size_t)((DEPTH + p->rows) * COLUMNS) * sizeof(float) + 64;
}

static struct room take_room(const struct products *p, int worker) {
    struct room r;
    r.strip = cpu_scratch(p->c, worker);
    r.edge = r.strip + DEPTH * COLUMNS;
    r.row = (int64_t *)(r.edge + p->rows * COLUMNS);
    r.step = r.row + p->rows;
    return r;
}

/* Unit u: some rows of one product, one strip of its columns, block by block of k. */
static void run_unit(struct products *p, int64_t u, const struct room *r) {
    struct cpu_gemm g = *p->g;
    if (p->stack) cpu_gemm_place(&g, p->stack, u / p->nstrip / p->nrow);
    const int64_t i = u / p->nstrip % p->nrow * p->rows, j = u % p->nstrip * COLUMNS;
    const int64_t rows = g.m - i < p->rows ? g.m - i : p->rows, columns = g.n - j < COLUMNS ? g.n - j : COLUMNS;
    const int64_t wide = cpu_ceil_div(columns, LANE) * LANE;
    const float *a = (const float *)g.a + (g.transpose_a ? i : i * g.lda);
    const float *b = (const float *)g.b + (g.transpose_b ? j * g.ldb : j);
    float *c = (float *)g.c + i * g.ldc + j;
    struct cpu_tile t = {.rows = rows, .columns = wide, .row = r->row, .step = r->step, .b = r->strip, .ldb = wide};
    t.c = wide == columns ? c : r->edge;
    t.ldc = wide == columns ? g.ldc : wide;
    for (int64_t k = 0; k < rows; k++) r->row[k] = g.transpose_a ? k : k * g.lda;
    for (int64_t k = 0; k < DEPTH; k++) r->step[k] = g.transpose_a ? k * g.lda : k;
    for (int64_t k = 0; k < g.k; k += DEPTH) {
        t.depth = g.k - k < DEPTH ? g.k - k : DEPTH;
        t.a = a + (g.transpose_a ? k * g.lda : k);
        t.from = k ? t.c : NULL;
        if (g.transpose_b)
            p->kernels->pack_transposed(t.depth, columns, b + k, g.ldb, r->strip);
        else
            p->kernels->pack(t.depth, columns, b + k * g.ldb, g.ldb, r->strip);
        p->kernels->tile(&t);
        if (k + DEPTH < g.k && cancel_requested()) {
            p->cancelled = true;
            return;
        }
    }
    for (int64_t k = 0; wide != columns && k < rows; k++)
        for (int64_t l = 0; l < columns; l++) c[k * g.ldc + l] = r->edge[k * wide + l];
}

static void run_units(void *arg, int64_t begin, int64_t end, int worker) {
    struct products *p = arg;
    const struct room r = take_room(p, worker);
    for (int64_t u = begin; u < end; u++) run_unit(p, u, &r);
}

/* Blocks of rows, each of which packs B again: as few as keep the threads busy. No row's sums depend on its block. */
static int64_t choose_rows(const struct cpu *c, const struct cpu_gemm *g, int64_t strips) {
    const int64_t threads = threads_count(c->threads), units = 2 * threads > UNITS ? 2 * threads : UNITS;
    int64_t most = g->m / (strips < threads ? FEW : ROWS), blocks = cpu_ceil_div(units, strips);
    if (blocks > most) blocks = most > 1 ? most : 1;
    return cpu_ceil_div(cpu_ceil_div(g->m, blocks), TILE) * TILE;
}

enum status cpu_gemm_tiles(struct cpu *c, const struct cpu_gemm *g, const struct cpu_gemm_stack *stack, int64_t count,
                           struct err *e) {
    struct products p = {.c = c, .g = g, .stack = stack, .kernels = cpu_conv_kernels(c)};
    p.nstrip = cpu_ceil_div(g->n, COLUMNS);
    p.rows = choose_rows(c, g, p.nstrip * count);
    p.nrow = cpu_ceil_div(g->m, p.rows);
    if (cpu_scratch_reserve(c, scratch_bytes(&p), e)) return e->status;
    if (threads_for(c->threads, p.nstrip * p.nrow * count, 1, run_units, &p, e)) return e->status;
    return p.cancelled ? err_set(e, ERR_CANCELLED, "interrupted") : OK;
}
