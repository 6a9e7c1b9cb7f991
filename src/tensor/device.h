/* The abstract device: what a driver promises. One in-order queue a device; run and copy return a ticket, and errors may
 * come late, at wait or sync, carrying the op's name. A device that cannot be had is an error with the reason. */
#ifndef TENSOR_DEVICE_H
#define TENSOR_DEVICE_H

#include "tensor/tensor.h"

struct graph;
struct op;
struct op_call;
struct device_program;

#define DEVICE_ABI 1

struct device_memory {
    size_t used; /* bytes of live buffers, program arenas included */
    size_t peak; /* most bytes since the last reset_peak */
    size_t limit;
};

/* What every driver has in front of its own state. */
struct device {
    const struct device_driver *driver;
    char name[32]; /* "cpu", "gpu:0", "gpu:0 (tf32)", "opencl:0 (PoCL, cpu)" */
    /* How products of float32 numbers are computed: "float32", "tf32" (operands rounded to 10 bits behind the point, sums in
     * float32); NULL: float32, and there is no other way. */
    const char *precision;
    int index;
    struct storage *storages; /* all that live on it; storage.c's */
    /* Told of what takes long ("compiling 23 kernels, once"); set by who opened the device, may be NULL. */
    void (*notice)(void *arg, const struct device *d, const char *text);
    void *notice_arg;
    /* Told of a storage before its bytes change, if it was made, or told of, before `epoch` moved on; may be NULL. */
    void (*before_write)(void *arg, struct storage *s);
    void *before_write_arg;
    uint64_t epoch;
    uint64_t choices; /* moves on when a program would now be compiled otherwise: those compiled before must not run */
};

struct device_driver {
    unsigned abi_version; /* DEVICE_ABI */
    const char *kind;     /* "cpu", "null", "gpu"; what %runtime takes */
    const char *doc;      /* one line */
    bool addresses;       /* handles are addresses in this process's memory */
    bool forgets;         /* what is written cannot be read again: no place for a session's state */

    /* Mandatory. Opens device `index` of this kind; ERR_UNSUPPORTED says what was tried and why it failed. The device
     * lives until close. */
    enum status (*open)(int index, struct device **out, struct err *e);
    void (*close)(struct device *d);
    /* Mandatory. A few lines for %devices: model, cores, instruction set, libraries found. */
    void (*describe)(struct device *d, struct buf *out);
    void (*memory)(struct device *d, struct device_memory *out);
    void (*reset_peak)(struct device *d);

    /* Mandatory. Buffers are handles; an element's place is (handle, byte offset). `alloc` of 0 bytes is valid. */
    enum status (*alloc)(struct device *d, size_t bytes, void **handle, struct err *e);
    void (*free)(struct device *d, void *handle, size_t bytes);
    /* Mandatory. Contiguous bytes between host and device; the host bytes must stay valid until the ticket is waited
     * for. */
    enum status (*copy_in)(struct device *d, void *handle, size_t offset, const void *host, size_t bytes,
                           uint64_t *ticket, struct err *e);
    enum status (*copy_out)(struct device *d, const void *handle, size_t offset, void *host, size_t bytes,
                            uint64_t *ticket, struct err *e);

    /* Mandatory. False: the op has an empty slot here; running it is ERR_UNSUPPORTED. */
    bool (*has)(struct device *d, const struct op *op);
    /* Mandatory. Runs one op: outputs are allocated and contiguous, inputs are on this device, and contiguous unless the
     * op is OP_STRIDED. */
    enum status (*run)(struct device *d, const struct op_call *call, uint64_t *ticket, struct err *e);

    /* Mandatory. Compiles a whole graph, which must stay alive as long as the program. */
    enum status (*compile)(struct device *d, const struct graph *g, struct device_program **out, struct err *e);
    /* Inputs and outputs in the graph's order, contiguous, on this device; outputs are allocated by the caller and share
     * no storage with inputs but what program_overwrites allows. On an error or a cancel the outputs are undefined and
     * nothing else changed. */
    enum status (*execute)(struct device *d, struct device_program *p, struct tensor *const *in,
                           struct tensor *const *out, uint64_t *ticket, struct err *e);
    /* Optional. Whether execute may be given input `input`'s storage for output `output`, too: where it takes the old
     * number's place at the end of a run, when there is no error and no cancel any more. NULL: never. */
    bool (*program_overwrites)(struct device *d, const struct device_program *p, int output, int input);
    void (*program_free)(struct device *d, struct device_program *p);
    /* The planned arena, and in `bound` (may be NULL) the most bytes that must live at once: no plan can be smaller. */
    size_t (*program_bytes)(struct device *d, const struct device_program *p, size_t *bound);
    /* Optional. From now on execute adds the seconds of each node to seconds[node]; NULL ends it. */
    void (*program_profile)(struct device *d, struct device_program *p, double *seconds);
    /* Optional. How a node runs where the device has several ways ("fft"); NULL: there is one. */
    const char *(*program_way)(struct device *d, const struct device_program *p, int node);
    /* Optional, both or none. Measures the ways of each node and records the fastest, which is taken from then on, in other
     * processes, too; `out` gets a line for each that was not measured before. What an error or a cancel left is kept. */
    enum status (*program_tune)(struct device *d, struct device_program *p, struct buf *out, struct err *e);
    enum status (*forget_tuning)(struct device *d, struct err *e);

    /* Optional. From now on products of float32 are computed so; ERR_UNSUPPORTED says what is missing for it. */
    enum status (*set_precision)(struct device *d, const char *precision, struct err *e);

    /* Mandatory. */
    enum status (*wait)(struct device *d, uint64_t ticket, struct err *e);
    enum status (*sync)(struct device *d, struct err *e);
};

#endif
