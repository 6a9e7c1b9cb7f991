/* %history over inputs that a front gave. */
#include "support/magic.h"

static void inputs_are_shown(void **state) {
    static const char *const typed[] = {"x = 1", "for i = 1, 2 do\n  print(i)\nend", "model:fit(x)", "%history"};
    (void)state;
    host_expect(&host, "%history", "nothing was typed");
    for (size_t i = 0; i < sizeof typed / sizeof *typed; i++)
        session_add_input(host.session, typed[i], strlen(typed[i]));
    host_expect(&host, "%history", "x = 1\nfor i = 1, 2 do\n  print(i)\nend\nmodel:fit(x)\n%history");
    host_expect(&host, "%history -n 1-2", "   1: x = 1\n   2: for i = 1, 2 do\n        print(i)\n      end");
    host_expect(&host, "%history 3", "model:fit(x)");
    host_expect(&host, "%history 3-", "model:fit(x)\n%history");
    host_expect(&host, "%history -g x", "   1: x = 1\n   3: model:fit(x)");
    host_expect(&host, "%history -g m*fit", "   3: model:fit(x)");
    host_expect(&host, "%history -g nothing of this", "");
}

static void wrong_ranges_are_named(void **state) {
    (void)state;
    host_fails(&host, "%history 9", "'9': inputs are numbered 1 to 4");
    host_fails(&host, "%history 0-2", "inputs are numbered 1 to 4");
    host_fails(&host, "%history 3-2", "inputs are numbered 1 to 4");
    host_fails(&host, "%history x", "'x' is no range of inputs; write N, N-M or N-");
    host_fails(&host, "%history 1-2-3", "is no range of inputs");
    host_fails(&host, "%history -x", "is no range of inputs");
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(inputs_are_shown), cmocka_unit_test(wrong_ranges_are_named)};
    return cmocka_run_group_tests(tests, magic_host_open, magic_host_close);
}
