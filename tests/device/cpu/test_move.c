/* Kernels that make and move elements: full, arange, random_uniform, concatenate, pad, gather, scatter_add, one_hot. */
#include "base/rng.h"
#include "support/cpu.h"

static void full_of_every_dtype(void **state) {
    (void)state;
    for (enum dtype d = 0; d < DT_COUNT; d++) {
        const union op_attrs attrs = {.full = {.dtype = d, .shape = SHAPE(70000), .value = 2.5, .integer = d ? 7 : 1}};
        struct tensor *y = test_everywhere(&op_full, NULL, 0, &attrs, true);
        const double want = dtype_is_float(d) ? 2.5 : d ? 7 : 1;
        for (int64_t i = 0; i < 70000; i++) assert_true(test_at(y, i) == want);
        tensor_release(y);
    }
}

static void ranges(void **state) {
    (void)state;
    for (enum dtype d = DT_UINT8; d < DT_COUNT; d++) {
        const union op_attrs attrs = {.range = {d, 100000, 0.5, 0.25, -3, 2}};
        struct tensor *y = test_everywhere(&op_arange, NULL, 0, &attrs, true);
        const int64_t last = -3 + 2 * 99999;
        const double real = 0.5 + 0.25 * 99999, whole = d == DT_UINT8 ? (double)(uint8_t)last : (double)last;
        assert_true(test_at(y, 99999) == (dtype_is_float(d) ? real : whole));
        tensor_release(y);
    }
}

static void uniform_numbers_are_the_stream(void **state) {
    (void)state;
    static float want[300001];
    const int64_t seed[] = {200, 7};
    const struct rng_philox stream = rng_stateless(200, 7);
    rng_unit(&stream, 0, 300001, want);
    struct tensor *s = test_tensor(test_cpu[0], DT_INT64, SHAPE(2), seed);
    struct tensor *y = test_everywhere(&op_random_uniform, &s, 1, &(union op_attrs){.full.shape = SHAPE(300001)}, true);
    assert_memory_equal(tensor_data(y), want, sizeof want);
    tensor_release(s);
    tensor_release(y);
}

static void joined(void **state) {
    (void)state;
    struct err e = {0};
    for (int axis = 0; axis < 3; axis++) {
        struct shape sa = SHAPE(20, 30, 40), sb = sa;
        sb.dim[axis] = 7;
        struct tensor *a = test_random(test_cpu[0], DT_INT32, sa, 0, 1000, 1), *in[3] = {a};
        struct tensor *base = test_random(test_cpu[0], DT_INT32, SHAPE(sb.dim[2], sb.dim[1], sb.dim[0]), 0, 1000, 2);
        assert_ok(tensor_view(base, &in[1], &e), &e); /* with its dimensions reversed */
        in[1]->shape = sb;
        in[1]->stride[0] = 1, in[1]->stride[1] = sb.dim[0], in[1]->stride[2] = sb.dim[0] * sb.dim[1];
        in[2] = a;
        struct tensor *y = test_everywhere(&op_concatenate, in, 3, &(union op_attrs){.axes = {1, {axis}, false}}, true);
        for (int64_t i = 0; i < tensor_size(y); i++) {
            int64_t at[3] = {i / y->shape.dim[2] / y->shape.dim[1], i / y->shape.dim[2] % y->shape.dim[1],
                             i % y->shape.dim[2]};
            int from = 0;
            while (at[axis] >= in[from]->shape.dim[axis]) at[axis] -= in[from++]->shape.dim[axis];
            const int64_t *n = in[from]->shape.dim;
            assert_true(test_at(y, i) == test_at(in[from], (at[0] * n[1] + at[1]) * n[2] + at[2]));
        }
        tensor_release(y);
        tensor_release(in[1]);
        tensor_release(base);
        tensor_release(a);
    }
}

