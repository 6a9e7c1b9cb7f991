/* The cpu driver: opens the thread pool, picks the instruction set, and finds each op's kernel or loops once.
 * Invariant: work is done when a call returns, so tickets are 0 and wait and sync have nothing to do. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "device/cpu/blas.h"
#include "device/cpu/cpu.h"
#include "device/cpu/program.h"
#include "device/cpu/tuned.h"
#include "lists.h"

/* ---- instruction sets --------------------------------------------------------------------------------------------- */

/* Best first. */
static const struct cpu_isa *const isas[] = {
#ifdef CPU_HAVE_avx512
    &cpu_isa_avx512,
#endif
#ifdef CPU_HAVE_avx2
    &cpu_isa_avx2,
#endif
    &cpu_isa_portable,
    NULL,
};

/* Whether this machine can run it; must cover what the Makefile's ISA_* flags turn on. */
static bool isa_runs_here(const char *name) {
#if defined(__x86_64__)
    if (strcmp(name, "avx512") == 0)
        return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
               __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl") &&
               __builtin_cpu_supports("fma");
    if (strcmp(name, "avx2") == 0) return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
#endif
    return strcmp(name, "portable") == 0;
}

static enum status choose_isa(const char *name, const struct cpu_isa **out, struct err *e) {
    for (int i = 0; isas[i]; i++) {
        if (name && strcmp(name, isas[i]->name) != 0) continue;
        if (isa_runs_here(isas[i]->name)) {
            *out = isas[i];
            return OK;
        }
        if (name)
            return err_set(e, ERR_UNSUPPORTED, "CELDA_CPU=%s: this machine does not have that instruction set", name);
    }
    return err_set(e, ERR_UNSUPPORTED, "CELDA_CPU=%s: no such instruction set; there are portable, avx2, avx512", name);
}

/* ---- slots -------------------------------------------------------------------------------------------------------- */

#define DECLARE(name) extern const struct cpu_kernel cpu_kernel_##name;
LIST_CPU_KERNELS(DECLARE)
#define ENTRY(name) {#name, &cpu_kernel_##name},
static const struct {
    const char *op;
    const struct cpu_kernel *kernel;
} kernels[] = {LIST_CPU_KERNELS(ENTRY){NULL, NULL}};

static const struct cpu_loops *find_loops(const struct cpu_isa *isa, const char *op) {
    for (const struct cpu_loops *const *family = isa->elementwise; *family; family++)
        for (const struct cpu_loops *l = *family; l->op; l++)
            if (strcmp(l->op, op) == 0) return l;
    return NULL;
}

static enum status fill_slots(struct cpu *c, struct err *e) {
    while (op_registry[c->nslot]) c->nslot++;
    c->slot = mem_zalloc(sizeof *c->slot * (size_t)c->nslot, e);
    if (!c->slot) return e->status;
    for (int i = 0; i < c->nslot; i++) {
        struct cpu_slot *s = &c->slot[i];
        s->op = op_registry[i];
        for (int k = 0; kernels[k].op; k++)
            if (strcmp(kernels[k].op, s->op->name) == 0) s->kernel = kernels[k].kernel;
        if (s->op->flags & OP_ELEMENTWISE) s->loops = find_loops(c->isa, s->op->name);
    }
    return OK;
}

const struct cpu_slot *cpu_slot(const struct cpu *c, const struct op *op) {
    for (int i = 0; i < c->nslot; i++)
        if (c->slot[i].op == op) return &c->slot[i];
    return NULL;
}

/* ---- opening ------------------------------------------------------------------------------------------------------ */

static void cpu_close(struct device *d) {
    struct cpu *c = (struct cpu *)d;
    if (c->threads) threads_close(c->threads);
    mem_block_free(c->shared);
    mem_block_free(c->scratch);
    mem_free(c->slot);
    cpu_tuned_clear(c);
    mem_free(c);
}

