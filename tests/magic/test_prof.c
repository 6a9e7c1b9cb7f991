/* %prof: the lines that take the time, the ops, and that an interrupt still comes through. */
#include <signal.h>
#include <stdlib.h>
#include <sys/time.h>

#include "base/clock.h"
#include "support/magic.h"

/* The share of the line that holds `text`, in per cent; 0 where there is none. */
static double share(const char *text) {
    const char *at = strstr(buf_text(&host.out), text);
    if (!at) return 0;
    while (at > host.out.data && at[-1] != '\n') at--;
    return atof(at);
}

static void the_hot_line_comes_first(void **state) {
    (void)state;
    host_run(&host, "function wait(s)\n  local t = celda.clock() + s\n  while celda.clock() < t do end\nend");
    if (host_run(&host, "%%prof\nlocal x = 1\nwait(0.02)\n\nfor i = 1, 3 do\n  wait(0.1)\nend\nx + 1"))
        fail_msg("%s", buf_text(&host.out));
    assert_true(share("[1]:3  while celda.clock() < t do end\n") > 50);
    assert_memory_equal(buf_text(&host.out), "2\n", 2); /* the cell's value comes before */
    host_run(&host, "%prof string.rep('x', 1 << 28):len()");
    assert_true(share("[3]:1  string.rep('x', 1 << 28):len()\n") > 50); /* a function of C's is its caller's */
    host_run(&host, "%prof coroutine.wrap(function() wait(0.05) end)()");
    assert_true(share("[1]:3 ") > 50);
    host_fails(&host, "%prof error('mine')", "mine");
    host_fails(&host, "%prof", "what should be sampled?");
}

static void ops_are_added_up(void **state) {
    (void)state;
    host_run(&host, "a = tensor.ones({300, 300})");
    host_run(&host, "%prof for i = 1, 20 do b = a:matmul(a) + 1 end");
    assert_non_null(strstr(buf_text(&host.out), "        20  matmul\n"));
    assert_non_null(strstr(buf_text(&host.out), "        20  add\n"));
    assert_true(share("  matmul\n") > 5);
    host_run(&host, "%profile b = a:matmul(a)");
    assert_non_null(strstr(buf_text(&host.out), "called one by one:\n"));
    assert_non_null(strstr(buf_text(&host.out), "         1  matmul\n"));
}

static void on_alarm(int number) {
    (void)number;
    session_interrupt();
}

static void interrupts_come_through(void **state) {
    struct sigaction action = {.sa_handler = on_alarm, .sa_flags = SA_RESTART};
    (void)state;
    sigaction(SIGALRM, &action, NULL);
    for (int i = 0; i < 40; i++) {
        const struct itimerval soon = {.it_value = {.tv_usec = 10000 + 137 * i}};
        const double start = clock_now();
        setitimer(ITIMER_REAL, &soon, NULL);
        assert_int_equal(host_run(&host, "%prof while true do pcall(string.rep, 'x', 1000) end"), ERR_CANCELLED);
        assert_true(clock_now() - start < 2);
    }
    host_expect(&host, "1 + 1", "2");
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(the_hot_line_comes_first), cmocka_unit_test(ops_are_added_up),
                                       cmocka_unit_test(interrupts_come_through)};
    return cmocka_run_group_tests(tests, magic_host_open, magic_host_close);
}
