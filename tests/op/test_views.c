/* Views: which strides come out, and when a copy is needed instead. The elements are named by their place in memory. */
#include "op/ops.h"
#include "support/test.h"

/* A header on no storage: shape and strides are all that views look at. */
static struct tensor laid_out(struct shape shape, const int64_t *stride, int64_t offset) {
    struct tensor t = {.dtype = DT_FLOAT32, .shape = shape, .offset = offset};
    if (stride)
        memcpy(t.stride, stride, (size_t)shape.rank * sizeof *stride);
    else
        tensor_strides(&shape, t.stride);
    return t;
}

static bool view_of(const struct op *op, const struct tensor *in, const union op_attrs *a, struct tensor *out) {
    *out = *in;
    return op->view(in, a, out);
}

static int64_t place(const struct tensor *t, int64_t i) {
    int64_t at = t->offset;
    for (int d = t->shape.rank - 1; d >= 0; d--) {
        at += i % t->shape.dim[d] * t->stride[d];
        i /= t->shape.dim[d];
    }
    return at;
}

/* A reshape is right when element i, in row-major order, is the same element before and after. */
static void reshapes(const struct tensor *in, struct shape to, bool without_copy) {
    struct tensor out;
    const union op_attrs a = {.full.shape = to};
    assert_int_equal(view_of(&op_reshape, in, &a, &out), without_copy);
    if (!without_copy) return;
    assert_true(shape_equal(&out.shape, &to));
    for (int64_t i = 0; i < shape_size(&to); i++) assert_int_equal(place(&out, i), place(in, i));
}

static void test_reshape(void **state) {
    (void)state;
    struct tensor rows = laid_out(SHAPE(4, 6), NULL, 5);
    reshapes(&rows, SHAPE(24), true);
    reshapes(&rows, SHAPE(2, 2, 1, 3, 2), true);
    struct tensor columns = laid_out(SHAPE(6, 4), (int64_t[]){1, 6}, 0);
    reshapes(&columns, SHAPE(24), false);
    reshapes(&columns, SHAPE(3, 2, 4), true);
    reshapes(&columns, SHAPE(6, 1, 2, 2), true);
    reshapes(&columns, SHAPE(3, 8), false);
    struct tensor gaps = laid_out(SHAPE(2, 3, 4), (int64_t[]){24, 8, 2}, 1);
    reshapes(&gaps, SHAPE(24), true);
    reshapes(&gaps, SHAPE(4, 6), true);
    struct tensor backwards = laid_out(SHAPE(6), (int64_t[]){-1}, 5);
    reshapes(&backwards, SHAPE(2, 3), true);
    struct tensor repeated = laid_out(SHAPE(3, 4), (int64_t[]){0, 1}, 0);
    reshapes(&repeated, SHAPE(12), false);
    reshapes(&repeated, SHAPE(3, 2, 2), true);
    struct tensor one = laid_out(SHAPE(1, 1), (int64_t[]){7, 9}, 3);
    reshapes(&one, (struct shape){0}, true);
    struct tensor none = laid_out(SHAPE(0, 3), (int64_t[]){7, 9}, 3);
    reshapes(&none, SHAPE(5, 0), true);
}

/* Every cut of 24 elements against every cut: a view shows the same elements, and a contiguous tensor always has one. */
static void test_reshape_all(void **state) {
    (void)state;
    const struct shape cuts[] = {SHAPE(24),      SHAPE(4, 6),       SHAPE(6, 4), SHAPE(2, 12),
                                 SHAPE(2, 3, 4), SHAPE(1, 4, 3, 2), SHAPE(3, 8), SHAPE(2, 2, 2, 3)};
    enum { N = sizeof cuts / sizeof *cuts };
    for (int i = 0; i < N; i++)
        for (int j = 0; j < N; j++)
            for (int layout = 0; layout < 4; layout++) {
                struct tensor in = laid_out(cuts[i], NULL, 100), out;
                for (int d = 0; d < in.shape.rank; d++) {
                    if (layout == 1) in.stride[d] *= 3;
                    if (layout == 2) in.stride[d] *= -1;
                    if (layout == 3) in.stride[d] = in.stride[d] * 2 + (d == 0);
                }
                const union op_attrs a = {.full.shape = cuts[j]};
                bool view = view_of(&op_reshape, &in, &a, &out);
                assert_true(view || layout == 3);
                for (int64_t k = 0; view && k < 24; k++) assert_int_equal(place(&out, k), place(&in, k));
            }
}

static void test_transpose(void **state) {
    (void)state;
    struct tensor in = laid_out(SHAPE(2, 3, 4), NULL, 7), out;
    assert_true(view_of(&op_transpose, &in, &(union op_attrs){.axes = {3, {2, 0, 1}, false}}, &out));
    assert_true(shape_equal(&out.shape, SHAPE_AT(4, 2, 3)));
    assert_memory_equal(out.stride, ((int64_t[]){1, 12, 4}), 3 * sizeof(int64_t));
    assert_int_equal(out.offset, 7);
}

static void test_broadcast_to(void **state) {
    (void)state;
    struct tensor in = laid_out(SHAPE(3, 1, 5), NULL, 2), out;
    assert_true(view_of(&op_broadcast_to, &in, &(union op_attrs){.full.shape = {4, {2, 3, 4, 5}}}, &out));
    assert_memory_equal(out.stride, ((int64_t[]){0, 5, 0, 1}), 4 * sizeof(int64_t));
    assert_int_equal(out.offset, 2);
}

static void test_slice(void **state) {
    (void)state;
    struct tensor in = laid_out(SHAPE(4, 6), NULL, 10), out;
    assert_true(view_of(&op_slice, &in, &(union op_attrs){.slice = {{2, {2, 3}}, {3, 1}, {-2, 2}}}, &out));
    assert_int_equal(place(&out, 0), 10 + 3 * 6 + 1);
    assert_int_equal(place(&out, 5), 10 + 1 * 6 + 5);
    assert_true(view_of(&op_slice, &in, &(union op_attrs){.slice = {{2, {0, 6}}, {4, 0}, {1, 1}}}, &out));
    assert_int_equal(out.offset, 10); /* of nothing: not past the storage */
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_reshape),      cmocka_unit_test(test_reshape_all), cmocka_unit_test(test_transpose),
        cmocka_unit_test(test_broadcast_to), cmocka_unit_test(test_slice),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
