/* NVIDIA's compiler as a library: kernels' sources to machine code for one architecture. Needs no card. */
#ifndef DEVICE_GPU_NVRTC_H
#define DEVICE_GPU_NVRTC_H

#include "base/buf.h"
#include "device/gpu/cuda_api.h"

struct nvrtc {
#define NVRTC_MEMBER(result, name, parameters) result(*name) parameters;
    NVRTC_FUNCTIONS(NVRTC_MEMBER)
#undef NVRTC_MEMBER
    int major, minor;
};

/* Finds the library; ERR_UNSUPPORTED says what was tried. */
enum status nvrtc_open(struct nvrtc *n, struct err *e);
/* The architecture to compile for where the device has `capability` (90 for 9.0): that, or the highest below it that the
 * compiler knows; 0: none. */
int nvrtc_architecture(const struct nvrtc *n, int capability);
/* The options for one: machine code ("sm_90"), or with `ptx` an intermediate text that the driver finishes. */
void nvrtc_options(int architecture, bool ptx, char *text, size_t cap);
/* Appends the compiled kernel; errors carry the compiler's words. */
enum status nvrtc_compile(const struct nvrtc *n, const char *source, const char *name, int architecture, bool ptx,
                          struct buf *out, struct err *e);

#endif
