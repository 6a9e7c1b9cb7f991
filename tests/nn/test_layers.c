/* Every layer that has a golden case: inference, training, gradients, changed weights, the compiled graph, its JSON. A new
 * layer needs its file in tests/golden/layers alone. */
#include "support/golden.h"
#include "support/tape.h"

#include <stdio.h>

#define MAX_INPUTS 8

struct inputs {
    struct tensor *x[MAX_INPUTS];
    int n;
};

static struct inputs inputs_of(const struct golden *g) {
    struct inputs in = {.n = 0};
    while (in.n < MAX_INPUTS && (in.x[in.n] = golden_tensor(g, "x%d", in.n))) in.n++;
    assert_true(in.n > 0);
    return in;
}

static void release_all(struct tensor *const *t, int n) {
    for (int i = 0; i < n; i++) tensor_release(t[i]);
}

static struct nn_object *layer_of(const struct golden *g, const struct inputs *in) {
    struct err e = {0};
    struct op_sig sig[MAX_INPUTS];
    struct nn_object *o = golden_object(g, NN_LAYER, "layer");
    for (int i = 0; i < in->n; i++) sig[i] = (struct op_sig){in->x[i]->dtype, in->x[i]->shape};
    assert_ok(nn_layer_build((struct nn_layer *)o, sig, in->n, NULL, &e), &e);
    for (int i = 0; i < o->nvariable; i++) {
        struct tensor *w = golden_tensor(g, "w%d", i);
        assert_ok(variable_assign(test_nn, o->variable[i], w, &e), &e);
        tensor_release(w);
    }
    assert_null(golden_tensor(g, "w%d", o->nvariable));
    return o;
}

static struct tensor *call(struct nn_object *o, const struct inputs *in, bool training) {
    struct err e = {0};
    struct tensor *y = NULL;
    assert_ok(nn_layer_call((struct nn_layer *)o, in->x, in->n, training, &y, &e), &e);
    return y;
}

static void check_names(const struct golden *g, const struct nn_object *o) {
    json_t *names = golden_json(g, "weights");
    assert_int_equal(json_array_size(names), o->nvariable);
    for (int i = 0; i < o->nvariable; i++)
        assert_string_equal(json_string_value(json_array_get(names, (size_t)i)), o->variable[i]->name);
    json_decref(names);
}

static void check_gradients(const struct golden *g, struct tensor *const *gradient, int nx, int nw) {
    char what[16];
    for (int i = 0; i < nx + nw; i++) {
        snprintf(what, sizeof what, i < nx ? "dx%d" : "dw%d", i < nx ? i : i - nx);
        struct tensor *want = golden_tensor(g, "%s", what);
        if (want) golden_near(g, gradient[i], want, TOLERANCE_KERAS, what);
        tensor_release(gradient[i]);
    }
}

static void check_changed_weights(const struct golden *g, const struct nn_object *o) {
    for (int i = 0; i < o->nvariable; i++) {
        struct tensor *want = golden_tensor(g, "w%d_after", i);
        if (want) golden_near(g, o->variable[i]->value, want, TOLERANCE_KERAS, o->variable[i]->name);
    }
}

static void check_eager(struct golden *g) {
    struct inputs in = inputs_of(g);
    struct nn_object *o = layer_of(g, &in);
    check_names(g, o);
    struct tensor *y = call(o, &in, false);
    golden_near(g, y, golden_tensor(g, "y_inference"), TOLERANCE_KERAS, "y_inference");
    tensor_release(y);

    struct tensor *source[MAX_INPUTS + NN_MAX_VARIABLES], *gradient[MAX_INPUTS + NN_MAX_VARIABLES];
    struct tensor *dy = golden_tensor(g, "dy");
    int n = in.n;
    for (int i = 0; i < in.n; i++) source[i] = in.x[i];
    for (int i = 0; i < o->nvariable; i++)
        if (o->variable[i]->trainable) source[n++] = tensor_retain(o->variable[i]->value);
    struct tape *tape = test_tape_begin(in.x, in.n);
    y = call(o, &in, true);
    golden_near(g, y, golden_tensor(g, "y_training"), TOLERANCE_KERAS, "y_training");
    test_tape_end(tape, y, dy, source, n, gradient);
    check_gradients(g, gradient, in.n, n - in.n);
    check_changed_weights(g, o);

    release_all(source + in.n, n - in.n);
    release_all(in.x, in.n);
    tensor_release(dy);
    tensor_release(y);
    nn_release(o);
}

/* The traced and compiled training call, whose graph is fused, gives what Keras gives, and changes the same weights. */
static void check_compiled(struct golden *g) {
    struct err e = {0};
    struct inputs in = inputs_of(g), symbol = {.n = in.n};
    struct nn_object *o = layer_of(g, &in);
    struct program *p = NULL;
    struct tensor *y = NULL, *out = NULL;
    assert_ok(trace_begin(test_nn, &e), &e);
    for (int i = 0; i < in.n; i++)
        assert_ok(trace_input(test_nn, in.x[i]->dtype, &in.x[i]->shape, &symbol.x[i], &e), &e);
    y = call(o, &symbol, true);
    assert_ok(trace_end(test_nn, &y, 1, &p, &e), &e);
    uint64_t eager = test_nn->eager_calls;
    assert_ok(program_call(test_nn, p, in.x, in.n, &out, &e), &e);
    assert_int_equal(test_nn->eager_calls, eager);
    golden_near(g, out, golden_tensor(g, "y_training"), TOLERANCE_KERAS, "y_training, compiled");
    check_changed_weights(g, o);
    release_all(in.x, in.n);
    tensor_release(y);
    tensor_release(out);
    program_release(p);
    nn_release(o);
}

/* Each key of Keras's config comes back with its value. */
static void check_json(struct golden *g) {
    struct err e = {0};
    json_t *want = golden_json(g, "layer");
    struct nn_object *o = golden_object(g, NN_LAYER, "layer");
    json_t *got = nn_config(o, &e), *config = json_object_get(want, "config");
    assert_ok(e.status, &e);
    assert_int_equal(json_object_size(config), json_object_size(got));
    for (void *i = json_object_iter(config); i; i = json_object_iter_next(config, i)) {
        const char *key = json_object_iter_key(i);
        if (!json_equal(json_object_iter_value(i), json_object_get(got, key)))
            fail_msg("%s: config key %s is another one", o->name, key);
    }
    json_decref(want);
    json_decref(got);
    nn_release(o);
}

static void test_eager(void **state) {
    (void)state;
    golden_each("layers", check_eager);
}

static void test_compiled(void **state) {
    (void)state;
    golden_each("layers", check_compiled);
}

static void test_json(void **state) {
    (void)state;
    golden_each("layers", check_json);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_eager),
        cmocka_unit_test(test_compiled),
        cmocka_unit_test(test_json),
    };
    return cmocka_run_group_tests(tests, test_nn_open, test_nn_close);
}
