/* Shapes and dtypes that come out, and the words of the errors. */
#include "op/ops.h"
#include "support/test.h"

#define F32(...) ((struct op_sig){DT_FLOAT32, SHAPE(__VA_ARGS__)})
#define I32(...) ((struct op_sig){DT_INT32, SHAPE(__VA_ARGS__)})
#define I64(...) ((struct op_sig){DT_INT64, SHAPE(__VA_ARGS__)})
#define SCALAR ((struct op_sig){DT_FLOAT32, {0}})
#define IN(...) (struct op_sig[]){__VA_ARGS__}, sizeof((struct op_sig[]){__VA_ARGS__}) / sizeof(struct op_sig)
#define ATTRS(...)                                                                                                     \
    &(union op_attrs) {                                                                                                \
        __VA_ARGS__                                                                                                    \
    }

static void gives(const struct op *op, const struct op_sig *in, int nin, const union op_attrs *attrs, enum dtype d,
                  const char *shape) {
    struct op_sig out[OP_MAX_OUT];
    struct err e = {0};
    char text[200];
    assert_ok(op_infer(op, in, nin, attrs, out, &e), &e);
    assert_string_equal(shape_text(&out[0].shape, text, sizeof text), shape);
    assert_int_equal(out[0].dtype, d);
}

static void fails(const struct op *op, const struct op_sig *in, int nin, const union op_attrs *attrs,
                  const char *message) {
    struct op_sig out[OP_MAX_OUT];
    struct err e = {0};
    assert_int_equal(op_infer(op, in, nin, attrs, out, &e), ERR_VALUE);
    assert_string_equal(e.text, message);
}

static void test_elementwise(void **state) {
    (void)state;
    gives(&op_add, IN(F32(3, 1), F32(2, 1, 4)), NULL, DT_FLOAT32, "(2, 3, 4)");
    gives(&op_lt, IN(F32(3), SCALAR), NULL, DT_BOOL, "(3,)");
    gives(&op_isnan, IN(F32(0, 2)), NULL, DT_BOOL, "(0, 2)");
    gives(&op_cast, IN(F32(2)), ATTRS(.full.dtype = DT_UINT8), DT_UINT8, "(2,)");
    fails(&op_add, IN(F32(2, 3), F32(4)), NULL,
          "add: operands could not be broadcast together with shapes (2, 3) (4,)");
    fails(&op_mul, IN(F32(1LL << 40, 1), F32(1, 1LL << 40)), NULL,
          "mul: shape (1099511627776, 1099511627776) is too large: its size overflows");
}

static void test_where(void **state) {
    (void)state;
    struct op_sig c = {DT_BOOL, SHAPE(4, 1)};
    gives(&op_where, IN(c, I64(3), I64(2, 1, 1)), NULL, DT_INT64, "(2, 4, 3)");
}

static void test_create(void **state) {
    (void)state;
    gives(&op_full, NULL, 0, ATTRS(.full = {.dtype = DT_INT32, .shape = {2, {2, 0}}}), DT_INT32, "(2, 0)");
    gives(&op_arange, NULL, 0, ATTRS(.range = {.dtype = DT_INT64, .count = 4}), DT_INT64, "(4,)");
    fails(&op_full, NULL, 0, ATTRS(.full = {.dtype = DT_INT32, .shape = {1, {-2}}}),
          "full: a dimension cannot be negative: -2");
    fails(&op_arange, NULL, 0, ATTRS(.range = {.dtype = DT_INT64, .count = -1}), "arange: count is negative: -1");
    gives(&op_random_uniform, IN(I64(2)), ATTRS(.full.shape = {1, {5}}), DT_FLOAT32, "(5,)");
    fails(&op_random_uniform, IN(I64(3)), ATTRS(.full.shape = {1, {5}}),
          "random_uniform: seed must be int64 of shape (2,), got int64 of shape (3,)");
}

