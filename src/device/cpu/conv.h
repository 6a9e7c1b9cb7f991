/* Convolution on the cpu: a geometry, and a table of algorithms from which an analytic cost picks one. The choice
 * depends on the geometry and the instruction set alone, never on a timing, so that two runs compute the same bits;
 * unless the user asks for measurements, whose result is recorded and holds from then on. */
#ifndef DEVICE_CPU_CONV_H
#define DEVICE_CPU_CONV_H

#include "device/cpu/conv_kernels.h"
#include "device/cpu/cpu.h"

enum cpu_conv_pass { CPU_CONV_FORWARD, CPU_CONV_GRAD_INPUT, CPU_CONV_GRAD_KERNEL };

/* Where the result of a convolution, or its gradient, is in memory as its max pooling alone: pooled on the way out, put
 * back in its windows on the way in. Of gradients, windows do not overlap. Padded channels are not among them. */
struct cpu_conv_pool {
    int64_t size[2], stride[2], before[2], windows[2];
    float *value;                  /* (n, windows, o) */
    uint8_t *place;                /* likewise; forward, NULL: not wanted */
    struct cpu_conv_finish finish; /* of the pooled values, forward */
};

/* x (n, h, w, c) * kernel (kh, kw, c / groups, o) -> y (n, oh, ow, o); all row-major, contiguous, 64-byte aligned only
 * where they are whole buffers. y[b, i, j] reads x[b, i * stride + u * dilation - before, ...] for u < kh, v < kw; the last
 * rows and columns of x may be read by none. */
struct cpu_conv {
    enum dtype dtype; /* float32 or float64 */
    int64_t n, h, w, c;
    int64_t kh, kw, o;
    int64_t oh, ow;
    int64_t stride[2], dilation[2], before[2];
    int64_t groups;
    const struct cpu_conv_pool *pool; /* y is there like this; NULL: as it is */
    const float *scale, *shift;    /* x is what is there times scale plus shift, channel by channel; NULL: as it is */
    struct cpu_conv_finish finish; /* of y, where it is not pooled, or of the input's gradient */
    bool ones; /* of the kernel's gradient: the last of c channels is 1 everywhere, and not in memory */
    /* Whether the forward pass leaves, and both gradients find, at `kept` what they have in common. */
    bool keeps;
    void *kept;
};

/* forward: a = x, b = kernel, out = y. grad_input: a = dy, b = kernel, out = dx. grad_kernel: a = x, b = dy, out =
 * dkernel. `out` is overwritten. Work goes through threads_for (chunks under 5 ms), so that a cancel is seen; the result
 * must not depend on the number of threads. */
typedef enum status cpu_conv_fn(struct cpu *c, const struct cpu_conv *g, const void *a, const void *b, void *out,
                                void *workspace, struct err *e);

/* What both gradients of a convolution are computed from, and go to. */
struct cpu_conv_gradients {
    const void *x, *kernel, *dy;
    void *dx, *dkernel;
};

/* One algorithm: a file conv_NAME.c that defines `const struct cpu_conv_algorithm cpu_conv_NAME = {...}`; the table is
 * generated from these definitions. */
struct cpu_conv_algorithm {
    const char *name;
    bool (*supports)(const struct cpu_conv *g, enum cpu_conv_pass pass);
    /* Estimated time in nanoseconds; the cheapest supporting algorithm runs. Each is a sum over counts (multiplications,
     * elements read, laid out, written), whose weights were fitted to the times of 260 random shapes on two cores with
     * AVX-512: the choice is then 4 % slower than the best one in the mean, and tests/bench/walk.c looks for exceptions.
     * Products take 16 / lanes times as long with narrower vectors. */
    double (*cost)(const struct cpu *c, const struct cpu_conv *g, enum cpu_conv_pass pass);
    /* Bytes of workspace, shared by all workers and planned with the graph's memory. Per-worker scratch comes from
     * cpu_scratch_reserve. NULL: none. */
    size_t (*workspace)(const struct cpu *c, const struct cpu_conv *g, enum cpu_conv_pass pass);
    cpu_conv_fn *pass[3]; /* by enum cpu_conv_pass */
    /* Whether it can with this g->pool. NULL: never. */
    bool (*pools)(const struct cpu *c, const struct cpu_conv *g, enum cpu_conv_pass pass);
    bool finishes[2]; /* its forward pass, its input gradient can with g->finish, where results fill vectors of 16 */
    bool scales;      /* its forward pass can with g->scale, where channels fill vectors of 16 */
    bool ones;        /* its kernel gradient can with g->ones, where filters fill vectors of 16 */
    /* Optional, both or none. Both gradients at once, with the bits of one after the other but in less time; and the
     * workspace that it wants, 0: it cannot. */
    enum status (*gradients)(struct cpu *c, const struct cpu_conv *g, const struct cpu_conv_gradients *o,
                             void *workspace, struct err *e);
    size_t (*gradients_workspace)(const struct cpu *c, const struct cpu_conv *g);
    /* Optional: the bytes that a forward pass can keep for these gradients. */
    size_t (*kept)(const struct cpu *c, const struct cpu_conv *g);
};

