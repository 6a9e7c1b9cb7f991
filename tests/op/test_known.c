/* Results known beforehand, for ops that no float64 kernel or difference checks, and the errors that only running shows. */
#include <math.h>

#include "base/rng.h"
#include "support/cpu.h"
#include "support/eager.h"
#include "support/test.h"
#include "support/tolerance.h"

static struct err err;
static struct op_emitter emitter, *const e = &emitter;

static int open_emitter(void **state) {
    (void)state;
    err = (struct err){0};
    emitter = eager_emitter(test_cpu[test_ncpu - 1], &err);
    return 0;
}

static int close_emitter(void **state) {
    (void)state;
    op_emitter_close(e);
    return 0;
}

#define NUMBERS(...)                                                                                                   \
    sizeof((double[]){__VA_ARGS__}) / sizeof(double), (const double[]) {                                               \
        __VA_ARGS__                                                                                                    \
    }

static emit_t floats(const struct shape *s, const double *x) {
    return op_emitter_own(e, test_tensor(e->context, DT_FLOAT64, *s, x));
}

static emit_t labels(enum dtype d, const struct shape *s, const double *x) {
    return emit_cast(e, floats(s, x), d);
}

/* x holds these numbers, to float32's precision. */
static void holds(emit_t x, size_t n, const double *want) {
    if (!x) fail_msg("%s", err.text);
    assert_int_equal(tensor_size(x), n);
    for (size_t i = 0; i < n; i++)
        if (!tolerance_agree((struct tolerance){3e-7, 0}, test_at(x, (int64_t)i), want[i]))
            fail_msg("element %d is %.9g, not %.9g", (int)i, test_at(x, (int64_t)i), want[i]);
}

static void fails(emit_t x, enum status status, const char *message) {
    assert_null(x);
    assert_int_equal(err.status, status);
    assert_string_equal(err.text, message);
}

static void test_full(void **state) {
    (void)state;
    holds(emit_full(e, DT_FLOAT32, SHAPE_AT(3), -1.5), NUMBERS(-1.5, -1.5, -1.5));
    holds(emit_full(e, DT_UINT8, SHAPE_AT(2), 200), NUMBERS(200, 200));
    holds(emit_full(e, DT_BOOL, SHAPE_AT(2), 1), NUMBERS(1, 1));
    emit_t big = NULL;
    union op_attrs a = {.full = {.dtype = DT_INT64, .integer = INT64_MAX}};
    assert_true(op_emit(e, &op_full, NULL, 0, &a, &big));
    assert_true(*(int64_t *)tensor_data(big) == INT64_MAX);
}

static void test_arange(void **state) {
    (void)state;
    holds(emit_arange(e, DT_FLOAT32, 0.5, -0.25, 4), NUMBERS(0.5, 0.25, 0, -0.25));
    holds(emit_arange(e, DT_INT64, 7, -3, 4), NUMBERS(7, 4, 1, -2));
    holds(emit_arange(e, DT_UINT8, 250, 3, 4), NUMBERS(250, 253, 0, 3));
}

static void test_random_uniform(void **state) {
    (void)state;
    enum { N = 3 * 70001 };
    static float want[N];
    const struct rng_philox stream = rng_stateless(200, 7);
    rng_unit(&stream, 0, N, want);
    emit_t x = emit_random_uniform(e, labels(DT_INT64, SHAPE_AT(2), (double[]){200, 7}), SHAPE_AT(3, 70001));
    assert_non_null(x);
    assert_memory_equal(tensor_data(x), want, sizeof want);
}

static void test_movement(void **state) {
    (void)state;
    emit_t x = floats(SHAPE_AT(2, 2), (double[]){1, 2, 3, 4});
    const struct op_slice inside = {.shape = *SHAPE_AT(3, 5), .start = {2, 1}, .step = {-1, 3}};
    holds(emit_pad(e, x, &inside), NUMBERS(0, 0, 0, 0, 0, 0, 3, 0, 0, 4, 0, 1, 0, 0, 2));
    holds(emit_transpose(e, x, (int[]){1, 0}), NUMBERS(1, 3, 2, 4));
    holds(emit_concatenate(e, (emit_t[]){x, emit_neg(e, x)}, 2, 1), NUMBERS(1, 2, -1, -2, 3, 4, -3, -4));
    holds(emit_concatenate(e, (emit_t[]){x, emit_neg(e, x)}, 2, 0), NUMBERS(1, 2, 3, 4, -1, -2, -3, -4));
}

static void test_rows(void **state) {
    (void)state;
    emit_t x = floats(SHAPE_AT(3, 2), (double[]){1, 2, 3, 4, 5, 6});
    for (enum dtype d = DT_INT32; d <= DT_INT64; d++) {
        emit_t at = labels(d, SHAPE_AT(4), (double[]){2, 0, 2, 1});
        emit_t rows = emit_gather(e, x, at);
        holds(rows, NUMBERS(5, 6, 1, 2, 5, 6, 3, 4));
        holds(emit_scatter_add(e, at, rows, 4), NUMBERS(1, 2, 3, 4, 10, 12, 0, 0));
        holds(emit_one_hot(e, at, 3, DT_FLOAT32), NUMBERS(0, 0, 1, 1, 0, 0, 0, 0, 1, 0, 1, 0));
    }
    holds(emit_one_hot(e, labels(DT_INT64, SHAPE_AT(2), (double[]){-1, 2}), 2, DT_INT32), NUMBERS(0, 0, 0, 0));
}