static void test_views(void **state) {
    (void)state;
    gives(&op_reshape, IN(F32(2, 6)), ATTRS(.full.shape = {3, {3, 1, 4}}), DT_FLOAT32, "(3, 1, 4)");
    fails(&op_reshape, IN(F32(2, 3)), ATTRS(.full.shape = {1, {4}}),
          "reshape: cannot reshape shape (2, 3) of 6 elements into shape (4,)");
    fails(&op_reshape, IN(F32(2, 3)), ATTRS(.full.shape = {2, {-2, -3}}),
          "reshape: a dimension cannot be negative: -2");
    gives(&op_transpose, IN(F32(2, 3, 4)), ATTRS(.axes = {.n = 3, .axis = {2, 0, 1}}), DT_FLOAT32, "(4, 2, 3)");
    fails(&op_transpose, IN(F32(2, 3)), ATTRS(.axes = {.n = 1}), "transpose: 1 axes do not permute shape (2, 3)");
    fails(&op_transpose, IN(F32(2, 3)), ATTRS(.axes = {.n = 2, .axis = {1, 1}}), "transpose: axis 1 stands twice");
    gives(&op_broadcast_to, IN(F32(3, 1)), ATTRS(.full.shape = {3, {2, 3, 4}}), DT_FLOAT32, "(2, 3, 4)");
    fails(&op_broadcast_to, IN(F32(3)), ATTRS(.full.shape = {1, {1}}),
          "broadcast_to: cannot broadcast shape (3,) to shape (1,)");
    fails(&op_broadcast_to, IN(F32(3)), ATTRS(.full.shape = {2, {2, 4}}),
          "broadcast_to: cannot broadcast shape (3,) to shape (2, 4)");
}

static void test_slice_and_pad(void **state) {
    (void)state;
    gives(&op_slice, IN(F32(7)), ATTRS(.slice = {{1, {3}}, {6}, {-3}}), DT_FLOAT32, "(3,)");
    gives(&op_slice, IN(F32(7)), ATTRS(.slice = {{1, {0}}, {100}, {1}}), DT_FLOAT32, "(0,)");
    gives(&op_pad, IN(F32(3)), ATTRS(.slice = {{1, {7}}, {6}, {-3}}), DT_FLOAT32, "(7,)");
    fails(&op_slice, IN(F32(7)), ATTRS(.slice = {{1, {3}}, {5}, {-3}}),
          "slice: 3 elements from 5 on in steps of -3 are outside dimension 0 of shape (7,)");
    fails(&op_pad, IN(F32(3)), ATTRS(.slice = {{1, {7}}, {5}, {1}}),
          "pad: 3 elements from 5 on in steps of 1 are outside dimension 0 of shape (7,)");
    fails(&op_slice, IN(F32(7)), ATTRS(.slice = {{1, {2}}, {0}, {0}}), "slice: step of dimension 0 is 0");
    fails(&op_slice, IN(F32(7)), ATTRS(.slice = {{1, {3}}, {1}, {INT64_MAX}}),
          "slice: 3 elements from 1 on in steps of 9223372036854775807 are outside dimension 0 of shape (7,)");
    fails(&op_slice, IN(F32(7)), ATTRS(.slice = {{2, {1, 1}}, {0}, {1, 1}}),
          "slice: shapes (1, 1) and (7,) differ in rank");
}

static void test_concatenate(void **state) {
    (void)state;
    const union op_attrs *axis1 = ATTRS(.axes = {.n = 1, .axis = {1}});
    gives(&op_concatenate, IN(F32(2, 3), F32(2, 0), F32(2, 5)), axis1, DT_FLOAT32, "(2, 8)");
    fails(&op_concatenate, IN(F32(2, 3), F32(3, 3)), axis1,
          "concatenate: inputs must agree except along axis 1, but input 0 has shape (2, 3) and input 1 (3, 3)");
    fails(&op_concatenate, IN(F32(2), F32(2)), axis1, "concatenate: axis 1 is out of bounds for shape (2,)");
}

static void test_reductions(void **state) {
    (void)state;
    const union op_attrs *axis0 = ATTRS(.axes = {.n = 1}), *kept = ATTRS(.axes = {2, {0, 2}, true});
    gives(&op_sum, IN(F32(2, 3, 4)), kept, DT_FLOAT32, "(1, 3, 1)");
    gives(&op_sum, IN(I64(2, 3)), axis0, DT_INT64, "(3,)");
    gives(&op_sum, IN((struct op_sig){DT_UINT8, SHAPE(2)}), axis0, DT_INT64, "()");
    gives(&op_prod, IN((struct op_sig){DT_BOOL, SHAPE(2)}), axis0, DT_INT64, "()");
    gives(&op_mean, IN(I64(0)), axis0, DT_FLOAT32, "()");
    gives(&op_max, IN((struct op_sig){DT_UINT8, SHAPE(2, 3)}), axis0, DT_UINT8, "(3,)");
    gives(&op_any, IN((struct op_sig){DT_BOOL, SHAPE(2, 3)}), axis0, DT_BOOL, "(3,)");
    gives(&op_argmax, IN(F32(2, 3)), axis0, DT_INT64, "(3,)");
    gives(&op_max, IN(F32(0, 0)), axis0, DT_FLOAT32, "(0,)");
    fails(&op_max, IN(F32(0, 3)), axis0, "max: axis 0 of shape (0, 3) is empty: there is no such element");
    fails(&op_argmin, IN(F32(0)), axis0, "argmin: axis 0 of shape (0,) is empty: there is no such element");
    fails(&op_sum, IN(F32(3)), kept, "sum: axis 2 is out of bounds for shape (3,)");
    fails(&op_sum, IN(F32(3)), ATTRS(.axes = {2, {0, 0}, false}), "sum: axis 0 stands twice");
    fails(&op_argmax, IN(F32(3, 3, 3)), kept, "argmax: needs one axis, got 2");
}

