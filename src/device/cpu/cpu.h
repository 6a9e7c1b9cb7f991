/* Inside the cpu driver: the device, what a kernel is, and the helpers that kernels share. Only src/device/cpu and its
 * tests include this. Buffers are plain addresses, work is done when a call returns, tickets are always 0. */
#ifndef DEVICE_CPU_CPU_H
#define DEVICE_CPU_CPU_H

#include "base/threads.h"
#include "device/cpu/isa.h"
#include "op/op.h"
#include "tensor/device.h"

struct cpu;
struct graph_fused;

static inline int64_t cpu_ceil_div(int64_t a, int64_t b) {
    return (a + b - 1) / b;
}

/* ---- kernels ----------------------------------------------------------------------------------------------------- */

/* A kernel is a definition `const struct cpu_kernel cpu_kernel_NAME = {...}` in a file of this folder; NAME is the op's.
 * Elementwise ops have no kernel but inner loops in isa/, found by the op's name, which the elementwise engine runs. */
struct cpu_kernel {
    /* Bytes of workspace a call needs while it runs, or NULL for none; depends on shapes and dtypes alone. */
    size_t (*workspace)(const struct cpu *c, const struct op_call *call);
    /* `workspace` is 64-byte aligned. May be cancelled (ERR_CANCELLED) between chunks of threads_for. */
    enum status (*run)(struct cpu *c, const struct op_call *call, void *workspace, struct err *e);
    /* Where there are several ways to run a call: which one it is ("fft"), and measuring them, with a line about it. */
    const char *(*way)(const struct cpu *c, const struct op_call *call);
    enum status (*tune)(struct cpu *c, const struct op_call *call, struct buf *out, struct err *e);
};

/* What runs an op: a kernel, inner loops, or neither (an empty slot; views need none). */
struct cpu_slot {
    const struct op *op;
    const struct cpu_kernel *kernel;
    const struct cpu_loops *loops;
};

struct cpu {
    struct device base;
    struct threads *threads;
    const struct cpu_isa *isa;
    struct cpu_slot *slot; /* one for each op of op_registry */
    int nslot;
    char *scratch; /* threads_count blocks of scratch_bytes */
    size_t scratch_bytes;
    char *shared; /* one block of shared_bytes, which whoever runs has to itself */
    size_t shared_bytes;
    struct storage arena;    /* the intermediates of whichever program runs; `bytes` long, none while handle is NULL */
    int programs;            /* compiled and not freed */
    struct cpu_tuned *tuned; /* device/cpu/tuned.h */
    int ntuned;
    atomic_size_t used, peak;
};

extern const struct device_driver device_driver_cpu;

void cpu_model_name(char *out, size_t cap); /* "Intel(R) Xeon(R) Processor" */

/* Opens a cpu with that instruction set ("avx2"; NULL: the best this machine has) and that many threads (0: all cores).
 * Tests compare instruction sets and thread counts with it; device_driver_cpu.open passes $CELDA_CPU and 0. */
enum status cpu_open(const char *isa, int threads, struct device **out, struct err *e);

const struct cpu_slot *cpu_slot(const struct cpu *c, const struct op *op); /* NULL: not an op of op_registry */

/* Runs one call with a given workspace of cpu_workspace bytes. */
size_t cpu_workspace(const struct cpu *c, const struct op_call *call);
enum status cpu_run(struct cpu *c, const struct op_call *call, void *workspace, struct err *e);

/* Scratch of at least `bytes` for each worker, 64-byte aligned, kept for later calls; reserve before the parallel loop,
 * take inside it. Its contents do not outlive the loop. */
enum status cpu_scratch_reserve(struct cpu *c, size_t bytes, struct err *e);
/* Likewise of what all workers share; what stood there is lost. */
enum status cpu_shared_reserve(struct cpu *c, size_t bytes, struct err *e);
static inline void *cpu_scratch(const struct cpu *c, int worker) {
    return c->scratch + c->scratch_bytes * worker;
}

/* The arena that all programs share, since one runs at a time: it grows to the largest that runs, and goes with the last
 * program. */
void cpu_arena_join(struct cpu *c);
void cpu_arena_leave(struct cpu *c);
enum status cpu_arena_reserve(struct cpu *c, size_t bytes, struct err *e);

/* Counted buffers of the device. */
enum status cpu_alloc(struct device *d, size_t bytes, void **handle, struct err *e);
void cpu_free(struct device *d, void *handle, size_t bytes);

/* ---- elementwise engine ------------------------------------------------------------------------------------------- */

struct cpu_elementwise;

/* A reduction over all leading dimensions, in pieces: for who has the rows at hand. Whoever adds a segment's rows in their
 * order, however many at a time, gets the bits that the op's kernel computes. */
