/* Lines are broken at spaces, continue where their text began, and lose nothing else. */
#include "base/wrap.h"

#include "support/test.h"

static void check_text(const char *text, int width, const char *expected) {
    struct buf out = {0};
    wrap_text(text, strlen(text), width, &out);
    assert_string_equal(buf_text(&out), expected);
    buf_free(&out);
}

static void test_breaks(void **state) {
    (void)state;
    check_text("", 10, "");
    check_text("short", 10, "short");
    check_text("one two three four", 9, "one two\n  three\n  four");
    check_text("exactly 10\n", 10, "exactly 10\n");
    check_text("averyveryverylongword x", 10, "averyveryverylongword\n  x");
    check_text("a\n\nb  c\n", 10, "a\n\nb  c\n");
}

static void test_columns_of_names(void **state) {
    (void)state;
    check_text("  rate   the part that is dropped", 22, "  rate   the part that\n         is dropped");
    check_text("  x      a  gap far behind", 18, "  x      a  gap\n         far\n         behind");
}

static void test_code_points(void **state) {
    (void)state;
    check_text("\u00e4\u00f6\u00fc \u00e4\u00f6\u00fc x", 7, "\u00e4\u00f6\u00fc \u00e4\u00f6\u00fc\n  x");
}

static void test_paragraph(void **state) {
    (void)state;
    struct buf out = {0};
    wrap_line("one two three", 13, 8, 0, &out);
    assert_string_equal(buf_text(&out), "one two\nthree");
    buf_free(&out);
}

/* A sink that keeps what it is given. */
struct kept {
    struct sink sink;
    struct buf text;
};

static void keep(struct sink *s, enum sink_stream stream, const char *bytes, size_t n) {
    assert_int_equal(stream, SINK_STATUS);
    buf_put(&((struct kept *)s)->text, bytes, n);
}

static void check_notice(bool terminal, const char *expected) {
    static const char notice[] = "(nobody writes; it goes on)\n";
    struct kept k = {.sink = {.text = keep, .redraws = terminal, .width = 20}};
    wrap_to(&k.sink, SINK_STATUS, notice, sizeof notice - 1);
    assert_string_equal(buf_text(&k.text), expected);
    buf_free(&k.text);
}

static void test_notices(void **state) {
    (void)state;
    check_notice(true, "(nobody writes; it\n  goes on)\n");
    check_notice(false, "(nobody writes; it goes on)\n");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_breaks),    cmocka_unit_test(test_columns_of_names), cmocka_unit_test(test_code_points),
        cmocka_unit_test(test_paragraph), cmocka_unit_test(test_notices),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
