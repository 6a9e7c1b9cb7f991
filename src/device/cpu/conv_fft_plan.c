/* How a Fourier convolution is cut: the size of the grid, tiles, chunks of rows, blocks of channels. Invariant: a plan
 * depends on the geometry and the instruction set alone. */
#include <math.h>

#include "device/cpu/conv_fft.h"

enum { PLANE_PAD = 80, LANE = CPU_CONV_LANE };

/* Rows transformed at a time: as fast as 256 on a quiet machine, a twentieth faster on a busy one, a quarter of the
 * memory. */
enum { MAX_ROWS = 64 };

/* Chunks whose spectra are there at once for a kernel's gradient, so that its own is written and read again less often. */
enum { MAX_GROUP = 4 };

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
    for (int a = 0; a < 2; a++) p->tiles[a] = cpu_ceil_div(p->covered[a], p->tile[a]);
    p->rows = p->n * p->tiles[0] * p->tiles[1];
    int64_t chunks = cpu_ceil_div(p->rows, MAX_ROWS);
    p->chunk = cpu_ceil_div(p->rows, chunks);
    p->group = chunks < MAX_GROUP ? chunks : MAX_GROUP;
    p->cblock = cpu_conv_block(p->c), p->cblocks = cpu_ceil_div(p->c, p->cblock);
    p->oblock = cpu_conv_block(p->o), p->oblocks = cpu_ceil_div(p->o, p->oblock);
    p->xplane = plane(p->chunk, p->cblock);
    p->yplane = plane(p->chunk, p->oblock);
    p->wplane = plane(p->cblocks * p->cblock, p->oblock);
}

int64_t cpu_fft_input_floats(const struct fft_plan *p) {
    return p->dft->count * 2 * p->cblocks * p->xplane;
}

int64_t cpu_fft_output_floats(const struct fft_plan *p) {
    return p->dft->count * 2 * p->oblocks * p->yplane;
}

/* Of an input's gradient those that some output read; p's own input is dy then. */
static void plan_covered(struct fft_plan *p, bool back) {
    p->covered[0] = back ? cpu_conv_reach(p->h, p->before[0], p->oh) : p->oh;
    p->covered[1] = back ? cpu_conv_reach(p->w, p->before[1], p->ow) : p->ow;
}

/* The products, and for a grid point of 16 channels the transforms: 4.8 ns forward and 7.7 ns back, most of it cache
 * misses. */
static double plan_cost(const struct fft_plan *p, enum cpu_conv_pass pass) {
    double points = (double)p->dft->n * p->dft->n, slow = 16.0 / p->kernels->lanes, rows = (double)p->rows;
    double in = (double)cpu_ceil_div(p->c, LANE), out = (double)cpu_ceil_div(p->o, LANE);
    double product = 3.0 * p->dft->count * rows * (double)(p->cblocks * p->cblock * p->oblocks * p->oblock) / 146;
    double back = pass == CPU_CONV_GRAD_KERNEL ? 4.8 : 7.7, weights = pass == CPU_CONV_GRAD_KERNEL ? 7.7 : 4.8;
    return slow * (product + points * (rows * (4.8 * in + back * out) + weights * (double)p->c * out));
}

/* From the plan of a convolution of one tile an image, that of its input gradient: with the same spectrum of dy. */
struct fft_plan cpu_fft_backward(const struct fft_plan *f) {
    struct fft_plan p = *f;
    p.h = f->oh, p.w = f->ow, p.c = f->o, p.oh = f->h, p.ow = f->w, p.o = f->c;
    p.convolve = true;
    p.before[0] = f->kh - 1 - f->before[0], p.before[1] = f->kw - 1 - f->before[1];
    plan_covered(&p, true);
    for (int a = 0; a < 2; a++) p.tile[a] = p.covered[a], p.before[a] = 0, p.after[a] = f->before[a];
    p.xpool = f->ypool, p.ypool = NULL;
    plan_sizes(&p);
    return p;
}

bool cpu_fft_is_whole(const struct fft_plan *p) {
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
    plan_covered(&p, back);
    *cost = INFINITY;
    for (p.dft = kernels->dft; p.dft->n; p.dft++) {
        p.tile[0] = tile_size(p.dft->n, p.h, p.covered[0], p.kh, p.before[0]);
        p.tile[1] = tile_size(p.dft->n, p.w, p.covered[1], p.kw, p.before[1]);
        if (p.tile[0] == 0 || p.tile[1] == 0) continue;
        plan_sizes(&p);
        double c = plan_cost(&p, pass);
        if (c < *cost) *cost = c, *best = p;
    }
    return *cost < INFINITY;
}

bool cpu_fft_plan(const struct cpu_conv_kernels *kernels, const struct cpu_conv *g, enum cpu_conv_pass pass,
                  struct fft_plan *best, double *cost) {
    struct fft_plan whole;
    if (pass != CPU_CONV_GRAD_INPUT || !plan_grid(kernels, g, CPU_CONV_GRAD_KERNEL, &whole, cost) ||
        !cpu_fft_is_whole(&whole))
        return plan_grid(kernels, g, pass, best, cost);
    *best = cpu_fft_backward(&whole);
    *cost = plan_cost(best, pass);
    return true;
}
