/* Products and convolutions of every tile and every way of reading an operand, in float32 and in tf32, against float64 on
 * the cpu. What is missing or misplaced shows a thousand times as much as rounding. */
#include "device/gpu/gpu.h"

#include <math.h>
#include <stdlib.h>

#include "support/eager.h"
#include "support/opencl.h"

struct product {
    struct shape a, b;
    bool transpose_a, transpose_b;
    int64_t skip; /* elements of a row that both begin with and that do not belong to the operands: 1 forbids vectors */
};

/* What they are cut into stands beside them; results with edges inside a tile, and operands in whole vectors and not. */
static const struct product products[] = {
    {{3, {64, 130, 72}}, {3, {64, 72, 132}}, false, false, 0}, /* 128 x 128 */
    {{3, {64, 72, 132}}, {3, {64, 132, 72}}, true, true, 0},
    {{3, {64, 131, 37}}, {3, {64, 37, 133}}, false, false, 0},
    {{3, {64, 37, 131}}, {3, {64, 133, 37}}, true, true, 0},
    {{3, {64, 132, 40}}, {3, {64, 40, 132}}, false, false, 1},
    {{2, {8193, 52}}, {2, {52, 64}}, false, false, 0}, /* 128 x 64 */
    {{2, {8200, 13}}, {2, {13, 7}}, false, false, 0},
    {{2, {13, 8200}}, {2, {12, 13}}, true, true, 0},
    {{2, {100, 33}}, {2, {33, 90}}, false, false, 0}, /* 64 x 64 */
    {{2, {68, 84}}, {2, {96, 68}}, true, true, 0},
    {{2, {5, 16}}, {2, {16, 4}}, false, false, 4},
    {{2, {1, 1}}, {2, {1, 1}}, false, false, 0},
    {{2, {70, 3001}}, {2, {3001, 66}}, false, false, 0}, /* sums in parts */
    {{2, {3004, 24}}, {2, {3004, 200}}, true, false, 0},
    {{3, {3, 200, 5000}}, {2, {5000, 130}}, false, false, 0},
    {{2, {5, 0}}, {2, {0, 4}}, false, false, 0}, /* nothing to add up */
};

struct conv {
    struct shape x, kernel;
    int64_t stride[2], dilation[2], before[2], groups;
};
static const struct conv convs[] = {
    {{4, {3, 19, 18, 4}}, {4, {3, 3, 4, 12}}, {1, 1}, {1, 1}, {1, 1}, 1},
    {{4, {2, 17, 19, 3}}, {4, {3, 2, 3, 5}}, {2, 3}, {1, 1}, {1, 0}, 1},
    {{4, {2, 17, 16, 8}}, {4, {2, 3, 4, 8}}, {1, 2}, {2, 1}, {0, 2}, 2},
    {{4, {2, 11, 12, 6}}, {4, {3, 3, 2, 9}}, {1, 1}, {1, 2}, {2, 2}, 3},
    {{4, {8, 28, 28, 1}}, {4, {5, 5, 1, 68}}, {1, 1}, {1, 1}, {2, 2}, 1}, /* channels fewer than a slice */
    {{4, {24, 28, 28, 4}}, {4, {3, 3, 4, 72}}, {1, 1}, {1, 1}, {1, 1}, 1},
    {{4, {24, 28, 28, 68}}, {4, {1, 1, 68, 16}}, {1, 1}, {1, 1}, {0, 0}, 1},
    {{4, {22, 28, 28, 5}}, {4, {4, 4, 5, 68}}, {1, 1}, {1, 1}, {1, 1}, 1},
    {{4, {0, 6, 6, 2}}, {4, {3, 3, 2, 3}}, {1, 1}, {1, 1}, {1, 1}, 1}, /* nothing to add up for the kernel, */
    {{4, {2, 6, 6, 0}}, {4, {3, 3, 0, 3}}, {1, 1}, {1, 1}, {1, 1}, 1}, /* and for the result */
};

#define EACH(TABLE, I) for (size_t I = 0; I < sizeof(TABLE) / sizeof *(TABLE); I++)

/* ---- operands and results ------------------------------------------------------------------------------------------- */

struct pair {
    struct op_emitter cpu, gpu;
    struct err e;
};

static void begin(struct pair *p) {
    p->e = (struct err){0};
    p->cpu = eager_emitter(test_cpu[0], &p->e);
    p->gpu = eager_emitter(test_opencl, &p->e);
}

static void end(struct pair *p) {
    assert_int_equal(p->e.status, OK);
    op_emitter_close(&p->gpu);
    op_emitter_close(&p->cpu);
}

