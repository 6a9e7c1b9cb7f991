/* The memory plan: what lives at the same time lies apart, and the arena stays near what must live at once. */
#include "device/null/null.h"
#include "support/graphs.h"

static struct graph_plan *planned(const struct graph *g, size_t (*scratch)(void *, int), void *arg) {
    struct err e = {0};
    struct graph_plan *p;
    const struct graph_needs needs = {.scratch = scratch, .arg = arg};
    assert_ok(graph_plan_new(g, &needs, &p, &e), &e);
    return p;
}

static void a_chain_needs_two_places(void **state) {
    (void)state;
    struct graph *g = graphs_new();
    int v = graphs_input(g, SHAPE(16, 16));
    for (int i = 0; i < 20; i++) v = graphs_call(g, &op_exp, 1, v);
    graphs_output(g, v);
    struct graph_plan *p = planned(g, NULL, NULL);
    assert_int_equal(p->arena, 2 * 1024);
    assert_int_equal(p->bound, p->arena);
    assert_true(p->offset[v] == SIZE_MAX); /* an output: in the caller's buffer */
    assert_int_equal(p->last_use[v], g->nnode);
    graph_plan_free(p);
    graph_free(g);
}

static void views_share_a_place_and_prolong_it(void **state) {
    (void)state;
    struct err e = {0};
    struct graph *g = graphs_new();
    const int x = graphs_input(g, SHAPE(8, 8)), a = graphs_call(g, &op_exp, 1, x);
    const int view = graph_add(g, &op_transpose, &a, 1, &(union op_attrs){.axes = {2, {1, 0}, false}}, &e);
    const int b = graphs_call(g, &op_neg, 1, x);
    graphs_output(g, graphs_call(g, &op_add, 2, view, b));
    struct graph_plan *p = planned(g, NULL, NULL);
    assert_int_equal(p->offset[view], p->offset[a]);
    assert_int_equal(p->last_use[a], g->nnode - 1);
    assert_int_equal(p->arena, 2 * 256);
    graph_plan_free(p);
    graph_free(g);
}

static size_t workspace(void *arg, int node) {
    return node == 1 ? *(const size_t *)arg : 0;
}

static void a_workspace_lives_while_its_node_runs(void **state) {
    (void)state;
    struct graph *g = graphs_new();
    size_t bytes = 1000;
    int v = graphs_input(g, SHAPE(16, 16));
    for (int i = 0; i < 4; i++) v = graphs_call(g, &op_exp, 1, v);
    graphs_output(g, v);
    struct graph_plan *p = planned(g, workspace, &bytes);
    assert_int_equal(p->bound, 2 * 1024 + 1024); /* 64-byte steps */
    assert_int_equal(p->arena, p->bound);
    assert_true(p->scratch[1] % 64 == 0 && p->scratch[1] + bytes <= p->arena);
    graph_plan_free(p);
    graph_free(g);
}

/* The null device's check of a schedule finds what reads a place after somebody else wrote there. */
static void random_plans_hold(void **state) {
    (void)state;
    struct err e = {0};
    for (unsigned seed = 0; seed < 200; seed++) {
        struct graph *g = graphs_random(seed, 60, 4 + (int)seed % 13);
        struct graph_plan *p = planned(g, NULL, NULL);
        assert_ok(null_check_schedule(g, p, &e), &e);
        assert_true(p->bound <= p->arena);
        assert_true((double)p->arena <= 1.1 * (double)p->bound + 256);
        for (int v = 0; v < g->nvalue; v++) assert_true(p->offset[v] == SIZE_MAX || p->offset[v] % 64 == 0);
        graph_plan_free(p);
        graph_free(g);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_chain_needs_two_places),
        cmocka_unit_test(views_share_a_place_and_prolong_it),
        cmocka_unit_test(a_workspace_lives_while_its_node_runs),
        cmocka_unit_test(random_plans_hold),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
