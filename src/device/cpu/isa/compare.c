/* Comparisons, logic and bits, tests of floats, where. A bool written is 0 or 1. */
#include <math.h>

#include "device/cpu/isa/loops.h"

#define COMPARE(name, expression)                                                                                      \
    LOOP2(name##_b8, b8, b8, expression)                                                                               \
    LOOP2(name##_u8, u8, b8, expression)                                                                               \
    LOOP2(name##_i32, i32, b8, expression)                                                                             \
    LOOP2(name##_i64, i64, b8, expression)                                                                             \
    LOOP2(name##_f32, f32, b8, expression)                                                                             \
    LOOP2(name##_f64, f64, b8, expression)

COMPARE(eq, a == b)
COMPARE(ne, a != b)
COMPARE(gt, a > b)
COMPARE(ge, a >= b)
COMPARE(lt, a < b)
COMPARE(le, a <= b)

LOOP2(logical_and_b8, b8, b8, (a != 0) & (b != 0))
LOOP2(logical_or_b8, b8, b8, (a != 0) | (b != 0))
LOOP2(logical_xor_b8, b8, b8, (a != 0) ^ (b != 0))
LOOP1(logical_not_b8, b8, b8, a == 0)

#define BITS2(name, op)                                                                                                \
    INTEGERS2(name, a op b)                                                                                            \
    LOOP2(name##_b8, b8, b8, (a != 0) op(b != 0))
BITS2(bitwise_and, &)
BITS2(bitwise_or, |)
BITS2(bitwise_xor, ^)
INTEGERS1(invert, ~a)
LOOP1(invert_b8, b8, b8, a == 0)

#define TEST(name, expression) LOOP1(name##_f32, f32, b8, expression) LOOP1(name##_f64, f64, b8, expression)
TEST(isnan, a != a)
TEST(isfinite, a - a == 0)
TEST(isinf, a == INFINITY || a == -INFINITY)

#define WHERE(type)                                                                                                    \
    static void where_##type(int64_t n, void *out, const void *const *in, const union op_attrs *attrs) {               \
        (void)attrs;                                                                                                   \
        const b8 *condition = in[0];                                                                                   \
        const type *a = in[1], *b = in[2];                                                                             \
        type *y = out;                                                                                                 \
        ELEMENTWISE                                                                                                    \
        for (int64_t i = 0; i < n; i++) y[i] = condition[i] ? a[i] : b[i];                                             \
    }
WHERE(b8)
WHERE(u8)
WHERE(i32)
WHERE(i64)
WHERE(f32)
WHERE(f64)

const struct cpu_loops CPU_SYMBOL(compare)[] = {
    {.op = "eq", .fn = {SLOTS_ANY(eq)}},
    {.op = "ne", .fn = {SLOTS_ANY(ne)}},
    {.op = "gt", .fn = {SLOTS_ANY(gt)}},
    {.op = "ge", .fn = {SLOTS_ANY(ge)}},
    {.op = "lt", .fn = {SLOTS_ANY(lt)}},
    {.op = "le", .fn = {SLOTS_ANY(le)}},
    {.op = "logical_and", .fn = {SLOT(logical_and, DT_BOOL, b8)}},
    {.op = "logical_or", .fn = {SLOT(logical_or, DT_BOOL, b8)}},
    {.op = "logical_xor", .fn = {SLOT(logical_xor, DT_BOOL, b8)}},
    {.op = "logical_not", .fn = {SLOT(logical_not, DT_BOOL, b8)}},
    {.op = "bitwise_and", .fn = {SLOT(bitwise_and, DT_BOOL, b8), SLOTS_INTEGERS(bitwise_and)}},
    {.op = "bitwise_or", .fn = {SLOT(bitwise_or, DT_BOOL, b8), SLOTS_INTEGERS(bitwise_or)}},
    {.op = "bitwise_xor", .fn = {SLOT(bitwise_xor, DT_BOOL, b8), SLOTS_INTEGERS(bitwise_xor)}},
    {.op = "invert", .fn = {SLOT(invert, DT_BOOL, b8), SLOTS_INTEGERS(invert)}},
    {.op = "isnan", .fn = {SLOTS_FLOATS(isnan)}},
    {.op = "isfinite", .fn = {SLOTS_FLOATS(isfinite)}},
    {.op = "isinf", .fn = {SLOTS_FLOATS(isinf)}},
    {.op = "where", .fn = {SLOTS_ANY(where)}},
    {.op = NULL},
};
