/* Objects from JSON and back: names, defaults, types, what is refused and in which words. */
#include "support/nn.h"

#include <string.h>

#include "base/json.h"
#include "base/mem.h"

static json_t *parsed(const char *text) {
    struct err e = {0};
    json_t *json = json_parse(text, strlen(text), &e);
    if (!json) fail_msg("%s: %s", text, e.text);
    return json;
}

/* ---- names ------------------------------------------------------------------------------------------------------- */

static void check_name(enum nn_kind kind, const char *class_name, const char *config, const char *name) {
    struct nn_object *o = test_new(kind, class_name, config);
    assert_string_equal(o->name, name);
    nn_release(o);
}

static void test_names_count_by_class(void **state) {
    (void)state;
    run_reset_names(test_nn);
    check_name(NN_LAYER, "Conv2D", "{\"filters\": 1, \"kernel_size\": 1}", "conv2d");
    check_name(NN_LAYER, "Conv2D", "{\"filters\": 1, \"kernel_size\": 1}", "conv2d_1");
    check_name(NN_LAYER, "Conv2D", "{\"filters\": 1, \"kernel_size\": 1, \"name\": \"mine\"}", "mine");
    check_name(NN_LAYER, "Conv2D", "{\"filters\": 1, \"kernel_size\": 1}", "conv2d_2");
    check_name(NN_LAYER, "BatchNormalization", NULL, "batch_normalization");
    check_name(NN_LAYER, "MaxPool2D", NULL, "max_pooling2d");
    check_name(NN_LAYER, "ReLU", NULL, "re_lu");
    check_name(NN_LAYER, "ELU", NULL, "elu");
    check_name(NN_LAYER, "InputLayer", "{\"shape\": [2]}", "input_layer");
    check_name(NN_OPTIMIZER, "adam", NULL, "adam");
    check_name(NN_OPTIMIZER, "Adam", NULL, "adam_1");
    check_name(NN_OPTIMIZER, "SGD", NULL, "sgd");
    check_name(NN_LOSS, "mse", NULL, "mean_squared_error");
    check_name(NN_METRIC, "SparseCategoricalAccuracy", NULL, "sparse_categorical_accuracy");
    nn_set_random_seed(test_nn, 200);
    check_name(NN_LAYER, "ReLU", NULL, "re_lu_1"); /* a seed does not count again */
    run_reset_names(test_nn);
    check_name(NN_LAYER, "ReLU", NULL, "re_lu");
}

/* ---- config ------------------------------------------------------------------------------------------------------ */

static bool same_json(const json_t *a, const json_t *b) {
    if (json_is_number(a) && json_is_number(b)) return json_number_value(a) == json_number_value(b);
    if (!json_is_object(a) && !json_is_array(a)) return json_equal(a, b);
    if (json_typeof(a) != json_typeof(b) || json_object_size(a) != json_object_size(b) ||
        json_array_size(a) != json_array_size(b))
        return false;
    for (size_t i = 0; i < json_array_size(a); i++)
        if (!same_json(json_array_get(a, i), json_array_get(b, i))) return false;
    for (void *i = json_object_iter((json_t *)a); i; i = json_object_iter_next((json_t *)a, i))
        if (!same_json(json_object_iter_value(i), json_object_get(b, json_object_iter_key(i)))) return false;
    return true;
}

/* The config of an object made with `given` arguments is `expected`, and an object made from that has the same. */
static void check_config(enum nn_kind kind, const char *class_name, const char *given, const char *expected) {
    struct err e = {0};
    json_t *want = parsed(expected);
    struct nn_object *o = test_new(kind, class_name, given), *again = NULL;
    json_t *serialised = nn_serialize(o, &e), *config = json_object_get(serialised, "config");
    if (!same_json(want, config)) fail_msg("%s has config %s", class_name, json_dumps(config, 0));
    assert_ok(nn_deserialize(test_nn, kind, serialised, &again, &e), &e);
    json_t *second = nn_serialize(again, &e);
    assert_true(same_json(serialised, second));
    nn_release(o);
    nn_release(again);
    json_decref(want);
    json_decref(second);
    json_decref(serialised);
}

