/* How values are shown. */
#include <stdio.h>

#include "support/host.h"
#include "support/test.h"

static int open_host(void **state) {
    static struct host h;
    host_open(&h);
    *state = &h;
    return 0;
}

static int close_host(void **state) {
    host_close(*state);
    return 0;
}

static void test_scalars(void **state) {
    host_expect(*state, "1, 1.5, 2^53, 'a', true, nil", "1, 1.5, 9.007199254741e+15, \"a\", true, nil");
    host_expect(*state, "'tab\\t quote\" back\\\\ line\\n \\1 \\u{e9}'",
                "\"tab\\t quote\\\" back\\\\ line\\n \\001 é\"");
    host_expect(*state, "#('x'):rep(5000)", "5000");
    host_run(*state, "('x'):rep(5000)");
    assert_non_null(strstr(buf_text(&((struct host *)*state)->out), "... (5000 bytes)"));
}

static void test_tables_on_one_line(void **state) {
    host_expect(*state, "{}", "{}");
    host_expect(*state, "{1, 2, nil, 4}", "{1, 2, nil, 4}");
    host_expect(*state, "{b = 1, a = {x = {}}, [3.5] = 'f', [true] = 0, ['two words'] = 2}",
                "{a = {x = {}}, b = 1, [\"two words\"] = 2, [3.5] = \"f\", [true] = 0}");
}

/* As NumPy's repr does; print writes [], as its str. */
static void test_empty_tensors_have_a_shape(void **state) {
    host_expect(*state, "tensor{}", "[]");
    host_expect(*state, "tensor.zeros{0, 3}", "[] shape=(0, 3)");
    host_expect(*state, "{tensor.zeros{3, 0}, 1}", "{[] shape=(3, 0), 1}");
    host_expect(*state, "print(tensor.zeros{0, 3})", "[]");
}

/* The rows of a tensor stay below one another. */
static void test_lines_of_an_item_are_aligned(void **state) {
    host_expect(*state, "tensor.ones{2, 2}", "[[1. 1.]\n [1. 1.]]");
    host_expect(*state, "{tensor.ones{2, 2}, tensor.zeros{2}}", "{\n  [[1. 1.]\n   [1. 1.]],\n  [0. 0.]\n}");
    host_expect(*state, "{tensor.ones{2}, 'a'}", "{[1. 1.], \"a\"}");
    host_expect(*state, "1, tensor.ones{2, 2}", "1, [[1. 1.]\n    [1. 1.]]");
    host_expect(*state, "{w = {['\\u{e9}'] = tensor.ones{2, 1, 2}}}",
                "{\n  w = {\n    [\"é\"] = [[[1. 1.]]\n\n             [[1. 1.]]]\n  }\n}");
}

static void test_long_tables(void **state) {
    host_expect(*state,
                "{layers = {{name = 'dense', units = 64, activation = 'relu'}, {name = 'dense_1', units = 64}}, x = 1}",
                "{\n  layers = {\n    {activation = \"relu\", name = \"dense\", units = 64},\n"
                "    {name = \"dense_1\", units = 64}\n  },\n  x = 1\n}");
    host_expect(*state, "local t = {} for i = 1, 20 do t[i] = i * 10000 end return t",
                "{\n  10000, 20000, 30000, 40000, 50000, 60000, 70000, 80000, 90000, 100000, 110000,\n"
                "  120000, 130000, 140000, 150000, 160000, 170000, 180000, 190000, 200000\n}");
}

/* Records that do not fit on one line stand in columns; other lists do not. */
static void test_records(void **state) {
    host_expect(*state, "{{a = 1, b = 'x'}, {a = 2}}", "{{a = 1, b = \"x\"}, {a = 2}}");
    host_expect(
        *state,
        "{{layer = 'conv2d', params = 640, share = 0.25}, {layer = 'dense', params = 1290, share = 0.5}, {layer = "
        "'flatten'}}",
        "   layer    params  share\n1  conv2d      640   0.25\n2  dense      1290   0.50\n3  flatten");
    host_run(*state, "{{layer = 'conv2d', params = 640, share = 0.25}, {layer = 'dense', params = 1290, deep = {1}}}");
    assert_non_null(strstr(buf_text(&((struct host *)*state)->out), "{deep = {1}, layer = \"dense\""));
}

