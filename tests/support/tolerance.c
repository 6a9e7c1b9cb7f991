/* The table of tolerances. */
#include "support/tolerance.h"

#include <math.h>
#include <stddef.h>
#include <string.h>

struct entry {
    const char *op;
    struct tolerance t;
};

/* One unit in the last place of float32 is 1.2e-7 relative. Sums of products cancel, so theirs is absolute. */
static const struct tolerance float32_default = {3e-7, 1e-8};
static const struct entry float32_table[] = {
    {"matmul", {1e-6, 5e-6}},
    {"conv2d", {1e-6, 5e-6}},
    {"conv2d_grad_input", {1e-6, 5e-6}},
    {"conv2d_grad_kernel", {1e-6, 5e-6}},
    {NULL, {0, 0}},
};

static const struct tolerance opencl_float64 = {4e-15, 1e-14};
static const struct entry opencl_table[] = {
    {NULL, {0, 0}},
};

/* Differences of a step h are off by h^2 f'''/6 and by the rounding of f over h: 1e-10 and 1e-11 of size 1. */
static const struct tolerance gradient_default = {1e-8, 2e-9};
static const struct entry gradient_table[] = {
    {NULL, {0, 0}},
};

static struct tolerance look_up(const struct entry *table, const char *op, struct tolerance otherwise) {
    for (; table->op; table++)
        if (strcmp(table->op, op) == 0) return table->t;
    return otherwise;
}

struct tolerance tolerance_float32(const char *op) {
    return look_up(float32_table, op, float32_default);
}

struct tolerance tolerance_opencl(const char *op, enum dtype d) {
    if (d == DT_FLOAT32) return look_up(opencl_table, op, tolerance_float32(op));
    return d == DT_FLOAT64 ? opencl_float64 : (struct tolerance){0, 0};
}

struct tolerance tolerance_gradient(const char *op) {
    return look_up(gradient_table, op, gradient_default);
}

bool tolerance_agree(struct tolerance t, double got, double want) {
    if (isnan(want)) return isnan(got);
    if (isinf(want)) return got == want;
    return fabs(got - want) <= t.absolute + t.relative * fabs(want);
}
