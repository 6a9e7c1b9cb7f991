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
typedef float2 f32x2;
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
#define UNROLL_MMA
#define MMA_EXCHANGE(name) LOCAL f32 name[256 / 32 * (16 + 8) * 8]
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
typedef struct __align__(8) { f32 x, y; } f32x2;
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
#define UNROLL_MMA UNROLL
#define MMA_EXCHANGE(name) f32 *const name = 0
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

/* Products of small matrices by the 32 threads of a warp, C (16 x 8) += A (16 x 8) B (8 x 8), of numbers that tf32() has
 * rounded to 10 bits behind the point, as tensor cores take them; sums are float32. Lane 4 g + t holds of A the elements
 * (g, t), (g + 8, t), (g, t + 4), (g + 8, t + 4), of B (t, g), (t + 4, g), of C (g, 2 t), (g, 2 t + 1), (g + 8, 2 t),
 * (g + 8, 2 t + 1): the layout of mma.m16n8k8. All threads of a group reach each mma_tf32; `exchange` is a MMA_EXCHANGE. */
#define WARP (THREAD / 32)
#define LANE (THREAD % 32)
#ifdef __OPENCL_VERSION__
/* Half a unit more, then the lower bits go: ties away from zero. Infinities and NaN stay. */
DEVFN f32 tf32(f32 x) {
    const u32 bits = as_uint(x), exponent = bits & 0x7f800000u;
    return exponent == 0x7f800000u ? x : as_float((bits + 0x1000u) & 0xffffe000u);
}
DEVFN void mma_tf32(f32 *c, const f32 *a, const f32 *b, LOCAL_ARG f32 *exchange) {
    LOCAL_ARG f32 *all_a = exchange + WARP * (16 + 8) * 8, *all_b = all_a + 16 * 8;
    const int g = LANE / 4, t = LANE % 4;
    for (int i = 0; i < 4; i++) all_a[(g + i % 2 * 8) * 8 + t + i / 2 * 4] = a[i];
    for (int i = 0; i < 2; i++) all_b[g * 8 + t + i * 4] = b[i];
    SYNC();
    for (int i = 0; i < 4; i++)
        for (int k = 0; k < 8; k++) c[i] = FMA(all_a[(g + i / 2 * 8) * 8 + k], all_b[(2 * t + i % 2) * 8 + k], c[i]);
    SYNC();
}
#elif __CUDA_ARCH__ >= 800
DEVFN f32 tf32(f32 x) {
    u32 bits;
#if __CUDA_ARCH__ >= 900 /* one instruction, ties to even; rna is three on every card */
    asm("cvt.rn.tf32.f32 %0, %1;" : "=r"(bits) : "f"(x));
#else
    asm("cvt.rna.tf32.f32 %0, %1;" : "=r"(bits) : "f"(x));
#endif
    return AS_F32(bits);
}
DEVFN void mma_tf32(f32 *c, const f32 *a, const f32 *b, f32 *exchange) {
    asm("mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, {%0, %1, %2, %3};"
        : "+f"(c[0]), "+f"(c[1]), "+f"(c[2]), "+f"(c[3])
        : "r"(__float_as_uint(a[0])), "r"(__float_as_uint(a[1])), "r"(__float_as_uint(a[2])), "r"(__float_as_uint(a[3])),
          "r"(__float_as_uint(b[0])), "r"(__float_as_uint(b[1])));
}
#endif
