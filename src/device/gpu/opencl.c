/* The OpenCL driver: any device of any platform that libOpenCL lists, a CPU's (PoCL) included. Invariant: one in-order
 * queue a device, so nothing here waits for events. */
#include <stdio.h>
#include <string.h>

#include "base/dl.h"
#include "base/mem.h"
#include "device/gpu/driver.h"
#include "device/gpu/opencl_api.h"

/* The library's functions, each under its own name. */
struct library {
#define MEMBER(result, name, parameters) result(*name) parameters;
    OPENCL_FUNCTIONS(MEMBER)
#undef MEMBER
};

struct opencl {
    struct library cl;
    cl_device_id device;
    cl_context context;
    cl_command_queue queue;
    char options[64];
};

static const char *const candidates[] = {
    "$CELDA_OPENCL",
    "libOpenCL.so.1",
    "libOpenCL.so",
    "$CONDA_PREFIX/lib/libOpenCL.so.1",
    "/usr/local/cuda/lib64/libOpenCL.so.1",
    "/usr/lib/wsl/lib/libOpenCL.so.1",
    NULL,
};

/* ---- errors ------------------------------------------------------------------------------------------------------- */

static const char *meaning(cl_int code) {
    switch (code) {
    case CL_DEVICE_NOT_FOUND: return "no device";
    case CL_DEVICE_NOT_AVAILABLE: return "the device is not available";
    case CL_COMPILER_NOT_AVAILABLE: return "the platform has no compiler";
    case CL_MEM_OBJECT_ALLOCATION_FAILURE: return "no memory for the buffer";
    case CL_OUT_OF_RESOURCES: return "the device is out of resources, or lost";
    case CL_OUT_OF_HOST_MEMORY: return "no memory on the host";
    case CL_BUILD_PROGRAM_FAILURE: return "the kernel does not compile";
    case CL_INVALID_BUFFER_SIZE: return "the buffer is larger than the device allows";
    case CL_PLATFORM_NOT_FOUND_KHR: return "no platform: no ICD is installed";
    default: return "error";
    }
}

static enum status fail(struct err *e, const char *what, cl_int code) {
    const bool memory =
        code == CL_MEM_OBJECT_ALLOCATION_FAILURE || code == CL_OUT_OF_HOST_MEMORY || code == CL_INVALID_BUFFER_SIZE;
    return err_set(e, memory ? ERR_MEMORY : ERR_STATE, "opencl: %s: %s (%d)", what, meaning(code), code);
}

/* ---- finding a device --------------------------------------------------------------------------------------------- */

enum { MOST = 16 };

static enum status load(struct opencl *o, char *library, size_t cap, struct err *e) {
    struct buf tried = {0};
    void *found = dl_open_any(candidates, &tried);
    bool whole = found != NULL;
#define LOOK_UP(result, name, parameters) whole = whole && dl_symbol(found, #name, &o->cl.name);
    OPENCL_FUNCTIONS(LOOK_UP)
#undef LOOK_UP
    if (!found)
        err_set(e, ERR_UNSUPPORTED, "no OpenCL library; tried\n%s", buf_text(&tried));
    else if (!whole)
        err_set(e, ERR_UNSUPPORTED, "the OpenCL library lacks functions of version 1.2; tried\n%s", buf_text(&tried));
    const char *text = buf_text(&tried), *last = text;
    for (const char *at = text; (at = strchr(at, '\n')) && at[1];) last = ++at;
    snprintf(library, cap, "%.*s", (int)strcspn(last, ":"), last);
    buf_free(&tried);
    return e->status;
}

