/* NumPy's files: what NumPy 2 wrote is read, what is written is read again, and whatever else stands in a file is an error.
 * tests/golden/numpy was written by numpy.save, savez and savez_compressed. */
#include "tensor/npy.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/file.h"
#include "base/mem.h"
#include "device/device.h"
#include "support/file.h"
#include "support/test.h"

static struct device *cpu;

static struct buf golden(const char *name) {
    char path[128];
    struct buf b = {0};
    struct err e = {0};
    snprintf(path, sizeof path, "tests/golden/numpy/%s", name);
    assert_ok(buf_read_file(&b, path, &e), &e);
    return b;
}

static struct tensor *read_golden(const char *name) {
    struct buf b = golden(name);
    struct err e = {0};
    struct tensor *t;
    assert_ok(npy_read(cpu, b.data, b.len, &t, &e), &e);
    buf_free(&b);
    return t;
}

static void is(struct tensor *t, enum dtype d, const struct shape *s, const void *elements) {
    char found[64];
    struct err e = {0};
    assert_int_equal(t->dtype, d);
    assert_true(shape_equal(&t->shape, s));
    assert_true(tensor_bytes(t) <= sizeof found);
    assert_ok(tensor_read(t, found, &e), &e);
    assert_memory_equal(found, elements, tensor_bytes(t));
    tensor_release(t);
}

static const float six[] = {0, 1, 2, 3, 4, 5};

static void what_numpy_wrote(void **state) {
    (void)state;
    is(read_golden("f4.npy"), DT_FLOAT32, SHAPE_AT(2, 3), six);
    is(read_golden("fortran.npy"), DT_FLOAT64, SHAPE_AT(2, 3), (double[]){0, 1, 2, 3, 4, 5});
    is(read_golden("big.npy"), DT_INT32, SHAPE_AT(3), (int32_t[]){1, -2, 70000});
    is(read_golden("bool.npy"), DT_BOOL, SHAPE_AT(3), (bool[]){true, false, true});
    is(read_golden("scalar.npy"), DT_INT64, &(struct shape){0}, (int64_t[]){7});
    is(read_golden("empty.npy"), DT_UINT8, SHAPE_AT(0, 3), "");
}

static void archives_that_numpy_wrote(void **state) {
    (void)state;
    static const char *const names[] = {"plain.npz", "deflated.npz"};
    for (int i = 0; i < 2; i++) {
        struct buf b = golden(names[i]);
        struct safetensors s;
        struct err e = {0};
        assert_true(npz_is(b.data, b.len));
        assert_ok(npz_read(cpu, b.data, b.len, &s, &e), &e);
        assert_int_equal(s.count, 2);
        assert_string_equal(s.entry[0].name, "a");
        is(tensor_retain(s.entry[0].tensor), DT_FLOAT32, SHAPE_AT(2, 3), six);
        assert_string_equal(s.entry[1].name, i ? "zeros" : "b");
        assert_int_equal(tensor_size(s.entry[1].tensor), i ? 5000 : 3);
        safetensors_free(&s);
        buf_free(&b);
    }
}

static struct tensor *tensor_of_six(void) {
    struct err e = {0};
    struct tensor *t;
    assert_ok(tensor_from(cpu, DT_FLOAT32, SHAPE_AT(2, 3), six, &t, &e), &e);
    return t;
}

/* Byte for byte what numpy.save writes. */
static void what_is_written(void **state) {
    (void)state;
    struct err e = {0};
    struct buf expected = golden("f4.npy"), found = {0};
    struct tensor *t = tensor_of_six();
    const char *path = test_path("o.npy");
    assert_ok(npy_save(path, t, &e), &e);
    assert_ok(buf_read_file(&found, path, &e), &e);
    assert_int_equal(found.len, expected.len);
    assert_memory_equal(found.data, expected.data, found.len);
    tensor_release(t);
    buf_free(&found);
    buf_free(&expected);
}

static void an_archive_there_and_back(void **state) {
    (void)state;
    struct err e = {0};
    struct buf b = {0};
    struct safetensors s;
    struct safetensors_entry entry[] = {{.name = "x", .tensor = tensor_of_six()},
                                        {.name = "layer/kernel", .tensor = tensor_of_six()}};
    const char *path = test_path("o.npz");
    assert_ok(npz_save(path, entry, 2, &e), &e);
    assert_ok(buf_read_file(&b, path, &e), &e);
    assert_ok(npz_read(cpu, b.data, b.len, &s, &e), &e);
    assert_int_equal(s.count, 2);
    assert_string_equal(s.entry[1].name, "layer/kernel");
    for (int i = 0; i < 2; i++) is(tensor_retain(s.entry[i].tensor), DT_FLOAT32, SHAPE_AT(2, 3), six);
    safetensors_free(&s);
    buf_free(&b);
    assert_ok(npz_save(path, entry, 0, &e), &e); /* an empty one is one */
    assert_ok(buf_read_file(&b, path, &e), &e);
    assert_ok(npz_read(cpu, b.data, b.len, &s, &e), &e);
    assert_int_equal(s.count, 0);
    safetensors_free(&s);
    buf_free(&b);
    for (int i = 0; i < 2; i++) tensor_release(entry[i].tensor);
}

