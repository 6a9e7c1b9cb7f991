/* Objects made from JSON text and tensors made from numbers, in one runtime for a test program. */
#ifndef TESTS_SUPPORT_NN_H
#define TESTS_SUPPORT_NN_H

#include "nn/nn.h"
#include "support/test.h"

/* One runtime for a test program: cmocka group setup and teardown. Teardown fails if anything leaked. */
extern struct run *test_nn;
int test_nn_open(void **state);
int test_nn_close(void **state);

/* new("Dense", "{\"units\": 3}"); config NULL: none. */
struct nn_object *test_new(enum nn_kind kind, const char *class_name, const char *config);
/* The error of making one; fails the test when there is none. */
struct err test_refused(enum nn_kind kind, const char *class_name, const char *config);
void test_contains(const char *text, const char *part);

struct tensor *test_floats(struct shape s, const float *values);
struct tensor *test_full(struct shape s, float value);
float test_item(const struct tensor *t, int64_t i); /* element i of a float32 tensor */

/* layer(x, training), released by the caller. */
struct tensor *test_call(struct nn_object *layer, struct tensor *x, bool training);

#endif
