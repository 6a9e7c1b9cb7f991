/* The elementwise engine: kernels are written from the table of expressions, one for a call or for a whole fused region.
 * A call's kernel takes its geometry as an argument and serves all shapes; a region's has it written in. */
#include <stdio.h>

#include "device/gpu/gpu.h"
#include "graph/graph.h"
#include "op/ops.h"

/* What a kernel is written for: operands are the outputs, then the inputs. */
struct region {
    struct gpu *g;
    const struct graph_fused *fused;
    int nin, nout;
    struct tensor *const *in;
    struct tensor *const *out;
    bool faults; /* it can find something wrong */
};

static bool is_whole(enum dtype d) {
    return d != DT_BOOL && !dtype_is_float(d);
}

/* The op's expression for operands of dtype d, or NULL. */
static const char *expression_of(const struct gpu *g, const struct op *op, enum dtype d) {
    const struct gpu_expression *x = gpu_slot(g, op)->expression;
    return !x ? NULL : d == DT_BOOL ? x->truth : dtype_is_float(d) ? x->real : x->whole;
}

static enum dtype dtype_of(const struct region *r, int operand) {
    return operand < r->nin ? r->in[operand]->dtype : r->fused->step[operand - r->nin].dtype;
}

static enum dtype last_dtype(const struct region *r, const struct graph_step *s) {
    return dtype_of(r, s->in[s->nin - 1]);
}

static bool can_fault(const struct region *r) {
    for (int k = 0; k < r->fused->nstep; k++)
        if (r->fused->step[k].op == &op_pow && is_whole(r->fused->step[k].dtype)) return true;
    return false;
}

/* ---- writing a kernel --------------------------------------------------------------------------------------------- */

/* "GLOBAL f32 *y0, i64 y0_at, const GLOBAL f32 *x0, i64 x0_at, " */
static void write_operands(const struct region *r, struct buf *b) {
    for (int k = 0; k < r->nout; k++) buf_printf(b, "GLOBAL %s *y%d, i64 y%d_at, ", gpu_type(r->out[k]->dtype), k, k);
    for (int k = 0; k < r->nin; k++)
        buf_printf(b, "const GLOBAL %s *x%d, i64 x%d_at, ", gpu_type(r->in[k]->dtype), k, k);
}

static const char *operand_name(const struct region *r, int k, char *text, size_t cap) {
    snprintf(text, cap, k < r->nout ? "y%d_at" : "x%d_at", k < r->nout ? k : k - r->nout);
    return text;
}

/* Places from the walk that is an argument. */
static void write_walk(const struct region *r, struct buf *b) {
    char name[16];
    buf_puts(b, "    i64 rest = i;\n    for (int d = (int)w.rank - 1; d > 0; d--) {\n"
                "        const i64 q = rest / w.dim[d], at = rest - q * w.dim[d];\n        rest = q;\n");
    for (int k = 0; k < r->nout + r->nin; k++)
        buf_printf(b, "        %s += at * w.stride[%d][d];\n", operand_name(r, k, name, sizeof name), k);
    buf_puts(b, "    }\n");
    for (int k = 0; k < r->nout + r->nin; k++)
        buf_printf(b, "    %s += rest * w.stride[%d][0];\n", operand_name(r, k, name, sizeof name), k);
}

/* Places by a walk that is known. */
static void write_places(const struct region *r, const struct gpu_walk *w, struct buf *b) {
    char name[16];
    buf_puts(b, "    i64 rest = i, at;\n");
    for (int d = w->rank - 1; d >= 0; d--) {
        buf_printf(b, d ? "    at = rest %% %lld, rest /= %lld;\n" : "    at = rest;\n", (long long)w->dim[d],
                   (long long)w->dim[d]);
        for (int k = 0; k < w->n; k++)
            if (w->stride[k][d])
                buf_printf(b, "    %s += at * %lld;\n", operand_name(r, k, name, sizeof name),
                           (long long)w->stride[k][d]);
    }
}

