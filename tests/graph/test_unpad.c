/* Sums of padded parts as concatenations: side by side, in any order and nesting; and what must stay a sum. */
#include "support/graphs.h"

enum { ROWS = 3, SIDE = 12 };

/* x (rows, width) padded to (ROWS, SIDE), or to another width, from `start` on. */
static int padded(struct graph *g, int x, int64_t side, int64_t start) {
    return graphs_with(g, &op_pad, x, -1,
                       (union op_attrs){.slice = {.shape = SHAPE(ROWS, side), .start = {0, start}, .step = {1, 1}}});
}

static int part(struct graph *g, int64_t width, int64_t side, int64_t start) {
    return padded(g, graphs_input(g, SHAPE(ROWS, width)), side, start);
}

static int sum(struct graph *g, int a, int b) {
    return graphs_call(g, &op_add, 2, a, b);
}

static int count(const struct graph *g, const struct op *op) {
    int n = 0;
    for (int i = 0; i < g->nnode; i++) n += g->node[i].op == op;
    return n;
}

/* The graph's numbers stay, and it has so many concatenations and pads then; frees it. */
static void check(struct graph *g, int concatenations, int pads) {
    struct err e = {0};
    float *want = graphs_run(g, 3);
    assert_ok(graph_optimize(g, GRAPH_UNPAD | GRAPH_DCE, &e), &e);
    float *got = graphs_run(g, 3);
    for (size_t i = 0; i < graphs_floats(g); i++) assert_true(got[i] == want[i]);
    assert_int_equal(count(g, &op_concatenate), concatenations);
    assert_int_equal(count(g, &op_pad), pads);
    test_free(want);
    test_free(got);
    graph_free(g);
}

static void parts_side_by_side_are_concatenated(void **state) {
    (void)state;
    struct graph *g = graphs_new();
    graphs_output(g, sum(g, part(g, 4, SIDE, 0), part(g, 8, SIDE, 4)));
    check(g, 1, 0);
    g = graphs_new(); /* ((c + a) + b) + d */
    const int c = part(g, 5, SIDE, 4), a = part(g, 1, SIDE, 0), b = part(g, 3, SIDE, 1), d = part(g, 3, SIDE, 9);
    graphs_output(g, sum(g, sum(g, sum(g, c, a), b), d));
    check(g, 1, 0);
}

/* Halves of halves, and a half that somebody else reads, too. */
static void halves_become_one_concatenation(void **state) {
    (void)state;
    for (int shared = 0; shared < 2; shared++) {
        struct graph *g = graphs_new();
        const int first = sum(g, part(g, 2, 5, 0), part(g, 3, 5, 2)), last = sum(g, part(g, 3, 7, 0), part(g, 4, 7, 3));
        graphs_output(g, sum(g, padded(g, first, SIDE, 0), padded(g, last, SIDE, 5)));
        if (shared) graphs_output(g, last);
        check(g, 1 + shared, 0);
    }
}

static void as_many_as_fit_become_one(void **state) {
    (void)state;
    enum { PARTS = OP_MAX_IN + 6 };
    const union op_attrs along = {.axes = {1, {1}, false}};
    struct graph *g = graphs_new();
    const int x = graphs_input(g, SHAPE(ROWS, 1)), y = graphs_input(g, SHAPE(ROWS, 2));
    int whole = x;
    for (int k = 1; k < PARTS; k++) whole = graphs_with(g, &op_concatenate, whole, k % 2 ? y : x, along);
    graphs_output(g, whole);
    check(g, 2, 0);
}

static void other_sums_stay(void **state) {
    (void)state;
    struct graph *g = graphs_new(); /* a gap */
    graphs_output(g, sum(g, part(g, 4, SIDE, 0), part(g, 7, SIDE, 5)));
    check(g, 0, 2);
    g = graphs_new(); /* twice the same place */
    graphs_output(g, sum(g, part(g, 6, SIDE, 0), part(g, 7, SIDE, 5)));
    check(g, 0, 2);
    g = graphs_new(); /* another one, not padded */
    graphs_output(g, sum(g, sum(g, part(g, 4, SIDE, 0), part(g, 8, SIDE, 4)), graphs_input(g, SHAPE(ROWS, SIDE))));
    check(g, 1, 0);
    g = graphs_new(); /* repeated along the rows */
    graphs_output(g, sum(g, part(g, 4, SIDE, 0), graphs_input(g, SHAPE(1, SIDE))));
    check(g, 0, 1);
    g = graphs_new(); /* the inner sum is wanted itself */
    const int inner = sum(g, part(g, 4, SIDE, 0), part(g, 4, SIDE, 8));
    graphs_output(g, inner);
    graphs_output(g, sum(g, inner, part(g, 4, SIDE, 4)));
    check(g, 0, 3);
}

/* Every other place, and along both axes. */
static void other_pads_stay(void **state) {
    (void)state;
    struct graph *g = graphs_new();
    const union op_attrs even = {.slice = {.shape = SHAPE(ROWS, SIDE), .step = {1, 2}}},
                         odd = {.slice = {.shape = SHAPE(ROWS, SIDE), .start = {0, 1}, .step = {1, 2}}};
    const int a = graphs_input(g, SHAPE(ROWS, SIDE / 2)), b = graphs_input(g, SHAPE(ROWS, SIDE / 2));
    graphs_output(g, sum(g, graphs_with(g, &op_pad, a, -1, even), graphs_with(g, &op_pad, b, -1, odd)));
    check(g, 0, 2);
    g = graphs_new();
    const union op_attrs corner = {.slice = {.shape = SHAPE(ROWS, SIDE), .step = {1, 1}}};
    const int small = graphs_with(g, &op_pad, graphs_input(g, SHAPE(2, 4)), -1, corner);
    graphs_output(g, sum(g, small, part(g, 8, SIDE, 4)));
    check(g, 0, 2);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parts_side_by_side_are_concatenated),
        cmocka_unit_test(halves_become_one_concatenation),
        cmocka_unit_test(as_many_as_fit_become_one),
        cmocka_unit_test(other_sums_stay),
        cmocka_unit_test(other_pads_stay),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
