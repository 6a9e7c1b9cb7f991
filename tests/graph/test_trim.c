/* Convolutions without the rows that no pooling window reads, and where these stay. */
#include <math.h>

#include "support/graphs.h"

enum { N = 2, SIDE = 13, IN = 3, FILTERS = 4 };

/* A convolution of 13 x 13 that max pooling follows, and both gradients from what is put back into the windows. */
struct pooled {
    struct graph *g;
    int y, dy; /* the convolution's result and its gradient */
};

static struct pooled pooled(int64_t kernel, int64_t before, int64_t after, int64_t window) {
    struct pooled p = {.g = graphs_new()};
    struct graph *g = p.g;
    const int x = graphs_input(g, SHAPE(N, SIDE, SIDE, IN)), k = graphs_input(g, SHAPE(kernel, kernel, IN, FILTERS));
    const union op_attrs conv = {
        .window = {{kernel, kernel}, {1, 1}, {1, 1}, {before, before}, {after, after}, 1, {SIDE, SIDE}}};
    const int64_t side = SIDE + before + after - kernel + 1, windows = side / window;
    const union op_attrs pool = {.window = {{window, window}, {window, window}, {1, 1}, {0}, {0}, 1, {side, side}}};
    const int dvalue = graphs_input(g, SHAPE(N, windows, windows, FILTERS));
    p.y = graphs_with(g, &op_conv2d, x, k, conv);
    const int value = graphs_with(g, &op_max_pool2d_argmax, p.y, -1, pool);
    p.dy = graphs_with(g, &op_max_unpool2d, value + 1, dvalue, pool);
    graphs_output(g, value);
    graphs_output(g, graphs_with(g, &op_conv2d_grad_input, p.dy, k, conv));
    graphs_output(g, graphs_with(g, &op_conv2d_grad_kernel, x, p.dy, conv));
    return p;
}

/* The height of what the graph's one node of this op makes. */
static int64_t height(const struct graph *g, const struct op *op) {
    for (int i = 0; i < g->nnode; i++)
        if (g->node[i].op == op) return g->value[g->node[i].out].sig.shape.dim[1];
    return -1;
}

/* The heights of y and dy when the graph is rewritten; frees it. */
static void check(struct graph *g, int64_t y, int64_t dy) {
    struct err e = {0};
    assert_ok(graph_optimize(g, GRAPH_TRIM, &e), &e);
    assert_int_equal(height(g, &op_conv2d), y);
    assert_int_equal(height(g, &op_max_unpool2d), dy);
    graph_free(g);
}

static void the_results_are_the_same(void **state) {
    (void)state;
    struct err e = {0};
    struct graph *g = pooled(3, 0, 0, 2).g;
    float *want = graphs_run(g, 5);
    assert_ok(graph_optimize(g, GRAPH_TRIM, &e), &e);
    assert_int_equal(height(g, &op_conv2d), 10);
    float *got = graphs_run(g, 5);
    /* Sums of up to 200 products. */
    for (size_t i = 0; i < graphs_floats(g); i++) assert_true(fabsf(got[i] - want[i]) < 200 * 1e-6f);
    test_free(want);
    test_free(got);
    graph_free(g);
}

static void what_no_window_reads_goes(void **state) {
    (void)state;
    check(pooled(3, 0, 0, 2).g, 10, 10); /* of 11 */
    check(pooled(3, 0, 0, 4).g, 8, 8);
    check(pooled(5, 2, 2, 2).g, 12, 12); /* of 13 */
    check(pooled(3, 0, 1, 2).g, 12, 12); /* of 12: nothing */
}

static void single_pixels_stay(void **state) {
    (void)state;
    check(pooled(1, 0, 0, 2).g, 13, 13);
}

static void what_others_read_stays(void **state) {
    (void)state;
    struct pooled p = pooled(3, 0, 0, 2);
    graphs_output(p.g, p.y);
    check(p.g, 11, 10);
    p = pooled(3, 0, 0, 2);
    graphs_output(p.g, graphs_sum(p.g, p.y, 0));
    check(p.g, 11, 10);
    p = pooled(3, 0, 0, 2);
    graphs_output(p.g, graphs_sum(p.g, p.dy, 0));
    check(p.g, 10, 11);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_results_are_the_same),
        cmocka_unit_test(what_no_window_reads_goes),
        cmocka_unit_test(single_pixels_stay),
        cmocka_unit_test(what_others_read_stays),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
