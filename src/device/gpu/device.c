/* The device face of what lies in this folder: opening by a driver, copies, running ops, tickets and late errors.
 * Invariant: after wait or sync all that was queued has run, and what went wrong was told once. */
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "device/gpu/gpu.h"
#include "lists.h"

/* ---- slots -------------------------------------------------------------------------------------------------------- */

#define DECLARE(name) extern const struct gpu_op gpu_op_##name;
LIST_GPU_OPS(DECLARE)
#define ENTRY(name) {#name, &gpu_op_##name},
static const struct {
    const char *op;
    const struct gpu_op *run;
} ops[] = {LIST_GPU_OPS(ENTRY){NULL, NULL}};

static enum status fill_slots(struct gpu *g, struct err *e) {
    int n = 0;
    while (op_registry[n]) n++;
    g->slot = mem_zalloc(sizeof *g->slot * (size_t)(n + 1), e);
    for (int i = 0; g->slot && i < n; i++) {
        struct gpu_slot *s = &g->slot[i];
        s->op = op_registry[i];
        for (int k = 0; ops[k].op; k++)
            if (strcmp(ops[k].op, s->op->name) == 0) s->run = ops[k].run;
        for (const struct gpu_expression *x = gpu_expressions; x->op; x++)
            if (strcmp(x->op, s->op->name) == 0) s->expression = x;
    }
    return e->status;
}

const struct gpu_slot *gpu_slot(const struct gpu *g, const struct op *op) {
    const struct gpu_slot *s = g->slot;
    while (s->op && s->op != op) s++;
    return s;
}

/* ---- opening ------------------------------------------------------------------------------------------------------ */

static void close_gpu(struct device *d) {
    struct gpu *g = (struct gpu *)d;
    if (g->d) {
        g->driver->finish(g->d, &(struct err){0});
        gpu_free(d, g->fault, 0);
        gpu_pool_flush(g);
        gpu_kernels_free(g);
        g->driver->close(g->d);
    }
    mem_free(g->slot);
    mem_free(g);
}

/* What kernels take for granted. */
static enum status check_limits(const struct gpu *g, struct err *e) {
    enum { LOCAL = 32 << 10 };
    if (g->facts.max_group >= GPU_THREADS && g->facts.local >= LOCAL) return OK;
    return err_set(e, ERR_UNSUPPORTED,
                   "%s allows groups of %zu threads with %zu bytes of local memory; %d and %d are needed",
                   g->facts.model, g->facts.max_group, g->facts.local, GPU_THREADS, LOCAL);
}

static enum status clear_fault(struct gpu *g, struct err *e) {
    static const int64_t nothing[4];
    g->fault_possible = false;
    return g->driver->copy_in(g->d, g->fault->native, 0, nothing, sizeof nothing, e);
}

static void set_limit(struct gpu *g) {
    g->ours = strcmp(g->facts.sort, "cpu") == 0;
    g->limit = g->ours && mem_limit() < g->facts.memory ? mem_limit() : g->facts.memory;
}

static void set_name(struct gpu *g) {
    const char *kind = g->base.driver->kind;
    const int index = g->base.index;
    if (g->silicon)
        snprintf(g->base.name, sizeof g->base.name, "%s:%d%s", kind, index, g->tf32 ? " (tf32)" : "");
    else
        snprintf(g->base.name, sizeof g->base.name, "%s:%d (%.12s, %s%s)", kind, index, g->facts.brand, g->facts.sort,
                 g->tf32 ? ", tf32" : "");
    g->base.precision = g->tf32 ? "tf32" : "float32";
}

static enum status set_precision(struct device *d, const char *precision, struct err *e) {
    struct gpu *g = (struct gpu *)d;
    const bool tf32 = strcmp(precision, "tf32") == 0;
    if (tf32 && !g->facts.tf32)
        return err_set(e, ERR_UNSUPPORTED,
                       "tf32 needs tensor cores: a card of NVIDIA's of compute capability 8.0 or later, through CUDA; "
                       "this is %s (%s)",
                       g->facts.model, g->facts.platform);
    if (tf32 != g->tf32) d->choices++;
    g->tf32 = tf32;
    set_name(g);
    return OK;
}

