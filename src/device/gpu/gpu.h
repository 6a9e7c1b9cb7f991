/* Inside the gpu device: the device, its buffers and kernels, and the helpers that ops share. Only src/device/gpu and its
 * tests include this. Work is queued in order; tickets count what was queued. */
#ifndef DEVICE_GPU_GPU_H
#define DEVICE_GPU_GPU_H

#include "device/gpu/driver.h"
#include "op/op.h"
#include "tensor/device.h"

struct graph_fused;

enum { GPU_THREADS = 256 };

/* ---- the device ---------------------------------------------------------------------------------------------------- */

/* What a storage's handle points to. */
struct gpu_buffer {
    uint64_t native;
    size_t bytes; /* at least what was asked for */
    struct gpu_buffer *next;
};

struct gpu_kernel;
struct gpu_slot;

struct gpu {
    struct device base;
    const struct gpu_driver *driver;
    void *d; /* the driver's */
    struct gpu_facts facts;
    struct gpu_slot *slot;   /* one for each op of op_registry */
    struct gpu_buffer *pool; /* freed, for the next allocation of their size */
    size_t used, peak, pooled, limit;
    bool silicon;                /* of real GPUs alone, by its name */
    bool tf32;                   /* products of float32 run on tensor cores */
    bool ours;                   /* its memory is this machine's: it is a processor */
    struct gpu_kernel **kernels; /* a hash table by key */
    int nkernel, kernel_cap;
    bool planning; /* launches run nothing: which kernels there will be is found out */
    struct gpu_buffer *fault;
    bool fault_possible;   /* something that may fill it was launched since it was looked at */
    uint64_t queued, done; /* tickets */
    const char *last;      /* the op queued last: what a late error of the driver names */
    struct storage arena;  /* the intermediates of whichever program runs, as on the cpu */
    int programs;
};

/* Opens what a driver calls device `index`, as a device of that kind; `silicon`: counting real GPUs alone. */
enum status gpu_open(const struct gpu_driver *driver, const struct device_driver *kind, int index, bool silicon,
                     struct device **out, struct err *e);

/* Buffers, from the pool where one fits. */
enum status gpu_alloc(struct device *d, size_t bytes, void **handle, struct err *e);
void gpu_free(struct device *d, void *handle, size_t bytes);
void gpu_pool_flush(struct gpu *g); /* gives the pool back to the driver */

/* ---- ops ----------------------------------------------------------------------------------------------------------- */

/* An op here is a definition `const struct gpu_op gpu_op_NAME = {...}` in a file of this folder, or a line in the table of
 * expressions, which the elementwise engine runs. */
struct gpu_op {
    /* Bytes of workspace a call needs while it runs, or NULL for none; depends on shapes and dtypes alone. */
    size_t (*workspace)(const struct gpu *g, const struct op_call *call);
    enum status (*run)(struct gpu *g, const struct op_call *call, const struct storage *workspace, size_t at,
                       struct err *e);
};

/* What an op computes of operands a, b, c of type T (unsigned: U); the result becomes R by itself. NULL: not of that kind
 * of dtype. S is the attribute, where there is one. */
struct gpu_expression {
    const char *op;
    const char *real, *whole, *truth; /* of floats, integers, bool */
};
extern const struct gpu_expression gpu_expressions[]; /* ends with a NULL op */

struct gpu_slot {
    const struct op *op;
    const struct gpu_op *run;
    const struct gpu_expression *expression;
};
const struct gpu_slot *gpu_slot(const struct gpu *g, const struct op *op);

size_t gpu_workspace(const struct gpu *g, const struct op_call *call);
/* Queues one call, its workspace at byte `at` of a storage. */
enum status gpu_run(struct gpu *g, const struct op_call *call, const struct storage *workspace, size_t at,
                    struct err *e);

/* ---- kernels ------------------------------------------------------------------------------------------------------- */

/* The kernel `name` of kernels/FILE.cl behind the lines of `defines` ("#define T f32\n"); kept, and compiled when it is
 * launched if not before. */
enum status gpu_kernel_get(struct gpu *g, const char *file, const char *name, const char *defines,
                           struct gpu_kernel **out, struct err *e);
