/* Measuring which algorithm of a convolution is the fastest here: only when the user asks for it. */
#ifndef CPU_CONV_TUNE_H
#define CPU_CONV_TUNE_H

#include "base/buf.h"
#include "device/cpu/conv.h"

/* Adds the fastest to the record (device/cpu/tuned.h), and appends "fft, as estimated (im2col 20.1 ms, fft 6.62 ms)" and a
 * line end to `out`; nothing where the geometry was measured before. */
enum status cpu_conv_tune(struct cpu *c, const struct cpu_conv *g, enum cpu_conv_pass pass, struct buf *out,
                          struct err *e);

#endif
