/* Optimizers against Keras: six steps on three variables, one op at a time and compiled; clipping and weight decay. */
#include "support/golden.h"

#include <math.h>
#include <stdio.h>

enum { VARIABLES = 3, STEPS = 6 };

static void make_variables(const struct golden *g, struct variable *v[VARIABLES]) {
    struct err e = {0};
    for (int i = 0; i < VARIABLES; i++) {
        char path[32];
        struct tensor *start = golden_tensor(g, "v%d_0", i);
        snprintf(path, sizeof path, "layer/v%d", i);
        assert_ok(variable_new(test_nn, start, path, true, &v[i], &e), &e);
        tensor_release(start);
    }
}

static void check_step(const struct golden *g, struct variable *const *v, int step) {
    for (int i = 0; i < VARIABLES; i++)
        golden_near(g, v[i]->value, golden_tensor(g, "v%d_%d", i, step), TOLERANCE_KERAS_OPTIMIZER, v[i]->name);
}

static void gradients_of(const struct golden *g, int step, struct tensor *out[VARIABLES]) {
    for (int i = 0; i < VARIABLES; i++) out[i] = golden_tensor(g, "g%d_%d", i, step);
}

static void release_all(struct tensor *const *t) {
    for (int i = 0; i < VARIABLES; i++) tensor_release(t[i]);
}

static void check_eager(struct golden *g) {
    struct err e = {0};
    struct variable *v[VARIABLES];
    struct tensor *gradient[VARIABLES];
    struct nn_object *o = golden_object(g, NN_OPTIMIZER, "optimizer");
    make_variables(g, v);
    for (int step = 1; step <= STEPS; step++) {
        gradients_of(g, step, gradient);
        assert_ok(nn_optimizer_apply((struct nn_optimizer *)o, gradient, v, VARIABLES, &e), &e);
        check_step(g, v, step);
        release_all(gradient);
    }
    assert_int_equal(*(int64_t *)tensor_data(o->variable[0]->value), STEPS);
    for (int i = 0; i < VARIABLES; i++) variable_release(v[i]);
    nn_release(o);
}

static void check_compiled(struct golden *g) {
    struct err e = {0};
    struct variable *v[VARIABLES];
    struct tensor *gradient[VARIABLES], *symbol[VARIABLES];
    struct program *p = NULL;
    struct nn_object *o = golden_object(g, NN_OPTIMIZER, "optimizer");
    make_variables(g, v);
    assert_ok(trace_begin(test_nn, &e), &e);
    for (int i = 0; i < VARIABLES; i++)
        assert_ok(trace_input(test_nn, DT_FLOAT32, &v[i]->value->shape, &symbol[i], &e), &e);
    assert_ok(nn_optimizer_apply((struct nn_optimizer *)o, symbol, v, VARIABLES, &e), &e);
    assert_ok(trace_end(test_nn, NULL, 0, &p, &e), &e);
    for (int step = 1; step <= STEPS; step++) {
        gradients_of(g, step, gradient);
        assert_ok(program_call(test_nn, p, gradient, VARIABLES, NULL, &e), &e);
        check_step(g, v, step);
        release_all(gradient);
    }
    program_release(p);
    for (int i = 0; i < VARIABLES; i++) variable_release(v[i]);
    nn_release(o);
}

static void test_golden_eager(void **state) {
    (void)state;
    golden_each("optimizers", check_eager);
}

static void test_golden_compiled(void **state) {
    (void)state;
    golden_each("optimizers", check_compiled);
}

/* ---- options, on one variable of two numbers --------------------------------------------------------------------- */

static struct variable *pair(float a, float b) {
    struct err e = {0};
    struct variable *v = NULL;
    struct tensor *t = test_floats(SHAPE(2), (float[]){a, b});
    assert_ok(variable_new(test_nn, t, "dense/kernel", true, &v, &e), &e);
    tensor_release(t);
    return v;
}

/* The variable (1, 2) after `steps` steps with gradient (3, -4). */
static void expect_near(const char *name, const char *config, int steps, double a, double b, double tolerance) {
    struct err e = {0};
    struct nn_object *o = test_new(NN_OPTIMIZER, name, config);
    struct variable *v = pair(1, 2);
    struct tensor *gradient = test_floats(SHAPE(2), (float[]){3, -4});
    for (int i = 0; i < steps; i++) assert_ok(nn_optimizer_apply((struct nn_optimizer *)o, &gradient, &v, 1, &e), &e);
    assert_float_equal(test_item(v->value, 0), a, tolerance);
    assert_float_equal(test_item(v->value, 1), b, tolerance);
    tensor_release(gradient);
    variable_release(v);
    nn_release(o);
}

static void expect(const char *name, const char *config, int steps, double a, double b) {
    expect_near(name, config, steps, a, b, 1e-5);
}

