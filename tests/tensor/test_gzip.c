/* .gz files, whole, cut short at every byte, and damaged at every byte: what is read is what was written, or an error
 * that names the file. */
#include "tensor/gzip.h"

#include <stdlib.h>
#include <zlib.h>

#include "support/file.h"
#include "support/test.h"

enum { SIZE = 5000 };

static unsigned char plain[SIZE], *packed;
static size_t packed_size;

static int make_files(void **state) {
    (void)state;
    for (int i = 0; i < SIZE; i++) plain[i] = (unsigned char)(i * i >> 3);
    gzFile f = gzopen(test_path("whole.gz"), "wb");
    if (!f || gzwrite(f, plain, SIZE) != SIZE || gzclose(f) != Z_OK) return -1;
    struct buf bytes = {0};
    struct err e = {0};
    if (buf_read_file(&bytes, test_path("whole.gz"), &e)) return -1;
    packed = (unsigned char *)bytes.data;
    packed_size = bytes.len;
    return 0;
}

static int drop_files(void **state) {
    (void)state;
    struct buf bytes = {.data = (char *)packed, .len = packed_size, .cap = packed_size};
    buf_free(&bytes);
    return 0;
}

static enum status read_all(const char *path, struct buf *out, struct err *e) {
    struct gzip_file *f;
    if (gzip_open(path, &f, e)) return e->status;
    gzip_read(f, SIZE_MAX, out, e);
    gzip_close(f);
    return e->status;
}

static void check_refused(const char *path, const char *text) {
    struct buf out = {0};
    struct err e = {0};
    assert_error(read_all(path, &out, &e), ERR_IO, text, &e);
    buf_free(&out);
}

static void test_whole_and_plain(void **state) {
    (void)state;
    struct err e = {0};
    struct buf out = {0};
    assert_ok(read_all(test_path("whole.gz"), &out, &e), &e);
    assert_int_equal(out.len, SIZE);
    assert_memory_equal(out.data, plain, SIZE);
    buf_free(&out);
    assert_ok(read_all(test_file("plain", plain, SIZE), &out, &e), &e);
    assert_int_equal(out.len, SIZE);
    buf_free(&out);
}

static void test_pieces(void **state) {
    (void)state;
    struct err e = {0};
    struct buf out = {0};
    struct gzip_file *f;
    assert_ok(gzip_open(test_path("whole.gz"), &f, &e), &e);
    for (size_t n = 0; n < SIZE; n += 700) assert_ok(gzip_read(f, 700, &out, &e), &e);
    assert_int_equal(out.len, SIZE);
    assert_memory_equal(out.data, plain, SIZE);
    assert_ok(gzip_read(f, 700, &out, &e), &e); /* at the end: nothing more */
    assert_int_equal(out.len, SIZE);
    gzip_close(f);
    buf_free(&out);
}

static void test_missing(void **state) {
    (void)state;
    check_refused("/nowhere/x.gz", "cannot open '/nowhere/x.gz': No such file or directory");
    check_refused("/", "'/'");
}

/* With two bytes it is known to be compressed. */
static void test_cut_short_at_every_byte(void **state) {
    (void)state;
    for (size_t n = 2; n < packed_size; n++) check_refused(test_file("cut.gz", packed, n), "cut.gz' is truncated");
}

/* Some bytes of the header (time, flags) say nothing about the data. */
static void test_damaged_at_every_byte(void **state) {
    (void)state;
    for (size_t i = 2; i < packed_size; i++) {
        struct err e = {0};
        struct buf out = {0};
        packed[i] ^= 0x5a;
        const char *path = test_file("bad.gz", packed, packed_size);
        packed[i] ^= 0x5a;
        if (read_all(path, &out, &e) == OK) {
            assert_int_equal(out.len, SIZE);
            assert_memory_equal(out.data, plain, SIZE);
        } else {
            assert_int_equal(e.status, ERR_IO);
            assert_non_null(strstr(e.text, "bad.gz"));
        }
        buf_free(&out);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_whole_and_plain),
        cmocka_unit_test(test_pieces),
        cmocka_unit_test(test_missing),
        cmocka_unit_test(test_cut_short_at_every_byte),
        cmocka_unit_test(test_damaged_at_every_byte),
    };
    return cmocka_run_group_tests(tests, make_files, drop_files);
}
