/* What all layers share: building, names of weights, checks of shapes in Keras's words, trainable; and options of single
 * layers that no golden case has. */
#include "support/nn.h"

static struct nn_layer *layer(const char *class_name, const char *config) {
    return (struct nn_layer *)test_new(NN_LAYER, class_name, config);
}

static struct tensor *call(struct nn_layer *l, struct tensor *x, bool training) {
    return test_call(&l->object, x, training);
}

static void build(struct nn_layer *l, struct shape in, const char *scope) {
    struct err e = {0};
    assert_ok(nn_layer_build(l, &(struct op_sig){DT_FLOAT32, in}, 1, scope, &e), &e);
}

/* ---- shapes ------------------------------------------------------------------------------------------------------ */

static void expect_output(const char *class_name, const char *config, struct shape in, struct shape want) {
    struct err e = {0};
    struct shape out;
    char text[200];
    struct nn_layer *l = layer(class_name, config);
    assert_ok(nn_layer_output(l, &in, 1, &out, &e), &e);
    if (!shape_equal(&out, &want)) fail_msg("%s: %s", class_name, shape_text(&out, text, sizeof text));
    nn_release(&l->object);
}

static void test_output_shapes(void **state) {
    (void)state;
    expect_output("Dense", "{\"units\": 3}", SHAPE(-1, 7, 5), SHAPE(-1, 7, 3));
    expect_output("Conv2D", "{\"filters\": 2, \"kernel_size\": [3, 5]}", SHAPE(-1, 9, 9, 1), SHAPE(-1, 7, 5, 2));
    expect_output("Conv2D", "{\"filters\": 2, \"kernel_size\": 3, \"strides\": 2, \"padding\": \"same\"}",
                  SHAPE(8, 9, -1, 1), SHAPE(8, 5, -1, 2));
    expect_output("Conv2D", "{\"filters\": 2, \"kernel_size\": 3, \"dilation_rate\": 3}", SHAPE(1, 9, 7, 1),
                  SHAPE(1, 3, 1, 2));
    expect_output("MaxPooling2D", NULL, SHAPE(-1, 7, 8, 3), SHAPE(-1, 3, 4, 3));
    expect_output("MaxPooling2D", "{\"padding\": \"same\"}", SHAPE(-1, 7, 8, 3), SHAPE(-1, 4, 4, 3));
    expect_output("MaxPooling2D", "{\"strides\": 1, \"pool_size\": 3}", SHAPE(2, 7, 8, 3), SHAPE(2, 5, 6, 3));
    expect_output("Flatten", NULL, SHAPE(-1, 3, 4, 2), SHAPE(-1, 24));
    expect_output("Flatten", NULL, SHAPE(-1, -1, 4), SHAPE(-1, -1));
    expect_output("Flatten", NULL, SHAPE(5), SHAPE(5, 1));
    expect_output("Dropout", "{\"rate\": 0.5}", SHAPE(-1, 3), SHAPE(-1, 3));
    expect_output("Reshape", "{\"target_shape\": [-1, 6]}", SHAPE(-1, 3, 8), SHAPE(-1, 4, 6));
    expect_output("Reshape", "{\"target_shape\": []}", SHAPE(-1, 1), SHAPE(-1));
    expect_output("Permute", "{\"dims\": [3, 1, 2]}", SHAPE(-1, 5, 6, 7), SHAPE(-1, 7, 5, 6));
    expect_output("ZeroPadding2D", "{\"padding\": [[1, 2], [0, 3]]}", SHAPE(-1, 5, -1, 7), SHAPE(-1, 8, -1, 7));
    expect_output("GlobalMaxPooling2D", "{\"keepdims\": true}", SHAPE(-1, 5, 6, 7), SHAPE(-1, 1, 1, 7));
}

static void refuse(const char *class_name, const char *config, struct shape in, const char *part) {
    struct err e = {0};
    struct shape out;
    struct nn_layer *l = layer(class_name, config);
    assert_int_not_equal(nn_layer_output(l, &in, 1, &out, &e), OK);
    test_contains(e.text, part);
    test_contains(e.text, l->object.name);
    nn_release(&l->object);
}