#define POLICY                                                                                                         \
    "{\"module\": \"keras\", \"class_name\": \"DTypePolicy\", \"config\": {\"name\": \"float32\"}, "                   \
    "\"registered_name\": null}"
#define BASE(NAME) "\"name\": \"" NAME "\", \"trainable\": true, \"dtype\": " POLICY
#define INITIALIZER(NAME, CONFIG)                                                                                      \
    "{\"module\": \"keras.initializers\", \"class_name\": \"" NAME "\", \"config\": {" CONFIG                          \
    "}, \"registered_name\": null}"
#define GLOROT INITIALIZER("GlorotUniform", "\"seed\": null, \"input_axes\": null, \"output_axes\": null")
#define ZEROS INITIALIZER("Zeros", "")

static void test_configs_are_keras(void **state) {
    (void)state;
    check_config(NN_LAYER, "Dense", "{\"units\": 5.0, \"name\": \"d\", \"activation\": null}",
                 "{" BASE("d") ", \"units\": 5, \"activation\": \"linear\", \"use_bias\": true, "
                               "\"kernel_initializer\": " GLOROT ", \"bias_initializer\": " ZEROS
                               ", \"kernel_regularizer\": null, "
                               "\"bias_regularizer\": null, \"kernel_constraint\": null, \"bias_constraint\": null, "
                               "\"quantization_config\": null}");
    check_config(
        NN_LAYER, "Conv2D",
        "{\"filters\": 6, \"kernel_size\": 3, \"strides\": [2, 1], \"padding\": \"SAME\", \"groups\": 2, "
        "\"activation\": {\"module\": \"builtins\", \"class_name\": \"function\", \"config\": \"relu\", "
        "\"registered_name\": \"function\"}, \"name\": \"c\", \"dtype\": \"float32\", "
        "\"bias_initializer\": {\"class_name\": \"Constant\", \"config\": {\"value\": 2}}}",
        "{" BASE("c") ", \"filters\": 6, \"kernel_size\": [3, 3], \"strides\": [2, 1], "
                      "\"padding\": \"same\", \"data_format\": \"channels_last\", \"dilation_rate\": [1, 1], "
                      "\"groups\": 2, \"activation\": \"relu\", \"use_bias\": true, \"kernel_initializer\": " GLOROT
                      ", \"bias_initializer\": " INITIALIZER(
                          "Constant", "\"value\": 2") ", \"kernel_regularizer\": null, \"bias_regularizer\": null, "
                                                      "\"activity_regularizer\": null, "
                                                      "\"kernel_constraint\": null, \"bias_constraint\": null}");
    check_config(NN_LAYER, "MaxPooling2D", "{\"pool_size\": 3, \"name\": \"p\"}",
                 "{" BASE("p") ", \"pool_size\": [3, 3], \"padding\": \"valid\", \"strides\": [3, 3], "
                               "\"data_format\": \"channels_last\"}");
    check_config(NN_LAYER, "Dropout", "{\"rate\": 0.25, \"name\": \"p\", \"noise_shape\": [null, 1]}",
                 "{" BASE("p") ", \"rate\": 0.25, \"seed\": null, \"noise_shape\": [null, 1]}");
    check_config(NN_LAYER, "InputLayer", "{\"shape\": [28, 28, 1], \"name\": \"i\", \"dtype\": \"uint8\"}",
                 "{\"batch_shape\": [null, 28, 28, 1], \"dtype\": \"uint8\", \"sparse\": false, \"ragged\": false, "
                 "\"name\": \"i\", \"optional\": false}");
    check_config(NN_LOSS, "mse", "{\"reduction\": null}", "{\"name\": \"mean_squared_error\", \"reduction\": null}");
    check_config(NN_METRIC, "BinaryAccuracy", NULL,
                 "{\"name\": \"binary_accuracy\", \"dtype\": \"float32\", \"threshold\": 0.5}");
    check_config(NN_OPTIMIZER, "Adam", "{\"name\": \"a\", \"learning_rate\": 0.001}",
                 "{\"name\": \"a\", \"learning_rate\": 0.0010000000474974513, \"weight_decay\": null, "
                 "\"clipnorm\": null, \"global_clipnorm\": null, \"clipvalue\": null, \"use_ema\": false, "
                 "\"ema_momentum\": 0.99, \"ema_overwrite_frequency\": null, \"loss_scale_factor\": null, "
                 "\"gradient_accumulation_steps\": null, \"beta_1\": 0.9, \"beta_2\": 0.999, \"epsilon\": 1e-07, "
                 "\"amsgrad\": false}");
}

