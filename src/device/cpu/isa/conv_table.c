/* The convolution kernels of one instruction set, and the sums of planes between the products of complex numbers. */
#include "device/cpu/conv_kernels.h"
#include "device/cpu/isa.h"
#include "device/cpu/isa/vec.h"

void CPU_SYMBOL(tile)(const struct cpu_tile *t);
void CPU_SYMBOL(pack)(int64_t k, int64_t columns, const float *b, int64_t ldb, float *out);
void CPU_SYMBOL(pack_transposed)(int64_t k, int64_t columns, const float *b, int64_t ldb, float *out);
extern const struct cpu_dft CPU_SYMBOL(dft)[];
extern const struct cpu_winograd CPU_SYMBOL(winograd4), CPU_SYMBOL(winograd6), CPU_SYMBOL(winograd8);
void CPU_SYMBOL(pool_patch)(const struct cpu_conv_patch *from, const struct cpu_conv_windows *w);
void CPU_SYMBOL(scale_patch)(const struct cpu_conv_patch *from, const struct cpu_conv_patch *to, int vectors);
void CPU_SYMBOL(finish_patch)(const struct cpu_conv_patch *from, const struct cpu_conv_patch *to, int vectors);
void CPU_SYMBOL(depthwise)(const struct cpu_depthwise *d);
void CPU_SYMBOL(depthwise_gradient)(const struct cpu_depthwise *d);
void CPU_SYMBOL(unpool_patch)(const struct cpu_conv_patch *to, const struct cpu_conv_windows *w);

static void stream_end(void) {
    vec_stream_end();
}

static void sum_planes(int64_t n, const float *re, const float *im, float *sum) {
    for (int64_t i = 0; i < n; i += LANES) vec_store(sum + i, vec_load(re + i) + vec_load(im + i));
}

static void two_planes(int64_t n, const float *re, const float *im, float sign, float *sum, float *difference) {
    for (int64_t i = 0; i < n; i += LANES) {
        vec r = vec_load(re + i), m = vec_load(im + i);
        vec_store(sum + i, (r + m) * sign);
        vec_store(difference + i, m - r);
    }
}

static void one_plane(int64_t n, const float *re, const float *im, float sign, float *out) {
    for (int64_t i = 0; i < n; i += LANES) vec_store(out + i, vec_load(re + i) + vec_load(im + i) * sign);
}

static const struct cpu_winograd *const winograd[] = {&CPU_SYMBOL(winograd4), &CPU_SYMBOL(winograd6),
                                                      &CPU_SYMBOL(winograd8), NULL};

const struct cpu_conv_kernels CPU_SYMBOL(conv_kernels) = {
    .lanes = LANES,
    .tile = CPU_SYMBOL(tile),
    .pack = CPU_SYMBOL(pack),
    .pack_transposed = CPU_SYMBOL(pack_transposed),
    .stream_end = stream_end,
    .dft = CPU_SYMBOL(dft),
    .winograd = winograd,
    .pool = CPU_SYMBOL(pool_patch),
    .unpool = CPU_SYMBOL(unpool_patch),
    .scale = CPU_SYMBOL(scale_patch),
    .finish = CPU_SYMBOL(finish_patch),
    .depthwise = CPU_SYMBOL(depthwise),
    .depthwise_gradient = CPU_SYMBOL(depthwise_gradient),
    .sum_planes = sum_planes,
    .two_planes = two_planes,
    .one_plane = one_plane,
};
