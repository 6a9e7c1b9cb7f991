/* dtype, shape, storage and tensor. A tensor is immutable metadata (dtype, shape, strides, offset) on a counted storage,
 * or symbolic: a value of a graph that is being traced, with a shape and a dtype but no data.
 *
 * Ownership: functions that return a tensor or storage through `out` give the caller one reference; `*_retain` adds one
 * and returns its argument; `*_release` (NULL is fine) gives one back. Counts are atomic. */
#ifndef TENSOR_TENSOR_H
#define TENSOR_TENSOR_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"

struct device;
struct graph;

/* ---- dtype ------------------------------------------------------------------------------------------------------- */

enum dtype { DT_BOOL, DT_UINT8, DT_INT32, DT_INT64, DT_FLOAT32, DT_FLOAT64, DT_COUNT };

size_t dtype_size(enum dtype d);      /* bytes of one element */
const char *dtype_name(enum dtype d); /* "float32" */
bool dtype_is_float(enum dtype d);
double dtype_to_double(enum dtype d, const void *elements, int64_t i); /* element i; int64 is rounded */
enum status dtype_parse(const char *name, enum dtype *out, struct err *e);
/* The type two operands meet in: JAX's lattice (bool < uint8 < int32 < int64 < float32 < float64). */
enum dtype dtype_promote(enum dtype a, enum dtype b);
/* The type a Lua number (weak) and a tensor meet in: the tensor's, unless a float meets an integer or bool: float32, or
 * an integer meets bool: int64. */
enum dtype dtype_promote_weak(enum dtype tensor, bool number_is_float);

/* ---- shape ------------------------------------------------------------------------------------------------------- */

#define TENSOR_MAX_RANK 32 /* NumPy 1's own limit */

struct shape {
    int rank;
    int64_t dim[TENSOR_MAX_RANK];
};

struct shape shape_of(int rank, const int64_t *dims);
#define SHAPE(...) shape_of((int)(sizeof(int64_t[]){__VA_ARGS__} / sizeof(int64_t)), (const int64_t[]){__VA_ARGS__})
/* Product of the dimensions (1 for rank 0); error where it or the byte size overflows 2^63. */
int64_t shape_size(const struct shape *s);
enum status shape_bytes(const struct shape *s, enum dtype d, size_t *out, struct err *e);
bool shape_equal(const struct shape *a, const struct shape *b);
/* NumPy's broadcasting; ERR_VALUE "operands could not be broadcast together with shapes (2, 3) (4,)". */
enum status shape_broadcast(const struct shape *a, const struct shape *b, struct shape *out, struct err *e);
/* As Python prints a tuple: "(2, 3)", "(4,)", "()". Text is at most cap-1 bytes; returns text. */
const char *shape_text(const struct shape *s, char *text, size_t cap);
/* axis in -rank..rank-1 to 0..rank-1; ERR_VALUE names axis and rank. */
enum status shape_axis(const struct shape *s, int64_t axis, int *out, struct err *e);

/* ---- storage ----------------------------------------------------------------------------------------------------- */

struct storage {
    atomic_int refs;
    uint64_t id;      /* of no other storage, nor of one before: with the version it says what the bytes are */
    atomic_int holds; /* threads that read the bytes while ours goes on */
    atomic_uint_least64_t version; /* counts writes: the tape notices a mutation */
    uint64_t epoch;                /* its device's when it was made or last written to */
    struct device *device;
    void *handle; /* the device's buffer; on the cpu its address */
    size_t bytes;
    bool readonly;                /* borrowed bytes, such as a Lua string's */
    void (*release)(void *owner); /* for borrowed bytes: called instead of the device's free */
    void *owner;
    struct storage *next, *previous; /* all of its device's */
};

/* Uninitialised bytes on a device. */
enum status storage_new(struct device *device, size_t bytes, struct storage **out, struct err *e);
/* Bytes that somebody else owns, read-only, on a device whose handles are addresses (the cpu); `release(owner)` is
 * called once when the last reference goes. */
enum status storage_borrow(struct device *cpu, const void *bytes, size_t n, void (*release)(void *), void *owner,
                           struct storage **out, struct err *e);
