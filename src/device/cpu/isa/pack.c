/* Laying out the right operand of a register tile: rows of whole vectors, of a matrix or of its transposed one. */
#include "device/cpu/conv_kernels.h"
#include "device/cpu/isa.h"
#include "device/cpu/isa/vec.h"

void CPU_SYMBOL(pack)(int64_t k, int64_t columns, const float *b, int64_t ldb, float *out) {
    const int64_t wide = (columns + 15) / 16 * 16, whole = columns / LANES * LANES;
    for (int64_t i = 0; i < k; i++, b += ldb, out += wide) {
        for (int64_t j = 0; j < whole; j += LANES) vec_store(out + j, vec_load(b + j));
        for (int64_t j = whole; j < wide; j++) out[j] = j < columns ? b[j] : 0;
    }
}

/* The lower and upper halves of two vectors, lane by lane in turn. */
#if LANES == 16
#define LOW 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23
#define HIGH 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31
#elif LANES == 8
#define LOW 0, 8, 1, 9, 2, 10, 3, 11
#define HIGH 4, 12, 5, 13, 6, 14, 7, 15
#else
#define LOW 0, 4, 1, 5
#define HIGH 2, 6, 3, 7
#endif

/* LANES x LANES: a perfect shuffle of the rows, as many times as LANES has bits, is the transposed matrix. */
INLINE void transpose(const float *b, int64_t ldb, float *out, int64_t wide) {
    vec x[LANES], y[LANES];
#pragma GCC unroll 16
    for (int i = 0; i < LANES; i++) x[i] = vec_load(b + i * ldb);
#pragma GCC unroll 4
    for (int round = 1; round < LANES; round *= 2) {
#pragma GCC unroll 8
        for (int i = 0; i < LANES / 2; i++) {
            y[2 * i] = __builtin_shufflevector(x[i], x[i + LANES / 2], LOW);
            y[2 * i + 1] = __builtin_shufflevector(x[i], x[i + LANES / 2], HIGH);
        }
#pragma GCC unroll 16
        for (int i = 0; i < LANES; i++) x[i] = y[i];
    }
#pragma GCC unroll 16
    for (int i = 0; i < LANES; i++) vec_store(out + i * wide, x[i]);
}

void CPU_SYMBOL(pack_transposed)(int64_t k, int64_t columns, const float *b, int64_t ldb, float *out) {
    const int64_t wide = (columns + 15) / 16 * 16, rows = k / LANES * LANES, whole = columns / LANES * LANES;
    for (int64_t j = 0; j < whole; j += LANES) {
        for (int64_t i = 0; i < rows; i += LANES) transpose(b + j * ldb + i, ldb, out + i * wide + j, wide);
        for (int64_t i = rows; i < k; i++)
            for (int64_t l = 0; l < LANES; l++) out[i * wide + j + l] = b[(j + l) * ldb + i];
    }
    for (int64_t i = 0; i < k; i++)
        for (int64_t j = whole; j < wide; j++) out[i * wide + j] = j < columns ? b[j * ldb + i] : 0;
}
