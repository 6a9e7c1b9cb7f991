/* Large float32 products: slab by slab of k both operands are laid out once, for all threads, and then multiplied by the
 * register tile (Goto and van de Geijn 2008); within a slab a unit's part of C stays in L2. Invariant: each element's
 * sum runs over k in order, whoever computes it. */
#include "device/cpu/gemm_panels.h"

#include <string.h>

#include "device/cpu/conv_kernels.h"

enum {
    DEPTH = 128,              /* terms of k that are multiplied at a time: a strip of B is 32 kB, */
    SLAB = 8,                 /* so many times laid out at once */
    COLUMNS = 64,             /* of a strip */
    ROWS = 240,               /* of a block of A, 120 kB; a multiple of every tile's rows */
    STRIPS = 8,               /* of a unit at most, */
    GROUP = STRIPS * COLUMNS, /* whose part of C is 480 kB */
    LANE = 16,                /* the tile's columns come in as many */
    SIDE = 4096,              /* of a product at most: its slabs are 34 MB; larger ones are cut */
    LEAST = 1 << 27           /* multiplications that are worth two loops a slab */
};

struct panels {
    struct cpu *c;
    const struct cpu_gemm *g;
    const struct cpu_conv_kernels *kernels;
    int64_t blocks, strips;    /* of A and B */
    int64_t group, groups;     /* strips of a unit, units across */
    int64_t k, parts;          /* where the slab begins, DEPTHs of it */
    const int64_t *row, *step; /* of a block of A */
    float *a, *b; /* laid out: [part][block][ROWS][DEPTH], or ...[DEPTH][ROWS]; [part][strip][DEPTH][COLUMNS] */
};

bool cpu_gemm_panels_suit(const struct cpu *c, const struct cpu_gemm *g) {
    return g->dtype == DT_FLOAT32 && cpu_conv_kernels(c)->lanes >= 8 && !g->accumulate && g->m >= ROWS &&
           g->n >= STRIPS * COLUMNS && g->k >= DEPTH && g->m * g->n >= LEAST / g->k;
}

/* ---- laying out --------------------------------------------------------------------------------------------------- */

static int64_t at_most(int64_t left, int64_t most) {
    return left < most ? left : most;
}

static float *block_of(const struct panels *p, int64_t part, int64_t block) {
    return p->a + (part * p->blocks + block) * ROWS * DEPTH;
}

static float *strip_of(const struct panels *p, int64_t part, int64_t strip) {
    return p->b + (part * p->strips + strip) * DEPTH * COLUMNS;
}

static void lay_block(const struct panels *p, int64_t part, int64_t block) {
    const struct cpu_gemm *g = p->g;
    const int64_t i = block * ROWS, rows = at_most(g->m - i, ROWS);
    const int64_t k = p->k + part * DEPTH, depth = at_most(g->k - k, DEPTH);
    const bool down = g->transpose_a;
    const float *a = (const float *)g->a + (down ? k * g->lda + i : i * g->lda + k);
    const int64_t lines = down ? depth : rows, width = down ? ROWS : DEPTH;
    const size_t line = (size_t)(down ? rows : depth) * sizeof *a;
    float *to = block_of(p, part, block);
    for (int64_t l = 0; l < lines; l++) memcpy(to + l * width, a + l * g->lda, line);
}

static void lay_strip(const struct panels *p, int64_t part, int64_t strip) {
    const struct cpu_gemm *g = p->g;
    const int64_t j = strip * COLUMNS, columns = at_most(g->n - j, COLUMNS);
    const int64_t k = p->k + part * DEPTH, depth = at_most(g->k - k, DEPTH);
    float *to = strip_of(p, part, strip);
    if (g->transpose_b)
        p->kernels->pack_transposed(depth, columns, (const float *)g->b + j * g->ldb + k, g->ldb, to);
    else
        p->kernels->pack(depth, columns, (const float *)g->b + k * g->ldb + j, g->ldb, to);
}

/* Of each part the strips of B, then the blocks of A. */
static void lay_out(void *arg, int64_t begin, int64_t end, int worker) {
    (void)worker;
    const struct panels *p = arg;
    for (int64_t i = begin; i < end; i++) {
        const int64_t part = i / (p->strips + p->blocks), at = i % (p->strips + p->blocks);
        if (at < p->strips)
            lay_strip(p, part, at);
        else
            lay_block(p, part, at - p->strips);
    }
}

/* ---- multiplying -------------------------------------------------------------------------------------------------- */

/* One unit: the blocks of a group of strips. Between the first and the last part its sums lie together in `sums`, since
 * rows of C that are a power of two apart would push each other out of the cache. */
struct unit {
    const struct panels *p;
    int64_t block, first; /* of A; the group's first strip */
    float *sums;          /* ROWS x GROUP */
};

/* A strip whose columns fill no vectors stays in `sums` until it is whole. */
static void take_edge(const struct unit *u, float *c, const float *sums, int64_t rows, int64_t columns) {
    for (int64_t i = 0; i < rows; i++) memcpy(c + i * u->p->g->ldc, sums + i * GROUP, (size_t)columns * sizeof *c);
}

static void put_edge(const struct unit *u, const float *c, float *sums, int64_t rows, int64_t columns) {
    for (int64_t i = 0; i < rows; i++) memcpy(sums + i * GROUP, c + i * u->p->g->ldc, (size_t)columns * sizeof *c);
}

