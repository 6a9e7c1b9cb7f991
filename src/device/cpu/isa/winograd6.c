/* Winograd's F(6 x 6, 3 x 3). With A = 7/4 the worst errors are 7e-6 of the sum of absolute products for one channel, twice
 * those of F(4 x 4, 3 x 3), and 5e-6 for 16, below which it is not used. A from 1.6 to 2 is as good. */
#define TILE 6
#define A 1.75
#include "device/cpu/isa/winograd_template.h"

const struct cpu_winograd CPU_SYMBOL(winograd6) = {.tile = TILE,
                                                   .points = POINTS,
                                                   .sums = 16,
                                                   .input = input,
                                                   .kernel = kernel,
                                                   .gradient = gradient,
                                                   .output = output,
                                                   .taps = taps};
