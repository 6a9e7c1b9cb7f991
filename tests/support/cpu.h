/* Running single ops on cpu devices of every instruction set and thread count, and comparing what comes out. */
#ifndef TESTS_SUPPORT_CPU_H
#define TESTS_SUPPORT_CPU_H

#include "device/cpu/cpu.h"
#include "op/ops.h"
#include "support/test.h"

/* The portable cpu with 1, 2 and 3 threads, then one of each other instruction set that runs here. */
enum { TEST_CPUS = 5 };
extern struct device *test_cpu[TEST_CPUS];
extern int test_ncpu;
int test_cpus_open(void **state); /* cmocka group setup and teardown */
int test_cpus_close(void **state);

/* Deterministic numbers: uniform in [low, high), whole for integer dtypes; 0 or 1 for bool. */
struct tensor *test_random(struct device *d, enum dtype t, struct shape s, double low, double high, uint64_t seed);
struct tensor *test_tensor(struct device *d, enum dtype t, struct shape s, const void *bytes);
/* Element i in row-major order, as a double. */
double test_at(const struct tensor *t, int64_t i);

/* Runs an op (with outputs inferred and allocated) and returns its first output; fails the test on an error. The caller
 * releases it. test_try returns the status instead, and *out is NULL on an error. */
struct tensor *test_run(struct device *d, const struct op *op, struct tensor *const *in, int nin,
                        const union op_attrs *attrs);
struct tensor *test_run_output(struct device *d, const struct op *op, struct tensor *const *in, int nin,
                               const union op_attrs *attrs, int which); /* another output than the first */
enum status test_try(struct device *d, const struct op *op, struct tensor *const *in, int nin,
                     const union op_attrs *attrs, struct tensor **out, struct err *e);

/* Runs it on every cpu and checks that the number of threads, and with `all` the instruction set, change no bit.
 * Returns the first cpu's result. */
struct tensor *test_everywhere(const struct op *op, struct tensor *const *in, int nin, const union op_attrs *attrs,
                               bool all);
void test_same_bits(const struct tensor *a, const struct tensor *b);

#endif
