/* Elementwise regions become one node, in an order in which they can run; taking the pass out changes no bit. */
#include "support/graphs.h"

static int fused_nodes(const struct graph *g) {
    int n = 0;
    for (int i = 0; i < g->nnode; i++) n += g->node[i].fused != NULL;
    return n;
}

static struct graph *fused(struct graph *g) {
    struct err e = {0};
    assert_ok(graph_optimize(g, GRAPH_FUSE, &e), &e);
    return g;
}

static void a_chain_is_one_node(void **state) {
    (void)state;
    struct graph *g = graphs_new();
    const int x = graphs_input(g, SHAPE(4, 5)), bias = graphs_input(g, SHAPE(5));
    const int sum = graphs_call(g, &op_add, 2, x, bias), t = graphs_call(g, &op_tanh, 1, sum);
    graphs_output(g, graphs_call(g, &op_mul, 2, t, t));
    fused(g);
    assert_int_equal(g->nnode, 1);
    assert_non_null(g->node[0].fused);
    assert_int_equal(g->node[0].fused->nstep, 3);
    assert_int_equal(g->node[0].fused->nout, 1);
    assert_int_equal(g->node[0].nin, 2);
    graph_free(g);
}

static void what_is_read_outside_leaves_the_region(void **state) {
    (void)state;
    struct graph *g = graphs_new();
    const int x = graphs_input(g, SHAPE(4, 5)), a = graphs_call(g, &op_exp, 1, x), b = graphs_call(g, &op_neg, 1, a);
    graphs_output(g, graphs_sum(g, a, 0));
    graphs_output(g, b);
    fused(g);
    assert_int_equal(g->nnode, 2);
    assert_int_equal(fused_nodes(g), 1);
    assert_int_equal(g->node[0].fused->nout, 2);
    graph_free(g);
}

/* An unrolled network of some hundred steps has as many nodes: no pass may look at all of them for each. */
static void many_nodes_take_no_time(void **state) {
    (void)state;
    enum { NODES = 30000, MOST = 40 };
    struct err e = {0};
    struct graph *g = graphs_new();
    int v = graphs_input(g, SHAPE(4));
    for (int i = 0; i < NODES; i++) v = graphs_call(g, i % 2 ? &op_neg : &op_tanh, 1, v);
    graphs_output(g, v);
    assert_ok(graph_optimize(g, GRAPH_ALL, &e), &e);
    assert_int_equal(g->nnode, NODES / MOST);
    assert_int_equal(fused_nodes(g), NODES / MOST);
    graph_free(g);
}

/* exp(x) * sum(exp(x)): joining both elementwise nodes would close a circle through the sum. */
static void a_region_is_convex(void **state) {
    (void)state;
    struct graph *g = graphs_new();
    const int x = graphs_input(g, SHAPE(4, 5)), a = graphs_call(g, &op_exp, 1, x);
    graphs_output(g, graphs_call(g, &op_mul, 2, a, graphs_sum(g, a, 1)));
    fused(g);
    assert_int_equal(fused_nodes(g), 0);
    assert_int_equal(g->nnode, 3);
    graph_free(g);
}

/* {b, d} and {a, e} each feed the other, though every path between nodes goes one way: b, sum, e and a, d. */
static void regions_may_not_feed_each_other(void **state) {
    (void)state;
    struct graph *g = graphs_new();
    const int x = graphs_input(g, SHAPE(1, 5)), y = graphs_input(g, SHAPE(4, 5));
    const int b = graphs_call(g, &op_exp, 1, y), sum = graphs_sum(g, b, 0), a = graphs_call(g, &op_exp, 1, x);
    graphs_output(g, graphs_call(g, &op_add, 2, b, a));
    graphs_output(g, graphs_call(g, &op_add, 2, a, sum));
    float *before = graphs_run(g, 1);
    fused(g);
    assert_int_equal(fused_nodes(g), 1);
    float *after = graphs_run(g, 1);
    assert_memory_equal(before, after, graphs_floats(g) * sizeof *before);
    test_free(before);
    test_free(after);
    graph_free(g);
}

static void what_nobody_reads_is_dropped(void **state) {
    (void)state;
    struct graph *g = graphs_new();
    const int x = graphs_input(g, SHAPE(4, 5));
    graphs_call(g, &op_neg, 1, graphs_call(g, &op_exp, 1, x));
    graphs_output(g, x);
    fused(g);
    assert_int_equal(g->nnode, 0);
    graph_free(g);
}

static void other_shapes_stay_apart(void **state) {
    (void)state;
    struct graph *g = graphs_new();
    const int x = graphs_input(g, SHAPE(4, 5)), bias = graphs_call(g, &op_exp, 1, graphs_input(g, SHAPE(5)));
    graphs_output(g, graphs_call(g, &op_add, 2, x, bias));
    fused(g);
    assert_int_equal(fused_nodes(g), 0);
    graph_free(g);
}

static void nodes_stand_where_they_can_run(const struct graph *g) {
    for (int i = 0; i < g->nnode; i++)
        for (int k = 0; k < g->node[i].nin; k++) {
            const struct graph_value *v = &g->value[g->node[i].in[k]];
            assert_true(v->kind != GRAPH_RESULT || v->node < i);
        }
}

static void no_bit_changes(void **state) {
    (void)state;
    int regions = 0;
    for (unsigned seed = 0; seed < 120; seed++) {
        struct graph *g = graphs_random(seed, 10 + (int)seed % 70, 9);
        float *before = graphs_run(g, seed);
        fused(g);
        nodes_stand_where_they_can_run(g);
        regions += fused_nodes(g);
        float *after = graphs_run(g, seed);
        assert_memory_equal(before, after, graphs_floats(g) * sizeof *before);
        test_free(before);
        test_free(after);
        graph_free(g);
    }
    assert_true(regions > 240);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_chain_is_one_node),
        cmocka_unit_test(many_nodes_take_no_time),
        cmocka_unit_test(what_is_read_outside_leaves_the_region),
        cmocka_unit_test(a_region_is_convex),
        cmocka_unit_test(regions_may_not_feed_each_other),
        cmocka_unit_test(what_nobody_reads_is_dropped),
        cmocka_unit_test(other_shapes_stay_apart),
        cmocka_unit_test(no_bit_changes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
