/* What lies under the kernels: a maker's driver, found by dlopen, as a table of functions. Everything above it in this
 * folder is the same for all of them. One in-order queue: what is enqueued runs in that order. */
#ifndef DEVICE_GPU_DRIVER_H
#define DEVICE_GPU_DRIVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"

/* What a driver says of the device it opened. */
struct gpu_facts {
    char model[128];    /* the maker's name of it */
    char platform[96];  /* whose implementation, and which version */
    char brand[24];     /* the same in one word: "PoCL" */
    char library[128];  /* the file that it was found in */
    const char *sort;   /* "gpu", "cpu", "accelerator": what the silicon is */
    bool f64;           /* has double */
    bool tf32;          /* runs mma_tf32 of the dialect on tensor cores, or is a processor, which runs its twin */
    int units;          /* multiprocessors, compute units */
    size_t memory;      /* bytes of the device */
    size_t largest;     /* bytes of the largest single allocation */
    size_t local;       /* bytes of local memory a group may have */
    size_t max_group;   /* threads in a group at most */
    char build[64];     /* options that kernels are compiled with */
    char identity[256]; /* device, driver and compiler: compiled kernels are good for these alone */
};

enum { GPU_ARGUMENTS = 96 }; /* of a kernel at most */

struct gpu_argument {
    bool buffer; /* `native`, else `size` bytes at `value` */
    uint64_t native;
    const void *value;
    size_t size;
};

struct gpu_driver {
    const char *name; /* "opencl" */

    /* Opens device `index`; `silicon` counts real GPUs alone. ERR_UNSUPPORTED says what was tried and found. */
    enum status (*open)(int index, bool silicon, void **out, struct gpu_facts *facts, struct err *e);
    void (*close)(void *d);

    /* Buffers. ERR_MEMORY where there is no room. */
    enum status (*alloc)(void *d, size_t bytes, uint64_t *native, struct err *e);
    void (*free)(void *d, uint64_t native);
    /* Enqueued; the host's bytes must stay until finish. */
    enum status (*copy_in)(void *d, uint64_t native, size_t offset, const void *host, size_t bytes, struct err *e);
    enum status (*copy_out)(void *d, uint64_t native, size_t offset, void *host, size_t bytes, struct err *e);

    /* Makes the kernel called `name`. With `binary` (what an earlier build gave) the source is not compiled; any failure
     * then means that it is of no use. Else `made` (may be NULL) receives the binary; it stays empty where the driver has
     * none to give. Errors carry the compiler's words. */
    enum status (*build)(void *d, const char *source, const char *name, const struct buf *binary, struct buf *made,
                         void **kernel, struct err *e);
    void (*kernel_free)(void *d, void *kernel);
    /* Enqueues `groups` groups of 256 threads. */
    enum status (*launch)(void *d, void *kernel, int64_t groups, const struct gpu_argument *args, int narg,
                          struct err *e);
    enum status (*finish)(void *d, struct err *e);
};

extern const struct gpu_driver gpu_opencl, gpu_cuda;

#endif