static void test_learning_rate_is_what_it_is_now(void **state) {
    (void)state;
    struct err e = {0};
    struct nn_object *o = test_new(NN_OPTIMIZER, "SGD", NULL);
    struct tensor *rate = test_full((struct shape){0}, 0.5f);
    assert_ok(variable_assign(test_nn, o->variable[1], rate, &e), &e);
    json_t *config = nn_config(o, &e);
    assert_true(json_number_value(json_object_get(config, "learning_rate")) == 0.5);
    json_decref(config);
    tensor_release(rate);
    nn_release(o);
}

static void test_build_config_builds(void **state) {
    (void)state;
    struct err e = {0};
    struct nn_object *o = NULL;
    json_t *json =
        parsed("{\"module\": \"keras.layers\", \"class_name\": \"Dense\", \"config\": {\"units\": 2, "
               "\"name\": \"d\"}, \"registered_name\": null, \"build_config\": {\"input_shape\": [null, 3]}}");
    assert_ok(nn_deserialize(test_nn, NN_LAYER, json, &o, &e), &e);
    assert_int_equal(o->nvariable, 2);
    assert_string_equal(o->variable[0]->path, "d/kernel");
    assert_string_equal(o->variable[0]->name, "kernel");
    assert_true(shape_equal(&o->variable[0]->value->shape, &(struct shape){2, {3, 2}}));
    json_t *again = nn_serialize(o, &e);
    assert_true(same_json(json_object_get(again, "build_config"), json_object_get(json, "build_config")));
    json_decref(again);
    json_decref(json);
    nn_release(o);
}

/* Every class that can be made without arguments comes back from its own JSON. */
static void test_round_trip_of_all(void **state) {
    (void)state;
    int made = 0;
    for (int kind = 0; kind < NN_KINDS; kind++) {
        for (const struct nn_class *const *c = nn_all(kind); *c; c++) {
            struct err e = {0};
            struct nn_object *a = NULL, *b = NULL;
            assert_int_equal((*c)->kind, kind);
            if (nn_new(test_nn, *c, NULL, NULL, 0, &a, &e)) {
                assert_true(strstr(e.text, "missing argument") || strstr(e.text, "You must pass a `shape`"));
                continue;
            }
            json_t *first = nn_serialize(a, &e), *second = NULL;
            assert_ok(nn_deserialize(test_nn, kind, first, &b, &e), &e);
            second = nn_serialize(b, &e);
            assert_true(same_json(first, second));
            json_decref(first);
            json_decref(second);
            nn_release(a);
            nn_release(b);
            made++;
        }
    }
    assert_true(made > 15);
}

/* ---- what is refused --------------------------------------------------------------------------------------------- */

static void refuse(enum nn_kind kind, const char *class_name, const char *config, const char *part) {
    test_contains(test_refused(kind, class_name, config).text, part);
}

static void test_unknown_and_missing(void **state) {
    (void)state;
    refuse(NN_LOSS, "qqq", NULL, "unknown loss \"qqq\"; there are ");
    refuse(NN_OPTIMIZER, "zzz", NULL, "unknown optimizer \"zzz\"; there are ");
    refuse(NN_LAYER, "Dens", NULL, "unknown layer \"Dens\"; did you mean \"Dense\"?");
    refuse(NN_OPTIMIZER, "adma", NULL, "did you mean \"Adam\"?");
    refuse(NN_LAYER, "Dense", "{\"unit\": 3}", "Dense: unknown argument \"unit\"; did you mean \"units\"?");
    refuse(NN_LAYER, "Dense", "{\"units\": 3, \"traniable\": true}", "did you mean \"trainable\"?");
    refuse(NN_LAYER, "Dense", "{\"units\": 3, \"qqqqqqq\": 1}", "unknown argument \"qqqqqqq\"");
    refuse(NN_LAYER, "Dense", NULL, "missing argument \"units\"");
    refuse(NN_LAYER, "InputLayer", NULL, "You must pass a `shape` argument");
    refuse(NN_LAYER, "Dense", "[1]", "table of names and values");
}

