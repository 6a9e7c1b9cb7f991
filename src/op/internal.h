/* What the op files share: inferences, views, pieces of gradients, and initialisers for common kinds of ops. */
#ifndef OP_INTERNAL_H
#define OP_INTERNAL_H

#include "op/emit.h"

/* ---- inference -------------------------------------------------------------------------------------------------- */

/* The result is s of dtype d; ERR_VALUE where that has no size in bytes. */
enum status infer_give(const struct op_inference *i, enum dtype d, const struct shape *s);
/* Inputs broadcast together; the result has the last input's dtype (infer_same) or is bool (infer_bool). */
enum status infer_same(const struct op_inference *i);
enum status infer_bool(const struct op_inference *i);
/* The first input's signature. */
enum status infer_first(const struct op_inference *i);
/* attrs.full's dtype and shape. */
enum status infer_full(const struct op_inference *i);
/* The shape after reducing in[0] over attrs.axes; errors name an axis that is out of range or stands twice. */
enum status infer_reduced(const struct op_inference *i, struct shape *out);
/* attrs.axes holds exactly one axis of in[0]. */
enum status infer_one_axis(const struct op_inference *i);
enum status infer_rank(const struct op_inference *i, int input, int rank, const char *layout);
/* v lies in least .. 2^31 - 1, so that windows can be reckoned with in 64 bits. */
enum status infer_extent(const struct op_inference *i, const char *what, int64_t v, int64_t least);
/* ERR_VALUE */
enum status infer_fail(const struct op_inference *i, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* A shape's text, alive until the end of the enclosing block. */
#define SHAPE_TEXT(shape) shape_text(shape, (char[200]){0}, 200)

/* ---- gradients -------------------------------------------------------------------------------------------------- */

/* Defines NAME as the gradient of an op of one input: FORMULA is in terms of e, x, y = f(x) and dy. */
#define UNARY_GRADIENT(NAME, FORMULA)                                                                                  \
    static void NAME(struct op_grad *g) {                                                                              \
        struct op_emitter *e = g->emit;                                                                                \
        const emit_t x = g->in[0], y = g->out[0], dy = g->dout[0];                                                     \
        (void)e, (void)x, (void)y;                                                                                     \
        g->din[0] = (FORMULA);                                                                                         \
    }

/* Defines NAME as the gradient of a broadcasting op of two inputs, in terms of e, a, b, y and dy. */
#define BINARY_GRADIENT(NAME, FORMULA_A, FORMULA_B)                                                                    \
    static void NAME(struct op_grad *g) {                                                                              \
        struct op_emitter *e = g->emit;                                                                                \
        const emit_t a = g->in[0], b = g->in[1], y = g->out[0], dy = g->dout[0];                                       \
        (void)y;                                                                                                       \
        if (g->wants[0]) g->din[0] = emit_unbroadcast(e, (FORMULA_A), &a->shape);                                      \
        if (g->wants[1]) g->din[1] = emit_unbroadcast(e, (FORMULA_B), &b->shape);                                      \
    }

/* ---- initialisers of struct op ---------------------------------------------------------------------------------- */

#define ELEMENTWISE(ARITY, DTYPES, INFER)                                                                              \
    .nin = (ARITY), .nout = 1, .flags = OP_ELEMENTWISE, .dtypes = (DTYPES), .infer = (INFER)

#define SAMPLES(...)                                                                                                   \
    .samples = (const struct op_sample[]){__VA_ARGS__},                                                                \
    .nsample = sizeof((const struct op_sample[]){__VA_ARGS__}) / sizeof(struct op_sample)

/* A sample's shape; {0} is a scalar's. */
#define DIMS(...)                                                                                                      \
    {                                                                                                                  \
        sizeof((int[]){__VA_ARGS__}) / sizeof(int), {                                                                  \
            __VA_ARGS__                                                                                                \
        }                                                                                                              \
    }
#define ATTRS(...)                                                                                                     \
    &(const union op_attrs) {                                                                                          \
        __VA_ARGS__                                                                                                    \
    }

/* Samples of elementwise ops: odd sizes, a scalar, nothing at all, every way to broadcast, whole numbers. */
#define UNARY_SAMPLES(LOW, HIGH)                                                                                       \
    SAMPLES({.nin = 1, .shape = {DIMS(3, 7, 5)}, .low = (LOW), .high = (HIGH)},                                        \
            {.nin = 1, .shape = {{0}}, .low = (LOW), .high = (HIGH)},                                                  \
            {.nin = 1, .shape = {DIMS(2, 0)}, .low = (LOW), .high = (HIGH)},                                           \
            {.nin = 1, .shape = {DIMS(67)}, .low = (LOW), .high = (HIGH)})
#define BINARY_SAMPLES(LOW, HIGH)                                                                                      \
    SAMPLES({.nin = 2, .shape = {DIMS(3, 7), DIMS(3, 7)}, .low = (LOW), .high = (HIGH)},                               \
            {.nin = 2, .shape = {DIMS(2, 3, 5), DIMS(5)}, .low = (LOW), .high = (HIGH)},                               \
            {.nin = 2, .shape = {DIMS(3, 1), DIMS(2, 1, 4)}, .low = (LOW), .high = (HIGH)},                            \
            {.nin = 2, .shape = {{0}, DIMS(9)}, .low = (LOW), .high = (HIGH)},                                         \
            {.nin = 2, .shape = {DIMS(0, 3), DIMS(3)}, .low = (LOW), .high = (HIGH)})
#define WHOLE_SAMPLES(LOW, HIGH)                                                                                       \
    SAMPLES({.nin = 2, .shape = {DIMS(5, 7), DIMS(5, 7)}, .low = (LOW), .high = (HIGH), .whole = true},                \
            {.nin = 2, .shape = {DIMS(4, 1), DIMS(9)}, .low = (LOW), .high = (HIGH), .whole = true},                   \
            {.nin = 2, .shape = {DIMS(3, 5), {0}}, .low = (LOW), .high = (HIGH), .whole = true},                       \
            {.nin = 2, .shape = {DIMS(3, 0), DIMS(1)}, .low = (LOW), .high = (HIGH), .whole = true})

#endif
