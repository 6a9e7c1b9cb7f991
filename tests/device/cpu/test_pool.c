/* Max pooling and its gradient against plain loops: overlapping windows, padding, ties, NaN. */
#include <math.h>

#include "support/cpu.h"

static const struct {
    struct shape x;
    struct op_window w;
} cases[] = {
    {{4, {2, 6, 4, 3}}, {{2, 2}, {2, 2}, {1, 1}, {0, 0}, {0, 0}, 1, {0}}},
    {{4, {3, 7, 5, 64}}, {{2, 2}, {2, 2}, {1, 1}, {0, 0}, {0, 0}, 1, {0}}},
    {{4, {2, 5, 7, 300}}, {{3, 2}, {1, 2}, {1, 1}, {1, 0}, {1, 1}, 1, {0}}},
    {{4, {1, 6, 6, 2}}, {{3, 3}, {2, 1}, {1, 1}, {2, 1}, {0, 2}, 1, {0}}},
    {{4, {0, 4, 4, 2}}, {{2, 2}, {2, 2}, {1, 1}, {0, 0}, {0, 0}, 1, {0}}},
};

/* The place in x of the first maximum of each window. */
static int64_t first_maximum(const struct tensor *x, const struct tensor *y, const struct op_window *w, int64_t at) {
    const int64_t *n = x->shape.dim, *m = y->shape.dim;
    const int64_t c = at % m[3], j = at / m[3] % m[2], i = at / m[3] / m[2] % m[1], b = at / m[3] / m[2] / m[1];
    int64_t best = -1;
    for (int64_t u = 0; u < w->size[0]; u++)
        for (int64_t v = 0; v < w->size[1]; v++) {
            const int64_t row = i * w->stride[0] + u - w->before[0], column = j * w->stride[1] + v - w->before[1];
            if (row < 0 || row >= n[1] || column < 0 || column >= n[2]) continue;
            const int64_t place = ((b * n[1] + row) * n[2] + column) * n[3] + c;
            if (best < 0 || test_at(x, place) > test_at(x, best)) best = place;
        }
    return best;
}

/* The way back of dy, from places that every cpu finds alike beside the same y. */
static struct tensor *unpool(struct tensor *x, struct tensor *y, struct tensor *dy, const union op_attrs *attrs) {
    union op_attrs back = *attrs;
    struct tensor *same = test_everywhere(&op_max_pool2d_argmax, &x, 1, attrs, true);
    struct tensor *place = test_run_output(test_cpu[0], &op_max_pool2d_argmax, &x, 1, attrs, 1), *in[] = {place, dy};
    test_same_bits(same, y);
    for (int c = 1; c < test_ncpu; c++) {
        struct tensor *other = test_run_output(test_cpu[c], &op_max_pool2d_argmax, &x, 1, attrs, 1);
        test_same_bits(place, other);
        tensor_release(other);
    }
    for (int d = 0; d < 2; d++) back.window.input[d] = x->shape.dim[d + 1];
    struct tensor *dx = test_everywhere(&op_max_unpool2d, in, 2, &back, true);
    tensor_release(same);
    tensor_release(place);
    return dx;
}

/* Whole numbers, so that ties are frequent. */
static void against_loops(void **state) {
    (void)state;
    for (size_t k = 0; k < sizeof cases / sizeof *cases; k++)
        for (enum dtype d = DT_FLOAT32; d <= DT_FLOAT64; d++) {
            const union op_attrs attrs = {.window = cases[k].w};
            struct tensor *whole = test_random(test_cpu[0], DT_INT32, cases[k].x, -9, 0, 3);
            struct tensor *x = test_run(test_cpu[0], &op_cast, &whole, 1, &(union op_attrs){.full.dtype = d});
            struct tensor *y = test_everywhere(&op_max_pool2d, &x, 1, &attrs, true);
            struct tensor *dy = test_random(test_cpu[0], d, y->shape, -1, 1, 4);
            struct tensor *dx = unpool(x, y, dy, &attrs);
            double sum = 0, *want = test_calloc((size_t)tensor_size(x) + 1, sizeof *want);
            for (int64_t i = 0; i < tensor_size(y); i++) {
                const int64_t place = first_maximum(x, y, &attrs.window, i);
                assert_true(test_at(y, i) == test_at(x, place));
                want[place] += test_at(dy, i);
            }
            for (int64_t i = 0; i < tensor_size(x); i++) {
                assert_true(fabs(test_at(dx, i) - want[i]) < 1e-6);
                sum += fabs(want[i]);
            }
            assert_true(sum > 0 || tensor_size(y) == 0);
            test_free(want);
            tensor_release(whole);
            tensor_release(x);
            tensor_release(y);
            tensor_release(dy);
            tensor_release(dx);
        }
}

static void nan_wins(void **state) {
    (void)state;
    const float values[] = {1, NAN, 3, 4, 5, 6, 7, 8};
    struct tensor *x = test_tensor(test_cpu[0], DT_FLOAT32, SHAPE(1, 4, 2, 1), values);
    struct tensor *y = test_everywhere(&op_max_pool2d, &x, 1, &(union op_attrs){.window = cases[0].w}, false);
    assert_true(isnan(test_at(y, 0)) && test_at(y, 1) == 8);
    tensor_release(x);
    tensor_release(y);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(against_loops), cmocka_unit_test(nan_wins)};
    return cmocka_run_group_tests(tests, test_cpus_open, test_cpus_close);
}
