/* Loops of a few operations each: what lies between them stays in registers. They compute what the single loops would, bit
 * for bit. Adam's take 6 % off a step of 784-512-512-10: divisions and roots go on while the rest loads and stores. */
#include <math.h>

#include "device/cpu/isa/loops.h"

FLOATS3(towards, a + (b - a) * c)
LOOP2(root_plus_f32, f32, f32, sqrtf(a) + b)
LOOP2(root_plus_f64, f64, f64, sqrt(a) + b)
FLOATS3(minus_quotient, a - b / c)

const struct cpu_combination CPU_SYMBOL(combinations)[] = {
    {.nstep = 3, .step = {{"sub", "ba"}, {"mul", "0c"}, {"add", "a1"}}, .loops.fn = {SLOTS_FLOATS(towards)}},
    {.nstep = 2, .step = {{"sqrt", "a"}, {"add", "0b"}}, .loops.fn = {SLOTS_FLOATS(root_plus)}},
    {.nstep = 2, .step = {{"div", "bc"}, {"sub", "a0"}}, .loops.fn = {SLOTS_FLOATS(minus_quotient)}},
    {0},
};
