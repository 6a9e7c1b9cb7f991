/* Moving all that lives on a device: byte for byte, views and borrowed bytes included, and whole or not at all. */
#include "base/mem.h"
#include "device/gpu/gpu.h"
#include "run/run.h"
#include "support/opencl.h"

static struct run *run;
static struct device *opencl;

static int open_run(void **state) {
    struct err e = {0};
    (void)state;
    if (run_open(&run, &e) != OK) return -1;
    if (run_device(run, "opencl", &opencl, &e) == OK) return 0;
    print_message("[  SKIPPED ] no OpenCL device: %s\n", e.text);
    opencl = NULL;
    return 0;
}

static int close_run(void **state) {
    (void)state;
    run_close(run);
    return mem_used() == 0 ? 0 : -1;
}

static void needs_device(void) {
    if (!opencl) skip();
}

static void same_bytes(const struct tensor *t, const void *bytes) {
    struct err e = {0};
    char got[4096];
    assert_true(tensor_bytes(t) <= sizeof got);
    assert_ok(tensor_read(t, got, &e), &e);
    assert_memory_equal(got, bytes, tensor_bytes(t));
}

static void go(const char *device) {
    struct err e = {0};
    assert_ok(run_set_device(run, device, &e), &e);
}

static const float numbers[6] = {1, -2, 3.5f, 0.0f, 5, 6};

static void test_views_and_variables(void **state) {
    (void)state;
    needs_device();
    struct err e = {0};
    struct tensor *t, *view, *empty;
    struct variable *v;
    const float turned[6] = {1, 0.0f, -2, 5, 3.5f, 6};
    assert_ok(tensor_from(run->cpu, DT_FLOAT32, SHAPE_AT(2, 3), numbers, &t, &e), &e);
    assert_ok(tensor_new(run->cpu, DT_FLOAT32, SHAPE_AT(0, 3), &empty, &e), &e);
    assert_ok(tensor_view(t, &view, &e), &e);
    view->shape = SHAPE(3, 2);
    view->stride[0] = 1, view->stride[1] = 3;
    assert_ok(variable_new(run, t, "layer/kernel", true, &v, &e), &e);
    for (int i = 0; i < 2; i++) {
        go(i ? "cpu" : "opencl");
        struct device *d = i ? run->cpu : opencl;
        assert_ptr_equal(run->device, d);
        assert_ptr_equal(tensor_device(t), d);
        assert_ptr_equal(tensor_device(empty), d);
        assert_ptr_equal(tensor_device(v->value), d);
        assert_ptr_equal(view->storage, t->storage);
        same_bytes(t, numbers);
        same_bytes(view, turned);
        same_bytes(v->value, numbers);
    }
    variable_release(v);
    tensor_release(view);
    tensor_release(empty);
    tensor_release(t);
}

static int released;
static void count_release(void *owner) {
    (void)owner;
    released++;
}

static void test_borrowed_bytes(void **state) {
    (void)state;
    needs_device();
    struct err e = {0};
    struct storage *s;
    struct tensor *t;
    released = 0;
    assert_ok(storage_borrow(run->cpu, numbers, sizeof numbers, count_release, NULL, &s, &e), &e);
    assert_ok(tensor_on(s, DT_FLOAT32, SHAPE_AT(6), 0, &t, &e), &e);
    storage_release(s);
    go("opencl");
    assert_int_equal(released, 1);
    same_bytes(t, numbers);
    assert_error(tensor_write(t, numbers, &e), ERR_VALUE, "read-only", &e);
    go("cpu");
    same_bytes(t, numbers);
    tensor_release(t);
    assert_int_equal(released, 1);
}

static void test_too_little_memory(void **state) {
    (void)state;
    needs_device();
    struct err e = {0};
    struct gpu *g = (struct gpu *)opencl;
    const size_t limit = g->limit;
    struct tensor *t, *large;
    assert_ok(tensor_from(run->cpu, DT_FLOAT32, SHAPE_AT(6), numbers, &t, &e), &e);
    assert_ok(tensor_new(run->cpu, DT_FLOAT32, SHAPE_AT(3, 1 << 20), &large, &e), &e);
    g->limit = g->used + (1 << 20);
    assert_error(run_set_device(run, "opencl", &e), ERR_MEMORY, "12.0 MB would have to move to opencl:0", &e);
    g->limit = limit;
    assert_ptr_equal(run->device, run->cpu);
    assert_ptr_equal(tensor_device(t), run->cpu);
    same_bytes(t, numbers);
    tensor_release(large);
    tensor_release(t);
}

/* At each allocation of a move that is refused, either way, all stays where it was. */
static void test_refused_allocations(void **state) {
    (void)state;
    needs_device();
    struct err e = {0};
    struct tensor *t[3];
    for (int i = 0; i < 3; i++) assert_ok(tensor_from(run->cpu, DT_FLOAT32, SHAPE_AT(6), numbers, &t[i], &e), &e);
    for (int way = 0; way < 2; way++) {
        struct device *from = run->device;
        const char *to = way ? "cpu" : "opencl";
        size_t n = 0;
        gpu_pool_flush((struct gpu *)opencl);
        for (enum status s = ERR_MEMORY; s != OK;) {
            e = (struct err){0};
            mem_fail_after(++n);
            s = run_set_device(run, to, &e);
            mem_fail_after(0);
            assert_true(s == OK || s == ERR_MEMORY);
            for (int i = 0; i < 3 && s != OK; i++) {
                assert_ptr_equal(tensor_device(t[i]), from);
                same_bytes(t[i], numbers);
            }
        }
        assert_true(n > 3);
    }
    for (int i = 0; i < 3; i++) {
        same_bytes(t[i], numbers);
        tensor_release(t[i]);
    }
}

/* As if a program had found index 7 outside [0, 6) and nobody had looked yet. */
static void test_late_error_keeps_all(void **state) {
    (void)state;
    needs_device();
    struct err e = {0};
    struct gpu *g = (struct gpu *)opencl;
    int64_t fault[4] = {1, 0, 7, 6};
    while (op_registry[fault[0] - 1] != &op_gather) fault[0]++;
    go("opencl");
    struct tensor *x = test_tensor(opencl, DT_FLOAT32, SHAPE(6), numbers);
    assert_ok(g->driver->copy_in(g->d, g->fault->native, 0, fault, sizeof fault, &e), &e);
    g->fault_possible = true;
    assert_error(run_set_device(run, "cpu", &e), ERR_INDEX, "gather: index 7 at place 0 is outside [0, 6)", &e);
    assert_ptr_equal(tensor_device(x), opencl);
    go("cpu");
    same_bytes(x, numbers);
    tensor_release(x);
}

static void test_null_keeps_nothing(void **state) {
    (void)state;
    struct err e = {0};
    assert_error(run_set_device(run, "null", &e), ERR_UNSUPPORTED, "which keeps no values", &e);
    assert_ptr_equal(run->device, run->cpu);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_views_and_variables),  cmocka_unit_test(test_borrowed_bytes),
        cmocka_unit_test(test_too_little_memory),    cmocka_unit_test(test_refused_allocations),
        cmocka_unit_test(test_late_error_keeps_all), cmocka_unit_test(test_null_keeps_nothing),
    };
    return cmocka_run_group_tests(tests, open_run, close_run);
}
