/* Pooled convolutions. */
#include "support/pooled.h"

#include "device/cpu/tuned.h"

union op_attrs pooled_conv(const struct pooled *p) {
    return (union op_attrs){.window = {.size = {p->kernel, p->kernel},
                                       .stride = {1, 1},
                                       .dilation = {1, 1},
                                       .before = {p->before, p->before},
                                       .after = {p->before, p->before},
                                       .groups = 1,
                                       .input = {p->size, p->size}}};
}

int64_t pooled_out(const struct pooled *p) {
    return p->size + 2 * p->before - p->kernel + 1;
}

union op_attrs pooled_pool(const struct pooled *p) {
    return (union op_attrs){.window = {.size = {p->window, p->window},
                                       .stride = {p->stride, p->stride},
                                       .dilation = {1, 1},
                                       .before = {p->padding, p->padding},
                                       .after = {p->padding, p->padding},
                                       .groups = 1,
                                       .input = {pooled_out(p), pooled_out(p)}}};
}

bool pooled_insist_for(struct cpu *c, const struct pooled *p, int64_t n, const struct cpu_conv_algorithm *a) {
    struct err e = {0};
    const struct cpu_conv g = {.dtype = DT_FLOAT32,
                               .n = n,
                               .h = p->size,
                               .w = p->size,
                               .c = p->channels,
                               .kh = p->kernel,
                               .kw = p->kernel,
                               .o = p->filters,
                               .oh = pooled_out(p),
                               .ow = pooled_out(p),
                               .stride = {1, 1},
                               .dilation = {1, 1},
                               .before = {p->before, p->before},
                               .groups = 1};
    bool any = false;
    cpu_tuned_clear(c);
    for (enum cpu_conv_pass pass = CPU_CONV_FORWARD; pass <= CPU_CONV_GRAD_KERNEL; pass++) {
        if (!a->supports(&g, pass)) continue;
        assert_ok(cpu_tuned_add(c, &g, pass, a, &e), &e);
        any = true;
    }
    return any;
}

bool pooled_insist(struct cpu *c, const struct pooled *p, const struct cpu_conv_algorithm *a) {
    return pooled_insist_for(c, p, 3, a);
}

int pooled_call(struct graph *g, const struct op *op, int a, int b, const union op_attrs *attrs) {
    struct err e = {0};
    const int v = graph_add(g, op, (int[]){a, b}, op->nin, attrs, &e);
    if (v < 0) fail_msg("%s", e.text);
    return v;
}

void pooled_same(struct device *d, const struct graph *g, struct tensor *const *in, struct tensor *const *want) {
    struct tensor *got[2];
    graphs_execute(d, g, in, got);
    for (int i = 0; i < g->noutput; i++) {
        test_same_bits(want[i], got[i]);
        tensor_release(got[i]);
    }
}
