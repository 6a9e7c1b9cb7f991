/* NumPy's .npy: a magic string, a header that is a Python dict, then the elements; and .npz, a ZIP archive of them. */
#ifndef TENSOR_NPY_H
#define TENSOR_NPY_H

#include "tensor/safetensors.h"

/* A tensor from the bytes of an .npy file: bool, uint8, int32, int64, float32 and float64 of either byte order, in C's or
 * Fortran's order. ERR_IO says what is wrong. */
enum status npy_read(struct device *device, const void *bytes, size_t n, struct tensor **out, struct err *e);
/* The tensors of an .npz by name, without ".npy", in the archive's order; stored or deflated. Free with safetensors_free,
 * also after an error. */
enum status npz_read(struct device *device, const void *bytes, size_t n, struct safetensors *out, struct err *e);
bool npy_is(const void *bytes, size_t n); /* whether it begins as an .npy does */
bool npz_is(const void *bytes, size_t n); /* whether it begins as an .npz does */

/* Both write a whole file or leave the old one as it was (base/file.h), which must be of the same kind
 * (tensor/replace.h). As numpy.save and numpy.savez do. */
enum status npy_save(const char *path, const struct tensor *t, struct err *e);
enum status npz_save(const char *path, const struct safetensors_entry *entry, int count, struct err *e);

/* ---- for npz.c ------------------------------------------------------------------------------------------------------ */

/* Appends the magic string and header of t, as many bytes as a multiple of 64. */
enum status npy_put_header(const struct tensor *t, struct buf *out, struct err *e);

#endif
