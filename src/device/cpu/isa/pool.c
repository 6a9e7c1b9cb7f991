/* Max pooling of one window, over all channels at once. */
#include "device/cpu/isa/loops.h"

/* Row-major in the whole window, what lies outside the image included. */
static inline int32_t window_place(const struct cpu_pool_window *w, int64_t i, int64_t j) {
    return (int32_t)((w->top + i) * w->width + w->left + j);
}

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
    }

/* The first of equal ones stays; y as pool_max makes it. */
#define ARGMAX(type, index)                                                                                            \
    void CPU_SYMBOL(pool_argmax_##type##_##index)(const struct cpu_pool_window *w, const void *in, void *out,          \
                                                  void *place) {                                                       \
        const type *restrict x = in;                                                                                   \
        type *restrict y = out;                                                                                        \
        index *restrict q = place;                                                                                     \
        for (int64_t i = 0; i < w->rows; i++)                                                                          \
            for (int64_t j = 0; j < w->columns; j++) {                                                                 \
                const type *restrict p = x + i * w->row_step + j * w->channels;                                        \
                const index here = (index)window_place(w, i, j);                                                       \
                if (i == 0 && j == 0) {                                                                                \
                    for (int64_t c = 0; c < w->channels; c++) y[c] = p[c], q[c] = here;                                \
                    continue;                                                                                          \
                }                                                                                                      \
                for (int64_t c = 0; c < w->channels; c++) {                                                            \
                    const type most = y[c], a = p[c];                                                                  \
                    q[c] = !(a <= most) && most == most ? here : q[c];                                                 \
                    y[c] = most > a || most != most ? most : a;                                                        \
                }                                                                                                      \
            }                                                                                                          \
    }

#define UNPOOL(type, index)                                                                                            \
    void CPU_SYMBOL(unpool_##type##_##index)(const struct cpu_pool_window *w, const void *place, const void *in,       \
                                             void *out) {                                                              \
        const index *restrict at = place;                                                                              \
        const type *restrict dy = in;                                                                                  \
        for (int64_t i = 0; i < w->rows; i++)                                                                          \
            for (int64_t j = 0; j < w->columns; j++) {                                                                 \
                type *restrict q = (type *)out + i * w->row_step + j * w->channels;                                    \
                const int32_t here = window_place(w, i, j);                                                            \
                if (w->overlap)                                                                                        \
                    for (int64_t c = 0; c < w->channels; c++) q[c] += at[c] == here ? dy[c] : 0;                       \
                else                                                                                                   \
                    for (int64_t c = 0; c < w->channels; c++) q[c] = at[c] == here ? dy[c] : 0;                        \
            }                                                                                                          \
    }

POOL(f32)
POOL(f64)
ARGMAX(f32, u8)
ARGMAX(f32, i32)
ARGMAX(f64, u8)
ARGMAX(f64, i32)
UNPOOL(f32, u8)
UNPOOL(f32, i32)
UNPOOL(f32, i64)
UNPOOL(f64, u8)
UNPOOL(f64, i32)
UNPOOL(f64, i64)
