/* The CUDA driver: NVIDIA's cards through libcuda, kernels through NVRTC. It was compiled, and its kernels were compiled
 * for every architecture since sm_75, but when it was written no card was at hand to run it on. Invariant: one stream a
 * device, in the device's primary context, which is made current before each call. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/dl.h"
#include "base/mem.h"
#include "device/gpu/cuda_api.h"
#include "device/gpu/driver.h"
#include "device/gpu/nvrtc.h"

struct library {
#define MEMBER(result, name, parameters) result(*name) parameters;
    CUDA_FUNCTIONS(MEMBER)
#undef MEMBER
};

struct cuda {
    struct library cu;
    struct nvrtc nvrtc;
    CUdevice device;
    CUcontext context;
    CUstream stream;
    int architecture; /* what kernels are compiled for */
    bool ptx;         /* the compiler does not know this card: the driver finishes its kernels */
    bool lost;        /* an error after which the context is of no use */
};

struct kernel {
    CUmodule module;
    CUfunction function;
};

/* Never libcuda.so: that may be the toolkit's stub. */
static const char *const candidates[] = {"$CELDA_CUDA", "libcuda.so.1", "/usr/lib/wsl/lib/libcuda.so.1", NULL};

/* ---- errors ------------------------------------------------------------------------------------------------------- */

static enum status fail(struct cuda *c, const char *what, CUresult code, struct err *e) {
    const char *text = NULL;
    c->cu.cuGetErrorString(code, &text);
    c->lost |= code == CUDA_ERROR_ILLEGAL_ADDRESS || code == CUDA_ERROR_LAUNCH_FAILED;
    return err_set(e, code == CUDA_ERROR_OUT_OF_MEMORY ? ERR_MEMORY : ERR_STATE, "cuda: %s: %s (%d)%s", what,
                   text ? text : "unknown error", code,
                   c->lost ? "; the card is lost to this session: %runtime cpu keeps what is there" : "");
}

static enum status enter(struct cuda *c, struct err *e) {
    if (c->lost) return err_set(e, ERR_STATE, "cuda: the card was lost by an error before");
    const CUresult code = c->cu.cuCtxSetCurrent(c->context);
    return code ? fail(c, "the context", code, e) : OK;
}

/* ---- opening ------------------------------------------------------------------------------------------------------ */

static enum status load(struct cuda *c, char *path, size_t cap, struct err *e) {
    struct buf tried = {0};
    void *library = dl_open_any(candidates, &tried);
    bool whole = library != NULL;
#define LOOK_UP(result, name, parameters) whole = whole && dl_symbol(library, #name, &c->cu.name);
    CUDA_FUNCTIONS(LOOK_UP)
#undef LOOK_UP
    if (!whole)
        err_set(e, ERR_UNSUPPORTED, "%s; tried\n%s", library ? "the NVIDIA driver is too old" : "no NVIDIA driver",
                buf_text(&tried));
    snprintf(path, cap, "%.*s", (int)strcspn(buf_text(&tried), ":"), buf_text(&tried));
    buf_free(&tried);
    return e->status;
}

/* Numbered as nvidia-smi does. */
static enum status choose(struct cuda *c, int index, struct err *e) {
    int count = 0;
    setenv("CUDA_DEVICE_ORDER", "PCI_BUS_ID", 0);
    CUresult code = c->cu.cuInit(0);
    if (!code) code = c->cu.cuDeviceGetCount(&count);
    if (code) {
        const char *text = NULL;
        c->cu.cuGetErrorString(code, &text);
        return err_set(e, ERR_UNSUPPORTED, "libcuda is there, but %s (%d)", text ? text : "fails", code);
    }
    if (index >= count) return err_set(e, ERR_UNSUPPORTED, "CUDA lists %d card%s", count, count == 1 ? "" : "s");
    code = c->cu.cuDeviceGet(&c->device, index);
    return code ? fail(c, "the card", code, e) : OK;
}

static int attribute(const struct cuda *c, int which) {
    int v = 0;
    c->cu.cuDeviceGetAttribute(&v, which, c->device);
    return v;
}

static void read_facts(struct cuda *c, int capability, struct gpu_facts *f) {
    int version = 0;
    c->cu.cuDriverGetVersion(&version);
    c->cu.cuDeviceGetName(f->model, sizeof f->model, c->device);
    c->cu.cuDeviceTotalMem_v2(&f->memory, c->device);
    snprintf(f->brand, sizeof f->brand, "CUDA");
    snprintf(f->platform, sizeof f->platform, "compute capability %d.%d, CUDA %d.%d, NVRTC %d.%d", capability / 10,
             capability % 10, version / 1000, version % 1000 / 10, c->nvrtc.major, c->nvrtc.minor);
    f->sort = "gpu";
    f->f64 = true;
    f->tf32 = c->architecture >= 80;
    f->units = attribute(c, CU_DEVICE_ATTRIBUTE_MULTIPROCESSOR_COUNT);
    f->largest = f->memory;
    f->local = (size_t)attribute(c, CU_DEVICE_ATTRIBUTE_MAX_SHARED_MEMORY_PER_BLOCK);
    f->max_group = (size_t)attribute(c, CU_DEVICE_ATTRIBUTE_MAX_THREADS_PER_BLOCK);
    nvrtc_options(c->architecture, c->ptx, f->build, sizeof f->build);
    snprintf(f->identity, sizeof f->identity, "cuda sm_%d driver %d nvrtc %d.%d", capability, version, c->nvrtc.major,
             c->nvrtc.minor);
}

static void close_cuda(void *d) {
    struct cuda *c = d;
    if (c->stream) c->cu.cuStreamDestroy_v2(c->stream);
    if (c->context) c->cu.cuDevicePrimaryCtxRelease_v2(c->device);
    mem_free(c);
}

