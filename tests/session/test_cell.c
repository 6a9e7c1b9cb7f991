/* Cells with metadata: a device of their own, a time limit. */
#include <stdio.h>

#include "base/json.h"
#include "cell/notebook.h"
#include "run/run.h"
#include "support/host.h"
#include "support/test.h"

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

/* Runs a cell whose marker and source are `text`; its message and what it shows are in h->out. */
static enum status run(struct host *h, const char *text) {
    struct session_result r;
    struct notebook *nb;
    struct err e = {0};
    buf_free(&h->out);
    assert_ok(notebook_parse(text, strlen(text), &nb, &e), &e);
    session_run_cell(h->session, &nb->cells[0], "[7]", &r);
    buf_put(&h->out, buf_text(&r.error), r.error.len);
    buf_free(&r.error);
    notebook_free(nb);
    return r.status;
}

static void expect(struct host *h, const char *text, enum status status, const char *shown) {
    enum status got = run(h, text);
    if (got != status || !strstr(buf_text(&h->out), shown))
        fail_msg("%s\nstatus %d, no '%s' in:\n%s", text, got, shown, buf_text(&h->out));
}

static void test_timeout(void **state) {
    struct host *h = *state;
    expect(h, "-- %% Train timeout=0.05\nn = 1\nwhile true do pcall(function() while true do local t = {} end end) end",
           ERR_TIMEOUT,
           "TimeoutError: [7] Train took longer than its timeout of 0.05 s and was stopped\n  [7]:2: in main chunk");
    expect(h, "-- %%\nn, celda ~= nil", OK, "1, true"); /* the session lives */
    expect(h, "-- %% timeout=0.05\nos.execute('sleep 0.2') while true do local t = {} end", ERR_TIMEOUT,
           "TimeoutError: [7] took");
    expect(h, "-- %% timeout=60\nn + 1", OK, "2");
    expect(h, "-- %% timeout=0.02\nerror('mine')", ERR_VALUE, "mine");
    for (int i = 0; i < 40; i++) {
        run(h, "-- %% timeout=0.002\nlocal t = os.clock() while os.clock() < t + 0.002 do end");
        expect(h, "-- %%\nlocal t = os.clock() while os.clock() < t + 0.001 do end n", OK, "1"); /* no late interrupt */
    }
}

static void test_metadata_is_checked(void **state) {
    expect(*state, "-- %% timeout=\"soon\"\nprint('ran')", ERR_VALUE, "timeout must be a number of seconds");
    assert_null(strstr(buf_text(&((struct host *)*state)->out), "ran\n"));
    expect(*state, "-- %% timeout=-1\n1", ERR_VALUE, "timeout must be a number of seconds");
    expect(*state, "-- %% device=3\n1", ERR_VALUE, "device must be a name");
    expect(*state, "-- %% device=\"gup\"\n1", ERR_NOT_FOUND, "gpu");
    expect(*state, "-- %% device=\"cpu\"\n1", OK, "1");
}

static void test_device(void **state) {
    struct host *h = *state;
    struct device *d;
    struct err e = {0};
    struct run *r = session_runtime(h->session);
    if (run_device(r, "opencl", &d, &e)) {
        print_message("skipped: %s\n", e.text);
        skip();
    }
    expect(h, "-- %%\nt = tensor{1, 2, 3}", OK, "");
    expect(h, "-- %% device=\"opencl\"\nwhere = t.device t = t * 2 where", OK, "opencl");
    assert_ptr_equal(r->device, r->cpu);
    expect(h, "-- %%\nt.device, t", OK, "\"cpu\"");
    assert_non_null(strstr(buf_text(&h->out), "[2 4 6]"));
    expect(h, "-- %% device=\"opencl\"\nerror('boom')", ERR_VALUE, "boom");
    assert_ptr_equal(r->device, r->cpu);
    expect(h, "-- %% device=\"opencl\" timeout=0.5\nt = t * 2 while true do end", ERR_TIMEOUT, "TimeoutError");
    assert_ptr_equal(r->device, r->cpu);
    expect(h, "-- %%\nt", OK, "[ 4  8 12]");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_timeout),
        cmocka_unit_test(test_metadata_is_checked),
        cmocka_unit_test(test_device),
    };
    return cmocka_run_group_tests(tests, open_host, close_host);
}
