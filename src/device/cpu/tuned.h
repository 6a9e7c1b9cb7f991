/* Which algorithm was measured to be the fastest for a convolution on this machine: what %tune found, kept on disk. */
#ifndef CPU_TUNED_H
#define CPU_TUNED_H

#include "device/cpu/conv.h"

/* The record for this machine's processor and instruction set; none yet, and what cannot be read counts as none. */
void cpu_tuned_read(struct cpu *c);
/* NULL: not measured. */
const struct cpu_conv_algorithm *cpu_tuned_find(const struct cpu *c, const struct cpu_conv *g, enum cpu_conv_pass pass);
enum status cpu_tuned_add(struct cpu *c, const struct cpu_conv *g, enum cpu_conv_pass pass,
                          const struct cpu_conv_algorithm *a, struct err *e);
int cpu_tuned_count(const struct cpu *c);
/* The file is whole or as it was; records of other processors in it stay. */
enum status cpu_tuned_write(const struct cpu *c, struct err *e);
/* Forgets what is in memory. */
void cpu_tuned_clear(struct cpu *c);

#endif
