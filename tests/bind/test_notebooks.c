/* The notebooks that come with celda run; the tutorial on few samples. Its data set is a package of its own. */
#include <stdlib.h>
#include <unistd.h>

#include "support/test.h"

static void test_tutorial(void **state) {
    (void)state;
    if (access("/usr/share/datasets/fashion-mnist/train-images-idx3-ubyte.gz", R_OK)) skip();
    assert_int_equal(
        system("CELDA_TUTORIAL_SAMPLES=256 ${CELDA:-./celda} run notebooks/tutorial.cells >${TEST_TMP:-/tmp}/log 2>&1"),
        0);
}

static void test_tour(void **state) {
    (void)state;
    assert_int_equal(system("${CELDA:-./celda} run notebooks/tour.cells >${TEST_TMP:-/tmp}/log 2>&1"), 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_tutorial), cmocka_unit_test(test_tour)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