struct storage *storage_retain(struct storage *s);
void storage_release(struct storage *s);
/* The device's storages, the first `cap` of them without a reference; returns how many there are. One mutex guards the
 * lists of all devices. */
size_t storage_list(struct device *device, struct storage **out, size_t cap);
/* Gives the storage a buffer of as many bytes on another device, which it takes over, in place of its own: tensors on it
 * are there from now on. */
void storage_rehome(struct storage *s, struct device *to, void *handle);
/* While a storage is held, by another thread that reads it, whoever wants to write to it or to move it waits. */
void storage_hold(struct storage *s);
void storage_let_go(struct storage *s);
/* Every write to a storage that a tensor already shows goes through here: counts the version, refuses read-only bytes,
 * tells who keeps snapshots (device.h: before_write). */
enum status storage_begin_write(struct storage *s, struct err *e);

/* ---- tensor ------------------------------------------------------------------------------------------------------ */

struct tensor {
    atomic_int refs;
    uint64_t id; /* unique; identifies the value on tapes */
    enum dtype dtype;
    struct shape shape;
    int64_t stride[TENSOR_MAX_RANK]; /* in elements; 0 where broadcast, negative where reversed */
    int64_t offset;                  /* of the first element, in elements */
    struct storage *storage;         /* NULL: symbolic */
    struct graph *graph;             /* symbolic: where it is traced (not counted) ... */
    int value;                       /* ... and which value it is */
    struct tensor *logits;           /* what a softmax was taken of: crossentropy uses it, as Keras does. May be NULL */
};

/* A new contiguous tensor with uninitialised data. */
enum status tensor_new(struct device *device, enum dtype d, const struct shape *shape, struct tensor **out,
                       struct err *e);
/* A new header on a storage (retained), row-major and contiguous at `offset` elements. */
enum status tensor_on(struct storage *s, enum dtype d, const struct shape *shape, int64_t offset, struct tensor **out,
                      struct err *e);
/* A new header like `t` (same storage, retained) whose shape, strides and offset the caller then sets. */
enum status tensor_view(const struct tensor *t, struct tensor **out, struct err *e);
/* A symbolic tensor. */
enum status tensor_symbolic(struct graph *g, int value, enum dtype d, const struct shape *shape, struct tensor **out,
                            struct err *e);
struct tensor *tensor_retain(struct tensor *t);
void tensor_release(struct tensor *t);

bool tensor_is_symbolic(const struct tensor *t);
bool tensor_is_contiguous(const struct tensor *t);    /* row-major without gaps; true when it has no elements */
int64_t tensor_size(const struct tensor *t);          /* elements */
size_t tensor_bytes(const struct tensor *t);          /* elements * dtype_size */
struct device *tensor_device(const struct tensor *t); /* NULL when symbolic */
/* Row-major strides of `shape`, in elements. */
void tensor_strides(const struct shape *shape, int64_t *stride);

/* Copies all elements to or from host memory in row-major order, syncing the device. A symbolic tensor is ERR_STATE: its
 * value cannot be read while tracing. */
enum status tensor_read(const struct tensor *t, void *bytes, struct err *e);
/* The elements' bytes in row-major order: where they lie, if that can be, else in *block, which the caller frees with
 * mem_block_free in any case (NULL before). NULL with the error set. */
const void *tensor_host(const struct tensor *t, void **block, struct err *e);
enum status tensor_write(struct tensor *t, const void *bytes, struct err *e);
/* A new tensor from host bytes in row-major order. */
enum status tensor_from(struct device *device, enum dtype d, const struct shape *shape, const void *bytes,
                        struct tensor **out, struct err *e);
/* Turns around the bytes of each of the elements that lie in n bytes: files of the other byte order. */
void tensor_swap_bytes(void *bytes, size_t n, size_t item);
/* The address of the first element of a cpu tensor. */
void *tensor_data(const struct tensor *t);

/* As NumPy 2 prints it (threshold 1000, edgeitems 3, precision 8, line width 75). */
enum status tensor_print(const struct tensor *t, struct buf *out, struct err *e);

#endif