/* What a tensor core takes of a float32: 10 bits behind the point, ties away from zero. */
static float to_tf32(float x) {
    uint32_t bits;
    memcpy(&bits, &x, sizeof bits);
    bits = (bits + 0x1000) & 0xffffe000;
    memcpy(&x, &bits, sizeof x);
    return x;
}

static struct tensor *rounded(struct tensor *x) {
    struct err e = {0};
    float *bytes = malloc(tensor_bytes(x));
    assert_non_null(bytes);
    assert_ok(tensor_read(x, bytes, &e), &e);
    for (int64_t i = 0; i < tensor_size(x); i++) bytes[i] = to_tf32(bytes[i]);
    struct tensor *out = test_tensor(test_cpu[0], DT_FLOAT32, x->shape, bytes);
    free(bytes);
    return out;
}

/* The operand on both sides, in float64 on the cpu unless it is of integers; `skip` more elements in front of each row. */
static void operand(struct pair *p, enum dtype d, const struct shape *s, int64_t skip, uint64_t seed, emit_t *there,
                    emit_t *here) {
    struct op_slice slice = {.shape = *s};
    struct shape whole = *s;
    whole.dim[s->rank - 1] += skip;
    slice.start[s->rank - 1] = skip;
    for (int i = 0; i < s->rank; i++) slice.step[i] = 1;
    const double most = dtype_is_float(d) ? 1 : 9;
    emit_t x = op_emitter_own(&p->cpu, test_random(test_cpu[0], d, whole, -most, most, seed));
    emit_t y = op_emitter_own(&p->gpu, test_on(test_opencl, x));
    if (strcmp(test_opencl->precision, "tf32") == 0) x = op_emitter_own(&p->cpu, rounded(x));
    x = dtype_is_float(d) ? emit_cast(&p->cpu, x, DT_FLOAT64) : x;
    *here = skip ? emit_slice(&p->cpu, x, &slice) : x;
    *there = skip ? emit_slice(&p->gpu, y, &slice) : y;
}

/* Sums of k terms of size at most 1: each addition rounds by half a unit, of sums that grow with the root of k. */
static void compare(struct pair *p, const char *what, size_t which, emit_t got, emit_t want, int64_t k) {
    assert_int_equal(p->e.status, OK);
    struct tensor *g = test_on(test_cpu[0], got);
    const double unit = g->dtype == DT_FLOAT32 ? 0x1p-24 : g->dtype == DT_FLOAT64 ? 0x1p-53 : 0;
    assert_true(shape_equal(&g->shape, &want->shape));
    for (int64_t i = 0; i < tensor_size(g); i++) {
        const double a = test_at(g, i), b = test_at(want, i);
        if (!(fabs(a - b) <= unit * (8 + (double)k) * (1 + fabs(b))))
            fail_msg("%s %d, %s: element %d is %.9g, not %.9g", what, (int)which, dtype_name(g->dtype), (int)i, a, b);
    }
    tensor_release(g);
}

/* ---- tests ---------------------------------------------------------------------------------------------------------- */

static void check_product(size_t i, enum dtype d) {
    const struct product *t = &products[i];
    struct pair p;
    emit_t a[2], b[2];
    begin(&p);
    operand(&p, d, &t->a, t->skip, 2 * i, &a[0], &a[1]);
    operand(&p, d, &t->b, t->skip, 2 * i + 1, &b[0], &b[1]);
    emit_t got = emit_matmul(&p.gpu, a[0], b[0], t->transpose_a, t->transpose_b);
    emit_t want = emit_matmul(&p.cpu, a[1], b[1], t->transpose_a, t->transpose_b);
    compare(&p, "product", i, got, want, t->a.dim[t->a.rank - (t->transpose_a ? 2 : 1)]);
    end(&p);
}

static void test_products(void **state) {
    (void)state;
    test_needs_opencl();
    EACH(products, i) check_product(i, DT_FLOAT32);
}

/* One of each tile, of each other type there is. */
static void test_other_types(void **state) {
    (void)state;
    test_needs_opencl();
    EACH(products, i)
    if (i % 3 == 2) {
        check_product(i, DT_INT32);
        check_product(i, DT_INT64);
        check_product(i, DT_FLOAT64);
    }
}

