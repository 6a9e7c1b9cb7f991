/* See tape.h. */
#include "support/tape.h"

struct tape *test_tape_begin(struct tensor *const *watch, int n) {
    struct err e = {0};
    struct tape *t = NULL;
    assert_ok(tape_new(false, &t, &e), &e);
    for (int i = 0; i < n; i++) assert_ok(tape_watch(t, watch[i], &e), &e);
    test_nn->tape[test_nn->ntape++] = t;
    return t;
}

void test_tape_end(struct tape *t, struct tensor *y, struct tensor *seed, struct tensor *const *source, int n,
                   struct tensor **gradient) {
    struct err e = {0};
    struct op_emitter emit = run_emitter(test_nn, &e);
    test_nn->ntape--;
    assert_ok(tape_gradient(t, &emit, y, seed, source, n, gradient, &e), &e);
    for (int i = 0; i < n; i++)
        if (gradient[i]) tensor_retain(gradient[i]);
    op_emitter_close(&emit);
    tape_free(t);
}
