/* A compiled graph on an OpenCL device against the same graph on the cpu, twice over, the second time without an
 * allocation; what a step finds wrong is told at wait, and the next run is none the worse. */
#include "base/mem.h"
#include "graph/graph.h"
#include "support/opencl.h"
#include "support/tolerance.h"

enum { BATCH = 6, CLASSES = 5, OUTPUTS = 5 };

static int add(struct graph *g, const struct op *op, const union op_attrs *attrs, int a, int b, int c) {
    struct err e = {0};
    const int in[3] = {a, b, c}, v = graph_add(g, op, in, b < 0 ? 1 : c < 0 ? 2 : 3, attrs, &e);
    if (v < 0) fail_msg("%s", e.text);
    return v;
}

static int input(struct graph *g, enum dtype d, struct shape s) {
    struct err e = {0};
    const int v = graph_add_input(g, &(struct op_sig){d, s}, &e);
    assert_true(v >= 0);
    return v;
}

#define WINDOW(...) (&(union op_attrs){.window = {__VA_ARGS__}})

/* A small network with its loss and a gradient or two: images, kernel, weights, labels. */
static struct graph *network(void) {
    struct err e = {0};
    struct graph *g;
    assert_ok(graph_new(&g, &e), &e);
    const int x = input(g, DT_FLOAT32, SHAPE(BATCH, 8, 7, 2)), k = input(g, DT_FLOAT32, SHAPE(3, 3, 2, 4));
    const int w = input(g, DT_FLOAT32, SHAPE(48, CLASSES)), labels = input(g, DT_INT64, SHAPE(BATCH));
    const int y = add(g, &op_conv2d, WINDOW({0}, {1, 1}, {1, 1}, {1, 1}, {1, 1}, 1, {0, 0}), x, k, -1);
    const int active = add(g, &op_elu, &(union op_attrs){.scalar = 0.5}, add(g, &op_neg, NULL, y, -1, -1), -1, -1);
    const int pooled =
        add(g, &op_max_pool2d, WINDOW({2, 2}, {2, 2}, {1, 1}, {0, 0}, {0, 0}, 1, {0, 0}), active, -1, -1);
    const int flat = add(g, &op_reshape, &(union op_attrs){.full.shape = SHAPE(BATCH, 48)}, pooled, -1, -1);
    const int logits = add(g, &op_matmul, &(union op_attrs){0}, flat, w, -1);
    const int loss = add(g, &op_sparse_softmax_crossentropy, NULL, logits, labels, -1);
    const int mean = add(g, &op_mean, &(union op_attrs){.axes = {1, {0}, false}}, loss, -1, -1);
    const int dlogits = add(g, &op_sparse_softmax_crossentropy_grad, NULL, logits, labels, loss);
    const int dw = add(g, &op_matmul, &(union op_attrs){.matmul = {true, false}}, flat, dlogits, -1);
    const int turned = add(g, &op_transpose, &(union op_attrs){.axes = {2, {1, 0}, false}}, dw, -1, -1);
    const int out[OUTPUTS] = {mean, dw, turned, mean, w};
    for (int i = 0; i < OUTPUTS; i++) assert_ok(graph_add_output(g, out[i], &e), &e);
    assert_ok(graph_optimize(g, GRAPH_ALL, &e), &e);
    return g;
}

static void new_inputs(struct tensor **in) {
    in[0] = test_random(test_cpu[0], DT_FLOAT32, SHAPE(BATCH, 8, 7, 2), -1, 1, 1);
    in[1] = test_random(test_cpu[0], DT_FLOAT32, SHAPE(3, 3, 2, 4), -1, 1, 2);
    in[2] = test_random(test_cpu[0], DT_FLOAT32, SHAPE(48, CLASSES), -1, 1, 3);
    in[3] = test_tensor(test_cpu[0], DT_INT64, SHAPE(BATCH), (int64_t[]){0, 4, 2, 1, 3, 4});
}

static void release(struct tensor **t, int n) {
    for (int i = 0; i < n; i++) tensor_release(t[i]);
}

static void new_outputs(struct device *d, const struct graph *g, struct tensor **out) {
    struct err e = {0};
    for (int i = 0; i < OUTPUTS; i++) {
        const struct op_sig *s = &g->value[g->output[i]].sig;
        assert_ok(tensor_new(d, s->dtype, &s->shape, &out[i], &e), &e);
    }
}