struct cpu_columns {
    const struct cpu_reduction *how;
    enum dtype dtype; /* of the rows */
    size_t acc;       /* bytes of a partial result's element */
    int64_t width;    /* of a row */
    int64_t segment;  /* rows that make one partial result: the unit that one worker adds */
};

/* False where the call reduces something else, or rows so short or so long that its kernel goes about it otherwise. */
bool cpu_columns_of(const struct cpu *c, const struct op_call *call, struct cpu_columns *out);
/* Rows first .. first+rows-1, contiguous at `in` and of one segment, to its partial result in the call's workspace. */
void cpu_columns_add(const struct cpu_columns *p, int64_t first, int64_t rows, const void *in, void *workspace);
/* The rest of the call, when all rows are added. */
enum status cpu_columns_finish(struct cpu *c, const struct op_call *call, void *workspace, struct err *e);

enum { CPU_MAX_TAILS = 8, CPU_CHUNK = 512 /* elements that a region goes through at once, at most */ };

/* What else is done with a region's values while they are in the cache, and which are not in memory. */
struct cpu_tails {
    int count; /* reductions of rows of one width */
    struct cpu_tail {
        int value; /* operand value, or result value - nin */
        struct cpu_columns columns;
    } tail[CPU_MAX_TAILS];
    uint64_t absent; /* by output: nobody reads it from memory */
    uint64_t random; /* by operand: numbers of random_uniform, made as they are needed; its address is the seeds' */
};

/* The combination that the steps from `first` on are, of a region of nin operands, or NULL; `operand` then names the
 * values its loop takes. */
const struct cpu_combination *cpu_combination_of(const struct cpu *c, const struct graph_fused *f, int nin, int first,
                                                 int operand[CPU_COMBINED]);

/* Prepares a fused region for operands and outputs with these shapes and strides; outputs are contiguous. The result
 * refers to the attributes it was made from. `tails` may be NULL. NULL with the error set; freeing NULL is fine. */
struct cpu_elementwise *cpu_elementwise_new(struct cpu *c, const struct graph_fused *fused, struct tensor *const *in,
                                            int nin, struct tensor *const *out, const struct cpu_tails *tails,
                                            struct err *e);
/* The same for the call of one op. */
struct cpu_elementwise *cpu_elementwise_of_call(struct cpu *c, const struct op_call *call,
                                                const struct cpu_tails *tails, struct err *e);
void cpu_elementwise_free(struct cpu_elementwise *w);
/* Whether some numbers are an error for it. */
bool cpu_elementwise_may_refuse(const struct cpu_elementwise *w);
/* Runs it on these addresses of first elements, and of the workspaces of the tails' calls. Allocates nothing. */
enum status cpu_elementwise_run(struct cpu *c, const struct cpu_elementwise *w, const void *const *in, void *const *out,
                                void *const *partial, struct err *e);
/* One eager call: prepares and runs. */
enum status cpu_elementwise_call(struct cpu *c, const struct op_call *call, struct err *e);
/* out (contiguous) = in with any strides, of the same dtype. */
enum status cpu_copy(struct cpu *c, const struct tensor *in, void *out, struct err *e);
/* For kernels of strided ops that read contiguous data: t's elements where they are, or copied into a workspace of
 * cpu_contiguous_bytes (0 when they lie well). */
size_t cpu_contiguous_bytes(const struct tensor *t);
enum status cpu_contiguous(struct cpu *c, const struct tensor *t, void *workspace, const void **out, struct err *e);

/* ---- matrix products ---------------------------------------------------------------------------------------------- */

/* op(a) (m, k) times op(b) (k, n): row-major, with leading dimensions in elements. */
struct cpu_gemm {
    enum dtype dtype; /* any number */
    bool transpose_a, transpose_b;
    int64_t m, n, k;
    const void *a, *b;
    void *c;
    int64_t lda, ldb, ldc;
    bool accumulate; /* c += instead of c = */
};

/* A stack of products of one geometry: product i adds, for each dimension, its index times these strides (elements). */
struct cpu_gemm_stack {
    int rank;
    int64_t dim[TENSOR_MAX_RANK], a[TENSOR_MAX_RANK], b[TENSOR_MAX_RANK], c[TENSOR_MAX_RANK];
};

/* Moves g's addresses to product p of the stack. */
void cpu_gemm_place(struct cpu_gemm *g, const struct cpu_gemm_stack *s, int64_t p);
/* On the calling thread, without a look at the cancel flag: at most some 10^8 multiplications. Floats want cpu_blas_open
 * (device/cpu/blas.h) before it. */
void cpu_gemm(const struct cpu_gemm *g);
/* Over the pool, in tiles whose grid depends on m, n, k and the stack alone. `stack` NULL: one product. */
enum status cpu_gemm_parallel(struct cpu *c, const struct cpu_gemm *g, const struct cpu_gemm_stack *stack,
                              struct err *e);

#endif