static void test_wrong_types(void **state) {
    (void)state;
    refuse(NN_LAYER, "Dense", "{\"units\": \"x\"}", "argument units must be an integer, not \"x\"");
    refuse(NN_LAYER, "Dense", "{\"units\": 2.5}", "must be an integer");
    refuse(NN_LAYER, "Dense", "{\"units\": null}", "must be an integer, not null");
    refuse(NN_LAYER, "Dense", "{\"units\": 2, \"use_bias\": 1}", "must be a boolean");
    refuse(NN_LAYER, "Dense", "{\"units\": 2, \"activation\": \"rulu\"}", "did you mean \"relu\"?");
    refuse(NN_LAYER, "Dense", "{\"units\": 2, \"kernel_initializer\": \"zeor\"}", "did you mean \"zero\"?");
    refuse(NN_LAYER, "Dense", "{\"units\": 2, \"kernel_initializer\": null}", "an initializer or its name");
    refuse(NN_LAYER, "Dense", "{\"units\": 2, \"dtype\": \"float16\"}", "must be \"float32\", not \"float16\"");
    refuse(NN_LAYER, "Conv2D", "{\"filters\": 2, \"kernel_size\": [1, 2, 3]}", "a list of 2 integers");
    refuse(NN_LAYER, "MaxPooling2D", "{\"padding\": \"sane\"}", "must be one of valid same, not \"sane\"");
    refuse(NN_LAYER, "MaxPooling2D", "{\"data_format\": \"channels_first\"}", "must be channels_last");
    refuse(NN_LAYER, "Reshape", "{\"target_shape\": 5}", "must be a list of sizes");
    refuse(NN_LAYER, "ZeroPadding2D", "{\"padding\": [1, 2, 3]}", "an integer or 2 or 2 times 2 of them");
    refuse(NN_OPTIMIZER, "SGD", "{\"momentum\": {\"class_name\": \"CosineDecay\"}}",
           "argument momentum must be a number");
}

static void test_wrong_values(void **state) {
    (void)state;
    refuse(NN_LAYER, "Dense", "{\"units\": 0}", "argument units must be positive, not 0");
    refuse(NN_LAYER, "Conv2D", "{\"filters\": 4, \"kernel_size\": 3, \"groups\": 3}", "evenly divisible");
    refuse(NN_LAYER, "Conv2D", "{\"filters\": 4, \"kernel_size\": 3, \"strides\": 2, \"dilation_rate\": 2}",
           "not supported in conjunction");
    refuse(NN_LAYER, "Conv2D", "{\"filters\": 4, \"kernel_size\": [3, 0]}", "argument kernel_size must be positive");
    refuse(NN_LAYER, "Permute", "{\"dims\": [1, 1]}", "must be consecutive and start from 1. Received dims=(1, 1)");
    refuse(NN_LAYER, "Reshape", "{\"target_shape\": [-1, -1]}", "at most one unknown dimension");
    refuse(NN_LAYER, "ZeroPadding2D", "{\"padding\": -1}", "must not be negative");
    refuse(NN_LAYER, "Dropout", "{\"rate\": 1.5}", "Expected a float value between 0 and 1");
    refuse(NN_LAYER, "ReLU", "{\"negative_slope\": -1}", "negative_slope of a ReLU layer");
    refuse(NN_OPTIMIZER, "SGD", "{\"momentum\": 2}", "`momentum` must be a float between [0, 1]");
    refuse(NN_OPTIMIZER, "SGD", "{\"clipnorm\": 1, \"clipvalue\": 1}", "Only one of `clipnorm`");
    refuse(NN_OPTIMIZER, "Ftrl", "{\"learning_rate_power\": 1}", "`learning_rate_power` needs to be negative or zero");
    refuse(NN_OPTIMIZER, "Ftrl", "{\"beta\": 1, \"l2_shrinkage_regularization_strength\": -1}",
           "`l2_shrinkage_regularization_strength` needs to be positive or zero");
    refuse(NN_OPTIMIZER, "Ftrl", "{\"initial_accumulator_value\": -1}",
           "`initial_accumulator_value` needs to be positive");
}

