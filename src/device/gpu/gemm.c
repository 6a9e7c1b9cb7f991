/* Matrix products and the three passes of a convolution, by one tiled kernel. Where a result is small and its sums are
 * long, the sums are cut into parts, which are added in a second pass: how depends on shapes alone. */
#include <stdio.h>
#include <stdlib.h>

#include "device/gpu/gpu.h"
#include "op/ops.h"

enum { SMALL_TILE = 64, LARGE_TILE = 128, DEPTH = 16, LEAST_PART = 512, ENOUGH_GROUPS = 256 };

/* `product` and `window` of gemm.cl. */
struct product {
    int64_t m, n, k, batch, a_m, a_k, b_k, b_n, c_m, a_batch, b_batch, c_batch, part, a_along_k, b_along_k;
};
struct window {
    int32_t in[2], out[2], size[2], stride[2], dilation[2], before[2], cin, cout, groups, slice[3];
};

struct gemm {
    enum { MATMUL, FORWARD, GRAD_INPUT, GRAD_KERNEL } kind;
    struct product p;
    struct window w;
    int64_t a_at, b_at, c_at; /* of the first products, in elements from the tensors' own first */
};

/* ---- tiles and parts ---------------------------------------------------------------------------------------------- */

/* How a product is cut: into tiles of the result, and its sums into parts. Both follow from shapes alone, so that results
 * do not depend on how many multiprocessors there are. */
struct cut {
    int m, n; /* a tile's rows and columns */
    int64_t tiles, parts;
};

static struct cut cut_into(const struct product *p, int m, int n) {
    struct cut c = {.m = m, .n = n};
    c.tiles = (p->m + m - 1) / m * ((p->n + n - 1) / n) * p->batch;
    const int64_t most = p->k / LEAST_PART, wanted = c.tiles ? ENOUGH_GROUPS / c.tiles : 1;
    c.parts = most < wanted ? most : wanted;
    if (c.parts < 1) c.parts = 1;
    return c;
}

/* Large tiles read less for each product, but only where there are enough of them to keep a card busy. Sums of 8 bytes
 * would not fit a thread's registers there, nor, in the widest, the places of four rows that lie under different taps. */
static struct cut cut_of(const struct gemm *m, enum dtype d) {
    const struct product *p = &m->p;
    const bool narrow = p->n <= SMALL_TILE || (m->kind == GRAD_KERNEL && m->w.cin % 4);
    const struct cut large = cut_into(p, LARGE_TILE, narrow ? SMALL_TILE : LARGE_TILE);
    if (p->m > SMALL_TILE && dtype_size(d) <= 4 && large.tiles * large.parts >= ENOUGH_GROUPS / 2) return large;
    return cut_into(p, SMALL_TILE, SMALL_TILE);
}

static size_t parts_bytes(const struct gemm *m, const struct tensor *y) {
    const int64_t parts = cut_of(m, y->dtype).parts;
    return parts > 1 ? (size_t)parts * tensor_bytes(y) : 0;
}

/* ---- running ------------------------------------------------------------------------------------------------------ */

/* How four elements of an operand are read: following each other along the sum, and in one aligned load. */
struct reading {
    bool along_k, vector;
};

/* Of a matrix whose rows or columns step by `step_x`, at element `at`, with `size` elements along x. */
static struct reading reading_of(int64_t step_x, int64_t size, int64_t step_k, int64_t k, int64_t batch, int64_t at) {
    const bool along_k = step_x == 0 || llabs(step_k) <= llabs(step_x);
    const int64_t step = along_k ? step_k : step_x, other = along_k ? step_x : step_k, n = along_k ? k : size;
    return (struct reading){along_k, step == 1 && n % 4 == 0 && (other | batch | at) % 4 == 0};
}

/* The three's, of which a convolution reads A out of images and, for the gradient of its input, B out of the kernel's taps.
 * Other types than float32 are read element by element, which saves variants of the kernel. */
static void readings_of(const struct gemm *m, enum dtype d, const int64_t at[3], struct reading out[3]) {
    const struct product *p = &m->p;
    const bool input = m->kind == GRAD_INPUT;
    out[0] = reading_of(p->a_m, p->m, p->a_k, p->k, p->a_batch, at[0]);
    out[1] = reading_of(p->b_n, p->n, p->b_k, p->k, p->b_batch, at[1]);
    out[2] = reading_of(p->c_m, p->m, 1, p->n, p->c_batch, at[2]);
    if (m->kind != MATMUL)
        out[0] = (struct reading){m->kind != GRAD_KERNEL, (at[0] | (input ? m->w.cout : m->w.cin)) % 4 == 0};
    if (input) out[1] = (struct reading){true, (at[1] | m->w.cout) % 4 == 0};
    for (int i = 0; i < 3; i++) out[i].vector &= d == DT_FLOAT32;
}

