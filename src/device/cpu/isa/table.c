/* The table of one instruction set: nothing but names. */
#include "device/cpu/isa.h"

#define STRING_(x) #x
#define STRING(x) STRING_(x)

static const struct cpu_loops *const families[] = {
    CPU_SYMBOL(arithmetic), CPU_SYMBOL(compare), CPU_SYMBOL(math), CPU_SYMBOL(casts), NULL,
};

const struct cpu_isa CPU_SYMBOL(isa) = {
    .name = STRING(CPU_ISA),
    .elementwise = families,
    .combinations = CPU_SYMBOL(combinations),
    .cast = CPU_SYMBOL(cast),
    .reductions = CPU_SYMBOL(reductions),
    .softmax = {CPU_SYMBOL(softmax_f32), CPU_SYMBOL(softmax_f64)},
    .log_softmax = {CPU_SYMBOL(log_softmax_f32), CPU_SYMBOL(log_softmax_f64)},
    .random_unit = CPU_SYMBOL(random_unit),
    .pool_max = {CPU_SYMBOL(pool_max_f32), CPU_SYMBOL(pool_max_f64)},
    .pool_argmax = {{CPU_SYMBOL(pool_argmax_f32_u8), CPU_SYMBOL(pool_argmax_f32_i32)},
                    {CPU_SYMBOL(pool_argmax_f64_u8), CPU_SYMBOL(pool_argmax_f64_i32)}},
    .unpool = {{CPU_SYMBOL(unpool_f32_u8), CPU_SYMBOL(unpool_f32_i32), CPU_SYMBOL(unpool_f32_i64)},
               {CPU_SYMBOL(unpool_f64_u8), CPU_SYMBOL(unpool_f64_i32), CPU_SYMBOL(unpool_f64_i64)}},
};
