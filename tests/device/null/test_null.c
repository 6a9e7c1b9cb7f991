/* The null device counts bytes, gives zeros, accepts every op, and finds wrong schedules. */
#include "device/null/null.h"

#include "device/device.h"
#include "op/ops.h"
#include "support/test.h"

static struct graph *chain(struct err *e) {
    struct graph *g;
    const struct op_sig sig = {.dtype = DT_FLOAT32, .shape = SHAPE(10, 10)};
    assert_ok(graph_new(&g, e), e);
    int x = graph_add_input(g, &sig, e);
    const int a = graph_add(g, &op_exp, &x, 1, NULL, e), b = graph_add(g, &op_neg, &a, 1, NULL, e);
    const int t = graph_add(g, &op_transpose, &b, 1, &(union op_attrs){.axes = {2, {1, 0}, false}}, e);
    const int c = graph_add(g, &op_add, (int[]){a, t}, 2, NULL, e), d = graph_add(g, &op_sqrt, &c, 1, NULL, e);
    assert_true(d >= 0);
    assert_ok(graph_add_output(g, d, e), e);
    return g;
}

static void memory_is_counted(void **state) {
    (void)state;
    struct err e = {0};
    struct device *d;
    struct device_memory m;
    struct tensor *t;
    float values[6] = {1, 2, 3, 4, 5, 6};
    assert_ok(device_open("null", 0, &d, &e), &e);
    assert_ok(tensor_from(d, DT_FLOAT32, &(struct shape){2, {2, 3}}, values, &t, &e), &e);
    d->driver->memory(d, &m);
    assert_int_equal(m.used, 24);
    assert_ok(tensor_read(t, values, &e), &e);
    assert_true(values[0] == 0 && values[5] == 0);
    tensor_release(t);
    d->driver->memory(d, &m);
    assert_int_equal(m.used, 0);
    assert_int_equal(m.peak, 24);
    for (int i = 0; op_registry[i]; i++) assert_true(d->driver->has(d, op_registry[i]));
    d->driver->close(d);
}

static void a_right_schedule_passes(void **state) {
    (void)state;
    struct err e = {0};
    struct device *d;
    struct device_memory m;
    struct device_program *p;
    struct graph *g = chain(&e);
    uint64_t ticket;
    assert_ok(device_open("null", 0, &d, &e), &e);
    assert_ok(d->driver->compile(d, g, &p, &e), &e);
    d->driver->memory(d, &m);
    assert_int_equal(m.used, d->driver->program_bytes(d, p, NULL));
    assert_true(m.used >= 800);
    assert_ok(d->driver->execute(d, p, NULL, NULL, &ticket, &e), &e);
    d->driver->program_free(d, p);
    d->driver->close(d);
    graph_free(g);
}

static void wrong_schedules_are_found(void **state) {
    (void)state;
    struct err e = {0};
    struct graph_plan *p;
    struct graph *g = chain(&e);
    assert_ok(graph_plan_new(g, NULL, &p, &e), &e);
    assert_ok(null_check_schedule(g, p, &e), &e);
    const int a = g->node[0].out, b = g->node[1].out, c = g->node[3].out;
    const size_t right = p->offset[b];
    p->offset[b] = p->offset[a];
    assert_error(null_check_schedule(g, p, &e), ERR_STATE, "node 1 (neg) writes", &e);
    p->offset[b] = right;
    p->offset[c] = p->offset[a] + 4;
    assert_error(null_check_schedule(g, p, &e), ERR_STATE, "node 3 (add) writes", &e);
    graph_plan_free(p);
    assert_ok(graph_plan_new(g, NULL, &p, &e), &e);
    const struct graph_node first = g->node[0];
    g->node[0] = g->node[1];
    g->node[1] = first;
    assert_error(null_check_schedule(g, p, &e), ERR_STATE, "before node 0", &e);
    g->node[1] = g->node[0];
    g->node[0] = first;
    graph_plan_free(p);
    graph_free(g);
}

/* A value that a node between its making and its reading overwrites. */
static void overwritten_values_are_found(void **state) {
    (void)state;
    struct err e = {0};
    struct graph_plan *p;
    struct graph *g;
    const struct op_sig sig = {.dtype = DT_FLOAT32, .shape = SHAPE(10)};
    assert_ok(graph_new(&g, &e), &e);
    const int x = graph_add_input(g, &sig, &e), a = graph_add(g, &op_exp, &x, 1, NULL, &e);
    const int b = graph_add(g, &op_neg, &x, 1, NULL, &e), c = graph_add(g, &op_add, (int[]){a, b}, 2, NULL, &e);
    assert_ok(graph_add_output(g, c, &e), &e);
    assert_ok(graph_plan_new(g, NULL, &p, &e), &e);
    p->offset[b] = p->offset[a];
    assert_error(null_check_schedule(g, p, &e), ERR_STATE, "which node 1 (neg) has overwritten", &e);
    graph_plan_free(p);
    graph_free(g);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(memory_is_counted),
        cmocka_unit_test(a_right_schedule_passes),
        cmocka_unit_test(wrong_schedules_are_found),
        cmocka_unit_test(overwritten_values_are_found),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
