/* Reductions and argmax against loops in double, over axes and layouts; accuracy of long sums. */
#include <math.h>

#include "support/cpu.h"

static const struct op *const reductions[] = {&op_sum, &op_mean, &op_prod, &op_max, &op_min, &op_any, &op_all};
enum { NREDUCTION = sizeof reductions / sizeof *reductions };

/* acc combined with x. */
static double combine(const struct op *op, double acc, double x) {
    if (op == &op_sum || op == &op_mean) return acc + x;
    if (op == &op_prod) return acc * x;
    if (op == &op_max || op == &op_any) return fmax(acc, x);
    return fmin(acc, x);
}

/* Reduces t over `axes` into result[], which is indexed by the kept dimensions in order; returns how many. */
static int64_t reference(const struct op *op, const struct tensor *t, const struct op_axes *axes, double *result) {
    int64_t n = 1;
    bool gone[TENSOR_MAX_RANK] = {0};
    for (int i = 0; i < axes->n; i++) gone[axes->axis[i]] = true;
    for (int d = 0; d < t->shape.rank; d++) n *= gone[d] ? 1 : t->shape.dim[d];
    for (int64_t i = 0; i < n; i++) result[i] = NAN;
    for (int64_t i = 0; i < tensor_size(t); i++) {
        int64_t rest = i, to = 0, step = 1;
        for (int d = t->shape.rank - 1; d >= 0; rest /= t->shape.dim[d--]) {
            if (gone[d]) continue;
            to += rest % t->shape.dim[d] * step;
            step *= t->shape.dim[d];
        }
        const double x = test_at(t, i);
        result[to] = isnan(result[to]) ? x : combine(op, result[to], x);
    }
    if (op == &op_mean)
        for (int64_t i = 0; i < n; i++) result[i] /= (double)tensor_size(t) / (double)n;
    return n;
}

static void check(const struct op *op, struct tensor *x, const struct op_axes *axes) {
    static double want[1 << 16];
    const union op_attrs attrs = {.axes = *axes};
    const int64_t n = reference(op, x, axes, want);
    struct tensor *y = test_everywhere(op, &x, 1, &attrs, true);
    assert_int_equal(tensor_size(y), n);
    for (int64_t i = 0; i < n; i++) {
        const double tolerance = dtype_is_float(x->dtype) ? 1e-6 * fmax(1, fabs(want[i])) : 0;
        const double expect = y->dtype == DT_FLOAT32 ? (double)(float)want[i] : want[i];
        if (!(fabs(test_at(y, i) - expect) <= tolerance))
            fail_msg("%s of %s: %.17g, not %.17g", op->name, dtype_name(x->dtype), test_at(y, i), expect);
    }
    tensor_release(y);
}

static const struct {
    struct shape shape;
    struct op_axes axes;
} cases[] = {
    {{1, {100000}}, {1, {0}, false}},
    {{2, {3000, 70}}, {1, {0}, false}},
    {{2, {3000, 70}}, {1, {1}, true}},
    {{2, {60001, 3}}, {1, {0}, false}},
    {{2, {5, 2500}}, {1, {0}, false}},
    {{2, {300, 1027}}, {1, {0}, false}},
    {{4, {2, 9, 7, 64}}, {3, {0, 1, 2}, false}},
    {{4, {6, 5, 8, 3}}, {2, {1, 3}, false}},
    {{4, {6, 5, 8, 3}}, {2, {0, 2}, true}},
    {{5, {3, 4, 2, 5, 6}}, {3, {0, 2, 4}, false}},
    {{3, {4, 1, 5}}, {1, {1}, false}},
    {{2, {7, 9}}, {0}},
    {{0}, {0}},
    {{3, {2, 40000, 2}}, {1, {1}, false}},
    {{3, {3, 200, 31}}, {1, {1}, false}},
};

static void all_axes(void **state) {
    (void)state;
    for (size_t k = 0; k < sizeof cases / sizeof *cases; k++)
        for (int o = 0; o < NREDUCTION; o++)
            for (enum dtype d = 0; d < DT_COUNT; d++) {
                const struct op *op = reductions[o];
                if (!(op->dtypes >> d & 1)) continue;
                /* Products of thousands stay finite only near 1. */
                const double low = op == &op_prod ? 0.999 : d == DT_UINT8 ? 0 : -5, high = op == &op_prod ? 1.001 : 9;
                if (op == &op_prod && !dtype_is_float(d) && d != DT_BOOL) continue;
                struct tensor *x = test_random(test_cpu[0], d, cases[k].shape, low, high, 7);
                check(op, x, &cases[k].axes);
                tensor_release(x);
            }
}

static void strided_inputs(void **state) {
    (void)state;
    struct err e = {0};
    struct tensor *base = test_random(test_cpu[0], DT_FLOAT32, SHAPE(40, 90), -1, 1, 3), *x;
    assert_ok(tensor_view(base, &x, &e), &e);
    x->shape = SHAPE(90, 2, 20);
    x->offset = 89;
    x->stride[0] = -1, x->stride[1] = 0, x->stride[2] = 180;
    for (int o = 0; o < 5; o++)
        for (int axis = 0; axis < 3; axis++) check(reductions[o], x, &(struct op_axes){1, {axis}, false});
    tensor_release(x);
    tensor_release(base);
}

