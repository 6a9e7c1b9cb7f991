/* Programs that update variables: where the next value lies, and that nobody else's numbers change with it. */
#include "base/cancel.h"
#include "op/emit.h"
#include "support/nn.h"

enum { N = 1000 };

/* A variable w of ones, and a program that takes x (N, N) and adds its mean row to w. */
struct updated {
    struct variable *w;
    struct program *p;
};

static struct updated updated(void) {
    struct err e = {0};
    struct updated u;
    struct tensor *ones = test_full(SHAPE(N), 1), *x, *w;
    assert_ok(variable_new(test_nn, ones, "layer/kernel", true, &u.w, &e), &e);
    tensor_release(ones);
    assert_ok(trace_begin(test_nn, &e), &e);
    assert_ok(trace_input(test_nn, DT_FLOAT32, SHAPE_AT(N, N), &x, &e), &e);
    assert_ok(variable_read(test_nn, u.w, &w, &e), &e);
    struct op_emitter m = run_emitter(test_nn, &e);
    assert_ok(variable_assign(test_nn, u.w, emit_add(&m, w, emit_mean(&m, x, &(struct op_axes){1, {0}, false})), &e),
              &e);
    assert_ok(trace_end(test_nn, NULL, 0, &u.p, &e), &e);
    op_emitter_close(&m);
    return u;
}

static void free_updated(struct updated *u) {
    program_release(u->p);
    variable_release(u->w);
}

/* w += 1 everywhere. */
static void update(struct updated *u) {
    struct err e = {0};
    struct tensor *x = test_full(SHAPE(N, N), 1);
    assert_ok(program_call(test_nn, u->p, &x, 1, NULL, &e), &e);
    tensor_release(x);
}

static void a_value_that_nobody_holds_is_overwritten(void **state) {
    (void)state;
    struct updated u = updated();
    const struct storage *at = u.w->value->storage;
    for (int i = 0; i < 3; i++) update(&u);
    assert_ptr_equal(u.w->value->storage, at);
    assert_null(u.w->spare);
    assert_float_equal(test_item(u.w->value, N - 1), 4, 0);
    free_updated(&u);
}

static void a_value_that_is_held_stays(void **state) {
    (void)state;
    struct updated u = updated();
    struct tensor *held = tensor_retain(u.w->value);
    for (int i = 0; i < 3; i++) update(&u);
    assert_float_equal(test_item(held, 5), 1, 0);
    assert_float_equal(test_item(u.w->value, 5), 4, 0);
    tensor_release(held);
    free_updated(&u);
}

static void a_view_holds_its_storage(void **state) {
    (void)state;
    struct err e = {0};
    struct updated u = updated();
    struct tensor *view;
    assert_ok(tensor_view(u.w->value, &view, &e), &e);
    update(&u);
    assert_float_equal(test_item(view, 5), 1, 0);
    tensor_release(view);
    free_updated(&u);
}

static void a_snapshot_has_its_values(void **state) {
    (void)state;
    struct err e = {0};
    struct updated u = updated();
    struct run_snapshot *s;
    update(&u);
    assert_ok(run_snapshot_new(test_nn, 1 << 20, &s, &e), &e);
    for (int i = 0; i < 3; i++) update(&u);
    assert_float_equal(test_item(u.w->value, 5), 5, 0);
    assert_ok(run_snapshot_restore(s, &e), &e);
    assert_float_equal(test_item(u.w->value, 5), 2, 0);
    run_snapshot_free(s);
    update(&u);
    assert_float_equal(test_item(u.w->value, 5), 3, 0);
    free_updated(&u);
}

static void a_cancelled_call_changes_nothing(void **state) {
    (void)state;
    struct err e = {0};
    struct updated u = updated();
    struct tensor *x = test_full(SHAPE(N, N), 1);
    cancel_request();
    assert_error(program_call(test_nn, u.p, &x, 1, NULL, &e), ERR_CANCELLED, "", &e);
    cancel_clear();
    assert_float_equal(test_item(u.w->value, 5), 1, 0);
    update(&u);
    assert_float_equal(test_item(u.w->value, 5), 2, 0);
    tensor_release(x);
    free_updated(&u);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_value_that_nobody_holds_is_overwritten),
        cmocka_unit_test(a_value_that_is_held_stays),
        cmocka_unit_test(a_view_holds_its_storage),
        cmocka_unit_test(a_snapshot_has_its_values),
        cmocka_unit_test(a_cancelled_call_changes_nothing),
    };
    return cmocka_run_group_tests(tests, test_nn_open, test_nn_close);
}
