/* The OpenCL device that tests run on: PoCL where it is installed, or whatever else libOpenCL lists first. */
#ifndef TESTS_SUPPORT_OPENCL_H
#define TESTS_SUPPORT_OPENCL_H

#include "support/cpu.h"

extern struct device *test_opencl; /* NULL: there is none here */

/* cmocka group setup and teardown: opens it and the cpus of support/cpu.h. */
int test_opencl_open(void **state);
int test_opencl_close(void **state);

/* At the beginning of each test: skips it, with the reason, where there is no device. */
void test_needs_opencl(void);

/* t's elements on a device, released by the caller. */
struct tensor *test_on(struct device *d, const struct tensor *t);

#endif
