/* The products of Fourier convolutions: for each frequency a complex matrix product by three real ones. Invariant: a
 * frequency's sums run in one order, whoever computes them. */
#include "device/cpu/conv_fft.h"

#include <string.h>

/* Per worker: two planes of x (of all blocks and of the chunks that are summed), the first product, a plane of the other
 * operand, and the parts of a kernel's gradient. */
size_t cpu_fft_product_scratch(const struct fft_plan *p) {
    const int64_t c = p->cblocks * p->cblock, rows = p->group * p->chunk, area = p->cblock * p->oblock;
    const int64_t first = p->chunk * p->oblock > area ? p->chunk * p->oblock : area, other = c > rows ? c : rows;
    const int64_t grid = (int64_t)p->dft->n * p->dft->n * CPU_DFT_CHANNELS;
    const int64_t floats = 2 * rows * c + first + other * p->oblock + 2 * area;
    return (size_t)(floats > grid ? floats : grid) * sizeof(float);
}

/* Frequency f is its own mirror, and so real. */
static bool is_real(const struct cpu_dft *d, int64_t f) {
    const int64_t half = d->n / 2;
    return f == 0 || (d->n % 2 == 0 && (f == half || f == d->count - 1 - half || f == d->count - 1));
}

/* re, im = a conj(b), or a b, for one frequency and one block of outputs, in three real products: with the upper sign
 * for conj, t = ar (br -+ bi); re = t +- (ar + ai) bi; im = t + (ai - ar) br. Of a there are two planes to prepare and
 * of b, which is larger, one. */
struct complex_product {
    struct cpu_tile tile;
    const float *a[3], *b[3]; /* by product: ar, +-(ar + ai), ai - ar; br -+ bi, bi, br */
    float *t, *re, *im;
    const float *ahead[2]; /* what comes next, fetched with each product, some with each block of depth */
    int64_t ahead_step[2];
    int64_t depth, block; /* in all, and of a block; */
    int64_t as[3], bs[3]; /* distances between the blocks of a and b */
    bool real;
};

static void real_product(const struct fft_plan *p, const struct complex_product *c, int m, const float *a,
                         const float *b, float *out) {
    struct cpu_tile t = c->tile;
    t.c = out;
    for (int64_t k = 0, i = 0; k < c->depth; k += c->block, i++) {
        t.depth = c->depth - k < c->block ? c->depth - k : c->block;
        t.a = a + i * c->as[m], t.b = b;
        t.from = i > 0 ? t.c : m > 0 ? c->t : NULL;
        t.ahead = m < 2 && c->ahead[m] ? c->ahead[m] + i * c->ahead_step[m] : NULL;
        p->kernels->tile(&t);
        b += m == 0 && c->real ? c->bs[2] : c->bs[m];
    }
}

static void complex_product(const struct fft_plan *p, const struct complex_product *c) {
    if (c->real) {
        real_product(p, c, 0, c->a[0], c->b[2], c->re);
        memset(c->im, 0, (size_t)(c->tile.rows * c->tile.ldc) * sizeof *c->im);
        return;
    }
    real_product(p, c, 0, c->a[0], c->b[0], c->t);
    real_product(p, c, 1, c->a[1], c->b[1], c->re);
    real_product(p, c, 2, c->a[2], c->b[2], c->im);
}

/* Both planes of one chunk's rows of x at frequency f, blocks of channels one after the other. */
static void input_planes(const struct fft_plan *p, const float *x, int64_t f, int64_t rows, float sign, float *sum,
                         float *difference) {
    const int64_t n = rows * p->cblock;
    x += f * p->cblocks * 2 * p->xplane;
    for (int64_t i = 0; i < p->cblocks; i++, x += 2 * p->xplane)
        p->kernels->two_planes(n, x, x + p->xplane, sign, sum + i * n, difference + i * n);
}

