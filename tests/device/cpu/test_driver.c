/* The driver: choosing an instruction set, describing itself, counting memory, a slot for every op. */
#include <stdlib.h>

#include "base/mem.h"
#include "device/device.h"
#include "support/cpu.h"

static void every_op_has_a_slot(void **state) {
    (void)state;
    for (int i = 0; op_registry[i]; i++) {
        const struct op *op = op_registry[i];
        if (op->flags & (OP_VIEW | OP_HOST)) continue;
        if (!test_cpu[0]->driver->has(test_cpu[0], op)) fail_msg("the cpu has no kernel for %s", op->name);
    }
}

static void the_environment_chooses(void **state) {
    (void)state;
    struct err e = {0};
    struct device *d;
    setenv("CELDA_CPU", "portable", 1);
    assert_ok(device_open("cpu", 0, &d, &e), &e);
    assert_string_equal(((struct cpu *)d)->isa->name, "portable");
    d->driver->close(d);
    setenv("CELDA_CPU", "mmx", 1);
    assert_error(device_open("cpu", 0, &d, &e), ERR_UNSUPPORTED, "CELDA_CPU=mmx: no such instruction set", &e);
    unsetenv("CELDA_CPU");
    static const char *const wrong[] = {"abc", "0", "-3", "1.5", "2 or 3"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        setenv("CELDA_THREADS", wrong[i], 1);
        assert_error(device_open("cpu", 0, &d, &e), ERR_VALUE, "a number of threads is a whole number from 1 on", &e);
    }
    setenv("CELDA_THREADS", "3", 1);
    assert_ok(device_open("cpu", 0, &d, &e), &e);
    assert_int_equal(threads_count(((struct cpu *)d)->threads), 3);
    d->driver->close(d);
    unsetenv("CELDA_THREADS");
    assert_ok(device_open("cpu", 0, &d, &e), &e);
    d->driver->close(d);
}

static void it_describes_itself(void **state) {
    (void)state;
    struct buf text = {0};
    test_cpu[1]->driver->describe(test_cpu[1], &text);
    assert_non_null(strstr(buf_text(&text), "2 threads, portable kernels"));
    assert_non_null(strstr(buf_text(&text), "OpenBLAS for "));
    buf_free(&text);
}

static void memory_is_counted(void **state) {
    (void)state;
    struct err e = {0};
    struct device *d;
    struct device_memory m;
    void *a, *b;
    assert_ok(cpu_open(NULL, 1, &d, &e), &e);
    assert_ok(d->driver->alloc(d, 1000, &a, &e), &e);
    assert_ok(d->driver->alloc(d, 0, &b, &e), &e);
    d->driver->memory(d, &m);
    assert_int_equal(m.used, 1000);
    assert_int_equal(m.limit, mem_limit());
    d->driver->free(d, a, 1000);
    d->driver->free(d, b, 0);
    d->driver->memory(d, &m);
    assert_int_equal(m.used, 0);
    assert_int_equal(m.peak, 1000);
    mem_fail_once(1);
    assert_error(d->driver->alloc(d, 1000, &a, &e), ERR_MEMORY, "", &e);
    d->driver->close(d);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_op_has_a_slot),
        cmocka_unit_test(the_environment_chooses),
        cmocka_unit_test(it_describes_itself),
        cmocka_unit_test(memory_is_counted),
    };
    return cmocka_run_group_tests(tests, test_cpus_open, test_cpus_close);
}