static void test_index_out_of_range(void **state) {
    (void)state;
    emit_t x = floats(SHAPE_AT(3, 2), (double[]){1, 2, 3, 4, 5, 6});
    fails(emit_gather(e, x, labels(DT_INT64, SHAPE_AT(2), (double[]){1, 3})), ERR_INDEX,
          "gather: index 3 at place 1 is outside [0, 3)");
    err = (struct err){0};
    fails(emit_scatter_add(e, labels(DT_INT32, SHAPE_AT(3), (double[]){1, -1, 0}), x, 3), ERR_INDEX,
          "scatter_add: index -1 at place 1 is outside [0, 3)");
}

static void test_crossentropy(void **state) {
    (void)state;
    emit_t logits = floats(SHAPE_AT(2, 3), (double[]){1000, 1000, 0, 0, log(2), log(5)});
    for (enum dtype d = DT_INT32; d <= DT_INT64; d++) {
        emit_t y = labels(d, SHAPE_AT(2), (double[]){1, 2}), dy = floats(SHAPE_AT(2), (double[]){2, 8});
        holds(emit_sparse_softmax_crossentropy(e, logits, y), NUMBERS(log(2), log(8.0 / 5)));
        holds(emit_sparse_softmax_crossentropy_grad(e, logits, y, dy), NUMBERS(1, -1, 0, 1, 2, -3));
    }
}

static void test_label_out_of_range(void **state) {
    (void)state;
    emit_t logits = floats(SHAPE_AT(1, 3), (double[]){1, 2, 3}), y = labels(DT_INT64, SHAPE_AT(1), (double[]){10});
    fails(emit_sparse_softmax_crossentropy(e, logits, y), ERR_VALUE,
          "sparse_softmax_crossentropy: label 10 is outside [0, 3)");
    err = (struct err){0};
    emit_t dy = floats(SHAPE_AT(1), (double[]){1});
    fails(emit_sparse_softmax_crossentropy_grad(e, logits, labels(DT_INT32, SHAPE_AT(1), (double[]){-1}), dy),
          ERR_VALUE, "sparse_softmax_crossentropy_grad: label -1 is outside [0, 3)");
}

static void test_extrema(void **state) {
    (void)state;
    const struct op_axes rows = {1, {1}, false};
    emit_t x = floats(SHAPE_AT(3, 4), (double[]){1, 7, 7, 2, -1, -5, -5, 0, 3, NAN, 9, NAN});
    holds(emit_argmax(e, x, 1), NUMBERS(1, 3, 1));
    holds(emit_argmin(e, x, 1), NUMBERS(0, 1, 1));
    holds(emit_max(e, x, &rows), NUMBERS(7, 0, NAN));
    holds(emit_min(e, x, &rows), NUMBERS(1, -5, NAN));
}

static void test_empty_reductions(void **state) {
    (void)state;
    const struct op_axes rows = {1, {1}, false};
    emit_t none = emit_full(e, DT_FLOAT32, SHAPE_AT(2, 0), 0), never = emit_full(e, DT_BOOL, SHAPE_AT(2, 0), 0);
    holds(emit_sum(e, none, &rows), NUMBERS(0, 0));
    holds(emit_prod(e, none, &rows), NUMBERS(1, 1));
    holds(emit_mean(e, none, &rows), NUMBERS(NAN, NAN));
    holds(emit_any(e, never, &rows), NUMBERS(0, 0));
    holds(emit_all(e, never, &rows), NUMBERS(1, 1));
}

static void test_logic(void **state) {
    (void)state;
    emit_t a = labels(DT_BOOL, SHAPE_AT(4), (double[]){0, 0, 1, 1}),
           b = labels(DT_BOOL, SHAPE_AT(4), (double[]){0, 1, 0, 1});
    holds(emit_logical_xor(e, a, b), NUMBERS(0, 1, 1, 0));
    holds(emit_add(e, a, b), NUMBERS(0, 1, 1, 1));
    holds(emit_any(e, emit_logical_and(e, a, b), NULL), NUMBERS(1));
    holds(emit_all(e, emit_logical_or(e, a, b), NULL), NUMBERS(0));
    holds(emit_sum(e, a, NULL), NUMBERS(2));
}

int main(void) {
#define WITH_EMITTER(TEST) cmocka_unit_test_setup_teardown(TEST, open_emitter, close_emitter)
    const struct CMUnitTest tests[] = {
        WITH_EMITTER(test_full),           WITH_EMITTER(test_arange),
        WITH_EMITTER(test_random_uniform), WITH_EMITTER(test_movement),
        WITH_EMITTER(test_rows),           WITH_EMITTER(test_index_out_of_range),
        WITH_EMITTER(test_crossentropy),   WITH_EMITTER(test_label_out_of_range),
        WITH_EMITTER(test_extrema),        WITH_EMITTER(test_empty_reductions),
        WITH_EMITTER(test_logic),
    };
    return cmocka_run_group_tests(tests, test_cpus_open, test_cpus_close);
}
