/* Arithmetic loops. Integers wrap; dividing an integer by zero gives 0, as in NumPy, and never traps. */
#include <math.h>

#include "device/cpu/isa/loops.h"

NUMBERS2(add, a + b)
NUMBERS2(sub, a - b)
NUMBERS2(mul, a *b)
FLOATS2(div, a / b)
LOOP2(add_b8, b8, b8, (a != 0) | (b != 0))
LOOP2(mul_b8, b8, b8, (a != 0) & (b != 0))

NUMBERS1(neg, -a)
NUMBERS1(square, a *a)
FLOATS1(reciprocal, 1 / a)
LOOP1(abs_u8, u8, u8, a)
LOOP1(abs_i32, i32, i32, a < 0 ? -a : a)
LOOP1(abs_i64, i64, i64, a < 0 ? -a : a)
LOOP1(abs_f32, f32, f32, fabsf(a))
LOOP1(abs_f64, f64, f64, fabs(a))
LOOP1(sign_u8, u8, u8, a > 0)
LOOP1(sign_i32, i32, i32, (a > 0) - (a < 0))
LOOP1(sign_i64, i64, i64, (a > 0) - (a < 0))
FLOATS1(sign, a > 0 ? 1 : a < 0 ? -1 : a)

/* NaN wins, as in NumPy. */
NUMBERS2(maximum, a > b || a != a ? a : b)
NUMBERS2(minimum, a < b || a != a ? a : b)
LOOP2(maximum_b8, b8, b8, (a != 0) | (b != 0))
LOOP2(minimum_b8, b8, b8, (a != 0) & (b != 0))

/* Division that rounds down, and the remainder with the divisor's sign: Python's // and %. */
static inline i64 floor_divide_i64(i64 a, i64 b) {
    if (b == 0) return 0;
    if (b == -1) return -a;
    return a / b - (a % b != 0 && (a ^ b) < 0);
}
static inline i64 remainder_i64(i64 a, i64 b) {
    if (b == 0 || b == -1) return 0;
    const i64 r = a % b;
    return r != 0 && (r ^ b) < 0 ? r + b : r;
}
static inline f64 remainder_f64(f64 a, f64 b) {
    const f64 r = fmod(a, b);
    if (r == 0) return copysign(0, b);
    return (r < 0) != (b < 0) ? r + b : r;
}
static inline f32 remainder_f32(f32 a, f32 b) {
    const f32 r = fmodf(a, b);
    if (r == 0) return copysignf(0, b);
    return (r < 0) != (b < 0) ? r + b : r;
}
static inline f64 floor_divide_f64(f64 a, f64 b) {
    if (b == 0 || isinf(a)) return b == 0 ? a / b : NAN;
    const f64 q = (a - remainder_f64(a, b)) / b;
    return q == 0 ? copysign(0, a / b) : floor(q) + (q - floor(q) > 0.5);
}
static inline f32 floor_divide_f32(f32 a, f32 b) {
    if (b == 0 || isinf(a)) return b == 0 ? a / b : NAN;
    const f32 q = (a - remainder_f32(a, b)) / b;
    return q == 0 ? copysignf(0, a / b) : floorf(q) + (q - floorf(q) > 0.5f);
}
LOOP2(floor_divide_loop_u8, u8, u8, b ? a / b : 0)
LOOP2(floor_divide_loop_i32, i32, i32, floor_divide_i64(a, b))
LOOP2(floor_divide_loop_i64, i64, i64, floor_divide_i64(a, b))
LOOP2(floor_divide_loop_f32, f32, f32, floor_divide_f32(a, b))
LOOP2(floor_divide_loop_f64, f64, f64, floor_divide_f64(a, b))
LOOP2(mod_u8, u8, u8, b ? a % b : 0)
LOOP2(mod_i32, i32, i32, remainder_i64(a, b))
LOOP2(mod_i64, i64, i64, remainder_i64(a, b))
LOOP2(mod_f32, f32, f32, remainder_f32(a, b))
LOOP2(mod_f64, f64, f64, remainder_f64(a, b))

/* Integer powers wrap; negative exponents are refused before. */
static inline i64 power_i64(i64 a, i64 b) {
    i64 r = 1;
    for (; b > 0; b >>= 1, a *= a)
        if (b & 1) r *= a;
    return r;
}
INTEGERS2(pow, power_i64(a, b))
LOOP2(pow_f32, f32, f32, powf(a, b))
LOOP2(pow_f64, f64, f64, pow(a, b))

static const char *refuse_pow(int64_t n, const void *const *in, enum dtype d) {
    bool negative = false;
    for (int64_t i = 0; i < n && d == DT_INT32; i++) negative |= ((const i32 *)in[1])[i] < 0;
    for (int64_t i = 0; i < n && d == DT_INT64; i++) negative |= ((const i64 *)in[1])[i] < 0;
    return negative ? "an integer to a negative integer power" : NULL;
}

const struct cpu_loops CPU_SYMBOL(arithmetic)[] = {
    {.op = "add", .fn = {SLOTS_ANY(add)}},
    {.op = "sub", .fn = {SLOTS_NUMBERS(sub)}},
    {.op = "mul", .fn = {SLOTS_ANY(mul)}},
    {.op = "div", .fn = {SLOTS_FLOATS(div)}},
    {.op = "neg", .fn = {SLOTS_NUMBERS(neg)}},
    {.op = "square", .fn = {SLOTS_NUMBERS(square)}},
    {.op = "reciprocal", .fn = {SLOTS_FLOATS(reciprocal)}},
    {.op = "abs", .fn = {SLOTS_NUMBERS(abs)}},
    {.op = "sign", .fn = {SLOTS_NUMBERS(sign)}},
    {.op = "maximum", .fn = {SLOTS_ANY(maximum)}},
    {.op = "minimum", .fn = {SLOTS_ANY(minimum)}},
    {.op = "floor_divide", .fn = {SLOTS_NUMBERS(floor_divide_loop)}},
    {.op = "mod", .fn = {SLOTS_NUMBERS(mod)}},
    {.op = "pow", .fn = {SLOTS_NUMBERS(pow)}, .refuse = refuse_pow},
    {.op = NULL},
};
