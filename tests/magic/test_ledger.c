/* What cells cost, where one runs others. */
#include "cell/notebook.h"
#include "support/magic.h"

static const char text[] = "-- %%\nlocal t = os.clock()\nwhile os.clock() < t + 0.1 do end\n";

static enum status run_cell(struct magic_notebook *self, int n) {
    struct session_result r;
    const struct cell *c = &self->notebook->cells[magic_cell_index(self, n)];
    session_run(host.session, c->source, c->size, "[1]", &r);
    buf_free(&r.error);
    return r.status;
}

static void note_seconds(void *arg, const struct session_cost *c) {
    double *seconds = arg;
    seconds[strcmp(c->name, "[1]") != 0] += c->cpu;
}

static void what_was_run_is_counted_once(void **state) {
    struct magic_cell_state cell = {.progress = MAGIC_NOT_RUN};
    struct magic_notebook nb = {.count = 1, .next = 1, .state = &cell, .run_cell = run_cell};
    double seconds[2] = {0}; /* of the cell, of lines */
    struct session_result r;
    struct err e = {0};
    (void)state;
    assert_ok(notebook_parse(text, sizeof text - 1, &nb.notebook, &e), &e);
    session_set_magic(host.session, magic_run_line, &nb);
    session_run(host.session, "%run", 4, "in 1", &r);
    assert_int_equal(r.status, OK);
    session_run(host.session, "%run 1", 6, "in 2", &r);
    assert_int_equal(r.status, OK);
    assert_true(r.after.cpu - r.before.cpu >= 0.1);
    session_each_cost(host.session, note_seconds, seconds);
    assert_true(seconds[0] >= 0.1);
    assert_true(seconds[1] < 0.1);
    session_set_magic(host.session, magic_run_line, NULL);
    notebook_free(nb.notebook);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_was_run_is_counted_once, magic_host_open, magic_host_close)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
