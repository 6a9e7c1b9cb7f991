/* Reductions over any axes and argmax, argmin. How the work is cut depends on shapes alone, so that the same numbers give
 * the same bits. */
#include <stdio.h>
#include <string.h>

#include "device/gpu/gpu.h"

enum { CHUNK = 1 << 13, LEAST_GROUPS = 256 }; /* elements a group reads at least; groups that keep a device busy */

/* What the kernels are told of an op; `v`, a, b are of type ACC. */
static const struct reduction {
    const char *op, *nothing, *both, *last;
} reductions[] = {
    {"sum", "0", "((a) + (b))", "(a)"},
    {"mean", "0", "((a) + (b))", "((REAL)(a) / (REAL)count)"},
    {"prod", "1", "((a) * (b))", "(a)"},
    {"max", "LOWEST", "((b) > (a) || (b) != (b) ? (b) : (a))", "(a)"},
    {"min", "HIGHEST", "((b) < (a) || (b) != (b) ? (b) : (a))", "(a)"},
    {"any", "0", "((a) | (b))", "(a)"},
    {"all", "1", "((a) & (b))", "(a)"},
};

static const struct reduction *find(const char *op) {
    const struct reduction *r = reductions;
    while (strcmp(r->op, op) != 0) r++;
    return r;
}

/* How outputs and elements lie: `kept` walks the outputs' first elements, `reduced` an output's elements. */
struct plan {
    struct gpu_walk kept, reduced;
    int64_t outputs, length, width;
    int64_t chunk, chunks;
};

/* Headers of x with the kept and with the reduced dimensions alone. */
static void split(const struct tensor *x, const struct op_axes *axes, struct tensor *kept, struct tensor *reduced) {
    bool is_reduced[TENSOR_MAX_RANK] = {0};
    for (int k = 0; k < axes->n; k++) is_reduced[axes->axis[k]] = true;
    *kept = *reduced = (struct tensor){.dtype = x->dtype};
    for (int d = 0; d < x->shape.rank; d++) {
        struct tensor *t = is_reduced[d] ? reduced : kept;
        t->stride[t->shape.rank] = x->stride[d];
        t->shape.dim[t->shape.rank++] = x->shape.dim[d];
    }
}

/* Outputs side by side in a group: few where an output's elements are neighbours, else a row's worth. */
static int64_t width_of(const struct plan *p) {
    const bool neighbours = p->reduced.stride[0][p->reduced.rank - 1] == 1;
    int64_t width = neighbours ? 1 : 32;
    while (width < GPU_THREADS && p->length * 2 <= GPU_THREADS / width) width *= 2;
    return width;
}

static void make_plan(const struct tensor *x, const struct op_axes *axes, struct plan *p) {
    struct tensor kept, reduced;
    split(x, axes, &kept, &reduced);
    gpu_walk_of(&p->kept, &kept.shape, &(const struct tensor *){&kept}, 1);
    gpu_walk_of(&p->reduced, &reduced.shape, &(const struct tensor *){&reduced}, 1);
    p->outputs = tensor_size(&kept);
    p->length = tensor_size(&reduced);
    p->width = width_of(p);
    const int64_t blocks = (p->outputs + p->width - 1) / p->width;
    const int64_t most = (p->length * p->width + CHUNK - 1) / CHUNK, wanted = LEAST_GROUPS / (blocks ? blocks : 1);
    p->chunks = most < wanted ? most : wanted;
    if (p->chunks < 1) p->chunks = 1;
    p->chunk = (p->length + p->chunks - 1) / p->chunks;
}

static bool too_deep(const struct plan *p) {
    return p->kept.rank > GPU_WALK || p->reduced.rank > GPU_WALK;
}

/* A contiguous header of x's shape on a workspace. */
static struct tensor copy_header(const struct tensor *x, struct storage *workspace, size_t at) {
    struct tensor copy = {.dtype = x->dtype, .shape = x->shape, .storage = workspace};
    tensor_strides(&copy.shape, copy.stride);
    copy.offset = (int64_t)(at / dtype_size(x->dtype));
    return copy;
}

static size_t aligned(size_t bytes) {
    return (bytes + 63) / 64 * 64;
}

