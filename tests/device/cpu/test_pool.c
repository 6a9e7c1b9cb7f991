/* Max pooling and its gradient against plain loops: overlapping windows, padding, ties, NaN. */
#include <math.h>

#include "device/cpu/conv_kernels.h"
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

/* The pooling of a patch, beside that of an image, of numbers that compare oddly: NaN, zeros of both signs, infinities. */
static void a_patch_is_pooled_like_an_image(void **state) {
    enum { SIDE = 6, WINDOWS = 3 };
    static const float odd[] = {NAN, -0.0f, 0.0f, INFINITY, -INFINITY, 1, -1, 1};
    static float x[SIDE * SIDE * 16] __attribute__((aligned(64)));
    (void)state;
    for (int d = 0; d < test_ncpu; d++) {
        const struct cpu *c = (struct cpu *)test_cpu[d];
        const struct cpu_conv_kernels *k = cpu_conv_kernels(c);
        unsigned seed = 1;
        for (size_t i = 0; i < sizeof x / sizeof *x; i++) x[i] = odd[(seed = seed * 1664525u + 1013904223u) >> 29];
        float value[WINDOWS * WINDOWS * 16], want[16];
        uint8_t place[WINDOWS * WINDOWS * 16], want_place[16];
        const struct cpu_conv_patch p = {
            .x = x, .row_stride = SIDE * k->lanes, .column_stride = k->lanes, .bottom = SIDE, .right = SIDE};
        const struct cpu_conv_windows w = {.size = {2, 2},
                                           .stride = {2, 2},
                                           .end = {WINDOWS, WINDOWS},
                                           .row_stride = WINDOWS * k->lanes,
                                           .column_stride = k->lanes,
                                           .value = value,
                                           .place = place};
        k->pool(&p, &w);
        for (int i = 0; i < WINDOWS * WINDOWS; i++) {
            const struct cpu_pool_window one = {
                .rows = 2, .columns = 2, .channels = k->lanes, .row_step = SIDE * k->lanes, .width = 2};
            const size_t bytes = sizeof *want * (size_t)k->lanes;
            c->isa->pool_argmax[0][0](&one, x + (i / WINDOWS * 2 * SIDE + i % WINDOWS * 2) * k->lanes, want,
                                      want_place);
            assert_memory_equal(want, value + i * k->lanes, bytes);
            assert_memory_equal(want_place, place + i * k->lanes, (size_t)k->lanes);
        }
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(against_loops), cmocka_unit_test(nan_wins),
                                       cmocka_unit_test(a_patch_is_pooled_like_an_image)};
    return cmocka_run_group_tests(tests, test_cpus_open, test_cpus_close);
}
