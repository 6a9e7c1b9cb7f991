/* Every convolution algorithm, in every pass that it supports, against plain loops in double: strides, dilation, groups,
 * uneven padding, rows that are left out, one pixel, no image; the same bits on any number of threads. */
#include "device/cpu/conv.h"

#include <math.h>
#include <stdlib.h>

#include "base/mem.h"
#include "support/conv.h"
#include "support/cpu.h"

static const struct {
    struct shape x, k;
    struct op_window w;
} cases[] = {
    /* LARGE of them: results of more than 4 MB, which are written past the caches. */
    {{4, {1, 100, 132, 1}}, {4, {3, 3, 1, 80}}, {.stride = {1, 1}, .dilation = {1, 1}, {1, 1}, {1, 1}, .groups = 1}},
    {{4, {1, 100, 132, 80}}, {4, {3, 3, 80, 1}}, {.stride = {1, 1}, .dilation = {1, 1}, {1, 1}, {1, 1}, .groups = 1}},
    {{4, {2, 11, 10, 83}}, {4, {3, 3, 1, 83}}, {.stride = {1, 1}, .dilation = {1, 1}, {1, 1}, {1, 1}, .groups = 83}},
    {{4, {2, 9, 8, 37}}, {4, {3, 2, 1, 74}}, {.stride = {2, 3}, .dilation = {1, 1}, {0, 1}, {1, 0}, .groups = 37}},
    {{4, {40, 7, 7, 16}}, {4, {5, 5, 1, 16}}, {.stride = {1, 1}, .dilation = {2, 1}, {3, 2}, {4, -1}, .groups = 16}},
    {{4, {1, 4, 3, 2}}, {4, {7, 3, 1, 6}}, {.stride = {1, 2}, .dilation = {1, 1}, {3, 1}, {3, 0}, .groups = 2}},
    {{4, {2, 7, 6, 3}}, {4, {5, 5, 3, 4}}, {.stride = {1, 1}, .dilation = {1, 1}, {2, 2}, {2, 2}, .groups = 1}},
    {{4, {3, 14, 14, 16}}, {4, {5, 5, 16, 32}}, {.stride = {1, 1}, .dilation = {1, 1}, {2, 2}, {2, 2}, .groups = 1}},
    {{4, {2, 9, 11, 5}}, {4, {3, 2, 5, 7}}, {.stride = {2, 3}, .dilation = {1, 1}, {0, 1}, {1, 0}, .groups = 1}},
    {{4, {2, 9, 8, 2}}, {4, {3, 3, 2, 5}}, {.stride = {1, 1}, .dilation = {2, 3}, {1, 3}, {0, 2}, .groups = 1}},
    {{4, {2, 8, 8, 4}}, {4, {3, 3, 4, 6}}, {.stride = {2, 2}, .dilation = {2, 3}, {2, 2}, {2, 2}, .groups = 1}},
    {{4, {2, 5, 5, 6}}, {4, {2, 2, 2, 9}}, {.stride = {1, 2}, .dilation = {1, 1}, {0, 0}, {0, 1}, .groups = 3}},
    {{4, {1, 6, 6, 4}}, {4, {3, 3, 1, 4}}, {.stride = {1, 1}, .dilation = {1, 1}, {1, 1}, {1, 1}, .groups = 4}},
    {{4, {2, 4, 5, 20}}, {4, {1, 1, 20, 3}}, {.stride = {1, 1}, .dilation = {1, 1}, {0, 0}, {0, 0}, .groups = 1}},
    {{4, {2, 5, 5, 4}}, {4, {1, 1, 4, 3}}, {.stride = {3, 2}, .dilation = {1, 1}, {0, 0}, {0, 0}, .groups = 1}},
    {{4, {1, 4, 4, 1}}, {4, {4, 4, 1, 1}}, {.stride = {1, 1}, .dilation = {1, 1}, {0, 0}, {0, 0}, .groups = 1}},
    {{4, {1, 2, 2, 1}}, {4, {3, 3, 1, 2}}, {.stride = {1, 1}, .dilation = {1, 1}, {5, 4}, {3, 5}, .groups = 1}},
    {{4, {0, 5, 5, 3}}, {4, {3, 3, 3, 2}}, {.stride = {1, 1}, .dilation = {1, 1}, {0, 0}, {0, 0}, .groups = 1}},
    {{4, {3, 13, 10, 70}}, {4, {3, 3, 70, 20}}, {.stride = {1, 1}, .dilation = {1, 1}, {1, 1}, {1, 1}, .groups = 1}},
    {{4, {9, 26, 27, 5}}, {4, {3, 3, 5, 80}}, {.stride = {1, 1}, .dilation = {1, 1}, {0, 2}, {0, 1}, .groups = 1}},
    {{4, {2, 3, 3, 16}}, {4, {3, 3, 16, 16}}, {.stride = {1, 1}, .dilation = {1, 1}, {0, 0}, {0, 0}, .groups = 1}},
    {{4, {3, 2, 2, 40}}, {4, {7, 7, 40, 24}}, {.stride = {1, 1}, .dilation = {1, 1}, {3, 3}, {3, 3}, .groups = 1}},
    {{4, {2, 1, 3, 20}}, {4, {5, 7, 20, 18}}, {.stride = {1, 1}, .dilation = {1, 1}, {2, 3}, {2, 3}, .groups = 1}},
    {{4, {3, 13, 13, 32}}, {4, {3, 3, 32, 16}}, {.stride = {1, 1}, .dilation = {1, 1}, {0, 0}, {-1, -1}, .groups = 1}},
    {{4, {2, 25, 31, 16}}, {4, {3, 3, 16, 17}}, {.stride = {1, 1}, .dilation = {1, 1}, {1, 0}, {-3, -9}, .groups = 1}},
    {{4, {2, 9, 9, 20}}, {4, {5, 5, 20, 18}}, {.stride = {1, 1}, .dilation = {1, 1}, {2, 0}, {1, -4}, .groups = 1}},
    {{4, {2, 9, 8, 3}}, {4, {3, 2, 3, 18}}, {.stride = {2, 1}, .dilation = {1, 2}, {0, 1}, {-3, -2}, .groups = 1}},
    {{4, {2, 5, 6, 3}}, {4, {1, 1, 3, 4}}, {.stride = {1, 1}, .dilation = {1, 1}, {0, 0}, {-1, -1}, .groups = 1}},
    {{4, {260, 4, 4, 16}}, {4, {3, 3, 16, 16}}, {.stride = {1, 1}, .dilation = {1, 1}, {1, 1}, {1, 1}, .groups = 1}},
    {{4, {40, 28, 28, 1}}, {4, {5, 5, 1, 16}}, {.stride = {1, 1}, .dilation = {1, 1}, {2, 2}, {2, 2}, .groups = 1}},
};
enum { NCASE = sizeof cases / sizeof *cases, LARGE = 2 };

