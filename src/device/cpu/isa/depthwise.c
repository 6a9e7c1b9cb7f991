/* Rows of depthwise convolutions: some vectors of channels at once, each with taps of its own. */
#include "device/cpu/conv_kernels.h"
#include "device/cpu/isa.h"
#include "device/cpu/isa/vec.h"

enum { VECS = 4 };

/* Vector v of a block at p; `used` of its lanes are channels. */
INLINE vec load(const float *p, int v, int used) {
    return used == LANES ? vec_load(p + v * LANES) : vec_load_n(p, used);
}
INLINE void store(float *p, int v, int used, vec x) {
    if (used == LANES)
        vec_store(p + v * LANES, x);
    else
        vec_store_n(p, x, used);
}

INLINE void correlate(const struct cpu_depthwise *d, int64_t channel, int vecs, int used) {
    for (int64_t j = 0; j < d->columns; j++) {
        vec sum[VECS];
#pragma GCC unroll 4
        for (int v = 0; v < vecs; v++) sum[v] = vec_zero();
        for (int64_t r = 0; r < d->rows; r++) {
            const float *from = d->from + d->row[r].at * d->from_row + channel;
            const float *kernel = d->kernel + d->row[r].tap * d->kernel_row + channel;
            for (int64_t k = d->begin[j]; k < d->begin[j + 1]; k++) {
                const float *x = from + d->column[k].at * d->channels, *w = kernel + d->column[k].tap * d->channels;
#pragma GCC unroll 4
                for (int v = 0; v < vecs; v++) sum[v] = vec_fma(load(x, v, used), load(w, v, used), sum[v]);
            }
        }
#pragma GCC unroll 4
        for (int v = 0; v < vecs; v++) store(d->out + j * d->channels + channel, v, used, sum[v]);
    }
}

INLINE void gradient(const struct cpu_depthwise *d, int64_t channel, int vecs, int used) {
    for (int64_t j = 0; j < d->columns; j++) {
        vec dy[VECS];
#pragma GCC unroll 4
        for (int v = 0; v < vecs; v++) dy[v] = load(d->out + j * d->channels + channel, v, used);
        for (int64_t r = 0; r < d->rows; r++) {
            const float *from = d->from + d->row[r].at * d->from_row + channel;
            float *kernel = d->kernel + d->row[r].tap * d->kernel_row + channel;
            for (int64_t k = d->begin[j]; k < d->begin[j + 1]; k++) {
                const float *x = from + d->column[k].at * d->channels;
                float *w = kernel + d->column[k].tap * d->channels;
#pragma GCC unroll 4
                for (int v = 0; v < vecs; v++) store(w, v, used, vec_fma(load(x, v, used), dy[v], load(w, v, used)));
            }
        }
    }
}

#define BLOCKS(name)                                                                                                   \
    int64_t c = 0;                                                                                                     \
    for (; c + VECS * LANES <= d->channels; c += VECS * LANES) name(d, c, VECS, LANES);                                \
    for (; c + LANES <= d->channels; c += LANES) name(d, c, 1, LANES);                                                 \
    if (c < d->channels) name(d, c, 1, (int)(d->channels - c));

void CPU_SYMBOL(depthwise)(const struct cpu_depthwise *d) {
    BLOCKS(correlate)
}

void CPU_SYMBOL(depthwise_gradient)(const struct cpu_depthwise *d) {
    BLOCKS(gradient)
}
