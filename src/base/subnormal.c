/* The processor's control register for floating point: x86's MXCSR (bits FTZ and DAZ), Arm's FPCR (bit FZ). */
#include "base/subnormal.h"

#if defined(__x86_64__)
#include <xmmintrin.h>

enum { FLUSH_TO_ZERO = 1 << 15, DENORMALS_ARE_ZERO = 1 << 6 };

uint64_t subnormal_flush(void) {
    const unsigned before = _mm_getcsr();
    _mm_setcsr(before | FLUSH_TO_ZERO | DENORMALS_ARE_ZERO);
    return before;
}

void subnormal_restore(uint64_t before) {
    _mm_setcsr((unsigned)before);
}

#elif defined(__aarch64__)

uint64_t subnormal_flush(void) {
    uint64_t before;
    __asm__ volatile("mrs %0, fpcr" : "=r"(before));
    __asm__ volatile("msr fpcr, %0" : : "r"(before | UINT64_C(1) << 24));
    return before;
}

void subnormal_restore(uint64_t before) {
    __asm__ volatile("msr fpcr, %0" : : "r"(before));
}

#else

uint64_t subnormal_flush(void) {
    return 0;
}

void subnormal_restore(uint64_t before) {
    (void)before;
}

#endif
