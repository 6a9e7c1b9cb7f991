/* Matrix products with NumPy's rules for vectors and stacks of matrices. */
#include "op/internal.h"

/* The matrices of an operand: rows and columns after its transposition, and the shape of the stack. */
struct matrices {
    int64_t rows, columns;
    struct shape stack;
};

static struct matrices matrices_of(const struct shape *s, bool transposed) {
    struct matrices m = {.stack = *s};
    m.stack.rank -= 2;
    m.rows = s->dim[s->rank - (transposed ? 1 : 2)];
    m.columns = s->dim[s->rank - (transposed ? 2 : 1)];
    return m;
}

/* A vector stands as a row on the left and as a column on the right. */
static struct shape as_matrix(const struct shape *s, bool left) {
    if (s->rank != 1) return *s;
    return left ? (struct shape){2, {1, s->dim[0]}} : (struct shape){2, {s->dim[0], 1}};
}

static enum status infer_matmul(const struct op_inference *i) {
    const struct shape *a = &i->in[0].shape, *b = &i->in[1].shape;
    const struct op_matmul *flags = &i->attrs->matmul;
    if (a->rank == 0 || b->rank == 0)
        return infer_fail(i, "shapes %s and %s: a scalar is no matrix", SHAPE_TEXT(a), SHAPE_TEXT(b));
    if ((flags->transpose_a && a->rank == 1) || (flags->transpose_b && b->rank == 1))
        return infer_fail(i, "shapes %s and %s: a vector cannot be transposed", SHAPE_TEXT(a), SHAPE_TEXT(b));
    const struct shape am = as_matrix(a, true), bm = as_matrix(b, false);
    struct matrices left = matrices_of(&am, flags->transpose_a), right = matrices_of(&bm, flags->transpose_b);
    if (left.columns != right.rows)
        return infer_fail(i, "shapes %s and %s do not fit: %lld columns meet %lld rows", SHAPE_TEXT(a), SHAPE_TEXT(b),
                          (long long)left.columns, (long long)right.rows);
    struct shape out;
    if (shape_broadcast(&left.stack, &right.stack, &out, i->err) != OK) return i->err->status;
    if (a->rank > 1) out.dim[out.rank++] = left.rows;
    if (b->rank > 1) out.dim[out.rank++] = right.columns;
    return infer_give(i, i->in[0].dtype, &out);
}

/* y's shape with the 1 that stands for a vector's missing dimension. */
static struct shape product_of(const struct shape *a, const struct shape *b, const struct shape *y) {
    struct shape s = *y;
    s.rank -= (a->rank > 1) + (b->rank > 1);
    int64_t rows = a->rank > 1 ? y->dim[s.rank] : 1, columns = b->rank > 1 ? y->dim[y->rank - 1] : 1;
    s.dim[s.rank++] = rows;
    s.dim[s.rank++] = columns;
    return s;
}

/* A stack of matrices as one matrix of all their rows. */
static struct shape all_rows(const struct shape *s) {
    int64_t columns = s->dim[s->rank - 1], rows = 1;
    for (int d = 0; d < s->rank - 1; d++) rows *= s->dim[d];
    return (struct shape){2, {rows, columns}};
}

/* With A = op(a), B = op(b): dA = dY B^T and dB = A^T dY, turned back where op transposes. */
static void matmul_gradient(struct op_grad *g) {
    struct op_emitter *e = g->emit;
    const bool ta = g->attrs->matmul.transpose_a, tb = g->attrs->matmul.transpose_b;
    struct shape as = as_matrix(&g->in[0]->shape, true), bs = as_matrix(&g->in[1]->shape, false);
    struct shape ys = product_of(&g->in[0]->shape, &g->in[1]->shape, &g->out[0]->shape);
    if (as.rank > 2 && bs.rank == 2 && !ta) as = all_rows(&as), ys = all_rows(&ys);
    const emit_t a = emit_reshape(e, g->in[0], &as), b = emit_reshape(e, g->in[1], &bs);
    const emit_t dy = emit_reshape(e, g->dout[0], &ys);
    if (g->wants[0]) {
        emit_t da = ta ? emit_matmul(e, b, dy, tb, true) : emit_matmul(e, dy, b, false, !tb);
        g->din[0] = emit_reshape(e, emit_unbroadcast(e, da, &as), &g->in[0]->shape);
    }
    if (g->wants[1]) {
        emit_t db = tb ? emit_matmul(e, dy, a, true, ta) : emit_matmul(e, a, dy, !ta, false);
        g->din[1] = emit_reshape(e, emit_unbroadcast(e, db, &bs), &g->in[1]->shape);
    }
}

#define PAIR(A, B, TRANSPOSE_A, TRANSPOSE_B)                                                                           \
    { .nin = 2, .shape = {A, B}, .attrs = ATTRS(.matmul = {TRANSPOSE_A, TRANSPOSE_B}), .low = -2, .high = 2 }

const struct op op_matmul = {
    .name = "matmul",
    .doc = "the matrix product a @ b; leading dimensions are stacks and broadcast; a vector is a row on the left, a "
           "column on the right; attrs.matmul transposes the last two dimensions of either first",
    .nin = 2,
    .nout = 1,
    .dtypes = OP_NUMBERS,
    .attrs = OP_MATMUL,
    .infer = infer_matmul,
    .gradient = matmul_gradient,
    SAMPLES(PAIR(DIMS(3, 5), DIMS(5, 7), false, false), PAIR(DIMS(5, 3), DIMS(5, 7), true, false),
            PAIR(DIMS(3, 5), DIMS(7, 5), false, true), PAIR(DIMS(5, 3), DIMS(7, 5), true, true),
            PAIR(DIMS(2, 3, 4), DIMS(4, 5), false, false), PAIR(DIMS(2, 3, 4), DIMS(5, 4), false, true),
            PAIR(DIMS(2, 4, 3), DIMS(4, 5), true, false), PAIR(DIMS(2, 1, 4, 3), DIMS(3, 4, 2), true, false),
            PAIR(DIMS(6), DIMS(6), false, false), PAIR(DIMS(4), DIMS(3, 4, 2), false, false),
            PAIR(DIMS(2, 3, 4), DIMS(4), false, false), PAIR(DIMS(4), DIMS(4, 3), false, false),
            PAIR(DIMS(3, 0), DIMS(0, 2), false, false), PAIR(DIMS(67, 33), DIMS(33, 41), false, false)),
};
