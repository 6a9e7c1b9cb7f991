/* Losses against Keras: value and gradient, with and without weights; reductions; what y_pred's logits change. */
#include "support/golden.h"
#include "support/tape.h"

static struct tensor *loss_of(struct nn_object *o, struct tensor *y_true, struct tensor *y_pred,
                              struct tensor *weight) {
    struct err e = {0};
    struct tensor *loss = NULL;
    assert_ok(nn_loss_call(o, y_true, y_pred, weight, &loss, &e), &e);
    return loss;
}

static void check_weighted(const struct golden *g, struct nn_object *o, struct tensor *weight, const char *value,
                           const char *gradient) {
    struct tensor *y_true = golden_tensor(g, "y_true"), *y_pred = golden_tensor(g, "y_pred"), *dy = NULL;
    struct tape *tape = test_tape_begin(&y_pred, 1);
    struct tensor *loss = loss_of(o, y_true, y_pred, weight);
    test_tape_end(tape, loss, NULL, &y_pred, 1, &dy);
    assert_int_equal(loss->shape.rank, 0);
    golden_near(g, loss, golden_tensor(g, "%s", value), TOLERANCE_KERAS, value);
    golden_near(g, dy, golden_tensor(g, "%s", gradient), TOLERANCE_KERAS, gradient);
    tensor_release(dy);
    tensor_release(loss);
    tensor_release(y_true);
    tensor_release(y_pred);
}

static void check_loss(struct golden *g) {
    struct nn_object *o = golden_object(g, NN_LOSS, "loss");
    struct tensor *weight = golden_tensor(g, "sample_weight");
    check_weighted(g, o, NULL, "loss", "dy_pred");
    if (weight) check_weighted(g, o, weight, "loss_weighted", "dy_pred_weighted");
    tensor_release(weight);
    nn_release(o);
}

static void test_golden(void **state) {
    (void)state;
    golden_each("losses", check_loss);
}

/* ---- reductions -------------------------------------------------------------------------------------------------- */

static void check_reduction(const char *config, bool weighted, int rank, float first) {
    struct nn_object *o = test_new(NN_LOSS, "MeanSquaredError", config);
    struct tensor *y_true = test_floats(SHAPE(2, 2), (float[]){0, 0, 0, 0});
    struct tensor *y_pred = test_floats(SHAPE(2, 2), (float[]){1, 3, 2, 0}); /* losses 5 and 2 */
    struct tensor *weight = weighted ? test_floats(SHAPE(2), (float[]){3, 1}) : NULL;
    struct tensor *loss = loss_of(o, y_true, y_pred, weight);
    assert_int_equal(loss->shape.rank, rank);
    assert_float_equal(test_item(loss, 0), first, 1e-6);
    tensor_release(loss);
    tensor_release(weight);
    tensor_release(y_true);
    tensor_release(y_pred);
    nn_release(o);
}

static void test_reductions(void **state) {
    (void)state;
    check_reduction(NULL, false, 0, 3.5f);
    check_reduction("{\"reduction\": \"mean\"}", true, 0, 8.5f);
    check_reduction("{\"reduction\": \"sum\"}", false, 0, 7);
    check_reduction("{\"reduction\": \"mean_with_sample_weight\"}", true, 0, 17.0f / 4);
    check_reduction("{\"reduction\": \"none\"}", false, 1, 5);
    check_reduction("{\"reduction\": null}", true, 1, 15);
}

/* ---- labels and logits ------------------------------------------------------------------------------------------- */

/* Labels may be any integers or whole floats, with a last dimension of 1 or without. */
static void test_labels(void **state) {
    (void)state;
    struct err e = {0};
    struct nn_object *o = test_new(NN_LOSS, "sparse_categorical_crossentropy", NULL);
    struct tensor *y_pred = test_floats(SHAPE(2, 2), (float[]){0.25f, 0.75f, 0.5f, 0.5f});
    struct tensor *as_float = test_floats(SHAPE(2, 1), (float[]){1, 0}), *as_byte = NULL;
    assert_ok(tensor_from(test_nn->device, DT_UINT8, &(struct shape){1, {2}}, (uint8_t[]){1, 0}, &as_byte, &e), &e);
    struct tensor *a = loss_of(o, as_float, y_pred, NULL), *b = loss_of(o, as_byte, y_pred, NULL);
    assert_float_equal(test_item(a, 0), 0.49041462650, 1e-6); /* (-log 0.75 - log 0.5) / 2 */
    assert_true(test_item(a, 0) == test_item(b, 0));
    struct tensor *release[] = {a, b, y_pred, as_float, as_byte};
    for (int i = 0; i < 5; i++) tensor_release(release[i]);
    nn_release(o);
}