static void write_step(const struct region *r, int k, struct buf *b) {
    const struct graph_step *s = &r->fused->step[k];
    const enum dtype last = last_dtype(r, s);
    buf_printf(b, "    %s v%d;\n    {\n        typedef %s T; typedef %s U;\n", gpu_type(s->dtype), r->nin + k,
               gpu_type(last),
               last == DT_INT32   ? "u32"
               : last == DT_INT64 ? "u64"
                                  : gpu_type(last));
    for (int i = 0; i < s->nin; i++)
        buf_printf(b, "        const %s %c = v%d;\n", gpu_type(dtype_of(r, s->in[i])), 'a' + i, s->in[i]);
    if (s->op->attrs == OP_SCALAR)
        buf_printf(b, "        const T S = (T)%a%s;\n", s->attrs.scalar, r->g->facts.f64 ? "" : "f");
    const char *expression = expression_of(r->g, s->op, last);
    if (s->dtype == DT_BOOL)
        buf_printf(b, "        v%d = (b8)((%s) != 0);\n    }\n", r->nin + k, expression);
    else
        buf_printf(b, "        v%d = (%s)%s(%s);\n    }\n", r->nin + k, gpu_type(s->dtype),
                   s->dtype == DT_UINT8 ? "(i64)" : "", expression);
}

/* `w` NULL: the walk is an argument. */
static void write_kernel(const struct region *r, const struct gpu_walk *w, struct buf *b) {
    buf_puts(b, "KERNEL(elementwise)(");
    write_operands(r, b);
    if (!w) buf_printf(b, "walk_%d w, ", r->nin + r->nout);
    if (r->faults) buf_puts(b, "GLOBAL fault *wrong, i64 wrong_at, i64 site, ");
    buf_puts(b, "i64 n) {\n    const i64 i = INDEX;\n    if (i >= n) return;\n");
    if (w)
        write_places(r, w, b);
    else
        write_walk(r, b);
    for (int k = 0; k < r->nin; k++) {
        const enum dtype d = r->in[k]->dtype;
        buf_printf(b, "    const %s v%d = x%d[x%d_at]%s;\n", gpu_type(d), k, k, k, d == DT_BOOL ? " != 0" : "");
    }
    for (int k = 0; k < r->fused->nstep; k++) write_step(r, k, b);
    for (int k = 0; k < r->nout; k++) buf_printf(b, "    y%d[y%d_at] = v%d;\n", k, k, r->nin + r->fused->out[k]);
    buf_puts(b, "}\n");
}

static enum status check_steps(const struct region *r, struct err *e) {
    for (int k = 0; k < r->fused->nstep; k++) {
        const struct graph_step *s = &r->fused->step[k];
        if (!expression_of(r->g, s->op, last_dtype(r, s)))
            return err_set(e, ERR_UNSUPPORTED, "%s of %s is not available on %s", s->op->name,
                           dtype_name(last_dtype(r, s)), r->g->base.name);
    }
    return OK;
}

static enum status make_kernel(const struct region *r, const char *key, const struct gpu_walk *w,
                               struct gpu_kernel **kernel, struct err *e) {
    struct buf source = {0};
    if (check_steps(r, e) != OK) return e->status;
    write_kernel(r, w, &source);
    if (buf_status(&source, e) == OK) {
        key = key ? key : buf_text(&source);
        *kernel = gpu_kernel_find(r->g, key);
        if (!*kernel) gpu_kernel_make(r->g, key, "elementwise", "functions", buf_text(&source), kernel, e);
    }
    buf_free(&source);
    return e->status;
}

/* ---- one call ----------------------------------------------------------------------------------------------------- */

/* Launches over the dimensions from `first` on; those before are counted here when there are too many for a kernel. */
static enum status launch_walk(const struct region *r, struct gpu_kernel *k, const struct gpu_walk *w, int first,
                               const int64_t *at, struct err *e) {
    struct gpu_launch l = {.n = 0};
    struct gpu_walk_argument packed;
    int64_t n = 1;
    if (w->rank - first > GPU_WALK) {
        int64_t there[4];
        for (int64_t i = 0; i < w->dim[first]; i++) {
            for (int j = 0; j < w->n; j++) there[j] = at[j] + i * w->stride[j][first];
            if (launch_walk(r, k, w, first + 1, there, e) != OK) return e->status;
        }
        return OK;
    }
    for (int j = 0; j < w->n; j++)
        gpu_pass_place(&l, j < r->nout ? r->out[j]->storage : r->in[j - r->nout]->storage, at[j]);
    gpu_pass_bytes(&l, &packed, gpu_walk_pack(w, first, &packed));
    if (r->faults) gpu_pass_fault(r->g, &l, r->fused->step[0].op);
    for (int d = first; d < w->rank; d++) n *= w->dim[d];
    gpu_pass_number(&l, n);
    return gpu_launch(r->g, k, &l, n, e);
}

