/* The device itself: what it calls itself, its memory and pool, faults of single calls, and ranks that no kernel takes. */
#include "device/gpu/gpu.h"

#include "support/eager.h"
#include "support/opencl.h"

static void test_is_called_what_it_is(void **state) {
    (void)state;
    test_needs_opencl();
    const struct gpu *g = (struct gpu *)test_opencl;
    struct buf text = {0};
    if (strcmp(g->facts.sort, "cpu") != 0) skip();
    assert_non_null(strstr(test_opencl->name, ", cpu)"));
    test_opencl->driver->describe(test_opencl, &text);
    assert_non_null(strstr(buf_text(&text), "no graphics card"));
    buf_free(&text);
}

static void test_memory_is_used_again(void **state) {
    (void)state;
    test_needs_opencl();
    struct err e = {0};
    struct device_memory before, during, after;
    void *a, *b;
    test_opencl->driver->memory(test_opencl, &before);
    assert_ok(gpu_alloc(test_opencl, 100000, &a, &e), &e);
    test_opencl->driver->memory(test_opencl, &during);
    gpu_free(test_opencl, a, 100000);
    assert_ok(gpu_alloc(test_opencl, 99000, &b, &e), &e);
    assert_ptr_equal(a, b);
    gpu_free(test_opencl, b, 99000);
    test_opencl->driver->memory(test_opencl, &after);
    assert_true(during.used >= before.used + 100000);
    assert_int_equal(after.used, before.used);
}

/* Of what is no longer in use only so much is kept. */
static void test_pool_is_bounded(void **state) {
    (void)state;
    test_needs_opencl();
    struct err e = {0};
    struct gpu *g = (struct gpu *)test_opencl;
    void *handle[3];
    for (int i = 0; i < 3; i++) assert_ok(gpu_alloc(test_opencl, 40 << 20, &handle[i], &e), &e);
    for (int i = 0; i < 3; i++) {
        gpu_free(test_opencl, handle[i], 40 << 20);
        assert_true(g->pooled <= g->used || g->pooled <= 64 << 20);
    }
}

static void test_too_much_is_refused(void **state) {
    (void)state;
    test_needs_opencl();
    struct err e = {0};
    struct gpu *g = (struct gpu *)test_opencl;
    const size_t limit = g->limit;
    void *handle;
    assert_error(gpu_alloc(test_opencl, (size_t)1 << 45, &handle, &e), ERR_MEMORY, "MB were asked for", &e);
    g->limit = g->used + 1000;
    assert_error(gpu_alloc(test_opencl, 1 << 20, &handle, &e), ERR_MEMORY, "1.0 MB were asked for", &e);
    g->limit = limit;
    assert_ok(gpu_alloc(test_opencl, 1 << 20, &handle, &e), &e);
    gpu_free(test_opencl, handle, 1 << 20);
}

static void test_faults_of_single_calls(void **state) {
    (void)state;
    test_needs_opencl();
    struct err e = {0};
    struct tensor *x = test_tensor(test_opencl, DT_INT32, SHAPE(3), (int32_t[]){2, 3, 4}), *y;
    struct tensor *i = test_tensor(test_opencl, DT_INT64, SHAPE(2), (int64_t[]){1, 3});
    struct tensor *minus = test_tensor(test_opencl, DT_INT32, SHAPE(3), (int32_t[]){1, -1, 2});
    assert_error(test_try(test_opencl, &op_gather, (struct tensor *[]){x, i}, 2, NULL, &y, &e), ERR_INDEX,
                 "gather: index 3 at place 1 is outside [0, 3)", &e);
    assert_error(test_try(test_opencl, &op_pow, (struct tensor *[]){x, minus}, 2, NULL, &y, &e), ERR_VALUE,
                 "pow: an integer to a negative", &e);
    assert_ok(test_opencl->driver->sync(test_opencl, &e), &e);
    tensor_release(x);
    tensor_release(i);
    tensor_release(minus);
}

/* Twelve dimensions, of which no two step evenly. */
static void test_many_dimensions(void **state) {
    (void)state;
    test_needs_opencl();
    enum { RANK = 12 };
    struct err e = {0};
    struct op_emitter gpu = eager_emitter(test_opencl, &e), cpu = eager_emitter(test_cpu[0], &e);
    struct shape s = {.rank = RANK};
    int order[RANK];
    const struct op_axes some = {.n = 3, .axis = {1, 5, 8}};
    for (int d = 0; d < RANK; d++) s.dim[d] = 2, order[d] = d % 2 ? d / 2 : RANK - 1 - d / 2;
    emit_t x = op_emitter_own(&cpu, test_random(test_cpu[0], DT_INT32, s, -9, 9, 1));
    emit_t y = op_emitter_own(&gpu, test_on(test_opencl, x));
    emit_t want[] = {emit_neg(&cpu, emit_transpose(&cpu, x, order)),
                     emit_sum(&cpu, emit_transpose(&cpu, x, order), &some)};
    emit_t got[] = {emit_neg(&gpu, emit_transpose(&gpu, y, order)),
                    emit_sum(&gpu, emit_transpose(&gpu, y, order), &some)};
    for (int i = 0; i < 2; i++) {
        assert_int_equal(e.status, OK);
        struct tensor *back = test_on(test_cpu[0], got[i]);
        test_same_bits(back, want[i]);
        tensor_release(back);
    }
    op_emitter_close(&gpu);
    op_emitter_close(&cpu);
}

