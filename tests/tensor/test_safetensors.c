/* safetensors: what is saved is loaded, in the file's order; whatever else stands in a file is an error that names it. */
#include "tensor/safetensors.h"

#include <stdlib.h>

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
    struct safetensors_entry entry[] = {{"zebra", floats(2)}, {"ape", floats(5)}};
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
    assert_ok(safetensors_save(path, &(struct safetensors_entry){"w", t}, 1, NULL, &e), &e);
    struct safetensors_entry latin = {"\xe9", t}, taken = {"__metadata__", t}, twice[] = {{"w", t}, {"w", t}};
    assert_error(safetensors_save(path, &latin, 1, NULL, &e), ERR_VALUE, "UTF-8", &e);
    assert_error(safetensors_save(path, &taken, 1, NULL, &e), ERR_VALUE, "__metadata__", &e);
    assert_error(safetensors_save(path, twice, 2, NULL, &e), ERR_VALUE, "'w'", &e);
    assert_error(safetensors_save(path, &(struct safetensors_entry){"v", t}, 1, number, &e), ERR_TYPE, "'epoch'", &e);
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
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[8,0]}}", "outside"},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[3],\"data_offsets\":[0,8]}}", "needs 12 bytes, its place has 8"},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]}}", "4 bytes of data belong to no tensor"},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]},"
         "\"b\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[4,8]}}",
         "'b' overlaps"},
        {"{\"__metadata__\":{\"a\":1}}", "metadata 'a' is no string"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) is_refused(file_of(bad[i].header, 8), bad[i].text);
    is_refused(test_file("bad.safetensors", "1234567", 7), "7 bytes are no header");
    is_refused(test_file("bad.safetensors", "\xff\xff\xff\xff\xff\xff\xff\xff{}", 10), "longer than the file");
    is_refused("/nowhere/x.safetensors", "/nowhere/x.safetensors");
}

static void damaged_files_load_or_are_refused(void **state) {
    (void)state;
    struct err e = {0};
    struct buf whole = {0};
    struct tensor *t = floats(5);
    assert_ok(safetensors_save(test_path("f.safetensors"), &(struct safetensors_entry){"w", t}, 1, NULL, &e), &e);
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
    const struct CMUnitTest tests[] = {cmocka_unit_test(round_trip), cmocka_unit_test(a_failed_save_keeps_the_old_file),
                                       cmocka_unit_test(malformed_files_are_named),
                                       cmocka_unit_test(damaged_files_load_or_are_refused)};
    return cmocka_run_group_tests(tests, open_cpu, close_cpu);
}
