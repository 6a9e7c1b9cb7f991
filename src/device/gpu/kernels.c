/* Kernels: found by their key, compiled when first needed or all that are missing at once, launched. Invariant: a key has
 * one kernel as long as the device is open. */
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "device/gpu/cache.h"
#include "device/gpu/gpu.h"
#include "device/gpu/texts.h"

struct gpu_kernel {
    char *key, *name;
    char *source; /* NULL: compiled */
    void *native;
};

/* ---- the table ---------------------------------------------------------------------------------------------------- */

/* The place of the key, or the empty one where it would go. */
static struct gpu_kernel **place_of(struct gpu_kernel **table, int cap, const char *key) {
    size_t i = gpu_hash(GPU_HASH, key, strlen(key)) & (size_t)(cap - 1);
    while (table[i] && strcmp(table[i]->key, key) != 0) i = (i + 1) & (size_t)(cap - 1);
    return &table[i];
}

struct gpu_kernel *gpu_kernel_find(const struct gpu *g, const char *key) {
    return g->kernel_cap ? *place_of(g->kernels, g->kernel_cap, key) : NULL;
}

static enum status make_room(struct gpu *g, struct err *e) {
    if (2 * (g->nkernel + 1) <= g->kernel_cap) return OK;
    const int cap = g->kernel_cap ? 2 * g->kernel_cap : 64;
    struct gpu_kernel **table = mem_zalloc(sizeof(struct gpu_kernel *) * (size_t)cap, e);
    if (!table) return e->status;
    for (int i = 0; i < g->kernel_cap; i++)
        if (g->kernels[i]) *place_of(table, cap, g->kernels[i]->key) = g->kernels[i];
    mem_free(g->kernels);
    g->kernels = table;
    g->kernel_cap = cap;
    return OK;
}

static void kernel_free(struct gpu *g, struct gpu_kernel *k) {
    if (k->native) g->driver->kernel_free(g->d, k->native);
    mem_free(k->key);
    mem_free(k->name);
    mem_free(k->source);
    mem_free(k);
}

void gpu_kernels_free(struct gpu *g) {
    for (int i = 0; i < g->kernel_cap; i++)
        if (g->kernels[i]) kernel_free(g, g->kernels[i]);
    mem_free(g->kernels);
}

/* ---- compiling ---------------------------------------------------------------------------------------------------- */

static const char *text_of(const char *file) {
    for (const struct gpu_text *t = gpu_texts; t->name; t++)
        if (strcmp(t->name, file) == 0) return t->text;
    return "#error no such file\n";
}

static char *source_of(const struct gpu *g, const char *first, const char *second, struct err *e) {
    struct buf source = {0};
    buf_puts(&source, g->facts.f64 ? "#define HAVE_F64\n" : "");
    buf_puts(&source, text_of("dialect"));
    buf_puts(&source, text_of("walk"));
    buf_puts(&source, first);
    buf_puts(&source, second);
    char *text = buf_status(&source, e) == OK ? mem_strdup(buf_text(&source), e) : NULL;
    buf_free(&source);
    return text;
}

static void compiled(struct gpu_kernel *k) {
    mem_free(k->source);
    k->source = NULL;
}

static bool load(struct gpu *g, struct gpu_kernel *k) {
    struct buf binary = {0};
    struct err unused = {0};
    const bool found = gpu_cache_load(&g->facts, k->source, &binary) &&
                       g->driver->build(g->d, NULL, k->name, &binary, NULL, &k->native, &unused) == OK;
    buf_free(&binary);
    if (found) compiled(k);
    return found;
}

static enum status compile(struct gpu *g, struct gpu_kernel *k, struct err *e) {
    struct buf binary = {0};
    if (g->driver->build(g->d, k->source, k->name, NULL, &binary, &k->native, e) == OK) {
        if (binary.len && !binary.failed) gpu_cache_store(&g->facts, k->source, &binary);
        compiled(k);
    }
    buf_free(&binary);
    return e->status;
}

enum status gpu_kernels_compile(struct gpu *g, struct err *e) {
    char text[64];
    int missing = 0;
    for (int i = 0; i < g->kernel_cap; i++)
        if (g->kernels[i] && g->kernels[i]->source && !load(g, g->kernels[i])) missing++;
    if (missing == 0) return OK;
    snprintf(text, sizeof text, "compiling %d kernel%s, once", missing, missing == 1 ? "" : "s");
    if (g->base.notice) g->base.notice(g->base.notice_arg, &g->base, text);
    for (int i = 0; i < g->kernel_cap; i++)
        if (g->kernels[i] && g->kernels[i]->source && compile(g, g->kernels[i], e) != OK) return e->status;
    return OK;
}

