/* The IDX reader: every type it knows, and every way in which a file can be wrong. */
#include "tensor/idx.h"

#include <stdlib.h>

#include "device/device.h"
#include "support/file.h"
#include "support/test.h"

static struct device *cpu;

/* 2 x 3 bytes. */
static const unsigned char small[] = {0, 0, 8, 2, 0, 0, 0, 2, 0, 0, 0, 3, 1, 2, 3, 4, 5, 6};

static void test_types(void **state) {
    (void)state;
    static const unsigned char ints[] = {0, 0, 0x0c, 1, 0, 0, 0, 2, 0xff, 0xff, 0xff, 0xfe, 0, 1, 0, 0};
    static const unsigned char floats[] = {0, 0, 0x0d, 1, 0, 0, 0, 1, 0x3f, 0xc0, 0, 0};
    static const unsigned char doubles[] = {0, 0, 0x0e, 1, 0, 0, 0, 1, 0xc0, 0x04, 0, 0, 0, 0, 0, 0};
    struct err e = {0};
    struct tensor *t;
    assert_ok(idx_read(cpu, small, sizeof small, &t, &e), &e);
    assert_int_equal(t->dtype, DT_UINT8);
    assert_true(shape_equal(&t->shape, SHAPE_AT(2, 3)));
    assert_memory_equal(tensor_data(t), small + 12, 6);
    tensor_release(t);
    assert_ok(idx_read(cpu, ints, sizeof ints, &t, &e), &e);
    assert_int_equal(((int32_t *)tensor_data(t))[0], -2);
    assert_int_equal(((int32_t *)tensor_data(t))[1], 65536);
    tensor_release(t);
    assert_ok(idx_read(cpu, floats, sizeof floats, &t, &e), &e);
    assert_true(((float *)tensor_data(t))[0] == 1.5f);
    tensor_release(t);
    assert_ok(idx_read(cpu, doubles, sizeof doubles, &t, &e), &e);
    assert_true(((double *)tensor_data(t))[0] == -2.5);
    tensor_release(t);
}

static void check_refused(const void *bytes, size_t n, const char *text) {
    struct err e = {0};
    struct tensor *t;
    assert_error(idx_read(cpu, bytes, n, &t, &e), ERR_IO, text, &e);
}

static void test_cut_short_and_too_long(void **state) {
    (void)state;
    unsigned char longer[sizeof small + 1] = {0};
    memcpy(longer, small, sizeof small);
    for (size_t n = 0; n < sizeof small; n++) {
        unsigned char *exact = malloc(n + 1);
        assert_non_null(exact);
        memcpy(exact, small, n);
        check_refused(exact, n, "IDX");
        free(exact);
    }
    check_refused(longer, sizeof longer, "trailing bytes");
}

static void test_wrong_headers(void **state) {
    (void)state;
    check_refused("\0\1\10\1\0\0\0\0", 8, "IDX");
    check_refused("\0\0\7\1\0\0\0\0", 8, "IDX");
    check_refused("\0\0\10\3\377\377\377\377\377\377\377\377\377\377\377\377", 16, "IDX");
    check_refused("\0\0\10\377", 4, "IDX");
}

static void test_damaged_files_are_read_or_refused(void **state) {
    (void)state;
    for (unsigned seed = 0; seed < 2000; seed++) {
        struct err e = {0};
        struct tensor *t = NULL;
        size_t n = sizeof small;
        unsigned char *bytes = test_damage(small, &n, seed);
        enum status s = idx_read(cpu, bytes, n, &t, &e);
        assert_true(s == OK || (s == ERR_IO && e.text[0]));
        if (s == OK) tensor_release(t);
        free(bytes);
    }
}

static int open_cpu(void **state) {
    (void)state;
    struct err e = {0};
    return device_open("cpu", 0, &cpu, &e);
}

static int close_cpu(void **state) {
    (void)state;
    cpu->driver->close(cpu);
    return 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_types),
        cmocka_unit_test(test_cut_short_and_too_long),
        cmocka_unit_test(test_wrong_headers),
        cmocka_unit_test(test_damaged_files_are_read_or_refused),
    };
    return cmocka_run_group_tests(tests, open_cpu, close_cpu);
}