static void test_matmul(void **state) {
    (void)state;
    const union op_attrs *ta = ATTRS(.matmul = {true, false});
    gives(&op_matmul, IN(F32(2, 3), F32(3, 4)), NULL, DT_FLOAT32, "(2, 4)");
    gives(&op_matmul, IN(F32(3, 2), F32(3, 4)), ta, DT_FLOAT32, "(2, 4)");
    gives(&op_matmul, IN(F32(3), F32(3)), NULL, DT_FLOAT32, "()");
    gives(&op_matmul, IN(F32(3), F32(5, 3, 4)), NULL, DT_FLOAT32, "(5, 4)");
    gives(&op_matmul, IN(F32(5, 2, 3), F32(3)), NULL, DT_FLOAT32, "(5, 2)");
    gives(&op_matmul, IN(F32(7, 1, 2, 3), F32(5, 3, 4)), NULL, DT_FLOAT32, "(7, 5, 2, 4)");
    fails(&op_matmul, IN(F32(2, 3), F32(4, 5)), NULL,
          "matmul: shapes (2, 3) and (4, 5) do not fit: 3 columns meet 4 rows");
    fails(&op_matmul, IN(F32(3), F32(3, 2)), ta, "matmul: shapes (3,) and (3, 2): a vector cannot be transposed");
    fails(&op_matmul, IN(SCALAR, F32(3, 2)), NULL, "matmul: shapes () and (3, 2): a scalar is no matrix");
    fails(&op_matmul, IN(F32(2, 2, 3), F32(3, 3, 2)), NULL,
          "matmul: operands could not be broadcast together with shapes (2,) (3,)");
}

static union op_attrs window(int64_t size, int64_t stride, int64_t pad, int64_t groups) {
    union op_attrs a = {.window.groups = groups};
    for (int d = 0; d < 2; d++) {
        a.window.size[d] = size;
        a.window.stride[d] = stride;
        a.window.dilation[d] = 1;
        a.window.before[d] = a.window.after[d] = pad;
    }
    return a;
}

static void test_conv2d(void **state) {
    (void)state;
    union op_attrs same = window(5, 1, 2, 1), strided = window(3, 2, 0, 2);
    gives(&op_conv2d, IN(F32(8, 28, 28, 1), F32(5, 5, 1, 64)), &same, DT_FLOAT32, "(8, 28, 28, 64)");
    gives(&op_conv2d, IN(F32(0, 28, 28, 4), F32(3, 3, 2, 6)), &strided, DT_FLOAT32, "(0, 13, 13, 6)");
    fails(&op_conv2d, IN(F32(8, 28, 28, 3), F32(5, 5, 4, 64)), &same, "conv2d: input has 3 channels, kernel expects 4");
    fails(&op_conv2d, IN(F32(8, 28, 28, 4), F32(3, 3, 2, 5)), &strided,
          "conv2d: 5 filters do not divide into 2 groups");
    fails(&op_conv2d, IN(F32(28, 28, 1), F32(5, 5, 1, 64)), &same,
          "conv2d: input 0 must be (batch, height, width, channels), got shape (28, 28, 1)");
    fails(&op_conv2d, IN(F32(8, 2, 28, 4), F32(3, 3, 2, 6)), &strided,
          "conv2d: a kernel of height 3 (dilated 3) does not fit into an input of 2 (padded 2)");
    same.window.dilation[1] = 0;
    fails(&op_conv2d, IN(F32(8, 28, 28, 1), F32(5, 5, 1, 64)), &same, "conv2d: dilation must be positive, got 0");
    same.window.dilation[1] = INT64_MAX;
    fails(&op_conv2d, IN(F32(8, 28, 28, 1), F32(5, 5, 1, 64)), &same,
          "conv2d: dilation must be positive, got 9223372036854775807");
}