static struct shape output_shape(int k) {
    const struct op_window *w = &cases[k].w;
    struct shape y = SHAPE(cases[k].x.dim[0], 0, 0, cases[k].k.dim[3]);
    for (int d = 0; d < 2; d++)
        y.dim[d + 1] =
            (cases[k].x.dim[d + 1] + w->before[d] + w->after[d] - ((cases[k].k.dim[d] - 1) * w->dilation[d] + 1)) /
                w->stride[d] +
            1;
    return y;
}

/* What the operands look like: what defeats a careless fast algorithm is a large mean, a wide range, denormals. */
enum numbers { EVEN, LARGE_MEAN, WIDE_RANGE, DENORMAL, NUMBERS };

static void make_numbers(struct tensor *t, enum numbers kind, bool second) {
    for (int64_t i = 0; i < tensor_size(t); i++) {
        double x = test_at(t, i);
        if (kind == LARGE_MEAN) x += 100;
        if (kind == WIDE_RANGE) x = copysign(pow(10, 4 * fabs(x) - 2), x);
        if (kind == DENORMAL && !second) x *= 1e-38;
        if (t->dtype == DT_FLOAT32)
            ((float *)tensor_data(t))[i] = (float)x;
        else
            ((double *)tensor_data(t))[i] = x;
    }
}

/* A pass of a case: its op, operands, and what should come out. */
struct trial {
    const struct op *op;
    union op_attrs attrs;
    struct tensor *in[2];
    double *want, scale; /* scale: the largest sum of |products| */
    int64_t n;
};

static double *as_double(const struct tensor *t) {
    double *x = malloc(sizeof *x * (size_t)(tensor_size(t) + 1));
    for (int64_t i = 0; i < tensor_size(t); i++) x[i] = test_at(t, i);
    return x;
}

static void trial_open(struct trial *t, int k, enum cpu_conv_pass pass, enum dtype d, enum numbers kind) {
    static const struct op *const ops[] = {&op_conv2d, &op_conv2d_grad_input, &op_conv2d_grad_kernel};
    const struct shape y = output_shape(k), *x = &cases[k].x, *kernel = &cases[k].k;
    const struct shape a = pass == CPU_CONV_GRAD_INPUT ? y : *x, b = pass == CPU_CONV_GRAD_KERNEL ? y : *kernel;
    const struct shape *out = pass == CPU_CONV_FORWARD ? &y : pass == CPU_CONV_GRAD_INPUT ? x : kernel;
    *t = (struct trial){.op = ops[pass], .attrs.window = cases[k].w, .n = shape_size(out)};
    for (int i = 0; i < 2; i++) {
        t->attrs.window.input[i] = x->dim[i + 1];
        t->attrs.window.size[i] = kernel->dim[i];
    }
    t->in[0] = test_random(test_cpu[0], d, a, -1, 1, 1);
    t->in[1] = test_random(test_cpu[0], d, b, -1, 1, 2);
    for (int i = 0; i < 2; i++) make_numbers(t->in[i], kind, i == 1);
    double *da = as_double(t->in[0]), *db = as_double(t->in[1]);
    t->want = malloc(sizeof *t->want * (size_t)(t->n + 1));
    for (int64_t i = 0; i < shape_size(&a); i++) da[i] = fabs(da[i]);
    for (int64_t i = 0; i < shape_size(&b); i++) db[i] = fabs(db[i]);
    conv_reference((enum conv_pass)pass, x, kernel, &y, &cases[k].w, da, db, t->want);
    for (int64_t i = 0; i < t->n; i++) t->scale = fmax(t->scale, t->want[i]);
    for (int64_t i = 0; i < shape_size(&a); i++) da[i] = test_at(t->in[0], i);
    for (int64_t i = 0; i < shape_size(&b); i++) db[i] = test_at(t->in[1], i);
    conv_reference((enum conv_pass)pass, x, kernel, &y, &cases[k].w, da, db, t->want);
    free(da);
    free(db);
}