static void wrong_headers(void **state) {
    (void)state;
    static const char *const bad[][2] = {
        {"{'descr': '<f2', 'fortran_order': False, 'shape': (1,), }", "'<f2' are not supported"},
        {"{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (1,), }", "not supported"},
        {"{'fortran_order': False, 'shape': (1,), }", "(none)"},
        {"{'descr': '<f4', 'fortran_order': 0, 'shape': (1,), }", "header is damaged"},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (1,", "header is damaged"},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (-1,), }", "header is damaged"},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (4611686018427387904, 9), }", "too large"},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (2,), }", "truncated"},
        {"{'descr': '|b1', 'fortran_order': False, 'shape': (2,), }", "trailing bytes"}};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct err e = {0};
        struct tensor *t;
        struct buf b = {0};
        buf_put(&b, "\x93NUMPY\1\0", 8);
        buf_putc(&b, (char)strlen(bad[i][0]));
        buf_putc(&b, 0);
        buf_puts(&b, bad[i][0]);
        buf_put(&b, "1234", 4);
        assert_error(npy_read(cpu, b.data, b.len, &t, &e), ERR_IO, bad[i][1], &e);
        buf_free(&b);
    }
}

/* Bytes changed and files cut short: an error or, where nothing that counts was hit, a tensor. */
static void damaged_files(void **state) {
    (void)state;
    static const char *const names[] = {"f4.npy", "fortran.npy", "plain.npz", "deflated.npz"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        struct buf b = golden(names[i]);
        for (unsigned seed = 0; seed < 1500; seed++) {
            struct err e = {0};
            struct tensor *t = NULL;
            struct safetensors s = {0};
            size_t n = b.len;
            unsigned char *bytes = test_damage(b.data, &n, seed);
            enum status status = i < 2 ? npy_read(cpu, bytes, n, &t, &e) : npz_read(cpu, bytes, n, &s, &e);
            assert_true(status == OK || ((status == ERR_IO || status == ERR_MEMORY) && e.text[0]));
            if (status == OK) tensor_release(t);
            safetensors_free(&s);
            free(bytes);
        }
        for (size_t n = 0; n < b.len; n++) {
            struct err e = {0};
            struct tensor *t;
            struct safetensors s = {0};
            unsigned char *exact = malloc(n + 1);
            assert_non_null(exact);
            memcpy(exact, b.data, n);
            assert_int_equal(i < 2 ? npy_read(cpu, exact, n, &t, &e) : npz_read(cpu, exact, n, &s, &e), ERR_IO);
            safetensors_free(&s);
            free(exact);
        }
        buf_free(&b);
    }
}

static void faults(void **state) {
    (void)state;
    struct err e = {0};
    struct tensor *t = tensor_of_six();
    struct safetensors_entry entry[] = {{.name = "x", .tensor = t}, {.name = "y", .tensor = t}};
    for (int npz = 0; npz < 2; npz++) {
        const char *path = test_path(npz ? "f.npz" : "f.npy");
        for (unsigned n = 1;; n++) {
            file_fail(n, ENOSPC);
            enum status status = npz ? npz_save(path, entry, 2, &e) : npy_save(path, t, &e);
            if (file_fail(0, 0) < n) break;
            assert_int_equal(status, ERR_IO);
            e = (struct err){0};
        }
        for (size_t n = 1;; n++) {
            mem_fail_after(n);
            enum status status = npz ? npz_save(path, entry, 2, &e) : npy_save(path, t, &e);
            if (mem_fail_once(0) < n) break;
            assert_int_equal(status, ERR_MEMORY);
            e = (struct err){0};
        }
    }
    struct buf b = golden("deflated.npz");
    for (size_t n = 1;; n++) {
        struct safetensors s;
        mem_fail_after(n);
        enum status status = npz_read(cpu, b.data, b.len, &s, &e);
        bool reached = mem_fail_once(0) >= n;
        safetensors_free(&s);
        if (!reached) break;
        assert_int_equal(status, ERR_MEMORY);
        e = (struct err){0};
    }
    buf_free(&b);
    tensor_release(t);
}

static int open_cpu(void **state) {
    (void)state;
    struct err e = {0};
    return device_open("cpu", 0, &cpu, &e);
}

static int close_cpu(void **state) {
    (void)state;
    cpu->driver->close(cpu);
    return mem_used() != 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_numpy_wrote), cmocka_unit_test(archives_that_numpy_wrote),
        cmocka_unit_test(what_is_written),  cmocka_unit_test(an_archive_there_and_back),
        cmocka_unit_test(wrong_headers),    cmocka_unit_test(damaged_files),
        cmocka_unit_test(faults),
    };
    return cmocka_run_group_tests(tests, open_cpu, close_cpu);
}