/* Every operand with its own strides, over the output's shape. */
static enum status run_region(struct region *r, const char *key, struct err *e) {
    const struct tensor *operand[4];
    int64_t at[4];
    struct gpu_walk w;
    const int n = r->nin + r->nout;
    for (int k = 0; k < n; k++) {
        operand[k] = k < r->nout ? r->out[k] : r->in[k - r->nout];
        at[k] = operand[k]->offset;
    }
    gpu_walk_of(&w, &r->out[0]->shape, operand, n);
    if (gpu_walk_size(&w) == 0) return OK;
    r->faults = can_fault(r);
    struct gpu_kernel *k = gpu_kernel_find(r->g, key);
    if (!k && make_kernel(r, key, NULL, &k, e) != OK) return e->status;
    return launch_walk(r, k, &w, 0, at, e);
}

enum status gpu_elementwise_call(struct gpu *g, const struct op_call *call, struct err *e) {
    struct graph_step step = {.op = call->op, .nin = call->nin, .in = {0, 1, 2, 3}, .dtype = call->out[0]->dtype};
    struct graph_fused one = {.nstep = 1, .step = &step, .nout = 1, .out = &(int){0}};
    char key[128];
    step.attrs = *call->attrs;
    struct region r = {.g = g, .fused = &one, .nin = call->nin, .nout = 1, .in = call->in, .out = call->out};
    snprintf(key, sizeof key, "%s %s %s %a", call->op->name, dtype_name(call->in[call->nin - 1]->dtype),
             dtype_name(step.dtype), call->op->attrs == OP_SCALAR ? call->attrs->scalar : 0.0);
    return run_region(&r, key, e);
}

enum status gpu_copy(struct gpu *g, const struct tensor *from, const struct tensor *to, struct err *e) {
    static const union op_attrs none;
    struct tensor *in = (struct tensor *)from, *out = (struct tensor *)to;
    const struct op_call call = {.op = &op_copy, .nin = 1, .nout = 1, .in = &in, .out = &out, .attrs = &none};
    return gpu_elementwise_call(g, &call, e);
}

/* ---- fused regions ------------------------------------------------------------------------------------------------ */

enum status gpu_fused_kernel(struct gpu *g, const struct graph_fused *fused, struct tensor *const *in, int nin,
                             struct tensor *const *out, struct gpu_kernel **kernel, struct err *e) {
    struct region r = {.g = g, .fused = fused, .nin = nin, .nout = fused->nout, .in = in, .out = out};
    const struct tensor *operand[GPU_OPERANDS];
    struct gpu_walk w;
    if (nin + fused->nout > GPU_OPERANDS)
        return err_set(e, ERR_UNSUPPORTED, "a fused region of %d operands", nin + fused->nout);
    for (int k = 0; k < fused->nout; k++) operand[k] = out[k];
    for (int k = 0; k < nin; k++) operand[fused->nout + k] = in[k];
    gpu_walk_of(&w, &out[0]->shape, operand, nin + fused->nout);
    r.faults = can_fault(&r);
    return make_kernel(&r, NULL, &w, kernel, e);
}

enum status gpu_fused_run(struct gpu *g, struct gpu_kernel *k, const struct graph_fused *fused,
                          struct tensor *const *in, int nin, struct tensor *const *out, struct err *e) {
    const struct region r = {.g = g, .fused = fused, .nin = nin, .nout = fused->nout, .in = in, .out = out};
    struct gpu_launch l = {.n = 0};
    const int64_t n = tensor_size(out[0]);
    for (int i = 0; i < fused->nout; i++) gpu_pass_tensor(&l, out[i]);
    for (int i = 0; i < nin; i++) gpu_pass_tensor(&l, in[i]);
    if (can_fault(&r)) gpu_pass_fault(g, &l, &op_pow);
    gpu_pass_number(&l, n);
    return n ? gpu_launch(g, k, &l, n, e) : OK;
}
