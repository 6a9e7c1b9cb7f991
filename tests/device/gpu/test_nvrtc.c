/* The kernels that the ops' samples ask for, compiled by NVRTC as a card would have it, where the CUDA toolkit is: those of
 * float32 for the oldest and the newest architecture; with CELDA_TEST_ALL=1 (two minutes) those of every dtype, and all but
 * the elementwise ones for each architecture from sm_75 on. No card is needed, and nothing runs. */
#include "device/gpu/nvrtc.h"

#include <stdio.h>
#include <stdlib.h>

#include "device/device.h"
#include "device/gpu/gpu.h"
#include "support/eager.h"
#include "support/opencl.h"
#include "support/samples.h"

static struct nvrtc nvrtc;
static struct err missing;
static int architectures[64], narchitecture, compiled;
static bool all;

/* ---- a driver that compiles and runs nothing ------------------------------------------------------------------------ */

static enum status open_paper(int index, bool silicon, void **out, struct gpu_facts *f, struct err *e) {
    (void)index, (void)silicon, (void)e;
    *f = (struct gpu_facts){.sort = "gpu", .f64 = true, .memory = (size_t)1 << 40, .largest = (size_t)1 << 40};
    f->local = 48 << 10;
    f->max_group = 1024;
    *out = &nvrtc;
    return OK;
}
static void close_paper(void *d) {
    (void)d;
}
static enum status alloc(void *d, size_t bytes, uint64_t *native, struct err *e) {
    (void)d, (void)bytes, (void)e;
    *native = 1;
    return OK;
}
static void free_buffer(void *d, uint64_t native) {
    (void)d, (void)native;
}
static enum status copy_in(void *d, uint64_t native, size_t offset, const void *host, size_t bytes, struct err *e) {
    (void)d, (void)native, (void)offset, (void)host, (void)bytes, (void)e;
    return OK;
}
static enum status copy_out(void *d, uint64_t native, size_t offset, void *host, size_t bytes, struct err *e) {
    (void)d, (void)native, (void)offset, (void)e;
    memset(host, 0, bytes);
    return OK;
}
static enum status build(void *d, const char *source, const char *name, const struct buf *binary, struct buf *made,
                         void **kernel, struct err *e) {
    (void)d, (void)made;
    if (binary) return err_set(e, ERR_STATE, "nothing is cached here");
    const int first = strcmp(name, "elementwise") == 0 ? narchitecture - 1 : 0;
    for (int i = first; i < narchitecture; i += all || i ? 1 : narchitecture - 1) {
        struct buf image = {0};
        nvrtc_compile(&nvrtc, source, name, architectures[i], false, &image, e);
        buf_free(&image);
        if (e->status != OK) return e->status;
        compiled++;
    }
    *kernel = &nvrtc;
    return OK;
}
static void kernel_free(void *d, void *kernel) {
    (void)d, (void)kernel;
}
static enum status launch(void *d, void *kernel, int64_t groups, const struct gpu_argument *args, int narg,
                          struct err *e) {
    (void)d, (void)kernel, (void)groups, (void)args, (void)narg, (void)e;
    return OK;
}
static enum status finish(void *d, struct err *e) {
    (void)d, (void)e;
    return OK;
}
static const struct gpu_driver paper = {"paper",  open_paper, close_paper, alloc,  free_buffer, copy_in,
                                        copy_out, build,      kernel_free, launch, finish};

/* ---- every kernel --------------------------------------------------------------------------------------------------- */

static int open_all(void **state) {
    int known[128], n = 0;
    all = getenv("CELDA_TEST_ALL") != NULL;
    setenv("XDG_CACHE_HOME", "/dev/null", 1);
    if (nvrtc_open(&nvrtc, &missing) != OK) return missing.status == ERR_UNSUPPORTED ? test_cpus_open(state) : -1;
    if (nvrtc.nvrtcGetNumSupportedArchs(&n) || n > 128 || nvrtc.nvrtcGetSupportedArchs(known)) return -1;
    for (int i = 0; i < n && narchitecture < 64; i++)
        if (known[i] >= 75) architectures[narchitecture++] = known[i];
    return test_cpus_open(state);
}

static void needs_nvrtc(void) {
    if (missing.status == OK) return;
    print_message("[  SKIPPED ] %s\n", missing.text);
    skip();
}

static void check_sample(struct device *d, const struct op *op, const struct op_sample *s, enum dtype dtype) {
    struct err err = {0};
    struct op_emitter gpu = eager_emitter(d, &err), cpu = eager_emitter(test_cpu[0], &err);
    struct tensor *out[OP_MAX_OUT];
    emit_t in[4];
    for (int k = 0; k < s->nin; k++) in[k] = op_emitter_own(&gpu, test_on(d, sample_input(&cpu, op, s, k, dtype)));
    if (!op_emit(&gpu, op, in, s->nin, s->attrs, out))
        fail_msg("%s, sample %d, %s: %s", op->name, (int)(s - op->samples), dtype_name(dtype), err.text);
    op_emitter_close(&gpu);
    op_emitter_close(&cpu);
}

/* Without `all`: float32, or else the last dtype there is. */
static bool runs_with(const struct op *op, const struct op_sample *s, enum dtype d) {
    bool takes = d == DT_FLOAT64;
    for (int k = s->nin - 1; k >= 0; k--)
        if (sample_is_data(op, k)) takes = op->dtypes >> d & 1;
    const enum dtype one = op->dtypes & 1u << DT_FLOAT32 ? DT_FLOAT32
                           : op->dtypes & 1u << DT_INT64 ? DT_INT64
                                                         : DT_BOOL;
    return takes && (all || d == one || s->nin == 0);
}

static void test_all_compile(void **state) {
    (void)state;
    needs_nvrtc();
    struct err e = {0};
    struct device *d;
    assert_ok(gpu_open(&paper, device_driver_find("cuda"), 0, true, &d, &e), &e);
    for (const struct op *const *op = op_registry; *op; op++)
        for (const struct op_sample *s = (*op)->samples; s < (*op)->samples + (*op)->nsample; s++)
            for (enum dtype t = DT_BOOL; t < DT_COUNT; t++)
                if (runs_with(*op, s, t)) check_sample(d, *op, s, t);
    assert_true(compiled > 100);
    print_message("%d kernels compiled, for %d architectures\n", compiled, narchitecture);
    d->driver->close(d);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_all_compile)};
    return cmocka_run_group_tests(tests, open_all, test_cpus_close);
}
