/* Matrix products and the three passes of a convolution, by one tiled kernel. Where a result is small and its sums are
 * long, the sums are cut into parts, which are added in a second pass: how depends on shapes alone. */
#include <stdio.h>

#include "device/gpu/gpu.h"
#include "op/ops.h"

enum { TILE = 64, LEAST_PART = 512, ENOUGH_GROUPS = 256 };

/* `product` and `window` of gemm.cl. */
struct product {
    int64_t m, n, k, batch, a_m, a_k, b_k, b_n, a_batch, b_batch, part;
};
struct window {
    int32_t in[2], out[2], size[2], stride[2], dilation[2], before[2], cin, cout, groups, unused;
};

struct gemm {
    const char *operands; /* MATMUL, FORWARD, ... */
    struct product p;
    struct window w;
    int64_t a_at, b_at, c_at; /* of the first products, in elements from the tensors' own first */
};

/* ---- running ------------------------------------------------------------------------------------------------------ */

static int64_t parts_of(const struct product *p) {
    const int64_t tiles = (p->m + TILE - 1) / TILE * ((p->n + TILE - 1) / TILE) * p->batch;
    const int64_t most = p->k / LEAST_PART, wanted = tiles ? ENOUGH_GROUPS / tiles : 1;
    const int64_t parts = most < wanted ? most : wanted;
    return parts > 1 ? parts : 1;
}

static size_t parts_bytes(const struct product *p, const struct tensor *y) {
    const int64_t parts = parts_of(p);
    return parts > 1 ? (size_t)parts * tensor_bytes(y) : 0;
}

static enum status launch(struct gpu *g, const struct gemm *m, const struct op_call *call, const struct storage *c,
                          int64_t c_at, struct err *e) {
    const struct tensor *a = call->in[0], *b = call->in[1];
    struct gpu_launch l = {.n = 0};
    struct gpu_kernel *k;
    char defines[160];
    const enum dtype d = a->dtype;
    snprintf(defines, sizeof defines, "#define %s\n#define T %s\n#define MULTIPLY_ADD(a, b, c) %s\n", m->operands,
             gpu_type(d),
             dtype_is_float(d) ? "FMA(a, b, c)"
             : d == DT_INT64   ? "(i64)((u64)(a) * (u64)(b) + (u64)(c))"
                               : "(T)((u32)(a) * (u32)(b) + (u32)(c))");
    if (m->p.m > INT32_MAX || m->p.n > INT32_MAX || m->p.k > INT32_MAX)
        return err_set(e, ERR_UNSUPPORTED, "%s: a product of (%lld, %lld) and (%lld, %lld) is too large for %s",
                       call->op->name, (long long)m->p.m, (long long)m->p.k, (long long)m->p.k, (long long)m->p.n,
                       g->base.name);
    if (gpu_kernel_get(g, "gemm", "gemm", defines, &k, e) != OK) return e->status;
    const int64_t tiles = (m->p.m + TILE - 1) / TILE * ((m->p.n + TILE - 1) / TILE) * m->p.batch;
    gpu_pass_place(&l, c, c_at + m->c_at);
    gpu_pass_place(&l, a->storage, a->offset + m->a_at);
    gpu_pass_place(&l, b->storage, b->offset + m->b_at);
    gpu_pass_bytes(&l, &m->p, sizeof m->p);
    gpu_pass_bytes(&l, &m->w, sizeof m->w);
    gpu_pass_number(&l, tensor_size(call->out[0]));
    const int64_t parts = m->p.k ? (m->p.k + m->p.part - 1) / m->p.part : 1;
    return gpu_launch(g, k, &l, tiles * parts * GPU_THREADS, e);
}

