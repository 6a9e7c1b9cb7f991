/* Tensors out of nothing: full, arange, random_uniform (the same bits as everywhere). */
#include <stdio.h>

#include "device/gpu/gpu.h"

union element {
    float f32;
    double f64;
    int32_t i32;
    int64_t i64;
    uint8_t u8;
};

static union element element_of(const struct op_full *a) {
    switch (a->dtype) {
    case DT_FLOAT32: return (union element){.f32 = (float)a->value};
    case DT_FLOAT64: return (union element){.f64 = a->value};
    case DT_INT32: return (union element){.i32 = (int32_t)a->integer};
    case DT_INT64: return (union element){.i64 = a->integer};
    case DT_BOOL: return (union element){.u8 = a->integer != 0};
    default: return (union element){.u8 = (uint8_t)a->integer};
    }
}

static enum status run_full(struct gpu *g, const struct op_call *call, const struct storage *space, size_t at,
                            struct err *e) {
    (void)space, (void)at;
    const struct tensor *y = call->out[0];
    const union element value = element_of(&call->attrs->full);
    struct gpu_launch l = {.n = 0};
    struct gpu_kernel *k;
    char defines[64];
    snprintf(defines, sizeof defines, "#define FULL\n#define T %s\n", gpu_type(y->dtype));
    if (gpu_kernel_get(g, "create", "full", defines, &k, e) != OK) return e->status;
    gpu_pass_tensor(&l, y);
    gpu_pass_bytes(&l, &value, dtype_size(y->dtype));
    gpu_pass_number(&l, tensor_size(y));
    return gpu_launch(g, k, &l, tensor_size(y), e);
}

const struct gpu_op gpu_op_full = {.run = run_full};

static enum status run_arange(struct gpu *g, const struct op_call *call, const struct storage *space, size_t at,
                              struct err *e) {
    (void)space, (void)at;
    const struct op_range *a = &call->attrs->range;
    const struct tensor *y = call->out[0];
    const float narrow[2] = {(float)a->start, (float)a->step};
    struct gpu_launch l = {.n = 0};
    struct gpu_kernel *k;
    char defines[96];
    const char *step = !dtype_is_float(y->dtype) ? "u64" : g->facts.f64 ? "f64" : "f32";
    snprintf(defines, sizeof defines, "#define ARANGE\n#define T %s\n#define STEP %s\n", gpu_type(y->dtype), step);
    if (gpu_kernel_get(g, "create", "arange", defines, &k, e) != OK) return e->status;
    gpu_pass_tensor(&l, y);
    if (!dtype_is_float(y->dtype)) {
        gpu_pass_number(&l, a->integer_start);
        gpu_pass_number(&l, a->integer_step);
    } else {
        gpu_pass_bytes(&l, g->facts.f64 ? (const void *)&a->start : &narrow[0], g->facts.f64 ? 8 : 4);
        gpu_pass_bytes(&l, g->facts.f64 ? (const void *)&a->step : &narrow[1], g->facts.f64 ? 8 : 4);
    }
    gpu_pass_number(&l, tensor_size(y));
    return gpu_launch(g, k, &l, tensor_size(y), e);
}

const struct gpu_op gpu_op_arange = {.run = run_arange};

static enum status run_random_uniform(struct gpu *g, const struct op_call *call, const struct storage *space, size_t at,
                                      struct err *e) {
    (void)space, (void)at;
    const int64_t n = tensor_size(call->out[0]);
    struct gpu_launch l = {.n = 0};
    struct gpu_kernel *k;
    if (gpu_kernel_get(g, "create", "random_uniform", "#define RANDOM\n", &k, e) != OK) return e->status;
    gpu_pass_tensor(&l, call->out[0]);
    gpu_pass_tensor(&l, call->in[0]);
    gpu_pass_number(&l, n);
    return gpu_launch(g, k, &l, (n + 3) / 4, e);
}

const struct gpu_op gpu_op_random_uniform = {.run = run_random_uniform};