/* The index-th device of that type; on failure the error lists what there is. */
static enum status choose(struct opencl *o, int index, bool silicon, cl_platform_id *chosen, struct err *e) {
    cl_platform_id platform[MOST];
    cl_uint nplatform = 0;
    struct buf seen = {0};
    int at = 0;
    const cl_int code = o->cl.clGetPlatformIDs(MOST, platform, &nplatform);
    if (code != CL_SUCCESS || nplatform == 0)
        return err_set(e, ERR_UNSUPPORTED, "libOpenCL is there, but %s; pocl-opencl-icd is one for any CPU",
                       code ? meaning(code) : "it lists no platform");
    for (cl_uint p = 0; p < nplatform && p < MOST; p++) {
        cl_device_id device[MOST];
        cl_uint ndevice = 0;
        if (o->cl.clGetDeviceIDs(platform[p], CL_DEVICE_TYPE_ALL, MOST, device, &ndevice) != CL_SUCCESS) continue;
        for (cl_uint i = 0; i < ndevice && i < MOST; i++) {
            char name[96] = "";
            cl_ulong type = 0;
            o->cl.clGetDeviceInfo(device[i], CL_DEVICE_TYPE, sizeof type, &type, NULL);
            o->cl.clGetDeviceInfo(device[i], CL_DEVICE_NAME, sizeof name, name, NULL);
            buf_printf(&seen, "%s%s (%s)", seen.len ? ", " : "", name,
                       type & CL_DEVICE_TYPE_GPU   ? "gpu"
                       : type & CL_DEVICE_TYPE_CPU ? "cpu"
                                                   : "accelerator");
            if ((silicon && !(type & CL_DEVICE_TYPE_GPU)) || at++ != index || o->device) continue;
            o->device = device[i];
            *chosen = platform[p];
        }
    }
    if (!o->device)
        err_set(e, ERR_UNSUPPORTED, "no %s %d among what it lists: %s", silicon ? "GPU" : "device", index,
                seen.len ? buf_text(&seen) : "nothing");
    buf_free(&seen);
    return e->status;
}

/* ---- facts -------------------------------------------------------------------------------------------------------- */

static cl_ulong number(const struct opencl *o, cl_uint what) {
    cl_ulong v = 0;
    cl_uint small = 0;
    size_t size = 0;
    o->cl.clGetDeviceInfo(o->device, what, 0, NULL, &size);
    if (size == sizeof small) {
        o->cl.clGetDeviceInfo(o->device, what, sizeof small, &small, NULL);
        return small;
    }
    o->cl.clGetDeviceInfo(o->device, what, sizeof v, &v, NULL);
    return v;
}

static bool has_extension(const struct opencl *o, const char *name) {
    size_t size = 0;
    o->cl.clGetDeviceInfo(o->device, CL_DEVICE_EXTENSIONS, 0, NULL, &size);
    char *text = mem_zalloc(size + 1, NULL);
    if (!text) return false;
    o->cl.clGetDeviceInfo(o->device, CL_DEVICE_EXTENSIONS, size, text, NULL);
    const bool found = strstr(text, name) != NULL;
    mem_free(text);
    return found;
}

static void read_facts(struct opencl *o, cl_platform_id platform, struct gpu_facts *f) {
    char name[64] = "", version[64] = "", driver[64] = "";
    o->cl.clGetPlatformInfo(platform, CL_PLATFORM_NAME, sizeof name, name, NULL);
    o->cl.clGetPlatformInfo(platform, CL_PLATFORM_VERSION, sizeof version, version, NULL);
    o->cl.clGetDeviceInfo(o->device, CL_DRIVER_VERSION, sizeof driver, driver, NULL);
    o->cl.clGetDeviceInfo(o->device, CL_DEVICE_NAME, sizeof f->model, f->model, NULL);
    const bool pocl = strncmp(name, "Portable Computing", 18) == 0;
    snprintf(f->brand, sizeof f->brand, "%.*s", (int)(pocl ? 4 : strcspn(name, " (")), pocl ? "PoCL" : name);
    snprintf(f->platform, sizeof f->platform, "%s %.30s", pocl ? "PoCL" : name, driver);
    const cl_ulong type = number(o, CL_DEVICE_TYPE);
    f->sort = type & CL_DEVICE_TYPE_GPU ? "gpu" : type & CL_DEVICE_TYPE_CPU ? "cpu" : "accelerator";
    f->f64 = has_extension(o, "cl_khr_fp64");
    f->units = (int)number(o, CL_DEVICE_MAX_COMPUTE_UNITS);
    f->memory = number(o, CL_DEVICE_GLOBAL_MEM_SIZE);
    f->largest = number(o, CL_DEVICE_MAX_MEM_ALLOC_SIZE);
    f->local = number(o, CL_DEVICE_LOCAL_MEM_SIZE);
    f->tf32 = type & CL_DEVICE_TYPE_CPU && f->local >= 48 << 10;
    f->max_group = number(o, CL_DEVICE_MAX_WORK_GROUP_SIZE);
    const bool exact = number(o, CL_DEVICE_SINGLE_FP_CONFIG) & CL_FP_CORRECTLY_ROUNDED_DIVIDE_SQRT;
    snprintf(o->options, sizeof o->options, "-cl-std=CL1.2 -w%s",
             exact ? " -cl-fp32-correctly-rounded-divide-sqrt" : "");
    snprintf(f->build, sizeof f->build, "%s", o->options);
    snprintf(f->identity, sizeof f->identity, "opencl %.60s %.60s %.60s", f->model, version, driver);
}

