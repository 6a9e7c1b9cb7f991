/* See golden.h. */
#include "support/golden.h"

#include <dirent.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/json.h"

struct golden {
    const char *name;
    struct buf file;
    json_t *header;
};

static void open_case(struct golden *g, const char *path, const char *name) {
    struct err e = {0};
    *g = (struct golden){.name = name};
    assert_ok(buf_read_file(&g->file, path, &e), &e);
    uint64_t n;
    memcpy(&n, g->file.data, 8);
    g->header = json_parse(g->file.data + 8, n, &e);
    assert_ok(e.status, &e);
}

void golden_each(const char *folder, void (*check)(struct golden *g)) {
    char path[512];
    struct dirent **entry;
    snprintf(path, sizeof path, "tests/golden/%s", folder);
    int n = scandir(path, &entry, NULL, alphasort), cases = 0;
    for (int i = 0; i < n; i++) {
        if (strstr(entry[i]->d_name, ".safetensors")) {
            struct golden g;
            snprintf(path, sizeof path, "tests/golden/%s/%s", folder, entry[i]->d_name);
            open_case(&g, path, entry[i]->d_name);
            check(&g);
            json_decref(g.header);
            buf_free(&g.file);
            cases++;
        }
        free(entry[i]);
    }
    free(entry);
    assert_true(cases > 0);
}

json_t *golden_json(const struct golden *g, const char *key) {
    struct err e = {0};
    const char *text = json_string_value(json_object_get(json_object_get(g->header, "__metadata__"), key));
    assert_non_null(text);
    json_t *json = json_parse(text, strlen(text), &e);
    assert_ok(e.status, &e);
    return json;
}

struct nn_object *golden_object(const struct golden *g, enum nn_kind kind, const char *key) {
    struct err e = {0};
    struct nn_object *o = NULL;
    json_t *json = golden_json(g, key);
    if (nn_deserialize(test_nn, kind, json, &o, &e)) fail_msg("%s: %s", g->name, e.text);
    json_decref(json);
    return o;
}

struct tensor *golden_tensor(const struct golden *g, const char *format, ...) {
    char name[64];
    va_list args;
    va_start(args, format);
    vsnprintf(name, sizeof name, format, args);
    va_end(args);
    const json_t *t = json_object_get(g->header, name), *dims = json_object_get(t, "shape");
    if (!t) return NULL;
    struct shape s = {.rank = (int)json_array_size(dims)};
    for (int i = 0; i < s.rank; i++) s.dim[i] = json_integer_value(json_array_get(dims, (size_t)i));
    uint64_t n;
    memcpy(&n, g->file.data, 8);
    const char *data = g->file.data + 8 + n + json_integer_value(json_array_get(json_object_get(t, "data_offsets"), 0));
    const char *dtype = json_string_value(json_object_get(t, "dtype"));
    enum dtype d = strcmp(dtype, "F32") == 0 ? DT_FLOAT32 : strcmp(dtype, "F64") == 0 ? DT_FLOAT64 : DT_INT32;
    struct err e = {0};
    struct tensor *out = NULL;
    assert_ok(tensor_from(test_nn->device, d, &s, data, &out, &e), &e);
    return out;
}

static float *numbers(const struct golden *g, const struct tensor *t, const char *what) {
    struct err e = {0};
    if (!t) fail_msg("%s: %s is missing", g->name, what);
    assert_int_equal(t->dtype, DT_FLOAT32);
    float *out = test_malloc(tensor_bytes(t) + 1);
    assert_ok(tensor_read(t, out, &e), &e);
    return out;
}

void golden_near(const struct golden *g, const struct tensor *got, struct tensor *want, double tolerance,
                 const char *what) {
    float *a = numbers(g, got, what), *b = numbers(g, want, what);
    double largest = 0;
    int64_t n = tensor_size(want);
    if (tensor_size(got) != n) fail_msg("%s: %s has another size", g->name, what);
    for (int64_t i = 0; i < n; i++) largest = fmax(largest, fabs((double)b[i]));
    for (int64_t i = 0; i < n; i++)
        if (!(fabs((double)a[i] - (double)b[i]) <= tolerance * (1 + largest)))
            fail_msg("%s: %s[%lld] is %.9g, Keras has %.9g", g->name, what, (long long)i, (double)a[i], (double)b[i]);
    test_free(a);
    test_free(b);
    tensor_release(want);
}
