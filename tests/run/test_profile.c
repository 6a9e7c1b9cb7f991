/* A profile names what ran, with times, and costs and holds nothing once it has ended. */
#include "base/buf.h"
#include "op/emit.h"
#include "support/nn.h"

static struct program *compile(const struct tensor *like) {
    struct err e = {0};
    struct tensor *in, *out;
    struct program *p = NULL;
    assert_ok(trace_begin(test_nn, &e), &e);
    assert_ok(trace_input(test_nn, like->dtype, &like->shape, &in, &e), &e);
    struct op_emitter m = run_emitter(test_nn, &e);
    out = emit_sum(&m, emit_exp(&m, emit_mul(&m, in, in)), &(struct op_axes){2, {0, 1}, false});
    assert_ok(trace_end(test_nn, &out, 1, &p, &e), &e);
    op_emitter_close(&m);
    return p;
}

static void call(struct program *p, struct tensor *x) {
    struct err e = {0};
    struct tensor *y;
    assert_ok(program_call(test_nn, p, &x, 1, &y, &e), &e);
    tensor_release(y);
}

static void test_each_op_of_each_program(void **state) {
    (void)state;
    struct err e = {0};
    struct buf text = {0};
    struct tensor *x = test_full((struct shape){2, {30, 40}}, 0.5f);
    struct program *p = compile(x);
    call(p, x);
    assert_ok(profile_begin(test_nn, &e), &e);
    assert_error(profile_begin(test_nn, &e), ERR_STATE, "already", &e);
    call(p, x);
    call(p, x);
    program_release(p); /* the profile still knows its graph */
    profile_end(test_nn, &text);
    test_contains(buf_text(&text), "program of 2 nodes: 2 calls, ");
    test_contains(buf_text(&text), "mul exp (2 ops) -> float32(30, 40)\n");
    test_contains(buf_text(&text), "sum -> float32()\n");
    assert_null(test_nn->profile);
    buf_free(&text);
    tensor_release(x);
}

/* x x x: two products of the same shape. */
static void test_equal_nodes_are_one_line(void **state) {
    (void)state;
    struct err e = {0};
    struct buf text = {0};
    struct tensor *x = test_full((struct shape){2, {30, 30}}, 0.5f), *in, *out;
    struct program *p = NULL;
    assert_ok(trace_begin(test_nn, &e), &e);
    assert_ok(trace_input(test_nn, x->dtype, &x->shape, &in, &e), &e);
    struct op_emitter m = run_emitter(test_nn, &e);
    out = emit_matmul(&m, emit_matmul(&m, in, in, false, false), in, false, false);
    assert_ok(trace_end(test_nn, &out, 1, &p, &e), &e);
    op_emitter_close(&m);
    assert_ok(profile_begin(test_nn, &e), &e);
    call(p, x);
    profile_end(test_nn, &text);
    test_contains(buf_text(&text), "program of 2 nodes: 1 call, ");
    test_contains(buf_text(&text), "2 x matmul -> float32(30, 30)\n");
    buf_free(&text);
    program_release(p);
    tensor_release(x);
}

static void test_nothing_compiled_ran(void **state) {
    (void)state;
    struct err e = {0};
    struct buf text = {0};
    assert_ok(profile_begin(test_nn, &e), &e);
    profile_end(test_nn, &text);
    test_contains(buf_text(&text), "no compiled step ran");
    buf_free(&text);
}

static void test_totals(void **state) {
    (void)state;
    struct err e = {0};
    struct buf text = {0};
    struct tensor *x = test_full((struct shape){2, {30, 40}}, 0.5f);
    struct program *p = compile(x);
    assert_ok(profile_begin(test_nn, &e), &e);
    call(p, x);
    call(p, x);
    struct op_emitter m = run_emitter(test_nn, &e);
    emit_exp(&m, emit_exp(&m, x));
    op_emitter_close(&m);
    profile_totals(test_nn, 1, &text);
    test_contains(buf_text(&text), " 2  exp\n");
    test_contains(buf_text(&text), " 2  mul exp (2 ops)\n");
    test_contains(buf_text(&text), " 2  sum\n");
    buf_free(&text);
    profile_end(test_nn, &text);
    test_contains(buf_text(&text), "called one by one:\n");
    buf_free(&text);
    program_release(p);
    tensor_release(x);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_op_of_each_program),
        cmocka_unit_test(test_equal_nodes_are_one_line),
        cmocka_unit_test(test_nothing_compiled_ran),
        cmocka_unit_test(test_totals),
    };
    return cmocka_run_group_tests(tests, test_nn_open, test_nn_close);
}
