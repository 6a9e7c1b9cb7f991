/* softmax and log_softmax along any axis, and the cross-entropy of integer labels with its gradient. */
#include <stdio.h>

#include "device/gpu/gpu.h"
#include "device/gpu/rows.h"

/* x as (a, length, k), softmax running along the middle. */
struct rows {
    int64_t rows, length, k, width;
};

static struct rows rows_along(const struct tensor *x, int axis) {
    struct rows r = {.length = x->shape.dim[axis], .k = 1, .width = 1};
    for (int d = axis + 1; d < x->shape.rank; d++) r.k *= x->shape.dim[d];
    r.rows = r.length ? tensor_size(x) / r.length : 0;
    if (r.k > 1) r.width = 32;
    while (r.width < GPU_THREADS && r.length * 2 <= GPU_THREADS / r.width) r.width *= 2;
    return r;
}

static enum status launch_rows(struct gpu *g, const struct op_call *call, const struct rows *r, struct err *e) {
    struct gpu_launch l = {.n = 0};
    struct gpu_kernel *k;
    char defines[128];
    const enum dtype d = call->in[0]->dtype;
    snprintf(defines, sizeof defines, "#define T %s\n#define ACC %s\n#define LABEL %s\n", gpu_type(d),
             gpu_type(gpu_accumulator(g, d)), gpu_type(call->nin > 1 ? call->in[1]->dtype : DT_INT64));
    if (gpu_kernel_get(g, "softmax", call->op->name, defines, &k, e) != OK) return e->status;
    gpu_pass_tensor(&l, call->out[0]);
    for (int i = 0; i < call->nin; i++) gpu_pass_tensor(&l, call->in[i]);
    gpu_pass_number(&l, r->rows);
    gpu_pass_number(&l, r->length);
    gpu_pass_number(&l, r->k);
    gpu_pass_number(&l, r->width);
    return gpu_launch(g, k, &l, (r->rows + r->width - 1) / r->width * GPU_THREADS, e);
}

static enum status run_softmax(struct gpu *g, const struct op_call *call, const struct storage *space, size_t at,
                               struct err *e) {
    (void)space, (void)at;
    const struct rows r = rows_along(call->in[0], call->attrs->axes.axis[0]);
    return launch_rows(g, call, &r, e);
}

const struct gpu_op gpu_op_softmax = {.run = run_softmax};
const struct gpu_op gpu_op_log_softmax = {.run = run_softmax};

static enum status run_crossentropy(struct gpu *g, const struct op_call *call, const struct storage *space, size_t at,
                                    struct err *e) {
    (void)space, (void)at;
    const struct rows r = rows_along(call->in[0], call->in[0]->shape.rank - 1);
    if (gpu_check_indices(g, call->op, call->in[1], r.length, e) != OK) return e->status;
    return launch_rows(g, call, &r, e);
}

const struct gpu_op gpu_op_sparse_softmax_crossentropy = {.run = run_crossentropy};
const struct gpu_op gpu_op_sparse_softmax_crossentropy_grad = {.run = run_crossentropy};
