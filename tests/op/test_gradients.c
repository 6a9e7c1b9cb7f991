/* Every gradient against central differences in float64. */
#include <math.h>
#include <stdlib.h>

#include "support/cpu.h"
#include "support/eager.h"
#include "support/samples.h"
#include "support/test.h"
#include "support/tolerance.h"

/* One sample's inputs, result and gradient, and the dy that it was asked for. */
struct sample_case {
    const struct op *op;
    const struct op_sample *sample;
    struct op_emitter emit;
    struct err err;
    emit_t in[4], out[OP_MAX_OUT], dout[OP_MAX_OUT]; /* through the first output alone */
    struct op_grad grad;
};

static void open_case(struct sample_case *c, const struct op *op, const struct op_sample *s) {
    *c = (struct sample_case){.op = op, .sample = s};
    c->emit = eager_emitter(test_cpu[0], &c->err);
    c->grad = (struct op_grad){.emit = &c->emit, .op = op, .attrs = sample_attrs(s), .nin = s->nin, .nout = op->nout};
    for (int k = 0; k < s->nin; k++) {
        c->in[k] = sample_input(&c->emit, op, s, k, DT_FLOAT64);
        c->grad.wants[k] = sample_is_data(op, k);
    }
    op_emit(&c->emit, op, c->in, s->nin, s->attrs, c->out);
    if (!c->out[0]) fail_msg("%s", c->err.text);
    struct tensor *dy = test_random(test_cpu[0], c->out[0]->dtype, c->out[0]->shape, -1, 1, 99);
    c->dout[0] = op_emitter_own(&c->emit, dy);
    c->grad.in = c->in, c->grad.out = c->out, c->grad.dout = c->dout;
}

/* f(in with in[k][i] set to x), as a contiguous tensor of this emitter. */
static emit_t shifted(struct sample_case *c, struct op_emitter *e, int k, int64_t i, double x) {
    emit_t in[4], out[OP_MAX_OUT];
    memcpy(in, c->in, sizeof in);
    in[k] = emit_copy(e, c->in[k]);
    ((double *)tensor_data(in[k]))[i] = x;
    op_emit(e, c->op, in, c->sample->nin, c->sample->attrs, out);
    return emit_copy(e, out[0]);
}

/* d sum(dy f) / d in[k][i] */
static double difference(struct sample_case *c, int k, int64_t i) {
    struct op_emitter e = eager_emitter(test_cpu[0], &c->err);
    double x = test_at(c->in[k], i), sum = 0;
    emit_t above = shifted(c, &e, k, i, x + TOLERANCE_STEP), below = shifted(c, &e, k, i, x - TOLERANCE_STEP);
    if (!above || !below) fail_msg("%s", c->err.text);
    for (int64_t j = 0; j < tensor_size(above); j++)
        sum += test_at(c->dout[0], j) * (test_at(above, j) - test_at(below, j));
    op_emitter_close(&e);
    return sum / (2 * TOLERANCE_STEP);
}

static void check_input(struct sample_case *c, int k) {
    const struct tensor *got = c->grad.din[k];
    if (!got) fail_msg("%s: no gradient for input %d", c->op->name, k);
    for (int64_t i = 0; i < tensor_size(got); i++) {
        double g = test_at(got, i), want = difference(c, k, i);
        if (!tolerance_agree(tolerance_gradient(c->op->name), g, want))
            fail_msg("%s, sample %d: gradient of input %d at %d is %.12g, not %.12g", c->op->name,
                     (int)(c->sample - c->op->samples), k, (int)i, g, want);
    }
}

/* Casts to less than float64 are too coarse for differences. */
static bool differentiable(const struct op *op, const struct op_sample *s) {
    if (!(op->flags & OP_VIEW) && !test_cpu[0]->driver->has(test_cpu[0], op)) return false;
    bool coarse = op == &op_cast && s->attrs->full.dtype != DT_FLOAT64;
    return op->gradient && op != &op_max_unpool2d && op->dtypes >> DT_FLOAT64 & 1 && !s->whole && !coarse;
}

static void test_gradients(void **state) {
    (void)state;
    int checked = 0;
    for (const struct op *const *op = op_registry; *op; op++)
        for (const struct op_sample *s = (*op)->samples; s < (*op)->samples + (*op)->nsample; s++) {
            struct sample_case c;
            if (!differentiable(*op, s)) continue;
            open_case(&c, *op, s);
            (*op)->gradient(&c.grad);
            if (c.err.status != OK) fail_msg("%s: %s", (*op)->name, c.err.text);
            for (int k = 0; k < s->nin; k++)
                if (sample_is_data(*op, k)) check_input(&c, k);
            op_emitter_close(&c.emit);
            checked++;
        }
    assert_true(checked > 150);
}

/* ---- where differences cannot look ------------------------------------------------------------------------------ */

static struct err err;
static struct op_emitter emitter;

static emit_t numbers(const struct shape *shape, const double *x) {
    return op_emitter_own(&emitter, test_tensor(test_cpu[0], DT_FLOAT64, *shape, x));
}

