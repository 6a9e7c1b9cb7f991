/* %who: the variables by name. */
#include <stdio.h>

#include "magic/magic.h"
#include "support/host.h"
#include "support/test.h"

static int open_host(void **state) {
    static struct host h;
    host_open(&h);
    session_set_magic(h.session, magic_run_line, NULL);
    *state = &h;
    return 0;
}

static int close_host(void **state) {
    host_close(*state);
    return 0;
}

/* Where `name` begins a line of what was shown. */
static size_t place(const struct host *h, const char *name) {
    char begin[40];
    snprintf(begin, sizeof begin, "\n%s ", name);
    const char *text = buf_text(&h->out), *at = strstr(text, begin);
    if (at) return (size_t)(at - text) + 1;
    if (strncmp(text, begin + 1, strlen(begin + 1)) != 0) fail_msg("%%who does not list %s but:\n%s", name, text);
    return 0;
}

static void test_by_name(void **state) {
    static const char *const names[] = {"alpha", "beta", "delta", "eta", "gamma", "zeta"};
    struct host *h = *state;
    host_expect(h, "local beta = 1\nzeta, alpha, eta, gamma = 1, 2, 3, 4", "");
    host_expect(h, "local delta = 5", "");
    assert_int_equal(host_run(h, "%who"), OK);
    for (int i = 1; i < 6; i++) assert_true(place(h, names[i - 1]) < place(h, names[i]));
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test_setup_teardown(test_by_name, open_host, close_host)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
