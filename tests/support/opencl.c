/* See opencl.h. */
#include "support/opencl.h"

#include "base/mem.h"
#include "device/device.h"

struct device *test_opencl;
static struct err why;

int test_opencl_open(void **state) {
    if (device_open("opencl", 0, &test_opencl, &why) != OK) test_opencl = NULL;
    return why.status == OK || why.status == ERR_UNSUPPORTED ? test_cpus_open(state) : -1;
}

int test_opencl_close(void **state) {
    if (test_opencl) test_opencl->driver->close(test_opencl);
    return test_cpus_close(state);
}

void test_needs_opencl(void) {
    if (test_opencl) return;
    print_message("[  SKIPPED ] no OpenCL device: %s\n", why.text);
    skip();
}

struct tensor *test_on(struct device *d, const struct tensor *t) {
    struct err e = {0};
    struct tensor *out;
    void *bytes = mem_alloc(tensor_bytes(t), &e);
    assert_non_null(bytes);
    assert_ok(tensor_read(t, bytes, &e), &e);
    assert_ok(tensor_from(d, t->dtype, &t->shape, bytes, &out, &e), &e);
    mem_free(bytes);
    return out;
}