/* The gradient of op at in[0] is want, for these numbers and dy of ones. */
static void gradient_is(const struct op *op, emit_t *in, int nin, const union op_attrs *attrs, const double *want) {
    emit_t out[OP_MAX_OUT], dout[OP_MAX_OUT] = {NULL};
    op_emit(&emitter, op, in, nin, attrs, out);
    dout[0] = out[0] ? emit_full(&emitter, DT_FLOAT64, &out[0]->shape, 1) : NULL;
    struct op_grad g = {&emitter, op, attrs, nin, op->nout, in, out, dout, {true}, {0}};
    if (dout[0]) op->gradient(&g);
    if (err.status != OK) fail_msg("%s: %s", op->name, err.text);
    for (int64_t i = 0; i < tensor_size(in[0]); i++)
        if (!(test_at(g.din[0], i) == want[i]))
            fail_msg("%s: at %d: %g, not %g", op->name, (int)i, test_at(g.din[0], i), want[i]);
}

static int open_emitter(void **state) {
    (void)state;
    err = (struct err){0};
    emitter = eager_emitter(test_cpu[0], &err);
    return 0;
}

static int close_emitter(void **state) {
    (void)state;
    op_emitter_close(&emitter);
    return 0;
}

static void test_equal_extrema_share(void **state) {
    (void)state;
    emit_t x = numbers(SHAPE_AT(2, 3), (double[]){1, 3, 3, 2, 2, 2});
    const union op_attrs rows = {.axes = {1, {1}, false}};
    gradient_is(&op_max, &x, 1, &rows, (double[]){0, 0.5, 0.5, 1.0 / 3, 1.0 / 3, 1.0 / 3});
    gradient_is(&op_min, &x, 1, &rows, (double[]){1, 0, 0, 1.0 / 3, 1.0 / 3, 1.0 / 3});
}

static void test_the_left_one_of_equals(void **state) {
    (void)state;
    emit_t in[2] = {numbers(SHAPE_AT(3), (double[]){1, 2, 3}), numbers(SHAPE_AT(3), (double[]){2, 2, 2})};
    gradient_is(&op_maximum, in, 2, &(union op_attrs){0}, (double[]){0, 1, 1});
    gradient_is(&op_minimum, in, 2, &(union op_attrs){0}, (double[]){1, 1, 0});
}

static void test_products_beside_zeros(void **state) {
    (void)state;
    emit_t x = numbers(SHAPE_AT(3, 3), (double[]){2, 3, 4, 2, 0, 4, 0, 0, 4});
    gradient_is(&op_prod, &x, 1, &(union op_attrs){.axes = {1, {1}, false}}, (double[]){12, 8, 6, 0, 8, 0, 0, 0, 0});
}

static void test_at_the_kink(void **state) {
    (void)state;
    emit_t x = numbers(SHAPE_AT(3), (double[]){-1, 0, 1});
    gradient_is(&op_relu, &x, 1, &(union op_attrs){0}, (double[]){0, 0, 1});
    gradient_is(&op_abs, &x, 1, &(union op_attrs){0}, (double[]){-1, 0, 1});
    gradient_is(&op_elu, &x, 1, &(union op_attrs){.scalar = 1}, (double[]){exp(-1), 1, 1});
}

static void test_elu_of_a_negative_alpha(void **state) {
    (void)state;
    emit_t x = numbers(SHAPE_AT(2), (double[]){-INFINITY, 1});
    gradient_is(&op_elu, &x, 1, &(union op_attrs){.scalar = -2}, (double[]){0, 1});
}

static void test_powers_of_zero(void **state) {
    (void)state;
    emit_t in[2] = {numbers(SHAPE_AT(4), (double[]){2, 0, 1, 0}), numbers(SHAPE_AT(4), (double[]){0, 2, -1, 0})};
    gradient_is(&op_pow, in, 2, &(union op_attrs){0}, (double[]){0, 0, -1, 0});
}

static void test_pooling_takes_the_first_maximum(void **state) {
    (void)state;
    emit_t x = numbers(SHAPE_AT(1, 2, 4, 1), (double[]){1, 5, 7, 7, 5, 5, 7, 7});
    union op_attrs halves = {.window = {{2, 2}, {2, 2}, {1, 1}, {0, 0}, {0, 0}, 1, {0, 0}}};
    gradient_is(&op_max_pool2d, &x, 1, &halves, (double[]){0, 1, 1, 0, 0, 0, 0, 0});
}

int main(void) {
#define WITH_EMITTER(TEST) cmocka_unit_test_setup_teardown(TEST, open_emitter, close_emitter)
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_gradients),
        WITH_EMITTER(test_equal_extrema_share),
        WITH_EMITTER(test_the_left_one_of_equals),
        WITH_EMITTER(test_products_beside_zeros),
        WITH_EMITTER(test_at_the_kink),
        WITH_EMITTER(test_elu_of_a_negative_alpha),
        WITH_EMITTER(test_powers_of_zero),
        WITH_EMITTER(test_pooling_takes_the_first_maximum),
    };
    return cmocka_run_group_tests(tests, test_cpus_open, test_cpus_close);
}
