/* Attributes are equal when the op would do the same, whatever lies in the places it does not read. */
#include "base/buf.h"
#include "op/op.h"
#include "support/test.h"

/* Declares attributes whose every byte is BYTE. */
#define JUNK(NAME, BYTE)                                                                                               \
    union op_attrs NAME;                                                                                               \
    memset(&NAME, BYTE, sizeof NAME)

static void test_unused_places_do_not_count(void **state) {
    (void)state;
    JUNK(a, 0);
    JUNK(b, 0x55);
    assert_true(op_attrs_equal(OP_NO_ATTRS, &a, &b));
    a.axes.n = b.axes.n = 2;
    a.axes.axis[0] = b.axes.axis[0] = 1, a.axes.axis[1] = b.axes.axis[1] = 0;
    a.axes.keepdims = b.axes.keepdims = true;
    assert_true(op_attrs_equal(OP_AXES, &a, &b));
    b.axes.axis[1] = 2;
    assert_false(op_attrs_equal(OP_AXES, &a, &b));
}

static void test_slices(void **state) {
    (void)state;
    JUNK(a, 0);
    JUNK(b, 0x55);
    a.slice.shape = b.slice.shape = SHAPE(3);
    a.slice.start[0] = b.slice.start[0] = 4;
    a.slice.step[0] = b.slice.step[0] = -1;
    assert_true(op_attrs_equal(OP_SLICE, &a, &b));
    b.slice.step[0] = 1;
    assert_false(op_attrs_equal(OP_SLICE, &a, &b));
}

static void test_constants(void **state) {
    (void)state;
    union op_attrs a = {.full = {.dtype = DT_FLOAT32, .value = 0.0}},
                   b = {.full = {.dtype = DT_FLOAT32, .value = -0.0}};
    assert_false(op_attrs_equal(OP_FULL, &a, &b));
    b.full.value = 0.0;
    assert_true(op_attrs_equal(OP_FULL, &a, &b));
    b.full.dtype = DT_FLOAT64;
    assert_false(op_attrs_equal(OP_FULL, &a, &b));
    a.scalar = b.scalar = 0.0 / 0.0;
    assert_true(op_attrs_equal(OP_SCALAR, &a, &b));
}

static void prints(enum op_attrs_kind kind, const union op_attrs *a, const char *text) {
    struct buf out = {0};
    op_attrs_print(kind, a, &out);
    assert_string_equal(buf_text(&out), text);
    buf_free(&out);
}

static void test_print(void **state) {
    (void)state;
    prints(OP_NO_ATTRS, &(union op_attrs){0}, "");
    prints(OP_AXES, &(union op_attrs){.axes = {2, {0, 2}, true}}, " axes=(0, 2) keepdims");
    prints(OP_SLICE, &(union op_attrs){.slice = {{1, {3}}, {4}, {-1}}}, " shape=(3,) start=(4,) step=(-1,)");
    prints(OP_FULL, &(union op_attrs){.full = {.dtype = DT_FLOAT32, .value = 0.5}}, " float32 shape=() value=0.5");
    prints(OP_RANGE, &(union op_attrs){.range = {.dtype = DT_INT64, .count = 3, .integer_step = 2}},
           " int64 count=3 start=0 step=2");
    prints(OP_MATMUL, &(union op_attrs){.matmul = {false, true}}, " transpose_b");
    prints(OP_SCALAR, &(union op_attrs){.scalar = 0.25}, " 0.25");
    prints(OP_INTEGER, &(union op_attrs){.integer = 7}, " 7");
    prints(OP_WINDOW, &(union op_attrs){.window = {{2, 2}, {1, 2}, {1, 1}, {0, 0}, {0, 1}, 1, {0, 0}}},
           " size=(2, 2) stride=(1, 2) dilation=(1, 1) before=(0, 0) after=(0, 1) groups=1");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_unused_places_do_not_count),
        cmocka_unit_test(test_slices),
        cmocka_unit_test(test_constants),
        cmocka_unit_test(test_print),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
