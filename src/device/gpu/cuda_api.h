/* The parts of CUDA's driver API and of NVRTC that the driver uses, declared here so that the build needs no toolkit. Values
 * are those of NVIDIA's documentation; names with _v2 are what the libraries export. */
#ifndef DEVICE_GPU_CUDA_API_H
#define DEVICE_GPU_CUDA_API_H

#include <stddef.h>
#include <stdint.h>

typedef int CUdevice;
typedef int CUresult;
typedef uint64_t CUdeviceptr;
typedef struct cuda_context *CUcontext;
typedef struct cuda_stream *CUstream;
typedef struct cuda_module *CUmodule;
typedef struct cuda_function *CUfunction;
typedef int nvrtcResult;
typedef struct nvrtc_program *nvrtcProgram;

enum {
    CUDA_SUCCESS = 0,
    CUDA_ERROR_OUT_OF_MEMORY = 2,
    CUDA_ERROR_ILLEGAL_ADDRESS = 700,
    CUDA_ERROR_LAUNCH_FAILED = 719,

    CU_DEVICE_ATTRIBUTE_MAX_THREADS_PER_BLOCK = 1,
    CU_DEVICE_ATTRIBUTE_MAX_SHARED_MEMORY_PER_BLOCK = 8,
    CU_DEVICE_ATTRIBUTE_MULTIPROCESSOR_COUNT = 16,
    CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR = 75,
    CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR = 76,

    CU_STREAM_NON_BLOCKING = 1,
};

/* X(result, name, parameters) */
#define CUDA_FUNCTIONS(X)                                                                                              \
    X(CUresult, cuInit, (unsigned))                                                                                    \
    X(CUresult, cuDriverGetVersion, (int *))                                                                           \
    X(CUresult, cuGetErrorString, (CUresult, const char **))                                                           \
    X(CUresult, cuDeviceGetCount, (int *))                                                                             \
    X(CUresult, cuDeviceGet, (CUdevice *, int))                                                                        \
    X(CUresult, cuDeviceGetName, (char *, int, CUdevice))                                                              \
    X(CUresult, cuDeviceGetAttribute, (int *, int, CUdevice))                                                          \
    X(CUresult, cuDeviceTotalMem_v2, (size_t *, CUdevice))                                                             \
    X(CUresult, cuDevicePrimaryCtxRetain, (CUcontext *, CUdevice))                                                     \
    X(CUresult, cuDevicePrimaryCtxRelease_v2, (CUdevice))                                                              \
    X(CUresult, cuCtxSetCurrent, (CUcontext))                                                                          \
    X(CUresult, cuStreamCreate, (CUstream *, unsigned))                                                                \
    X(CUresult, cuStreamDestroy_v2, (CUstream))                                                                        \
    X(CUresult, cuStreamSynchronize, (CUstream))                                                                       \
    X(CUresult, cuMemAlloc_v2, (CUdeviceptr *, size_t))                                                                \
    X(CUresult, cuMemFree_v2, (CUdeviceptr))                                                                           \
    X(CUresult, cuMemcpyHtoDAsync_v2, (CUdeviceptr, const void *, size_t, CUstream))                                   \
    X(CUresult, cuMemcpyDtoHAsync_v2, (void *, CUdeviceptr, size_t, CUstream))                                         \
    X(CUresult, cuModuleLoadData, (CUmodule *, const void *))                                                          \
    X(CUresult, cuModuleUnload, (CUmodule))                                                                            \
    X(CUresult, cuModuleGetFunction, (CUfunction *, CUmodule, const char *))                                           \
    X(CUresult, cuLaunchKernel,                                                                                        \
      (CUfunction, unsigned, unsigned, unsigned, unsigned, unsigned, unsigned, unsigned, CUstream, void **, void **))

#define NVRTC_FUNCTIONS(X)                                                                                             \
    X(nvrtcResult, nvrtcVersion, (int *, int *))                                                                       \
    X(nvrtcResult, nvrtcGetNumSupportedArchs, (int *))                                                                 \
    X(nvrtcResult, nvrtcGetSupportedArchs, (int *))                                                                    \
    X(const char *, nvrtcGetErrorString, (nvrtcResult))                                                                \
    X(nvrtcResult, nvrtcCreateProgram,                                                                                 \
      (nvrtcProgram *, const char *, const char *, int, const char *const *, const char *const *))                     \
    X(nvrtcResult, nvrtcDestroyProgram, (nvrtcProgram *))                                                              \
    X(nvrtcResult, nvrtcCompileProgram, (nvrtcProgram, int, const char *const *))                                      \
    X(nvrtcResult, nvrtcGetProgramLogSize, (nvrtcProgram, size_t *))                                                   \
    X(nvrtcResult, nvrtcGetProgramLog, (nvrtcProgram, char *))                                                         \
    X(nvrtcResult, nvrtcGetCUBINSize, (nvrtcProgram, size_t *))                                                        \
    X(nvrtcResult, nvrtcGetCUBIN, (nvrtcProgram, char *))                                                              \
    X(nvrtcResult, nvrtcGetPTXSize, (nvrtcProgram, size_t *))                                                          \
    X(nvrtcResult, nvrtcGetPTX, (nvrtcProgram, char *))

#endif