static void multiply_strip(const struct unit *u, int64_t part, int64_t strip) {
    const struct panels *p = u->p;
    const struct cpu_gemm *g = p->g;
    const int64_t i = u->block * ROWS, j = strip * COLUMNS, k = p->k + part * DEPTH;
    const int64_t columns = at_most(g->n - j, COLUMNS), wide = cpu_ceil_div(columns, LANE) * LANE;
    const bool begins = part == 0, ends = part == p->parts - 1, edge = wide != columns;
    float *c = (float *)g->c + i * g->ldc + j, *sums = u->sums + (strip - u->first) * COLUMNS;
    struct cpu_tile t = {.rows = at_most(g->m - i, ROWS),
                         .depth = at_most(g->k - k, DEPTH),
                         .columns = wide,
                         .a = block_of(p, part, u->block),
                         .row = p->row,
                         .step = p->step,
                         .b = strip_of(p, part, strip),
                         .ldb = wide};
    t.from = k == 0 ? NULL : begins && !edge ? c : sums, t.ldfrom = begins && !edge ? g->ldc : GROUP;
    t.c = ends && !edge ? c : sums, t.ldc = ends && !edge ? g->ldc : GROUP;
    if (edge && begins && k > 0) put_edge(u, c, sums, t.rows, columns);
    p->kernels->tile(&t);
    if (edge && ends) take_edge(u, c, sums, t.rows, columns);
}

static void multiply(void *arg, int64_t begin, int64_t end, int worker) {
    const struct panels *p = arg;
    for (int64_t i = begin; i < end; i++) {
        const struct unit u = {p, i / p->groups, i % p->groups * p->group, cpu_scratch(p->c, worker)};
        const int64_t last = at_most(u.first + p->group, p->strips);
        for (int64_t part = 0; part < p->parts; part++)
            for (int64_t s = u.first; s < last; s++) multiply_strip(&u, part, s);
    }
}

/* ---- the whole ---------------------------------------------------------------------------------------------------- */

struct layout {
    size_t a, b, bytes; /* B behind A, the tables last */
};

static struct layout layout_of(const struct cpu_gemm *g) {
    const int64_t m = at_most(g->m, SIDE), n = at_most(g->n, SIDE), parts = at_most(cpu_ceil_div(g->k, DEPTH), SLAB);
    const size_t line = (size_t)parts * DEPTH * sizeof(float);
    struct layout l = {.a = line * (size_t)(cpu_ceil_div(m, ROWS) * ROWS)};
    l.b = line * (size_t)(cpu_ceil_div(n, COLUMNS) * COLUMNS);
    l.bytes = l.a + l.b + (ROWS + DEPTH) * sizeof(int64_t);
    return l;
}

size_t cpu_gemm_panels_bytes(const struct cpu_gemm *g) {
    return layout_of(g).bytes;
}

static enum status open_panels(struct panels *p, struct err *e) {
    const struct layout l = layout_of(p->g);
    const size_t sums = ROWS * GROUP * sizeof(float);
    if (cpu_scratch_reserve(p->c, sums, e)) return e->status;
    int64_t *row = (int64_t *)(p->c->shared + l.a + l.b), *step = row + ROWS;
    const bool down = p->g->transpose_a;
    for (int64_t i = 0; i < ROWS; i++) row[i] = down ? i : i * DEPTH;
    for (int64_t i = 0; i < DEPTH; i++) step[i] = down ? i * ROWS : i;
    p->a = (float *)p->c->shared, p->b = (float *)(p->c->shared + l.a);
    p->row = row, p->step = step;
    return OK;
}

static enum status run_square(struct cpu *c, const struct cpu_gemm *g, struct err *e) {
    struct panels p = {.c = c, .g = g, .kernels = cpu_conv_kernels(c)};
    p.blocks = cpu_ceil_div(g->m, ROWS), p.strips = cpu_ceil_div(g->n, COLUMNS);
    p.group = threads_grain(c->threads, p.strips * p.blocks, 1, STRIPS);
    p.groups = cpu_ceil_div(p.strips, p.group);
    if (open_panels(&p, e)) return e->status;
    for (; p.k < g->k && e->status == OK; p.k += SLAB * DEPTH) {
        p.parts = at_most(cpu_ceil_div(g->k - p.k, DEPTH), SLAB);
        if (threads_for(c->threads, p.parts * (p.strips + p.blocks), 1, lay_out, &p, e) == OK)
            threads_for(c->threads, p.blocks * p.groups, 1, multiply, &p, e);
    }
    return e->status;
}

enum status cpu_gemm_panels(struct cpu *c, const struct cpu_gemm *g, struct err *e) {
    for (int64_t i = 0; i < g->m; i += SIDE)
        for (int64_t j = 0; j < g->n; j += SIDE) {
            struct cpu_gemm part = *g;
            part.m = at_most(g->m - i, SIDE), part.n = at_most(g->n - j, SIDE);
            part.a = (const float *)g->a + (g->transpose_a ? i : i * g->lda);
            part.b = (const float *)g->b + (g->transpose_b ? j * g->ldb : j);
            part.c = (float *)g->c + i * g->ldc + j;
            if (run_square(c, &part, e)) return e->status;
        }
    return OK;
}
