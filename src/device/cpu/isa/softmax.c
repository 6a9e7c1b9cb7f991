/* Softmax of one row, shifted by its maximum; sums run in double over 16 lanes, in the same order everywhere. */
#include "device/cpu/isa/loops.h"
#include "device/cpu/isa/math.h"

enum { LANES = 16 };

#define ROW_HELPERS(type)                                                                                              \
    static type max_##type(int64_t n, const type *x) {                                                                 \
        type lane[LANES];                                                                                              \
        for (int l = 0; l < LANES; l++) lane[l] = x[0];                                                                \
        int64_t i = 0;                                                                                                 \
        for (; i + LANES <= n; i += LANES)                                                                             \
            for (int l = 0; l < LANES; l++) lane[l] = lane[l] > x[i + l] ? lane[l] : x[i + l];                         \
        for (; i < n; i++) lane[0] = lane[0] > x[i] ? lane[0] : x[i];                                                  \
        for (int l = 1; l < LANES; l++) lane[0] = lane[0] > lane[l] ? lane[0] : lane[l];                               \
        return lane[0];                                                                                                \
    }                                                                                                                  \
    static double sum_##type(int64_t n, const type *x) {                                                               \
        double lane[LANES] = {0};                                                                                      \
        int64_t i = 0;                                                                                                 \
        for (; i + LANES <= n; i += LANES)                                                                             \
            for (int l = 0; l < LANES; l++) lane[l] += x[i + l];                                                       \
        for (int l = 0; l < LANES && i < n; i++, l++) lane[l] += x[i];                                                 \
        for (int w = LANES / 2; w; w /= 2)                                                                             \
            for (int l = 0; l < w; l++) lane[l] += lane[l + w];                                                        \
        return lane[0];                                                                                                \
    }                                                                                                                  \
    void CPU_SYMBOL(softmax_##type)(int64_t n, const void *in, void *out) {                                            \
        const type *restrict x = in;                                                                                   \
        type *restrict y = out;                                                                                        \
        const type shift = max_##type(n, x);                                                                           \
        for (int64_t i = 0; i < n; i++) y[i] = EXP_##type(x[i] - shift);                                               \
        const type scale = (type)(1 / sum_##type(n, y));                                                               \
        for (int64_t i = 0; i < n; i++) y[i] *= scale;                                                                 \
    }                                                                                                                  \
    void CPU_SYMBOL(log_softmax_##type)(int64_t n, const void *in, void *out) {                                        \
        const type *restrict x = in;                                                                                   \
        type *restrict y = out;                                                                                        \
        const type shift = max_##type(n, x);                                                                           \
        for (int64_t i = 0; i < n; i++) y[i] = EXP_##type(x[i] - shift);                                               \
        const type log_sum = (type)log(sum_##type(n, y));                                                              \
        for (int64_t i = 0; i < n; i++) y[i] = (x[i] - shift) - log_sum;                                               \
    }

#define EXP_f32 exp_f32
#define EXP_f64 exp
ROW_HELPERS(f32)
ROW_HELPERS(f64)
