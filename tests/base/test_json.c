/* JSON: what Python's json.dumps writes, and errors that say where. */
#include "base/json.h"
#include "support/test.h"

static void check(const char *text, int indent, const char *expected) {
    struct err e = {0};
    struct buf out = {0};
    json_t *j = json_parse(text, strlen(text), &e);
    assert_ok(e.status, &e);
    json_write(j, indent, false, &out);
    assert_string_equal(buf_text(&out), expected);
    json_decref(j);
    buf_free(&out);
}

static void test_as_python_writes(void **state) {
    (void)state;
    check("[1,2.5,\"a\",null,true,{}]", 0, "[1, 2.5, \"a\", null, true, {}]");
    check("{\"b\":1,\"a\":[ ]}", 0, "{\"b\": 1, \"a\": []}");
    check("{\"b\":[1,2]}", 2, "{\n  \"b\": [\n    1,\n    2\n  ]\n}");
    check("\"\\u00e9\\ud83d\\ude00\\n\\\"\\\\\"", 0, "\"\\u00e9\\ud83d\\ude00\\n\\\"\\\\\"");
    check("[0.1,1e-7,1e16,123456.0,1e15,0.0001,-0.0,1e22,3.141592653589793,0.00001]", 0,
          "[0.1, 1e-07, 1e+16, 123456.0, 1000000000000000.0, 0.0001, -0.0, 1e+22, 3.141592653589793, 1e-05]");
}

static void test_errors_say_where(void **state) {
    (void)state;
    static const char *const bad[] = {"", "{", "[1,]", "{\"a\" 1}", "nul", "\"\\x\"", "[1] 2", "Nan"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct err e = {0};
        assert_null(json_parse(bad[i], strlen(bad[i]), &e));
        assert_int_equal(e.status, ERR_VALUE);
        assert_non_null(strstr(e.text, "JSON 1:"));
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_as_python_writes),
        cmocka_unit_test(test_errors_say_where),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