/* ---- the passes --------------------------------------------------------------------------------------------------- */

struct pass {
    const struct reduction *how;
    enum dtype in, acc, out;
    bool last;
};

static void write_defines(const struct gpu *g, const struct pass *p, char *text, size_t cap) {
    static const char *const lowest[DT_COUNT] = {
        "0", "0", "(-2147483647 - 1)", "(-0x7FFFFFFFFFFFFFFFL - 1)", "-INFINITY", "-INFINITY"};
    static const char *const highest[DT_COUNT] = {"1",        "255",     "2147483647", "0x7FFFFFFFFFFFFFFFL",
                                                  "INFINITY", "INFINITY"};
    snprintf(text, cap,
             "#define IN %s\n#define ACC %s\n#define OUT %s\n#define REAL %s\n#define LOWEST %s\n#define HIGHEST %s\n"
             "#define NOTHING ((ACC)%s)\n#define BOTH(a, b) %s\n#define LAST(a) (OUT)%s\n#define LOAD(v) (ACC)%s\n",
             gpu_type(p->in), gpu_type(p->acc), gpu_type(p->out), g->facts.f64 ? "f64" : "f32", lowest[p->acc],
             highest[p->acc], p->how->nothing, p->how->both, p->last ? p->how->last : "(a)",
             p->in == DT_BOOL ? "((v) != 0)" : "(v)");
}

static enum status run_pass(struct gpu *g, const struct pass *pass, const struct plan *p, const struct storage *to,
                            int64_t to_at, const struct storage *from, int64_t from_at, int64_t count, struct err *e) {
    struct gpu_walk_argument kept, reduced;
    struct gpu_launch l = {.n = 0};
    struct gpu_kernel *k;
    char defines[512];
    write_defines(g, pass, defines, sizeof defines);
    if (gpu_kernel_get(g, "reduce", "reduce", defines, &k, e) != OK) return e->status;
    gpu_pass_place(&l, to, to_at);
    gpu_pass_place(&l, from, from_at);
    gpu_pass_bytes(&l, &kept, gpu_walk_pack(&p->kept, 0, &kept));
    gpu_pass_bytes(&l, &reduced, gpu_walk_pack(&p->reduced, 0, &reduced));
    gpu_pass_number(&l, p->outputs);
    gpu_pass_number(&l, p->length);
    gpu_pass_number(&l, p->chunk);
    gpu_pass_number(&l, p->width);
    gpu_pass_number(&l, count);
    const int64_t blocks = (p->outputs + p->width - 1) / p->width;
    return gpu_launch(g, k, &l, blocks * p->chunks * GPU_THREADS, e);
}

/* The second pass: over the chunks' results, one row of outputs after another. */
static struct plan over_chunks(const struct plan *p) {
    struct plan q = {.outputs = p->outputs, .length = p->chunks, .chunks = 1, .chunk = p->chunks};
    q.kept = (struct gpu_walk){.n = 1, .rank = 1, .dim = {p->outputs}, .stride = {{1}}};
    q.reduced = (struct gpu_walk){.n = 1, .rank = 1, .dim = {p->chunks}, .stride = {{p->outputs}}};
    q.width = width_of(&q);
    return q;
}

/* A product and a sum need room; what is picked out of the input does not. */
static enum dtype accumulator(const struct gpu *g, const char *op, enum dtype d) {
    const bool picked = strcmp(op, "max") == 0 || strcmp(op, "min") == 0 || d == DT_BOOL;
    return picked && strcmp(op, "sum") != 0 && strcmp(op, "prod") != 0 && strcmp(op, "mean") != 0
               ? d
               : gpu_accumulator(g, d);
}

static size_t workspace(const struct gpu *g, const struct op_call *call) {
    const struct tensor *x = call->in[0];
    struct plan p;
    make_plan(x, &call->attrs->axes, &p);
    const size_t acc = dtype_size(accumulator(g, call->op->name, x->dtype));
    const size_t chunks = p.chunks > 1 ? (size_t)(p.chunks * p.outputs) * acc : 0;
    return aligned(chunks) + (too_deep(&p) ? aligned(tensor_bytes(x)) : 0);
}

