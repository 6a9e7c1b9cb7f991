/* Learning rate schedules: their values by hand (test_optimizers holds them against Keras, in an optimizer), in eager and in
 * compiled steps, what they refuse, and their JSON. */
#include <math.h>

#include "base/json.h"
#include "support/nn.h"

static double rate_at(struct nn_object *schedule, int64_t step) {
    struct err e = {0};
    struct tensor *at = NULL, *rate = NULL;
    assert_ok(tensor_from(test_nn->cpu, DT_INT64, &(struct shape){0}, &step, &at, &e), &e);
    assert_ok(nn_schedule_call(schedule, at, &rate, &e), &e);
    assert_true(rate->dtype == DT_FLOAT32 && rate->shape.rank == 0);
    const double x = test_item(rate, 0);
    tensor_release(at);
    tensor_release(rate);
    return x;
}

struct point {
    int64_t step;
    double rate;
};

static void expect(const char *name, const char *config, const struct point *points) {
    struct nn_object *s = test_new(NN_SCHEDULE, name, config);
    for (const struct point *p = points; p->rate > 0; p++)
        if (fabs(rate_at(s, p->step) - p->rate) > 1e-6 * p->rate + 1e-8)
            fail_msg("%s%s at %lld: %.9g, not %.9g", name, config, (long long)p->step, rate_at(s, p->step), p->rate);
    nn_release(s);
}
#define EXPECT(name, config, ...) expect(name, config, (const struct point[]){__VA_ARGS__, {0}})

static void test_values(void **state) {
    (void)state;
    EXPECT("ExponentialDecay",
           "{\"initial_learning_rate\": 0.1, \"decay_steps\": 3, \"decay_rate\": 0.5, \"staircase\": true}", {0, 0.1},
           {2, 0.1}, {3, 0.05}, {7, 0.025});
    EXPECT("InverseTimeDecay",
           "{\"initial_learning_rate\": 0.1, \"decay_steps\": 2, \"decay_rate\": 0.5, \"staircase\": true}", {0, 0.1},
           {1, 0.1}, {2, 0.06666667}, {5, 0.05});
    EXPECT("PiecewiseConstantDecay", "{\"boundaries\": [2, 4.5], \"values\": [1, 0.5, 0.25]}", {0, 1}, {2, 1}, {3, 0.5},
           {4, 0.5}, {5, 0.25}, {1000000, 0.25});
    EXPECT("PolynomialDecay",
           "{\"initial_learning_rate\": 0.1, \"decay_steps\": 5, \"end_learning_rate\": 0.01, \"power\": 2, \"cycle\": "
           "true}",
           {0, 0.1}, {3, 0.0244}, {5, 0.01}, {6, 0.0244}, {10, 0.01}, {11, 0.0164});
    EXPECT("PolynomialDecay", "{\"initial_learning_rate\": 0.1, \"decay_steps\": 10}", {0, 0.1}, {5, 0.05005},
           {10, 0.0001}, {99, 0.0001});
    EXPECT("CosineDecay",
           "{\"initial_learning_rate\": 0.02, \"decay_steps\": 10, \"alpha\": 0.1, \"warmup_target\": 0.2, "
           "\"warmup_steps\": 4}",
           {0, 0.02}, {1, 0.065}, {3, 0.155}, {4, 0.2}, {9, 0.11}, {14, 0.02}, {99, 0.02});
    EXPECT("CosineDecayRestarts",
           "{\"initial_learning_rate\": 0.1, \"first_decay_steps\": 4, \"m_mul\": 0.5, \"alpha\": 0.1}", {0, 0.1},
           {2, 0.055}, {4, 0.055}, {7, 0.04111038}, {12, 0.0325}, {20, 0.02125});
    EXPECT("CosineDecayRestarts",
           "{\"initial_learning_rate\": 0.1, \"first_decay_steps\": 4, \"t_mul\": 1, \"m_mul\": 0.5, \"alpha\": 0.1}",
           {0, 0.1}, {3, 0.02318019}, {4, 0.055}, {9, 0.02920495});
}

