/* The IDX format of MNIST: a magic number with type and rank, the dimensions big-endian, then the elements. */
#ifndef TENSOR_IDX_H
#define TENSOR_IDX_H

#include "tensor/tensor.h"

/* A tensor from the bytes of an IDX file (decompressed). uint8, int32, float32 and float64 are known. ERR_IO says what is
 * wrong: magic, type, rank, missing or trailing bytes. */
enum status idx_read(struct device *device, const void *bytes, size_t n, struct tensor **out, struct err *e);

#endif
