/* !command, name = !command, %timeit, %cd, %env. */
#include <signal.h>
#include <sys/time.h>

#include "support/magic.h"

static void commands_show_what_they_write(void **state) {
    (void)state;
    host_expect(&host, "!echo out; echo err >&2", "out\nerr");
    host_expect(&host, "x = 4\n!printf 'no end'\nx", "no end4");
    host_expect(&host, "!exit 3", "(exit status 3)");
    host_expect(&host, "!kill -9 $$", "(exit status 137)");
    host_expect(&host, "!cat", ""); /* there is nothing to read */
    host_expect(&host, "%%sh\nfor i in 1 2; do\n  echo $i\ndone", "1\n2");
    host_fails(&host, "%sh", "which command?");
    host_fails(&host, "!kill -STOP $$; echo on", "there is no terminal to read from"); /* as who reads one is */
}

static void output_becomes_a_list(void **state) {
    (void)state;
    host_expect(&host, "x = !printf 'a\\n\"b\\\\ \\t\\n\\nlast'\n#x, x[1], x[2], x[3], x[4]",
                "4, \"a\", \"\\\"b\\\\ \\t\", \"\", \"last\"");
    host_expect(&host, "local y = !seq 3", "");
    host_expect(&host, "y", "{\"1\", \"2\", \"3\"}");
    host_expect(&host, "x = !true\nx", "{}");
}

static void on_alarm(int number) {
    (void)number;
    session_interrupt();
}

static void an_interrupt_ends_a_command(void **state) {
    struct sigaction action = {.sa_handler = on_alarm};
    const struct itimerval soon = {.it_value = {.tv_usec = 100000}};
    (void)state;
    sigaction(SIGALRM, &action, NULL);
    setitimer(ITIMER_REAL, &soon, NULL);
    assert_int_equal(host_run(&host, "!sleep 60"), ERR_CANCELLED);
    host_expect(&host, "1 + 1", "2");
}

static void loops_are_timed(void **state) {
    (void)state;
    assert_int_equal(host_run(&host, "local n = 0\n%timeit -n 3 -r 2 n = n + 1\nprint(n)"), OK);
    assert_non_null(strstr(buf_text(&host.out), " per loop (mean \u00b1 std. dev. of 2 runs, 3 loops each)\n6\n"));
    assert_int_equal(host_run(&host, "%timeit -n1000 -r1 n * 2"), OK);
    assert_non_null(strstr(buf_text(&host.out), "of 1 run, 1,000 loops each)"));
    assert_int_equal(host_run(&host, "%%timeit -n 2 -r 2 n = 0\nlocal k = 1\nn = n + k"), OK);
    host_expect(&host, "n", "4");
    host_fails(&host, "%timeit", "what should be timed?");
    host_fails(&host, "%timeit -n x", "-n wants a number of loops");
    host_fails(&host, "%timeit error('boom')", "boom");
}

/* Neither with what is around it nor with other lines. */
static void code_that_is_timed_shows_as_it_was_written(void **state) {
    (void)state;
    host_fails(&host, "%timeit nosuch()", "]:1: attempt to call a nil value (global 'nosuch')\n  nosuch()\n  ^^^^^^\n");
    assert_null(strstr(buf_text(&host.out), "measure"));
    host_fails(&host, "local x = 1\n\n-- %timeit -n 1 x + tensor.zeros(3):reshape(2)",
               "]:3: ValueError: cannot reshape a tensor of 3 elements into shape (2,)\n"
               "  x + tensor.zeros(3):reshape(2)\n                      ^^^^^^^\n");
    host_fails(&host, "local x = 1\n%time x.y.z = 1", "]:2: attempt to index a number value");
    host_fails(&host, "%timeit x = 1 +", "]:1: unexpected symbol near <eof>\n  x = 1 +\n         ^\n");
    host_fails(&host, "%timeit -z 1+1", "unknown option -z; there are -n LOOPS and -r RUNS");
    host_fails(&host, "%%timeit n = 1 -- once\nlocal m = n\nm.x.y = 1",
               "]:3: attempt to index a number value (local 'm')\n  m.x.y = 1\n  ^\n");
    host_fails(&host, "%%timeit nosuch()\nn = 1", "]:1: attempt to call a nil value (global 'nosuch')\n  nosuch()\n");
    assert_int_equal(host_run(&host, "local y = 3\n%timeit -n 1 -r 1 -y -- negative"), OK);
}

static void folders_and_variables_hold_for_commands(void **state) {
    (void)state;
    host_expect(&host, "%cd /usr/bin", "/usr/bin");
    host_expect(&host, "!pwd", "/usr/bin");
    host_expect(&host, "%pwd", "/usr/bin");
    host_fails(&host, "%cd /no/such/folder", "cannot enter '/no/such/folder': No such file or directory");
    host_expect(&host, "%pwd", "/usr/bin");
    host_expect(&host, "%env CELDA_TEST = a b", "");
    host_expect(&host, "!echo $CELDA_TEST", "a b");
    host_expect(&host, "%env CELDA_TEST", "a b");
    host_fails(&host, "%env CELDA_NONE", "there is no environment variable 'CELDA_NONE'");
    host_fails(&host, "%env =x", "cannot be set");
    host_expect(&host, "%ls -d /usr/bin", "/usr/bin/");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(commands_show_what_they_write),
        cmocka_unit_test(output_becomes_a_list),
        cmocka_unit_test(an_interrupt_ends_a_command),
        cmocka_unit_test(code_that_is_timed_shows_as_it_was_written),
        cmocka_unit_test(loops_are_timed),
        cmocka_unit_test(folders_and_variables_hold_for_commands),
    };
    return cmocka_run_group_tests(tests, magic_host_open, magic_host_close);
}
