/* Winograd's F(8 x 8, 3 x 3). With A = 5/3, the best of 1.4 to 2.2, the worst errors are those of F(4 x 4, 3 x 3): 3e-6 of the
 * sum of absolute products for one channel, the less the more channels. */
#define TILE 8
#define A (5.0 / 3)
#include "device/cpu/isa/winograd_template.h"

const struct cpu_winograd CPU_SYMBOL(winograd8) = {.tile = TILE,
                                                   .points = POINTS,
                                                   .input = input,
                                                   .kernel = kernel,
                                                   .gradient = gradient,
                                                   .output = output,
                                                   .taps = taps};
