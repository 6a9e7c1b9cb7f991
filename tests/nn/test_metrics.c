/* Metrics against Keras: running results over three updates, weights, reset. */
#include "support/golden.h"

static void update(struct nn_object *o, struct tensor *y_true, struct tensor *y_pred, struct tensor *weight) {
    struct err e = {0};
    assert_ok(nn_metric_update(o, y_true, y_pred, weight, &e), &e);
}

static struct tensor *result_of(struct nn_object *o) {
    struct err e = {0};
    struct tensor *result = NULL;
    assert_ok(nn_metric_result(o, &result, &e), &e);
    return result;
}

static void expect(struct nn_object *o, double value) {
    struct tensor *result = result_of(o);
    assert_float_equal(test_item(result, 0), value, 1e-6);
    tensor_release(result);
}

static void run_through(const struct golden *g, struct nn_object *o) {
    for (int i = 0; i < 3; i++) {
        struct tensor *y_true = golden_tensor(g, "y_true%d", i), *y_pred = golden_tensor(g, "y_pred%d", i);
        update(o, y_true, y_pred, NULL);
        struct tensor *result = result_of(o);
        golden_near(g, result, golden_tensor(g, "result%d", i), TOLERANCE_KERAS, "result");
        tensor_release(result);
        tensor_release(y_true);
        tensor_release(y_pred);
    }
}

static void check_metric(struct golden *g) {
    struct err e = {0};
    struct nn_object *o = golden_object(g, NN_METRIC, "metric");
    expect(o, 0); /* of nothing */
    run_through(g, o);
    assert_ok(nn_metric_reset(o, &e), &e);
    run_through(g, o);
    nn_release(o);
}

static void test_golden(void **state) {
    (void)state;
    golden_each("metrics", check_metric);
}

/* Keras's own documented examples. */
static void test_mean(void **state) {
    (void)state;
    struct err e = {0};
    struct nn_object *o = test_new(NN_METRIC, "Mean", NULL);
    struct tensor *x = test_floats(SHAPE(4), (float[]){1, 3, 5, 7}), *w = test_floats(SHAPE(4), (float[]){1, 1, 0, 0});
    struct tensor *scalar = test_full((struct shape){0}, 9);
    update(o, x, NULL, NULL);
    expect(o, 4);
    update(o, scalar, NULL, NULL); /* counts as one */
    expect(o, 5);
    assert_ok(nn_metric_reset(o, &e), &e);
    update(o, x, NULL, w);
    expect(o, 2);
    assert_string_equal(o->variable[0]->path, "mean/total");
    assert_string_equal(o->variable[1]->path, "mean/count");
    tensor_release(x);
    tensor_release(w);
    tensor_release(scalar);
    nn_release(o);
}

static void test_weights(void **state) {
    (void)state;
    struct nn_object *o = test_new(NN_METRIC, "BinaryAccuracy", NULL);
    struct tensor *t = test_floats(SHAPE(4, 1), (float[]){1, 1, 0, 0});
    struct tensor *p = test_floats(SHAPE(4, 1), (float[]){0.98f, 1, 0, 0.6f});
    struct tensor *w = test_floats(SHAPE(4), (float[]){1, 0, 0, 1});
    update(o, t, p, w);
    expect(o, 0.5);
    nn_release(o);
    o = test_new(NN_METRIC, "SparseCategoricalAccuracy", NULL);
    struct tensor *q = test_floats(SHAPE(4, 2), (float[]){0, 1, 1, 0, 1, 0, 0, 1}); /* right, wrong, right, wrong */
    update(o, t, q, w);
    expect(o, 0.5);
    update(o, t, q, NULL); /* (1 + 2) / (2 + 4) */
    expect(o, 0.5);
    struct tensor *release[] = {t, p, w, q};
    for (int i = 0; i < 4; i++) tensor_release(release[i]);
    nn_release(o);
}

/* Weights of one image for each pixel, and of one weight for all pixels of an image. */
static void test_weights_of_more_dimensions(void **state) {
    (void)state;
    struct nn_object *o = test_new(NN_METRIC, "Accuracy", NULL);
    struct tensor *t = test_floats(SHAPE(2, 2), (float[]){1, 2, 3, 4}),
                  *p = test_floats(SHAPE(2, 2), (float[]){1, 2, 3, 0});
    struct tensor *each = test_floats(SHAPE(2, 2), (float[]){1, 1, 1, 3}),
                  *row = test_floats(SHAPE(2), (float[]){1, 3});
    update(o, t, p, each); /* means (1 + 1) / 2, (1 + 0) / 2; weights 1, 2 */
    expect(o, 1.5 / 3);
    update(o, t, p, row); /* means 1, 0.5 * 3; weights 1, 3 */
    expect(o, (1.5 + 2.5) / (3 + 4));
    struct tensor *release[] = {t, p, each, row};
    for (int i = 0; i < 4; i++) tensor_release(release[i]);
    nn_release(o);
}

static void test_missing_predictions(void **state) {
    (void)state;
    struct err e = {0};
    struct nn_object *o = test_new(NN_METRIC, "Accuracy", NULL);
    struct tensor *t = test_full(SHAPE(2), 1);
    assert_int_equal(nn_metric_update(o, t, NULL, NULL, &e), ERR_VALUE);
    test_contains(e.text, "metric Accuracy: y_pred is missing");
    tensor_release(t);
    nn_release(o);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_golden),
        cmocka_unit_test(test_mean),
        cmocka_unit_test(test_weights),
        cmocka_unit_test(test_weights_of_more_dimensions),
        cmocka_unit_test(test_missing_predictions),
    };
    return cmocka_run_group_tests(tests, test_nn_open, test_nn_close);
}