static const char *multiply_add(enum dtype d) {
    if (dtype_is_float(d)) return "FMA(a, b, c)";
    return d == DT_INT64 ? "(i64)((u64)(a) * (u64)(b) + (u64)(c))" : "(T)((u32)(a) * (u32)(b) + (u32)(c))";
}

/* A direction that is no constant is read from `product`: MATMUL's, element by element. */
static enum status get_kernel(struct gpu *g, const struct gemm *m, enum dtype d, const struct reading *r,
                              const struct cut *cut, struct gpu_kernel **k, struct err *e) {
    static const char *const kinds[] = {"MATMUL", "FORWARD", "GRAD_INPUT", "GRAD_KERNEL"};
    static const char *const along[] = {"0", "1", "(int)p.a_along_k", "(int)p.b_along_k"};
    const char *along_k[2];
    char defines[480];
    for (int i = 0; i < 2; i++) along_k[i] = along[m->kind == MATMUL && !r[i].vector ? 2 + i : r[i].along_k];
    snprintf(defines, sizeof defines,
             "#define %s\n#define T %s\n#define T4 %sx4\n#define MULTIPLY_ADD(a, b, c) %s\n#define TILE_M %d\n"
             "#define TILE_N %d\n#define A_ALONG_K %s\n#define A_VECTOR %d\n#define B_ALONG_K %s\n"
             "#define B_VECTOR %d\n#define C_VECTOR %d\n#define STRIDE_H %d\n#define STRIDE_W %d\n%s",
             kinds[m->kind], gpu_type(d), gpu_type(d), multiply_add(d), cut->m, cut->n, along_k[0], r[0].vector,
             along_k[1], r[1].vector, r[2].vector, m->kind == GRAD_INPUT ? m->w.stride[0] : 1,
             m->kind == GRAD_INPUT ? m->w.stride[1] : 1, g->tf32 && d == DT_FLOAT32 ? "#define TF32\n" : "");
    return gpu_kernel_get(g, "gemm", "gemm", defines, k, e);
}

/* The kernel's `digits` of a slice: of terms that are numbered by tap and channel, or by image and place. */
static void slice_in_digits(struct gemm *m, int slice) {
    const struct window *w = &m->w;
    const int low = m->kind == FORWARD ? w->cin : m->kind == GRAD_INPUT ? w->cout : w->out[1];
    const int middle = m->kind == GRAD_KERNEL ? w->out[0] : w->size[1];
    m->w.slice[0] = slice % low;
    m->w.slice[1] = slice / low % middle;
    m->w.slice[2] = slice / low / middle;
}

static enum status check_size(const struct gpu *g, const struct product *p, const struct op *op, struct err *e) {
    const int64_t most = INT32_MAX - LARGE_TILE;
    if (p->m <= most && p->n <= most && p->k <= most) return OK;
    return err_set(e, ERR_UNSUPPORTED, "%s: a product of (%lld, %lld) and (%lld, %lld) is too large for %s", op->name,
                   (long long)p->m, (long long)p->k, (long long)p->k, (long long)p->n, g->base.name);
}

