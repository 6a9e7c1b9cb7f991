/* The pool: every item of a loop is done once, whatever the sizes; chunks do not depend on the threads; a cancel leaves
 * the rest undone and the pool usable. */
#include "base/threads.h"

#include <sched.h>
#include <stdatomic.h>
#include <string.h>
#include <unistd.h>

#include "base/cancel.h"
#include "support/subnormal.h"
#include "support/test.h"

enum { ITEMS = 1000, LOOPS = 20000 };

struct seen {
    atomic_int times[ITEMS];
    atomic_int done;
    int64_t grain;
    int workers;
    bool wrong; /* a chunk that is not as promised */
};

static void count(void *arg, int64_t begin, int64_t end, int worker) {
    struct seen *s = arg;
    if (begin % s->grain || end - begin > s->grain || worker < 0 || worker >= s->workers) s->wrong = true;
    for (int64_t i = begin; i < end; i++) atomic_fetch_add(&s->times[i], 1);
    atomic_fetch_add(&s->done, (int)(end - begin));
}

static void test_each_item_is_done_once(void **state) {
    (void)state;
    static struct seen s;
    struct threads *t;
    struct err e = {0};
    assert_int_equal(threads_open(4, &t, &e), OK);
    for (int loop = 0; loop < LOOPS; loop++) {
        int64_t n = loop % ITEMS, grain = 1 + loop % 7;
        s.grain = grain, s.workers = threads_count(t), s.done = 0;
        assert_int_equal(threads_for(t, n, grain, count, &s, &e), OK);
        assert_int_equal(s.done, n);
    }
    for (int i = 0; i < ITEMS; i++) assert_int_equal(s.times[i], LOOPS / ITEMS * (ITEMS - 1 - i));
    assert_false(s.wrong);
    threads_close(t);
}

struct nest {
    struct threads *pool;
    atomic_int done;
};

static void add(void *arg, int64_t begin, int64_t end, int worker) {
    (void)worker;
    atomic_fetch_add(&((struct nest *)arg)->done, (int)(end - begin));
}

static void add_inside(void *arg, int64_t begin, int64_t end, int worker) {
    (void)worker;
    struct nest *n = arg;
    struct err e = {0};
    for (int64_t i = begin; i < end; i++) threads_for(n->pool, 10, 3, add, n, &e);
}

static void test_a_nested_loop_runs_where_it_is(void **state) {
    (void)state;
    struct nest n = {0};
    struct err e = {0};
    assert_int_equal(threads_open(3, &n.pool, &e), OK);
    assert_int_equal(threads_for(n.pool, 100, 1, add_inside, &n, &e), OK);
    assert_int_equal(n.done, 1000);
    threads_close(n.pool);
}

static void cancel_at_ten(void *arg, int64_t begin, int64_t end, int worker) {
    add(arg, begin, end, worker);
    if (((struct nest *)arg)->done == 10) cancel_request();
}

static void test_a_cancel_leaves_the_rest(void **state) {
    (void)state;
    for (int threads = 1; threads <= 4; threads++) {
        struct nest n = {0};
        struct err e = {0};
        assert_int_equal(threads_open(threads, &n.pool, &e), OK);
        assert_int_equal(threads_for(n.pool, 100000, 1, cancel_at_ten, &n, &e), ERR_CANCELLED);
        assert_in_range(n.done, 10, 99999);
        cancel_clear();
        n.done = 0;
        assert_int_equal(threads_for(n.pool, 100, 1, add, &n, &e), OK);
        assert_int_equal(n.done, 100);
        threads_close(n.pool);
    }
}

/* Half of the smallest normal number, as many times as there are items. */
static void halve(void *arg, int64_t begin, int64_t end, int worker) {
    (void)worker;
    float *x = arg;
    for (int64_t i = begin; i < end; i++) x[i] *= 0.5f;
}

/* On each worker, the caller among them, and only while loops are told to. */
static void test_subnormal_numbers_are_flushed(void **state) {
    (void)state;
    static float x[ITEMS];
    struct threads *t;
    struct err e = {0};
    if (!subnormal_can_flush()) skip();
    for (int threads = 1; threads <= 4; threads += 3) {
        assert_int_equal(threads_open(threads, &t, &e), OK);
        for (int flush = 1; flush >= 0; flush--) {
            for (int i = 0; i < ITEMS; i++) x[i] = 0x1p-126f;
            threads_flush_subnormals(t, flush);
            assert_int_equal(threads_for(t, ITEMS, 10, halve, x, &e), OK);
            for (int i = 0; i < ITEMS; i++) assert_int_equal(memcmp(&x[i], &(float){0}, sizeof *x) == 0, flush);
        }
        volatile float small = 0x1p-126f;
        assert_true(small * 0.5f > 0); /* as it was before, here */
        threads_close(t);
    }
}

