/* Every op on every sample, dtype and cpu: float32 and integers against float64, strided inputs against contiguous ones,
 * instruction sets and thread counts against each other. */
#include <string.h>

#include <math.h>

#include "support/cpu.h"
#include "support/eager.h"
#include "support/samples.h"
#include "support/test.h"
#include "support/tolerance.h"

#define EACH_SAMPLE(OP, S)                                                                                             \
    for (const struct op *const *at_ = op_registry, *OP; (OP = *at_); at_++)                                           \
        for (const struct op_sample *S = OP->samples; S < OP->samples + OP->nsample; S++)

static bool takes(const struct op *op, enum dtype d) {
    return op->dtypes >> d & 1;
}

static bool has_kernel(const struct op *op) {
    return op->flags & OP_VIEW || test_cpu[0]->driver->has(test_cpu[0], op);
}

/* Whether the op takes data of dtype d; an op without data runs once, as if it were float64. */
static bool runs_with(const struct op *op, const struct op_sample *s, enum dtype d) {
    if (!has_kernel(op)) return false;
    for (int k = 0; k < s->nin; k++)
        if (sample_is_data(op, k)) return takes(op, d);
    return d == DT_FLOAT64;
}

/* The first output. */
static struct tensor *run(struct op_emitter *e, const struct op *op, const struct op_sample *s, emit_t *in) {
    struct tensor *out[OP_MAX_OUT];
    if (!op_emit(e, op, in, s->nin, s->attrs, out))
        fail_msg("%s, sample %d, %s: %s", op->name, (int)(s - op->samples), dtype_name(in[0]->dtype), e->err->text);
    return out[0];
}

/* What an element of dtype d holds when its value should be v. */
static double stored(enum dtype d, double v) {
    return d == DT_BOOL ? v != 0 : d == DT_UINT8 ? (uint8_t)(int64_t)v : v;
}

static void compare(const struct op *op, const struct op_sample *s, const struct tensor *got,
                    const struct tensor *want) {
    const struct tolerance exact = {0, 0}, t = dtype_is_float(got->dtype) ? tolerance_float32(op->name) : exact;
    assert_true(shape_equal(&got->shape, &want->shape));
    for (int64_t i = 0; i < tensor_size(got); i++) {
        double g = test_at(got, i), w = stored(got->dtype, test_at(want, i));
        if (!tolerance_agree(t, g, w))
            fail_msg("%s, sample %d, %s: element %d is %.17g, not %.17g", op->name, (int)(s - op->samples),
                     dtype_name(got->dtype), (int)i, g, w);
    }
}

static void test_against_float64(void **state) {
    (void)state;
    EACH_SAMPLE(op, s) {
        for (enum dtype d = DT_BOOL; d < DT_FLOAT64; d++) {
            if (!runs_with(op, s, d) || !takes(op, DT_FLOAT64)) continue;
            struct err err = {0};
            struct op_emitter e = eager_emitter(test_cpu[0], &err);
            emit_t in[4], wide[4];
            for (int k = 0; k < s->nin; k++) {
                in[k] = sample_input(&e, op, s, k, d);
                wide[k] = sample_is_data(op, k) ? emit_cast(&e, in[k], DT_FLOAT64) : in[k];
            }
            compare(op, s, run(&e, op, s, in), run(&e, op, s, wide));
            op_emitter_close(&e);
        }
    }
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

static void test_strided_inputs(void **state) {
    (void)state;
    EACH_SAMPLE(op, s) {
        for (enum dtype d = DT_BOOL; d < DT_COUNT; d++) {
            if (!runs_with(op, s, d) || s->nin == 0) continue;
            struct err err = {0};
            struct op_emitter e = eager_emitter(test_cpu[test_ncpu - 1], &err);
            emit_t in[4], strided[4];
            for (int k = 0; k < s->nin; k++) {
                in[k] = sample_input(&e, op, s, k, d);
                strided[k] = scattered(&e, in[k]);
            }
            emit_t one = emit_copy(&e, run(&e, op, s, in)), other = emit_copy(&e, run(&e, op, s, strided));
            test_same_bits(one, other);
            op_emitter_close(&e);
        }
    }
}

/* To the bit; but convolutions multiply and add in one rounding where the instruction set can. */
static void test_cpus_agree(void **state) {
    (void)state;
    EACH_SAMPLE(op, s) {
        for (enum dtype d = DT_BOOL; d < DT_COUNT; d++) {
            if (!runs_with(op, s, d)) continue;
            struct err err = {0};
            struct op_emitter e[TEST_CPUS];
            emit_t out[TEST_CPUS], in[4];
            for (int c = 0; c < test_ncpu; c++) {
                e[c] = eager_emitter(test_cpu[c], &err);
                for (int k = 0; k < s->nin; k++) in[k] = sample_input(&e[c], op, s, k, d);
                out[c] = emit_copy(&e[c], run(&e[c], op, s, in));
                bool fused = strncmp(op->name, "conv2d", 6) == 0;
                bool same = ((struct cpu *)test_cpu[0])->isa == ((struct cpu *)test_cpu[c])->isa;
                if (same || !fused) test_same_bits(out[0], out[c]);
            }
            for (int c = 0; c < test_ncpu; c++) op_emitter_close(&e[c]);
        }
    }
}

/* The slots that are empty on the cpu: none. */
static void test_no_slot_is_empty(void **state) {
    (void)state;
    for (const struct op *const *op = op_registry; *op; op++)
        if (!has_kernel(*op)) fail_msg("%s has no kernel", (*op)->name);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_no_slot_is_empty),
        cmocka_unit_test(test_against_float64),
        cmocka_unit_test(test_strided_inputs),
        cmocka_unit_test(test_cpus_agree),
    };
    return cmocka_run_group_tests(tests, test_cpus_open, test_cpus_close);
}
