/* Compiled kernels on disk, in $XDG_CACHE_HOME/celda/kernels (or ~/.cache), a file each. What cannot be read or written is as
 * good as absent: a cache is no reason for an error. */
#ifndef DEVICE_GPU_CACHE_H
#define DEVICE_GPU_CACHE_H

#include "device/gpu/driver.h"

/* Fowler, Noll and Vo's FNV-1a of `n` bytes, going on from h (GPU_HASH at first). */
#define GPU_HASH UINT64_C(0xcbf29ce484222325)
uint64_t gpu_hash(uint64_t h, const void *bytes, size_t n);

/* Appends what was stored for this source, compiled for this device by this driver; false: nothing, or it is damaged. */
bool gpu_cache_load(const struct gpu_facts *facts, const char *source, struct buf *binary);
/* Stores it, whole or not at all: another process may be reading. */
void gpu_cache_store(const struct gpu_facts *facts, const char *source, const struct buf *binary);

#endif
