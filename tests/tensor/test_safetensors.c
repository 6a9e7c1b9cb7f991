/* safetensors: what is saved is loaded, in the file's order; whatever else stands in a file is an error that names it. */
#include "tensor/safetensors.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/mem.h"
#include "device/device.h"
#include "support/file.h"
#include "support/test.h"

static struct device *cpu;

static struct tensor *floats(int64_t n) {
    struct err e = {0};
    struct tensor *t;
    float x[8] = {1, -2, 3.5F, 0, 7};
    assert_ok(tensor_from(cpu, DT_FLOAT32, SHAPE_AT(n), x, &t, &e), &e);
    return t;
}

/* A file of this header and n bytes of data. */
static const char *file_of(const char *header, size_t data) {
    static char bytes[2000];
    uint64_t n = strlen(header);
    memcpy(bytes, &n, 8);
    memcpy(bytes + 8, header, n);
    memset(bytes + 8 + n, 0, data);
    return test_file("bad.safetensors", bytes, 8 + n + data);
}

static void is_refused(const char *path, const char *text) {
    struct err e = {0};
    struct safetensors s;
    assert_error(safetensors_load(cpu, path, &s, &e), ERR_IO, text, &e);
    safetensors_free(&s);
}

static void round_trip(void **state) {
    (void)state;
    struct err e = {0};
    struct safetensors s;
    float x[2];
    struct safetensors_entry entry[] = {{.name = "zebra", .tensor = floats(2)}, {.name = "ape", .tensor = floats(5)}};
    json_t *metadata = json_pack("{s:s}", "kind", "layer");
    const char *path = test_path("a.safetensors");
    assert_ok(safetensors_save(path, entry, 2, metadata, &e), &e);
    assert_ok(safetensors_load(cpu, path, &s, &e), &e);
    assert_int_equal(s.count, 2);
    assert_string_equal(s.entry[0].name, "zebra");
    assert_string_equal(s.entry[1].name, "ape");
    assert_ok(tensor_read(s.entry[0].tensor, x, &e), &e);
    assert_true(x[0] == 1 && x[1] == -2);
    assert_true(json_equal(s.metadata, metadata));
    safetensors_free(&s);
    json_decref(metadata);
    for (int i = 0; i < 2; i++) tensor_release(entry[i].tensor);
}

static void a_failed_save_keeps_the_old_file(void **state) {
    (void)state;
    struct err e = {0};
    struct safetensors s;
    struct tensor *t = floats(3);
    json_t *number = json_pack("{s:i}", "epoch", 3);
    const char *path = test_path("kept.safetensors");
    assert_ok(safetensors_save(path, &(struct safetensors_entry){.name = "w", .tensor = t}, 1, NULL, &e), &e);
    struct safetensors_entry latin = {.name = "\xe9", .tensor = t}, taken = {.name = "__metadata__", .tensor = t},
                             twice[] = {{.name = "w", .tensor = t}, {.name = "w", .tensor = t}};
    assert_error(safetensors_save(path, &latin, 1, NULL, &e), ERR_VALUE, "UTF-8", &e);
    assert_error(safetensors_save(path, &taken, 1, NULL, &e), ERR_VALUE, "__metadata__", &e);
    assert_error(safetensors_save(path, twice, 2, NULL, &e), ERR_VALUE, "'w'", &e);
    assert_error(safetensors_save(path, &(struct safetensors_entry){.name = "v", .tensor = t}, 1, number, &e), ERR_TYPE,
                 "'epoch'", &e);
    assert_error(safetensors_save("/nowhere/x", twice, 1, NULL, &e), ERR_IO, "/nowhere/x", &e);
    assert_ok(safetensors_load(cpu, path, &s, &e), &e);
    assert_string_equal(s.entry[0].name, "w");
    safetensors_free(&s);
    json_decref(number);
    tensor_release(t);
}

