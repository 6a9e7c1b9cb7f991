/* softmax, log_softmax and the cross-entropy against formulas in double, along every axis; labels out of range. */
#include <math.h>

#include "support/cpu.h"

static double tolerance(enum dtype d) {
    return d == DT_FLOAT32 ? 2e-6 : 1e-14;
}

/* log of the sum of exp over the column that holds element i of (a, r, k). */
static double log_sum(const struct tensor *x, int64_t r, int64_t k, int64_t i) {
    const int64_t first = i / k / r * r * k + i % k;
    double most = -INFINITY, sum = 0;
    for (int64_t j = 0; j < r; j++) most = fmax(most, test_at(x, first + j * k));
    for (int64_t j = 0; j < r; j++) sum += exp(test_at(x, first + j * k) - most);
    return most + log(sum);
}

static void along_each_axis(void **state) {
    (void)state;
    for (enum dtype d = DT_FLOAT32; d <= DT_FLOAT64; d++)
        for (int axis = 0; axis < 3; axis++) {
            struct tensor *x = test_random(test_cpu[0], d, SHAPE(20, 37, 10), -30, 90, 1);
            const union op_attrs attrs = {.axes = {1, {axis}, false}};
            struct tensor *p = test_everywhere(&op_softmax, &x, 1, &attrs, true);
            struct tensor *l = test_everywhere(&op_log_softmax, &x, 1, &attrs, true);
            const int64_t k = axis == 0 ? 370 : axis == 1 ? 10 : 1;
            for (int64_t i = 0; i < tensor_size(x); i++) {
                const double want = test_at(x, i) - log_sum(x, x->shape.dim[axis], k, i);
                assert_true(fabs(test_at(l, i) - want) <= tolerance(d) * fmax(1, fabs(want)) * 10);
                assert_true(fabs(test_at(p, i) - exp(want)) <= tolerance(d));
            }
            tensor_release(x);
            tensor_release(p);
            tensor_release(l);
        }
}

static void crossentropy(void **state) {
    (void)state;
    for (enum dtype d = DT_FLOAT32; d <= DT_FLOAT64; d++) {
        struct tensor *x = test_random(test_cpu[0], d, SHAPE(700, 10), -9, 9, 1);
        struct tensor *labels = test_random(test_cpu[0], d == DT_FLOAT32 ? DT_INT32 : DT_INT64, SHAPE(700), 0, 10, 2);
        struct tensor *dy = test_random(test_cpu[0], d, SHAPE(700), -1, 1, 3), *in[] = {x, labels, dy};
        struct tensor *loss = test_everywhere(&op_sparse_softmax_crossentropy, in, 2, NULL, true);
        struct tensor *dx = test_everywhere(&op_sparse_softmax_crossentropy_grad, in, 3, NULL, true);
        for (int64_t i = 0; i < 7000; i++) {
            const double log_p = test_at(x, i) - log_sum(x, 10, 1, i);
            const int64_t row = i / 10, label = (int64_t)test_at(labels, row);
            const double want = (exp(log_p) - (label == i % 10)) * test_at(dy, row);
            assert_true(fabs(test_at(dx, i) - want) <= tolerance(d));
            if (label == i % 10) assert_true(fabs(test_at(loss, row) + log_p) <= 10 * tolerance(d));
        }
        tensor_release(x);
        tensor_release(labels);
        tensor_release(dy);
        tensor_release(loss);
        tensor_release(dx);
    }
}

static void labels_out_of_range(void **state) {
    (void)state;
    struct err e = {0};
    const int64_t labels[] = {0, 10, 3};
    struct tensor *in[] = {test_random(test_cpu[0], DT_FLOAT32, SHAPE(3, 10), -1, 1, 1),
                           test_tensor(test_cpu[0], DT_INT64, SHAPE(3), labels)},
                  *out;
    assert_error(test_try(test_cpu[0], &op_sparse_softmax_crossentropy, in, 2, NULL, &out, &e), ERR_VALUE,
                 "label 10 is outside [0, 10)", &e);
    tensor_release(in[0]);
    tensor_release(in[1]);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(along_each_axis),
        cmocka_unit_test(crossentropy),
        cmocka_unit_test(labels_out_of_range),
    };
    return cmocka_run_group_tests(tests, test_cpus_open, test_cpus_close);
}
