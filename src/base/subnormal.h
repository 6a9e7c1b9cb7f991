/* Subnormal numbers taken for zero, and results that would be subnormal made zero, on the calling thread: each costs some
 * hundred cycles otherwise. What TensorFlow and XLA do around their kernels. */
#ifndef BASE_SUBNORMAL_H
#define BASE_SUBNORMAL_H

#include <stdint.h>

/* From here on; returns what `subnormal_restore` needs. Elsewhere than on x86-64 and Arm nothing changes. */
uint64_t subnormal_flush(void);
void subnormal_restore(uint64_t before);

#endif
