/* A whole training step as one compiled program: layers, loss, gradients, optimizer, metric. Against Keras's convnet. */
#include "support/golden.h"
#include "support/tape.h"

enum { MAX_LAYERS = 16, MAX_WEIGHTS = 16, BATCHES = 4 };

struct model {
    struct nn_object *layer[MAX_LAYERS], *loss, *metric, *optimizer;
    int nlayer, nweight;
    struct variable *weight[MAX_WEIGHTS];
};

static void add_layer(struct model *m, const json_t *json) {
    struct err e = {0};
    struct nn_object **o = &m->layer[m->nlayer++];
    assert_ok(nn_deserialize(test_nn, NN_LAYER, json, o, &e), &e);
    for (int k = 0; k < (*o)->nvariable; k++) m->weight[m->nweight++] = (*o)->variable[k];
}

static void make_model(const struct golden *g, struct model *m) {
    struct err e = {0};
    json_t *json = golden_json(g, "model"), *layers = json_object_get(json_object_get(json, "config"), "layers");
    *m = (struct model){.nlayer = 0};
    for (size_t i = 0; i < json_array_size(layers); i++) add_layer(m, json_array_get(layers, i));
    for (int i = 0; i < m->nweight; i++) {
        struct tensor *w = golden_tensor(g, "w%02d", i);
        assert_ok(variable_assign(test_nn, m->weight[i], w, &e), &e);
        tensor_release(w);
    }
    json_decref(json);
    m->loss = test_new(NN_LOSS, "sparse_categorical_crossentropy", NULL);
    m->metric = test_new(NN_METRIC, "SparseCategoricalAccuracy", NULL);
    m->optimizer = test_new(NN_OPTIMIZER, "adam", NULL);
}

static void free_model(struct model *m) {
    for (int i = 0; i < m->nlayer; i++) nn_release(m->layer[i]);
    nn_release(m->loss);
    nn_release(m->metric);
    nn_release(m->optimizer);
}

static struct tensor *predict(const struct model *m, struct tensor *x, bool training) {
    struct tensor *y = tensor_retain(x);
    for (int i = 0; i < m->nlayer; i++) {
        struct tensor *next = test_call(m->layer[i], y, training);
        tensor_release(y);
        y = next;
    }
    return y;
}

/* Forward, backward, update; returns the loss. Symbolic while tracing. */
static struct tensor *train(struct model *m, struct tensor *x, struct tensor *labels) {
    struct err e = {0};
    struct tensor *gradient[MAX_WEIGHTS], *value[MAX_WEIGHTS], *loss = NULL;
    struct tape *tape = test_tape_begin(NULL, 0);
    struct tensor *y = predict(m, x, true);
    assert_ok(nn_loss_call(m->loss, labels, y, NULL, &loss, &e), &e);
    for (int i = 0; i < m->nweight; i++) assert_ok(variable_read(test_nn, m->weight[i], &value[i], &e), &e);
    test_tape_end(tape, loss, NULL, value, m->nweight, gradient);
    assert_ok(nn_optimizer_apply((struct nn_optimizer *)m->optimizer, gradient, m->weight, m->nweight, &e), &e);
    assert_ok(nn_metric_update(m->metric, labels, y, NULL, &e), &e);
    for (int i = 0; i < m->nweight; i++) tensor_release(gradient[i]);
    tensor_release(y);
    return loss;
}

static struct program *compile_step(struct model *m, const struct tensor *x, const struct tensor *labels) {
    struct err e = {0};
    struct program *p = NULL;
    struct tensor *in[2];
    assert_ok(trace_begin(test_nn, &e), &e);
    assert_ok(trace_input(test_nn, x->dtype, &x->shape, &in[0], &e), &e);
    assert_ok(trace_input(test_nn, labels->dtype, &labels->shape, &in[1], &e), &e);
    struct tensor *loss = train(m, in[0], in[1]);
    assert_ok(trace_end(test_nn, &loss, 1, &p, &e), &e);
    tensor_release(loss);
    return p;
}

static double expected_loss(const struct golden *g, int batch) {
    struct tensor *t = golden_tensor(g, "loss_float64");
    double loss = ((const double *)tensor_data(t))[batch];
    tensor_release(t);
    return loss;
}

static void check_training(struct golden *g, bool compiled) {
    struct err e = {0};
    struct model m;
    struct program *p = NULL;
    make_model(g, &m);
    uint64_t eager = 0;
    for (int i = 0; i < BATCHES; i++) {
        struct tensor *in[2] = {golden_tensor(g, "x_%02d", i), golden_tensor(g, "y_%02d", i)}, *loss = NULL;
        if (i == 0) {
            struct tensor *y = predict(&m, in[0], false);
            golden_near(g, y, golden_tensor(g, "predict0_float32"), TOLERANCE_KERAS, "predict");
            tensor_release(y);
            p = compiled ? compile_step(&m, in[0], in[1]) : NULL;
            eager = test_nn->eager_calls;
        }
        if (compiled)
            assert_ok(program_call(test_nn, p, in, 2, &loss, &e), &e);
        else
            loss = train(&m, in[0], in[1]);
        assert_float_equal(test_item(loss, 0), expected_loss(g, i), TOLERANCE_KERAS_TRAINING);
        tensor_release(loss);
        tensor_release(in[0]);
        tensor_release(in[1]);
    }
    if (compiled) assert_int_equal(test_nn->eager_calls, eager); /* not one op by itself */
    assert_float_equal(test_item(m.metric->variable[1]->value, 0), 32 * BATCHES, 0);
    program_release(p);
    free_model(&m);
}

static void check_eager(struct golden *g) {
    check_training(g, false);
}

static void check_compiled(struct golden *g) {
    check_training(g, true);
}

static void test_eager(void **state) {
    (void)state;
    golden_each("models", check_eager);
}

static void test_compiled(void **state) {
    (void)state;
    golden_each("models", check_compiled);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_eager), cmocka_unit_test(test_compiled)};
    return cmocka_run_group_tests(tests, test_nn_open, test_nn_close);
}