enum status cpu_open(const char *isa, int threads, struct device **out, struct err *e) {
    const struct cpu_isa *chosen = NULL;
    if (choose_isa(isa, &chosen, e) != OK) return e->status;
    struct cpu *c = mem_zalloc(sizeof *c, e);
    if (!c) return e->status;
    c->base.driver = &device_driver_cpu;
    snprintf(c->base.name, sizeof c->base.name, "cpu");
    c->isa = chosen;
    enum status s = threads_open(threads, &c->threads, e);
    if (s == OK) s = fill_slots(c, e);
    if (s != OK) {
        cpu_close(&c->base);
        return s;
    }
    *out = &c->base;
    return OK;
}

static enum status open_driver(int index, struct device **out, struct err *e) {
    if (index != 0) return err_set(e, ERR_UNSUPPORTED, "cpu:%d: there is one cpu, cpu:0", index);
    if (cpu_open(getenv("CELDA_CPU"), 0, out, e)) return e->status;
    cpu_tuned_read((struct cpu *)*out);
    return OK;
}

/* "model name : ..." of /proc/cpuinfo, or the architecture's name where there is no such line (Arm). */
void cpu_model_name(char *out, size_t cap) {
    snprintf(out, cap, "unknown model");
    FILE *f = fopen("/proc/cpuinfo", "r");
    if (!f) return;
    char line[256];
    while (fgets(line, sizeof line, f)) {
        if (strncmp(line, "model name", 10) != 0) continue;
        const char *colon = strchr(line, ':');
        if (colon) snprintf(out, cap, "%.*s", (int)strcspn(colon + 2, "\n"), colon + 2);
        break;
    }
    fclose(f);
}

static void describe(struct device *d, struct buf *out) {
    const struct cpu *c = (const struct cpu *)d;
    char model[256];
    cpu_model_name(model, sizeof model);
    buf_printf(out, "%s\n", model);
    buf_printf(out, "%d threads, %s kernels\n", threads_count(c->threads), c->isa->name);
    struct err e = {0};
    if (cpu_blas_open(&e) == OK)
        buf_printf(out, "OpenBLAS for %s, single-threaded inside our threads\n", cpu_blas()->corename());
    else
        buf_printf(out, "%s\n", e.text);
    buf_puts(out, "convolutions by");
    for (int i = 0; cpu_conv_algorithms[i]; i++) buf_printf(out, "%s %s", i ? "," : "", cpu_conv_algorithms[i]->name);
    buf_printf(out, ", whichever is estimated to be the fastest; %d measured by %%tune\n", c->ntuned);
}

/* ---- memory ------------------------------------------------------------------------------------------------------- */

static void memory(struct device *d, struct device_memory *out) {
    struct cpu *c = (struct cpu *)d;
    *out = (struct device_memory){.used = c->used, .peak = c->peak, .limit = mem_limit()};
}

static void reset_peak(struct device *d) {
    struct cpu *c = (struct cpu *)d;
    c->peak = (size_t)c->used;
}

enum status cpu_alloc(struct device *d, size_t bytes, void **handle, struct err *e) {
    struct cpu *c = (struct cpu *)d;
    *handle = mem_block_alloc(bytes ? bytes : 1, e);
    if (!*handle) return e->status;
    const size_t used = atomic_fetch_add(&c->used, bytes) + bytes;
    size_t peak = c->peak;
    while (used > peak && !atomic_compare_exchange_weak(&c->peak, &peak, used)) {
    }
    return OK;
}

void cpu_free(struct device *d, void *handle, size_t bytes) {
    if (!handle) return;
    atomic_fetch_sub(&((struct cpu *)d)->used, bytes);
    mem_block_free(handle);
}

static enum status copy_in(struct device *d, void *handle, size_t offset, const void *host, size_t bytes,
                           uint64_t *ticket, struct err *e) {
    (void)d, (void)e;
    if (bytes) memcpy((char *)handle + offset, host, bytes);
    *ticket = 0;
    return OK;
}

static enum status copy_out(struct device *d, const void *handle, size_t offset, void *host, size_t bytes,
                            uint64_t *ticket, struct err *e) {
    (void)d, (void)e;
    if (bytes) memcpy(host, (const char *)handle + offset, bytes);
    *ticket = 0;
    return OK;
}

