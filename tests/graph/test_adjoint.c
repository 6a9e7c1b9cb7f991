/* Sums of a convolution's input gradient without that gradient, and where it must stay. */
#include <math.h>

#include "support/graphs.h"

enum { N = 3, H = 7, W = 6, OUT_H = 4, OUT_W = 6, FILTERS = 5 };

/* A convolution of raw * scale + shift, strided and padded, and what batch normalisation needs of its gradients. */
struct first_layer {
    struct graph *g;
    int raw, dx, dk, sum, moment; /* values */
};

static int over_positions(struct graph *g, int x) {
    return graphs_with(g, &op_sum, x, -1, (union op_attrs){.axes = {3, {0, 1, 2}, false}});
}

static struct first_layer first_layer(int64_t channels, int64_t groups) {
    struct first_layer l = {.g = graphs_new()};
    struct graph *g = l.g;
    const union op_attrs window = {
        .window = {{3, 2}, {2, 1}, {1, 1}, {1, 0}, {1, 1}, groups, {H, W}},
    };
    l.raw = graphs_input(g, SHAPE(N, H, W, channels));
    const int scale = graphs_input(g, SHAPE(channels)), shift = graphs_input(g, SHAPE(channels));
    const int kernel = graphs_input(g, SHAPE(3, 2, channels / groups, FILTERS * groups));
    const int dy = graphs_input(g, SHAPE(N, OUT_H, OUT_W, FILTERS * groups));
    const int x = graphs_call(g, &op_add, 2, shift, graphs_call(g, &op_mul, 2, l.raw, scale));
    l.dx = graphs_with(g, &op_conv2d_grad_input, dy, kernel, window);
    l.dk = graphs_with(g, &op_conv2d_grad_kernel, x, dy, window);
    l.sum = over_positions(g, l.dx);
    l.moment = over_positions(g, graphs_call(g, &op_mul, 2, l.dx, l.raw));
    graphs_output(g, l.dk);
    graphs_output(g, l.sum);
    graphs_output(g, l.moment);
    return l;
}

static int count(const struct graph *g, const struct op *op) {
    int n = 0;
    for (int i = 0; i < g->nnode; i++) n += g->node[i].op == op;
    return n;
}

/* Rewrites the graph; whether the input gradient is gone. Frees the graph. */
static bool goes(struct graph *g) {
    struct err e = {0};
    assert_ok(graph_optimize(g, GRAPH_ADJOINT, &e), &e);
    assert_int_equal(count(g, &op_conv2d_grad_kernel), 1);
    const bool gone = count(g, &op_conv2d_grad_input) == 0;
    graph_free(g);
    return gone;
}

static void the_sums_are_the_same(void **state) {
    (void)state;
    for (int64_t channels = 1; channels <= 4; channels++) {
        struct err e = {0};
        struct first_layer l = first_layer(channels, 1);
        float *want = graphs_run(l.g, 7);
        assert_ok(graph_optimize(l.g, GRAPH_ALL, &e), &e);
        assert_int_equal(count(l.g, &op_conv2d_grad_input), 0);
        float *got = graphs_run(l.g, 7);
        assert_int_equal(graphs_floats(l.g), 3 * 2 * channels * FILTERS + 2 * channels);
        /* Sums of some 72 products of numbers below 2. */
        for (size_t i = 0; i < graphs_floats(l.g); i++) assert_true(fabsf(got[i] - want[i]) < 72 * 4 * 1e-6f);
        test_free(want);
        test_free(got);
        graph_free(l.g);
    }
}

static void a_gradient_that_is_needed_stays(void **state) {
    (void)state;
    struct first_layer l = first_layer(1, 1);
    graphs_output(l.g, l.dx);
    assert_false(goes(l.g));
    l = first_layer(1, 1);
    graphs_output(l.g, graphs_call(l.g, &op_exp, 1, l.dx));
    assert_false(goes(l.g));
    l = first_layer(1, 1); /* its product with something else */
    graphs_output(l.g, over_positions(l.g, graphs_call(l.g, &op_mul, 2, l.dx, graphs_call(l.g, &op_exp, 1, l.raw))));
    assert_false(goes(l.g));
    l = first_layer(1, 1); /* another sum of it */
    graphs_output(l.g, graphs_sum(l.g, l.dx, 0));
    assert_false(goes(l.g));
}

/* Another convolution's kernel gradient from the same dy. */
static void gradients_of_two_convolutions_stay(void **state) {
    (void)state;
    const union op_attrs window = {.window = {{3, 2}, {2, 1}, {1, 1}, {1, 0}, {1, 1}, 1, {H, W}}};
    struct graph *g = graphs_new();
    const int raw = graphs_input(g, SHAPE(N, H, W, 2)), scale = graphs_input(g, SHAPE(2)),
              shift = graphs_input(g, SHAPE(2));
    const int kernel = graphs_input(g, SHAPE(3, 2, 1, FILTERS)), dy = graphs_input(g, SHAPE(N, OUT_H, OUT_W, FILTERS));
    const int x = graphs_call(g, &op_add, 2, graphs_call(g, &op_mul, 2, raw, scale), shift);
    const int dx = graphs_with(g, &op_conv2d_grad_input, dy, kernel, window);
    graphs_output(g, graphs_with(g, &op_conv2d_grad_kernel, x, dy, window));
    graphs_output(g, over_positions(g, dx));
    assert_false(goes(g));
}

static void many_channels_and_groups_stay(void **state) {
    (void)state;
    assert_true(goes(first_layer(4, 1).g));
    assert_false(goes(first_layer(5, 1).g));
    assert_false(goes(first_layer(4, 2).g));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_sums_are_the_same),
        cmocka_unit_test(a_gradient_that_is_needed_stays),
        cmocka_unit_test(gradients_of_two_convolutions_stay),
        cmocka_unit_test(many_channels_and_groups_stay),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
