/* Helpers that formulas of this folder are written with. As in op/emit.h, NULL in gives NULL out. */
#include "nn/impl.h"

struct nn_call nn_call_begin(struct run *r, struct op_emitter *emit, bool training, struct err *e) {
    *emit = run_emitter(r, e);
    return (struct nn_call){.run = r, .emit = emit, .training = training};
}

enum status nn_call_end(struct nn_call *c, struct tensor *y, struct tensor **out) {
    struct err *e = c->emit->err;
    if (!e->status && y && out) *out = tensor_retain(y);
    op_emitter_close(c->emit);
    return e->status;
}

struct tensor *nn_read(struct nn_call *c, struct variable *v) {
    struct tensor *value = NULL;
    if (c->emit->err->status || variable_read(c->run, v, &value, c->emit->err)) return NULL;
    return op_emitter_own(c->emit, tensor_retain(value));
}

void nn_assign(struct nn_call *c, struct variable *v, struct tensor *value) {
    if (value && !c->emit->err->status) variable_assign(c->run, v, value, c->emit->err);
}

struct tensor *nn_fail(struct nn_call *c, enum status status, const char *format, ...) {
    va_list args;
    va_start(args, format);
    err_vset(c->emit->err, status, format, args);
    va_end(args);
    return NULL;
}

struct tensor *nn_softmax(struct nn_call *c, struct tensor *x, int axis) {
    struct tensor *y = emit_softmax(c->emit, x, axis);
    if (y && axis == x->shape.rank - 1 && !y->logits) y->logits = tensor_retain(x);
    return y;
}

struct op_axes nn_axes_from(int first, int rank) {
    struct op_axes axes = {0};
    for (int i = first; i < rank; i++) axes.axis[axes.n++] = i;
    return axes;
}

struct tensor *nn_matmul_last(struct nn_call *c, struct tensor *x, struct tensor *kernel) {
    if (!x || !kernel) return NULL;
    int last = x->shape.rank - 1;
    int64_t inputs = kernel->shape.dim[0], rows = 1;
    struct shape s = x->shape;
    s.dim[last] = kernel->shape.dim[1];
    for (int i = 0; i < last; i++) rows *= x->shape.dim[i];
    emit_t flat = emit_reshape(c->emit, x, &(struct shape){2, {rows, inputs}});
    return emit_reshape(c->emit, emit_matmul(c->emit, flat, kernel, false, false), &s);
}

struct tensor *nn_drop_last(struct nn_call *c, struct tensor *x) {
    if (!x) return NULL;
    struct shape s = shape_of(x->shape.rank - 1, x->shape.dim);
    return emit_reshape(c->emit, x, &s);
}

struct tensor *nn_add_last(struct nn_call *c, struct tensor *x) {
    if (!x || x->shape.rank == TENSOR_MAX_RANK) return x;
    struct shape s = x->shape;
    s.dim[s.rank++] = 1;
    return emit_reshape(c->emit, x, &s);
}

/* Makes the rank of `more`, which is one above `less`'s, equal to it where its last size is 1. */
static void level(struct nn_call *c, struct tensor **more, struct tensor **less) {
    int rank = (*more)->shape.rank;
    if ((*more)->shape.dim[rank - 1] != 1) return;
    if (rank == 2)
        *less = nn_add_last(c, *less);
    else
        *more = nn_drop_last(c, *more);
}

void nn_same_rank(struct nn_call *c, struct tensor **a, struct tensor **b) {
    if (!*a || !*b) return;
    int difference = (*a)->shape.rank - (*b)->shape.rank;
    if (difference == 1)
        level(c, a, b);
    else if (difference == -1)
        level(c, b, a);
}

struct tensor *nn_divide_no_nan(struct nn_call *c, struct tensor *a, struct tensor *b) {
    struct op_emitter *m = c->emit;
    if (!a || !b) return NULL;
    emit_t zero = emit_scalar_like(m, a, 0);
    return emit_where(m, emit_eq(m, b, emit_scalar_like(m, b, 0)), zero, emit_div(m, a, b));
}

struct tensor *nn_unit_vectors(struct nn_call *c, struct tensor *x, int64_t axis) {
    struct op_axes axes = {.n = 1, .keepdims = true};
    if (!x || shape_axis(&x->shape, axis, &axes.axis[0], c->emit->err)) return NULL;
    emit_t squares = emit_sum(c->emit, emit_square(c->emit, x), &axes);
    return emit_mul(c->emit, x, emit_minimums(c->emit, emit_rsqrt(c->emit, squares), 1e12));
}

struct tensor *nn_towards(struct nn_call *c, struct tensor *mean, struct tensor *x, double decay) {
    return emit_add(c->emit, mean, emit_muls(c->emit, emit_sub(c->emit, x, mean), 1 - decay));
}