static void malformed_files_are_named(void **state) {
    (void)state;
    static const struct {
        const char *header, *text;
    } bad[] = {
        {"{", "bad.safetensors"},
        {"[]", "no JSON object"},
        {"{\"a\":3}", "unknown dtype"},
        {"{\"a\":{\"dtype\":\"F7\",\"shape\":[2],\"data_offsets\":[0,8]}}", "unknown dtype F7"},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[-2],\"data_offsets\":[0,8]}}", "no valid shape"},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[4611686018427387904,4],\"data_offsets\":[0,8]}}", "no valid shape"},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0]}}", "no valid data_offsets"},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[4,12]}}", "outside"},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[8,0]}}", "no valid data_offsets"},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[3],\"data_offsets\":[0,8]}}", "needs 12 bytes, its place has 8"},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]}}", "4 bytes of data belong to no tensor"},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]},"
         "\"b\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[4,8]}}",
         "'b' overlaps"},
        {"{\"__metadata__\":{\"a\":1}}", "metadata 'a' is no string"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) is_refused(file_of(bad[i].header, 8), bad[i].text);
    is_refused(test_file("bad.safetensors", "1234567", 7), "7 bytes are no header");
    is_refused(test_file("bad.safetensors", "\xff\xff\xff\xff\xff\xff\xff\xff{}", 10), "it is no safetensors file");
    is_refused(test_file("bad.safetensors", "\x7f\0\0\0\0\0\0\0{}", 10), "longer than the file");
    is_refused("/nowhere/x.safetensors", "/nowhere/x.safetensors");
}

static void damaged_files_load_or_are_refused(void **state) {
    (void)state;
    struct err e = {0};
    struct buf whole = {0};
    struct tensor *t = floats(5);
    assert_ok(safetensors_save(test_path("f.safetensors"), &(struct safetensors_entry){.name = "w", .tensor = t}, 1,
                               NULL, &e),
              &e);
    assert_ok(buf_read_file(&whole, test_path("f.safetensors"), &e), &e);
    for (unsigned seed = 0; seed < 1500; seed++) {
        struct safetensors s;
        size_t n = whole.len;
        unsigned char *bytes = test_damage(whole.data, &n, seed);
        enum status status = safetensors_load(cpu, test_file("d.safetensors", bytes, n), &s, &e);
        assert_true(status == OK || (status == ERR_IO && e.text[0]));
        safetensors_free(&s);
        e = (struct err){0};
        free(bytes);
    }
    buf_free(&whole);
    tensor_release(t);
}

/* ---- checksums ----------------------------------------------------------------------------------------------------- */

static const char *checked_file(struct buf *whole) {
    struct err e = {0};
    struct safetensors_entry entry[] = {{.name = "first", .tensor = floats(2)},
                                        {.name = "second", .tensor = floats(5)}};
    assert_ok(safetensors_save_checked(test_path("c.safetensors"), entry, 2, NULL, &e), &e);
    assert_ok(buf_read_file(whole, test_path("c.safetensors"), &e), &e);
    for (int i = 0; i < 2; i++) tensor_release(entry[i].tensor);
    return test_path("c.safetensors");
}

static void a_changed_byte_is_found(void **state) {
    (void)state;
    struct err e = {0};
    struct safetensors s;
    struct buf whole = {0};
    assert_ok(safetensors_load(cpu, checked_file(&whole), &s, &e), &e);
    safetensors_free(&s);
    for (size_t back = 1; back <= 28; back++) {
        whole.data[whole.len - back] ^= 4;
        const char *path = test_file("c.safetensors", whole.data, whole.len);
        is_refused(path, back <= 20 ? "'second' is damaged" : "'first' is damaged");
        assert_ok(safetensors_salvage(cpu, path, &s, &e), &e);
        assert_int_equal(s.count, 2);
        assert_int_equal(s.entry[0].tensor == NULL, back > 20);
        assert_int_equal(s.entry[1].tensor == NULL, back <= 20);
        assert_int_equal(s.entry[0].lost != NULL, back > 20);
        safetensors_free(&s);
        whole.data[whole.len - back] ^= 4;
    }
    buf_free(&whole);
}