/* The parts, each a whole result, and their sum. */
static enum status run_parts(struct gpu *g, struct gemm *m, const struct op_call *call, const struct storage *space,
                             size_t at, int64_t parts, struct err *e) {
    const struct tensor *y = call->out[0];
    struct tensor all = {.dtype = y->dtype, .shape = {2, {parts, tensor_size(y)}}, .storage = (struct storage *)space};
    struct tensor flat = *y, *in = &all, *out = &flat;
    const union op_attrs first_axis = {.axes = {.n = 1, .axis = {0}}};
    const struct op_call sum = {.op = &op_sum, .nin = 1, .nout = 1, .in = &in, .out = &out, .attrs = &first_axis};
    tensor_strides(&all.shape, all.stride);
    all.offset = (int64_t)(at / dtype_size(y->dtype));
    flat.shape = (struct shape){1, {tensor_size(y)}};
    tensor_strides(&flat.shape, flat.stride);
    m->p.part = (m->p.k + parts - 1) / parts;
    all.shape.dim[0] = (m->p.k + m->p.part - 1) / m->p.part;
    if (launch(g, m, call, space, all.offset, e) != OK) return e->status;
    const size_t behind = at + (parts_bytes(&m->p, y) + 63) / 64 * 64;
    return gpu_run(g, &sum, space, behind, e);
}

/* ---- convolutions ------------------------------------------------------------------------------------------------- */

static struct window window_of(const struct op_window *a, const struct shape *x, const struct shape *kernel,
                               const struct shape *y) {
    struct window w = {.cin = (int32_t)kernel->dim[2], .groups = (int32_t)a->groups};
    w.cout = (int32_t)(kernel->dim[3] / a->groups);
    for (int d = 0; d < 2; d++) {
        w.in[d] = (int32_t)x->dim[d + 1];
        w.out[d] = (int32_t)y->dim[d + 1];
        w.size[d] = (int32_t)kernel->dim[d];
        w.stride[d] = (int32_t)a->stride[d];
        w.dilation[d] = (int32_t)a->dilation[d];
        w.before[d] = (int32_t)a->before[d];
    }
    return w;
}

static struct gemm conv_of(const struct op_call *call) {
    const struct shape *a = &call->in[0]->shape, *b = &call->in[1]->shape, *c = &call->out[0]->shape;
    struct gemm m = {.operands = "FORWARD"};
    if (call->op == &op_conv2d) {
        m.w = window_of(&call->attrs->window, a, b, c);
        m.p = (struct product){.m = c->dim[0] * c->dim[1] * c->dim[2], .n = m.w.cout};
        m.p.k = b->dim[0] * b->dim[1] * m.w.cin;
    } else if (call->op == &op_conv2d_grad_input) {
        m.operands = "GRAD_INPUT";
        m.w = window_of(&call->attrs->window, c, b, a);
        m.p = (struct product){.m = c->dim[0] * c->dim[1] * c->dim[2], .n = m.w.cin};
        m.p.k = b->dim[0] * b->dim[1] * m.w.cout;
    } else {
        m.operands = "GRAD_KERNEL";
        m.w = window_of(&call->attrs->window, a, c, b);
        m.p = (struct product){.m = c->dim[0] * c->dim[1] * m.w.cin, .n = m.w.cout};
        m.p.k = b->dim[0] * b->dim[1] * b->dim[2];
    }
    m.p.batch = m.w.groups;
    m.p.part = m.p.k;
    return m;
}

static size_t conv_workspace(const struct gpu *g, const struct op_call *call) {
    const struct gemm m = conv_of(call);
    (void)g;
    return parts_bytes(&m.p, call->out[0]);
}

static enum status run_conv(struct gpu *g, const struct op_call *call, const struct storage *space, size_t at,
                            struct err *e) {
    struct gemm m = conv_of(call);
    const int64_t parts = parts_of(&m.p);
    if (parts > 1) return run_parts(g, &m, call, space, at, parts, e);
    return launch(g, &m, call, call->out[0]->storage, call->out[0]->offset, e);
}

const struct gpu_op gpu_op_conv2d = {.workspace = conv_workspace, .run = run_conv};
const struct gpu_op gpu_op_conv2d_grad_input = {.workspace = conv_workspace, .run = run_conv};
const struct gpu_op gpu_op_conv2d_grad_kernel = {.workspace = conv_workspace, .run = run_conv};