/* The kernel kept under `key`, or NULL; and making it of the texts FILE.cl and source. */
struct gpu_kernel *gpu_kernel_find(const struct gpu *g, const char *key);
enum status gpu_kernel_make(struct gpu *g, const char *key, const char *name, const char *file, const char *source,
                            struct gpu_kernel **out, struct err *e);
/* Compiles all that were asked for and are not yet. */
enum status gpu_kernels_compile(struct gpu *g, struct err *e);
void gpu_kernels_free(struct gpu *g);

const char *gpu_type(enum dtype d);                            /* its name in the dialect: "f32" */
enum dtype gpu_accumulator(const struct gpu *g, enum dtype d); /* what sums of d run in */
/* ERR_UNSUPPORTED where the device has no such type. */
enum status gpu_check_dtype(const struct gpu *g, const struct op_call *call, struct err *e);

/* ---- launches ------------------------------------------------------------------------------------------------------ */

/* Arguments in the order of the kernel's; a buffer is followed by the place of its first element, an i64. */
struct gpu_launch {
    struct gpu_argument argument[GPU_ARGUMENTS];
    int64_t number[GPU_ARGUMENTS];
    int n;
};
void gpu_pass_tensor(struct gpu_launch *l, const struct tensor *t);
void gpu_pass_place(struct gpu_launch *l, const struct storage *s, int64_t at); /* `at` in elements */
void gpu_pass_number(struct gpu_launch *l, int64_t v);
void gpu_pass_bytes(struct gpu_launch *l, const void *value, size_t size); /* which must stay until the launch */
/* The buffer that kernels report faults in, and the op's site. */
void gpu_pass_fault(struct gpu *g, struct gpu_launch *l, const struct op *op);
/* Queues enough groups for that many threads. */
enum status gpu_launch(struct gpu *g, struct gpu_kernel *k, const struct gpu_launch *l, int64_t threads, struct err *e);

/* ---- walks over strided operands -------------------------------------------------------------------------------------- */

enum { GPU_WALK = 8, GPU_OPERANDS = 42 };

/* Dimensions joined where all operands step evenly; strides in elements. */
struct gpu_walk {
    int n, rank;
    int64_t dim[TENSOR_MAX_RANK];
    int64_t stride[GPU_OPERANDS][TENSOR_MAX_RANK];
};
/* A walk over `shape`, to which the operands broadcast. */
void gpu_walk_of(struct gpu_walk *w, const struct shape *shape, const struct tensor *const *operand, int n);
int64_t gpu_walk_size(const struct gpu_walk *w);

/* The same for a kernel, from dimension `first` on: walk_N of walk.cl. At most 4 operands and GPU_WALK dimensions. */
struct gpu_walk_argument {
    int64_t number[1 + GPU_WALK + 4 * GPU_WALK];
};
size_t gpu_walk_pack(const struct gpu_walk *w, int first, struct gpu_walk_argument *out); /* bytes in use */

/* ---- elementwise ------------------------------------------------------------------------------------------------- */

enum status gpu_elementwise_call(struct gpu *g, const struct op_call *call, struct err *e);
/* to = from, with any strides, of one shape and dtype. */
enum status gpu_copy(struct gpu *g, const struct tensor *from, const struct tensor *to, struct err *e);
/* A fused region for operands with these shapes and strides: its kernel, for gpu_fused_run. */
enum status gpu_fused_kernel(struct gpu *g, const struct graph_fused *fused, struct tensor *const *in, int nin,
                             struct tensor *const *out, struct gpu_kernel **kernel, struct err *e);
enum status gpu_fused_run(struct gpu *g, struct gpu_kernel *k, const struct graph_fused *fused,
                          struct tensor *const *in, int nin, struct tensor *const *out, struct err *e);

/* ---- programs ---------------------------------------------------------------------------------------------------- */

enum status gpu_program_compile(struct device *d, const struct graph *g, struct device_program **out, struct err *e);
enum status gpu_program_execute(struct device *d, struct device_program *p, struct tensor *const *in,
                                struct tensor *const *out, uint64_t *ticket, struct err *e);
void gpu_program_free(struct device *d, struct device_program *p);
size_t gpu_program_bytes(struct device *d, const struct device_program *p, size_t *bound);

#endif