static enum status keep(struct gpu *g, const char *key, const char *name, const char *first, const char *second,
                        struct gpu_kernel **out, struct err *e) {
    if (make_room(g, e) != OK) return e->status;
    struct gpu_kernel *k = mem_zalloc(sizeof *k, e);
    if (!k) return e->status;
    k->key = mem_strdup(key, e);
    k->name = mem_strdup(name, e);
    k->source = source_of(g, first, second, e);
    if (e->status != OK) {
        kernel_free(g, k);
        return e->status;
    }
    *place_of(g->kernels, g->kernel_cap, key) = k;
    g->nkernel++;
    *out = k;
    return OK;
}

enum status gpu_kernel_make(struct gpu *g, const char *key, const char *name, const char *file, const char *source,
                            struct gpu_kernel **out, struct err *e) {
    return keep(g, key, name, text_of(file), source, out, e);
}

enum status gpu_kernel_get(struct gpu *g, const char *file, const char *name, const char *defines,
                           struct gpu_kernel **out, struct err *e) {
    char key[512];
    snprintf(key, sizeof key, "%s %s", name, defines);
    *out = gpu_kernel_find(g, key);
    return *out ? OK : keep(g, key, name, defines, text_of(file), out, e);
}

/* ---- launching ---------------------------------------------------------------------------------------------------- */

void gpu_pass_bytes(struct gpu_launch *l, const void *value, size_t size) {
    l->argument[l->n++] = (struct gpu_argument){.value = value, .size = size};
}

void gpu_pass_number(struct gpu_launch *l, int64_t v) {
    l->number[l->n] = v;
    gpu_pass_bytes(l, &l->number[l->n], sizeof v);
}

/* No buffer: while planning. */
static void pass_buffer(struct gpu_launch *l, const struct gpu_buffer *b, int64_t at) {
    l->argument[l->n++] = (struct gpu_argument){.buffer = true, .native = b ? b->native : 0};
    gpu_pass_number(l, at);
}

void gpu_pass_place(struct gpu_launch *l, const struct storage *s, int64_t at) {
    pass_buffer(l, s->handle, at);
}

void gpu_pass_tensor(struct gpu_launch *l, const struct tensor *t) {
    gpu_pass_place(l, t->storage, t->offset);
}

void gpu_pass_fault(struct gpu *g, struct gpu_launch *l, const struct op *op) {
    int64_t site = 1;
    while (op_registry[site - 1] != op) site++;
    pass_buffer(l, g->fault, 0);
    gpu_pass_number(l, site);
    g->fault_possible = true;
}

enum status gpu_launch(struct gpu *g, struct gpu_kernel *k, const struct gpu_launch *l, int64_t threads,
                       struct err *e) {
    const int64_t groups = (threads + GPU_THREADS - 1) / GPU_THREADS;
    if (g->planning || groups == 0) return OK;
    if (k->source && !load(g, k) && compile(g, k, e) != OK) return e->status;
    if (groups > INT32_MAX) return err_set(e, ERR_UNSUPPORTED, "%lld elements in one call", (long long)threads);
    g->queued++;
    return g->driver->launch(g->d, k->native, groups, l->argument, l->n, e);
}

/* ---- types -------------------------------------------------------------------------------------------------------- */

const char *gpu_type(enum dtype d) {
    static const char *const name[DT_COUNT] = {"b8", "u8", "i32", "i64", "f32", "f64"};
    return name[d];
}

enum dtype gpu_accumulator(const struct gpu *g, enum dtype d) {
    if (!dtype_is_float(d)) return DT_INT64;
    return g->facts.f64 ? DT_FLOAT64 : DT_FLOAT32;
}

enum status gpu_check_dtype(const struct gpu *g, const struct op_call *call, struct err *e) {
    bool wide = false;
    for (int k = 0; k < call->nin; k++) wide |= call->in[k]->dtype == DT_FLOAT64;
    for (int k = 0; k < call->nout; k++) wide |= call->out[k]->dtype == DT_FLOAT64;
    if (!wide || g->facts.f64) return OK;
    return err_set(e, ERR_UNSUPPORTED, "%s: %s has no float64; cast to float32 first", call->op->name, g->base.name);
}
