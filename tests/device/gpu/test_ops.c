/* Every op on every sample and dtype on an OpenCL device: against float64 on the cpu, and strided inputs against contiguous
 * ones. */
#include "support/eager.h"
#include "support/opencl.h"
#include "support/samples.h"
#include "support/tolerance.h"

#define EACH_SAMPLE(OP, S)                                                                                             \
    for (const struct op *const *at_ = op_registry, *OP; (OP = *at_); at_++)                                           \
        for (const struct op_sample *S = OP->samples; S < OP->samples + OP->nsample; S++)

static bool takes(const struct op *op, enum dtype d) {
    return op->dtypes >> d & 1;
}

/* Whether the op takes data of dtype d; an op without data runs once, as if it were float64. */
static bool runs_with(const struct op *op, const struct op_sample *s, enum dtype d) {
    for (int k = 0; k < s->nin; k++)
        if (sample_is_data(op, k)) return takes(op, d);
    return d == DT_FLOAT64;
}

/* Fills `out` with all outputs. */
static void run(struct op_emitter *e, const struct op *op, const struct op_sample *s, emit_t *in, enum dtype d,
                emit_t *out) {
    if (!op_emit(e, op, in, s->nin, s->attrs, out))
        fail_msg("%s, sample %d, %s: %s", op->name, (int)(s - op->samples), dtype_name(d), e->err->text);
}

/* What an element of dtype d holds when its value should be v. */
static double stored(enum dtype d, double v) {
    return d == DT_BOOL ? v != 0 : d == DT_UINT8 ? (uint8_t)(int64_t)v : v;
}

static void compare(const struct op *op, const struct op_sample *s, enum dtype d, emit_t got, emit_t want) {
    struct tensor *g = test_on(test_cpu[0], got), *w = test_on(test_cpu[0], want);
    const struct tolerance t = tolerance_opencl(op->name, g->dtype);
    assert_true(shape_equal(&g->shape, &w->shape));
    for (int64_t i = 0; i < tensor_size(g); i++) {
        const double a = test_at(g, i), b = stored(g->dtype, test_at(w, i));
        if (!tolerance_agree(t, a, b))
            fail_msg("%s, sample %d, %s: element %d is %.17g, not %.17g", op->name, (int)(s - op->samples),
                     dtype_name(d), (int)i, a, b);
    }
    tensor_release(g);
    tensor_release(w);
}

/* The same elements, backwards and two apart in memory. */
static emit_t scattered(struct op_emitter *e, emit_t x) {
    struct op_slice slice = {.shape = x->shape}, back = {.shape = x->shape};
    for (int d = 0; d < x->shape.rank; d++) {
        slice.shape.dim[d] = 2 * x->shape.dim[d] + 1;
        slice.start[d] = back.start[d] = x->shape.dim[d] ? 2 * x->shape.dim[d] - 1 : 0;
        slice.step[d] = back.step[d] = -2;
    }
    return emit_slice(e, emit_pad(e, x, &slice), &back);
}

static void check_sample(const struct op *op, const struct op_sample *s, enum dtype d) {
    struct err err = {0};
    struct op_emitter cpu = eager_emitter(test_cpu[0], &err), gpu = eager_emitter(test_opencl, &err);
    emit_t in[4], reference[4], strided[4], want[OP_MAX_OUT], got[OP_MAX_OUT], again[OP_MAX_OUT];
    for (int k = 0; k < s->nin; k++) {
        const bool wide = sample_is_data(op, k) && takes(op, DT_FLOAT64);
        emit_t x = sample_input(&cpu, op, s, k, d);
        in[k] = op_emitter_own(&gpu, test_on(test_opencl, x));
        strided[k] = scattered(&gpu, in[k]);
        reference[k] = wide ? emit_cast(&cpu, x, DT_FLOAT64) : x;
    }
    run(&cpu, op, s, reference, d, want);
    run(&gpu, op, s, in, d, got);
    run(&gpu, op, s, strided, d, again);
    for (int k = 0; k < op->nout; k++) compare(op, s, d, got[k], want[k]);
    for (int k = 0; s->nin > 0 && k < op->nout; k++) compare(op, s, d, again[k], want[k]);
    op_emitter_close(&gpu);
    op_emitter_close(&cpu);
}

static void test_against_float64(void **state) {
    (void)state;
    test_needs_opencl();
    EACH_SAMPLE(op, s)
    for (enum dtype d = DT_BOOL; d < DT_COUNT; d++)
        if (runs_with(op, s, d)) check_sample(op, s, d);
}

/* The slots that are empty on a gpu: none. */
static void test_no_slot_is_empty(void **state) {
    (void)state;
    test_needs_opencl();
    for (const struct op *const *op = op_registry; *op; op++)
        if (!((*op)->flags & OP_VIEW) && !test_opencl->driver->has(test_opencl, *op))
            fail_msg("%s is not there", (*op)->name);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_no_slot_is_empty),
        cmocka_unit_test(test_against_float64),
    };
    return cmocka_run_group_tests(tests, test_opencl_open, test_opencl_close);
}
