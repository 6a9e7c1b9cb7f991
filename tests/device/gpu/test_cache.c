/* Kernels on disk: what was stored is found again by the same device alone; a damaged file is as good as none, and is
 * replaced when the kernel is next compiled. */
#include "device/gpu/cache.h"

#include <stdio.h>
#include <stdlib.h>

#include "device/gpu/gpu.h"
#include "support/opencl.h"

static char folder[512];

static void use_folder(const char *name) {
    const char *scratch = getenv("TEST_TMP");
    snprintf(folder, sizeof folder, "%s/%s", scratch ? scratch : "/tmp", name);
    setenv("XDG_CACHE_HOME", folder, 1);
}

static void remove_folder(void) {
    char command[600];
    snprintf(command, sizeof command, "rm -rf '%s'", folder);
    assert_int_equal(system(command), 0);
}

/* Runs a shell command with $K being the folder of kernels; returns its status. */
static int shell(const char *command) {
    char line[1200];
    snprintf(line, sizeof line, "K='%s/celda/kernels'; %s", folder, command);
    return system(line);
}

static void test_stored_and_found(void **state) {
    (void)state;
    const struct gpu_facts here = {.identity = "a device", .build = "-x"},
                           there = {.identity = "another", .build = "-x"};
    struct buf binary = {0}, got = {0};
    use_folder("celda-cache-1");
    assert_false(gpu_cache_load(&here, "source", &got));
    buf_put(&binary, "\0\1binary", 8);
    gpu_cache_store(&here, "source", &binary);
    assert_true(gpu_cache_load(&here, "source", &got));
    assert_int_equal(got.len, 8);
    assert_memory_equal(got.data, binary.data, 8);
    assert_false(gpu_cache_load(&here, "source ", &got));
    assert_false(gpu_cache_load(&there, "source", &got));
    assert_int_equal(shell("test $(ls $K | wc -l) = 1"), 0); /* nothing is left of the writing */
    assert_int_equal(shell("for f in $K/*; do printf x >> $f; done"), 0);
    assert_false(gpu_cache_load(&here, "source", &got));
    assert_int_equal(shell("for f in $K/*; do : > $f; done"), 0);
    assert_false(gpu_cache_load(&here, "source", &got));
    buf_free(&binary);
    buf_free(&got);
    remove_folder();
}

static void test_nowhere_to_write(void **state) {
    (void)state;
    const struct gpu_facts here = {.identity = "a device"};
    struct buf binary = {0}, got = {0};
    setenv("XDG_CACHE_HOME", "/dev/null/nowhere", 1);
    buf_put(&binary, "binary", 6);
    gpu_cache_store(&here, "source", &binary);
    assert_false(gpu_cache_load(&here, "source", &got));
    buf_free(&binary);
    buf_free(&got);
}

/* Adds 1 to a number on a device that was just opened. */
static void add_one(void) {
    struct err e = {0};
    struct device *d;
    assert_ok(test_opencl->driver->open(0, &d, &e), &e);
    struct tensor *x = test_tensor(d, DT_FLOAT32, SHAPE(1), (float[]){41}),
                  *one = test_tensor(d, DT_FLOAT32, SHAPE(1), (float[]){1});
    struct tensor *y = test_run(d, &op_add, (struct tensor *[]){x, one}, 2, NULL), *back = test_on(test_cpu[0], y);
    assert_true(test_at(back, 0) == 42);
    tensor_release(x), tensor_release(one), tensor_release(y), tensor_release(back);
    d->driver->close(d);
}

static void test_damage_is_healed(void **state) {
    (void)state;
    test_needs_opencl();
    use_folder("celda-cache-2");
    add_one();
    if (shell("test -d $K") != 0) skip(); /* a driver that gives no binaries */
    assert_int_equal(shell("for f in $K/*; do head -c 1000 $f > $K.x; mv $K.x $f; done"), 0);
    add_one();
    assert_int_equal(shell("for f in $K/*; do test $(wc -c < $f) -gt 1000 || exit 1; done"), 0);
    add_one();
    remove_folder();
}

static char told[64];

static void hear(void *arg, const struct device *d, const char *text) {
    (void)arg, (void)d;
    snprintf(told, sizeof told, "%s", text);
}

/* A device just opened asks for a kernel and compiles what is missing. */
static void compile_one(void) {
    struct err e = {0};
    struct device *d;
    struct gpu_kernel *k;
    assert_ok(test_opencl->driver->open(0, &d, &e), &e);
    d->notice = hear;
    told[0] = 0;
    assert_ok(gpu_kernel_get((struct gpu *)d, "create", "random_uniform", "#define RANDOM\n", &k, &e), &e);
    assert_ok(gpu_kernels_compile((struct gpu *)d, &e), &e);
    d->driver->close(d);
}

static void test_compiling_is_told_once(void **state) {
    (void)state;
    test_needs_opencl();
    use_folder("celda-cache-3");
    compile_one();
    assert_string_equal(told, "compiling 1 kernel, once");
    if (shell("test -d $K") != 0) skip();
    compile_one();
    assert_string_equal(told, "");
    remove_folder();
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_stored_and_found),
        cmocka_unit_test(test_nowhere_to_write),
        cmocka_unit_test(test_damage_is_healed),
        cmocka_unit_test(test_compiling_is_told_once),
    };
    return cmocka_run_group_tests(tests, test_opencl_open, test_opencl_close);
}
