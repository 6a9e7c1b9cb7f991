/* Conversions between all dtypes. Floats truncate towards zero; what an integer cannot hold wraps through int64, and NaN
 * becomes 0, so that no conversion is undefined. */
#include "device/cpu/isa/loops.h"

/* Beyond int64 a float gives its nearest end; NaN gives 0. */
static inline i64 to_i64(f64 x) {
    if (!(x > -9223372036854775808.0)) return x == x ? INT64_MIN : 0;
    return x < 9223372036854775808.0 ? (i64)x : INT64_MAX;
}
/* The same for floats within int32, as nearly all are, in a form that vectorises. */
static inline i32 to_i32(f64 x) {
    return x > -2147483649.0 && x < 2147483648.0 ? (i32)x : (i32)to_i64(x);
}

#define TO(from)                                                                                                       \
    LOOP1(from##_to_b8, from, b8, a != 0)                                                                              \
    LOOP1(from##_to_f32, from, f32, a)                                                                                 \
    LOOP1(from##_to_f64, from, f64, a)
#define TO_INTEGERS(from, u8_expression, i32_expression, i64_expression)                                               \
    LOOP1(from##_to_u8, from, u8, u8_expression)                                                                       \
    LOOP1(from##_to_i32, from, i32, i32_expression)                                                                    \
    LOOP1(from##_to_i64, from, i64, i64_expression)

LOOP1(b8_to_b8, b8, b8, a != 0)
LOOP1(b8_to_f32, b8, f32, a != 0)
LOOP1(b8_to_f64, b8, f64, a != 0)
TO_INTEGERS(b8, a != 0, a != 0, a != 0)
TO(u8)
TO_INTEGERS(u8, a, a, a)
TO(i32)
TO_INTEGERS(i32, a, a, a)
TO(i64)
TO_INTEGERS(i64, a, a, a)
TO(f32)
TO_INTEGERS(f32, to_i32(a), to_i32(a), to_i64(a))
TO(f64)
TO_INTEGERS(f64, to_i32(a), to_i32(a), to_i64(a))

#define ROW(from)                                                                                                      \
    { from##_to_b8, from##_to_u8, from##_to_i32, from##_to_i64, from##_to_f32, from##_to_f64 }
cpu_loop *const CPU_SYMBOL(cast)[DT_COUNT][DT_COUNT] = {ROW(b8), ROW(u8), ROW(i32), ROW(i64), ROW(f32), ROW(f64)};

/* The op: attrs.full.dtype says to what. */
#define CAST_LOOP(from, D)                                                                                             \
    static void cast_##from(int64_t n, void *out, const void *const *in, const union op_attrs *attrs) {                \
        CPU_SYMBOL(cast)[D][attrs->full.dtype](n, out, in, attrs);                                                     \
    }
CAST_LOOP(b8, DT_BOOL)
CAST_LOOP(u8, DT_UINT8)
CAST_LOOP(i32, DT_INT32)
CAST_LOOP(i64, DT_INT64)
CAST_LOOP(f32, DT_FLOAT32)
CAST_LOOP(f64, DT_FLOAT64)

LOOP1(copy_b8, b8, b8, a)
LOOP1(copy_u8, u8, u8, a)
LOOP1(copy_i32, i32, i32, a)
LOOP1(copy_i64, i64, i64, a)
LOOP1(copy_f32, f32, f32, a)
LOOP1(copy_f64, f64, f64, a)

const struct cpu_loops CPU_SYMBOL(casts)[] = {
    {.op = "cast", .fn = {SLOTS_ANY(cast)}},
    {.op = "copy", .fn = {SLOTS_ANY(copy)}},
    {.op = NULL},
};
