/* Matrix products against loops in double: stacks, vectors, transpositions, integers; the same bits on any number of
 * threads; a cancel is seen within a large product. */
#include <math.h>
#include <pthread.h>
#include <time.h>
#include <unistd.h>

#include "base/cancel.h"
#include "support/cpu.h"

static double a_at(const struct tensor *a, bool t, int64_t p, int64_t i, int64_t l) {
    const int r = a->shape.rank;
    const int64_t rows = a->shape.dim[r - 2], columns = a->shape.dim[r - 1];
    const int64_t stack = tensor_size(a) / (rows * columns);
    return test_at(a, (p % stack) * rows * columns + (t ? l * columns + i : i * columns + l));
}

static void check(enum dtype d, struct shape sa, struct shape sb, bool ta, bool tb) {
    struct tensor *in[] = {test_random(test_cpu[0], d, sa, d == DT_UINT8 ? 0 : -3, 4, 1),
                           test_random(test_cpu[0], d, sb, d == DT_UINT8 ? 0 : -3, 4, 2)};
    const union op_attrs attrs = {.matmul = {ta, tb}};
    struct tensor *y = test_everywhere(&op_matmul, in, 2, &attrs, d != DT_FLOAT32);
    const int64_t k = sa.dim[sa.rank - (ta ? 2 : 1)];
    /* A vector as a matrix. */
    struct tensor a = *in[0], b = *in[1];
    if (sa.rank == 1) a.shape = SHAPE(1, sa.dim[0]), a.stride[0] = 0, a.stride[1] = 1;
    if (sb.rank == 1) b.shape = SHAPE(sb.dim[0], 1), b.stride[0] = 1, b.stride[1] = 1;
    const int64_t m = sa.rank == 1 ? 1 : sa.dim[sa.rank - (ta ? 1 : 2)];
    const int64_t n = sb.rank == 1 ? 1 : sb.dim[sb.rank - (tb ? 2 : 1)];
    const int64_t some = tensor_size(y) > 10000 ? 97 : 1;
    for (int64_t i = 0; i < tensor_size(y); i += some) {
        double sum = 0;
        for (int64_t l = 0; l < k; l++)
            sum += a_at(&a, ta, i / n / m, i / n % m, l) * a_at(&b, tb, i / n / m, l, i % n);
        if (d == DT_UINT8) sum = fmod(sum, 256);
        const double tolerance = (d == DT_FLOAT32 ? 1e-6 : d == DT_FLOAT64 ? 1e-14 : 0) * 10 * (double)(k + 1);
        if (!(fabs(test_at(y, i) - sum) <= tolerance))
            fail_msg("%s: element %lld is %.9g, not %.9g", dtype_name(d), (long long)i, test_at(y, i), sum);
    }
    tensor_release(in[0]);
    tensor_release(in[1]);
    tensor_release(y);
}

static void matrices(void **state) {
    (void)state;
    static const enum dtype dtypes[] = {DT_FLOAT32, DT_FLOAT64, DT_UINT8, DT_INT32, DT_INT64};
    for (int i = 0; i < 5; i++)
        for (int t = 0; t < 4; t++) {
            const bool ta = t & 1, tb = t & 2;
            check(dtypes[i], ta ? SHAPE(33, 67) : SHAPE(67, 33), tb ? SHAPE(41, 33) : SHAPE(33, 41), ta, tb);
            check(dtypes[i], ta ? SHAPE(5, 40, 1) : SHAPE(5, 1, 40), tb ? SHAPE(1, 30, 40) : SHAPE(1, 40, 30), ta, tb);
            check(dtypes[i], ta ? SHAPE(9, 13) : SHAPE(13, 9), tb ? SHAPE(1, 9) : SHAPE(9, 1), ta, tb);
        }
    check(DT_FLOAT32, SHAPE(0, 3), SHAPE(3, 2), false, false);
}

