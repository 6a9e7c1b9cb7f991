/* An operation's one description: name, arity, attributes, shape inference, gradient, samples, documentation. Each op
 * (or family) is a file in this folder that defines `const struct op op_NAME = {...}`; the registry is generated from
 * those definitions. Nothing here names a device. */
#ifndef OP_OP_H
#define OP_OP_H

#include "tensor/tensor.h"

/* ---- attributes -------------------------------------------------------------------------------------------------- */

struct op_axes { /* reductions, argmax, transpose (axis[] is the permutation), softmax, concatenate (axis[0]) */
    int n;
    int axis[TENSOR_MAX_RANK]; /* 0-based, non-negative */
    bool keepdims;
};

struct op_slice { /* dimension i runs start[i], start[i]+step[i], ... for `dim[i]` elements; steps may be negative */
    struct shape shape;
    int64_t start[TENSOR_MAX_RANK], step[TENSOR_MAX_RANK];
};

struct op_window { /* convolution and pooling over height and width, NHWC */
    int64_t size[2], stride[2], dilation[2], before[2], after[2]; /* before/after: zero padding */
    int64_t groups;
    int64_t input[2]; /* height, width of the input: for gradients, whose output size is not derivable */
};

struct op_full { /* a constant, or the type a cast goes to */
    enum dtype dtype;
    struct shape shape;
    double value;
    int64_t integer; /* for integer dtypes */
};

struct op_matmul {
    bool transpose_a, transpose_b; /* of the last two dimensions */
};

/* Always built from {0}, so that equal attributes are equal bytes. */
union op_attrs {
    struct op_axes axes;
    struct op_slice slice;
    struct op_window window;
    struct op_full full; /* full, cast, reshape and broadcast_to (shape alone), arange */
    struct op_matmul matmul;
    double scalar; /* elu's alpha, leaky slopes, clip's bound */
    int64_t integer;
};

/* ---- the description --------------------------------------------------------------------------------------------- */

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

/* One set of inputs the op is tested with on every device and dtype, against float64 and by finite differences. */
struct op_sample {
    int nin;
    struct shape shape[4];
    union op_attrs attrs;
    double low, high;       /* inputs are uniform in [low, high) */
    bool integer_first;     /* input 0 (or the last for gathers) holds indices in [0, high) */
};

struct op {
    const char *name; /* NumPy's or Keras's: "add", "conv2d" */
    const char *doc;  /* one line: what it computes, the shapes */
    int nin;          /* -1: variadic, at least one */
    int nout;
    unsigned flags;
    unsigned dtypes; /* bit 1 << enum dtype: which the first floating or data input may have */
    /* The outputs' dtypes and shapes, or an error that names the shapes. */
    enum status (*infer)(const struct op_sig *in, int nin, const union op_attrs *a, struct op_sig *out, struct err *e);
    /* OP_VIEW only: sets shape, strides, offset of `out` (already a header on in's storage). False: these strides allow
     * no view, a contiguous copy of the input is needed first. */
    bool (*view)(const struct tensor *in, const union op_attrs *a, struct tensor *out);
    /* NULL: no gradient flows through (comparisons, argmax, integer results). */
    void (*gradient)(struct op_grad *g);
    const struct op_sample *samples; /* ends with nin == 0 */
};

#define OP_FLOATS (1u << DT_FLOAT32 | 1u << DT_FLOAT64)
#define OP_NUMBERS (OP_FLOATS | 1u << DT_UINT8 | 1u << DT_INT32 | 1u << DT_INT64)
#define OP_ANY (OP_NUMBERS | 1u << DT_BOOL)

/* Every op, by name and in order; ends with NULL. */
extern const struct op *const op_all[];
const struct op *op_find(const char *name);

/* ---- emitting ---------------------------------------------------------------------------------------------------- */

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

/* Emits one op; out receives op->nout borrowed tensors. False after an error, or where an input is NULL. */
bool op_emit(struct op_emitter *e, const struct op *op, struct tensor *const *in, int nin, const union op_attrs *attrs,
             struct tensor **out);
/* Makes e the owner of a reference; returns t. */
struct tensor *op_emitter_own(struct op_emitter *e, struct tensor *t);
void op_emitter_close(struct op_emitter *e);

#endif
