/* Commands of the shell in a session on a terminal: they have one, too, with the user's keys and the window's size. */
#include <stdlib.h>

#include "support/terminal.h"
#include "support/test.h"

static int set_up(void **state) {
    struct terminal *t = malloc(sizeof *t);
    assert_non_null(t);
    setenv("CELDA_JOURNAL", "off", 1);
    terminal_start(t, 91, NULL, NULL);
    *state = t;
    return 0;
}

static int tear_down(void **state) {
    free(*state);
    return 0;
}

static void leave(struct terminal *t, const char *prompt) {
    terminal_type_at(t, prompt, "\004");
    assert_int_equal(terminal_finish(t), 0);
}

static void test_reads_what_is_typed(void **state) {
    struct terminal *t = *state;
    terminal_type_at(t, "[1]: ", "!printf 'name? '; read name; echo \"got <$name>\"; tty -s && stty size\r");
    terminal_type_at(t, "name? ", "Ada\r");
    terminal_await(t, "got <Ada>");
    terminal_await(t, "30 91");
    terminal_type_at(t, "[2]: ", "x = !tty -s && echo yes || echo no\r"); /* a list comes from no terminal */
    terminal_type_at(t, "[3]: ", "x[1]\r");
    terminal_await(t, "\"no\"");
    leave(t, "[4]: ");
}

/* It goes to the command; where that ends by it, the rest of the cell does not run. */
static void test_interrupt(void **state) {
    struct terminal *t = *state;
    terminal_type_at(t, "[1]: ", "!trap 'echo stopped; exit 3' INT; echo re''ady; while :; do sleep 0.05; done\r");
    terminal_type_at(t, "ready", "\003");
    terminal_await(t, "stopped");
    terminal_await(t, "(exit status 3)");
    terminal_type_at(t, "[2]: ", "!echo a''gain; sleep 60\r");
    terminal_type_at(t, "again\r\n", "\003");
    terminal_await(t, "KeyboardInterrupt");
    terminal_type_at(t, "[3]: ", "1 + 1\r"); /* the keys are readline's again */
    terminal_await(t, "2\r\n");
    leave(t, "[4]: ");
}

/* What a command leaves running has the terminal open; the session goes on. */
static void test_leaves_something_running(void **state) {
    struct terminal *t = *state;
    terminal_type_at(t, "[1]: ", "!setsid sleep 30 & echo be''gun; sleep 0.1\r");
    terminal_await(t, "begun");
    terminal_type_at(t, "[2]: ", "2 * 21\r");
    terminal_await(t, "42");
    leave(t, "[3]: ");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_reads_what_is_typed, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_interrupt, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_leaves_something_running, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