static void trial_close(struct trial *t) {
    tensor_release(t->in[0]);
    tensor_release(t->in[1]);
    free(t->want);
}

static void check(const struct trial *t, const char *who, const struct tensor *out) {
    const double tolerance = (out->dtype == DT_FLOAT32 ? 1e-5 : 1e-13) * t->scale + 1e-43; /* some denormal steps */
    assert_int_equal(tensor_size(out), t->n);
    for (int64_t i = 0; i < t->n; i++)
        if (!(fabs(test_at(out, i) - t->want[i]) <= tolerance))
            fail_msg("%s by %s: element %lld is %.9g, not %.9g", t->op->name, who, (long long)i, test_at(out, i),
                     t->want[i]);
}

static struct cpu_conv geometry_of(const struct trial *t, enum cpu_conv_pass pass, struct op_sig *result) {
    struct err e = {0};
    struct op_sig in[2];
    for (int i = 0; i < 2; i++) in[i] = (struct op_sig){.dtype = t->in[i]->dtype, .shape = t->in[i]->shape};
    assert_ok(op_infer(t->op, in, 2, &t->attrs, result, &e), &e);
    struct tensor out = {.dtype = result->dtype, .shape = result->shape}, *outs[] = {&out};
    const struct op_call call = {t->op, 2, 1, t->in, outs, &t->attrs};
    return cpu_conv_geometry(&call, pass);
}

/* `algorithm` NULL: what the op chooses. NULL where it does not support the pass. */
static struct tensor *run(struct cpu *c, const struct cpu_conv_algorithm *algorithm, const struct trial *t,
                          enum cpu_conv_pass pass) {
    struct err e = {0};
    struct op_sig result;
    struct tensor *out;
    if (!algorithm) return test_run(&c->base, t->op, t->in, 2, &t->attrs);
    const struct cpu_conv g = geometry_of(t, pass, &result);
    if (!algorithm->supports(&g, pass)) return NULL;
    assert_ok(tensor_new(&c->base, result.dtype, &result.shape, &out, &e), &e);
    void *workspace = mem_block_alloc(algorithm->workspace ? algorithm->workspace(c, &g, pass) : 0, &e);
    assert_non_null(workspace);
    assert_ok(
        algorithm->pass[pass](c, &g, tensor_data(t->in[0]), tensor_data(t->in[1]), tensor_data(out), workspace, &e),
        &e);
    mem_block_free(workspace);
    return out;
}

static void check_everywhere(const struct cpu_conv_algorithm *algorithm, const struct trial *t,
                             enum cpu_conv_pass pass) {
    struct tensor *first = NULL;
    for (int i = 0; i < test_ncpu; i++) {
        struct cpu *c = (struct cpu *)test_cpu[i];
        struct tensor *out = run(c, algorithm, t, pass);
        if (!out) return;
        check(t, algorithm ? algorithm->name : "the op", out);
        if (!first) {
            first = out;
            continue;
        }
        if (c->isa == ((struct cpu *)test_cpu[0])->isa) test_same_bits(first, out);
        tensor_release(out);
    }
    tensor_release(first);
}

static void check_all(const struct cpu_conv_algorithm *algorithm, enum dtype d, enum numbers kind) {
    for (int k = d == DT_FLOAT32 && kind == EVEN ? 0 : LARGE; k < NCASE; k++)
        for (int pass = 0; pass < 3; pass++) {
            struct trial t;
            trial_open(&t, k, pass, d, kind);
            check_everywhere(algorithm, &t, pass);
            trial_close(&t);
        }
}

static void the_ops(void **state) {
    (void)state;
    for (enum dtype d = DT_FLOAT32; d <= DT_FLOAT64; d++) check_all(NULL, d, EVEN);
}

static void each_algorithm(void **state) {
    (void)state;
    for (int i = 0; cpu_conv_algorithms[i]; i++)
        for (enum dtype d = DT_FLOAT32; d <= DT_FLOAT64; d++) check_all(cpu_conv_algorithms[i], d, EVEN);
}

static void adversarial_numbers(void **state) {
    (void)state;
    for (int i = 0; cpu_conv_algorithms[i]; i++)
        for (enum numbers kind = LARGE_MEAN; kind < NUMBERS; kind++)
            check_all(cpu_conv_algorithms[i], DT_FLOAT32, kind);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_ops),
        cmocka_unit_test(each_algorithm),
        cmocka_unit_test(adversarial_numbers),
    };
    return cmocka_run_group_tests(tests, test_cpus_open, test_cpus_close);
}
