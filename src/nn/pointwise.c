/* Formulas that losses and metrics share. */
#include "nn/impl.h"

struct tensor *nn_mean_last(struct nn_call *c, struct tensor *x) {
    if (!x) return NULL;
    if (x->shape.rank == 0) return nn_fail(c, ERR_VALUE, "y_pred must have at least one dimension");
    struct op_axes last = nn_axes_from(x->shape.rank - 1, x->shape.rank);
    return emit_mean(c->emit, x, &last);
}

struct tensor *nn_mean_squared_error(struct nn_call *c, struct tensor *a, struct tensor *b) {
    return nn_mean_last(c, emit_square(c->emit, emit_sub(c->emit, a, b)));
}

struct tensor *nn_mean_absolute_error(struct nn_call *c, struct tensor *a, struct tensor *b) {
    return nn_mean_last(c, emit_abs(c->emit, emit_sub(c->emit, a, b)));
}

struct tensor *nn_clip_probability(struct nn_call *c, struct tensor *p) {
    return emit_maximums(c->emit, emit_minimums(c->emit, p, 1 - NN_EPSILON), NN_EPSILON);
}

struct tensor *nn_logits(struct nn_call *c, struct tensor *y_pred, bool from_logits) {
    if (y_pred->logits) return y_pred->logits;
    return from_logits ? y_pred : emit_log(c->emit, nn_clip_probability(c, y_pred));
}

enum status nn_check_same_shape(struct nn_call *c, const struct tensor *y_true, const struct tensor *y_pred) {
    char target[200], output[200];
    if (shape_equal(&y_true->shape, &y_pred->shape)) return OK;
    return err_set(c->emit->err, ERR_VALUE,
                   "Arguments `target` and `output` must have the same shape. Received: target.shape=%s, "
                   "output.shape=%s",
                   nn_shape_text(&y_true->shape, target, sizeof target),
                   nn_shape_text(&y_pred->shape, output, sizeof output));
}

struct tensor *nn_matches(struct nn_call *c, struct tensor *a, struct tensor *b) {
    return emit_cast(c->emit, emit_eq(c->emit, a, b), DT_FLOAT32);
}
