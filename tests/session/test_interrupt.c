/* Ctrl-C at random moments: how long a cell takes to stop, that no pcall swallows it, that __close runs to its end, and
 * that what was computed stays. */
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "base/cancel.h"
#include "support/host.h"
#include "support/test.h"

enum { MOMENTS = 60 };
static const double LIMIT = 0.1; /* seconds */

static int open_host(void **state) {
    static struct host h;
    int fd;
    struct err e = {0};
    host_open(&h);
    assert_ok(session_catch_interrupts(h.session, &fd, &e), &e);
    *state = &h;
    return 0;
}

static int close_host(void **state) {
    host_close(*state);
    return 0;
}

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

/* ---- pressing ------------------------------------------------------------------------------------------------------ */

struct press {
    useconds_t delay;
    int times;
    double at; /* of the last one */
};

static void *press_keys(void *arg) {
    struct press *p = arg;
    for (int i = 0; i < p->times; i++) {
        usleep(p->delay);
        p->at = now();
        session_interrupt();
    }
    return NULL;
}

/* Runs a cell that does not end by itself and returns the seconds from the last press to its end. */
static double interrupt(struct host *h, const char *source, useconds_t delay, int times) {
    struct press p = {delay, times, 0};
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, press_keys, &p), 0);
    enum status s = host_run(h, source);
    double end = now();
    pthread_join(thread, NULL);
    if (s != ERR_CANCELLED) fail_msg("%s\ngave status %d:\n%s", source, s, buf_text(&h->out));
    return end - p.at;
}

