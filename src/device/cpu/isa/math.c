/* Elementary functions: float32 from isa/math.h, float64 and the rarer float32 ones from libm. */
#include "device/cpu/isa/math.h"

#include "device/cpu/isa/loops.h"

#define LIBM1(name, expression32, expression64)                                                                        \
    LOOP1(name##_loop_f32, f32, f32, expression32) LOOP1(name##_loop_f64, f64, f64, expression64)

LIBM1(exp, exp_f32(a), exp(a))
LIBM1(expm1, expm1_f32(a), expm1(a))
LIBM1(log, log_f32(a), log(a))
LIBM1(log1p, log1p_f32(a), log1p(a))
LIBM1(log2, log2f(a), log2(a))
LIBM1(log10, log10f(a), log10(a))
LIBM1(tanh, tanh_f32(a), tanh(a))
LIBM1(erf, erf_f32(a), erf(a))
LIBM1(sin, sinf(a), sin(a))
LIBM1(cos, cosf(a), cos(a))
LIBM1(tan, tanf(a), tan(a))
LIBM1(arcsin, asinf(a), asin(a))
LIBM1(arccos, acosf(a), acos(a))
LIBM1(arctan, atanf(a), atan(a))
LIBM1(sinh, sinhf(a), sinh(a))
LIBM1(cosh, coshf(a), cosh(a))
LOOP2(arctan2_loop_f32, f32, f32, atan2f(a, b))
LOOP2(arctan2_loop_f64, f64, f64, atan2(a, b))
LIBM1(trunc, truncf(a), trunc(a))
LIBM1(sqrt, sqrtf(a), sqrt(a))
LIBM1(rsqrt, 1 / sqrtf(a), 1 / sqrt(a))
LIBM1(floor, floorf(a), floor(a))
LIBM1(ceil, ceilf(a), ceil(a))
LIBM1(round, rintf(a), rint(a)) /* half to even, as in NumPy */

static inline f64 sigmoid_f64(f64 x) {
    const f64 e = exp(-fabs(x));
    return (x < 0 ? e : 1) / (1 + e);
}
LIBM1(sigmoid, sigmoid_f32(a), sigmoid_f64(a))

static inline f64 softplus_f64(f64 x) {
    return (x > 0 ? x : 0) + log1p(exp(-fabs(x))) + (x - x);
}
static inline f32 softplus_f32(f32 x) {
    return (x > 0 ? x : 0) + log1p_f32(exp_f32(-fabsf(x)));
}
LIBM1(softplus, softplus_f32(a), softplus_f64(a))

/* NaN stays NaN. */
FLOATS1(relu, a <= 0 ? 0 : a)
/* x where x > 0, else alpha (e^x - 1). */
static inline f32 elu_f32(f32 x, f32 alpha) {
    const f32 y = alpha * expm1_f32(x);
    return x > 0 ? x : y;
}
LIBM1(elu, elu_f32(a, (f32)attrs->scalar), a > 0 ? a : attrs->scalar * expm1(a))

const struct cpu_loops CPU_SYMBOL(math)[] = {
    {.op = "exp", .fn = {SLOTS_FLOATS(exp_loop)}},           {.op = "expm1", .fn = {SLOTS_FLOATS(expm1_loop)}},
    {.op = "log", .fn = {SLOTS_FLOATS(log_loop)}},           {.op = "log1p", .fn = {SLOTS_FLOATS(log1p_loop)}},
    {.op = "log2", .fn = {SLOTS_FLOATS(log2_loop)}},         {.op = "log10", .fn = {SLOTS_FLOATS(log10_loop)}},
    {.op = "tanh", .fn = {SLOTS_FLOATS(tanh_loop)}},         {.op = "erf", .fn = {SLOTS_FLOATS(erf_loop)}},
    {.op = "sin", .fn = {SLOTS_FLOATS(sin_loop)}},           {.op = "cos", .fn = {SLOTS_FLOATS(cos_loop)}},
    {.op = "tan", .fn = {SLOTS_FLOATS(tan_loop)}},           {.op = "arcsin", .fn = {SLOTS_FLOATS(arcsin_loop)}},
    {.op = "arccos", .fn = {SLOTS_FLOATS(arccos_loop)}},     {.op = "arctan", .fn = {SLOTS_FLOATS(arctan_loop)}},
    {.op = "arctan2", .fn = {SLOTS_FLOATS(arctan2_loop)}},   {.op = "sinh", .fn = {SLOTS_FLOATS(sinh_loop)}},
    {.op = "cosh", .fn = {SLOTS_FLOATS(cosh_loop)}},         {.op = "trunc", .fn = {SLOTS_FLOATS(trunc_loop)}},
    {.op = "sqrt", .fn = {SLOTS_FLOATS(sqrt_loop)}},         {.op = "rsqrt", .fn = {SLOTS_FLOATS(rsqrt_loop)}},
    {.op = "floor", .fn = {SLOTS_FLOATS(floor_loop)}},       {.op = "ceil", .fn = {SLOTS_FLOATS(ceil_loop)}},
    {.op = "round", .fn = {SLOTS_FLOATS(round_loop)}},       {.op = "sigmoid", .fn = {SLOTS_FLOATS(sigmoid_loop)}},
    {.op = "softplus", .fn = {SLOTS_FLOATS(softplus_loop)}}, {.op = "relu", .fn = {SLOTS_FLOATS(relu)}},
    {.op = "elu", .fn = {SLOTS_FLOATS(elu_loop)}},           {.op = NULL},
};
