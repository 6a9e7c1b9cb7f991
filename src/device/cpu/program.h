/* Compiled graphs: the program half of the cpu's vtable (see tensor/device.h for the contracts). */
#ifndef DEVICE_CPU_PROGRAM_H
#define DEVICE_CPU_PROGRAM_H

#include "tensor/device.h"

enum status cpu_program_compile(struct device *d, const struct graph *g, struct device_program **out, struct err *e);
enum status cpu_program_execute(struct device *d, struct device_program *p, struct tensor *const *in,
                                struct tensor *const *out, uint64_t *ticket, struct err *e);
bool cpu_program_overwrites(struct device *d, const struct device_program *p, int output, int input);
void cpu_program_free(struct device *d, struct device_program *p);
size_t cpu_program_bytes(struct device *d, const struct device_program *p, size_t *bound);
void cpu_program_profile(struct device *d, struct device_program *p, double *seconds);
const char *cpu_program_way(struct device *d, const struct device_program *p, int node);
enum status cpu_program_tune(struct device *d, struct device_program *p, struct buf *out, struct err *e);

#endif
