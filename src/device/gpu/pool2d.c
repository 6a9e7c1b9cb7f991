/* max_pool2d, with and without places, and max_unpool2d. */
#include <stdio.h>

#include "device/gpu/gpu.h"

/* `window` of pool2d.cl. */
struct window {
    int64_t size[2], stride[2], before[2], in[2], out[2], channels;
};

static struct window window_of(const struct op_window *a, const struct shape *x, const struct shape *y) {
    struct window w = {.channels = x->dim[3]};
    for (int d = 0; d < 2; d++) {
        w.size[d] = a->size[d];
        w.stride[d] = a->stride[d];
        w.before[d] = a->before[d];
        w.in[d] = x->dim[d + 1];
        w.out[d] = y->dim[d + 1];
    }
    return w;
}

/* x and y: the larger side and the pooled one. `n` items, the first output's elements. */
static enum status launch(struct gpu *g, const struct op_call *call, const struct shape *x, const struct shape *y,
                          struct err *e) {
    const struct window w = window_of(&call->attrs->window, x, y);
    struct gpu_launch l = {.n = 0};
    struct gpu_kernel *k;
    char defines[64];
    snprintf(defines, sizeof defines, "#define T %s\n#define PLACE %s\n", gpu_type(call->out[0]->dtype),
             gpu_type(call->nout == 2 ? call->out[1]->dtype : call->in[0]->dtype));
    if (gpu_kernel_get(g, "pool2d", call->op->name, defines, &k, e) != OK) return e->status;
    for (int i = 0; i < call->nout; i++) gpu_pass_tensor(&l, call->out[i]);
    for (int i = 0; i < call->nin; i++) gpu_pass_tensor(&l, call->in[i]);
    gpu_pass_bytes(&l, &w, sizeof w);
    gpu_pass_number(&l, tensor_size(call->out[0]));
    return gpu_launch(g, k, &l, tensor_size(call->out[0]), e);
}

static enum status run_pool(struct gpu *g, const struct op_call *call, const struct storage *space, size_t at,
                            struct err *e) {
    (void)space, (void)at;
    return launch(g, call, &call->in[0]->shape, &call->out[0]->shape, e);
}

static enum status run_unpool(struct gpu *g, const struct op_call *call, const struct storage *space, size_t at,
                              struct err *e) {
    (void)space, (void)at;
    return launch(g, call, &call->out[0]->shape, &call->in[0]->shape, e);
}

const struct gpu_op gpu_op_max_pool2d = {.run = run_pool};
const struct gpu_op gpu_op_max_pool2d_argmax = {.run = run_pool};
const struct gpu_op gpu_op_max_unpool2d = {.run = run_unpool};
