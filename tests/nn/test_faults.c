/* A training step of a small network, one op at a time and compiled, in which the n-th allocation fails, for every n: an
 * error, and nothing leaked. */
#include "support/nn.h"

#include <string.h>

#include "base/json.h"
#include "base/mem.h"

static const char *const layer_json[] = {
    "{\"class_name\": \"BatchNormalization\", \"config\": {}}",
    "{\"class_name\": \"Conv2D\", \"config\": {\"filters\": 2, \"kernel_size\": 3, \"padding\": \"same\", "
    "\"activation\": \"elu\", \"kernel_initializer\": {\"class_name\": \"HeNormal\", \"config\": {}}}}",
    "{\"class_name\": \"MaxPooling2D\", \"config\": {}}",
    "{\"class_name\": \"Dropout\", \"config\": {\"rate\": 0.5}}",
    "{\"class_name\": \"Flatten\", \"config\": {}}",
    "{\"class_name\": \"Dense\", \"config\": {\"units\": 3}}",
    "{\"class_name\": \"Activation\", \"config\": {\"activation\": \"softmax\"}}",
};
enum { LAYERS = sizeof layer_json / sizeof *layer_json, MAX_WEIGHTS = 16 };

struct network {
    struct nn_object *layer[LAYERS], *loss, *metric, *optimizer;
    struct tensor *x, *labels, *y, *value;
    struct tape *tape;
};

static void release(struct network *m) {
    for (int i = 0; i < LAYERS; i++) nn_release(m->layer[i]);
    nn_release(m->loss);
    nn_release(m->metric);
    nn_release(m->optimizer);
    tensor_release(m->x);
    tensor_release(m->labels);
    tensor_release(m->y);
    tensor_release(m->value);
    tape_free(m->tape);
}

/* JSON is parsed before the faults begin. */
static json_t *parsed[LAYERS];

static enum status construct(struct network *m, struct err *e) {
    for (int i = 0; i < LAYERS; i++)
        if (nn_deserialize(test_nn, NN_LAYER, parsed[i], &m->layer[i], e)) return e->status;
    const struct nn_class *loss = nn_find(NN_LOSS, "sparse_categorical_crossentropy", e);
    const struct nn_class *metric = nn_find(NN_METRIC, "SparseCategoricalAccuracy", e);
    if (nn_new(test_nn, loss, NULL, NULL, 0, &m->loss, e) || nn_new(test_nn, metric, NULL, NULL, 0, &m->metric, e))
        return e->status;
    return nn_new(test_nn, nn_find(NN_OPTIMIZER, "adam", e), NULL, NULL, 0, &m->optimizer, e);
}

static enum status make_inputs(struct network *m, struct err *e) {
    static const float pixels[2 * 4 * 4] = {1, 2, 3, 4, 5, 6, 7, 8};
    static const int64_t labels[2] = {2, 0};
    if (tensor_from(test_nn->device, DT_FLOAT32, &(struct shape){4, {2, 4, 4, 1}}, pixels, &m->x, e)) return e->status;
    return tensor_from(test_nn->device, DT_INT64, &(struct shape){1, {2}}, labels, &m->labels, e);
}

static enum status forward(struct network *m, struct tensor *x, struct tensor *labels, struct err *e) {
    m->y = tensor_retain(x);
    for (int i = 0; i < LAYERS; i++) {
        struct tensor *next = NULL;
        if (nn_layer_call((struct nn_layer *)m->layer[i], &m->y, 1, true, &next, e)) return e->status;
        tensor_release(m->y);
        m->y = next;
    }
    return nn_loss_call(m->loss, labels, m->y, NULL, &m->value, e);
}

static int weights_of(const struct network *m, struct variable **v) {
    int n = 0;
    for (int i = 0; i < LAYERS; i++)
        for (int k = 0; k < m->layer[i]->nvariable; k++)
            if (m->layer[i]->variable[k]->trainable) v[n++] = m->layer[i]->variable[k];
    return n;
}

static enum status backward(struct network *m, struct err *e) {
    struct variable *v[MAX_WEIGHTS];
    struct tensor *value[MAX_WEIGHTS], *gradient[MAX_WEIGHTS];
    int n = weights_of(m, v);
    for (int i = 0; i < n; i++)
        if (variable_read(test_nn, v[i], &value[i], e)) return e->status;
    struct op_emitter emit = run_emitter(test_nn, e);
    if (!tape_gradient(m->tape, &emit, m->value, NULL, value, n, gradient, e))
        nn_optimizer_apply((struct nn_optimizer *)m->optimizer, gradient, v, n, e);
    op_emitter_close(&emit);
    return e->status;
}