/* ---- opening ------------------------------------------------------------------------------------------------------ */

static void close_opencl(void *d) {
    struct opencl *o = d;
    if (o->queue) o->cl.clReleaseCommandQueue(o->queue);
    if (o->context) o->cl.clReleaseContext(o->context);
    mem_free(o);
}

static enum status open_opencl(int index, bool silicon, void **out, struct gpu_facts *facts, struct err *e) {
    cl_platform_id platform = NULL;
    cl_int code = CL_SUCCESS;
    struct opencl *o = mem_zalloc(sizeof *o, e);
    if (!o) return e->status;
    if (load(o, facts->library, sizeof facts->library, e) == OK && choose(o, index, silicon, &platform, e) == OK) {
        read_facts(o, platform, facts);
        o->context = o->cl.clCreateContext(NULL, 1, &o->device, NULL, NULL, &code);
        if (o->context) o->queue = o->cl.clCreateCommandQueue(o->context, o->device, 0, &code);
        if (!o->queue) fail(e, "opening the device", code);
    }
    if (e->status != OK) {
        close_opencl(o);
        return e->status;
    }
    *out = o;
    return OK;
}

/* ---- memory ------------------------------------------------------------------------------------------------------- */

static enum status alloc(void *d, size_t bytes, uint64_t *native, struct err *e) {
    const struct opencl *o = d;
    cl_int code;
    cl_mem m = o->cl.clCreateBuffer(o->context, CL_MEM_READ_WRITE, bytes, NULL, &code);
    if (!m) return fail(e, "a buffer", code);
    *native = (uint64_t)(uintptr_t)m;
    return OK;
}

static cl_mem memory_of(uint64_t native) {
    return (cl_mem)(uintptr_t)native;
}

static void free_buffer(void *d, uint64_t native) {
    ((struct opencl *)d)->cl.clReleaseMemObject(memory_of(native));
}

static enum status copy_in(void *d, uint64_t native, size_t offset, const void *host, size_t bytes, struct err *e) {
    const struct opencl *o = d;
    const cl_int code = o->cl.clEnqueueWriteBuffer(o->queue, memory_of(native), 0, offset, bytes, host, 0, NULL, NULL);
    return code ? fail(e, "copying to the device", code) : OK;
}

static enum status copy_out(void *d, uint64_t native, size_t offset, void *host, size_t bytes, struct err *e) {
    const struct opencl *o = d;
    const cl_int code = o->cl.clEnqueueReadBuffer(o->queue, memory_of(native), 0, offset, bytes, host, 0, NULL, NULL);
    return code ? fail(e, "copying from the device", code) : OK;
}

/* ---- kernels ------------------------------------------------------------------------------------------------------ */