static void test_conv2d_gradients(void **state) {
    (void)state;
    union op_attrs w = window(3, 2, 1, 1);
    w.window.input[0] = 8, w.window.input[1] = 7;
    gives(&op_conv2d_grad_input, IN(F32(2, 4, 4, 6), F32(3, 3, 5, 6)), &w, DT_FLOAT32, "(2, 8, 7, 5)");
    gives(&op_conv2d_grad_kernel, IN(F32(2, 8, 7, 5), F32(2, 4, 4, 6)), &w, DT_FLOAT32, "(3, 3, 5, 6)");
    fails(&op_conv2d_grad_input, IN(F32(2, 5, 4, 6), F32(3, 3, 5, 6)), &w,
          "conv2d_grad_input: the output's gradient has shape (2, 5, 4, 6), the output (2, 4, 4, 6)");
    fails(&op_conv2d_grad_kernel, IN(F32(2, 8, 7, 5), F32(3, 4, 4, 6)), &w,
          "conv2d_grad_kernel: the output's gradient has shape (3, 4, 4, 6), the output (2, 4, 4, 6)");
}

static void test_max_pool2d(void **state) {
    (void)state;
    union op_attrs w = window(2, 2, 0, 1), padded = window(2, 2, 2, 1), back = w;
    back.window.input[0] = 7, back.window.input[1] = 6;
    gives(&op_max_pool2d, IN(F32(2, 7, 6, 3)), &w, DT_FLOAT32, "(2, 3, 3, 3)");
    gives(&op_max_pool2d_argmax, IN(F32(2, 7, 6, 3)), &w, DT_FLOAT32, "(2, 3, 3, 3)");
    gives(&op_max_unpool2d, IN(I32(2, 3, 3, 3), F32(2, 3, 3, 3)), &back, DT_FLOAT32, "(2, 7, 6, 3)");
    fails(&op_max_pool2d, IN(F32(2, 1, 6, 3)), &w,
          "max_pool2d: a window of height 2 does not fit into an input of 1 (padded 1)");
    fails(&op_max_pool2d, IN(F32(2, 7, 6, 3)), &padded, "max_pool2d: padding must be smaller than the window");
    fails(&op_max_unpool2d, IN(I32(2, 3, 3, 3), F32(2, 3, 3, 1)), &back,
          "max_unpool2d: places have shape (2, 3, 3, 3), what is put there (2, 3, 3, 1)");
    fails(&op_max_unpool2d, IN(I32(2, 4, 3, 3), F32(2, 4, 3, 3)), &back,
          "max_unpool2d: windows over 7 places are not 4");
}

static void test_crossentropy(void **state) {
    (void)state;
    gives(&op_sparse_softmax_crossentropy, IN(F32(32, 10), I64(32)), NULL, DT_FLOAT32, "(32,)");
    gives(&op_sparse_softmax_crossentropy_grad, IN(F32(32, 10), I64(32), F32(32)), NULL, DT_FLOAT32, "(32, 10)");
    fails(&op_sparse_softmax_crossentropy, IN(F32(32, 10), I64(32, 1)), NULL,
          "sparse_softmax_crossentropy: labels must have shape (32,) for logits (32, 10), got (32, 1)");
    fails(&op_softmax, IN(F32(3)), ATTRS(.axes = {.n = 1, .axis = {1}}),
          "softmax: axis 1 is out of bounds for shape (3,)");
}

static void test_gather(void **state) {
    (void)state;
    struct op_sig deep = {DT_FLOAT32, {.rank = 20}}, index = {DT_INT64, {.rank = 20}};
    gives(&op_gather, IN(F32(5, 3, 2), I64(4, 6)), NULL, DT_FLOAT32, "(4, 6, 3, 2)");
    gives(&op_scatter_add, IN(I64(4, 6), F32(4, 6, 3, 2)), ATTRS(.integer = 5), DT_FLOAT32, "(5, 3, 2)");
    gives(&op_one_hot, IN(I64(4)), ATTRS(.full = {.dtype = DT_FLOAT32, .integer = 10}), DT_FLOAT32, "(4, 10)");
    fails(&op_gather, IN(SCALAR, I64(4)), NULL, "gather: a scalar has no rows");
    fails(&op_gather, IN(deep, index), NULL, "gather: the result would have 39 dimensions");
    fails(&op_scatter_add, IN(I64(4, 6), F32(4, 5)), ATTRS(.integer = 5),
          "scatter_add: updates must have shape (4, 6) and then a row's, got (4, 5)");
    fails(&op_one_hot, IN(I64(4)), ATTRS(.full = {.dtype = DT_FLOAT32, .integer = -1}),
          "one_hot: depth is negative: -1");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_elementwise),   cmocka_unit_test(test_where),
        cmocka_unit_test(test_create),        cmocka_unit_test(test_views),
        cmocka_unit_test(test_slice_and_pad), cmocka_unit_test(test_concatenate),
        cmocka_unit_test(test_reductions),    cmocka_unit_test(test_matmul),
        cmocka_unit_test(test_conv2d),        cmocka_unit_test(test_conv2d_gradients),
        cmocka_unit_test(test_max_pool2d),    cmocka_unit_test(test_crossentropy),
        cmocka_unit_test(test_gather),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