static enum status open_context(struct cuda *c, struct err *e) {
    CUresult code = c->cu.cuDevicePrimaryCtxRetain(&c->context, c->device);
    if (code) return fail(c, "the context", code, e);
    if (enter(c, e) != OK) return e->status;
    code = c->cu.cuStreamCreate(&c->stream, CU_STREAM_NON_BLOCKING);
    return code ? fail(c, "a stream", code, e) : OK;
}

static enum status open_cuda(int index, bool silicon, void **out, struct gpu_facts *facts, struct err *e) {
    (void)silicon;
    struct cuda *c = mem_zalloc(sizeof *c, e);
    if (!c) return e->status;
    if (load(c, facts->library, sizeof facts->library, e) == OK && choose(c, index, e) == OK &&
        nvrtc_open(&c->nvrtc, e) == OK) {
        const int capability = 10 * attribute(c, CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR) +
                               attribute(c, CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR);
        c->architecture = nvrtc_architecture(&c->nvrtc, capability);
        c->ptx = c->architecture != capability;
        if (c->architecture == 0)
            err_set(e, ERR_UNSUPPORTED, "NVRTC %d.%d compiles for no card as old as compute capability %d.%d",
                    c->nvrtc.major, c->nvrtc.minor, capability / 10, capability % 10);
        else if (open_context(c, e) == OK)
            read_facts(c, capability, facts);
    }
    if (e->status != OK) {
        close_cuda(c);
        return e->status;
    }
    *out = c;
    return OK;
}

/* ---- memory ------------------------------------------------------------------------------------------------------- */

static enum status alloc(void *d, size_t bytes, uint64_t *native, struct err *e) {
    struct cuda *c = d;
    if (enter(c, e) != OK) return e->status;
    const CUresult code = c->cu.cuMemAlloc_v2(native, bytes);
    return code ? fail(c, "a buffer", code, e) : OK;
}

static void free_buffer(void *d, uint64_t native) {
    struct cuda *c = d;
    if (enter(c, &(struct err){0}) == OK) c->cu.cuMemFree_v2(native);
}

static enum status copy_in(void *d, uint64_t native, size_t offset, const void *host, size_t bytes, struct err *e) {
    struct cuda *c = d;
    if (enter(c, e) != OK) return e->status;
    const CUresult code = c->cu.cuMemcpyHtoDAsync_v2(native + offset, host, bytes, c->stream);
    return code ? fail(c, "copying to the card", code, e) : OK;
}

static enum status copy_out(void *d, uint64_t native, size_t offset, void *host, size_t bytes, struct err *e) {
    struct cuda *c = d;
    if (enter(c, e) != OK) return e->status;
    const CUresult code = c->cu.cuMemcpyDtoHAsync_v2(host, native + offset, bytes, c->stream);
    return code ? fail(c, "copying from the card", code, e) : OK;
}

/* ---- kernels ------------------------------------------------------------------------------------------------------ */

static enum status load_module(struct cuda *c, const char *image, const char *name, struct kernel *k, struct err *e) {
    CUresult code = c->cu.cuModuleLoadData(&k->module, image);
    if (code) return fail(c, name, code, e);
    code = c->cu.cuModuleGetFunction(&k->function, k->module, name);
    if (!code) return OK;
    c->cu.cuModuleUnload(k->module);
    return fail(c, name, code, e);
}

static enum status build(void *d, const char *source, const char *name, const struct buf *binary, struct buf *made,
                         void **kernel, struct err *e) {
    struct cuda *c = d;
    struct buf image = {0};
    if (enter(c, e) != OK) return e->status;
    struct kernel *k = mem_zalloc(sizeof *k, e);
    if (!k) return e->status;
    if (!binary) nvrtc_compile(&c->nvrtc, source, name, c->architecture, c->ptx, &image, e);
    if (e->status == OK && load_module(c, binary ? binary->data : image.data, name, k, e) == OK)
        *kernel = k;
    else
        mem_free(k);
    if (e->status == OK && made) buf_put(made, image.data, image.len);
    buf_free(&image);
    return e->status;
}

static void kernel_free(void *d, void *kernel) {
    struct cuda *c = d;
    struct kernel *k = kernel;
    if (enter(c, &(struct err){0}) == OK) c->cu.cuModuleUnload(k->module);
    mem_free(k);
}

static enum status launch(void *d, void *kernel, int64_t groups, const struct gpu_argument *args, int narg,
                          struct err *e) {
    struct cuda *c = d;
    void *at[GPU_ARGUMENTS];
    if (enter(c, e) != OK) return e->status;
    for (int i = 0; i < narg; i++) at[i] = (void *)(args[i].buffer ? (const void *)&args[i].native : args[i].value);
    const CUresult code = c->cu.cuLaunchKernel(((struct kernel *)kernel)->function, (unsigned)groups, 1, 1, 256, 1, 1,
                                               0, c->stream, at, NULL);
    return code ? fail(c, "starting a kernel", code, e) : OK;
}

static enum status finish(void *d, struct err *e) {
    struct cuda *c = d;
    if (enter(c, e) != OK) return e->status;
    const CUresult code = c->cu.cuStreamSynchronize(c->stream);
    return code ? fail(c, "waiting for the card", code, e) : OK;
}

const struct gpu_driver gpu_cuda = {
    .name = "cuda",
    .open = open_cuda,
    .close = close_cuda,
    .alloc = alloc,
    .free = free_buffer,
    .copy_in = copy_in,
    .copy_out = copy_out,
    .build = build,
    .kernel_free = kernel_free,
    .launch = launch,
    .finish = finish,
};
