/* An operation's one description: name, arity, attributes, shape inference, gradient, samples, documentation. Each op
 * (or family) is a file in this folder that defines `const struct op op_NAME = {...}`; the registry is generated from
 * those definitions. Nothing here names a device. */
#ifndef OP_OP_H
#define OP_OP_H

#include "tensor/tensor.h"

/* ---- attributes ------------------------------------------------------------------------------------------------- */

struct op_axes { /* reductions, argmax, transpose (axis[] is the permutation), softmax, concatenate (axis[0]) */
    int n;
    int axis[TENSOR_MAX_RANK]; /* 0-based, non-negative, no axis twice */
    bool keepdims;
};

/* Dimension i runs start[i], start[i]+step[i], ... over the larger tensor; steps may be negative, never 0. `shape` is
 * the result's: the smaller one of slice, the larger one of pad. */
struct op_slice {
    struct shape shape;
    int64_t start[TENSOR_MAX_RANK], step[TENSOR_MAX_RANK];
};

/* Convolution and pooling over height and width, NHWC. Padding is zeros for convolutions; pooling never picks it. */
struct op_window {
    int64_t size[2]; /* of a pooling window; of the kernel, read by conv2d_grad_kernel alone */
    int64_t stride[2], dilation[2], before[2], after[2];
    int64_t groups;   /* of a convolution */
    int64_t input[2]; /* height and width of the input, read by conv2d_grad_input and max_unpool2d alone */
};

struct op_full { /* a constant, or the type a cast goes to */
    enum dtype dtype;
    struct shape shape;
    double value;    /* of floating dtypes */
    int64_t integer; /* of integers and bool; one_hot's depth */
};

struct op_range { /* count numbers from start on, step apart */
    enum dtype dtype;
    int64_t count;
    double start, step;                  /* of floating dtypes: element i is start + i * step in float64, rounded */
    int64_t integer_start, integer_step; /* of integers */
};

struct op_matmul {
    bool transpose_a, transpose_b; /* of the last two dimensions */
};

/* An op reads one member, the one that op->attrs names. */
union op_attrs {
    struct op_axes axes;
    struct op_slice slice;
    struct op_window window;
    struct op_full full; /* full, cast (dtype), reshape, broadcast_to, random_uniform (shape), one_hot */
    struct op_range range;
    struct op_matmul matmul;
    double scalar;   /* elu's alpha */
    int64_t integer; /* scatter_add's rows */
};

enum op_attrs_kind {
    OP_NO_ATTRS,
    OP_AXES,
    OP_SLICE,
    OP_WINDOW,
    OP_FULL,
    OP_RANGE,
    OP_MATMUL,
    OP_SCALAR,
    OP_INTEGER,
};

/* Whether an op with attributes of this kind does the same under both. */
bool op_attrs_equal(enum op_attrs_kind kind, const union op_attrs *a, const union op_attrs *b);
/* " axes=(0, 2) keepdims": what follows the op's name in a listing; nothing for OP_NO_ATTRS. */
void op_attrs_print(enum op_attrs_kind kind, const union op_attrs *a, struct buf *out);

/* ---- the description -------------------------------------------------------------------------------------------- */

struct op_sig {
    enum dtype dtype;
    struct shape shape;
};

#define OP_MAX_OUT 4
#define OP_MAX_IN 64 /* of a variadic op; concatenating more goes in groups */

struct op_call { /* one call, as a device sees it */
    const struct op *op;
    int nin, nout;
    struct tensor *const *in;
    struct tensor *const *out;
    const union op_attrs *attrs;
};

enum op_flags {
    OP_ELEMENTWISE = 1, /* out[i] depends on in[*][i] alone, after broadcasting; fusable. Implies OP_STRIDED */
    OP_VIEW = 2,        /* metadata only: `view` says how; no kernel */
    OP_STRIDED = 4,     /* kernels accept any strides */
    OP_HOST = 8,        /* the result's shape depends on values: an explicit host copy, cannot be traced */
};

struct op_emitter;

/* What inference works with: arity and dtypes are checked already (op_infer), attrs is never NULL. */
struct op_inference {
    const struct op *op;
    const struct op_sig *in;
    int nin;
    const union op_attrs *attrs;
    struct op_sig *out;
    struct err *err;
};

/* What a gradient function works with: read in, out, dout and attrs; set din[i] (borrowed from the emitter) for each
 * input it can differentiate; leave the rest NULL (zero). dout[k] is NULL where nothing flows back. */
