/* Bursts of text come in few pieces, in order and soon; what stands alone comes at once. */
#include "base/pace.h"

#include <pthread.h>
#include <stdio.h>
#include <time.h>

#include "base/buf.h"
#include "support/test.h"

/* A sink that writes down what it is called with; the pace's thread calls it too. */
struct recorder {
    struct sink sink; /* first */
    pthread_mutex_t lock;
    struct buf seen;
    int texts;
};

static void put(struct recorder *r, const char *before, const char *bytes, size_t n) {
    pthread_mutex_lock(&r->lock);
    buf_puts(&r->seen, before);
    buf_put(&r->seen, bytes, n);
    pthread_mutex_unlock(&r->lock);
}

static void on_text(struct sink *s, enum sink_stream stream, const char *bytes, size_t n) {
    struct recorder *r = (struct recorder *)s;
    put(r, stream == SINK_OUT ? "" : "!", bytes, n);
    r->texts++;
    r->sink.closed = stream == SINK_ERR;
}

static void on_display(struct sink *s, const struct sink_mime *bundle, int n) {
    assert_int_equal(n, 1);
    put((struct recorder *)s, "=", bundle->data, bundle->size);
}

static void on_progress(struct sink *s, const char *line, size_t n) {
    put((struct recorder *)s, "~", line, n);
}

static void on_clear(struct sink *s) {
    put((struct recorder *)s, "#", "", 0);
}

static void on_flush(struct sink *s) {
    put((struct recorder *)s, "|", "", 0);
}

struct fixture {
    struct recorder r;
    struct pace *pace;
    struct sink *sink;
};

static void begin(struct fixture *x) {
    struct err e = {0};
    *x = (struct fixture){.r.sink = {on_text, on_display, on_progress, on_clear, on_flush, .width = 77}};
    pthread_mutex_init(&x->r.lock, NULL);
    assert_ok(pace_open(&x->r.sink, &x->pace, &e), &e);
    x->sink = pace_sink(x->pace);
}

static void say(struct fixture *x, const char *text) {
    x->sink->text(x->sink, SINK_OUT, text, strlen(text));
}

static bool seen(struct fixture *x, const char *expected) {
    pthread_mutex_lock(&x->r.lock);
    bool same = strcmp(buf_text(&x->r.seen), expected) == 0;
    pthread_mutex_unlock(&x->r.lock);
    return same;
}

static void end(struct fixture *x, const char *expected) {
    pace_close(x->pace);
    assert_string_equal(buf_text(&x->r.seen), expected);
    buf_free(&x->r.seen);
    pthread_mutex_destroy(&x->r.lock);
}

static void test_the_first_text_comes_at_once(void **state) {
    struct fixture x;
    (void)state;
    begin(&x);
    say(&x, "a");
    assert_true(seen(&x, "a"));
    end(&x, "a");
}

static void test_a_burst_comes_in_few_pieces(void **state) {
    enum { LINES = 20000 };
    struct fixture x;
    struct buf expected = {0};
    char line[16];
    (void)state;
    begin(&x);
    for (int i = 0; i < LINES; i++) {
        snprintf(line, sizeof line, "%d\n", i);
        buf_puts(&expected, line);
        say(&x, line);
    }
    end(&x, expected.data);
    assert_true(x.r.texts < LINES / 4);
    buf_free(&expected);
}

static void test_what_waits_comes_by_itself(void **state) {
    static const struct timespec nap = {.tv_nsec = 1000000};
    struct fixture x;
    (void)state;
    begin(&x);
    say(&x, "a");
    say(&x, "b");
    for (int i = 0; i < 10000 && !seen(&x, "ab"); i++) nanosleep(&nap, NULL);
    assert_true(seen(&x, "ab"));
    end(&x, "ab");
}

static void test_order_of_all_outputs(void **state) {
    const struct sink_mime value = {"text/plain", "d", 1};
    struct fixture x;
    (void)state;
    begin(&x);
    say(&x, "a");
    say(&x, "b");
    x.sink->text(x.sink, SINK_ERR, "c", 1);
    say(&x, "e");
    x.sink->display(x.sink, &value, 1);
    say(&x, "f");
    x.sink->progress(x.sink, "g", 1);
    say(&x, "h");
    x.sink->clear(x.sink);
    say(&x, "i");
    sink_flush(x.sink);
    assert_true(seen(&x, "ab!ce=df~gh#i|"));
    end(&x, "ab!ce=df~gh#i|");
}

static void test_fields_are_those_behind(void **state) {
    struct fixture x;
    (void)state;
    begin(&x);
    assert_int_equal(x.sink->width, 77);
    x.r.sink.width = 40;
    sink_flush(x.sink);
    assert_int_equal(x.sink->width, 40);
    x.sink->text(x.sink, SINK_ERR, "c", 1);
    sink_flush(x.sink);
    assert_true(x.sink->closed);
    end(&x, "|!c|");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_first_text_comes_at_once), cmocka_unit_test(test_a_burst_comes_in_few_pieces),
        cmocka_unit_test(test_what_waits_comes_by_itself),   cmocka_unit_test(test_order_of_all_outputs),
        cmocka_unit_test(test_fields_are_those_behind),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
