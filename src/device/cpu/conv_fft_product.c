/* The products of Fourier convolutions: for each frequency a complex matrix product by three real ones. Invariant: a
 * frequency's sums run in one order, whoever computes them. */
#include "device/cpu/conv_fft.h"

/* Per worker: the sum plane of x (all blocks), the first product, the two difference planes of the other operand. */
size_t cpu_fft_product_scratch(const struct fft_plan *p) {
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
    const float *ahead[3]; /* what comes next, fetched with each product, some with each block of depth */
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

void cpu_fft_product_forward(void *arg, int64_t begin, int64_t end, int worker) {
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
void cpu_fft_product_kernel(void *arg, int64_t begin, int64_t end, int worker) {
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
