/* The user's init.lua in a terminal: its magics, its keys, its errors, and doing without it. */
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "support/file.h"
#include "support/terminal.h"
#include "support/test.h"

static void write_init(const char *text) {
    setenv("XDG_CONFIG_HOME", test_path(""), 1);
    mkdir(test_path("celda"), 0700);
    test_file("celda/init.lua", text, strlen(text));
}

static void leave(struct terminal *t) {
    terminal_type_at(t, "]: ", "\004");
    assert_int_equal(terminal_finish(t), 0);
}

static void test_magics_and_keys(void **state) {
    struct terminal t;
    (void)state;
    write_init("celda.magic('answer', function() return 6 * 7 end)\n"
               "celda.bind('\\\\C-t', '%answer\\n') celda.bind('\\\\C-x\\\\C-p', [[print('a\\\\b')]])\n");
    terminal_start(&t, 80, NULL, NULL);
    terminal_type_at(&t, "[1]: ", "\024");
    terminal_await(&t, "42\r\n");
    terminal_type_at(&t, "[2]: ", "\030\020\r");
    terminal_await(&t, "a\\b\r\n");
    terminal_type_at(&t, "[3]: ", "%ans\t");
    terminal_await(&t, "%answer");
    terminal_type(&t, "\r");
    terminal_await(&t, "42\r\n");
    leave(&t);
}

static void test_errors_and_no_init(void **state) {
    struct terminal t;
    (void)state;
    write_init("celda.magic('one', function() return 1 end)\nx = = 1\n");
    terminal_start(&t, 200, NULL, NULL);
    terminal_await(&t, "init.lua:2: unexpected symbol near '='");
    leave(&t);
    write_init("print('started')\nlocal x\nprint(x.y)\n");
    terminal_start(&t, 200, NULL, NULL);
    terminal_await(&t, "started\r\n");
    terminal_await(&t, "init.lua:3: attempt to index a nil value (local 'x')");
    leave(&t);
    terminal_start(&t, 80, "--no-init", NULL);
    terminal_await(&t, "[1]: ");
    assert_null(strstr(buf_text(&t.seen), "started"));
    terminal_type(&t, "1\r");
    leave(&t);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_magics_and_keys),
                                       cmocka_unit_test(test_errors_and_no_init)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
