/* The debugger as a person has it: its prompt, its way out, and lines from a file in the place of a terminal. */
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "support/terminal.h"
#include "support/test.h"

static void test_prompt(void **state) {
    struct terminal t;
    (void)state;
    terminal_start(&t, 80, NULL, NULL);
    terminal_type_at(&t, "[1]: ", "%debug\r");
    terminal_await(&t, "no cell has failed");
    terminal_type_at(&t, "[2]: ", "local x = 5 error('boom')\r");
    terminal_type_at(&t, "[3]: ", "%debug\r");
    terminal_await(&t, "[2]:1: boom\r\n> [2]:1: in main chunk\r\n--->   1  local x = 5 error('boom')\r\n");
    terminal_type_at(&t, "debug> ", "x\r");
    terminal_await(&t, "5\r\n");
    terminal_type_at(&t, "debug> ", "x.y.z\r");
    terminal_await(&t, "*** debug:1: attempt to index a number value (local 'x')\r\n");
    terminal_type_at(&t, "debug> ", "while true do local t = {} end\r");
    terminal_await(&t, "\r\n");
    usleep(300000);
    terminal_type(&t, "\003");
    terminal_await(&t, "*** KeyboardInterrupt\r\n");
    terminal_type_at(&t, "debug> ", "unfinished\003");
    terminal_await(&t, "^C");
    terminal_type_at(&t, "debug> ", "%debug where\r");
    terminal_await(&t, "in main chunk\r\n");
    terminal_type_at(&t, "debug> ", "\004");
    terminal_type_at(&t, "[5]: ", "x\r");
    terminal_await(&t, "5\r\n");
    terminal_type_at(&t, "]: ", "\004");
    assert_int_equal(terminal_finish(&t), 0);
}

static void test_no_terminal(void **state) {
    static const char cell[] = "-- %%\\nlocal function f(n)\\n  return n.x.y\\nend\\nf{}\\n";
    char command[1024], text[4096] = "";
    const char *binary = getenv("CELDA"), *tmp = getenv("TEST_TMP");
    (void)state;
    if (!tmp) tmp = "/tmp";
    snprintf(
        command, sizeof command,
        "printf '%%b' '%s' >%s/debug.cells; printf '\\n%%%%debug\\nn\\nup\\nq\\n6 * 7\\n' | %s %s/debug.cells 2>&1",
        cell, tmp, binary ? binary : "./celda", tmp);
    FILE *p = popen(command, "r");
    assert_non_null(p);
    assert_true(fread(text, 1, sizeof text - 1, p) > 0);
    assert_int_equal(WEXITSTATUS(pclose(p)), 0);
    assert_non_null(strstr(text, "> [1]:2: in function 'f'"));
    assert_non_null(strstr(text, "{}\n"));
    assert_non_null(strstr(text, "> [1]:4: in main chunk"));
    assert_non_null(strstr(text, "42\n"));
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_prompt), cmocka_unit_test(test_no_terminal)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
