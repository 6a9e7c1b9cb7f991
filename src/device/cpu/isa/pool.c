/* Max pooling of one window, over all channels at once. */
#include "device/cpu/isa/loops.h"

#define POOL(type)                                                                                                     \
    void CPU_SYMBOL(pool_max_##type)(const struct cpu_pool_window *w, const void *in, void *out) {                     \
        const type *restrict x = in;                                                                                   \
        type *restrict y = out;                                                                                        \
        for (int64_t i = 0; i < w->rows; i++)                                                                          \
            for (int64_t j = 0; j < w->columns; j++) {                                                                 \
                const type *restrict p = x + i * w->row_step + j * w->channels;                                        \
                if (i == 0 && j == 0) {                                                                                \
                    for (int64_t c = 0; c < w->channels; c++) y[c] = p[c];                                             \
                    continue;                                                                                          \
                }                                                                                                      \
                for (int64_t c = 0; c < w->channels; c++) y[c] = y[c] > p[c] || y[c] != y[c] ? y[c] : p[c];            \
            }                                                                                                          \
    }                                                                                                                  \
    /* `rest` holds what no place has taken yet. */                                                                    \
    static void pool_grad_block_##type(const struct cpu_pool_window *w, int64_t n, const type *x, const type *y,       \
                                       const type *dy, type *dx) {                                                     \
        type rest[POOL_BLOCK];                                                                                         \
        for (int64_t c = 0; c < n; c++) rest[c] = dy[c];                                                               \
        for (int64_t i = 0; i < w->rows; i++)                                                                          \
            for (int64_t j = 0; j < w->columns; j++) {                                                                 \
                const type *restrict p = x + i * w->row_step + j * w->channels;                                        \
                type *restrict q = dx + i * w->row_step + j * w->channels;                                             \
                for (int64_t c = 0; c < n; c++) {                                                                      \
                    const int less = p[c] < y[c];                                                                      \
                    q[c] = (w->overlap ? q[c] : 0) + (less ? 0 : rest[c]);                                             \
                    rest[c] = less ? rest[c] : 0;                                                                      \
                }                                                                                                      \
            }                                                                                                          \
    }                                                                                                                  \
    void CPU_SYMBOL(pool_grad_##type)(const struct cpu_pool_window *w, const void *x, const void *y, const void *dy,   \
                                      void *dx) {                                                                      \
        for (int64_t c = 0; c < w->channels; c += POOL_BLOCK) {                                                        \
            const int64_t n = w->channels - c < POOL_BLOCK ? w->channels - c : POOL_BLOCK;                             \
            pool_grad_block_##type(w, n, (const type *)x + c, (const type *)y + c, (const type *)dy + c,               \
                                   (type *)dx + c);                                                                    \
        }                                                                                                              \
    }

enum { POOL_BLOCK = 256 };
POOL(f32)
POOL(f64)