static enum status run(struct gpu *g, const struct op_call *call, const struct storage *space, size_t at,
                       struct err *e) {
    const struct tensor *x = call->in[0], *y = call->out[0];
    struct tensor copy;
    struct plan p;
    make_plan(x, &call->attrs->axes, &p);
    const enum dtype acc = accumulator(g, call->op->name, x->dtype);
    const size_t chunks = p.chunks > 1 ? aligned((size_t)(p.chunks * p.outputs) * dtype_size(acc)) : 0;
    if (too_deep(&p)) {
        copy = copy_header(x, (struct storage *)space, at + chunks);
        if (gpu_copy(g, x, &copy, e) != OK) return e->status;
        x = &copy;
        make_plan(x, &call->attrs->axes, &p);
    }
    struct pass pass = {find(call->op->name), x->dtype, acc, y->dtype, true};
    if (p.chunks == 1) return run_pass(g, &pass, &p, y->storage, y->offset, x->storage, x->offset, p.length, e);
    pass.out = acc;
    pass.last = false;
    const int64_t place = (int64_t)(at / dtype_size(acc));
    if (run_pass(g, &pass, &p, space, place, x->storage, x->offset, p.length, e) != OK) return e->status;
    pass = (struct pass){pass.how, acc, acc, y->dtype, true};
    const struct plan second = over_chunks(&p);
    return run_pass(g, &pass, &second, y->storage, y->offset, space, place, p.length, e);
}

const struct gpu_op gpu_op_sum = {.workspace = workspace, .run = run};
const struct gpu_op gpu_op_prod = {.workspace = workspace, .run = run};
const struct gpu_op gpu_op_mean = {.workspace = workspace, .run = run};
const struct gpu_op gpu_op_max = {.workspace = workspace, .run = run};
const struct gpu_op gpu_op_min = {.workspace = workspace, .run = run};
const struct gpu_op gpu_op_any = {.workspace = workspace, .run = run};
const struct gpu_op gpu_op_all = {.workspace = workspace, .run = run};

/* ---- argmax, argmin ----------------------------------------------------------------------------------------------- */

static size_t extremum_workspace(const struct gpu *g, const struct op_call *call) {
    struct plan p;
    (void)g;
    make_plan(call->in[0], &call->attrs->axes, &p);
    return too_deep(&p) ? aligned(tensor_bytes(call->in[0])) : 0;
}

static enum status run_extremum(struct gpu *g, const struct op_call *call, const struct storage *space, size_t at,
                                struct err *e) {
    const struct tensor *x = call->in[0];
    struct gpu_walk_argument kept;
    struct gpu_launch l = {.n = 0};
    struct gpu_kernel *k;
    struct tensor copy;
    struct plan p;
    char defines[96];
    make_plan(x, &call->attrs->axes, &p);
    if (too_deep(&p)) {
        copy = copy_header(x, (struct storage *)space, at);
        if (gpu_copy(g, x, &copy, e) != OK) return e->status;
        x = &copy;
        make_plan(x, &call->attrs->axes, &p);
    }
    snprintf(defines, sizeof defines, "#define IN %s\n#define ABOVE(a, b) ((a) %c (b))\n", gpu_type(x->dtype),
             strcmp(call->op->name, "argmax") == 0 ? '>' : '<');
    if (gpu_kernel_get(g, "extremum", "extremum", defines, &k, e) != OK) return e->status;
    gpu_pass_tensor(&l, call->out[0]);
    gpu_pass_tensor(&l, x);
    gpu_pass_bytes(&l, &kept, gpu_walk_pack(&p.kept, 0, &kept));
    gpu_pass_number(&l, p.reduced.stride[0][0]);
    gpu_pass_number(&l, p.outputs);
    gpu_pass_number(&l, p.length);
    gpu_pass_number(&l, p.width);
    return gpu_launch(g, k, &l, (p.outputs + p.width - 1) / p.width * GPU_THREADS, e);
}

const struct gpu_op gpu_op_argmax = {.workspace = extremum_workspace, .run = run_extremum};
const struct gpu_op gpu_op_argmin = {.workspace = extremum_workspace, .run = run_extremum};