/* What Keras knows and celda does not is refused by its name. */
static void test_not_supported(void **state) {
    (void)state;
    refuse(NN_LAYER, "Dense", "{\"units\": 2, \"kernel_regularizer\": \"l2\"}", "argument kernel_regularizer is not");
    refuse(NN_LAYER, "Conv2D", "{\"filters\": 2, \"kernel_size\": 1, \"bias_constraint\": {}}", "bias_constraint");
    refuse(NN_LAYER, "Flatten", "{\"activity_regularizer\": \"l2\"}", "activity_regularizer");
    refuse(NN_LAYER, "BatchNormalization", "{\"renorm\": true}", "renorm");
    refuse(NN_LOSS, "SparseCategoricalCrossentropy", "{\"ignore_class\": 255}", "ignore_class");
    refuse(NN_OPTIMIZER, "Adam", "{\"use_ema\": true}", "use_ema");
    refuse(NN_OPTIMIZER, "Adam", "{\"gradient_accumulation_steps\": 4}", "gradient_accumulation_steps");
}

static void refuse_json(const char *text, const char *part) {
    struct err e = {0};
    struct nn_object *o = NULL;
    json_t *json = parsed(text);
    assert_int_not_equal(nn_deserialize(test_nn, NN_LAYER, json, &o, &e), OK);
    test_contains(e.text, part);
    json_decref(json);
}

static void test_wrong_json(void **state) {
    (void)state;
    refuse_json("3", "the name of one of keras.layers");
    refuse_json("{\"config\": {}}", "must have a class_name");
    refuse_json("{\"class_name\": \"ReLU\", \"confg\": {}}", "unknown key \"confg\"");
    refuse_json("{\"class_name\": \"ReLU\", \"module\": \"mine\", \"config\": {}}", "module is not Keras's");
    refuse_json("{\"class_name\": \"ReLU\", \"config\": 5}", "table of names and values");
    refuse_json("{\"class_name\": \"Dense\", \"config\": {\"units\": 1}, \"build_config\": {}}", "no input_shape");
    refuse_json("{\"class_name\": \"Dense\", \"config\": {\"units\": 1}, \"build_config\": {\"input_shape\": [4]}}",
                "expected min_ndim=2, found ndim=1");
}

static void test_given_objects(void **state) {
    (void)state;
    struct err e = {0}, f = {0}, g = {0};
    struct nn_object *zeros = test_new(NN_INITIALIZERS, "zeros", NULL), *o = NULL;
    const struct nn_class *dense = nn_find(NN_LAYER, "Dense", &e);
    json_t *config = parsed("{\"units\": 1, \"bias_initializer\": \"ones\"}");
    nn_new(test_nn, dense, config, &(struct nn_given){"bias_initializer", zeros}, 1, &o, &e);
    test_contains(e.text, "bias_initializer is given twice");
    nn_new(test_nn, dense, NULL, &(struct nn_given){"units", zeros}, 1, &o, &f);
    test_contains(f.text, "argument units must be an integer, not a Zeros");
    nn_new(test_nn, dense, config, &(struct nn_given){"kernel_initialiser", zeros}, 1, &o, &g);
    test_contains(g.text, "did you mean \"kernel_initializer\"?");
    assert_null(o);
    nn_release(zeros);
    json_decref(config);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_names_count_by_class),
        cmocka_unit_test(test_configs_are_keras),
        cmocka_unit_test(test_learning_rate_is_what_it_is_now),
        cmocka_unit_test(test_build_config_builds),
        cmocka_unit_test(test_round_trip_of_all),
        cmocka_unit_test(test_unknown_and_missing),
        cmocka_unit_test(test_wrong_types),
        cmocka_unit_test(test_wrong_values),
        cmocka_unit_test(test_not_supported),
        cmocka_unit_test(test_wrong_json),
        cmocka_unit_test(test_given_objects),
    };
    return cmocka_run_group_tests(tests, test_nn_open, test_nn_close);
}
