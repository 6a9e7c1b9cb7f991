/* Large float32 products. */
#ifndef CPU_GEMM_PANELS_H
#define CPU_GEMM_PANELS_H

#include "device/cpu/cpu.h"

/* Whether the product is large enough, and of the kind. */
bool cpu_gemm_panels_suit(const struct cpu *c, const struct cpu_gemm *g);
/* What must have been had of cpu_shared_reserve for it. */
size_t cpu_gemm_panels_bytes(const struct cpu_gemm *g);
/* One product on all threads; ERR_CANCELLED leaves it half done. */
enum status cpu_gemm_panels(struct cpu *c, const struct cpu_gemm *g, struct err *e);

#endif
