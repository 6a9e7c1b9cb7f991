/* Stale marks over a notebook of five cells, %run stale, %why, %diff, %who. */
#include <stdio.h>

#include "cell/notebook.h"
#include "magic/magic.h"
#include "support/host.h"
#include "support/test.h"

static const char text[] = "-- %% Data\nlocal n = 4\nx = tensor.arange(n)\n\n-- %% Double\ny = x * 2\n\n"
                           "-- %% Sum\ntotal = y:sum()\n\n-- %% Function\nfunction f(v) return v + n end\n\n"
                           "-- %% Word\nw = 'word'\n";
enum { CELLS = 5 };

static struct host host;
static struct magic_notebook nb;
static struct magic_cell_state states[CELLS];

static enum status run_cell(struct magic_notebook *self, int n) {
    struct session_result r;
    char name[16];
    const struct cell *c = &self->notebook->cells[magic_cell_index(self, n)];
    snprintf(name, sizeof name, "[%d]", n);
    session_run(host.session, c->source, c->size, name, &r);
    self->state[n - 1].progress = r.status ? MAGIC_FAILED : MAGIC_DONE;
    buf_free(&r.error);
    self->next = n + 1;
    return r.status;
}

static int open(void **state) {
    struct err e = {0};
    (void)state;
    host_open(&host);
    host.cells = 100;
    memset(states, 0, sizeof states);
    nb = (struct magic_notebook){.count = CELLS, .next = 1, .state = states, .run_cell = run_cell};
    assert_ok(notebook_parse(text, sizeof text - 1, &nb.notebook, &e), &e);
    session_set_magic(host.session, magic_run_line, &nb);
    return session_keep_undo(host.session, 1 << 24, &e);
}

static int close(void **state) {
    (void)state;
    host_close(&host);
    notebook_free(nb.notebook);
    return 0;
}

/* The numbers of the stale cells. */
static void stale(const char *expected) {
    struct err e = {0};
    struct magic_stale found[CELLS];
    struct buf out = {0};
    assert_ok(magic_find_stale(host.session, &nb, found, &e), &e);
    for (int n = 1; n <= CELLS; n++)
        if (found[n - 1].kind) buf_printf(&out, "%d ", n);
    assert_string_equal(buf_text(&out), expected);
    buf_free(&out);
}

static void shows(const char *source, const char *part) {
    assert_int_equal(host_run(&host, source), OK);
    if (!strstr(buf_text(&host.out), part)) fail_msg("%s shows no '%s':\n%s", source, part, buf_text(&host.out));
}

static void what_depends_on_a_rerun_is_stale(void **state) {
    (void)state;
    host_run(&host, "%run");
    stale("");
    host_run(&host, "%rerun 1");
    stale("2 3 4 ");
    shows("%list", "~ [2] Double  (stale: x was changed by [1])\n");
    shows("%list", "~ [3] Sum  (stale: y is from [2])\n");
    host_run(&host, "%run 2");
    stale("3 4 ");
    host_run(&host, "%run stale");
    stale("");
    shows("%run stale", "no cell is stale\n");
}

static void what_is_typed_counts_what_follows_does_not(void **state) {
    (void)state;
    host_run(&host, "%run");
    host_run(&host, "n = 5");
    stale("4 ");
    host_run(&host, "x"); /* looking is no change */
    stale("4 ");
    host_run(&host, "%rerun 3"); /* nothing above it reads total */
    stale("4 ");
}

/* As after a resumed session whose checkpoint does not know of them. */
static void what_was_not_restored_is_stale(void **state) {
    (void)state;
    for (int n = 1; n <= 2; n++) states[n - 1] = (struct magic_cell_state){.progress = MAGIC_DONE, .lost = true};
    stale("1 2 ");
    shows("%list", "~ [2] Double  (stale: what it made was not restored)\n");
    host_run(&host, "%rerun 1");
    stale("2 ");
    host_run(&host, "%run stale");
    stale("");
}

static void undoing_makes_fresh(void **state) {
    (void)state;
    host_run(&host, "%run");
    host_run(&host, "%rerun 2");
    stale("3 ");
    shows("%undo", "[2] is taken back");
    stale("");
    assert_int_equal(nb.state[1].progress, MAGIC_DONE); /* it ran before, too */
    host_run(&host, "%redo");
    stale("3 ");
}

static void edited_cells_are_stale(void **state) {
    struct cell *c = &nb.notebook->cells[magic_cell_index(&nb, 2)];
    char changed[] = "y = x * 3";
    char *before = c->source;
    const size_t size = c->size;
    (void)state;
    host_run(&host, "%run");
    c->source = changed;
    c->size = sizeof changed - 1;
    stale("2 3 ");
    shows("%list", "(stale: edited since it ran)");
    host_run(&host, "%run stale");
    stale("");
    c->source = before;
    c->size = size;
}

static void failed_and_unrun_cells_are_not_stale(void **state) {
    (void)state;
    stale("");
    host_run(&host, "%run 1");
    host_run(&host, "%run 1");
    stale("");
}

static void questions_are_answered(void **state) {
    (void)state;
    host_run(&host, "%run");
    shows("%why total", "total: [3], ");
    shows("%why total", " ago, from y\n  y: [2], ");
    shows("%why total", " ago, from x\n    x: [1], ");
    host_fails(&host, "%why nobody", "no cell has written 'nobody'");
    host_run(&host, "n = 6");
    shows("%diff", "n: 4 -> 6\n");
    host_run(&host, "x['1'] = 9");
    shows("%diff", "x: the same object, changed within: tensor int64 (4,), mean 3.75, 1 to 9\n");
    host_run(&host, "x");
    shows("%diff", "x: the same object");
    shows("%who", "total                tensor         [3]     int64 ()  8 B  cpu\n");
    host_run(&host, "%who number");
    assert_null(strstr(buf_text(&host.out), "tensor"));
    shows("%who string number", "n                    number ");
    shows("%who tens", "no variable has the type tens\n");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_depends_on_a_rerun_is_stale, open, close),
        cmocka_unit_test_setup_teardown(what_is_typed_counts_what_follows_does_not, open, close),
        cmocka_unit_test_setup_teardown(what_was_not_restored_is_stale, open, close),
        cmocka_unit_test_setup_teardown(undoing_makes_fresh, open, close),
        cmocka_unit_test_setup_teardown(edited_cells_are_stale, open, close),
        cmocka_unit_test_setup_teardown(failed_and_unrun_cells_are_not_stale, open, close),
        cmocka_unit_test_setup_teardown(questions_are_answered, open, close),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
