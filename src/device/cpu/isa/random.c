/* Uniform random numbers: rng_unit of base/rng.h, LANES / 2 Philox blocks at a time in the low halves of 64-bit lanes. */
#include "base/rng.h"
#include "device/cpu/isa.h"
#include "device/cpu/isa/vec.h"

enum { BLOCKS = LANES / 2, WORDS = 4 * BLOCKS };

typedef uint64_t wide __attribute__((vector_size(8 * BLOCKS)));
typedef uint32_t words __attribute__((vector_size(8 * BLOCKS)));

/* The products of the lanes' low halves. */
INLINE wide multiply(wide a, uint64_t b) {
#if defined(CPU_ISA_avx512)
    return (wide)_mm512_mul_epu32((__m512i)a, _mm512_set1_epi64((long long)b));
#elif defined(CPU_ISA_avx2)
    return (wide)_mm256_mul_epu32((__m256i)a, _mm256_set1_epi64x((long long)b));
#else
    return (a & 0xffffffff) * b;
#endif
}

/* Philox's ten rounds; the lanes' high halves hold nothing of use. */
INLINE void rounds(wide c[4], uint32_t k0, uint32_t k1) {
#pragma GCC unroll 10
    for (int i = 0; i < 10; i++) {
        wide p = multiply(c[0], 0xD2511F53), q = multiply(c[2], 0xCD9E8D57);
        c[0] = q >> 32 ^ c[1] ^ k0;
        c[1] = q;
        c[2] = p >> 32 ^ c[3] ^ k1;
        c[3] = p;
        k0 += 0x9E3779B9;
        k1 += 0xBB67AE85;
    }
}

INLINE void store_numbers(float *out, wide w) {
    vec x = (vec)(((words)w & 0x7fffff) | 0x3f800000) - 1.0f;
    vec_store(out, x);
}

/* Which lanes of `first` and `second` make the lower and the upper half of their interleaving. */
#if LANES == 16
#define LOWER 0, 8, 1, 9, 2, 10, 3, 11
#define UPPER 4, 12, 5, 13, 6, 14, 7, 15
#elif LANES == 8
#define LOWER 0, 4, 1, 5
#define UPPER 2, 6, 3, 7
#else
#define LOWER 0, 2
#define UPPER 1, 3
#endif

static void blocks(const struct rng_philox *p, uint64_t block, float *out) {
    wide low = {0};
    for (int i = 0; i < BLOCKS; i++) low[i] = ((uint64_t)p->counter[1] << 32 | p->counter[0]) + block + (uint64_t)i;
    wide zero = {0}, c[4] = {low, low >> 32, zero + p->counter[2], zero + p->counter[3]};
    rounds(c, p->key[0], p->key[1]);
    wide first = (c[0] & 0xffffffff) | c[1] << 32, second = (c[2] & 0xffffffff) | c[3] << 32;
    store_numbers(out, __builtin_shufflevector(first, second, LOWER));
    store_numbers(out + LANES, __builtin_shufflevector(first, second, UPPER));
}

void CPU_SYMBOL(random_unit)(const struct rng_philox *p, uint64_t first, int64_t n, float *out) {
    int64_t i = first % 4 ? 4 - (int64_t)(first % 4) : 0;
    if (i > n) i = n;
    rng_unit(p, first, i, out);
    for (; i + WORDS <= n; i += WORDS) blocks(p, (first + (uint64_t)i) / 4, out + i);
    rng_unit(p, first + (uint64_t)i, n - i, out + i);
}
