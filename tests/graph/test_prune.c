/* Dead nodes go and equal ones become one; the results stay to the bit. */
#include "support/graphs.h"

static int count(const struct graph *g, const struct op *op) {
    int n = 0;
    for (int i = 0; i < g->nnode; i++) n += g->node[i].op == op;
    return n;
}

/* exp(x) + exp(x), a tanh(x) that nobody reads, and sums of x over either axis. */
static struct graph *example(void) {
    struct graph *g = graphs_new();
    const int x = graphs_input(g, SHAPE(3, 4));
    const int a = graphs_call(g, &op_exp, 1, x), b = graphs_call(g, &op_exp, 1, x);
    graphs_call(g, &op_tanh, 1, x);
    graphs_output(g, graphs_call(g, &op_add, 2, a, b));
    graphs_output(g, graphs_sum(g, x, 0));
    graphs_output(g, graphs_sum(g, x, 1));
    return g;
}

static void dead_nodes_go(void **state) {
    (void)state;
    struct err e = {0};
    struct graph *g = example();
    assert_ok(graph_optimize(g, GRAPH_DCE, &e), &e);
    assert_int_equal(count(g, &op_tanh), 0);
    assert_int_equal(count(g, &op_exp), 2);
    assert_int_equal(g->nnode, 5);
    graph_free(g);
}

static void equal_nodes_become_one(void **state) {
    (void)state;
    struct err e = {0};
    struct graph *g = example();
    assert_ok(graph_optimize(g, GRAPH_CSE, &e), &e);
    assert_int_equal(count(g, &op_exp), 1);
    assert_int_equal(count(g, &op_tanh), 1);
    assert_int_equal(count(g, &op_sum), 2); /* other attributes: another node */
    graph_free(g);
}

static void inputs_and_outputs_keep_their_order(void **state) {
    (void)state;
    struct err e = {0};
    struct graph *g = graphs_new();
    const int a = graphs_input(g, SHAPE(2, 1)), unread = graphs_input(g, SHAPE(5)), b = graphs_input(g, SHAPE(1, 3));
    const int sum = graphs_call(g, &op_add, 2, a, b);
    graphs_output(g, b);
    graphs_output(g, sum);
    graphs_output(g, graphs_call(g, &op_add, 2, a, b));
    graphs_output(g, unread);
    assert_ok(graph_optimize(g, GRAPH_CSE | GRAPH_DCE, &e), &e);
    assert_int_equal(g->ninput, 3);
    assert_int_equal(g->output[0], g->input[2]);
    assert_int_equal(g->output[1], g->output[2]);
    assert_int_equal(g->output[3], g->input[1]);
    assert_true(shape_equal(&g->value[g->output[1]].sig.shape, SHAPE_AT(2, 3)));
    graph_free(g);
}

static void no_bit_changes(void **state) {
    (void)state;
    struct err e = {0};
    int removed = 0;
    for (unsigned seed = 0; seed < 60; seed++) {
        struct graph *g = graphs_random(seed, 40, 7);
        float *before = graphs_run(g, seed);
        const int nodes = g->nnode;
        assert_ok(graph_optimize(g, seed % 3 ? GRAPH_CSE | GRAPH_DCE : seed % 2 ? GRAPH_CSE : GRAPH_DCE, &e), &e);
        float *after = graphs_run(g, seed);
        assert_memory_equal(before, after, graphs_floats(g) * sizeof *before);
        removed += nodes - g->nnode;
        test_free(before);
        test_free(after);
        graph_free(g);
    }
    assert_true(removed > 60);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(dead_nodes_go),
        cmocka_unit_test(equal_nodes_become_one),
        cmocka_unit_test(inputs_and_outputs_keep_their_order),
        cmocka_unit_test(no_bit_changes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
