/* float32 products by the register tile of the convolutions, with B packed strip by strip. */
#ifndef CPU_GEMM_TILES_H
#define CPU_GEMM_TILES_H

#include "device/cpu/cpu.h"

/* Whether these products run faster so than by OpenBLAS: float32, vectors of 8 lanes at least, and no side that is short. */
bool cpu_gemm_tiles_suit(const struct cpu *c, const struct cpu_gemm *g);
/* As cpu_gemm_parallel; `count` products in the stack. */
enum status cpu_gemm_tiles(struct cpu *c, const struct cpu_gemm *g, const struct cpu_gemm_stack *stack, int64_t count,
                           struct err *e);

#endif