enum status gpu_open(const struct gpu_driver *driver, const struct device_driver *kind, int index, bool silicon,
                     struct device **out, struct err *e) {
    void *fault;
    struct gpu *g = mem_zalloc(sizeof *g, e);
    if (!g) return e->status;
    g->driver = driver;
    g->silicon = silicon;
    g->base = (struct device){.driver = kind, .index = index};
    if (driver->open(index, silicon, &g->d, &g->facts, e) == OK && check_limits(g, e) == OK && fill_slots(g, e) == OK) {
        set_limit(g);
        set_name(g);
        if (gpu_alloc(&g->base, 4 * sizeof(int64_t), &fault, e) == OK) {
            g->fault = fault;
            clear_fault(g, e);
        }
    }
    if (e->status != OK) {
        close_gpu(&g->base);
        return e->status;
    }
    *out = &g->base;
    return OK;
}

static void describe(struct device *d, struct buf *out) {
    const struct gpu *g = (const struct gpu *)d;
    const struct gpu_facts *f = &g->facts;
    buf_printf(out, "%s%s\n", f->model, strcmp(f->sort, "cpu") == 0 ? " (a processor, no graphics card)" : "");
    buf_printf(out, "%d compute units, %.1f GB, %s; %s through %s\n", f->units, (double)f->memory / 1e9,
               f->f64 ? "float64" : "no float64", f->platform, f->library);
    buf_printf(out, "products and convolutions in %s\n", g->base.precision);
}

/* ---- memory ------------------------------------------------------------------------------------------------------- */

static void memory(struct device *d, struct device_memory *out) {
    const struct gpu *g = (const struct gpu *)d;
    *out = (struct device_memory){.used = g->used, .peak = g->peak, .limit = g->limit};
}

static void reset_peak(struct device *d) {
    struct gpu *g = (struct gpu *)d;
    g->peak = g->used;
}

static enum status copy_in(struct device *d, void *handle, size_t offset, const void *host, size_t bytes,
                           uint64_t *ticket, struct err *e) {
    struct gpu *g = (struct gpu *)d;
    *ticket = ++g->queued;
    return g->driver->copy_in(g->d, ((struct gpu_buffer *)handle)->native, offset, host, bytes, e);
}

static enum status copy_out(struct device *d, const void *handle, size_t offset, void *host, size_t bytes,
                            uint64_t *ticket, struct err *e) {
    struct gpu *g = (struct gpu *)d;
    *ticket = ++g->queued;
    return g->driver->copy_out(g->d, ((const struct gpu_buffer *)handle)->native, offset, host, bytes, e);
}

/* ---- running ------------------------------------------------------------------------------------------------------ */

static bool has(struct device *d, const struct op *op) {
    const struct gpu_slot *s = gpu_slot((struct gpu *)d, op);
    return s->run || s->expression;
}

size_t gpu_workspace(const struct gpu *g, const struct op_call *call) {
    const struct gpu_slot *s = gpu_slot(g, call->op);
    return s->run && s->run->workspace ? s->run->workspace(g, call) : 0;
}

enum status gpu_run(struct gpu *g, const struct op_call *call, const struct storage *workspace, size_t at,
                    struct err *e) {
    const struct gpu_slot *s = gpu_slot(g, call->op);
    if (gpu_check_dtype(g, call, e) != OK) return e->status;
    if (!g->planning) g->last = call->op->name;
    if (s->run) return s->run->run(g, call, workspace, at, e);
    if (s->expression) return gpu_elementwise_call(g, call, e);
    return err_set(e, ERR_UNSUPPORTED, "%s is not available on %s", call->op->name, g->base.name);
}

/* ---- waiting ------------------------------------------------------------------------------------------------------ */

static enum status tell(const struct gpu *g, const int64_t fault[4], struct err *e) {
    const char *op = op_registry[fault[0] - 1]->name;
    const long long place = fault[1], value = fault[2], bound = fault[3];
    (void)g;
    if (strcmp(op, "pow") == 0) return err_set(e, ERR_VALUE, "pow: an integer to a negative integer power");
    if (strncmp(op, "sparse_softmax", 14) == 0)
        return err_set(e, ERR_VALUE, "%s: label %lld is outside [0, %lld)", op, value, bound);
    return err_set(e, ERR_INDEX, "%s: index %lld at place %lld is outside [0, %lld)", op, value, place, bound);
}

