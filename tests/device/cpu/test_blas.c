/* OpenBLAS at run time: it computes, on one thread, leaves the environment as it was, and is missed by name. */
#include "device/cpu/blas.h"

#include <stdlib.h>
#include <string.h>

#include "support/test.h"

static void it_computes(void **state) {
    (void)state;
    struct err e = {0};
    assert_ok(cpu_blas_open(&e), &e);
    const float a[] = {1, 2, 3, 4}, b[] = {5, 6, 7, 8};
    float c[4];
    cpu_blas()->sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, 2, 2, 2, 1, a, 2, b, 2, 0, c, 2);
    const float want[] = {19, 22, 43, 50};
    assert_memory_equal(c, want, sizeof want);
    assert_true(strlen(cpu_blas()->corename()) > 0);
}

/* Programs that a cell starts read this variable, too. */
static void the_environment_stays(void **state) {
    (void)state;
    static const char *const none[] = {"libno-such-blas.so", NULL};
    static const char name[] = "OPENBLAS_NUM_THREADS";
    struct cpu_blas blas;
    struct err first = {0}, second = {0};
    unsetenv(name);
    cpu_blas_load(none, &blas, &first);
    assert_null(getenv(name));
    setenv(name, "7", 1);
    cpu_blas_load(none, &blas, &second);
    assert_string_equal(getenv(name), "7");
    unsetenv(name);
}

static void what_is_missing_is_named(void **state) {
    (void)state;
    static const char *const none[] = {"libno-such-blas.so", NULL}, *const other[] = {"libm.so.6", NULL};
    struct cpu_blas blas;
    struct err e = {0}, f = {0};
    assert_int_equal(cpu_blas_load(none, &blas, &e), ERR_UNSUPPORTED);
    assert_non_null(strstr(e.text, "there is no OpenBLAS"));
    assert_non_null(strstr(e.text, "libno-such-blas.so: cannot open"));
    assert_int_equal(cpu_blas_load(other, &blas, &f), ERR_UNSUPPORTED);
    assert_non_null(strstr(f.text, "what was found is not OpenBLAS"));
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(it_computes), cmocka_unit_test(the_environment_stays),
                                       cmocka_unit_test(what_is_missing_is_named)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