static void test_wrong_shapes(void **state) {
    (void)state;
    refuse("Conv2D", "{\"filters\": 2, \"kernel_size\": 3, \"name\": \"c\"}", SHAPE(-1, 784),
           "Input 0 of layer \"c\" is incompatible with the layer: expected ndim=4, found ndim=2. Full shape received: "
           "(None, 784)");
    refuse("Dense", "{\"units\": 2}", SHAPE(3), "expected min_ndim=2, found ndim=1. Full shape received: (3,)");
    refuse("Conv2D", "{\"filters\": 2, \"kernel_size\": 5}", SHAPE(-1, 4, 9, 1),
           "Computed output size would be zero or negative. Received `inputs shape=(None, 4, 9, 1)`");
    refuse("Conv2D", "{\"filters\": 2, \"kernel_size\": 1, \"groups\": 2}", SHAPE(-1, 4, 4, 3),
           "The number of input channels must be evenly divisible by the number of groups. Received groups=2, but the "
           "input has 3 channels");
    refuse("MaxPooling2D", "{\"pool_size\": 5}", SHAPE(1, 4, 9, 1), "Computed output size would be zero or negative");
    refuse("BatchNormalization", "{\"axis\": 2}", SHAPE(1, 4), "Axis 2 is out of bounds for input shape (1, 4)");
    refuse("Reshape", "{\"target_shape\": [5, -1]}", SHAPE(-1, 8), "The total size of the tensor must be unchanged");
    refuse("Permute", "{\"dims\": [2, 1]}", SHAPE(-1, 8), "expected ndim=3, found ndim=2");
    refuse("Add", NULL, SHAPE(-1, 8), "should be called on a list of at least 2 inputs");
    refuse("Softmax", "{\"axis\": 3}", SHAPE(1, 4), "axis 3");
    refuse("InputLayer", "{\"shape\": [28, 28]}", SHAPE(2, 28, 27),
           "expected shape=(None, 28, 28), found shape=(2, 28");
}

static void test_other_shape_than_built_for(void **state) {
    (void)state;
    struct err e = {0}, f = {0};
    struct tensor *y = NULL, *x = test_full(SHAPE(3, 5), 1), *many[2] = {x, x};
    struct nn_layer *l = layer("Dense", "{\"units\": 2, \"name\": \"d\"}");
    build(l, SHAPE(-1, 4), NULL);
    assert_int_equal(nn_layer_call(l, &x, 1, false, &y, &e), ERR_VALUE);
    test_contains(e.text, "Input 0 of layer \"d\" is incompatible with the layer: expected axis -1 of input shape to "
                          "have value 4, but received input with shape (3, 5)");
    assert_int_equal(nn_layer_call(l, many, 2, false, &y, &f), ERR_VALUE);
    test_contains(f.text, "layer \"d\" expects 1 input(s), but it received 2");
    tensor_release(x);
    nn_release(&l->object);
}

static void test_merged_shapes(void **state) {
    (void)state;
    struct err e = {0}, f = {0}, g = {0};
    struct shape out, in[2] = {SHAPE(-1, 4, 1), SHAPE(8, 5)}, apart[2] = {SHAPE(8, 4), SHAPE(8, 5)};
    struct nn_layer *add = layer("Add", NULL), *join = layer("Concatenate", "{\"axis\": 1}");
    assert_ok(nn_layer_output(add, in, 2, &out, &e), &e);
    assert_true(shape_equal(&out, &(struct shape){3, {8, 4, 5}}));
    assert_int_equal(nn_layer_output(add, apart, 2, &out, &f), ERR_VALUE);
    test_contains(f.text, "Inputs have incompatible shapes. Received shapes (8, 4) and (8, 5)");
    assert_ok(nn_layer_output(join, apart, 2, &out, &e), &e);
    assert_true(shape_equal(&out, &(struct shape){2, {8, 9}}));
    assert_int_equal(nn_layer_output(join, in, 2, &out, &g), ERR_VALUE);
    test_contains(g.text, "requires inputs with matching shapes except for the concatenation axis");
    nn_release(&add->object);
    nn_release(&join->object);
}

/* An input of fewer dimensions is repeated behind the batch. */
static void test_merge_broadcasts(void **state) {
    (void)state;
    struct err e = {0};
    struct nn_layer *l = layer("Subtract", NULL);
    struct tensor *x[2] = {test_floats(SHAPE(1, 2, 2), (float[]){1, 2, 3, 4}),
                           test_floats(SHAPE(1, 2), (float[]){1, 5})};
    struct tensor *y = NULL;
    assert_ok(nn_layer_call(l, x, 2, false, &y, &e), &e);
    const float want[4] = {0, -3, 2, -1};
    for (int i = 0; i < 4; i++) assert_true(test_item(y, i) == want[i]);
    tensor_release(x[0]);
    tensor_release(x[1]);
    tensor_release(y);
    nn_release(&l->object);
}

