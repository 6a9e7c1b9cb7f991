/* Macros that write elementwise loops: one line an op and dtype. The C types of the dtypes are named as below; a bool
 * is a byte, true when it is not 0. */
#ifndef DEVICE_CPU_ISA_LOOPS_H
#define DEVICE_CPU_ISA_LOOPS_H

#include "device/cpu/isa.h"

typedef uint8_t b8; /* bool */
typedef uint8_t u8;
typedef int32_t i32;
typedef int64_t i64;
typedef float f32;
typedef double f64;

/* A loop whose result may lie where one of its operands does, element by element; clang looks for that when it runs. */
#ifdef __clang__
#define ELEMENTWISE
#else
#define ELEMENTWISE _Pragma("GCC ivdep")
#endif

/* `name`(n, out, in, attrs): R result = expression in the elements a (b, c) of the inputs and in attrs. */
#define LOOP1(name, A, R, expression)                                                                                  \
    static void name(int64_t n, void *out, const void *const *in, const union op_attrs *attrs) {                       \
        (void)attrs;                                                                                                   \
        const A *pa = in[0];                                                                                           \
        R *y = out;                                                                                                    \
        ELEMENTWISE                                                                                                    \
        for (int64_t i = 0; i < n; i++) {                                                                              \
            const A a = pa[i];                                                                                         \
            y[i] = (R)(expression);                                                                                    \
        }                                                                                                              \
    }
#define LOOP2(name, A, R, expression)                                                                                  \
    static void name(int64_t n, void *out, const void *const *in, const union op_attrs *attrs) {                       \
        (void)attrs;                                                                                                   \
        const A *pa = in[0], *pb = in[1];                                                                              \
        R *y = out;                                                                                                    \
        ELEMENTWISE                                                                                                    \
        for (int64_t i = 0; i < n; i++) {                                                                              \
            const A a = pa[i], b = pb[i];                                                                              \
            y[i] = (R)(expression);                                                                                    \
        }                                                                                                              \
    }
#define LOOP3(name, A, R, expression)                                                                                  \
    static void name(int64_t n, void *out, const void *const *in, const union op_attrs *attrs) {                       \
        (void)attrs;                                                                                                   \
        const A *pa = in[0], *pb = in[1], *pc = in[2];                                                                 \
        R *y = out;                                                                                                    \
        ELEMENTWISE                                                                                                    \
        for (int64_t i = 0; i < n; i++) {                                                                              \
            const A a = pa[i], b = pb[i], c = pc[i];                                                                   \
            y[i] = (R)(expression);                                                                                    \
        }                                                                                                              \
    }

/* The same expression for several dtypes. Integers wrap: these files are compiled with -fwrapv. */
#define FLOATS1(name, expression) LOOP1(name##_f32, f32, f32, expression) LOOP1(name##_f64, f64, f64, expression)
#define FLOATS2(name, expression) LOOP2(name##_f32, f32, f32, expression) LOOP2(name##_f64, f64, f64, expression)
#define FLOATS3(name, expression) LOOP3(name##_f32, f32, f32, expression) LOOP3(name##_f64, f64, f64, expression)
#define INTEGERS1(name, expression)                                                                                    \
    LOOP1(name##_u8, u8, u8, expression)                                                                               \
    LOOP1(name##_i32, i32, i32, expression) LOOP1(name##_i64, i64, i64, expression)
#define INTEGERS2(name, expression)                                                                                    \
    LOOP2(name##_u8, u8, u8, expression)                                                                               \
    LOOP2(name##_i32, i32, i32, expression) LOOP2(name##_i64, i64, i64, expression)
#define NUMBERS1(name, expression) INTEGERS1(name, expression) FLOATS1(name, expression)
#define NUMBERS2(name, expression) INTEGERS2(name, expression) FLOATS2(name, expression)

/* Initialisers of cpu_loops.fn. */
#define SLOT(name, D, type) [D] = name##_##type
#define SLOTS_FLOATS(name) SLOT(name, DT_FLOAT32, f32), SLOT(name, DT_FLOAT64, f64)
#define SLOTS_INTEGERS(name) SLOT(name, DT_UINT8, u8), SLOT(name, DT_INT32, i32), SLOT(name, DT_INT64, i64)
#define SLOTS_NUMBERS(name) SLOTS_INTEGERS(name), SLOTS_FLOATS(name)
#define SLOTS_ANY(name) SLOT(name, DT_BOOL, b8), SLOTS_NUMBERS(name)

#endif