struct op_grad {
    struct op_emitter *emit;
    const struct op *op;
    const union op_attrs *attrs;
    int nin, nout;
    struct tensor *const *in;
    struct tensor *const *out;
    struct tensor *const *dout;
    bool wants[OP_MAX_IN]; /* whether input i's gradient is of use: skip the work otherwise */
    struct tensor *din[OP_MAX_IN];
};

/* One set of inputs the op is tested with on every device and dtype, against float64 and by finite differences. Inputs
 * named in `indices` are int64 in [0, index_bound), those in `conditions` are bool, the others are data. */
struct op_sample {
    int nin;
    struct op_sample_shape {
        int rank, dim[5];
    } shape[4];
    const union op_attrs *attrs; /* NULL: all zero */
    double low, high;            /* data is uniform in [low, high) */
    int index_bound;
    bool whole; /* data is whole numbers, so that ties and equals occur: no finite differences */
};

/* One operation. Data inputs (all but `indices` and `conditions`) share one dtype, which is in `dtypes`: there is no
 * promotion here. Whoever calls for a user (run, bind) casts first; above all, integers go to float32 before an op
 * whose dtypes are OP_FLOATS, and any type goes to bool before a logical op. */
struct op {
    const char *name; /* NumPy's or Keras's: "add", "conv2d" */
    const char *doc;  /* what it computes, its shapes and dtypes, how it can fail while running */
    int nin;          /* -1: variadic, at least one */
    int nout;
    unsigned flags;
    unsigned dtypes;  /* bit 1 << enum dtype: what data inputs may be; of an op without any: what the output may be */
    unsigned indices; /* bit k: input k holds indices, labels or a seed: int32 or int64, */
    bool bytes;       /* or uint8 */
    unsigned conditions; /* bit k: input k is bool */
    enum op_attrs_kind attrs;
    /* The outputs' dtypes and shapes, or an error that names the shapes. Called through op_infer. */
    enum status (*infer)(const struct op_inference *i);
    /* OP_VIEW only: sets shape, strides, offset of `out` (already a header on in's storage). False: these strides allow
     * no view, a contiguous copy of the input is needed first (then it never fails). */
    bool (*view)(const struct tensor *in, const union op_attrs *a, struct tensor *out);
    /* NULL: no gradient flows through (comparisons, argmax, integer results). */
    void (*gradient)(struct op_grad *g);
    const struct op_sample *samples;
    int nsample;
    /* Elementwise, and nowhere decreasing in any input (where it has attrs.scalar: if that is not negative). */
    bool increasing;
};

#define OP_FLOATS (1u << DT_FLOAT32 | 1u << DT_FLOAT64)
#define OP_INTEGERS (1u << DT_UINT8 | 1u << DT_INT32 | 1u << DT_INT64)
#define OP_NUMBERS (OP_FLOATS | OP_INTEGERS)
#define OP_BOOL (1u << DT_BOOL)
#define OP_ANY (OP_NUMBERS | OP_BOOL)

/* The outputs' dtypes and shapes: checks arity and dtypes, then asks the op. Errors (ERR_VALUE, ERR_TYPE) begin with
 * the op's name: "add: operands could not be broadcast together with shapes (2, 3) (4,)". attrs NULL: all zero. `out`
 * has room for op->nout. */
enum status op_infer(const struct op *op, const struct op_sig *in, int nin, const union op_attrs *attrs,
                     struct op_sig *out, struct err *e);

/* Every op, in alphabetical order; ends with NULL. Single ones are declared in op/ops.h. */
extern const struct op *const op_registry[];
const struct op *op_find(const char *name); /* NULL: nobody knows it */

/* ---- emitting --------------------------------------------------------------------------------------------------- */

/* Where gradients, layers, losses and optimizers put their ops: run/ implements it eagerly (the op runs at once) or
 * symbolically (a node is added to the graph being traced). The first error sticks: afterwards every call returns NULL,
 * so that formulas chain without checks; look at err once at the end. Tensors returned are borrowed: the emitter owns
 * them until op_emitter_close. */
struct op_emitter {
    enum status (*emit)(struct op_emitter *self, const struct op *op, struct tensor *const *in, int nin,
                        const union op_attrs *attrs, struct tensor **out);
    void *context;
    struct err *err;
    struct tensor **owned;
    int nowned, capacity;
};

/* Emits one op; out receives op->nout borrowed tensors, all NULL after an error. A NULL input without an error before
 * it is one: ERR_STATE. attrs NULL: all zero. */
bool op_emit(struct op_emitter *e, const struct op *op, struct tensor *const *in, int nin, const union op_attrs *attrs,
             struct tensor **out);
/* Makes e the owner of a reference; returns t. */
struct tensor *op_emitter_own(struct op_emitter *e, struct tensor *t);
void op_emitter_close(struct op_emitter *e);

#endif