/* Forward, backward, update, metric: now, or into a trace. */
static enum status train(struct network *m, struct tensor *x, struct tensor *labels, struct err *e) {
    if (tape_new(false, &m->tape, e)) return e->status;
    test_nn->tape[test_nn->ntape++] = m->tape;
    forward(m, x, labels, e);
    test_nn->ntape--;
    if (e->status || backward(m, e)) return e->status;
    return nn_metric_update(m->metric, labels, m->y, NULL, e);
}

static enum status train_compiled(struct network *m, struct err *e) {
    struct program *p = NULL;
    struct tensor *in[2] = {m->x, m->labels}, *symbol[2], *loss = NULL;
    if (trace_begin(test_nn, e)) return e->status;
    for (int i = 0; i < 2 && !e->status; i++) trace_input(test_nn, in[i]->dtype, &in[i]->shape, &symbol[i], e);
    if (e->status || train(m, symbol[0], symbol[1], e))
        trace_abort(test_nn);
    else
        trace_end(test_nn, &m->value, 1, &p, e);
    for (int i = 0; i < 2 && !e->status; i++) {
        program_call(test_nn, p, in, 2, &loss, e);
        tensor_release(loss);
        loss = NULL;
    }
    program_release(p);
    return e->status;
}

static enum status report(struct network *m, struct err *e) {
    struct tensor *result = NULL;
    if (nn_metric_result(m->metric, &result, e)) return e->status;
    tensor_release(result);
    json_decref(nn_serialize(m->layer[1], e));
    return e->status ? e->status : nn_metric_reset(m->metric, e);
}

static enum status step(bool compiled, struct err *e) {
    struct network m = {.tape = NULL};
    nn_set_random_seed(test_nn, 200);
    run_reset_names(test_nn);
    if (!construct(&m, e) && !make_inputs(&m, e) && !(compiled ? train_compiled(&m, e) : train(&m, m.x, m.labels, e)))
        report(&m, e);
    release(&m);
    run_reset_names(test_nn);
    return e->status;
}

/* Runs the step with faults from the n-th allocation on; returns how many allocations it asked for. */
static size_t step_failing(bool compiled, size_t n, size_t (*inject)(size_t n), enum status *s) {
    struct err e = {0};
    size_t before = mem_used();
    struct variable *variables = test_nn->variables;
    inject(n);
    *s = step(compiled, &e);
    size_t seen = inject(0);
    if (*s && *s != ERR_MEMORY) fail_msg("allocation %zu: %s", n, e.text);
    if (mem_used() != before) fail_msg("allocation %zu: %zu bytes leaked", n, mem_used() - before);
    assert_ptr_equal(test_nn->variables, variables);
    return seen;
}

static int parse(void **state) {
    for (int i = 0; i < LAYERS; i++) {
        struct err e = {0};
        if (!(parsed[i] = json_parse(layer_json[i], strlen(layer_json[i]), &e))) return -1;
    }
    return test_nn_open(state);
}

static int forget(void **state) {
    for (int i = 0; i < LAYERS; i++) json_decref(parsed[i]);
    return test_nn_close(state);
}

static void check_each_allocation(bool compiled) {
    enum status s;
    struct err e = {0};
    assert_ok(step(compiled, &e), &e); /* warms up what the device keeps */
    size_t total = step_failing(compiled, 0, mem_fail_after, &s);
    assert_true(total > 100);
    for (size_t n = 1; n <= total; n++) {
        step_failing(compiled, n, mem_fail_once, &s); /* a block is tried twice: this may succeed */
        if (n % 5 && n > 200) continue;
        step_failing(compiled, n, mem_fail_after, &s);
        assert_int_equal(s, ERR_MEMORY);
    }
    step_failing(compiled, total + 1, mem_fail_after, &s);
    assert_int_equal(s, OK);
}

static void test_eager(void **state) {
    (void)state;
    check_each_allocation(false);
}

static void test_compiled(void **state) {
    (void)state;
    check_each_allocation(true);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_eager), cmocka_unit_test(test_compiled)};
    return cmocka_run_group_tests(tests, parse, forget);
}
