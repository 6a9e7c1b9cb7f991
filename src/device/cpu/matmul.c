/* matmul: NumPy's rules for vectors and stacks, over cpu_gemm_parallel. */
#include "device/cpu/cpu.h"

/* Leading strides of t's stack along the result's stack, 0 where it broadcasts. */
static void stack_strides(const struct tensor *t, int rank, int64_t *stride) {
    const int mine = t->shape.rank > 2 ? t->shape.rank - 2 : 0;
    for (int d = 0; d < rank; d++) {
        const int from = d - (rank - mine);
        stride[d] = from < 0 || t->shape.dim[from] == 1 ? 0 : t->stride[from];
    }
}

static enum status run(struct cpu *c, const struct op_call *call, void *workspace, struct err *e) {
    (void)workspace;
    const struct tensor *a = call->in[0], *b = call->in[1], *y = call->out[0];
    const struct op_matmul *attrs = &call->attrs->matmul;
    const int ra = a->shape.rank, rb = b->shape.rank;
    /* A vector is a row on the left and a column on the right, and is not transposed. */
    const bool ta = attrs->transpose_a && ra > 1, tb = attrs->transpose_b && rb > 1;
    const int64_t a_rows = ra > 1 ? a->shape.dim[ra - 2] : 1, a_columns = a->shape.dim[ra - 1];
    const int64_t b_columns = rb > 1 ? b->shape.dim[rb - 1] : 1, b_rows = b->shape.dim[rb > 1 ? rb - 2 : 0];
    struct cpu_gemm g = {.dtype = a->dtype, .transpose_a = ta, .transpose_b = tb};
    g.m = ta ? a_columns : a_rows;
    g.k = ta ? a_rows : a_columns;
    g.n = tb ? b_rows : b_columns;
    g.lda = a_columns, g.ldb = b_columns, g.ldc = g.n;
    g.a = tensor_data(a), g.b = tensor_data(b), g.c = tensor_data(y);
    struct cpu_gemm_stack stack = {.rank = y->shape.rank - (ra > 1) - (rb > 1)};
    for (int d = 0; d < stack.rank; d++) {
        stack.dim[d] = y->shape.dim[d];
        stack.c[d] = y->stride[d];
    }
    stack_strides(a, stack.rank, stack.a);
    stack_strides(b, stack.rank, stack.b);
    return cpu_gemm_parallel(c, &g, &stack, e);
}

const struct cpu_kernel cpu_kernel_matmul = {.run = run};
