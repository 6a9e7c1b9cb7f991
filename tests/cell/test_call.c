/* Which call the end of a text stands in. */
#include <stdio.h>

#include "cell/call.h"
#include "support/test.h"

static void stands_in(const char *text, const char *callee, bool in_table, bool at_start) {
    struct cell_call call;
    char found[80] = "";
    if (cell_call_at(text, strlen(text), &call))
        snprintf(found, sizeof found, "%.*s", (int)(call.callee.end - call.callee.begin), text + call.callee.begin);
    if (strcmp(found, callee) != 0) fail_msg("'%s' stands in '%s', not '%s'", text, found, callee);
    if (!*callee) return;
    assert_int_equal(call.in_table, in_table);
    assert_int_equal(call.at_start, at_start);
}

static void test_calls(void **state) {
    (void)state;
    stands_in("f(", "f", false, true);
    stands_in("f(1, ", "f", false, true);
    stands_in("f(1 + ", "f", false, false);
    stands_in("f{", "f", true, true);
    stands_in("f{a = ", "f", true, false);
    stands_in("f{a = 1; ", "f", true, true);
    stands_in("f(x, {", "f", true, true);
    stands_in("f({", "f", true, true);
    stands_in("y = a.b.c{ -- d{\n", "a.b.c", true, true);
    stands_in("m:fit(x, g(", "g", false, true);
    stands_in("m:fit(x, g(1), {", "m:fit", true, true);
    stands_in("for i = 1, 3 do f(", "f", false, true);
}

static void test_others(void **state) {
    (void)state;
    stands_in("", "", false, false);
    stands_in("x", "", false, false);
    stands_in("f()", "", false, false);
    stands_in("t = {", "", false, false);
    stands_in("f(t[", "", false, false);
    stands_in("f({{", "", false, false);
    stands_in("f(x {", "x", true, true);
    stands_in("f(a + {", "", false, false);
    stands_in("function f(", "", false, false);
    stands_in("local function f(", "", false, false);
    stands_in("f().g(", "", false, false);
    stands_in("(", "", false, false);
    stands_in("f('", "", false, false);
    stands_in("f( --[[", "", false, false);
    stands_in("))))f(", "f", false, true);
}

static void test_given(void **state) {
    struct cell_call call;
    const char *text = "f{a = 1, b = {c = 2}, d == 3, e, ";
    (void)state;
    assert_true(cell_call_at(text, strlen(text), &call));
    assert_int_equal(call.given_count, 2);
    assert_int_equal(text[call.given[0].begin], 'a');
    assert_int_equal(text[call.given[1].begin], 'b');
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_calls),
        cmocka_unit_test(test_others),
        cmocka_unit_test(test_given),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
