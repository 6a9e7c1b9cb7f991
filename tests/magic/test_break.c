/* Stepping: breakpoints on cells, %run to, %continue, %watch between cells. */
#include <stdio.h>

#include "cell/notebook.h"
#include "magic/magic.h"
#include "support/host.h"
#include "support/test.h"

static const char text[] = "-- %% One\nx = 1\n\n-- %% Two\nx = 2\n\n-- %% Three\nx = 3\n\n-- %% Four\nx = 4\n";
enum { CELLS = 4 };

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
    memset(states, 0, sizeof states);
    nb = (struct magic_notebook){.count = CELLS, .next = 1, .state = states, .run_cell = run_cell};
    assert_ok(notebook_parse(text, sizeof text - 1, &nb.notebook, &e), &e);
    session_set_magic(host.session, magic_run_line, &nb);
    return 0;
}

static int close(void **state) {
    (void)state;
    host_close(&host);
    notebook_free(nb.notebook);
    return 0;
}

static void runs_stop_at_breakpoints(void **state) {
    (void)state;
    host_expect(&host, "%break", "no breakpoints");
    host_expect(&host, "%break 1", "");
    host_expect(&host, "%break 3", "");
    host_expect(&host, "%break", "[1] [3]");
    host_expect(&host, "%list", "> \u25cf[1] One\n   [2] Two\n  \u25cf[3] Three\n   [4] Four");
    host_expect(&host, "%run", "breakpoint at [3]"); /* the first one it started from */
    host_expect(&host, "x", "2");
    assert_int_equal(nb.next, 3);
    host_expect(&host, "%continue", "");
    host_expect(&host, "x", "4");
    host_fails(&host, "%continue", "no cells left to run");
    host_expect(&host, "%run 2-4", "breakpoint at [3]");
    host_expect(&host, "%break 3 off", "");
    host_expect(&host, "%run 2-4", "");
    host_expect(&host, "%break off", "");
    host_expect(&host, "%break", "no breakpoints");
}

static void runs_go_to_a_cell(void **state) {
    (void)state;
    host_expect(&host, "%run to 3", "");
    assert_int_equal(nb.next, 3);
    host_expect(&host, "x", "2");
    host_expect(&host, "%continue 4", "");
    assert_int_equal(nb.next, 4);
    host_fails(&host, "%run to 2", "the next cell is 4 already: %goto 2 goes back");
    host_fails(&host, "%run to 9", "numbered 1 to 4");
    host_fails(&host, "%continue x", "x");
}

static void watches_show_each_step(void **state) {
    (void)state;
    host_expect(&host, "%watch", "nothing is watched");
    host_expect(&host, "%watch x", "x = nil");
    host_expect(&host, "%run to 3", "x = 1\nx = 2");
    host_expect(&host, "%watch", "x");
    host_expect(&host, "%watch off x", "");
    host_expect(&host, "%run", "");
    host_fails(&host, "%watch off x", "'x' is not watched");
    host_fails(&host, "%watch x = 1", "is no expression");
}

static void wrong_words_are_named(void **state) {
    (void)state;
    host_fails(&host, "%break 5", "numbered 1 to 4");
    host_fails(&host, "%break 3 on", "what is 'on'? %break N sets a breakpoint");
    host_fails(&host, "%break x", "x");
    host_fails(&host, "%run 3-1", "'3-1' is an empty range");
    host_expect(&host, "%run 3-3", "");
}

static void what_takes_no_argument_names_it(void **state) {
    char line[40], message[80];
    (void)state;
    host_fails(&host, "%back 3", "what is '3'? %back takes no argument");
    for (const struct magic *const *m = magic_all; *m; m++) {
        if (strchr((*m)->usage, ' ')) continue;
        snprintf(line, sizeof line, "%%%s a b", (*m)->name);
        snprintf(message, sizeof message, "what is 'a b'? %%%s takes no argument", (*m)->name);
        host_fails(&host, line, message);
    }
}

static void cells_are_skipped(void **state) {
    (void)state;
    host_expect(&host, "%skip", "");
    assert_int_equal(nb.next, 2);
    host_fails(&host, "%skip x", "what is 'x'? %skip COUNT passes so many cells over");
    host_fails(&host, "%skip -1", "what is '-1'?");
    host_fails(&host, "%skip 4", "4 cells cannot be skipped: 3 are left");
    assert_int_equal(nb.next, 2);
    host_expect(&host, "%skip 3", "");
    host_expect(&host, "%list", " - [1] One\n - [2] Two\n - [3] Three\n - [4] Four");
    host_fails(&host, "%skip", "this is the end of the notebook");
}

#define TEST(NAME) cmocka_unit_test_setup_teardown(NAME, open, close)

int main(void) {
    const struct CMUnitTest tests[] = {TEST(runs_stop_at_breakpoints),        TEST(runs_go_to_a_cell),
                                       TEST(watches_show_each_step),          TEST(wrong_words_are_named),
                                       TEST(what_takes_no_argument_names_it), TEST(cells_are_skipped)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