static void check_convolution(size_t i) {
    const struct conv *t = &convs[i];
    const struct shape *k = &t->kernel;
    struct op_window w = {.groups = t->groups};
    struct pair p;
    emit_t x[2], kernel[2], dy[2];
    for (int d = 0; d < 2; d++) {
        w.size[d] = k->dim[d], w.input[d] = t->x.dim[d + 1], w.before[d] = w.after[d] = t->before[d];
        w.stride[d] = t->stride[d], w.dilation[d] = t->dilation[d];
    }
    begin(&p);
    operand(&p, DT_FLOAT32, &t->x, 0, 3 * i, &x[0], &x[1]);
    operand(&p, DT_FLOAT32, k, 0, 3 * i + 1, &kernel[0], &kernel[1]);
    emit_t y = emit_conv2d(&p.cpu, x[1], kernel[1], &w);
    compare(&p, "convolution", i, emit_conv2d(&p.gpu, x[0], kernel[0], &w), y, k->dim[0] * k->dim[1] * k->dim[2]);
    operand(&p, DT_FLOAT32, &y->shape, 0, 3 * i + 2, &dy[0], &dy[1]);
    compare(&p, "gradient of its input", i, emit_conv2d_grad_input(&p.gpu, dy[0], kernel[0], &w),
            emit_conv2d_grad_input(&p.cpu, dy[1], kernel[1], &w), k->dim[0] * k->dim[1] * k->dim[3]);
    compare(&p, "gradient of its kernel", i, emit_conv2d_grad_kernel(&p.gpu, x[0], dy[0], &w),
            emit_conv2d_grad_kernel(&p.cpu, x[1], dy[1], &w), y->shape.dim[0] * y->shape.dim[1] * y->shape.dim[2]);
    end(&p);
}

static void test_convolutions(void **state) {
    (void)state;
    test_needs_opencl();
    EACH(convs, i) check_convolution(i);
}

/* ---- tf32 ------------------------------------------------------------------------------------------------------------ */

static void set_precision(const char *precision) {
    struct err e = {0};
    assert_ok(test_opencl->driver->set_precision(test_opencl, precision, &e), &e);
    assert_string_equal(test_opencl->precision, precision);
}

/* Against operands that were rounded before, so that only sums are left to round, as in float32. Some of each tile. */
static void test_tf32(void **state) {
    (void)state;
    test_needs_opencl();
    set_precision("tf32");
    for (int i = 0; i < 6; i++) check_product((const size_t[]){1, 2, 4, 5, 9, 12}[i], DT_FLOAT32);
    for (int i = 0; i < 2; i++) check_convolution((const size_t[]){1, 5}[i]);
    set_precision("float32");
}

/* The first row of ones by x: what a tensor core makes of it. */
static float product_of(float x) {
    struct err e = {0};
    struct op_emitter gpu = eager_emitter(test_opencl, &e);
    emit_t a = op_emitter_own(&gpu, test_tensor(test_opencl, DT_FLOAT32, (struct shape){2, {1, 1}}, &(float){1}));
    emit_t b = op_emitter_own(&gpu, test_tensor(test_opencl, DT_FLOAT32, (struct shape){2, {1, 1}}, &x));
    struct tensor *y = test_on(test_cpu[0], emit_matmul(&gpu, a, b, false, false));
    const float v = (float)test_at(y, 0);
    assert_int_equal(e.status, OK);
    tensor_release(y);
    op_emitter_close(&gpu);
    return v;
}

static void test_tf32_rounds(void **state) {
    (void)state;
    test_needs_opencl();
    const float x = 1 + 0x1p-11f + 0x1p-20f;
    assert_true(product_of(x) == x);
    set_precision("tf32");
    assert_true(product_of(x) == 1 + 0x1p-10f);
    assert_true(product_of(1 + 0x1p-11f) == 1 + 0x1p-10f);
    assert_true(product_of(-1 - 0x1p-12f) == -1);
    assert_true(isinf(product_of(INFINITY)));
    assert_true(isnan(product_of(NAN)));
    set_precision("float32");
    assert_true(product_of(x) == x);
}

/* What was compiled in one precision does not run in the other; a device that cannot says why and stays as it is. */
static void test_tf32_is_refused(void **state) {
    (void)state;
    test_needs_opencl();
    struct err e = {0};
    struct device *d;
    assert_ok(test_opencl->driver->open(0, &d, &e), &e);
    const uint64_t choices = d->choices;
    assert_ok(d->driver->set_precision(d, "tf32", &e), &e);
    assert_int_equal(d->choices, choices + 1);
    assert_non_null(strstr(d->name, "tf32)"));
    assert_ok(d->driver->set_precision(d, "float32", &e), &e);
    ((struct gpu *)d)->facts.tf32 = false;
    assert_error(d->driver->set_precision(d, "tf32", &e), ERR_UNSUPPORTED, "compute capability 8.0 or later", &e);
    assert_string_equal(d->precision, "float32");
    assert_null(strstr(d->name, "tf32"));
    assert_ok(d->driver->set_precision(d, "float32", &e), &e);
    d->driver->close(d);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_products), cmocka_unit_test(test_other_types), cmocka_unit_test(test_convolutions),
        cmocka_unit_test(test_tf32),     cmocka_unit_test(test_tf32_rounds), cmocka_unit_test(test_tf32_is_refused),
    };
    return cmocka_run_group_tests(tests, test_opencl_open, test_opencl_close);
}
