/* Which outputs can be computed into which inputs' bytes. */
#include "graph/layout.h"
#include "support/graphs.h"

enum { N = 16 };

static struct graph_layout *laid_out(struct graph *g, unsigned passes) {
    struct err e = {0};
    struct graph_layout *l;
    static struct storage arena;
    assert_ok(graph_optimize(g, passes, &e), &e);
    assert_ok(graph_layout_new(g, &arena, &l, &e), &e);
    return l;
}

/* Whether output 0 overwrites input 0; frees the graph. */
static bool overwrites(struct graph *g, unsigned passes) {
    struct graph_layout *l = laid_out(g, passes);
    const bool yes = graph_layout_overwrites(l, 0, 0);
    graph_layout_free(l);
    graph_free(g);
    return yes;
}

/* w and what its update is computed from. */
static struct graph *begin(int *w, int *x) {
    struct graph *g = graphs_new();
    *w = graphs_input(g, SHAPE(N, N));
    *x = graphs_input(g, SHAPE(N, N));
    return g;
}

static void an_update_overwrites(void **state) {
    (void)state;
    int w, x;
    struct graph *g = begin(&w, &x);
    graphs_output(g, graphs_call(g, &op_add, 2, w, graphs_call(g, &op_exp, 1, x)));
    assert_true(overwrites(g, 0));
    g = begin(&w, &x);
    graphs_output(g, graphs_call(g, &op_add, 2, w, graphs_call(g, &op_mul, 2, w, x)));
    assert_true(overwrites(g, GRAPH_ALL)); /* one region, whose last step writes */
}

static void a_product_does_not(void **state) {
    (void)state;
    int w, x;
    struct err e = {0};
    struct graph *g = begin(&w, &x);
    graphs_output(g, graph_add(g, &op_matmul, (int[]){w, x}, 2, &(union op_attrs){0}, &e));
    assert_false(overwrites(g, 0));
}

static void what_is_read_later_stays(void **state) {
    (void)state;
    int w, x;
    struct graph *g = begin(&w, &x);
    graphs_output(g, graphs_call(g, &op_add, 2, w, x));
    graphs_output(g, graphs_call(g, &op_exp, 1, w));
    assert_false(overwrites(g, 0));
    g = begin(&w, &x); /* within one region, too */
    const int next = graphs_call(g, &op_add, 2, w, x);
    graphs_output(g, next);
    graphs_output(g, graphs_call(g, &op_mul, 2, next, w));
    assert_false(overwrites(g, GRAPH_ALL));
    g = begin(&w, &x);
    graphs_output(g, graphs_call(g, &op_add, 2, w, x));
    graphs_output(g, w);
    assert_false(overwrites(g, 0));
}

/* Elements that are read where others are written. */
static void what_is_read_elsewhere_stays(void **state) {
    (void)state;
    int w, x;
    struct err e = {0};
    struct graph *g = begin(&w, &x);
    const int turned = graph_add(g, &op_transpose, &w, 1, &(union op_attrs){.axes = {2, {1, 0}, false}}, &e);
    graphs_output(g, graphs_call(g, &op_add, 2, w, turned));
    assert_false(overwrites(g, 0));
    g = graphs_new();
    const int row = graphs_input(g, SHAPE(N)), matrix = graphs_input(g, SHAPE(N, N));
    graphs_output(g, graphs_call(g, &op_add, 2, row, matrix));
    assert_false(overwrites(g, 0));
}

/* Copies for outputs come after the last node, and may fail. */
static void outputs_that_are_copied_prevent_it(void **state) {
    (void)state;
    int w, x;
    struct graph *g = begin(&w, &x);
    graphs_output(g, graphs_call(g, &op_add, 2, w, x));
    graphs_output(g, x);
    assert_false(overwrites(g, 0));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_update_overwrites),
        cmocka_unit_test(a_product_does_not),
        cmocka_unit_test(what_is_read_later_stays),
        cmocka_unit_test(what_is_read_elsewhere_stays),
        cmocka_unit_test(outputs_that_are_copied_prevent_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
