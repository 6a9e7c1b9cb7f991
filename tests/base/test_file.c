/* A file is the old one or the new one, keeps its mode, and what is not finished leaves nothing behind. */
#include "base/file.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "support/file.h"
#include "support/test.h"

static char folder[400];

static int make_folder(void **state) {
    (void)state;
    snprintf(folder, sizeof folder, "%s", test_path("files"));
    return mkdir(folder, 0700) && errno != EEXIST;
}

static const char *in_folder(const char *name) {
    static char path[500];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    return path;
}

static int count_files(void) {
    int n = 0;
    DIR *d = opendir(folder);
    assert_non_null(d);
    for (struct dirent *f; (f = readdir(d));) n += f->d_name[0] != '.';
    closedir(d);
    return n;
}

static void expect_content(const char *name, const char *expected) {
    struct buf content = {0};
    struct err e = {0};
    assert_ok(buf_read_file(&content, in_folder(name), &e), &e);
    assert_string_equal(buf_text(&content), expected);
    buf_free(&content);
}

static void test_nothing_is_seen_before_the_end(void **state) {
    struct file_writer w;
    struct err e = {0};
    (void)state;
    assert_ok(file_begin(&w, in_folder("a"), &e), &e);
    assert_ok(file_write(&w, "one", 3, &e), &e);
    if (w.named) { /* a file system without nameless files */
        file_abort(&w);
        skip();
    }
    assert_int_equal(count_files(), 0);
    assert_ok(file_write(&w, "two", 3, &e), &e);
    assert_ok(file_write_at(&w, 2, "E", 1, &e), &e);
    assert_ok(file_commit(&w, &e), &e);
    assert_int_equal(count_files(), 1);
    expect_content("a", "onEtwo");
    assert_ok(file_begin(&w, in_folder("b"), &e), &e);
    file_abort(&w);
    assert_int_equal(count_files(), 1);
    unlink(in_folder("a"));
}

static void test_mode_and_link_stay(void **state) {
    struct err e = {0};
    struct stat s;
    char link[500];
    (void)state;
    assert_ok(file_replace(in_folder("a"), "1", 1, &e), &e);
    assert_int_equal(chmod(in_folder("a"), 0640), 0);
    snprintf(link, sizeof link, "%s", in_folder("link"));
    assert_int_equal(symlink("a", link), 0);
    assert_ok(file_replace(link, "22", 2, &e), &e);
    expect_content("a", "22");
    assert_int_equal(lstat(link, &s), 0);
    assert_true(S_ISLNK(s.st_mode));
    assert_int_equal(stat(in_folder("a"), &s), 0);
    assert_int_equal(s.st_mode & 07777, 0640);
    unlink(link);
    unlink(in_folder("a"));
}

static void test_each_failing_call_leaves_the_old_file(void **state) {
    static const int errors[] = {ENOSPC, EIO};
    (void)state;
    for (size_t k = 0; k < sizeof errors / sizeof *errors; k++)
        for (unsigned n = 1; n < 6; n++) {
            struct err e = {0};
            assert_ok(file_replace(in_folder("a"), "old", 3, &e), &e);
            file_fail(n, errors[k]);
            assert_error(file_replace(in_folder("a"), "new", 3, &e), ERR_IO, in_folder("a"), &e);
            file_fail(0, 0);
            expect_content("a", n < 5 ? "old" : "new"); /* the last is the folder's sync */
            assert_int_equal(count_files(), 1);
        }
    unlink(in_folder("a"));
}

static void test_what_cannot_be_replaced(void **state) {
    struct err e = {0};
    (void)state;
    assert_error(file_replace(folder, "x", 1, &e), ERR_IO, "Is a directory", &e);
    assert_error(file_replace("/nowhere/x", "x", 1, &e), ERR_IO, "'/nowhere/x'", &e);
    assert_error(file_replace("/proc/x", "x", 1, &e), ERR_IO, "'/proc/x'", &e);
    assert_int_equal(count_files(), 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_nothing_is_seen_before_the_end),
        cmocka_unit_test(test_mode_and_link_stay),
        cmocka_unit_test(test_each_failing_call_leaves_the_old_file),
        cmocka_unit_test(test_what_cannot_be_replaced),
    };
    return cmocka_run_group_tests(tests, make_folder, NULL);
}