enum status cpu_scratch_reserve(struct cpu *c, size_t bytes, struct err *e) {
    bytes = (bytes + 63) / 64 * 64;
    if (bytes <= c->scratch_bytes) return OK;
    char *scratch = mem_block_alloc(bytes * (size_t)threads_count(c->threads), e);
    if (!scratch) return e->status;
    mem_block_free(c->scratch);
    c->scratch = scratch;
    c->scratch_bytes = bytes;
    return OK;
}

enum status cpu_shared_reserve(struct cpu *c, size_t bytes, struct err *e) {
    if (bytes <= c->shared_bytes) return OK;
    mem_block_free(c->shared);
    c->shared_bytes = 0;
    c->shared = mem_block_alloc(bytes, e);
    if (c->shared) c->shared_bytes = bytes;
    return e->status;
}

void cpu_arena_join(struct cpu *c) {
    c->programs++;
}

void cpu_arena_leave(struct cpu *c) {
    if (--c->programs > 0) return;
    cpu_free(&c->base, c->arena.handle, c->arena.bytes);
    c->arena = (struct storage){0};
}

enum status cpu_arena_reserve(struct cpu *c, size_t bytes, struct err *e) {
    if (bytes <= c->arena.bytes && c->arena.handle) return OK;
    cpu_free(&c->base, c->arena.handle, c->arena.bytes);
    c->arena = (struct storage){.device = &c->base};
    if (cpu_alloc(&c->base, bytes, &c->arena.handle, e) != OK) return e->status;
    c->arena.bytes = bytes;
    return OK;
}

/* ---- running one op ----------------------------------------------------------------------------------------------- */

static bool has(struct device *d, const struct op *op) {
    const struct cpu_slot *s = cpu_slot((struct cpu *)d, op);
    return s && (s->kernel || s->loops);
}

size_t cpu_workspace(const struct cpu *c, const struct op_call *call) {
    const struct cpu_slot *s = cpu_slot(c, call->op);
    return s && s->kernel && s->kernel->workspace ? s->kernel->workspace(c, call) : 0;
}

enum status cpu_run(struct cpu *c, const struct op_call *call, void *workspace, struct err *e) {
    const struct cpu_slot *s = cpu_slot(c, call->op);
    if (s && s->kernel) return s->kernel->run(c, call, workspace, e);
    if (s && s->loops) return cpu_elementwise_call(c, call, e);
    return err_set(e, ERR_UNSUPPORTED, "%s: no kernel on the cpu", call->op->name);
}

static enum status run(struct device *d, const struct op_call *call, uint64_t *ticket, struct err *e) {
    struct cpu *c = (struct cpu *)d;
    *ticket = 0;
    const size_t bytes = cpu_workspace(c, call);
    void *workspace = NULL;
    if (bytes && cpu_alloc(d, bytes, &workspace, e) != OK) return e->status;
    const enum status s = cpu_run(c, call, workspace, e);
    if (bytes) cpu_free(d, workspace, bytes);
    return s;
}

static enum status wait(struct device *d, uint64_t ticket, struct err *e) {
    (void)d, (void)ticket, (void)e;
    return OK;
}

static enum status sync(struct device *d, struct err *e) {
    (void)d, (void)e;
    return OK;
}

static enum status forget_tuning(struct device *d, struct err *e) {
    struct cpu *c = (struct cpu *)d;
    cpu_tuned_clear(c);
    d->choices++;
    return cpu_tuned_write(c, e);
}

const struct device_driver device_driver_cpu = {
    .abi_version = DEVICE_ABI,
    .kind = "cpu",
    .doc = "this machine's processor, through our own kernels and OpenBLAS",
    .addresses = true,
    .open = open_driver,
    .close = cpu_close,
    .describe = describe,
    .memory = memory,
    .reset_peak = reset_peak,
    .alloc = cpu_alloc,
    .free = cpu_free,
    .copy_in = copy_in,
    .copy_out = copy_out,
    .has = has,
    .run = run,
    .compile = cpu_program_compile,
    .execute = cpu_program_execute,
    .program_free = cpu_program_free,
    .program_bytes = cpu_program_bytes,
    .program_profile = cpu_program_profile,
    .program_overwrites = cpu_program_overwrites,
    .program_way = cpu_program_way,
    .program_tune = cpu_program_tune,
    .forget_tuning = forget_tuning,
    .wait = wait,
    .sync = sync,
};