static void test_unknown_channels(void **state) {
    (void)state;
    struct err e = {0};
    struct nn_layer *l = layer("Dense", "{\"units\": 2}");
    assert_int_equal(nn_layer_build(l, &(struct op_sig){DT_FLOAT32, SHAPE(-1, -1)}, 1, NULL, &e), ERR_VALUE);
    test_contains(e.text, "must be known");
    assert_false(l->built);
    nn_release(&l->object);
}

/* ---- building ---------------------------------------------------------------------------------------------------- */

static void test_weights_and_their_names(void **state) {
    (void)state;
    struct nn_layer *l = layer("BatchNormalization", "{\"name\": \"bn\", \"trainable\": false}");
    build(l, SHAPE(-1, 3), "model");
    assert_int_equal(l->object.nvariable, 4);
    assert_string_equal(l->object.variable[0]->path, "model/bn/gamma");
    assert_string_equal(l->object.variable[3]->path, "model/bn/moving_variance");
    for (int i = 0; i < 4; i++) assert_false(l->object.variable[i]->trainable);
    nn_layer_set_trainable(l, true);
    assert_true(l->object.variable[0]->trainable && l->object.variable[1]->trainable);
    assert_false(l->object.variable[2]->trainable || l->object.variable[3]->trainable);
    nn_release(&l->object);
}

static void test_too_large_for_memory(void **state) {
    (void)state;
    struct err e = {0}, f = {0};
    struct nn_layer *l = layer("Dense", "{\"units\": 1000000000, \"name\": \"huge\"}");
    struct op_sig wide = {DT_FLOAT32, SHAPE(-1, 1000000)}, absurd = {DT_FLOAT32, SHAPE(-1, INT64_MAX / 2)};
    assert_int_equal(nn_layer_build(l, &wide, 1, NULL, &e), ERR_MEMORY);
    test_contains(e.text, "layer \"huge\" (Dense)");
    assert_int_not_equal(nn_layer_build(l, &absurd, 1, NULL, &f), OK);
    assert_int_equal(l->object.nvariable, 0);
    nn_release(&l->object);
}

/* ---- options ----------------------------------------------------------------------------------------------------- */

static void test_dense_of_any_rank(void **state) {
    (void)state;
    struct nn_layer *l = layer(
        "Dense", "{\"units\": 2, \"kernel_initializer\": \"ones\", \"use_bias\": false, \"activation\": \"relu\"}");
    struct tensor *x = test_floats(SHAPE(2, 1, 3), (float[]){1, 2, 3, -4, -5, -6}), *y = call(l, x, false);
    assert_true(shape_equal(&y->shape, &(struct shape){3, {2, 1, 2}}));
    assert_true(test_item(y, 0) == 6 && test_item(y, 1) == 6 && test_item(y, 2) == 0);
    assert_int_equal(l->object.nvariable, 1);
    tensor_release(x);
    tensor_release(y);
    nn_release(&l->object);
}

/* Statistics along another axis than the last, without gamma and beta. */
static void test_batch_normalization_axis(void **state) {
    (void)state;
    struct nn_layer *l =
        layer("BatchNormalization", "{\"axis\": [1], \"center\": false, \"scale\": false, \"epsilon\": 0.0, "
                                    "\"momentum\": 0.5}");
    struct tensor *x = test_floats(SHAPE(2, 2, 1), (float[]){1, 10, 3, 30}), *y = call(l, x, true);
    const float want[4] = {-1, -1, 1, 1};
    for (int i = 0; i < 4; i++) assert_float_equal(test_item(y, i), want[i], 1e-6);
    assert_int_equal(l->object.nvariable, 2);
    assert_float_equal(test_item(l->object.variable[0]->value, 1), 10, 1e-6);   /* 0 / 2 + 20 / 2 */
    assert_float_equal(test_item(l->object.variable[1]->value, 1), 50.5, 1e-4); /* 1 / 2 + 100 / 2 */
    tensor_release(y);
    nn_layer_set_trainable(l, false); /* a frozen layer normalizes with its moving averages, and keeps them */
    y = call(l, x, true);
    assert_float_equal(test_item(y, 1), 0, 1e-6);
    assert_float_equal(test_item(l->object.variable[0]->value, 1), 10, 1e-6);
    tensor_release(x);
    tensor_release(y);
    nn_release(&l->object);
}

