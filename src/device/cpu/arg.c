/* argmax and argmin along one axis: the first of equals; NaN counts as the extremum. */
#include "device/cpu/cpu.h"

enum { WORK = 1 << 16 }; /* elements a chunk looks at, about */

struct run {
    enum dtype dtype;
    bool largest;
    int64_t r, k; /* the input is (a, r, k), reduced along r */
    const void *in;
    int64_t *out;
};

/* The place of the extremum of x[0], x[step], ..., x[(r - 1) step]. */
#define EXTREMUM(name, type)                                                                                           \
    static int64_t name(const type *x, int64_t r, int64_t step, bool largest) {                                        \
        int64_t best = 0;                                                                                              \
        type value = x[0];                                                                                             \
        for (int64_t i = 1; i < r && value == value; i++) {                                                            \
            const type y = x[i * step];                                                                                \
            if ((largest ? y > value : y < value) || y != y) {                                                         \
                value = y;                                                                                             \
                best = i;                                                                                              \
            }                                                                                                          \
        }                                                                                                              \
        return best;                                                                                                   \
    }
EXTREMUM(extremum_u8, uint8_t)
EXTREMUM(extremum_i32, int32_t)
EXTREMUM(extremum_i64, int64_t)
EXTREMUM(extremum_f32, float)
EXTREMUM(extremum_f64, double)

static void run_chunk(void *arg, int64_t begin, int64_t end, int worker) {
    (void)worker;
    const struct run *w = arg;
    for (int64_t i = begin; i < end; i++) {
        const int64_t first = i / w->k * w->r * w->k + i % w->k;
        switch (w->dtype) {
        case DT_INT32: w->out[i] = extremum_i32((const int32_t *)w->in + first, w->r, w->k, w->largest); break;
        case DT_INT64: w->out[i] = extremum_i64((const int64_t *)w->in + first, w->r, w->k, w->largest); break;
        case DT_FLOAT32: w->out[i] = extremum_f32((const float *)w->in + first, w->r, w->k, w->largest); break;
        case DT_FLOAT64: w->out[i] = extremum_f64((const double *)w->in + first, w->r, w->k, w->largest); break;
        default: w->out[i] = extremum_u8((const uint8_t *)w->in + first, w->r, w->k, w->largest); break;
        }
    }
}

static size_t workspace(const struct cpu *c, const struct op_call *call) {
    (void)c;
    return cpu_contiguous_bytes(call->in[0]);
}

static enum status run(struct cpu *c, const struct op_call *call, void *space, bool largest, struct err *e) {
    const struct tensor *in = call->in[0], *out = call->out[0];
    const int axis = call->attrs->axes.axis[0];
    struct run w = {.dtype = in->dtype, .largest = largest, .r = in->shape.dim[axis], .k = 1};
    for (int d = axis + 1; d < in->shape.rank; d++) w.k *= in->shape.dim[d];
    w.out = tensor_data(out);
    if (tensor_size(out) == 0) return OK;
    const enum status s = cpu_contiguous(c, in, space, &w.in, e);
    if (s != OK) return s;
    return threads_for(c->threads, tensor_size(out), WORK / w.r > 1 ? WORK / w.r : 1, run_chunk, &w, e);
}

static enum status run_argmax(struct cpu *c, const struct op_call *call, void *space, struct err *e) {
    return run(c, call, space, true, e);
}

static enum status run_argmin(struct cpu *c, const struct op_call *call, void *space, struct err *e) {
    return run(c, call, space, false, e);
}

const struct cpu_kernel cpu_kernel_argmax = {.workspace = workspace, .run = run_argmax};
const struct cpu_kernel cpu_kernel_argmin = {.workspace = workspace, .run = run_argmin};
