/* The kernels that the ops' samples ask for, compiled by NVRTC as a card would have it, where the CUDA toolkit is: those of
 * float32 for the oldest and the newest architecture; with CELDA_TEST_ALL=1 (two minutes) those of every dtype, and all but
 * the elementwise ones for each architecture from sm_75 on. Of products the compiler's report is read: what the sums of a
 * thread do not find room for in registers would cost more than the arithmetic. No card is needed, and nothing runs. */
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
static bool all, measuring;
static int measured, most_registers, most_spilled;

/* ---- a driver that compiles and runs nothing ------------------------------------------------------------------------ */

static enum status open_paper(int index, bool silicon, void **out, struct gpu_facts *f, struct err *e) {
    (void)index, (void)silicon, (void)e;
    *f = (struct gpu_facts){.sort = "gpu", .f64 = true, .memory = (size_t)1 << 40, .largest = (size_t)1 << 40};
    f->tf32 = true;
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
/* Registers, and bytes that spill, by ptxas's words: "Used 128 registers ... 0 bytes spill stores". */
static void measure(const char *source, int architecture, int allowed) {
    char target[48];
    size_t size = 0;
    nvrtcProgram p;
    nvrtc_options(architecture, false, target, sizeof target);
    const char *const options[] = {target, "--fmad=false", "--disable-warnings", "--ptxas-options=-v"};
    assert_int_equal(nvrtc.nvrtcCreateProgram(&p, source, "gemm", 0, NULL, NULL), 0);
    assert_int_equal(nvrtc.nvrtcCompileProgram(p, 4, options), 0);
    nvrtc.nvrtcGetProgramLogSize(p, &size);
    char *log = calloc(1, size + 1);
    assert_non_null(log);
    nvrtc.nvrtcGetProgramLog(p, log);
    nvrtc.nvrtcDestroyProgram(&p);
    const char *used = strstr(log, "Used "), *spill = strstr(log, " bytes spill stores");
    if (used && spill) {
        while (spill[-1] >= '0' && spill[-1] <= '9') spill--;
        const int registers = atoi(used + 5), spilled = atoi(spill);
        if (registers > 128 || spilled > allowed)
            fail_msg("sm_%d: %s%.300s", architecture, log, strstr(source, "#define T "));
        if (registers > most_registers) most_registers = registers;
        if (spilled > most_spilled) most_spilled = spilled;
        measured++;
    }
    free(log);
}

/* For an architecture of each generation, Turing, Ampere, Hopper, Blackwell, and with `all` for every one that has what it
 * takes. Where both operands come in whole vectors nothing may spill on those four; elsewhere a few registers may, in a loop
 * of hundreds of instructions. */
static void measure_for_all(const char *source) {
    const bool vectors = strstr(source, "A_VECTOR 1") && strstr(source, "B_VECTOR 1");
    for (int i = 0; i < narchitecture; i++) {
        const int a = architectures[i];
        const bool one_of_four = a == 75 || a == 80 || a == 90 || a == 120;
        if ((one_of_four || all) && (a >= 80 || !strstr(source, "#define TF32\n")))
            measure(source, a, one_of_four && vectors ? 0 : 64);
    }
}

static enum status build(void *d, const char *source, const char *name, const struct buf *binary, struct buf *made,
                         void **kernel, struct err *e) {
    (void)d, (void)made;
    if (binary) return err_set(e, ERR_STATE, "nothing is cached here");
    if (measuring && strcmp(name, "gemm") == 0) measure_for_all(source);
    *kernel = &nvrtc;
    if (measuring) return OK;
    const int first = strcmp(name, "elementwise") == 0 ? narchitecture - 1 : 0;
    for (int i = first; i < narchitecture; i += all || i ? 1 : narchitecture - 1) {
        struct buf image = {0};
        nvrtc_compile(&nvrtc, source, name, architectures[i], false, &image, e);
        buf_free(&image);
        if (e->status != OK) return e->status;
        compiled++;
    }
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

/* ---- products ------------------------------------------------------------------------------------------------------- */

static void run_on_paper(struct device *d, const struct op *op, const struct shape *a, const struct shape *b,
                         const union op_attrs *attrs) {
    struct err e = {0};
    struct tensor *in[2];
    assert_ok(tensor_new(d, DT_FLOAT32, a, &in[0], &e), &e);
    assert_ok(tensor_new(d, DT_FLOAT32, b, &in[1], &e), &e);
    tensor_release(test_run(d, op, in, 2, attrs));
    tensor_release(in[0]);
    tensor_release(in[1]);
}

static void run_products(struct device *d, int64_t m, int64_t k, int64_t n) {
    run_on_paper(d, &op_matmul, SHAPE_AT(m, k), SHAPE_AT(k, n), &(union op_attrs){0});
    run_on_paper(d, &op_matmul, SHAPE_AT(k, m), SHAPE_AT(n, k),
                 &(union op_attrs){.matmul = {.transpose_a = true, .transpose_b = true}});
}

static void run_convolutions(struct device *d, int64_t cin, int64_t cout) {
    const union op_attrs a = {.window = {.size = {5, 5},
                                         .stride = {1, 1},
                                         .dilation = {1, 1},
                                         .before = {2, 2},
                                         .after = {2, 2},
                                         .groups = 1,
                                         .input = {28, 28}}};
    const struct shape *x = SHAPE_AT(128, 28, 28, cin), *kernel = SHAPE_AT(5, 5, cin, cout);
    const struct shape *y = SHAPE_AT(128, 28, 28, cout);
    run_on_paper(d, &op_conv2d, x, kernel, &a);
    run_on_paper(d, &op_conv2d_grad_input, y, kernel, &a);
    run_on_paper(d, &op_conv2d_grad_kernel, x, y, &a);
}

/* Of each tile, and where operands are whole vectors and where not. */
static void measure_products(struct device *d) {
    run_products(d, 4096, 512, 4096);
    run_products(d, 4097, 513, 4097);
    run_convolutions(d, 64, 128);
    run_convolutions(d, 67, 127);
    run_convolutions(d, 3, 128);
    run_convolutions(d, 64, 64);
    if (!all) return;
    run_products(d, 4096, 512, 64);
    run_products(d, 64, 64, 64);
    run_products(d, 63, 63, 63);
    run_convolutions(d, 1, 64);
    run_convolutions(d, 1, 1);
}

static void test_products_spill_nothing(void **state) {
    (void)state;
    needs_nvrtc();
    struct err e = {0};
    struct device *d;
    measuring = true;
    assert_ok(gpu_open(&paper, device_driver_find("cuda"), 0, true, &d, &e), &e);
    for (int tf32 = 0; tf32 < 2; tf32++) {
        measured = most_registers = most_spilled = 0;
        assert_ok(d->driver->set_precision(d, tf32 ? "tf32" : "float32", &e), &e);
        measure_products(d);
        print_message("%s: %d products measured, at most %d registers, %d bytes spilled\n", d->precision, measured,
                      most_registers, most_spilled);
    }
    d->driver->close(d);
    measuring = false;
    if (measured) return;
    print_message("[  SKIPPED ] this NVRTC does not report registers\n");
    skip();
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_all_compile),
        cmocka_unit_test(test_products_spill_nothing),
    };
    return cmocka_run_group_tests(tests, open_all, test_cpus_close);
}