/* Every algorithm; ends with NULL. */
extern const struct cpu_conv_algorithm *const cpu_conv_algorithms[];
/* The one of this name, or NULL (also for a name that is NULL). */
const struct cpu_conv_algorithm *cpu_conv_find(const char *name);

/* The algorithm that runs this pass: the one that the user had measured (device/cpu/tuned.h), else the estimated one. */
const struct cpu_conv_algorithm *cpu_conv_choose(const struct cpu *c, const struct cpu_conv *g,
                                                 enum cpu_conv_pass pass);
/* The one with the least cost of those that support it (im2col supports everything). */
const struct cpu_conv_algorithm *cpu_conv_estimate(const struct cpu *c, const struct cpu_conv *g,
                                                   enum cpu_conv_pass pass);
/* The geometry of a call of the pass's op (conv2d, conv2d_grad_input, conv2d_grad_kernel). */
struct cpu_conv cpu_conv_geometry(const struct op_call *call, enum cpu_conv_pass pass);
/* What a convolution, one of its gradients, or both do besides; each may be NULL. */
struct cpu_conv_joined {
    const struct op_call *pool; /* the call that pools y or puts dy back into its windows: neither is in memory */
    void *kept;                 /* what the forward pass keeps for both gradients */
    const float *raw;           /* x as it is in memory, before */
    const float *scale, *shift; /* these, one number a channel each, */
    bool ones;                  /* or before one more channel, of ones */
    const struct cpu_conv_finish *finish; /* of y, pooled or not, or of dx, */
    void *finished;                       /* which then goes here */
};

/* Whether the call of a convolution or of one of its gradients can give its result to the call of max pooling, or take dy
 * from that of unpooling, without its being in memory in between. */
bool cpu_conv_takes_pool(const struct cpu *c, const struct op_call *call, const struct op_call *pool);
enum status cpu_conv_run_joined(struct cpu *c, const struct op_call *call, const struct cpu_conv_joined *joined,
                                void *workspace, struct err *e);
/* Whether the call of a convolution can take its x as a scaled one. */
bool cpu_conv_takes_scale(const struct cpu *c, const struct op_call *call);
/* Whether that of a kernel's gradient can take x without its last channel, as one of ones. */
bool cpu_conv_takes_ones(const struct cpu *c, const struct op_call *call);
/* Whether it, or an input's gradient, can finish what it makes. */
bool cpu_conv_takes_finish(const struct cpu *c, const struct op_call *call);
/* Both gradients of one convolution at once, where both would be computed by an algorithm that can: the workspace, 0 where
 * not. */
size_t cpu_conv_gradients_workspace(const struct cpu *c, const struct op_call *input, const struct op_call *kernel,
                                    bool keeps);
enum status cpu_conv_run_gradients(struct cpu *c, const struct op_call *input, const struct op_call *kernel,
                                   const struct cpu_conv_joined *joined, void *workspace, struct err *e);
/* The bytes that the call of a convolution can keep for both gradients, of which this is the kernel's, to take up again, 0:
 * none. */
size_t cpu_conv_kept(const struct cpu *c, const struct op_call *forward, const struct op_call *kernel);
/* The workspace of a convolution that keeps it, or of a kernel's gradient that takes x without its channel of ones. */
size_t cpu_conv_joined_workspace(const struct cpu *c, const struct op_call *call, bool keeps, bool ones);
/* The next part of a workspace, a cache line's multiple; where it starts. */
static inline size_t cpu_conv_take(size_t *at, int64_t bytes) {
    const size_t start = *at;
    *at += ((size_t)bytes + 63) / 64 * 64;
    return start;
}
/* Products in one sum of the forward pass, kh kw c / groups, and filters of one group. */
int64_t cpu_conv_width(const struct cpu_conv *g);
int64_t cpu_conv_filters(const struct cpu_conv *g);
/* Whether a dimension is zero: only im2col takes such. */
bool cpu_conv_is_empty(const struct cpu_conv *g);
/* Multiplications and additions of the direct sum: 2 n oh ow kh kw (c / groups) o. */
double cpu_conv_flops(const struct cpu_conv *g);
/* Elements of x, y, and the kernel. */
double cpu_conv_inputs(const struct cpu_conv *g);
double cpu_conv_outputs(const struct cpu_conv *g);
double cpu_conv_weights(const struct cpu_conv *g);

#endif
