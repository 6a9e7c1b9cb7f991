/* Products and convolutions of every tile and every way of reading an operand, against float64 on the cpu. What is
 * missing or misplaced shows a thousand times as much as rounding. */
#include <math.h>

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

static void test_convolutions(void **state) {
    (void)state;
    test_needs_opencl();
    EACH(convs, i) {
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
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_products),
        cmocka_unit_test(test_other_types),
        cmocka_unit_test(test_convolutions),
    };
    return cmocka_run_group_tests(tests, test_opencl_open, test_opencl_close);
}