/* An odd cell of padding comes after, as in TensorFlow. */
static void test_same_padding(void **state) {
    (void)state;
    struct nn_layer *pool = layer("MaxPooling2D", "{\"pool_size\": [1, 2], \"strides\": 1, \"padding\": \"same\"}");
    struct nn_layer *conv = layer("Conv2D", "{\"filters\": 1, \"kernel_size\": [1, 2], \"padding\": \"same\", "
                                            "\"kernel_initializer\": \"ones\"}");
    struct tensor *x = test_floats(SHAPE(1, 1, 3, 1), (float[]){-1, -2, -3});
    struct tensor *most = call(pool, x, false), *sum = call(conv, x, false);
    const float largest[3] = {-1, -2, -3}, sums[3] = {-3, -5, -3};
    for (int i = 0; i < 3; i++) {
        assert_true(test_item(most, i) == largest[i]); /* padding is no value */
        assert_true(test_item(sum, i) == sums[i]);
    }
    struct tensor *release[] = {x, most, sum};
    for (int i = 0; i < 3; i++) tensor_release(release[i]);
    nn_release(&pool->object);
    nn_release(&conv->object);
}

static void check_relu(const char *config, const float want[5]) {
    struct nn_layer *l = layer("ReLU", config);
    struct tensor *x = test_floats(SHAPE(5), (float[]){-10, -5, 0, 5, 10}), *y = call(l, x, false);
    for (int i = 0; i < 5; i++) assert_true(test_item(y, i) == want[i]);
    tensor_release(x);
    tensor_release(y);
    nn_release(&l->object);
}

/* Keras's documented examples. */
static void test_relu(void **state) {
    (void)state;
    check_relu(NULL, (float[]){0, 0, 0, 5, 10});
    check_relu("{\"negative_slope\": 0.5}", (float[]){-5, -2.5f, 0, 5, 10});
    check_relu("{\"max_value\": 5}", (float[]){0, 0, 0, 5, 5});
    check_relu("{\"threshold\": 5}", (float[]){0, 0, 0, 0, 10});
}

/* Integers are cast for layers that compute; Flatten passes them on. */
static void test_autocast(void **state) {
    (void)state;
    struct err e = {0};
    struct tensor *x = NULL;
    assert_ok(tensor_from(test_nn->device, DT_UINT8, &(struct shape){3, {1, 1, 2}}, (uint8_t[]){7, 200}, &x, &e), &e);
    struct nn_layer *relu = layer("ReLU", NULL), *flatten = layer("Flatten", NULL);
    struct tensor *a = call(relu, x, false), *b = call(flatten, x, false);
    assert_int_equal(a->dtype, DT_FLOAT32);
    assert_true(test_item(a, 1) == 200);
    assert_int_equal(b->dtype, DT_UINT8);
    struct tensor *release[] = {x, a, b};
    for (int i = 0; i < 3; i++) tensor_release(release[i]);
    nn_release(&relu->object);
    nn_release(&flatten->object);
}

static void test_input_shape(void **state) {
    (void)state;
    struct nn_layer *a = layer("Dense", "{\"units\": 2, \"input_dim\": 4}");
    struct nn_layer *b = layer("Flatten", "{\"input_shape\": [28, 28]}"), *c = layer("Flatten", NULL);
    assert_true(shape_equal(&a->input_shape, &(struct shape){1, {4}}));
    assert_true(shape_equal(&b->input_shape, &(struct shape){2, {28, 28}}));
    assert_int_equal(c->input_shape.rank, -1);
    nn_release(&a->object);
    nn_release(&b->object);
    nn_release(&c->object);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_output_shapes),
        cmocka_unit_test(test_wrong_shapes),
        cmocka_unit_test(test_other_shape_than_built_for),
        cmocka_unit_test(test_merged_shapes),
        cmocka_unit_test(test_merge_broadcasts),
        cmocka_unit_test(test_unknown_channels),
        cmocka_unit_test(test_weights_and_their_names),
        cmocka_unit_test(test_too_large_for_memory),
        cmocka_unit_test(test_dense_of_any_rank),
        cmocka_unit_test(test_batch_normalization_axis),
        cmocka_unit_test(test_same_padding),
        cmocka_unit_test(test_relu),
        cmocka_unit_test(test_autocast),
        cmocka_unit_test(test_input_shape),
    };
    return cmocka_run_group_tests(tests, test_nn_open, test_nn_close);
}