static void test_output_is_bounded(void **state) {
    struct host *h = *state;
    assert_int_equal(host_run(h, "local t = {} for i = 1, 1e6 do t[i] = i t['k' .. i] = i end return t"), OK);
    assert_true(h->out.len < 5000);
    assert_non_null(strstr(buf_text(&h->out), "more"));
    assert_int_equal(
        host_run(h, "local function deep(n) return n == 0 and {} or {deep(n - 1), deep(n - 1)} end return deep(12)"),
        OK);
    assert_true(h->out.len < 50000);
    host_expect(h, "local t = {} t.t = t return t", "{t = <cycle>}");
    host_expect(h, "local s = {1} return {s, s}", "{{1}, {1}}");
}

static void test_metamethods(void **state) {
    host_expect(*state, "setmetatable({}, {__tostring = function() return 'me' end})", "me");
    host_expect(*state, "{setmetatable({}, {__tostring = function() return 'me' end})}", "{me}");
    host_expect(*state, "setmetatable({1}, {__index = function() error('not called') end})", "{1}");
    host_expect(*state, "setmetatable({1}, {__pairs = function() error('not called') end})", "{1}");
    host_fails(*state, "setmetatable({}, {__tostring = function() error('oops') end})", "oops");
}

static void test_json(void **state) {
    host_expect(*state, "json.decode '{\"null\": null, \"empty\": {}, \"list\": []}'",
                "{empty = {}, list = {}, null = null}");
    host_expect(*state, "local t = json.decode '{}' t.x = 1 return t", "{x = 1}");
    host_expect(*state, "tostring(json.null)", "\"null\"");
}

/* What the user does to the library does not matter. */
static void test_without_the_library(void **state) {
    host_expect(*state, "table, tostring, pairs, string = nil", "");
    host_expect(*state, "{b = 1, a = 2}", "{a = 2, b = 1}");
    host_expect(
        *state,
        "setmetatable(_G, {__newindex = function() error('strict') end, __index = function() error('strict') end})\n"
        "return 5",
        "5");
    host_expect(*state, "_ + 1", "6");
}

/* ---- representations ----------------------------------------------------------------------------------------------- */

static char types[200];

static void keep_types(struct sink *s, const struct sink_mime *bundle, int n) {
    (void)s;
    *types = 0;
    for (int i = 0; i < n; i++) {
        strcat(types, bundle[i].type);
        strcat(types, "=");
        strcat(types, bundle[i].data);
        strcat(types, ";");
    }
}

static void test_bundle(void **state) {
    struct host *h = *state;
    h->sink.display = keep_types;
    assert_int_equal(host_run(h, "setmetatable({}, {__tostring = function() return 'plain' end,\n"
                                 "__mimebundle = function() return {['text/html'] = '<b>'} end})"),
                     OK);
    assert_string_equal(types, "text/html=<b>;text/plain=plain;");
    assert_int_equal(host_run(h, "setmetatable({}, {__mimebundle = function() return {['text/plain'] = 'own'} end})"),
                     OK);
    assert_string_equal(types, "text/plain=own;");
}

#define TEST(NAME) cmocka_unit_test_setup_teardown(NAME, open_host, close_host)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(test_scalars),
        TEST(test_tables_on_one_line),
        TEST(test_long_tables),
        TEST(test_empty_tensors_have_a_shape),
        TEST(test_lines_of_an_item_are_aligned),
        TEST(test_records),
        TEST(test_output_is_bounded),
        TEST(test_json),
        TEST(test_metamethods),
        TEST(test_without_the_library),
        TEST(test_bundle),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