/* A softmax that rounds to 0 and 1 has the loss of its logits, as in Keras. */
static void test_logits_of_softmax(void **state) {
    (void)state;
    struct nn_object *loss = test_new(NN_LOSS, "sparse_categorical_crossentropy", NULL);
    struct nn_object *softmax = test_new(NN_LAYER, "Softmax", NULL);
    struct tensor *x = test_floats(SHAPE(1, 2), (float[]){0, 200}), *label = test_floats(SHAPE(1), (float[]){0});
    struct tensor *y = test_call(softmax, x, true), *clipped = test_floats(SHAPE(1, 2), (float[]){0, 1});
    struct tensor *a = loss_of(loss, label, y, NULL), *b = loss_of(loss, label, clipped, NULL);
    assert_float_equal(test_item(a, 0), 200, 1e-3);
    assert_float_equal(test_item(b, 0), 16.118096, 1e-4); /* -log 1e-7 */
    struct tensor *release[] = {x, label, y, clipped, a, b};
    for (int i = 0; i < 6; i++) tensor_release(release[i]);
    nn_release(loss);
    nn_release(softmax);
}

static void test_from_logits_and_smoothing(void **state) {
    (void)state;
    struct nn_object *o = test_new(NN_LOSS, "BinaryCrossentropy", "{\"from_logits\": true, \"label_smoothing\": 0.2}");
    struct tensor *z = test_floats(SHAPE(1, 2), (float[]){2, -1}), *y = test_floats(SHAPE(1, 2), (float[]){1, 0});
    struct tensor *loss = loss_of(o, y, z, NULL);
    assert_float_equal(test_item(loss, 0), 0.37009469, 1e-6); /* labels 0.9, 0.1 */
    tensor_release(loss);
    nn_release(o);
    o = test_new(NN_LOSS, "CategoricalCrossentropy", "{\"from_logits\": true, \"label_smoothing\": 0.2}");
    loss = loss_of(o, y, z, NULL);
    assert_float_equal(test_item(loss, 0), 0.34858735, 1e-6);
    tensor_release(loss);
    nn_release(o);
    tensor_release(z);
    tensor_release(y);
}

static void test_label_out_of_range(void **state) {
    (void)state;
    struct err e = {0};
    struct nn_object *o = test_new(NN_LOSS, "SparseCategoricalCrossentropy", "{\"from_logits\": true}");
    struct tensor *y_pred = test_full(SHAPE(2, 3), 1), *label = test_floats(SHAPE(2), (float[]){0, 3}), *out = NULL;
    assert_int_not_equal(nn_loss_call(o, label, y_pred, NULL, &out, &e), OK);
    test_contains(e.text, "loss SparseCategoricalCrossentropy: ");
    test_contains(e.text, "3");
    tensor_release(y_pred);
    tensor_release(label);
    nn_release(o);
}

static void test_wrong_shapes(void **state) {
    (void)state;
    struct err e = {0}, f = {0};
    struct tensor *out = NULL, *a = test_full(SHAPE(2, 3), 1), *b = test_full(SHAPE(4, 3), 1);
    struct nn_object *o = test_new(NN_LOSS, "CategoricalCrossentropy", NULL);
    assert_int_equal(nn_loss_call(o, a, b, NULL, &out, &e), ERR_VALUE);
    test_contains(e.text, "loss CategoricalCrossentropy: Arguments `target` and `output` must have the same shape. "
                          "Received: target.shape=(2, 3), output.shape=(4, 3)");
    nn_release(o);
    o = test_new(NN_LOSS, "SparseCategoricalCrossentropy", NULL);
    assert_int_equal(nn_loss_call(o, a, b, NULL, &out, &f), ERR_VALUE);
    test_contains(f.text, "target.shape=(2, 3)");
    nn_release(o);
    tensor_release(a);
    tensor_release(b);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_golden),
        cmocka_unit_test(test_reductions),
        cmocka_unit_test(test_labels),
        cmocka_unit_test(test_logits_of_softmax),
        cmocka_unit_test(test_from_logits_and_smoothing),
        cmocka_unit_test(test_label_out_of_range),
        cmocka_unit_test(test_wrong_shapes),
    };
    return cmocka_run_group_tests(tests, test_nn_open, test_nn_close);
}
