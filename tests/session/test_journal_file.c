/* Journal files: what was put is read back whole, whatever cut the file short, damaged it, or kept it from being written. */
#include "session/journal_file.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "support/file.h"
#include "support/test.h"

enum { RECORDS = 20 };

/* Record i: kind and body tell which it is. */
static void make_body(int i, struct buf *head, char *tail, size_t *n) {
    buf_printf(head, "record %d\n", i);
    *n = (size_t)(i * 7 % 40);
    memset(tail, 'a' + i, *n);
}

static enum status put(struct journal_file *f, int i, struct err *e) {
    struct buf head = {0};
    char tail[64];
    size_t n;
    make_body(i, &head, tail, &n);
    enum status s = journal_file_put(f, (char)('a' + i), &head, tail, n, e);
    buf_free(&head);
    return s;
}

static const char *new_file(struct journal_file **f) {
    const char *path = test_path("x.journal");
    struct err e = {0};
    unlink(path);
    assert_ok(journal_file_create(path, f, &e), &e);
    return path;
}

/* How many of the records 0, 1, ... stand at the file's beginning; another one, or one that is not as it was, fails. */
static int count(const char *path, size_t *torn) {
    struct journal_reader r;
    struct journal_record record;
    struct err e = {0};
    int i = 0;
    assert_ok(journal_reader_open(&r, path, &e), &e);
    for (; journal_reader_next(&r, &record); i++) {
        struct buf head = {0};
        char tail[64];
        size_t n;
        make_body(i, &head, tail, &n);
        buf_put(&head, tail, n);
        assert_int_equal(record.kind, 'a' + i);
        assert_int_equal(record.size, head.len);
        assert_memory_equal(record.body, head.data, head.len);
        buf_free(&head);
    }
    *torn = journal_reader_torn(&r);
    journal_reader_close(&r);
    return i;
}

static void expect_count(const char *path, int expected) {
    size_t torn;
    assert_int_equal(count(path, &torn), expected);
    assert_int_equal(torn, 0);
}

static void test_records_come_back(void **state) {
    struct journal_file *f;
    struct err e = {0};
    struct stat st;
    (void)state;
    const char *path = new_file(&f);
    for (int i = 0; i < RECORDS; i++) assert_ok(put(f, i, &e), &e);
    expect_count(path, RECORDS); /* while it is being written */
    journal_file_sync(f);
    journal_file_close(f);
    expect_count(path, RECORDS);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
}

/* Cut at any byte, the file has the records before it, and goes on with the next. */
static void test_cut_at_every_byte(void **state) {
    struct journal_file *f;
    struct err e = {0};
    struct stat st;
    size_t torn;
    int before = RECORDS;
    (void)state;
    const char *path = new_file(&f);
    for (int i = 0; i < RECORDS; i++) assert_ok(put(f, i, &e), &e);
    journal_file_close(f);
    assert_int_equal(stat(path, &st), 0);
    for (off_t size = st.st_size - 1; size >= 16; size--) {
        assert_int_equal(truncate(path, size), 0);
        int n = count(path, &torn);
        assert_true(n == before || n == before - 1);
        if (torn > 0) {
            assert_ok(journal_file_continue(path, &f, &e), &e);
            assert_ok(put(f, n, &e), &e);
            journal_file_close(f);
            expect_count(path, n + 1);
            assert_int_equal(truncate(path, size), 0);
        }
        before = n;
    }
    assert_int_equal(before, 0);
    assert_int_equal(truncate(path, 15), 0);
    struct journal_reader r;
    assert_error(journal_reader_open(&r, path, &e), ERR_VALUE, "no journal", &e);
}

static void test_damage_is_seen(void **state) {
    struct journal_file *f;
    struct buf whole = {0};
    struct err e = {0};
    size_t torn;
    (void)state;
    const char *path = new_file(&f);
    for (int i = 0; i < RECORDS; i++) assert_ok(put(f, i, &e), &e);
    journal_file_close(f);
    assert_ok(buf_read_file(&whole, path, &e), &e);
    for (size_t at = 16; at < whole.len; at++) {
        whole.data[at] ^= 0x20;
        test_file("x.journal", whole.data, whole.len);
        assert_true(count(path, &torn) < RECORDS);
        assert_true(torn > 0);
        whole.data[at] ^= 0x20;
    }
    buf_free(&whole);
}

/* Each write fails once: nothing is lost, and nothing is noticed but time. */
static void test_each_write_fails_once(void **state) {
    static const int errors[] = {ENOSPC, EIO, EINTR, 0};
    struct err e = {0};
    (void)state;
    for (size_t k = 0; k < sizeof errors / sizeof *errors; k++) {
        for (size_t n = 1; n <= RECORDS; n++) {
            struct journal_file *f;
            const char *path = new_file(&f);
            journal_file_fail(n, 1, errors[k]);
            for (int i = 0; i < RECORDS; i++) {
                size_t torn;
                assert_ok(put(f, i, &e), &e);
                assert_int_equal(count(path, &torn), i + 1);
            }
            assert_true(journal_file_fail(0, 0, 0) > RECORDS);
            journal_file_close(f);
            expect_count(path, RECORDS);
        }
    }
}

/* A disk that is full for a while: the file stays whole, and has everything once there is room. */
static void test_full_disk(void **state) {
    struct journal_file *f;
    struct err e = {0};
    (void)state;
    const char *path = new_file(&f);
    for (int i = 0; i < 5; i++) assert_ok(put(f, i, &e), &e);
    journal_file_fail(1, 1000, ENOSPC);
    for (int i = 5; i < 10; i++) assert_error(put(f, i, &e), ERR_IO, "No space left", &e);
    expect_count(path, 5);
    journal_file_fail(0, 0, 0);
    for (int i = 10; i < RECORDS; i++) assert_ok(put(f, i, &e), &e);
    journal_file_close(f);
    expect_count(path, RECORDS);
}

static void test_who_may_write(void **state) {
    struct journal_file *f, *other;
    struct err e = {0};
    (void)state;
    const char *path = new_file(&f);
    assert_error(journal_file_create(path, &other, &e), ERR_IO, "File exists", &e);
    assert_error(journal_file_continue(path, &other, &e), ERR_STATE, "belongs to a session that runs", &e);
    journal_file_close(f);
    assert_ok(journal_file_continue(path, &other, &e), &e);
    journal_file_close(other);
    assert_error(journal_file_continue("/nowhere/x", &other, &e), ERR_IO, "/nowhere/x", &e);
    const char *text = test_file("y.journal", "some text of another kind", 25);
    assert_error(journal_file_continue(text, &other, &e), ERR_VALUE, "no journal", &e);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_records_come_back), cmocka_unit_test(test_cut_at_every_byte),
        cmocka_unit_test(test_damage_is_seen),    cmocka_unit_test(test_each_write_fails_once),
        cmocka_unit_test(test_full_disk),         cmocka_unit_test(test_who_may_write),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