/* SGD's steps of 1 and then 0.5 with the gradient 1, and what it says of its rate. */
static void test_in_an_optimizer(void **state) {
    (void)state;
    struct err e = {0};
    struct nn_object *b = test_new(NN_OPTIMIZER, "SGD",
                                   "{\"learning_rate\": {\"class_name\": \"PiecewiseConstantDecay\", "
                                   "\"config\": {\"boundaries\": [0], \"values\": [1, 0.5]}}}");
    struct nn_optimizer *o = (struct nn_optimizer *)b;
    struct variable *v = NULL;
    struct tensor *start = test_full(SHAPE(2), 4), *gradient = test_full(SHAPE(2), 1), *symbol, *rate = NULL;
    struct program *p = NULL;
    assert_ok(variable_new(test_nn, start, "dense/kernel", true, &v, &e), &e);
    assert_int_equal(b->nvariable, 1); /* the iteration alone, as in Keras */
    assert_ok(nn_optimizer_apply(o, &gradient, &v, 1, &e), &e);
    assert_float_equal(test_item(v->value, 1), 3, 0);
    assert_ok(trace_begin(test_nn, &e), &e);
    assert_ok(trace_input(test_nn, DT_FLOAT32, &gradient->shape, &symbol, &e), &e);
    assert_ok(nn_optimizer_apply(o, &symbol, &v, 1, &e), &e);
    assert_ok(trace_end(test_nn, NULL, 0, &p, &e), &e);
    for (int i = 0; i < 2; i++) assert_ok(program_call(test_nn, p, &gradient, 1, NULL, &e), &e);
    assert_float_equal(test_item(v->value, 1), 2, 0);
    assert_ok(nn_optimizer_rate(o, &rate, &e), &e);
    assert_float_equal(test_item(rate, 0), 0.5, 0);
    tensor_release(start);
    tensor_release(gradient);
    tensor_release(rate);
    program_release(p);
    variable_release(v);
    nn_release(b);
}

static void test_what_is_refused(void **state) {
    (void)state;
    static const struct {
        enum nn_kind kind;
        const char *name, *config, *part;
    } cases[] = {
        {NN_SCHEDULE, "ExponentialDecay", "{\"initial_learning_rate\": 0.1}", "missing argument \"decay_steps\""},
        {NN_SCHEDULE, "CosineDecay", "{\"initial_learning_rate\": 1, \"decay_steps\": 0}",
         "decay_steps must be positive, not 0"},
        {NN_SCHEDULE, "CosineDecayRestarts", "{\"initial_learning_rate\": 1, \"first_decay_steps\": -1}",
         "first_decay_steps must be positive"},
        {NN_SCHEDULE, "PiecewiseConstantDecay", "{\"boundaries\": [1], \"values\": [1]}",
         "The length of boundaries should be 1 less than the length of values"},
        {NN_SCHEDULE, "PiecewiseConstantDecay", "{\"boundaries\": [\"a\"], \"values\": [1, 2]}", "a list of numbers"},
        {NN_SCHEDULE, "PiecewiseConstantDecay", "{\"boundaries\": [], \"values\": [1]}", "at least one step"},
        {NN_OPTIMIZER, "SGD", "{\"learning_rate\": \"a\"}",
         "learning_rate must be a number or a learning rate schedule, not \"a\""},
        {NN_OPTIMIZER, "SGD", "{\"learning_rate\": {\"class_name\": \"CosinDecay\"}}", "did you mean \"CosineDecay\"?"},
        {NN_OPTIMIZER, "SGD", "{\"learning_rate\": {\"class_name\": \"CosineDecay\"}}",
         "SGD: argument learning_rate: CosineDecay: missing argument"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const struct err e = test_refused(cases[i].kind, cases[i].name, cases[i].config);
        test_contains(e.text, cases[i].part);
    }
}

/* Made again from its JSON, and from its parts, a schedule and the optimizer that has it are the same. */
static void test_json(void **state) {
    (void)state;
    static const char text[] =
        "{\"class_name\": \"Adam\", \"config\": {\"name\": \"a\", \"learning_rate\": {\"class_name\": "
        "\"PiecewiseConstantDecay\", \"config\": {\"boundaries\": [2, 4], \"values\": [0.1, 0.05, 0.01]}}}}";
    struct err e = {0};
    struct nn_object *first = NULL, *second = NULL;
    json_t *json = json_parse(text, sizeof text - 1, &e);
    assert_ok(nn_deserialize(test_nn, NN_OPTIMIZER, json, &first, &e), &e);
    json_t *written = nn_serialize(first, &e);
    assert_ok(nn_deserialize(test_nn, NN_OPTIMIZER, written, &second, &e), &e);
    json_t *again = nn_serialize(second, &e);
    assert_true(json_equal(written, again));
    const json_t *rate = json_object_get(json_object_get(written, "config"), "learning_rate");
    assert_string_equal(json_string_value(json_object_get(rate, "module")), "keras.optimizers.schedules");
    struct nn_given held;
    assert_int_equal(nn_held(first, &held, 1), 1);
    assert_string_equal(held.name, "learning_rate");
    json_t *arguments = nn_arguments(first, &e);
    assert_null(json_object_get(arguments, "learning_rate"));
    for (json_t **j = (json_t *[]){json, written, again, arguments, NULL}; *j; j++) json_decref(*j);
    nn_release(first);
    nn_release(second);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_values),
        cmocka_unit_test(test_in_an_optimizer),
        cmocka_unit_test(test_what_is_refused),
        cmocka_unit_test(test_json),
    };
    return cmocka_run_group_tests(tests, test_nn_open, test_nn_close);
}