/* The end of the compiler's words stands in the error. */
static enum status build_failed(const struct opencl *o, cl_program p, const char *name, cl_int code, struct err *e) {
    size_t size = 0;
    o->cl.clGetProgramBuildInfo(p, o->device, CL_PROGRAM_BUILD_LOG, 0, NULL, &size);
    char *log = mem_zalloc(size + 1, NULL);
    if (log) o->cl.clGetProgramBuildInfo(p, o->device, CL_PROGRAM_BUILD_LOG, size, log, NULL);
    err_set(e, ERR_STATE, "opencl: kernel %s: %s (%d)\n%.600s", name, meaning(code), code, log ? log : "");
    mem_free(log);
    return e->status;
}

static void read_binary(const struct opencl *o, cl_program p, struct buf *made) {
    size_t size = 0;
    if (o->cl.clGetProgramInfo(p, CL_PROGRAM_BINARY_SIZES, sizeof size, &size, NULL) != CL_SUCCESS || !size) return;
    char *room = buf_room(made, size);
    if (room && o->cl.clGetProgramInfo(p, CL_PROGRAM_BINARIES, sizeof room, &room, NULL) == CL_SUCCESS)
        made->len += size;
}

static cl_int make_program(const struct opencl *o, const char *source, const struct buf *binary, cl_program *out) {
    cl_int code = CL_SUCCESS, loaded = CL_SUCCESS;
    if (!binary) {
        *out = o->cl.clCreateProgramWithSource(o->context, 1, &source, NULL, &code);
        return code;
    }
    const unsigned char *bytes = (const unsigned char *)binary->data;
    *out = o->cl.clCreateProgramWithBinary(o->context, 1, &o->device, &binary->len, &bytes, &loaded, &code);
    if (!*out || loaded == CL_SUCCESS) return code;
    o->cl.clReleaseProgram(*out);
    return loaded;
}

static enum status build(void *d, const char *source, const char *name, const struct buf *binary, struct buf *made,
                         void **kernel, struct err *e) {
    const struct opencl *o = d;
    cl_program p;
    cl_int code = make_program(o, source, binary, &p);
    if (code != CL_SUCCESS) return fail(e, name, code);
    code = o->cl.clBuildProgram(p, 1, &o->device, o->options, NULL, NULL);
    if (code != CL_SUCCESS) {
        build_failed(o, p, name, code, e);
    } else {
        *kernel = o->cl.clCreateKernel(p, name, &code);
        if (!*kernel)
            fail(e, name, code);
        else if (made)
            read_binary(o, p, made);
    }
    o->cl.clReleaseProgram(p); /* the kernel keeps it */
    return e->status;
}

static void kernel_free(void *d, void *kernel) {
    ((struct opencl *)d)->cl.clReleaseKernel(kernel);
}

static enum status launch(void *d, void *kernel, int64_t groups, const struct gpu_argument *args, int narg,
                          struct err *e) {
    const struct opencl *o = d;
    const size_t local = 256, global = local * (size_t)groups;
    for (int i = 0; i < narg; i++) {
        const cl_mem m = memory_of(args[i].native);
        const cl_int code = args[i].buffer ? o->cl.clSetKernelArg(kernel, (cl_uint)i, sizeof m, &m)
                                           : o->cl.clSetKernelArg(kernel, (cl_uint)i, args[i].size, args[i].value);
        if (code != CL_SUCCESS) return fail(e, "an argument of a kernel", code);
    }
    const cl_int code = o->cl.clEnqueueNDRangeKernel(o->queue, kernel, 1, NULL, &global, &local, 0, NULL, NULL);
    return code ? fail(e, "starting a kernel", code) : OK;
}

static enum status finish(void *d, struct err *e) {
    const struct opencl *o = d;
    const cl_int code = o->cl.clFinish(o->queue);
    return code ? fail(e, "waiting for the device", code) : OK;
}

const struct gpu_driver gpu_opencl = {
    .name = "opencl",
    .open = open_opencl,
    .close = close_opencl,
    .alloc = alloc,
    .free = free_buffer,
    .copy_in = copy_in,
    .copy_out = copy_out,
    .build = build,
    .kernel_free = kernel_free,
    .launch = launch,
    .finish = finish,
};