static void test_options(void **state) {
    (void)state;
    expect("SGD", "{\"learning_rate\": 0.1}", 2, 0.4, 2.8);
    expect("SGD", "{\"learning_rate\": 0.1, \"clipnorm\": 1.0}", 1, 0.94, 2.08);
    expect("SGD", "{\"learning_rate\": 0.1, \"global_clipnorm\": 2.5}", 1, 0.85, 2.2);
    expect("SGD", "{\"learning_rate\": 0.1, \"clipvalue\": 1}", 1, 0.9, 2.1);
    expect("SGD", "{\"learning_rate\": 0.1, \"weight_decay\": 0.5}", 1, 0.65, 2.3);
    expect("SGD", "{\"learning_rate\": 0.1, \"momentum\": 0.5}", 2, 1 - 0.3 - 0.45, 2 + 0.4 + 0.6);
    expect("SGD", "{\"learning_rate\": 0.1, \"momentum\": 0.5, \"nesterov\": true}", 1, 1 - 0.45, 2 + 0.6);
    expect("RMSprop", "{}", 3, 0.9926226, 2.0073774);
    expect("RMSprop", "{\"momentum\": 0.9}", 3, 0.9851504, 2.0148499);
    expect("RMSprop", "{\"centered\": true}", 3, 0.9918678, 2.0081325);
    expect("RMSprop",
           "{\"learning_rate\": 0.01, \"rho\": 0.8, \"momentum\": 0.5, \"centered\": true, \"epsilon\": 1e-3, "
           "\"weight_decay\": 0.1}",
           4, 0.8625435, 2.1254907);
    expect("Adam", "{\"learning_rate\": 0.1}", 1, 0.9, 2.1);
    expect("Adam", "{\"learning_rate\": 0.1, \"amsgrad\": true}", 3, 0.7, 2.3);
    expect("Ftrl", "{\"learning_rate\": 0.1}", 3, 0.667579, 2.0703423);
    expect("Ftrl",
           "{\"learning_rate\": 0.1, \"learning_rate_power\": -0.7, \"initial_accumulator_value\": 0.5, "
           "\"l1_regularization_strength\": 0.3, \"l2_regularization_strength\": 0.2, "
           "\"l2_shrinkage_regularization_strength\": 0.05, \"beta\": 0.4}",
           4, 0.6449322, 1.8438163);
    expect_near("Nadam", "{\"learning_rate\": 0.1}", 3, 0.7452287, 2.2547712, 1e-6);
    expect("Nadam",
           "{\"learning_rate\": 0.1, \"beta_1\": 0.8, \"beta_2\": 0.9, \"epsilon\": 1e-3, \"weight_decay\": 0.1, "
           "\"clipnorm\": 2.0}",
           4, 0.6014276, 2.280435);
}

static void test_slots(void **state) {
    (void)state;
    struct err e = {0};
    struct nn_object *b = test_new(NN_OPTIMIZER, "Adam", "{\"name\": \"adam\", \"amsgrad\": true}");
    struct nn_optimizer *o = (struct nn_optimizer *)b;
    struct variable *v = pair(1, 2);
    assert_ok(nn_optimizer_build(o, &v, 1, &e), &e);
    assert_int_equal(o->nslots, 1);
    assert_string_equal(o->slots[0].slot[0]->path, "adam/dense_kernel_momentum");
    assert_string_equal(o->slots[0].slot[1]->path, "adam/dense_kernel_velocity");
    assert_string_equal(o->slots[0].slot[2]->path, "adam/dense_kernel_velocity_hat");
    assert_string_equal(b->variable[0]->path, "adam/iteration");
    assert_string_equal(b->variable[1]->path, "adam/learning_rate");
    variable_release(v);
    nn_release(b);
}

/* The iteration, the rate, and what Nadam shares; Ftrl's first slot alone begins at another number than 0. */
static void test_state(void **state) {
    (void)state;
    struct err e = {0};
    struct nn_object *nadam = test_new(NN_OPTIMIZER, "Nadam", "{\"name\": \"nadam\"}"),
                     *ftrl = test_new(NN_OPTIMIZER, "Ftrl", NULL);
    struct variable *v = pair(1, 2);
    assert_int_equal(nadam->nvariable, 3);
    assert_string_equal(nadam->variable[2]->path, "nadam/u_product");
    assert_float_equal(test_item(nadam->variable[2]->value, 0), 1, 0);
    assert_int_equal(ftrl->nvariable, 2);
    assert_ok(nn_optimizer_build((struct nn_optimizer *)ftrl, &v, 1, &e), &e);
    assert_float_equal(test_item(((struct nn_optimizer *)ftrl)->slots[0].slot[0]->value, 0), 0.1, 1e-8);
    assert_float_equal(test_item(((struct nn_optimizer *)ftrl)->slots[0].slot[1]->value, 0), 0, 0);
    variable_release(v);
    nn_release(nadam);
    nn_release(ftrl);
}

static void test_wrong_calls(void **state) {
    (void)state;
    struct err e = {0}, f = {0}, g = {0};
    struct nn_object *b = test_new(NN_OPTIMIZER, "SGD", NULL);
    struct nn_optimizer *o = (struct nn_optimizer *)b;
    struct variable *v = pair(1, 2), *other = pair(1, 2);
    struct tensor *gradient = test_full(SHAPE(2), 1), *wide = test_full(SHAPE(3), 1), *none = NULL;
    assert_int_equal(nn_optimizer_apply(o, &none, &v, 1, &e), ERR_VALUE);
    test_contains(e.text, "no gradient was given for variable dense/kernel");
    assert_int_equal(nn_optimizer_apply(o, &wide, &v, 1, &f), ERR_VALUE);
    test_contains(f.text, "the gradient for dense/kernel has shape (3,), the variable (2,)");
    assert_int_equal(nn_optimizer_apply(o, &gradient, &other, 1, &g), ERR_VALUE);
    test_contains(g.text, "Unknown variable: dense/kernel");
    tensor_release(gradient);
    tensor_release(wide);
    variable_release(v);
    variable_release(other);
    nn_release(b);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_golden_eager), cmocka_unit_test(test_golden_compiled), cmocka_unit_test(test_options),
        cmocka_unit_test(test_slots),        cmocka_unit_test(test_state),           cmocka_unit_test(test_wrong_calls),
    };
    return cmocka_run_group_tests(tests, test_nn_open, test_nn_close);
}
