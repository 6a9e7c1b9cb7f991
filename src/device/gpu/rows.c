/* Rows by index: gather, scatter_add, one_hot. Indices are checked by a kernel of their own, whose findings are told late;
 * what uses them passes over those that are out of range. */
#include "device/gpu/rows.h"

#include <stdio.h>

enum { OWNERS = 4096 }; /* threads that scatter_add spreads over, about */

/* Elements that are only moved are as good as integers of their size. */
static enum dtype of_size(enum dtype d) {
    const size_t size = dtype_size(d);
    return size == 1 ? DT_UINT8 : size == 4 ? DT_INT32 : DT_INT64;
}

static enum status get(struct gpu *g, const char *name, enum dtype element, enum dtype index, struct gpu_kernel **k,
                       struct err *e) {
    char defines[96];
    snprintf(defines, sizeof defines, "#define T %s\n#define INDEX_TYPE %s\n", gpu_type(element), gpu_type(index));
    return gpu_kernel_get(g, "rows", name, defines, k, e);
}

enum status gpu_check_indices(struct gpu *g, const struct op *op, const struct tensor *indices, int64_t bound,
                              struct err *e) {
    struct gpu_launch l = {.n = 0};
    struct gpu_kernel *k;
    if (tensor_size(indices) == 0 || get(g, "check", DT_UINT8, indices->dtype, &k, e) != OK) return e->status;
    gpu_pass_tensor(&l, indices);
    gpu_pass_number(&l, tensor_size(indices));
    gpu_pass_number(&l, bound);
    gpu_pass_fault(g, &l, op);
    return gpu_launch(g, k, &l, GPU_THREADS, e);
}

static int64_t row_size(const struct shape *s, int first) {
    int64_t n = 1;
    for (int d = first; d < s->rank; d++) n *= s->dim[d];
    return n;
}

static enum status run_gather(struct gpu *g, const struct op_call *call, const struct storage *space, size_t at,
                              struct err *e) {
    (void)space, (void)at;
    const struct tensor *x = call->in[0], *indices = call->in[1], *y = call->out[0];
    struct gpu_launch l = {.n = 0};
    struct gpu_kernel *k;
    if (gpu_check_indices(g, call->op, indices, x->shape.dim[0], e) != OK) return e->status;
    if (get(g, "gather", of_size(x->dtype), indices->dtype, &k, e) != OK) return e->status;
    gpu_pass_tensor(&l, y);
    gpu_pass_tensor(&l, x);
    gpu_pass_tensor(&l, indices);
    gpu_pass_number(&l, x->shape.dim[0]);
    gpu_pass_number(&l, row_size(&x->shape, 1));
    gpu_pass_number(&l, tensor_size(y));
    return gpu_launch(g, k, &l, tensor_size(y), e);
}

const struct gpu_op gpu_op_gather = {.run = run_gather};

static enum status run_scatter_add(struct gpu *g, const struct op_call *call, const struct storage *space, size_t at,
                                   struct err *e) {
    (void)space, (void)at;
    const struct tensor *indices = call->in[0], *updates = call->in[1], *y = call->out[0];
    const int64_t rows = call->attrs->integer, row = row_size(&y->shape, 1);
    struct gpu_launch l = {.n = 0};
    struct gpu_kernel *k;
    if (gpu_check_indices(g, call->op, indices, rows, e) != OK || tensor_size(y) == 0) return e->status;
    if (get(g, "scatter_add", y->dtype, indices->dtype, &k, e) != OK) return e->status;
    int64_t parts = row < OWNERS ? OWNERS / row : 1;
    if (parts > rows) parts = rows;
    gpu_pass_tensor(&l, y);
    gpu_pass_tensor(&l, indices);
    gpu_pass_tensor(&l, updates);
    gpu_pass_number(&l, rows);
    gpu_pass_number(&l, row);
    gpu_pass_number(&l, tensor_size(indices));
    gpu_pass_number(&l, parts);
    return gpu_launch(g, k, &l, row * parts, e);
}

const struct gpu_op gpu_op_scatter_add = {.run = run_scatter_add};

static enum status run_one_hot(struct gpu *g, const struct op_call *call, const struct storage *space, size_t at,
                               struct err *e) {
    (void)space, (void)at;
    const struct tensor *indices = call->in[0], *y = call->out[0];
    struct gpu_launch l = {.n = 0};
    struct gpu_kernel *k;
    if (get(g, "one_hot", y->dtype, indices->dtype, &k, e) != OK) return e->status;
    gpu_pass_tensor(&l, y);
    gpu_pass_tensor(&l, indices);
    gpu_pass_number(&l, call->attrs->full.integer);
    gpu_pass_number(&l, tensor_size(y));
    return gpu_launch(g, k, &l, tensor_size(y), e);
}

const struct gpu_op gpu_op_one_hot = {.run = run_one_hot};