static enum status call(struct device *d, struct device_program *p, struct tensor **in, struct tensor **out,
                        struct err *e) {
    uint64_t ticket;
    return d->driver->execute(d, p, in, out, &ticket, e) == OK ? d->driver->wait(d, ticket, e) : e->status;
}

/* The outputs on device d of inputs that lie on the cpu. */
static void run_on(struct device *d, const struct graph *g, struct tensor **in, struct tensor **out) {
    struct err e = {0};
    struct device_program *p;
    struct tensor *there[4];
    for (int i = 0; i < 4; i++) there[i] = test_on(d, in[i]);
    new_outputs(d, g, out);
    assert_ok(d->driver->compile(d, g, &p, &e), &e);
    assert_ok(call(d, p, there, out, &e), &e);
    mem_fail_after(0);
    assert_ok(call(d, p, there, out, &e), &e);
    assert_int_equal(mem_fail_after(0), 0);
    d->driver->program_free(d, p);
    release(there, 4);
}

static void test_same_as_cpu(void **state) {
    (void)state;
    test_needs_opencl();
    struct tensor *in[4], *want[OUTPUTS], *got[OUTPUTS];
    struct graph *g = network();
    new_inputs(in);
    run_on(test_cpu[0], g, in, want);
    run_on(test_opencl, g, in, got);
    for (int i = 0; i < OUTPUTS; i++) {
        struct tensor *back = test_on(test_cpu[0], got[i]);
        for (int64_t k = 0; k < tensor_size(back); k++)
            assert_true(tolerance_agree(tolerance_float32("conv2d"), test_at(back, k), test_at(want[i], k)));
        tensor_release(back);
    }
    release(want, OUTPUTS);
    release(got, OUTPUTS);
    release(in, 4);
    graph_free(g);
}

static void test_fault_is_told_once(void **state) {
    (void)state;
    test_needs_opencl();
    struct err e = {0};
    struct tensor *in[4], *there[4], *out[OUTPUTS];
    struct device_program *p;
    struct graph *g = network();
    new_inputs(in);
    new_outputs(test_opencl, g, out);
    for (int i = 0; i < 4; i++) there[i] = test_on(test_opencl, in[i]);
    assert_ok(test_opencl->driver->compile(test_opencl, g, &p, &e), &e);
    struct tensor *good = there[3];
    there[3] = test_tensor(test_opencl, DT_INT64, SHAPE(BATCH), (int64_t[]){0, 1, 2, 9, -1, 9});
    assert_error(call(test_opencl, p, there, out, &e), ERR_VALUE,
                 "sparse_softmax_crossentropy: label 9 is outside [0, 5)", &e);
    tensor_release(there[3]);
    there[3] = good;
    assert_ok(call(test_opencl, p, there, out, &e), &e);
    test_opencl->driver->program_free(test_opencl, p);
    release(there, 4);
    release(in, 4);
    release(out, OUTPUTS);
    graph_free(g);
}

/* A device opened, the network compiled and run, with the n-th allocation and all after it refused, for every n. */
static void test_lack_of_memory(void **state) {
    (void)state;
    test_needs_opencl();
    struct tensor *in[4], *there[4], *out[OUTPUTS];
    struct graph *g = network();
    new_inputs(in);
    size_t n = 0;
    for (enum status s = ERR_MEMORY; s != OK;) {
        struct err e = {0}, unused = {0};
        struct device *d;
        struct device_program *p = NULL;
        const size_t held = mem_used();
        assert_ok(test_opencl->driver->open(0, &d, &unused), &unused);
        for (int i = 0; i < 4; i++) there[i] = test_on(d, in[i]);
        new_outputs(d, g, out);
        mem_fail_after(++n);
        s = d->driver->compile(d, g, &p, &e);
        if (s == OK) s = call(d, p, there, out, &e);
        mem_fail_after(0);
        if (s != OK) assert_int_equal(s, ERR_MEMORY);
        if (p) d->driver->program_free(d, p);
        release(there, 4);
        release(out, OUTPUTS);
        d->driver->close(d);
        assert_int_equal(mem_used(), held);
    }
    assert_true(n > 20);
    release(in, 4);
    graph_free(g);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_same_as_cpu),
        cmocka_unit_test(test_fault_is_told_once),
        cmocka_unit_test(test_lack_of_memory),
    };
    return cmocka_run_group_tests(tests, test_opencl_open, test_opencl_close);
}
