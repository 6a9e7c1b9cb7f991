/* Compiled graphs against the same ops run one by one: views of every kind, fused regions, every sort of output; no
 * allocation after the first run; cancelling; running out of memory at every allocation. */
#include <stdlib.h>
#include <string.h>

#include "base/cancel.h"
#include "base/mem.h"
#include "graph/graph.h"
#include "support/cpu.h"
#include "support/samples.h"
#include "support/subnormal.h"

static struct device *device(void) {
    return test_cpu[1];
}

static struct op_sig sig_of(const struct tensor *t) {
    return (struct op_sig){.dtype = t->dtype, .shape = t->shape};
}

/* ---- building ------------------------------------------------------------------------------------------------------ */

static int add(struct graph *g, const struct op *op, int nin, const int *in, const union op_attrs *attrs) {
    struct err e = {0};
    const int v = graph_add(g, op, in, nin, attrs, &e);
    if (v < 0) fail_msg("%s", e.text);
    return v;
}

static int input(struct graph *g, const struct tensor *t) {
    struct err e = {0};
    const struct op_sig sig = sig_of(t);
    const int v = graph_add_input(g, &sig, &e);
    assert_true(v >= 0);
    return v;
}

static int transposed(struct graph *g, int x) {
    return add(g, &op_transpose, 1, &x, &(union op_attrs){.axes = {2, {1, 0}, false}});
}

static int reshaped(struct graph *g, int x, struct shape s) {
    return add(g, &op_reshape, 1, &x, &(union op_attrs){.full.shape = s});
}

static void output(struct graph *g, int v) {
    struct err e = {0};
    assert_ok(graph_add_output(g, v, &e), &e);
}

static struct tensor **new_outputs(const struct graph *g) {
    struct err e = {0};
    struct tensor **out = test_calloc((size_t)g->noutput, sizeof *out);
    for (int i = 0; i < g->noutput; i++) {
        const struct op_sig *s = &g->value[g->output[i]].sig;
        assert_ok(tensor_new(device(), s->dtype, &s->shape, &out[i], &e), &e);
        memset(tensor_data(out[i]), 0x55, tensor_bytes(out[i]));
    }
    return out;
}

static void free_outputs(const struct graph *g, struct tensor **out) {
    for (int i = 0; i < g->noutput; i++) tensor_release(out[i]);
    test_free(out);
}

static struct device_program *compiled(const struct graph *g) {
    struct err e = {0};
    struct device_program *p;
    assert_ok(device()->driver->compile(device(), g, &p, &e), &e);
    return p;
}

/* Compiles, runs twice and frees; the caller frees the outputs. */
static struct tensor **run(const struct graph *g, struct tensor *const *in) {
    struct err e = {0};
    uint64_t ticket;
    struct tensor **out = new_outputs(g);
    struct device_program *p = compiled(g);
    assert_ok(device()->driver->execute(device(), p, in, out, &ticket, &e), &e);
    mem_fail_after(0);
    assert_ok(device()->driver->execute(device(), p, in, out, &ticket, &e), &e);
    assert_int_equal(mem_fail_after(0), 0);
    device()->driver->program_free(device(), p);
    return out;
}

/* ---- every op ------------------------------------------------------------------------------------------------------ */

/* The matrix whose transposition has t's elements, for t seen as (first dimension, rest). */
static struct tensor *turned(struct tensor *t) {
    struct err e = {0};
    struct tensor *view, *out;
    const int64_t rows = t->shape.dim[0], columns = tensor_size(t) / rows;
    assert_ok(tensor_view(t, &view, &e), &e);
    view->shape = SHAPE(columns, rows);
    view->stride[0] = 1, view->stride[1] = columns;
    out = test_run(device(), &op_copy, &view, 1, NULL);
    tensor_release(view);
    return out;
}

static void check_sample(const struct op *op, const struct op_sample *s, enum dtype d) {
    struct err e = {0};
    struct tensor *in[4], *fed[4];
    int value[4];
    struct graph *g;
    assert_ok(graph_new(&g, &e), &e);
    for (int k = 0; k < s->nin; k++) {
        const struct op_sig sig = sample_sig(op, s, k, d);
        const bool data = sample_is_data(op, k);
        in[k] = test_random(device(), sig.dtype, sig.shape, data ? s->low : 0, data ? s->high : s->index_bound,
                            (uint64_t)k);
        /* Where it can be, the input arrives turned around, so that the op sees strides or needs a copy. */
        const bool turn = sig.shape.rank >= 2 && tensor_size(in[k]) > 0;
        fed[k] = turn ? turned(in[k]) : tensor_retain(in[k]);
        value[k] = input(g, fed[k]);
        if (turn) value[k] = reshaped(g, transposed(g, value[k]), sig.shape);
    }
    output(g, add(g, op, s->nin, value, sample_attrs(s)));
    struct tensor *want = test_run(device(), op, in, s->nin, sample_attrs(s)), **got = run(g, fed);
    test_same_bits(want, got[0]);
    tensor_release(want);
    free_outputs(g, got);
    graph_free(g);
    for (int k = 0; k < s->nin; k++) {
        tensor_release(in[k]);
        tensor_release(fed[k]);
    }
}

