/* Checking integers that choose rows, for whoever uses them. */
#ifndef DEVICE_GPU_ROWS_H
#define DEVICE_GPU_ROWS_H

#include "device/gpu/gpu.h"

/* Queues a look at all of them: one outside [0, bound) is a fault of `op`, told at wait or sync. */
enum status gpu_check_indices(struct gpu *g, const struct op *op, const struct tensor *indices, int64_t bound,
                              struct err *e);

#endif