static enum status launch(struct gpu *g, struct gemm *m, const struct op_call *call, const struct storage *c,
                          int64_t c_at, struct err *e) {
    const struct tensor *a = call->in[0], *b = call->in[1];
    const int64_t at[3] = {a->offset + m->a_at, b->offset + m->b_at, c_at + m->c_at};
    const struct cut cut = cut_of(m, a->dtype);
    struct reading r[3];
    struct gpu_launch l = {.n = 0};
    struct gpu_kernel *k;
    if (check_size(g, &m->p, call->op, e) != OK) return e->status;
    readings_of(m, a->dtype, at, r);
    if (get_kernel(g, m, a->dtype, r, &cut, &k, e) != OK) return e->status;
    if (m->kind != MATMUL) slice_in_digits(m, 1024 / cut.m);
    m->p.a_along_k = r[0].along_k;
    m->p.b_along_k = r[1].along_k;
    gpu_pass_place(&l, c, at[2]);
    gpu_pass_place(&l, a->storage, at[0]);
    gpu_pass_place(&l, b->storage, at[1]);
    gpu_pass_bytes(&l, &m->p, sizeof m->p);
    gpu_pass_bytes(&l, &m->w, sizeof m->w);
    gpu_pass_number(&l, tensor_size(call->out[0]));
    const int64_t parts = m->p.k ? (m->p.k + m->p.part - 1) / m->p.part : 1;
    return gpu_launch(g, k, &l, cut.tiles * parts * GPU_THREADS, e);
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
    m->p.part = ((m->p.k + parts - 1) / parts + DEPTH - 1) / DEPTH * DEPTH;
    all.shape.dim[0] = (m->p.k + m->p.part - 1) / m->p.part;
    if (launch(g, m, call, space, all.offset, e) != OK) return e->status;
    const size_t behind = at + (parts_bytes(m, y) + 63) / 64 * 64;
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

/* The operands that are matrices: the kernel and dy, a row for each term; the result, of each group some columns. */
static struct gemm conv_of(const struct op_call *call) {
    const struct shape *a = &call->in[0]->shape, *b = &call->in[1]->shape, *c = &call->out[0]->shape;
    struct gemm m = {.kind = FORWARD};
    if (call->op == &op_conv2d) {
        m.w = window_of(&call->attrs->window, a, b, c);
        m.p = (struct product){.m = c->dim[0] * c->dim[1] * c->dim[2], .n = m.w.cout};
        m.p.k = b->dim[0] * b->dim[1] * m.w.cin;
    } else if (call->op == &op_conv2d_grad_input) {
        m.kind = GRAD_INPUT;
        m.w = window_of(&call->attrs->window, c, b, a);
        m.p = (struct product){.m = c->dim[0] * c->dim[1] * c->dim[2], .n = m.w.cin};
        m.p.k = b->dim[0] * b->dim[1] * m.w.cout;
    } else {
        m.kind = GRAD_KERNEL;
        m.w = window_of(&call->attrs->window, a, c, b);
        m.p = (struct product){.m = c->dim[0] * c->dim[1] * m.w.cin, .n = m.w.cout};
        m.p.k = b->dim[0] * b->dim[1] * b->dim[2];
    }
    m.p.batch = m.w.groups;
    m.p.b_batch = m.w.cout;
    m.p.b_k = (int64_t)m.w.groups * m.w.cout;
    m.p.b_n = m.kind == GRAD_INPUT ? m.p.b_k : 1;
    m.p.c_batch = m.p.n;
    m.p.c_m = m.p.n * m.p.batch;
    m.p.part = m.p.k;
    if (m.p.k == 0) m.kind = MATMUL; /* nothing is read, and there may be no tap or channel to count by */
    return m;
}

static size_t conv_workspace(const struct gpu *g, const struct op_call *call) {
    const struct gemm m = conv_of(call);
    (void)g;
    return parts_bytes(&m, call->out[0]);
}

static enum status run_conv(struct gpu *g, const struct op_call *call, const struct storage *space, size_t at,
                            struct err *e) {
    struct gemm m = conv_of(call);
    const int64_t parts = cut_of(&m, call->out[0]->dtype).parts;
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
    struct gemm m = {.kind = MATMUL};
    m.p = (struct product){.m = a_size[0], .n = b_size[1], .k = a_size[1], .batch = stack->dim[last]};
    m.p.a_m = a_step[0], m.p.a_k = a_step[1], m.p.b_k = b_step[0], m.p.b_n = b_step[1];
    m.p.a_batch = stack->stride[0][last], m.p.b_batch = stack->stride[1][last];
    m.p.part = m.p.k;
    if (m.p.b_batch == 0 && m.p.a_batch == m.p.m * m.p.a_m) { /* one matrix of all their rows */
        m.p.m *= m.p.batch;
        m.p.batch = 1;
    }
    m.p.c_m = m.p.n;
    m.p.c_batch = m.p.m * m.p.n;
    return m;
}

static size_t matmul_workspace(const struct gpu *g, const struct op_call *call) {
    struct gpu_walk stack;
    const struct gemm m = matmul_of(call, &stack);
    (void)g;
    return stack.rank == 1 ? parts_bytes(&m, call->out[0]) : 0;
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
    const int64_t parts = stack.rank == 1 ? cut_of(&m, call->out[0]->dtype).parts : 1;
    if (parts > 1) return run_parts(g, &m, call, space, at, parts, e);
    return run_stacks(g, m, call, &stack, 0, e);
}

const struct gpu_op gpu_op_matmul = {.workspace = matmul_workspace, .run = run_matmul};