void cpu_fft_product_forward(void *arg, int64_t begin, int64_t end, int worker) {
    const struct fft_product *q = arg;
    const struct fft_plan *p = q->p;
    const float sign = p->convolve ? -1 : 1;
    float *sum = (float *)(q->scratch + q->scratch_bytes * (size_t)worker);
    float *difference = sum + q->rows * p->cblocks * p->cblock;
    float *t = difference + q->rows * p->cblocks * p->cblock, *d = t + q->rows * p->oblock;
    for (int64_t f = begin; f < end; f++) {
        const float *x = q->x + f * p->cblocks * 2 * p->xplane;
        const bool real = is_real(p->dft, f);
        if (!real) input_planes(p, q->x, f, q->rows, sign, sum, difference);
        for (int64_t o = 0; o < p->oblocks; o++) {
            const float *w = q->w + (f * p->oblocks + o) * 2 * p->wplane;
            float *y = q->y + (f * p->oblocks + o) * 2 * p->yplane;
            const int64_t sums = q->rows * p->cblock, block = p->cblock * p->oblock;
            if (!real) p->kernels->one_plane(p->c * p->oblock, w, w + p->wplane, -sign, d);
            const struct complex_product c = {
                .tile = {.rows = q->rows,
                         .columns = p->oblock,
                         .row = q->by_cblock,
                         .step = q->by_one,
                         .ldb = p->oblock,
                         .ldc = p->oblock},
                .a = {x, sum, difference},
                .b = {d, w + p->wplane, w},
                .t = t,
                .re = y,
                .im = y + p->yplane,
                .ahead = {o ? NULL : x + p->cblocks * 2 * p->xplane, w + 2 * p->wplane},
                .ahead_step = {2 * p->xplane, 2 * block},
                .depth = p->c,
                .block = p->cblock,
                .as = {2 * p->xplane, sums, sums},
                .bs = {block, block, block},
                .real = real,
            };
            complex_product(p, &c);
        }
    }
}

/* Adds one product's result, `rows` of it, to what earlier groups gave. */
static void add_part(const struct fft_plan *p, const float *part, int64_t rows, float *w) {
    const int64_t n = rows * p->oblock;
    p->kernels->sum_planes(n, w, part, w);
    p->kernels->sum_planes(n, w + p->wplane, part + p->cblock * p->oblock, w + p->wplane);
}

/* The kernel's gradient for one frequency: for each block of inputs, its channels times rows, on rows times outputs. */
void cpu_fft_product_kernel(void *arg, int64_t begin, int64_t end, int worker) {
    const struct fft_product *q = arg;
    const struct fft_plan *p = q->p;
    const int64_t chunk = p->chunk, planes = chunk * p->cblocks * p->cblock, area = p->cblock * p->oblock;
    const int64_t xstep = cpu_fft_input_floats(p), ystep = cpu_fft_output_floats(p);
    float *sum = (float *)(q->scratch + q->scratch_bytes * (size_t)worker), *difference = sum + p->group * planes;
    float *t = difference + p->group * planes, *d = t + area, *part = d + p->group * chunk * p->oblock;
    for (int64_t f = begin; f < end; f++) {
        const bool real = is_real(p->dft, f);
        for (int64_t k = 0; !real && k * chunk < q->rows; k++)
            input_planes(p, q->x + k * xstep, f, chunk, 1, sum + k * planes, difference + k * planes);
        for (int64_t o = 0; o < p->oblocks; o++) {
            const float *y = q->y + (f * p->oblocks + o) * 2 * p->yplane;
            for (int64_t k = 0; !real && k * chunk < q->rows; k++)
                p->kernels->one_plane(chunk * p->oblock, y + k * ystep, y + k * ystep + p->yplane, -1,
                                      d + k * chunk * p->oblock);
            for (int64_t i = 0; i < p->cblocks; i++) {
                const float *x = q->x + (f * p->cblocks + i) * 2 * p->xplane;
                float *w = q->w + (f * p->oblocks + o) * 2 * p->wplane + i * area;
                const struct complex_product c = {
                    .tile = {.rows = p->c - i * p->cblock < p->cblock ? p->c - i * p->cblock : p->cblock,
                             .columns = p->oblock,
                             .row = q->by_one,
                             .step = q->by_cblock,
                             .ldb = p->oblock,
                             .ldc = p->oblock},
                    .a = {x, sum + i * chunk * p->cblock, difference + i * chunk * p->cblock},
                    .b = {d, y + p->yplane, y},
                    .t = t,
                    .re = q->first ? w : part,
                    .im = q->first ? w + p->wplane : part + area,
                    .ahead = {o ? NULL : x + p->cblocks * 2 * p->xplane, i ? NULL : y + 2 * p->yplane},
                    .ahead_step = {xstep, ystep},
                    .depth = q->rows,
                    .block = chunk,
                    .as = {xstep, planes, planes},
                    .bs = {chunk * p->oblock, ystep, ystep},
                    .real = real,
                };
                complex_product(p, &c);
                if (!q->first) add_part(p, part, c.tile.rows, w);
            }
        }
    }
}