static int by_size(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* 99 of 100 moments are within the limit: of 60, all but the slowest. */
static void check_latency(struct host *h, const char *source) {
    double took[MOMENTS];
    unsigned seed = 200;
    for (int i = 0; i < MOMENTS; i++) took[i] = interrupt(h, source, 1000 + (useconds_t)rand_r(&seed) % 15000, 1);
    qsort(took, MOMENTS, sizeof *took, by_size);
    if (took[MOMENTS - 2] > LIMIT)
        fail_msg("%s\nstops after %.1f ms (median %.1f ms)", source, took[MOMENTS - 2] * 1e3, took[MOMENTS / 2] * 1e3);
    host_expect(h, "1 + 1", "2");
}

/* ThreadSanitizer holds a signal back until the program calls the C library, which Lua's own loops do not. */
static void need_prompt_signals(void) {
#ifdef __SANITIZE_THREAD__
    skip();
#endif
}

/* ---- what is interrupted ------------------------------------------------------------------------------------------- */

static void test_loop(void **state) {
    need_prompt_signals();
    check_latency(*state, "while true do end");
}

static void test_loop_in_pcall(void **state) {
    need_prompt_signals();
    check_latency(*state, "while true do pcall(function() while true do end end) end");
    check_latency(*state,
                  "while true do xpcall(function() while true do pcall(error) end end, function(m) return m end) end");
}

static void test_coroutines(void **state) {
    need_prompt_signals();
    check_latency(*state, "while true do coroutine.wrap(function() pcall(function() while true do end end) end)() end");
    check_latency(*state,
                  "while true do local co = coroutine.create(function() while true do coroutine.yield() end end)\n"
                  "for i = 1, 1000 do coroutine.resume(co) end end");
    check_latency(*state,
                  "while true do pcall(coroutine.wrap(function() while true do pcall(coroutine.yield) end end)) end");
}

static void test_strings_and_tables(void **state) {
    need_prompt_signals();
    check_latency(*state, "while true do local s = '' for i = 1, 1000 do s = s .. i end s:gsub('%d', '%0%0') end");
    check_latency(*state, "local t = {} while true do for i = 1, 1000 do t[i] = -i end table.sort(t) end");
    check_latency(*state, "while true do load(function() for i = 1, 1000 do end return nil end) end");
}

static void test_core_work(void **state) {
    struct host *h = *state;
    host_expect(h, "a = tensor.ones{1024, 1024}", "");
    check_latency(h, "while true do local b = a:matmul(a) end");
    check_latency(h, "while true do pcall(function() while true do a:matmul(a) end end) end");
}

/* ---- what it leaves behind ----------------------------------------------------------------------------------------- */

static void test_report_is_short(void **state) {
    need_prompt_signals();
    struct host *h = *state;
    interrupt(h, "local function f()\n  while true do end\nend\nf()", 10000, 1);
    char expected[100];
    snprintf(expected, sizeof expected, "KeyboardInterrupt\n  [%d]:2: in function 'f'\n  [%d]:4: in main chunk\n",
             h->cells, h->cells);
    assert_string_equal(buf_text(&h->out), expected);
}

static void test_state_is_kept(void **state) {
    need_prompt_signals();
    struct host *h = *state;
    interrupt(h, "local n = 0\nkept = 'yes'\nwhile true do n = n + 1 end", 10000, 1);
    host_expect(h, "n > 0, kept", "true, \"yes\"");
    assert_false(cancel_requested());
}

/* The finished steps of a run that was stopped anywhere are those of one that was not, and the rest can follow. */
static void test_fit_keeps_whole_steps(void **state) {
    need_prompt_signals();
    static const char setup[] =
        "L, x, y = keras.layers, tensor.random.normal({640, 8, 8, 1}, {seed = 1}), tensor.arange(640) % 3\n"
        "function network()\n"
        "  keras.utils.set_random_seed(200)\n"
        "  local m = keras.Sequential{L.Conv2D(8, 3, {input_shape = {8, 8, 1}, activation = 'relu'}),\n"
        "    L.BatchNormalization(), L.Dropout(0.25), L.Flatten(), L.Dense(3, {activation = 'softmax'})}\n"
        "  m:compile{optimizer = keras.optimizers.Adam(0.01), loss = 'sparse_categorical_crossentropy'}\n"
        "  return m\n"
        "end\n"
        "function finished(m) return m.optimizer.iterations:item() end\n"
        "function values(m)\n"
        "  local list = m:get_weights()\n"
        "  for _, v in ipairs(m.optimizer.variables) do list[#list + 1] = v:numpy() end\n"
        "  return list\n"
        "end\n"
        "function same(a, b)\n"
        "  for i = 1, #b do if not a[i]:eq(b[i]):all():item() then return false end end\n"
        "  return #a >= #b\n"
        "end\n"
        "function train(m, callbacks)\n"
        "  local rest = (finished(m) * 16 + 1) .. ':'\n"
        "  if finished(m) < 40 then m:fit(x[rest], y[rest], {batch_size = 16, shuffle = false, verbose = 0,\n"
        "    callbacks = callbacks}) end\n"
        "end\n"
        "reference, after = network(), {}\n"
        "after[0] = values(reference)\n"
        "train(reference, {keras.callbacks.LambdaCallback{on_train_batch_end = function()\n"
        "  after[finished(reference)] = values(reference) end}})";
    struct host *h = *state;
    unsigned seed = 200;
    host_expect(h, setup, "");
    host_expect(h, "m = network()", "");
    double start = now();
    host_expect(h, "train(m)", "");
    unsigned whole = (unsigned)((now() - start) * 1e6);
    for (int i = 0; i < MOMENTS; i++) {
        host_expect(h, "m = network()", "");
        interrupt(h, "train(m) while true do end", (useconds_t)rand_r(&seed) % whole, 1);
        host_expect(h, "same(values(m), after[finished(m)])", "true");
        host_expect(h, "train(m) finished(m), same(values(m), after[40])", "40, true");
    }
}

static void test_handlers_run_to_their_end(void **state) {
    need_prompt_signals();
    struct host *h = *state;
    const char *handler = "done = 0\nlocal function work() for i = 1, 1e6 do done = done + 1 end end\n"
                          "local guard = setmetatable({}, {__close = work})\n";
    host_expect(h, handler, "");
    interrupt(h, "done = 0 local g <close> = guard while true do end", 10000, 1);
    host_expect(h, "done", "1000000");
    interrupt(h, "done = 0 pcall(function() local g <close> = guard while true do end end)", 10000, 1);
    host_expect(h, "done", "1000000");
    interrupt(h, "done = 0 coroutine.wrap(function() local g <close> = guard while true do end end)()", 10000, 1);
    host_expect(h, "done", "1000000");
    /* it comes while the handler runs in the normal course of things */
    interrupt(h, "while true do done = 0 do local g <close> = guard end end", 20000, 1);
    host_expect(h, "done", "1000000");
    /* ... and after a tensor's work was cancelled */
    host_expect(h, "a = tensor.ones{1500, 1500}", "");
    interrupt(h, "done = 0 local g <close> = guard while true do a:matmul(a) end", 20000, 1);
    host_expect(h, "done", "1000000");
}

static void test_third_press_stops_handlers(void **state) {
    need_prompt_signals();
    struct host *h = *state;
    host_expect(h, "guard = setmetatable({}, {__close = function() while true do end end})", "");
    interrupt(h, "local g <close> = guard while true do end", 20000, 3);
    host_expect(h, "1", "1");
}

static void test_display_is_interrupted(void **state) {
    need_prompt_signals();
    interrupt(*state, "setmetatable({}, {__tostring = function() while true do end end})", 10000, 1);
    interrupt(*state, "error(setmetatable({}, {__tostring = function() while true do end end}))", 10000, 1);
}

static void test_no_hook_stays(void **state) {
    need_prompt_signals();
    struct host *h = *state;
    interrupt(h, "co = coroutine.wrap(function() while true do coroutine.yield(1) end end) while true do co() end",
              10000, 1);
    host_expect(h, "debug.gethook()", "");
    host_expect(h, "pcall(error, 'x')", "false, \"x\"");
}

#define TEST(NAME) cmocka_unit_test_setup_teardown(NAME, open_host, close_host)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(test_loop),
        TEST(test_loop_in_pcall),
        TEST(test_coroutines),
        TEST(test_strings_and_tables),
        TEST(test_core_work),
        TEST(test_report_is_short),
        TEST(test_state_is_kept),
        TEST(test_fit_keeps_whole_steps),
        TEST(test_handlers_run_to_their_end),
        TEST(test_third_press_stops_handlers),
        TEST(test_display_is_interrupted),
        TEST(test_no_hook_stays),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
