/* The dialect: what the kernels are written in, valid as OpenCL C 1.2 and as CUDA C++. A kernel's group has 256 threads in
 * one dimension, of which KERNEL_IN_128_REGISTERS lets a multiprocessor hold two; LOCAL variables stand at the beginning of a
 * kernel, LOCAL_ARG in parameters; all threads of a group reach each SYNC. HAVE_F64 says whether there is double. Products
 * are rounded before sums unless FMA says otherwise. A vector of four (f32x4) has members x, y, z, w, and no arithmetic. */
#ifdef __OPENCL_VERSION__
#pragma OPENCL FP_CONTRACT OFF
#ifdef HAVE_F64
#pragma OPENCL EXTENSION cl_khr_fp64 : enable
typedef double f64;
#endif
typedef uchar b8;
typedef uchar u8;
typedef int i32;
typedef long i64;
typedef uint u32;
typedef ulong u64;
typedef float f32;
typedef uchar4 u8x4;
typedef int4 i32x4;
typedef long4 i64x4;
typedef float4 f32x4;
#ifdef HAVE_F64
typedef double4 f64x4;
#endif
#define KERNEL(name) __kernel __attribute__((reqd_work_group_size(256, 1, 1))) void name
#define KERNEL_IN_128_REGISTERS(name) KERNEL(name)
#define DEVFN static inline __attribute__((overloadable))
#define GLOBAL __global
#define LOCAL __local
#define LOCAL_ARG __local
#define RESTRICT restrict
#define THREAD ((int)get_local_id(0))
#define GROUP ((i64)get_group_id(0))
#define SYNC() barrier(CLK_LOCAL_MEM_FENCE)
#define FMA(a, b, c) fma(a, b, c)
#define HIGH_PRODUCT(a, b) mul_hi((u32)(a), (u32)(b))
#define AS_F32(bits) as_float((u32)(bits))
#else
typedef unsigned char b8;
typedef unsigned char u8;
typedef int i32;
typedef long long i64;
typedef unsigned int u32;
typedef unsigned long long u64;
typedef float f32;
typedef double f64;
typedef struct __align__(4) { u8 x, y, z, w; } u8x4;
typedef struct __align__(16) { i32 x, y, z, w; } i32x4;
typedef struct __align__(16) { i64 x, y, z, w; } i64x4;
typedef struct __align__(16) { f32 x, y, z, w; } f32x4;
typedef struct __align__(16) { f64 x, y, z, w; } f64x4;
#define KERNEL(name) extern "C" __global__ void __launch_bounds__(256) name
#define KERNEL_IN_128_REGISTERS(name) extern "C" __global__ void __launch_bounds__(256, 2) name
#define DEVFN static __device__ __forceinline__
#define GLOBAL
#define LOCAL __shared__
#define LOCAL_ARG
#define RESTRICT __restrict__
#define THREAD ((int)threadIdx.x)
#define GROUP ((i64)blockIdx.x)
#define SYNC() __syncthreads()
#define FMA(a, b, c) fma(a, b, c)
#define HIGH_PRODUCT(a, b) __umulhi((u32)(a), (u32)(b))
#define AS_F32(bits) __uint_as_float((u32)(bits))
#define INFINITY __int_as_float(0x7f800000)
#define NAN __int_as_float(0x7fffffff)
#endif

#define UNROLL _Pragma("unroll")
#define THREADS 256
/* This thread's number in the whole launch. */
#define INDEX (GROUP * THREADS + THREAD)

/* What a kernel found wrong with its data: the first in the queue stands until the host looks. */
typedef struct {
    i64 site; /* 1 + the op's place in the registry; 0: nothing */
    i64 place, value, bound;
} fault;