static void every_op(void **state) {
    (void)state;
    for (int o = 0; op_registry[o]; o++) {
        const struct op *op = op_registry[o];
        if (op->flags & (OP_VIEW | OP_HOST) || op->nout != 1) continue;
        assert_true(device()->driver->has(device(), op));
        for (int i = 0; i < op->nsample; i++)
            for (enum dtype d = 0; d < DT_COUNT; d++)
                if (op->dtypes >> d & 1) check_sample(op, &op->samples[i], d);
    }
}

/* ---- shapes of graphs ---------------------------------------------------------------------------------------------- */

static void every_sort_of_output(void **state) {
    (void)state;
    struct err e = {0};
    struct graph *g;
    struct tensor *x = test_random(device(), DT_FLOAT32, SHAPE(30, 50), -1, 1, 1);
    struct tensor *constant = test_random(device(), DT_FLOAT32, SHAPE(50), -1, 1, 2);
    assert_ok(graph_new(&g, &e), &e);
    const int a = input(g, x), c = graph_add_constant(g, constant, &e);
    const int sum = add(g, &op_add, 2, (int[]){a, c}, NULL), t = transposed(g, sum);
    const int flat = reshaped(g, t, SHAPE(1500)), back = transposed(g, reshaped(g, t, SHAPE(30, 50)));
    const int outputs[] = {sum, a, c, t, sum, flat, back};
    for (int i = 0; i < 7; i++) output(g, outputs[i]);
    struct tensor **out = run(g, &x);
    struct tensor *want = test_run(device(), &op_add, (struct tensor *[]){x, constant}, 2, NULL);
    test_same_bits(out[0], want);
    test_same_bits(out[4], want);
    test_same_bits(out[1], x);
    test_same_bits(out[2], constant);
    for (int i = 0; i < 1500; i++) {
        assert_true(test_at(out[3], i) == test_at(want, i % 30 * 50 + i / 30));
        assert_true(test_at(out[5], i) == test_at(out[3], i));
        assert_true(test_at(out[6], i) == test_at(out[5], i % 30 * 50 + i / 30));
    }
    free_outputs(g, out);
    graph_free(g);
    tensor_release(want);
    tensor_release(x);
    tensor_release(constant);
}

/* relu(x w + b) summed, and its square: two layers of work, intermediates, views, a fused region. */
static struct graph *small_network(struct tensor *in[3]) {
    struct err e = {0};
    struct graph *g;
    in[0] = test_random(device(), DT_FLOAT32, SHAPE(64, 300), -1, 1, 1);
    in[1] = test_random(device(), DT_FLOAT32, SHAPE(200, 300), -1, 1, 2);
    in[2] = test_random(device(), DT_FLOAT32, SHAPE(200), -1, 1, 3);
    assert_ok(graph_new(&g, &e), &e);
    const int x = input(g, in[0]), w = input(g, in[1]), b = input(g, in[2]);
    const int xw = add(g, &op_matmul, 2, (int[]){x, transposed(g, w)}, &(union op_attrs){0});
    const int y = add(g, &op_relu, 1, (int[]){add(g, &op_add, 2, (int[]){xw, b}, NULL)}, NULL);
    const int z = add(g, &op_mul, 2, (int[]){y, y}, NULL);
    output(g, add(g, &op_mean, 1, &z, &(union op_attrs){.axes = {1, {0}, false}}));
    output(g, y);
    return g;
}

static void fusion_changes_no_bit(void **state) {
    (void)state;
    struct err e = {0};
    struct tensor *in[3];
    struct graph *g = small_network(in);
    struct tensor **plain = run(g, in);
    assert_ok(graph_optimize(g, GRAPH_ALL, &e), &e);
    struct tensor **fused = run(g, in);
    test_same_bits(plain[0], fused[0]);
    test_same_bits(plain[1], fused[1]);
    free_outputs(g, plain);
    free_outputs(g, fused);
    graph_free(g);
    for (int i = 0; i < 3; i++) tensor_release(in[i]);
}

