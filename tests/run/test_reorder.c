/* Max pooling traced before an increasing function: fewer elements to compute, the same values and gradients. */
#include "op/ops.h"
#include "support/nn.h"
#include "support/tape.h"

static const struct op_window halves = {{2, 2}, {2, 2}, {1, 1}, {0, 0}, {0, 0}, 1, {0, 0}};

enum { BATCH = 3, SIDE = 6, CHANNELS = 5 };

/* Deterministic numbers without ties, of either sign. */
static struct tensor *numbers(struct shape s) {
    float values[BATCH * SIDE * SIDE * CHANNELS];
    for (int64_t i = 0; i < shape_size(&s); i++) values[i] = (float)((i * 7919 + 13) % 1009) / 200 - 2.5f;
    return test_floats(s, values);
}

typedef emit_t formula(struct op_emitter *e, emit_t x, emit_t bias);

static emit_t pool_elu(struct op_emitter *e, emit_t x, emit_t bias) {
    return emit_max_pool2d(e, emit_elu(e, emit_add(e, x, bias), 1), &halves);
}

static emit_t pool_of_sum(struct op_emitter *e, emit_t x, emit_t bias) {
    return emit_max_pool2d(e, emit_add(e, x, emit_mul(e, x, bias)), &halves);
}

static emit_t pool_falling(struct op_emitter *e, emit_t x, emit_t bias) {
    return emit_max_pool2d(e, emit_elu(e, emit_add(e, x, bias), -1), &halves);
}

/* A program of (f(x, bias), df/dx, df/dbias), traced under `passes`. */
static struct program *compile(formula *f, unsigned passes, const struct tensor *x, const struct tensor *bias) {
    struct err e = {0};
    struct tensor *in[2], *out[3];
    struct program *p = NULL;
    test_nn->passes = passes;
    assert_ok(trace_begin(test_nn, &e), &e);
    assert_ok(trace_input(test_nn, x->dtype, &x->shape, &in[0], &e), &e);
    assert_ok(trace_input(test_nn, bias->dtype, &bias->shape, &in[1], &e), &e);
    struct tape *tape = test_tape_begin(in, 2);
    struct op_emitter m = run_emitter(test_nn, &e);
    out[0] = f(&m, in[0], in[1]);
    test_tape_end(tape, out[0], NULL, in, 2, out + 1);
    assert_ok(trace_end(test_nn, out, 3, &p, &e), &e);
    for (int k = 1; k < 3; k++) tensor_release(out[k]);
    op_emitter_close(&m);
    test_nn->passes = GRAPH_ALL;
    return p;
}

/* Whether the program's one max pooling reads an input of the program: nothing is computed before it. */
static bool pools_an_input(const struct program *p) {
    const struct graph *g = program_graph(p);
    for (int i = 0; i < g->nnode; i++)
        if (g->node[i].op == &op_max_pool2d_argmax) return g->value[g->node[i].in[0]].kind == GRAPH_INPUT;
    return false;
}

static void check(formula *f, struct shape bias_shape, bool moved) {
    struct err e = {0};
    struct tensor *in[2] = {numbers((struct shape){4, {BATCH, SIDE, SIDE, CHANNELS}}), numbers(bias_shape)};
    struct tensor *fast[3], *plain[3];
    struct program *a = compile(f, GRAPH_ALL, in[0], in[1]),
                   *b = compile(f, GRAPH_ALL & ~GRAPH_POOL_FIRST, in[0], in[1]);
    assert_int_equal(pools_an_input(a), moved);
    assert_false(pools_an_input(b));
    assert_ok(program_call(test_nn, a, in, 2, fast, &e), &e);
    assert_ok(program_call(test_nn, b, in, 2, plain, &e), &e);
    for (int k = 0; k < 3; k++) {
        assert_true(shape_equal(&fast[k]->shape, &plain[k]->shape));
        for (int64_t i = 0; i < tensor_size(fast[k]); i++)
            assert_float_equal(test_item(fast[k], i), test_item(plain[k], i), k == 2 ? 1e-5 : 0);
        tensor_release(fast[k]);
        tensor_release(plain[k]);
    }
    program_release(a);
    program_release(b);
    tensor_release(in[0]);
    tensor_release(in[1]);
}

static void test_bias_and_activation_follow_pooling(void **state) {
    (void)state;
    check(pool_elu, (struct shape){1, {CHANNELS}}, true);
    check(pool_elu, (struct shape){4, {BATCH, 1, 1, CHANNELS}}, true);
}

static void test_what_varies_within_windows_stays(void **state) {
    (void)state;
    check(pool_elu, (struct shape){3, {SIDE, 1, 1}}, false);
    check(pool_of_sum, (struct shape){1, {CHANNELS}}, false);
}

static void test_falling_functions_stay(void **state) {
    (void)state;
    check(pool_falling, (struct shape){1, {CHANNELS}}, false);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bias_and_activation_follow_pooling),
        cmocka_unit_test(test_what_varies_within_windows_stays),
        cmocka_unit_test(test_falling_functions_stay),
    };
    return cmocka_run_group_tests(tests, test_nn_open, test_nn_close);
}
