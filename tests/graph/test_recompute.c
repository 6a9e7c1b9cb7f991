/* What is computed again instead of kept: when that costs fewer bytes, and never another bit. */
#include "support/graphs.h"

enum { ROWS = 100, COLUMNS = 70 };

/* The graph after the passes, whose results must be the same bits; the caller frees it. */
static struct graph *rewritten(struct graph *g, unsigned passes, unsigned seed) {
    struct err e = {0};
    float *want = graphs_run(g, seed);
    assert_ok(graph_optimize(g, passes, &e), &e);
    float *got = graphs_run(g, seed);
    assert_memory_equal(want, got, graphs_floats(g) * sizeof *want);
    test_free(want);
    test_free(got);
    return g;
}

/* How many values of the graph's full shape regions hand to others. */
static int handed_over(struct graph *g) {
    int n = 0;
    for (int i = 0; i < g->nnode; i++) {
        const struct shape *s = &g->value[g->node[i].out].sig.shape;
        if (s->dim[0] == ROWS && s->dim[1] == COLUMNS) n += g->node[i].nout;
    }
    graph_free(g);
    return n;
}

/* x - mean for another region is computed there from x, which is an input; e^x is not computed twice. */
static void cheap_values_are_computed_again(void **state) {
    (void)state;
    for (int cheap = 0; cheap < 2; cheap++) {
        struct graph *g = graphs_new();
        const int x = graphs_input(g, SHAPE(ROWS, COLUMNS)), row = graphs_input(g, SHAPE(1, COLUMNS));
        const int far = cheap ? graphs_call(g, &op_sub, 2, x, row) : graphs_call(g, &op_exp, 1, x);
        const int sum = graphs_sum(g, graphs_call(g, &op_tanh, 1, far), 0);
        graphs_output(g, graphs_call(g, &op_mul, 2, far, sum));
        assert_int_equal(handed_over(rewritten(g, GRAPH_ALL, 1)), cheap ? 2 : 3);
    }
}

/* y > 0 and y + 1 for another region: y alone is handed over. */
static void two_values_become_one(void **state) {
    (void)state;
    for (int with = 0; with < 2; with++) {
        struct graph *g = graphs_new();
        const int x = graphs_input(g, SHAPE(ROWS, COLUMNS)), row = graphs_input(g, SHAPE(1, COLUMNS));
        const int y = graphs_call(g, &op_exp, 1, x), product = graphs_call(g, &op_tanh, 1, y);
        const int more = graphs_call(g, &op_add, 2, y, row), positive = graphs_call(g, &op_gt, 2, y, row);
        const int sum = graphs_sum(g, product, 0), factor = graphs_call(g, &op_mul, 2, more, sum);
        graphs_output(g, graphs_call(g, &op_where, 3, positive, factor, sum));
        const unsigned passes = with ? GRAPH_ALL : GRAPH_ALL & ~(unsigned)GRAPH_RECOMPUTE;
        /* The last region's result, tanh for the sum, and y or both of its. */
        assert_int_equal(handed_over(rewritten(g, passes, 3)), with ? 3 : 4);
    }
}

/* A mask of bytes is kept rather than the numbers that it is made from. */
static void fewer_bytes_stay(void **state) {
    (void)state;
    struct graph *g = graphs_new();
    const int x = graphs_input(g, SHAPE(ROWS, COLUMNS)), row = graphs_input(g, SHAPE(1, COLUMNS));
    const int y = graphs_call(g, &op_exp, 1, x), positive = graphs_call(g, &op_gt, 2, y, row);
    const int sum = graphs_sum(g, graphs_call(g, &op_tanh, 1, y), 0);
    graphs_output(g, graphs_call(g, &op_where, 3, positive, sum, row));
    int masks = 0;
    rewritten(g, GRAPH_ALL, 4);
    for (int v = 0; v < g->nvalue; v++) masks += g->value[v].sig.dtype == DT_BOOL;
    assert_int_equal(masks, 1);
    graph_free(g);
}

/* x + x, again and again: more than a region holds, and each node reads the one before twice. */
static void long_chains_stay_short(void **state) {
    (void)state;
    struct graph *g = graphs_new();
    int v = graphs_input(g, SHAPE(ROWS, COLUMNS));
    for (int i = 0; i < 100; i++) v = graphs_call(g, &op_add, 2, v, v);
    graphs_output(g, v);
    const int before = g->nnode;
    rewritten(g, GRAPH_RECOMPUTE, 1);
    assert_in_range(g->nnode, before, before + 20);
    graph_free(g);
}

static void no_bit_changes(void **state) {
    (void)state;
    int again = 0;
    for (unsigned seed = 0; seed < 80; seed++) {
        struct graph *g = rewritten(graphs_random(seed, 10 + (int)seed % 50, 70), GRAPH_RECOMPUTE, seed);
        for (int i = 0; i < g->nnode; i++) again += g->node[i].late;
        graph_free(rewritten(g, GRAPH_FUSE, seed));
    }
    assert_true(again > 20);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(cheap_values_are_computed_again),
        cmocka_unit_test(two_values_become_one),
        cmocka_unit_test(fewer_bytes_stay),
        cmocka_unit_test(long_chains_stay_short),
        cmocka_unit_test(no_bit_changes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