/* Long sums are cut into chunks: whole numbers come out exactly, whichever axis goes. */
static void test_long_sums(void **state) {
    (void)state;
    test_needs_opencl();
    struct err e = {0};
    struct op_emitter gpu = eager_emitter(test_opencl, &e), cpu = eager_emitter(test_cpu[0], &e);
    for (int axis = 0; axis < 2; axis++) {
        const struct op_axes over = {.n = 1, .axis = {axis}};
        emit_t x = op_emitter_own(
            &cpu, test_random(test_cpu[0], DT_INT32, axis ? SHAPE(3, 70001) : SHAPE(50021, 3), -99, 99, 1));
        emit_t y = op_emitter_own(&gpu, test_on(test_opencl, x));
        struct tensor *sum = test_on(test_cpu[0], emit_sum(&gpu, y, &over));
        struct tensor *most = test_on(test_cpu[0], emit_max(&gpu, y, &over));
        test_same_bits(sum, emit_sum(&cpu, x, &over));
        test_same_bits(most, emit_max(&cpu, x, &over));
        tensor_release(sum);
        tensor_release(most);
    }
    op_emitter_close(&gpu);
    op_emitter_close(&cpu);
}

/* Where one pass sums over thousands of places, the sums are cut into parts. */
static void test_long_products(void **state) {
    (void)state;
    test_needs_opencl();
    struct err e = {0};
    struct op_emitter gpu = eager_emitter(test_opencl, &e), cpu = eager_emitter(test_cpu[0], &e);
    emit_t a = op_emitter_own(&cpu, test_random(test_cpu[0], DT_INT32, SHAPE(5000, 70), -9, 9, 1));
    emit_t b = op_emitter_own(&cpu, test_random(test_cpu[0], DT_INT32, SHAPE(5000, 3), -9, 9, 2));
    emit_t c = op_emitter_own(&gpu, test_on(test_opencl, a)), d = op_emitter_own(&gpu, test_on(test_opencl, b));
    struct tensor *got = test_on(test_cpu[0], emit_matmul(&gpu, c, d, true, false));
    test_same_bits(got, emit_matmul(&cpu, a, b, true, false));
    tensor_release(got);
    op_emitter_close(&gpu);
    op_emitter_close(&cpu);
}

/* A device without double: sums run in float32, and float64 is refused by name. */
static void test_without_float64(void **state) {
    (void)state;
    test_needs_opencl();
    struct err e = {0};
    struct device *d;
    assert_ok(test_opencl->driver->open(0, &d, &e), &e);
    ((struct gpu *)d)->facts.f64 = false;
    struct op_emitter gpu = eager_emitter(d, &e), cpu = eager_emitter(test_cpu[0], &e);
    emit_t x = op_emitter_own(&cpu, test_random(test_cpu[0], DT_FLOAT32, SHAPE(7, 9), -2, 2, 1));
    emit_t y = op_emitter_own(&gpu, test_on(d, x));
    const struct op_axes rows = {.n = 1, .axis = {1}};
    emit_t got[] = {emit_mean(&gpu, y, &rows), emit_softmax(&gpu, y, 1), emit_elu(&gpu, y, 0.3)};
    emit_t want[] = {emit_mean(&cpu, x, &rows), emit_softmax(&cpu, x, 1), emit_elu(&cpu, x, 0.3)};
    for (int i = 0; i < 3; i++) {
        assert_int_equal(e.status, OK);
        struct tensor *back = test_on(test_cpu[0], got[i]);
        for (int64_t k = 0; k < tensor_size(back); k++) assert_float_equal(test_at(back, k), test_at(want[i], k), 1e-6);
        tensor_release(back);
    }
    assert_null(emit_cast(&gpu, y, DT_FLOAT64));
    assert_non_null(strstr(e.text, "cast: opencl:0"));
    assert_non_null(strstr(e.text, "has no float64; cast to float32 first"));
    op_emitter_close(&gpu);
    op_emitter_close(&cpu);
    d->driver->close(d);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_is_called_what_it_is),
        cmocka_unit_test(test_memory_is_used_again),
        cmocka_unit_test(test_pool_is_bounded),
        cmocka_unit_test(test_too_much_is_refused),
        cmocka_unit_test(test_faults_of_single_calls),
        cmocka_unit_test(test_many_dimensions),
        cmocka_unit_test(test_long_sums),
        cmocka_unit_test(test_long_products),
        cmocka_unit_test(test_without_float64),
    };
    return cmocka_run_group_tests(tests, test_opencl_open, test_opencl_close);
}
