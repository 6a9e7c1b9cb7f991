/* Printing, byte for byte as NumPy 2.4 prints the same arrays: the golden files were written by NumPy itself. */
#include <stdlib.h>

#include "base/json.h"
#include "device/device.h"
#include "support/test.h"
#include "tensor/tensor.h"

static struct device *cpu;

/* ---- the arrays of the golden files -------------------------------------------------------------------------------- */

static double number(const json_t *j) {
    double x;
    if (json_special(j, &x)) return x;
    return json_is_boolean(j) ? json_boolean_value(j) : json_number_value(j);
}

static void store(enum dtype d, void *data, int64_t i, const json_t *j, double x) {
    switch (d) {
    case DT_BOOL: ((uint8_t *)data)[i] = x != 0; return;
    case DT_UINT8: ((uint8_t *)data)[i] = (uint8_t)x; return;
    case DT_INT32: ((int32_t *)data)[i] = (int32_t)x; return;
    case DT_INT64: ((int64_t *)data)[i] = json_is_integer(j) ? json_integer_value(j) : (int64_t)x; return;
    case DT_FLOAT32: ((float *)data)[i] = (float)x; return;
    default: ((double *)data)[i] = x; return;
    }
}

/* The elements are listed, or are start, start + step, ... */
static struct tensor *array_of(const json_t *c) {
    struct err e = {0};
    enum dtype d;
    struct shape s = {.rank = (int)json_array_size(json_object_get(c, "shape"))};
    for (int i = 0; i < s.rank; i++)
        s.dim[i] = json_integer_value(json_array_get(json_object_get(c, "shape"), (size_t)i));
    assert_ok(dtype_parse(json_string_value(json_object_get(c, "dtype")), &d, &e), &e);
    int64_t n = shape_size(&s);
    const json_t *list = json_object_get(c, "data");
    double start = json_number_value(json_object_get(c, "start")), step = json_number_value(json_object_get(c, "step"));
    void *data = test_malloc((size_t)n * dtype_size(d) + 1);
    for (int64_t i = 0; i < n; i++) {
        const json_t *j = json_array_get(list, (size_t)i);
        store(d, data, i, j, j ? number(j) : (double)i * step + start);
    }
    struct tensor *t;
    assert_ok(tensor_from(cpu, d, &s, data, &t, &e), &e);
    test_free(data);
    return t;
}

/* All axes in the opposite order. */
static struct tensor *transposed(const struct tensor *t) {
    struct err e = {0};
    struct tensor *v;
    assert_ok(tensor_view(t, &v, &e), &e);
    for (int i = 0; i < t->shape.rank; i++) {
        v->shape.dim[i] = t->shape.dim[t->shape.rank - 1 - i];
        v->stride[i] = t->stride[t->shape.rank - 1 - i];
    }
    return v;
}

/* The last axis backwards. */
static struct tensor *flipped(const struct tensor *t) {
    struct err e = {0};
    struct tensor *v;
    int last = t->shape.rank - 1;
    assert_ok(tensor_view(t, &v, &e), &e);
    v->offset += v->stride[last] * (v->shape.dim[last] - 1);
    v->stride[last] = -v->stride[last];
    return v;
}

static int check_case(const json_t *c) {
    struct err e = {0};
    struct buf out = {0};
    const char *view = json_string_value(json_object_get(c, "view")),
               *want = json_string_value(json_object_get(c, "str"));
    struct tensor *t = array_of(c);
    struct tensor *shown = view && view[0] == 't'   ? transposed(t)
                           : view && view[0] == 'f' ? flipped(t)
                                                    : tensor_retain(t);
    assert_ok(tensor_print(shown, &out, &e), &e);
    int differs = strcmp(buf_text(&out), want) != 0;
    if (differs)
        print_error("%s %s:\n%s\nNumPy:\n%s\n", json_string_value(json_object_get(c, "dtype")),
                    json_string_value(json_object_get(c, "make")), buf_text(&out), want);
    buf_free(&out);
    tensor_release(shown);
    tensor_release(t);
    return differs;
}

static void prints_as_numpy(void **state) {
    struct err e = {0};
    struct buf text = {0};
    size_t i;
    json_t *c;
    int differing = 0;
    assert_ok(buf_read_file(&text, *state, &e), &e);
    json_t *cases = json_parse(text.data, text.len, &e);
    assert_ok(e.status, &e);
    assert_true(json_array_size(cases) > 50);
    json_array_foreach(cases, i, c) differing += check_case(c);
    assert_int_equal(differing, 0);
    json_decref(cases);
    buf_free(&text);
}

/* ---- what has no data ---------------------------------------------------------------------------------------------- */

static void symbolic_tensors_show_their_shape(void **state) {
    (void)state;
    struct err e = {0};
    struct buf out = {0};
    struct tensor *t;
    assert_ok(tensor_symbolic(NULL, 0, DT_FLOAT32, SHAPE_AT(-1, 28, 28, 1), &t, &e), &e);
    assert_ok(tensor_print(t, &out, &e), &e);
    assert_string_equal(out.data, "<KerasTensor shape=(None, 28, 28, 1), dtype=float32>");
    buf_free(&out);
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
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_prestate(prints_as_numpy, (void *)"tests/golden/text/numpy_print_more.json"),
        cmocka_unit_test(symbolic_tensors_show_their_shape),
    };
    return cmocka_run_group_tests(tests, open_cpu, close_cpu);
}
