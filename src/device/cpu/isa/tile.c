/* The register tile under convolutions: MR rows by NV vectors of accumulators, one broadcast per row and step.
 * AMX instead (each number three bfloat16 pieces, six products of pieces for one: float32's accuracy, 3.2 TFLOP/s a core in
 * registers) was tried: cutting and packing the pieces cost more than they gained; every network was 10 to 40 % slower. */
#include "device/cpu/conv_kernels.h"
#include "device/cpu/isa.h"
#include "device/cpu/isa/vec.h"

#if LANES == 16
#define ROWS 6 /* 6 x 4 accumulators, 4 of B, 1 broadcast: 29 of 32 registers */
#define VECS 4
#elif LANES == 8
#define ROWS 6 /* 6 x 2 accumulators of 16 registers */
#define VECS 2
#else
#define ROWS 4
#define VECS 2
#endif

enum { LINE = 16 }; /* floats of a cache line */

INLINE void tile(int rows, int vecs, const struct cpu_tile *t, int64_t row0, int64_t column0) {
    vec c[ROWS][VECS];
    const float *a[ROWS];
    const int64_t ldfrom = t->ldfrom ? t->ldfrom : t->ldc;
    const float *from = t->from ? t->from + row0 * ldfrom + column0 : NULL;
    float *out = t->c + row0 * t->ldc + column0;
#pragma GCC unroll 8
    for (int r = 0; r < rows; r++) {
        a[r] = t->a + t->row[row0 + r];
#pragma GCC unroll 8
        for (int v = 0; v < vecs; v++) c[r][v] = from ? vec_load(from + r * ldfrom + v * LANES) : vec_zero();
    }
    const float *b = t->b + column0;
    const float *ahead = t->ahead ? t->ahead + row0 / ROWS * t->depth * LINE : t->b;
    const int64_t pace = t->ahead ? LINE : 0;
    for (int64_t k = 0; k < t->depth; k++, b += t->ldb) {
        vec bv[VECS];
        int64_t step = t->step[k];
        __builtin_prefetch(ahead, 0, 2);
        ahead += pace;
#pragma GCC unroll 8
        for (int v = 0; v < vecs; v++) bv[v] = vec_load(b + v * LANES);
#pragma GCC unroll 8
        for (int r = 0; r < rows; r++) {
            vec s = vec_set1(a[r][step]);
#pragma GCC unroll 8
            for (int v = 0; v < vecs; v++) c[r][v] = vec_fma(s, bv[v], c[r][v]);
        }
    }
#pragma GCC unroll 8
    for (int r = 0; r < rows; r++)
#pragma GCC unroll 8
        for (int v = 0; v < vecs; v++) vec_store(out + r * t->ldc + v * LANES, c[r][v]);
}

/* The last rows of a strip: as many as are left, each count its own straight code. */
#define STRIP(vecs)                                                                                                    \
    static __attribute__((noinline)) void strip##vecs(const struct cpu_tile *t, int64_t column) {                      \
        int64_t r = 0;                                                                                                 \
        for (; r + ROWS <= t->rows; r += ROWS) tile(ROWS, vecs, t, r, column);                                         \
        switch (t->rows - r) {                                                                                         \
        case 5: tile(ROWS > 5 ? 5 : ROWS, vecs, t, r, column); break;                                                  \
        case 4: tile(ROWS > 4 ? 4 : ROWS, vecs, t, r, column); break;                                                  \
        case 3: tile(3, vecs, t, r, column); break;                                                                    \
        case 2: tile(2, vecs, t, r, column); break;                                                                    \
        case 1: tile(1, vecs, t, r, column); break;                                                                    \
        default: break;                                                                                                \
        }                                                                                                              \
    }
STRIP(1)
STRIP(2)
#if VECS == 4
STRIP(3)
STRIP(4)
#endif

void CPU_SYMBOL(tile)(const struct cpu_tile *t) {
    int64_t column = 0;
#if VECS == 4
    for (; column + 4 * LANES <= t->columns; column += 4 * LANES) strip4(t, column);
    if (column + 3 * LANES <= t->columns) strip3(t, column), column += 3 * LANES;
#endif
    for (; column + 2 * LANES <= t->columns; column += 2 * LANES) strip2(t, column);
    if (column < t->columns) strip1(t, column);
}
