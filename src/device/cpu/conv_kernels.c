/* Which copy of the convolution kernels a device runs. */
#include "device/cpu/conv_kernels.h"

#include <string.h>

#include "device/cpu/cpu.h"

const struct cpu_conv_kernels *cpu_conv_kernels(const struct cpu *c) {
#ifdef CPU_HAVE_avx512
    if (strcmp(c->isa->name, "avx512") == 0) return &cpu_conv_kernels_avx512;
#endif
#ifdef CPU_HAVE_avx2
    if (strcmp(c->isa->name, "avx2") == 0) return &cpu_conv_kernels_avx2;
#endif
    return &cpu_conv_kernels_portable;
}
