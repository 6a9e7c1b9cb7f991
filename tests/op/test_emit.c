/* The emitter and the functions over it, against an emitter that records. */
#include "base/mem.h"
#include "op/ops.h"
#include "support/recorder.h"
#include "support/samples.h"
#include "support/test.h"

static struct recorder r;
static struct op_emitter *const e = &r.emit;

static int open_recorder(void **state) {
    (void)state;
    recorder_open(&r);
    return 0;
}

static int close_recorder(void **state) {
    (void)state;
    recorder_close(&r);
    return 0;
}

static void emitted(const char *text) {
    char got[1000];
    assert_string_equal(recorder_text(&r, got, sizeof got), text);
    assert_int_equal(r.err.status, OK);
}

static void has_shape(emit_t x, const char *shape) {
    char text[200];
    assert_non_null(x);
    assert_string_equal(shape_text(&x->shape, text, sizeof text), shape);
}

static void test_formula(void **state) {
    (void)state;
    emit_t x = recorder_input(&r, DT_FLOAT32, SHAPE_AT(2, 3));
    emit_t y = emit_muls(e, emit_tanh(e, x), 0.5);
    emitted("tanh full mul");
    has_shape(y, "(2, 3)");
    assert_true(r.call[1].attrs.full.value == 0.5);
    has_shape(r.call[1].out, "()");
}

static void test_scalars_take_the_dtype(void **state) {
    (void)state;
    emit_t x = recorder_input(&r, DT_INT32, SHAPE_AT(3));
    has_shape(emit_adds(e, x, 7), "(3,)");
    assert_int_equal(r.call[0].attrs.full.integer, 7);
    assert_int_equal(r.call[0].out->dtype, DT_INT32);
    has_shape(emit_rsubs(e, 1, x), "(3,)");
    assert_ptr_equal(r.call[3].in[1], x);
}

static void test_what_changes_nothing_is_not_emitted(void **state) {
    (void)state;
    emit_t x = recorder_input(&r, DT_FLOAT32, SHAPE_AT(2, 3));
    assert_ptr_equal(emit_cast(e, x, DT_FLOAT32), x);
    assert_ptr_equal(emit_reshape(e, x, SHAPE_AT(2, 3)), x);
    assert_ptr_equal(emit_broadcast_to(e, x, SHAPE_AT(2, 3)), x);
    assert_ptr_equal(emit_unbroadcast(e, x, SHAPE_AT(2, 3)), x);
    emitted("");
}

static void test_unbroadcast(void **state) {
    (void)state;
    emit_t x = recorder_input(&r, DT_FLOAT32, SHAPE_AT(5, 2, 3, 4));
    has_shape(emit_unbroadcast(e, x, SHAPE_AT(3, 1)), "(3, 1)");
    emitted("sum reshape");
    assert_int_equal(r.call[0].attrs.axes.n, 3);
    has_shape(emit_unbroadcast(e, x, &(struct shape){0}), "()");
    emit_t one = recorder_input(&r, DT_FLOAT32, SHAPE_AT(1, 1, 3));
    has_shape(emit_unbroadcast(e, one, SHAPE_AT(3)), "(3,)");
    emit_t none = recorder_input(&r, DT_FLOAT32, SHAPE_AT(0, 3));
    has_shape(emit_unbroadcast(e, none, SHAPE_AT(1, 3)), "(1, 3)");
}

static void test_reductions(void **state) {
    (void)state;
    emit_t x = recorder_input(&r, DT_FLOAT32, SHAPE_AT(2, 3));
    has_shape(emit_sum(e, x, NULL), "()");
    has_shape(emit_mean(e, x, &(struct op_axes){1, {0}, true}), "(1, 3)");
    has_shape(emit_argmax(e, x, -1), "(2,)");
    has_shape(emit_softmax(e, x, -2), "(2, 3)");
    assert_int_equal(r.call[3].attrs.axes.axis[0], 0);
    assert_null(emit_softmax(e, x, 2));
    assert_int_equal(r.err.status, ERR_INDEX);
}

static void test_the_first_error_sticks(void **state) {
    (void)state;
    emit_t a = recorder_input(&r, DT_FLOAT32, SHAPE_AT(2, 3)), b = recorder_input(&r, DT_FLOAT32, SHAPE_AT(4));
    emit_t y = emit_exp(e, emit_reshape(e, emit_sum(e, emit_add(e, a, b), NULL), SHAPE_AT(1)));
    assert_null(y);
    assert_null(emit_full(e, DT_FLOAT32, SHAPE_AT(2), 1));
    assert_string_equal(r.err.text, "add: operands could not be broadcast together with shapes (2, 3) (4,)");
    assert_int_equal(r.ncall, 0);
}

static void test_a_missing_input_is_an_error(void **state) {
    (void)state;
    assert_null(emit_exp(e, NULL));
    assert_error(r.err.status, ERR_STATE, "exp: input 0 is missing", &r.err);
}

/* ---- gradients of every op, by shape ---------------------------------------------------------------------------- */

