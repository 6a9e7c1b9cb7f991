/* One vector of floats of the instruction set this file is compiled for: the rest of isa/ is written once on top of it.
 * LANES divides 16, the granularity of every padded channel count. */
#ifndef CPU_ISA_VEC_H
#define CPU_ISA_VEC_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#if defined(CPU_ISA_avx512)
#include <immintrin.h>
#define LANES 16
#elif defined(CPU_ISA_avx2)
#include <immintrin.h>
#define LANES 8
#else
#define LANES 4
#endif

typedef float vec __attribute__((vector_size(4 * LANES), aligned(4 * LANES), may_alias));
typedef float vec_unaligned __attribute__((vector_size(4 * LANES), aligned(4), may_alias));

#define INLINE static inline __attribute__((always_inline))

INLINE vec vec_load(const float *p) {
    return *(const vec_unaligned *)p;
}
INLINE void vec_store(float *p, vec x) {
    *(vec_unaligned *)p = x;
}
INLINE vec vec_zero(void) {
    return (vec){0};
}

#if defined(CPU_ISA_avx512)
INLINE vec vec_set1(float s) {
    return (vec)_mm512_set1_ps(s);
}
INLINE vec vec_fma(vec a, vec b, vec c) {
    return (vec)_mm512_fmadd_ps((__m512)a, (__m512)b, (__m512)c);
}
/* Past the cache: halves the time of a transform whose output is read much later. p is aligned. */
INLINE void vec_stream(float *p, vec x) {
    _mm512_stream_ps(p, (__m512)x);
}
INLINE void vec_stream_end(void) {
    _mm_sfence();
}
#elif defined(CPU_ISA_avx2)
INLINE vec vec_set1(float s) {
    return (vec)_mm256_set1_ps(s);
}
INLINE vec vec_fma(vec a, vec b, vec c) {
    return (vec)_mm256_fmadd_ps((__m256)a, (__m256)b, (__m256)c);
}
INLINE void vec_stream(float *p, vec x) {
    _mm256_stream_ps(p, (__m256)x);
}
INLINE void vec_stream_end(void) {
    _mm_sfence();
}
#else
INLINE vec vec_set1(float s) {
    return (vec){s, s, s, s};
}
INLINE vec vec_fma(vec a, vec b, vec c) {
    return a * b + c;
}
INLINE void vec_stream(float *p, vec x) {
    *(vec *)p = x;
}
INLINE void vec_stream_end(void) {}
#endif

/* The first n lanes, the rest zero; reads and writes nothing beyond them. */
INLINE vec vec_load_n(const float *p, int n) {
    vec x = {0};
    memcpy(&x, p, (size_t)n * sizeof *p);
    return x;
}
INLINE void vec_store_n(float *p, vec x, int n) {
    memcpy(p, &x, (size_t)n * sizeof *p);
}

#endif