/* Two programs share the arena, run in turn, and give it back. */
static void programs_share_the_arena(void **state) {
    (void)state;
    struct err e = {0};
    uint64_t ticket;
    struct tensor *in[3], *x = test_random(device(), DT_FLOAT32, SHAPE(700, 900), -1, 1, 4);
    struct graph *g = small_network(in), *large;
    assert_ok(graph_new(&large, &e), &e);
    const int product = add(large, &op_exp, 1, (int[]){input(large, x)}, NULL);
    output(large, add(large, &op_sum, 1, &product, &(union op_attrs){.axes = {1, {1}, false}}));
    const size_t before = mem_block_used();
    struct tensor **a = new_outputs(g), **b = new_outputs(g), **c = new_outputs(large);
    struct device_program *p = compiled(g), *q = compiled(large);
    assert_true(device()->driver->program_bytes(device(), q, NULL) >= tensor_bytes(x));
    assert_ok(device()->driver->execute(device(), p, in, a, &ticket, &e), &e);
    assert_ok(device()->driver->execute(device(), q, &x, c, &ticket, &e), &e);
    assert_ok(device()->driver->execute(device(), p, in, b, &ticket, &e), &e);
    test_same_bits(a[0], b[0]);
    device()->driver->program_free(device(), q);
    device()->driver->program_free(device(), p);
    free_outputs(g, a);
    free_outputs(g, b);
    free_outputs(large, c);
    /* What is left is the workers' scratch at most. */
    assert_true(mem_block_used() <= before + ((struct cpu *)device())->scratch_bytes * 2 + 64);
    assert_null(((struct cpu *)device())->arena.handle);
    graph_free(g);
    graph_free(large);
    tensor_release(x);
    for (int i = 0; i < 3; i++) tensor_release(in[i]);
}

/* w + e^(w s), which can lie where w is, and s, the sum of x. */
static struct graph *small_update(struct tensor *in[2]) {
    struct err e = {0};
    struct graph *g;
    in[0] = test_random(device(), DT_FLOAT32, SHAPE(300, 300), -1, 1, 1);
    in[1] = test_random(device(), DT_FLOAT32, SHAPE(7, 300, 300), -1, 1, 2);
    assert_ok(graph_new(&g, &e), &e);
    const int w = input(g, in[0]), x = input(g, in[1]);
    const int s = add(g, &op_sum, 1, &x, &(union op_attrs){.axes = {1, {0}, false}});
    const int step = add(g, &op_mul, 2, (int[]){s, w}, NULL);
    output(g, add(g, &op_add, 2, (int[]){w, add(g, &op_exp, 1, &step, NULL)}, NULL));
    output(g, s);
    assert_ok(graph_optimize(g, GRAPH_ALL, &e), &e);
    return g;
}

static void an_update_in_place_has_the_same_bits(void **state) {
    (void)state;
    struct err e = {0};
    uint64_t ticket;
    struct tensor *in[2];
    struct graph *g = small_update(in);
    struct tensor **want = run(g, in), **out = new_outputs(g);
    struct device_program *p = compiled(g);
    struct tensor *before = test_run(device(), &op_copy, in, 1, NULL), *here[2] = {in[0], out[1]};
    assert_true(device()->driver->program_overwrites(device(), p, 0, 0));
    assert_false(device()->driver->program_overwrites(device(), p, 1, 0));
    cancel_request();
    assert_error(device()->driver->execute(device(), p, in, here, &ticket, &e), ERR_CANCELLED, "", &e);
    cancel_clear();
    test_same_bits(before, in[0]);
    assert_ok(device()->driver->execute(device(), p, in, here, &ticket, &e), &e);
    test_same_bits(want[0], in[0]);
    test_same_bits(want[1], out[1]);
    device()->driver->program_free(device(), p);
    tensor_release(before);
    free_outputs(g, want);
    free_outputs(g, out);
    graph_free(g);
    for (int i = 0; i < 2; i++) tensor_release(in[i]);
}

/* Half an update would be neither the old weights nor the new. */
static void an_update_in_place_is_not_cancelled_halfway(void **state) {
    (void)state;
    struct err e = {0};
    uint64_t ticket;
    struct graph *g;
    struct tensor *w = test_random(device(), DT_FLOAT32, SHAPE(1000, 300), -1, 1, 1);
    assert_ok(graph_new(&g, &e), &e);
    const int v = input(g, w);
    output(g, add(g, &op_add, 2, (int[]){v, v}, NULL));
    struct tensor **want = run(g, &w), **out = new_outputs(g);
    struct device_program *p = compiled(g);
    cancel_request();
    assert_error(device()->driver->execute(device(), p, &w, out, &ticket, &e), ERR_CANCELLED, "", &e);
    e = (struct err){0};
    assert_ok(device()->driver->execute(device(), p, &w, &w, &ticket, &e), &e);
    cancel_clear();
    test_same_bits(want[0], w);
    device()->driver->program_free(device(), p);
    free_outputs(g, want);
    free_outputs(g, out);
    graph_free(g);
    tensor_release(w);
}

