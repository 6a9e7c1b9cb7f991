/* Every op's description is whole, and its samples are valid for every dtype it takes. */
#include "op/ops.h"
#include "support/samples.h"
#include "support/test.h"

static void test_names_are_unique_and_sorted(void **state) {
    (void)state;
    int n = 0;
    for (const struct op *const *op = op_registry; *op; op++, n++) {
        if (n > 0) assert_true(strcmp(op[-1]->name, (*op)->name) < 0);
        assert_ptr_equal(op_find((*op)->name), *op);
    }
    assert_true(n > 80);
    assert_null(op_find("no_such_op"));
}

static void test_c_name_is_the_name(void **state) {
    (void)state;
#define CHECK(NAME) assert_string_equal(op_##NAME.name, #NAME);
    LIST_OPS(CHECK)
#undef CHECK
}

static void test_descriptions_are_whole(void **state) {
    (void)state;
    for (const struct op *const *at = op_registry; *at; at++) {
        const struct op *op = *at;
        if (!op->doc || !op->infer || !op->dtypes || op->nout < 1 || op->nout > OP_MAX_OUT || op->nsample < 2)
            fail_msg("%s: incomplete", op->name);
        if (!(op->flags & OP_VIEW) != !op->view) fail_msg("%s: a view needs its function", op->name);
        if (op->indices & op->conditions) fail_msg("%s: an input is both index and condition", op->name);
        if (op->attrs == OP_NO_ATTRS)
            for (int k = 0; k < op->nsample; k++) assert_null(op->samples[k].attrs);
    }
}

static void test_samples_infer(void **state) {
    (void)state;
    for (const struct op *const *at = op_registry; *at; at++)
        for (int k = 0; k < (*at)->nsample; k++)
            for (enum dtype d = 0; d < DT_COUNT; d++) {
                const struct op *op = *at;
                const struct op_sample *s = &op->samples[k];
                struct op_sig in[4], out[OP_MAX_OUT];
                struct err e = {0};
                bool data = false;
                for (int j = 0; j < s->nin; j++) {
                    in[j] = sample_sig(op, s, j, d);
                    data |= sample_is_data(op, j);
                }
                enum status got = op_infer(op, in, s->nin, s->attrs, out, &e);
                if (!data || op->dtypes >> d & 1) {
                    if (got != OK) fail_msg("sample %d: %s", k, e.text);
                    if (!(op->dtypes >> out[0].dtype & 1) && !data)
                        fail_msg("%s: sample %d: output dtype", op->name, k);
                } else if (got != ERR_TYPE || strncmp(e.text, op->name, strlen(op->name)) != 0)
                    fail_msg("%s: %s is not refused: %s", op->name, dtype_name(d), e.text);
            }
}

static void test_arity_is_checked(void **state) {
    (void)state;
    struct op_sig in[OP_MAX_IN + 1], out;
    struct err e = {0};
    for (int k = 0; k <= OP_MAX_IN; k++) in[k] = (struct op_sig){DT_FLOAT32, SHAPE(2, 3)};
    assert_error(op_infer(&op_add, in, 1, NULL, &out, &e), ERR_VALUE, "add: takes 2 inputs, got 1", &e);
    assert_error(op_infer(&op_exp, in, 2, NULL, &out, &e), ERR_VALUE, "exp: takes 1 input, got 2", &e);
    assert_error(op_infer(&op_concatenate, in, 0, NULL, &out, &e), ERR_VALUE, "at least one", &e);
    assert_error(op_infer(&op_concatenate, in, OP_MAX_IN + 1, NULL, &out, &e), ERR_VALUE, "at most 64", &e);
}

static void test_dtypes_are_checked(void **state) {
    (void)state;
    struct op_sig f = {DT_FLOAT32, SHAPE(2)}, i = {DT_INT32, SHAPE(2)}, b = {DT_BOOL, SHAPE(2)}, out;
    struct err e = {0};
    assert_error(op_infer(&op_sqrt, &i, 1, NULL, &out, &e), ERR_TYPE,
                 "sqrt: input 0 is int32, must be float32 or float64", &e);
    assert_error(op_infer(&op_add, (struct op_sig[]){f, i}, 2, NULL, &out, &e), ERR_TYPE,
                 "add: inputs 0 and 1 must have one dtype, got float32 and int32", &e);
    assert_error(op_infer(&op_where, (struct op_sig[]){f, f, f}, 3, NULL, &out, &e), ERR_TYPE,
                 "where: input 0 is float32, must be bool", &e);
    assert_error(op_infer(&op_where, (struct op_sig[]){b, f, i}, 3, NULL, &out, &e), ERR_TYPE, "inputs 1 and 2", &e);
    assert_error(op_infer(&op_gather, (struct op_sig[]){f, f}, 2, NULL, &out, &e), ERR_TYPE,
                 "gather: input 1 is float32, must be int32 or int64", &e);
    assert_ok(op_infer(&op_gather, (struct op_sig[]){f, i}, 2, NULL, &out, &e), &e);
}

static void test_an_error_that_stands_is_kept(void **state) {
    (void)state;
    struct op_sig f = {DT_FLOAT32, SHAPE(2)}, out;
    struct err e = {.status = ERR_IO, .text = "first"};
    assert_int_equal(op_infer(&op_exp, &f, 1, NULL, &out, &e), ERR_IO);
    assert_string_equal(e.text, "first");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_names_are_unique_and_sorted),
        cmocka_unit_test(test_c_name_is_the_name),
        cmocka_unit_test(test_descriptions_are_whole),
        cmocka_unit_test(test_samples_infer),
        cmocka_unit_test(test_arity_is_checked),
        cmocka_unit_test(test_dtypes_are_checked),
        cmocka_unit_test(test_an_error_that_stands_is_kept),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