/* Workers begin on cores of their own, but may go wherever the process may. */
static void look_around(void *arg, int64_t begin, int64_t end, int worker) {
    cpu_set_t *seen = arg;
    (void)begin, (void)end;
    sched_getaffinity(0, sizeof *seen, &seen[worker]);
    usleep(1000);
}

static void test_workers_may_go_anywhere(void **state) {
    (void)state;
    struct threads *t;
    struct err e = {0};
    cpu_set_t all, seen[3];
    int looked = 0;
    CPU_ZERO(&seen[1]);
    CPU_ZERO(&seen[2]);
    sched_getaffinity(0, sizeof all, &all);
    assert_int_equal(threads_open(3, &t, &e), OK);
    for (int loop = 0; loop < 20; loop++) assert_int_equal(threads_for(t, 30, 1, look_around, seen, &e), OK);
    for (int w = 0; w < 3; w++) {
        assert_true(CPU_COUNT(&seen[w]) == 0 || CPU_EQUAL(&seen[w], &all));
        looked += CPU_COUNT(&seen[w]) > 0;
    }
    assert_true(looked > 1);
    threads_close(t);
}

/* Chunks are multiples of LEAST but for the last, at most as large as the grain, and small towards the end. */
enum { SHARED = 4000, LEAST = 4 };

struct shares {
    atomic_int times[SHARED];
    int64_t grain;
    atomic_int smallest; /* of chunks that are not the loop's last items */
    atomic_bool wrong;
};

static void measure_chunk(void *arg, int64_t begin, int64_t end, int worker) {
    (void)worker;
    struct shares *s = arg;
    const int items = (int)(end - begin);
    if (begin % LEAST || items > s->grain || (items % LEAST && end != SHARED - 1)) s->wrong = true;
    int least = s->smallest;
    while (items % LEAST == 0 && items < least && !atomic_compare_exchange_weak(&s->smallest, &least, items)) continue;
    for (int64_t i = begin; i < end; i++) atomic_fetch_add(&s->times[i], 1);
}

static void test_shares_end_in_small_chunks(void **state) {
    (void)state;
    static struct shares s = {.smallest = SHARED};
    struct threads *t;
    struct err e = {0};
    assert_int_equal(threads_open(3, &t, &e), OK);
    s.grain = threads_grain(t, SHARED - 1, LEAST, 100);
    assert_int_equal(s.grain, 100);
    for (int loop = 0; loop < 100; loop++)
        assert_int_equal(threads_share(t, SHARED - 1, LEAST, 100, measure_chunk, &s, &e), OK);
    for (int i = 0; i < SHARED; i++) assert_int_equal(s.times[i], i < SHARED - 1 ? 100 : 0);
    assert_int_equal(s.smallest, LEAST);
    assert_false(s.wrong);
    threads_close(t);
}

/* Some chunks for each thread, where the loop has as many items, within the bounds. */
static void test_grains_share_out(void **state) {
    (void)state;
    static const struct {
        int threads;
        int64_t n, least, most, grain;
    } cases[] = {{2, 64, 1, 8, 8},         {16, 64, 1, 8, 1}, {2, 41, 1, 3, 3}, {1, 1000, 1, 1000, 250},
                 {4, 1000, 100, 500, 100}, {4, 0, 4, 32, 4},  {3, 5, 1, 8, 1}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct threads *t;
        struct err e = {0};
        assert_int_equal(threads_open(cases[i].threads, &t, &e), OK);
        assert_int_equal(threads_grain(t, cases[i].n, cases[i].least, cases[i].most), cases[i].grain);
        threads_close(t);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_item_is_done_once),         cmocka_unit_test(test_grains_share_out),
        cmocka_unit_test(test_shares_end_in_small_chunks),     cmocka_unit_test(test_workers_may_go_anywhere),
        cmocka_unit_test(test_a_nested_loop_runs_where_it_is), cmocka_unit_test(test_a_cancel_leaves_the_rest),
        cmocka_unit_test(test_subnormal_numbers_are_flushed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
