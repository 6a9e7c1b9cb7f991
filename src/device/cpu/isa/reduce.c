/* Reductions of rows and of columns. Floating sums and products accumulate in double, in 16 lanes that are folded in
 * halves: the order is the same on every instruction set. */
#include <math.h>

#include "device/cpu/isa/loops.h"

enum { LANES = 16, ROWS = 4 };

/* The upper half of 2 w lanes into the lower. */
#define FOLD(A, w, fold)                                                                                               \
    for (int l = 0; l < (w); l++) {                                                                                    \
        const A acc = lane[l], x = lane[l + (w)];                                                                      \
        lane[l] = fold;                                                                                                \
    }

/* acc starts from `first`; `step` combines acc with the element x, `fold` combines two accumulators acc and x. */
#define ROW_LOOP(name, type, A, first, step, fold)                                                                     \
    static void name##_row_##type(int64_t n, const void *in, void *out) {                                              \
        const type *restrict p = in;                                                                                   \
        A lane[LANES];                                                                                                 \
        for (int l = 0; l < LANES; l++) lane[l] = first;                                                               \
        int64_t i = 0;                                                                                                 \
        for (; i + LANES <= n; i += LANES)                                                                             \
            for (int l = 0; l < LANES; l++) {                                                                          \
                const A acc = lane[l];                                                                                 \
                const type x = p[i + l];                                                                               \
                lane[l] = step;                                                                                        \
            }                                                                                                          \
        for (int l = 0; l < LANES && i < n; i++, l++) {                                                                \
            const A acc = lane[l];                                                                                     \
            const type x = p[i];                                                                                       \
            lane[l] = step;                                                                                            \
        }                                                                                                              \
        FOLD(A, 8, fold)                                                                                               \
        FOLD(A, 4, fold)                                                                                               \
        FOLD(A, 2, fold)                                                                                               \
        FOLD(A, 1, fold)                                                                                               \
        *(A *)out = lane[0];                                                                                           \
    }

/* Four rows at a time, so that the accumulators travel through the cache once for four. */
#define COLUMN_LOOP(name, type, A, first, step)                                                                        \
    static void name##_columns_##type(int64_t r, int64_t k, int64_t stride, const void *in, void *out, bool more) {    \
        const type *restrict p = in;                                                                                   \
        A *restrict y = out;                                                                                           \
        for (int64_t j = 0; j < k && !more; j++) y[j] = first;                                                         \
        int64_t i = 0;                                                                                                 \
        for (; i + ROWS <= r; i += ROWS) {                                                                             \
            const type *restrict q = p + i * stride;                                                                   \
            for (int64_t j = 0; j < k; j++) {                                                                          \
                A acc = y[j];                                                                                          \
                type x = q[j];                                                                                         \
                acc = step;                                                                                            \
                x = q[j + stride];                                                                                     \
                acc = step;                                                                                            \
                x = q[j + 2 * stride];                                                                                 \
                acc = step;                                                                                            \
                x = q[j + 3 * stride];                                                                                 \
                acc = step;                                                                                            \
                y[j] = acc;                                                                                            \
            }                                                                                                          \
        }                                                                                                              \
        for (; i < r; i++)                                                                                             \
            for (int64_t j = 0; j < k; j++) {                                                                          \
                const A acc = y[j];                                                                                    \
                const type x = p[i * stride + j];                                                                      \
                y[j] = step;                                                                                           \
            }                                                                                                          \
    }

#define REDUCTION(name, type, A, first, step, fold)                                                                    \
    ROW_LOOP(name, type, A, first, step, fold)                                                                         \
    COLUMN_LOOP(name, type, A, first, step)

REDUCTION(sum, b8, i64, 0, acc + (x != 0), acc + x)
REDUCTION(sum, u8, i64, 0, acc + x, acc + x)
REDUCTION(sum, i32, i64, 0, acc + x, acc + x)
REDUCTION(sum, i64, i64, 0, acc + x, acc + x)
REDUCTION(sum, f32, f64, 0, acc + x, acc + x)
REDUCTION(sum, f64, f64, 0, acc + x, acc + x)

REDUCTION(prod, b8, i64, 1, acc *(x != 0), acc *x)
REDUCTION(prod, u8, i64, 1, acc *x, acc *x)
REDUCTION(prod, i32, i64, 1, acc *x, acc *x)
REDUCTION(prod, i64, i64, 1, acc *x, acc *x)
REDUCTION(prod, f32, f64, 1, acc *x, acc *x)
REDUCTION(prod, f64, f64, 1, acc *x, acc *x)

/* NaN wins. */
#define MAX_STEP (acc > x || acc != acc ? acc : x)
#define MIN_STEP (acc < x || acc != acc ? acc : x)
#define MAX(type, lowest) REDUCTION(max, type, type, lowest, MAX_STEP, MAX_STEP)
#define MIN(type, highest) REDUCTION(min, type, type, highest, MIN_STEP, MIN_STEP)
MAX(b8, 0)
MAX(i32, INT32_MIN)
MAX(i64, INT64_MIN)
MAX(f32, -INFINITY)
MAX(f64, -INFINITY)
MIN(b8, UINT8_MAX)
MIN(i32, INT32_MAX)
MIN(i64, INT64_MAX)
MIN(f32, INFINITY)
MIN(f64, INFINITY)

REDUCTION(all, b8, b8, 1, acc &(x != 0), acc &x)
REDUCTION(any, b8, b8, 0, acc | (x != 0), acc | x)

#define BY_DTYPE(name, kind, u)                                                                                        \
    {                                                                                                                  \
        name##_##kind##_b8, name##_##kind##_##u, name##_##kind##_i32, name##_##kind##_i64, name##_##kind##_f32,        \
            name##_##kind##_f64                                                                                        \
    }
#define LOOPS(name, u) .row = BY_DTYPE(name, row, u), .columns = BY_DTYPE(name, columns, u)

const struct cpu_reduction CPU_SYMBOL(reductions)[] = {
    {.op = "sum", .acc = {DT_INT64, DT_INT64, DT_INT64, DT_INT64, DT_FLOAT64, DT_FLOAT64}, LOOPS(sum, u8)},
    {.op = "mean",
     .acc = {DT_INT64, DT_INT64, DT_INT64, DT_INT64, DT_FLOAT64, DT_FLOAT64},
     LOOPS(sum, u8),
     .empty = NAN},
    {.op = "prod",
     .acc = {DT_INT64, DT_INT64, DT_INT64, DT_INT64, DT_FLOAT64, DT_FLOAT64},
     LOOPS(prod, u8),
     .empty = 1},
    {.op = "max", .acc = {DT_BOOL, DT_UINT8, DT_INT32, DT_INT64, DT_FLOAT32, DT_FLOAT64}, LOOPS(max, b8), .empty = NAN},
    {.op = "min", .acc = {DT_BOOL, DT_UINT8, DT_INT32, DT_INT64, DT_FLOAT32, DT_FLOAT64}, LOOPS(min, b8), .empty = NAN},
    {.op = "all", .acc = {DT_BOOL}, .row = {all_row_b8}, .columns = {all_columns_b8}, .empty = 1},
    {.op = "any", .acc = {DT_BOOL}, .row = {any_row_b8}, .columns = {any_columns_b8}},
    {.op = NULL},
};