static void padding_undoes_slicing(void **state) {
    (void)state;
    struct err e = {0};
    const union op_attrs attrs = {.slice = {SHAPE(90, 100), {88, 3}, {-2, 3}}};
    struct tensor *x = test_random(test_cpu[0], DT_FLOAT64, SHAPE(40, 32), 1, 2, 1), *back;
    struct tensor *y = test_everywhere(&op_pad, &x, 1, &attrs, true);
    double sum = 0, whole = 0;
    for (int64_t i = 0; i < tensor_size(y); i++) whole += test_at(y, i);
    assert_ok(tensor_view(y, &back, &e), &e);
    union op_attrs slice = attrs;
    slice.slice.shape = x->shape;
    assert_true(op_slice.view(y, &slice, back));
    for (int64_t i = 0; i < tensor_size(x); i++) {
        assert_true(test_at(back, i) == test_at(x, i));
        sum += test_at(x, i);
    }
    assert_true(sum - whole < 1e-6 && whole - sum < 1e-6); /* the rest is zeros */
    tensor_release(back);
    tensor_release(x);
    tensor_release(y);
}

static void rows_by_index(void **state) {
    (void)state;
    struct err e = {0};
    struct tensor *x = test_random(test_cpu[0], DT_FLOAT32, SHAPE(50, 33), -1, 1, 1), *out;
    struct tensor *indices = test_random(test_cpu[0], DT_INT32, SHAPE(3000), 0, 50, 2), *in[] = {x, indices};
    struct tensor *y = test_everywhere(&op_gather, in, 2, NULL, true);
    for (int64_t i = 0; i < tensor_size(y); i++)
        assert_true(test_at(y, i) == test_at(x, (int64_t)test_at(indices, i / 33) * 33 + i % 33));
    struct tensor *updates[] = {indices, y};
    struct tensor *sum = test_everywhere(&op_scatter_add, updates, 2, &(union op_attrs){.integer = 51}, true);
    double total = 0;
    for (int64_t i = 0; i < tensor_size(sum); i++) {
        double want = 0;
        for (int64_t k = 0; k < 3000; k++)
            if ((int64_t)test_at(indices, k) == i / 33) want += test_at(y, k * 33 + i % 33);
        assert_true(test_at(sum, i) - want < 1e-3 && want - test_at(sum, i) < 1e-3);
        total += want;
    }
    assert_true(total != 0);
    ((int32_t *)tensor_data(indices))[17] = 50;
    assert_error(test_try(test_cpu[0], &op_gather, in, 2, NULL, &out, &e), ERR_INDEX,
                 "gather: index 50 at place 17 is outside [0, 50)", &e);
    assert_error(test_try(test_cpu[0], &op_scatter_add, updates, 2, &(union op_attrs){.integer = 50}, &out, &e),
                 ERR_INDEX, "scatter_add: index 50", &e);
    tensor_release(x);
    tensor_release(indices);
    tensor_release(y);
    tensor_release(sum);
}

static void one_hot_rows(void **state) {
    (void)state;
    const int64_t values[] = {2, 0, -1, 3, 9};
    struct tensor *x = test_tensor(test_cpu[0], DT_INT64, SHAPE(5), values);
    for (enum dtype d = 0; d < DT_COUNT; d++) {
        const union op_attrs attrs = {.full = {.dtype = d, .integer = 4}};
        struct tensor *y = test_everywhere(&op_one_hot, &x, 1, &attrs, true);
        for (int i = 0; i < 20; i++) assert_true(test_at(y, i) == (values[i / 4] == i % 4));
        tensor_release(y);
    }
    tensor_release(x);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(full_of_every_dtype),
        cmocka_unit_test(ranges),
        cmocka_unit_test(uniform_numbers_are_the_stream),
        cmocka_unit_test(joined),
        cmocka_unit_test(padding_undoes_slicing),
        cmocka_unit_test(rows_by_index),
        cmocka_unit_test(one_hot_rows),
    };
    return cmocka_run_group_tests(tests, test_cpus_open, test_cpus_close);
}
