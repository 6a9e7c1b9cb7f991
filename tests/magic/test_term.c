/* %term: a command that has the terminal to itself. */
#include "support/magic.h"
#include "support/terminal.h"

static void it_reads_and_has_a_terminal(void **state) {
    struct terminal t = {0};
    (void)state;
    terminal_start(&t, 80, NULL, NULL);
    terminal_type_at(&t, "[1]: ", "%term test -t 0 -a -t 1 && echo ready && read x && echo got $x\r");
    terminal_type_at(&t, "ready\r\n", "an answer\r");
    terminal_await(&t, "got an answer");
    terminal_type_at(&t, "[2]: ", "%term stty raw -echo; exit 3\r");
    terminal_await(&t, "(exit status 3)");
    terminal_type_at(&t, "[3]: ", "20 + 22\r"); /* the terminal is as it was */
    terminal_await(&t, "42");
    terminal_type_at(&t, "[4]: ", "\004");
    assert_int_equal(terminal_finish(&t), 0);
}

static void keys_go_to_it_alone(void **state) {
    struct terminal t = {0};
    (void)state;
    terminal_start(&t, 80, NULL, NULL);
    terminal_type_at(&t, "[1]: ", "%term echo ready; read x\r");
    terminal_await(&t, "ready\r\n");
    terminal_type(&t, "\032"); /* Ctrl-Z: it goes on */
    terminal_type(&t, "\003");
    terminal_await(&t, "(exit status 130)");
    terminal_type_at(&t, "[2]: ", "1 + 1\r");
    terminal_await(&t, "2");
    terminal_type_at(&t, "[3]: ", "\004");
    assert_int_equal(terminal_finish(&t), 0);
}

static void without_a_terminal_it_says_so(void **state) {
    (void)state;
    host_fails(&host, "%term vi notes.txt", "there is no terminal here for 'vi notes.txt'; !COMMAND needs none");
    host_fails(&host, "%term", "which command?");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_reads_and_has_a_terminal),
        cmocka_unit_test(keys_go_to_it_alone),
        cmocka_unit_test(without_a_terminal_it_says_so),
    };
    return cmocka_run_group_tests(tests, magic_host_open, magic_host_close);
}