static enum status look_for_fault(struct gpu *g, struct err *e) {
    int64_t fault[4] = {0};
    if (!g->fault_possible) return OK;
    if (g->driver->copy_out(g->d, g->fault->native, 0, fault, sizeof fault, e) != OK) return e->status;
    if (g->driver->finish(g->d, e) != OK) return e->status;
    g->fault_possible = false;
    if (fault[0] == 0) return OK;
    if (clear_fault(g, e) != OK || g->driver->finish(g->d, e) != OK) return e->status;
    return tell(g, fault, e);
}

static enum status sync(struct device *d, struct err *e) {
    struct gpu *g = (struct gpu *)d;
    if (g->driver->finish(g->d, e) != OK) {
        err_prefix(e, "%s, at or before %s", g->base.name, g->last ? g->last : "its first op");
        return e->status;
    }
    g->done = g->queued;
    return look_for_fault(g, e);
}

static enum status wait(struct device *d, uint64_t ticket, struct err *e) {
    return ticket > ((struct gpu *)d)->done ? sync(d, e) : OK;
}

/* One op by itself: whoever typed it wants to hear here what was wrong with its data, not later. */
static enum status run(struct device *d, const struct op_call *call, uint64_t *ticket, struct err *e) {
    struct gpu *g = (struct gpu *)d;
    struct storage workspace = {.device = d, .bytes = gpu_workspace(g, call)};
    if (workspace.bytes && gpu_alloc(d, workspace.bytes, &workspace.handle, e) != OK) return e->status;
    enum status s = gpu_run(g, call, &workspace, 0, e);
    if (workspace.bytes) gpu_free(d, workspace.handle, workspace.bytes);
    *ticket = g->queued;
    if (s == OK && g->fault_possible) s = sync(d, e);
    return s;
}

/* ---- the drivers -------------------------------------------------------------------------------------------------- */

#define VTABLE                                                                                                         \
    .abi_version = DEVICE_ABI, .close = close_gpu, .describe = describe, .memory = memory, .alloc = gpu_alloc,         \
    .free = gpu_free, .copy_in = copy_in, .copy_out = copy_out, .has = has, .run = run,                                \
    .compile = gpu_program_compile, .execute = gpu_program_execute, .program_free = gpu_program_free,                  \
    .program_bytes = gpu_program_bytes, .wait = wait, .sync = sync, .reset_peak = reset_peak,                          \
    .set_precision = set_precision

extern const struct device_driver device_driver_opencl, device_driver_cuda, device_driver_gpu;

static enum status open_opencl(int index, struct device **out, struct err *e) {
    return gpu_open(&gpu_opencl, &device_driver_opencl, index, false, out, e);
}

static enum status open_cuda(int index, struct device **out, struct err *e) {
    return gpu_open(&gpu_cuda, &device_driver_cuda, index, true, out, e);
}

/* A card of NVIDIA's through its own driver, else any maker's through OpenCL. */
static enum status open_gpu(int index, struct device **out, struct err *e) {
    struct err cuda = {0}, opencl = {0};
    if (gpu_open(&gpu_cuda, &device_driver_gpu, index, true, out, &cuda) == OK) return OK;
    if (gpu_open(&gpu_opencl, &device_driver_gpu, index, true, out, &opencl) == OK) return OK;
    return err_set(e, ERR_UNSUPPORTED, "no gpu:%d here. CUDA: %s%sOpenCL: %s", index, cuda.text,
                   strchr(cuda.text, '\n') ? "" : ". ", opencl.text);
}

const struct device_driver device_driver_opencl = {
    .kind = "opencl",
    .doc = "any device that OpenCL lists, a processor's (PoCL) included",
    .open = open_opencl,
    VTABLE,
};

const struct device_driver device_driver_cuda = {
    .kind = "cuda",
    .doc = "a card of NVIDIA's, through its driver and NVRTC",
    .open = open_cuda,
    VTABLE,
};

const struct device_driver device_driver_gpu = {
    .kind = "gpu",
    .doc = "a graphics card, by whichever driver has one",
    .open = open_gpu,
    VTABLE,
};