static void vectors_and_stacks(void **state) {
    (void)state;
    check(DT_FLOAT32, SHAPE(70), SHAPE(70), false, false);
    check(DT_FLOAT64, SHAPE(7), SHAPE(3, 7, 4), false, false);
    check(DT_INT64, SHAPE(2, 3, 7), SHAPE(7), false, false);
    check(DT_FLOAT32, SHAPE(4, 5, 6), SHAPE(6, 3), false, false);
    check(DT_FLOAT32, SHAPE(3, 0), SHAPE(0, 2), false, false);
    check(DT_INT32, SHAPE(3, 0), SHAPE(0, 2), false, false);
}

/* Larger than one tile in every direction. */
static void tiles(void **state) {
    (void)state;
    check(DT_FLOAT32, SHAPE(600, 1100), SHAPE(1100, 530), false, false);
    check(DT_FLOAT32, SHAPE(1100, 130), SHAPE(530, 1100), true, true);
    check(DT_FLOAT32, SHAPE(1, 3000), SHAPE(3000, 1200), false, false);
    check(DT_FLOAT32, SHAPE(1200, 3000), SHAPE(3000), false, false);
}

/* Strips that are cut short, and blocks of rows and of k: each side a little more than a whole number of them. */
static void strips(void **state) {
    (void)state;
    for (int t = 0; t < 4; t++) {
        const bool ta = t & 1, tb = t & 2;
        check(DT_FLOAT32, ta ? SHAPE(300, 101) : SHAPE(101, 300), tb ? SHAPE(83, 300) : SHAPE(300, 83), ta, tb);
        check(DT_FLOAT32, ta ? SHAPE(129, 290) : SHAPE(290, 129), tb ? SHAPE(64, 129) : SHAPE(129, 64), ta, tb);
        check(DT_FLOAT32, ta ? SHAPE(3, 70, 17) : SHAPE(3, 17, 70), tb ? SHAPE(900, 70) : SHAPE(70, 900), ta, tb);
        check(DT_FLOAT32, ta ? SHAPE(64, 1000) : SHAPE(1000, 64), tb ? SHAPE(17, 64) : SHAPE(64, 17), ta, tb);
    }
}

/* Large ones: a slab of k, more and less; blocks and strips that are cut short, or not; more than is laid out at once. */
static void panels(void **state) {
    (void)state;
    for (int t = 0; t < 4; t++) {
        const bool ta = t & 1, tb = t & 2;
        check(DT_FLOAT32, ta ? SHAPE(1100, 500) : SHAPE(500, 1100), tb ? SHAPE(530, 1100) : SHAPE(1100, 530), ta, tb);
        check(DT_FLOAT32, ta ? SHAPE(512, 480) : SHAPE(480, 512), tb ? SHAPE(576, 512) : SHAPE(512, 576), ta, tb);
        check(DT_FLOAT32, ta ? SHAPE(130, 4200) : SHAPE(4200, 130), tb ? SHAPE(4140, 130) : SHAPE(130, 4140), ta, tb);
    }
}

static void *interrupt(void *arg) {
    (void)arg;
    usleep(30000);
    cancel_request();
    return NULL;
}

static void a_cancel_is_seen(void **state) {
    (void)state;
    struct err e = {0};
    struct device *d = test_cpu[1];
    struct tensor *x = test_random(d, DT_FLOAT32, SHAPE(4096, 4096), -1, 1, 1), *in[] = {x, x}, *y;
    struct timespec from, to;
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, interrupt, NULL), 0);
    clock_gettime(CLOCK_MONOTONIC, &from);
    assert_error(test_try(d, &op_matmul, in, 2, NULL, &y, &e), ERR_CANCELLED, "", &e);
    clock_gettime(CLOCK_MONOTONIC, &to);
    pthread_join(thread, NULL);
    cancel_clear();
    const double seconds = (double)(to.tv_sec - from.tv_sec) + 1e-9 * (double)(to.tv_nsec - from.tv_nsec);
    assert_true(seconds < 0.2);
    tensor_release(x);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(matrices), cmocka_unit_test(vectors_and_stacks),
        cmocka_unit_test(tiles),    cmocka_unit_test(strips),
        cmocka_unit_test(panels),   cmocka_unit_test(a_cancel_is_seen),
    };
    return cmocka_run_group_tests(tests, test_cpus_open, test_cpus_close);
}