/* An integer power may refuse its exponents. */
static void nothing_is_overwritten_before_what_may_fail(void **state) {
    (void)state;
    struct err e = {0};
    struct graph *g;
    struct tensor *in[2] = {test_random(device(), DT_INT32, SHAPE(10), 0, 5, 1),
                            test_random(device(), DT_INT32, SHAPE(10), 0, 5, 2)};
    assert_ok(graph_new(&g, &e), &e);
    const int a = input(g, in[0]), b = input(g, in[1]);
    output(g, add(g, &op_add, 2, (int[]){a, b}, NULL));
    output(g, add(g, &op_pow, 2, (int[]){b, b}, NULL));
    struct device_program *p = compiled(g);
    assert_false(device()->driver->program_overwrites(device(), p, 0, 0));
    device()->driver->program_free(device(), p);
    graph_free(g);
    for (int i = 0; i < 2; i++) tensor_release(in[i]);
}

/* A program takes numbers that are subnormal for zero, which would cost it much time; an op by itself does not. */
static void subnormal_numbers_are_flushed(void **state) {
    (void)state;
    if (!subnormal_can_flush()) skip();
    struct err e = {0};
    struct graph *g;
    struct tensor *x = test_random(device(), DT_FLOAT32, SHAPE(50000), 0x1p-128, 0x1p-127, 1);
    assert_ok(graph_new(&g, &e), &e);
    const int value = input(g, x);
    output(g, add(g, &op_add, 2, (int[]){value, value}, NULL));
    struct tensor **out = run(g, &x);
    struct tensor *alone = test_run(device(), &op_add, (struct tensor *[]){x, x}, 2, NULL);
    for (int i = 0; i < 50000; i += 7) {
        assert_true(test_at(alone, i) > 0);
        assert_true(test_at(out[0], i) == 0);
    }
    free_outputs(g, out);
    tensor_release(alone);
    tensor_release(x);
    graph_free(g);
}

/* ---- what goes wrong ----------------------------------------------------------------------------------------------- */

static void a_cancelled_run_can_be_repeated(void **state) {
    (void)state;
    struct err e = {0};
    uint64_t ticket;
    struct tensor *in[3];
    struct graph *g = small_network(in);
    struct tensor **want = run(g, in), **out = new_outputs(g);
    struct device_program *p = compiled(g);
    cancel_request();
    assert_error(device()->driver->execute(device(), p, in, out, &ticket, &e), ERR_CANCELLED, "", &e);
    cancel_clear();
    assert_ok(device()->driver->execute(device(), p, in, out, &ticket, &e), &e);
    test_same_bits(want[0], out[0]);
    device()->driver->program_free(device(), p);
    free_outputs(g, want);
    free_outputs(g, out);
    graph_free(g);
    for (int i = 0; i < 3; i++) tensor_release(in[i]);
}

/* Opens a cpu, compiles and runs on it with the n-th allocation failing; returns whether all went well. */
static bool attempt(const struct graph *g, struct tensor *const *in, struct tensor *const *out, size_t n) {
    struct err e = {0};
    uint64_t ticket;
    struct device *d = NULL;
    struct device_program *p = NULL;
    mem_fail_once(n);
    enum status s = cpu_open("portable", 2, &d, &e);
    if (s == OK) s = d->driver->compile(d, g, &p, &e);
    if (s == OK) s = d->driver->execute(d, p, in, out, &ticket, &e);
    mem_fail_once(0);
    if (p) d->driver->program_free(d, p);
    if (d) d->driver->close(d);
    if (s != OK) assert_int_equal(s, ERR_MEMORY);
    return s == OK;
}

static void any_allocation_may_fail(void **state) {
    (void)state;
    struct err e = {0};
    struct tensor *in[3];
    struct graph *g = small_network(in);
    assert_ok(graph_optimize(g, GRAPH_ALL, &e), &e);
    struct tensor **out = new_outputs(g);
    const size_t before = mem_used();
    size_t n = 1;
    while (!attempt(g, in, out, n)) {
        assert_int_equal(mem_used(), before);
        n++;
    }
    assert_true(n > 10);
    free_outputs(g, out);
    graph_free(g);
    for (int i = 0; i < 3; i++) tensor_release(in[i]);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_op),
        cmocka_unit_test(every_sort_of_output),
        cmocka_unit_test(fusion_changes_no_bit),
        cmocka_unit_test(programs_share_the_arena),
        cmocka_unit_test(subnormal_numbers_are_flushed),
        cmocka_unit_test(a_cancelled_run_can_be_repeated),
        cmocka_unit_test(an_update_in_place_has_the_same_bits),
        cmocka_unit_test(an_update_in_place_is_not_cancelled_halfway),
        cmocka_unit_test(nothing_is_overwritten_before_what_may_fail),
        cmocka_unit_test(any_allocation_may_fail),
    };
    return cmocka_run_group_tests(tests, test_cpus_open, test_cpus_close);
}