/* ---- matmul ------------------------------------------------------------------------------------------------------- */

/* An operand's dimensions before its matrix, and the steps of the matrix's rows and columns. */
static struct tensor stack_of(const struct tensor *t, bool transposed, bool left, int64_t step[2], int64_t size[2]) {
    struct tensor stack = *t;
    const int rank = t->shape.rank;
    if (rank == 1) {
        stack.shape.rank = 0;
        step[left ? 0 : 1] = 0, size[left ? 0 : 1] = 1;
        step[left ? 1 : 0] = t->stride[0], size[left ? 1 : 0] = t->shape.dim[0];
        return stack;
    }
    for (int i = 0; i < 2; i++) {
        const int d = rank - 2 + (transposed ? 1 - i : i);
        step[i] = t->stride[d], size[i] = t->shape.dim[d];
    }
    stack.shape.rank -= 2;
    return stack;
}

/* The product with the innermost of the joined stack dimensions as its batches; `stack` walks over all of them. */
static struct gemm matmul_of(const struct op_call *call, struct gpu_walk *stack) {
    const struct op_matmul *flags = &call->attrs->matmul;
    int64_t a_step[2], b_step[2], a_size[2], b_size[2];
    const struct tensor a = stack_of(call->in[0], flags->transpose_a, true, a_step, a_size);
    const struct tensor b = stack_of(call->in[1], flags->transpose_b, false, b_step, b_size);
    struct shape all = call->out[0]->shape;
    all.rank -= (call->in[0]->shape.rank > 1) + (call->in[1]->shape.rank > 1);
    gpu_walk_of(stack, &all, (const struct tensor *[]){&a, &b}, 2);
    const int last = stack->rank - 1;
    struct gemm m = {.operands = "MATMUL"};
    m.p = (struct product){.m = a_size[0], .n = b_size[1], .k = a_size[1], .batch = stack->dim[last]};
    m.p.a_m = a_step[0], m.p.a_k = a_step[1], m.p.b_k = b_step[0], m.p.b_n = b_step[1];
    m.p.a_batch = stack->stride[0][last], m.p.b_batch = stack->stride[1][last];
    m.p.part = m.p.k;
    if (m.p.b_batch == 0 && m.p.a_batch == m.p.m * m.p.a_m) { /* one matrix of all their rows */
        m.p.m *= m.p.batch;
        m.p.batch = 1;
    }
    return m;
}

static size_t matmul_workspace(const struct gpu *g, const struct op_call *call) {
    struct gpu_walk stack;
    const struct gemm m = matmul_of(call, &stack);
    (void)g;
    return stack.rank == 1 ? parts_bytes(&m.p, call->out[0]) : 0;
}

/* One product after another over the stack's dimensions but the last. */
static enum status run_stacks(struct gpu *g, struct gemm m, const struct op_call *call, const struct gpu_walk *stack,
                              int d, struct err *e) {
    if (d == stack->rank - 1) return launch(g, &m, call, call->out[0]->storage, call->out[0]->offset, e);
    int64_t below = m.p.m * m.p.n * m.p.batch;
    for (int k = d + 1; k < stack->rank - 1; k++) below *= stack->dim[k];
    for (int64_t i = 0; i < stack->dim[d] && e->status == OK; i++) {
        run_stacks(g, m, call, stack, d + 1, e);
        m.a_at += stack->stride[0][d];
        m.b_at += stack->stride[1][d];
        m.c_at += below;
    }
    return e->status;
}

static enum status run_matmul(struct gpu *g, const struct op_call *call, const struct storage *space, size_t at,
                              struct err *e) {
    struct gpu_walk stack;
    struct gemm m = matmul_of(call, &stack);
    const int64_t parts = stack.rank == 1 ? parts_of(&m.p) : 1;
    if (parts > 1) return run_parts(g, &m, call, space, at, parts, e);
    return run_stacks(g, m, call, &stack, 0, e);
}

const struct gpu_op gpu_op_matmul = {.workspace = matmul_workspace, .run = run_matmul};