static void integer_products_wrap(void **state) {
    (void)state;
    struct tensor *x = test_random(test_cpu[0], DT_INT32, SHAPE(1000), 3, 4, 1);
    uint64_t want = 1;
    for (int i = 0; i < 1000; i++) want *= 3;
    struct tensor *y = test_everywhere(&op_prod, &x, 1, &(union op_attrs){.axes = {1, {0}, false}}, true);
    assert_true(*(uint64_t *)tensor_data(y) == want);
    tensor_release(x);
    tensor_release(y);
}

static void long_sums_are_accurate(void **state) {
    (void)state;
    struct tensor *x = test_random(test_cpu[0], DT_FLOAT32, SHAPE(10000000), 0, 1, 5);
    long double want = 0;
    for (int64_t i = 0; i < tensor_size(x); i++) want += ((const float *)tensor_data(x))[i];
    struct tensor *y = test_everywhere(&op_sum, &x, 1, &(union op_attrs){.axes = {1, {0}, false}}, true);
    assert_true(fabs((double)(test_at(y, 0) - want)) <= 1e-7 * (double)want);
    tensor_release(x);
    tensor_release(y);
}

static void nothing_reduced(void **state) {
    (void)state;
    struct tensor *x = test_random(test_cpu[0], DT_FLOAT32, SHAPE(0, 3), 0, 1, 5);
    const union op_attrs attrs = {.axes = {1, {0}, false}};
    struct tensor *sum = test_everywhere(&op_sum, &x, 1, &attrs, true);
    struct tensor *mean = test_everywhere(&op_mean, &x, 1, &attrs, false);
    struct tensor *prod = test_everywhere(&op_prod, &x, 1, &attrs, true);
    assert_true(test_at(sum, 2) == 0 && isnan(test_at(mean, 0)) && test_at(prod, 1) == 1);
    tensor_release(x);
    tensor_release(sum);
    tensor_release(mean);
    tensor_release(prod);
}

static void nan_wins(void **state) {
    (void)state;
    struct tensor *x = test_random(test_cpu[0], DT_FLOAT32, SHAPE(50, 40), 0, 1, 5);
    ((float *)tensor_data(x))[17 * 40 + 5] = NAN;
    for (int axis = 0; axis < 2; axis++) {
        const union op_attrs attrs = {.axes = {1, {axis}, false}};
        const int at = axis == 0 ? 5 : 17;
        struct tensor *max = test_everywhere(&op_max, &x, 1, &attrs, false);
        struct tensor *min = test_everywhere(&op_min, &x, 1, &attrs, false);
        assert_true(isnan(test_at(max, at)) && isnan(test_at(min, at)));
        assert_false(isnan(test_at(max, at + 1)) || isnan(test_at(min, at + 1)));
        tensor_release(max);
        tensor_release(min);
    }
    tensor_release(x);
}

static void places_of_extrema(void **state) {
    (void)state;
    for (enum dtype d = 0; d < DT_COUNT; d++)
        for (int axis = 0; axis < 3; axis++) {
            struct tensor *x = test_random(test_cpu[0], d, SHAPE(30, 41, 17), 0, 9, 11);
            const union op_attrs attrs = {.axes = {1, {axis}, false}};
            struct tensor *most = test_everywhere(&op_argmax, &x, 1, &attrs, true);
            struct tensor *least = test_everywhere(&op_argmin, &x, 1, &attrs, true);
            const int64_t k = axis == 2 ? 1 : axis == 1 ? 17 : 41 * 17, r = x->shape.dim[axis];
            for (int64_t i = 0; i < tensor_size(most); i++) {
                const int64_t first = i / k * r * k + i % k;
                int64_t high = 0, low = 0;
                for (int64_t j = 1; j < r; j++) {
                    if (test_at(x, first + j * k) > test_at(x, first + high * k)) high = j;
                    if (test_at(x, first + j * k) < test_at(x, first + low * k)) low = j;
                }
                assert_true(test_at(most, i) == (double)high && test_at(least, i) == (double)low);
            }
            tensor_release(x);
            tensor_release(most);
            tensor_release(least);
        }
    const float with_nan[] = {1, NAN, 3, NAN};
    struct tensor *x = test_tensor(test_cpu[0], DT_FLOAT32, SHAPE(4), with_nan);
    struct tensor *y = test_everywhere(&op_argmin, &x, 1, &(union op_attrs){.axes = {1, {0}, false}}, true);
    assert_true(test_at(y, 0) == 1);
    tensor_release(x);
    tensor_release(y);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_axes),
        cmocka_unit_test(strided_inputs),
        cmocka_unit_test(integer_products_wrap),
        cmocka_unit_test(long_sums_are_accurate),
        cmocka_unit_test(nothing_reduced),
        cmocka_unit_test(nan_wins),
        cmocka_unit_test(places_of_extrema),
    };
    return cmocka_run_group_tests(tests, test_cpus_open, test_cpus_close);
}