/* Emits an op on a sample and then its gradient. `made` says how much of it was there to check. */
static void emit_gradient(const struct op *op, const struct op_sample *s, enum dtype d, struct op_grad *g,
                          emit_t *made) {
    *g = (struct op_grad){.emit = e, .op = op, .attrs = sample_attrs(s), .nin = s->nin, .nout = op->nout};
    emit_t *in = made, *out = made + 4, *dout = out + OP_MAX_OUT;
    for (int k = 0; k < s->nin; k++) {
        struct op_sig sig = sample_sig(op, s, k, d);
        in[k] = recorder_input(&r, sig.dtype, &sig.shape);
        g->wants[k] = sample_is_data(op, k);
    }
    if (!op_emit(e, op, in, s->nin, s->attrs, out)) return;
    dout[0] = recorder_input(&r, out[0]->dtype, &out[0]->shape);
    g->in = in, g->out = out, g->dout = dout;
    if (dout[0]) op->gradient(g);
}

#define EACH_GRADIENT(OP, S)                                                                                           \
    for (const struct op *const *at_ = op_registry, *OP; (OP = *at_); at_++)                                           \
        for (const struct op_sample *S = OP->samples; OP->gradient && S < OP->samples + OP->nsample; S++)

/* max_pool2d has no second gradient, and says so. */
static bool refuses(const struct op *op) {
    return op == &op_max_unpool2d;
}

static void test_gradients_have_the_inputs_shapes(void **state) {
    (void)state;
    EACH_GRADIENT(op, s) {
        for (enum dtype d = DT_FLOAT32; d <= DT_FLOAT64; d++) {
            struct op_grad g;
            emit_t made[4 + 2 * OP_MAX_OUT] = {0};
            recorder_open(&r);
            emit_gradient(op, s, d, &g, made);
            if ((r.err.status != OK) != refuses(op)) fail_msg("%s: %s", op->name, r.err.text);
            for (int k = 0; k < s->nin && !refuses(op); k++) {
                if (!sample_is_data(op, k))
                    assert_null(g.din[k]);
                else if (!dtype_is_float(g.out[0]->dtype))
                    continue;
                else if (!g.din[k])
                    fail_msg("%s: no gradient for input %d", op->name, k);
                else if (g.din[k]->dtype != d || !shape_equal(&g.din[k]->shape, &g.in[k]->shape))
                    fail_msg("%s: gradient of input %d", op->name, k);
            }
            recorder_close(&r);
        }
    }
}

static void test_unwanted_gradients_are_not_emitted(void **state) {
    (void)state;
    emit_t in[2] = {recorder_input(&r, DT_FLOAT32, SHAPE_AT(2, 3)), recorder_input(&r, DT_FLOAT32, SHAPE_AT(3, 4))};
    emit_t out = emit_matmul(e, in[0], in[1], false, false);
    struct op_grad g = {.emit = e, .op = &op_matmul, .attrs = &r.call[0].attrs, .nin = 2, .nout = 1, .wants = {0, 1}};
    g.in = in, g.out = &out, g.dout = &out;
    op_matmul.gradient(&g);
    emitted("matmul matmul");
    assert_null(g.din[0]);
    has_shape(g.din[1], "(3, 4)");
}

/* Whatever call is refused, and whatever allocation fails, a gradient ends with the error and loses nothing. */
static void test_gradients_survive_every_failure(void **state) {
    (void)state;
    size_t before = mem_used();
    EACH_GRADIENT(op, s) {
        for (int n = 1, more = 1; more; n++) {
            struct op_grad g;
            emit_t made[4 + 2 * OP_MAX_OUT] = {0};
            recorder_open(&r);
            r.fail_at = n;
            emit_gradient(op, s, DT_FLOAT32, &g, made);
            more = r.ncall >= n - 1 && r.err.status != OK && !refuses(op);
            recorder_close(&r);
        }
        for (size_t n = 1, more = 1; more; n++) {
            struct op_grad g;
            emit_t made[4 + 2 * OP_MAX_OUT] = {0};
            mem_fail_after(n);
            recorder_open(&r);
            emit_gradient(op, s, DT_FLOAT32, &g, made);
            more = r.err.status == ERR_MEMORY;
            recorder_close(&r);
        }
        mem_fail_after(0);
    }
    assert_int_equal(mem_used(), before);
}

int main(void) {
#define WITH_RECORDER(TEST) cmocka_unit_test_setup_teardown(TEST, open_recorder, close_recorder)
    const struct CMUnitTest tests[] = {
        WITH_RECORDER(test_formula),
        WITH_RECORDER(test_scalars_take_the_dtype),
        WITH_RECORDER(test_what_changes_nothing_is_not_emitted),
        WITH_RECORDER(test_unbroadcast),
        WITH_RECORDER(test_reductions),
        WITH_RECORDER(test_the_first_error_sticks),
        WITH_RECORDER(test_a_missing_input_is_an_error),
        WITH_RECORDER(test_unwanted_gradients_are_not_emitted),
        cmocka_unit_test(test_gradients_have_the_inputs_shapes),
        cmocka_unit_test(test_gradients_survive_every_failure),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
