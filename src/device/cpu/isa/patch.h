/* Vectors of a patch: the steps behind a convolution, and numbers as bytes. */
#ifndef DEVICE_CPU_ISA_PATCH_H
#define DEVICE_CPU_ISA_PATCH_H

#include "device/cpu/conv_kernels.h"
#include "device/cpu/isa.h"
#include "device/cpu/isa/vec.h"

typedef int32_t ivec __attribute__((vector_size(4 * LANES), aligned(4 * LANES), may_alias));

/* Small numbers that are bytes in memory. (gcc's __builtin_convertvector took them one by one.) */
INLINE ivec bytes_load(const uint8_t *at) {
#if defined(CPU_ISA_avx512)
    return (ivec)_mm512_cvtepu8_epi32(_mm_loadu_si128((const __m128i *)at));
#elif defined(CPU_ISA_avx2)
    return (ivec)_mm256_cvtepu8_epi32(_mm_loadl_epi64((const __m128i *)at));
#else
    ivec x = {0};
    for (int i = 0; i < LANES; i++) x[i] = at[i];
    return x;
#endif
}

INLINE void bytes_store(uint8_t *at, ivec x) {
#if defined(CPU_ISA_avx512)
    _mm_storeu_si128((__m128i *)at, _mm512_cvtepi32_epi8((__m512i)x));
#elif defined(CPU_ISA_avx2)
    const __m256i low = _mm256_shuffle_epi8((__m256i)x, _mm256_set1_epi32(0x0c080400));
    _mm_storel_epi64((__m128i *)at, _mm_unpacklo_epi32(_mm256_castsi256_si128(low), _mm256_extracti128_si256(low, 1)));
#else
    for (int i = 0; i < LANES; i++) at[i] = (uint8_t)x[i];
#endif
}

/* The result x of channel `channel` on, which goes to element `at`. */
INLINE vec patch_finish(const struct cpu_conv_finish *f, int64_t channel, int64_t at, vec x) {
    if (f->where) return (vec)((bytes_load(f->where + at) != 0) & (ivec)x);
    x = x + vec_load(f->bias + channel);
    if (f->relu) x = (vec)(~(x <= 0) & (ivec)x);
    if (f->positive) bytes_store(f->positive + at, (x > 0) & 1);
    return x;
}

/* The vector at position (y, x), zero outside the bounds. Straight through, for most patches of small images lie at an edge:
 * loops over the positions inside took a third of a transform's time. The same place of the patch that is read next is
 * fetched: a step of vgg32 takes 3 % less. */
INLINE vec patch_read(const struct cpu_conv_patch *g, int y, int x) {
    static const vec zeros = {0};
    const bool inside = (y >= g->top) & (y < g->bottom) & (x >= g->left) & (x < g->right);
    const float *at = inside ? g->x + y * g->row_stride + x * g->column_stride : (const float *)&zeros;
    __builtin_prefetch(at + g->next, 0, 2);
    return vec_load(at);
}

/* With its finish. Large results go past the caches: a step of vgg32 takes 2 to 4 % less. */
INLINE void patch_write(const struct cpu_conv_patch *g, int y, int x, vec value) {
    const int64_t at = y * g->row_stride + x * g->column_stride;
    if (cpu_conv_finishes(&g->finish)) value = patch_finish(&g->finish, 0, at, value);
    if (g->stream)
        vec_stream(g->x + at, value);
    else
        vec_store(g->x + at, value);
}

#endif