static void what_is_whole_in_a_short_file_is_salvaged(void **state) {
    (void)state;
    struct err e = {0};
    struct safetensors s;
    struct buf whole = {0};
    checked_file(&whole);
    const char *path = test_file("c.safetensors", whole.data, whole.len - 20);
    is_refused(path, "'second' lies outside of the data: the file was cut short");
    assert_ok(safetensors_salvage(cpu, path, &s, &e), &e);
    assert_non_null(s.entry[0].tensor);
    assert_null(s.entry[1].tensor);
    safetensors_free(&s);
    buf_free(&whole);
}

/* ---- faults -------------------------------------------------------------------------------------------------------- */

/* Every call to the system fails once, and every allocation: the old file stands until the new one is whole. */
static void a_write_that_fails_keeps_the_old_file(void **state) {
    (void)state;
    static const int errors[] = {ENOSPC, EIO, 0};
    struct err e = {0};
    struct buf before = {0}, after = {0};
    struct tensor *t = floats(3);
    struct safetensors_entry entry = {.name = "new", .tensor = t};
    const char *path = checked_file(&before);
    for (size_t k = 0; k < sizeof errors / sizeof *errors; k++) {
        bool reached = true;
        for (unsigned n = 1; reached; n++) {
            file_fail(n, errors[k]);
            enum status status = safetensors_save_checked(path, &entry, 1, NULL, &e);
            reached = file_fail(0, 0) >= n;
            if (!errors[k]) assert_int_equal(status, OK); /* a short write goes on */
            if (errors[k]) assert_int_equal(status, reached ? ERR_IO : OK);
            buf_free(&after);
            assert_ok(buf_read_file(&after, path, &(struct err){0}), &(struct err){0});
            bool old = after.len == before.len && !memcmp(after.data, before.data, after.len);
            assert_true(old || !status ||
                        memmem(after.data, after.len, "\"new\"", 5)); /* the folder could not be synced */
            e = (struct err){0};
        }
        test_file("c.safetensors", before.data, before.len);
    }
    for (size_t n = 1;; n++) {
        mem_fail_once(n);
        enum status status = safetensors_save_checked(path, &entry, 1, NULL, &e);
        if (mem_fail_once(0) < n) break;
        assert_true(status == ERR_MEMORY || status == OK);
        e = (struct err){0};
    }
    buf_free(&before);
    buf_free(&after);
    tensor_release(t);
}

static void no_temporary_file_stays(void **state) {
    (void)state;
    struct err e = {0};
    struct tensor *t = floats(3);
    struct safetensors_entry entry = {.name = "w", .tensor = t};
    char folder[600], path[700], temporary[800];
    snprintf(folder, sizeof folder, "%s", test_path("only"));
    assert_int_equal(mkdir(folder, 0700), 0);
    snprintf(path, sizeof path, "%s/w", folder);
    snprintf(temporary, sizeof temporary, "%s.%ld.tmp", path, (long)getpid());
    for (unsigned n = 1; n < 8; n++) {
        file_fail(n, ENOSPC);
        safetensors_save(path, &entry, 1, NULL, &e);
        file_fail(0, 0);
        assert_int_not_equal(access(temporary, F_OK), 0);
        e = (struct err){0};
    }
    assert_error(safetensors_save(folder, &entry, 1, NULL, &e), ERR_IO, "Is a directory", &e);
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
    return 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(round_trip),
                                       cmocka_unit_test(a_failed_save_keeps_the_old_file),
                                       cmocka_unit_test(malformed_files_are_named),
                                       cmocka_unit_test(damaged_files_load_or_are_refused),
                                       cmocka_unit_test(a_changed_byte_is_found),
                                       cmocka_unit_test(what_is_whole_in_a_short_file_is_salvaged),
                                       cmocka_unit_test(a_write_that_fails_keeps_the_old_file),
                                       cmocka_unit_test(no_temporary_file_stays)};
    return cmocka_run_group_tests(tests, open_cpu, close_cpu);
}
