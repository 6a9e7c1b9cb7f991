/* Moving elements unchanged: concatenate and pad, as copies into strided places of the result. */
#include "device/gpu/gpu.h"
#include "op/ops.h"

/* A header like `part`'s that shows its places in y: from `start` on, `step` apart, in each dimension. */
static struct tensor places(const struct tensor *y, const struct shape *part, const int64_t *start,
                            const int64_t *step) {
    struct tensor t = *y;
    t.shape = *part;
    for (int d = 0; d < part->rank; d++) {
        t.offset += start[d] * y->stride[d];
        t.stride[d] = step[d] * y->stride[d];
    }
    return t;
}

static enum status run_concatenate(struct gpu *g, const struct op_call *call, const struct storage *space, size_t at,
                                   struct err *e) {
    (void)space, (void)at;
    const int axis = call->attrs->axes.axis[0];
    int64_t start[TENSOR_MAX_RANK] = {0}, step[TENSOR_MAX_RANK];
    for (int d = 0; d < TENSOR_MAX_RANK; d++) step[d] = 1;
    for (int i = 0; i < call->nin; i++) {
        const struct tensor *x = call->in[i], to = places(call->out[0], &x->shape, start, step);
        if (gpu_copy(g, x, &to, e) != OK) return e->status;
        start[axis] += x->shape.dim[axis];
    }
    return OK;
}

const struct gpu_op gpu_op_concatenate = {.run = run_concatenate};

static enum status run_pad(struct gpu *g, const struct op_call *call, const struct storage *space, size_t at,
                           struct err *e) {
    const struct tensor *x = call->in[0], *y = call->out[0];
    const union op_attrs zero = {.full = {.dtype = y->dtype, .shape = y->shape}};
    const struct op_call fill = {.op = &op_full, .nout = 1, .out = call->out, .attrs = &zero};
    if (gpu_run(g, &fill, space, at, e) != OK || tensor_size(x) == 0) return e->status;
    const struct tensor to = places(y, &x->shape, call->attrs->slice.start, call->attrs->slice.step);
    return gpu_copy(g, x, &to, e);
}

const struct gpu_op gpu_op_pad = {.run = run_pad};
