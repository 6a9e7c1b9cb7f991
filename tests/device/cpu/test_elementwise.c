/* Every elementwise op and dtype against formulas in double, over layouts, instruction sets and thread counts. */
#include <float.h>
#include <math.h>
#include <string.h>

#include "support/cpu.h"

/* ---- what each op should give ------------------------------------------------------------------------------------- */

static double softplus(double x) {
    return fmax(x, 0) + log1p(exp(-fabs(x)));
}
static double remainder_of(double a, double b) {
    return a - b * floor(a / b);
}
static double maximum(double a, double b) {
    return isnan(a) || a > b ? a : b;
}
static double minimum(double a, double b) {
    return isnan(a) || a < b ? a : b;
}

/* The result in double, for values of `d`; int32 and int64 are small enough not to wrap. */
static double expected(const char *op, enum dtype d, const double *x, const union op_attrs *attrs) {
    const double a = x[0], b = x[1];
    const bool integer = !dtype_is_float(d), boolean = d == DT_BOOL;
    const int64_t ia = integer ? (int64_t)a : 0, ib = integer ? (int64_t)b : 0;
#define GIVES(name, value)                                                                                             \
    if (strcmp(op, name) == 0) return value;
    GIVES("add", boolean ? (a || b) : a + b)
    GIVES("sub", a - b)
    GIVES("mul", a * b)
    GIVES("div", a / b)
    GIVES("floor_divide", integer && b == 0 ? 0 : floor(a / b))
    GIVES("mod", integer && b == 0 ? 0 : remainder_of(a, b))
    GIVES("pow", pow(a, b))
    GIVES("maximum", maximum(a, b))
    GIVES("minimum", minimum(a, b))
    GIVES("eq", a == b)
    GIVES("ne", a != b)
    GIVES("lt", a < b)
    GIVES("le", a <= b)
    GIVES("gt", a > b)
    GIVES("ge", a >= b)
    GIVES("logical_and", a && b)
    GIVES("logical_or", a || b)
    GIVES("logical_xor", !a != !b)
    GIVES("logical_not", !a)
    GIVES("bitwise_and", (double)(ia & ib))
    GIVES("bitwise_or", (double)(ia | ib))
    GIVES("bitwise_xor", (double)(ia ^ ib))
    GIVES("invert", boolean ? !a : d == DT_UINT8 ? 255 - a : (double)~ia)
    GIVES("neg", -a)
    GIVES("abs", fabs(a))
    GIVES("sign", (a > 0) - (a < 0))
    GIVES("square", a * a)
    GIVES("reciprocal", 1 / a)
    GIVES("sqrt", sqrt(a))
    GIVES("rsqrt", 1 / sqrt(a))
    GIVES("exp", exp(a))
    GIVES("expm1", expm1(a))
    GIVES("log", log(a))
    GIVES("log1p", log1p(a))
    GIVES("log2", log2(a))
    GIVES("log10", log10(a))
    GIVES("erf", erf(a))
    GIVES("sin", sin(a))
    GIVES("cos", cos(a))
    GIVES("tan", tan(a))
    GIVES("arcsin", asin(a))
    GIVES("arccos", acos(a))
    GIVES("arctan", atan(a))
    GIVES("arctan2", atan2(a, b))
    GIVES("sinh", sinh(a))
    GIVES("cosh", cosh(a))
    GIVES("tanh", tanh(a))
    GIVES("floor", floor(a))
    GIVES("ceil", ceil(a))
    GIVES("round", rint(a))
    GIVES("trunc", trunc(a))
    GIVES("isnan", isnan(a))
    GIVES("isinf", isinf(a))
    GIVES("isfinite", isfinite(a))
    GIVES("sigmoid", 1 / (1 + exp(-a)))
    GIVES("softplus", softplus(a))
    GIVES("relu", a > 0 ? a : 0)
    GIVES("elu", a > 0 ? a : attrs->scalar * expm1(a))
    GIVES("where", a ? b : x[2])
    GIVES("copy", a)
    GIVES("cast", a)
    fail_msg("no formula for %s", op);
    return 0;
}

static double tolerance(enum dtype d, double value) {
    return (d == DT_FLOAT32 ? 4e-7 : d == DT_FLOAT64 ? 4e-15 : 0) * fmax(fabs(value), 1);
}

/* ---- inputs ------------------------------------------------------------------------------------------------------- */

static bool is(const struct op *op, const char *name) {
    return strcmp(op->name, name) == 0;
}

static void range(const struct op *op, enum dtype d, double *low, double *high) {
    *low = -3, *high = 3;
    if (d == DT_UINT8 || is(op, "sqrt") || is(op, "rsqrt") || strncmp(op->name, "log", 3) == 0) *low = 0.1;
    if (is(op, "pow")) *low = d == DT_FLOAT32 || d == DT_FLOAT64 ? 0.1 : 0;
    if (strncmp(op->name, "arc", 3) == 0) *low = -1, *high = 1;
}

static struct tensor *input(struct device *d, const struct op *op, enum dtype t, struct shape s, int i) {
    double low, high;
    range(op, t, &low, &high);
    if (op->conditions >> i & 1) t = DT_BOOL;
    return test_random(d, t, s, low, high, (uint64_t)(1 + i));
}

/* The result of broadcasting element i of the output back to t. */
static double broadcast_at(const struct tensor *t, const struct shape *out, int64_t i) {
    int64_t at = 0, step = 1;
    const int missing = out->rank - t->shape.rank;
    for (int d = out->rank - 1; d >= missing; d--) {
        const int64_t dim = t->shape.dim[d - missing];
        at += (dim == 1 ? 0 : i % out->dim[d]) * step;
        step *= dim;
        i /= out->dim[d];
    }
    return test_at(t, at);
}

static void check_call(const struct op *op, enum dtype d, struct tensor *const *in, const union op_attrs *attrs) {
    struct tensor *first = NULL;
    for (int c = 0; c < test_ncpu; c++) {
        struct tensor *out = test_run(test_cpu[c], op, in, op->nin, attrs);
        if (first) {
            test_same_bits(first, out);
            tensor_release(out);
            continue;
        }
        first = out;
        for (int64_t i = 0; i < tensor_size(out); i++) {
            double x[3] = {0};
            for (int k = 0; k < op->nin; k++) x[k] = broadcast_at(in[k], &out->shape, i);
            double y = expected(op->name, d, x, attrs);
            const double got = test_at(out, i);
            if (out->dtype == DT_UINT8) y -= 256 * floor(y / 256);
            if (!(fabs(got - y) <= tolerance(d, y)))
                fail_msg("%s of %s: %g, %g gives %.17g, not %.17g", op->name, dtype_name(d), x[0], x[1], got, y);
        }
    }
    tensor_release(first);
}

/* ---- tests -------------------------------------------------------------------------------------------------------- */

static void each_dtype(void (*check)(const struct op *, enum dtype, const union op_attrs *)) {
    for (int o = 0; op_registry[o]; o++) {
        const struct op *op = op_registry[o];
        union op_attrs attrs = {0};
        if (is(op, "elu")) attrs.scalar = 0.7;
        for (enum dtype d = 0; d < DT_COUNT; d++) {
            if (is(op, "cast")) attrs.full.dtype = d;
            if (op->flags & OP_ELEMENTWISE && op->dtypes >> d & 1) check(op, d, &attrs);
        }
    }
}

static void check_slot(const struct op *op, enum dtype d, const union op_attrs *attrs) {
    (void)attrs;
    const struct cpu_slot *s = cpu_slot((struct cpu *)test_cpu[0], op);
    if (!s || !s->loops || !s->loops->fn[d]) fail_msg("no loop for %s of %s", op->name, dtype_name(d));
}

static void every_op_has_loops(void **state) {
    (void)state;
    each_dtype(check_slot);
}

/* Contiguous, a scalar, a row, a column, an inner and an outer dimension repeated; more than one chunk and grain. */
static void check_shapes(const struct op *op, enum dtype d, const union op_attrs *attrs) {
    static const struct shape shapes[][3] = {
        {{1, {37}}, {1, {37}}, {1, {37}}},
        {{2, {130, 150}}, {2, {130, 150}}, {2, {130, 150}}},
        {{2, {33, 64}}, {1, {64}}, {0}},
        {{2, {33, 1}}, {2, {1, 70}}, {1, {70}}},
        {{4, {3, 1, 5, 7}}, {3, {4, 5, 1}}, {1, {7}}},
        {{0}, {0}, {0}},
        {{2, {0, 3}}, {1, {3}}, {0}},
    };
    for (size_t k = 0; k < sizeof shapes / sizeof *shapes; k++) {
        struct tensor *in[3];
        for (int i = 0; i < op->nin; i++) in[i] = input(test_cpu[0], op, d, shapes[k][i], i);
        check_call(op, d, in, attrs);
        for (int i = 0; i < op->nin; i++) tensor_release(in[i]);
    }
}

static void broadcasts(void **state) {
    (void)state;
    each_dtype(check_shapes);
}

/* A transposed, reversed, stepped view of each input. */
static void check_strided(const struct op *op, enum dtype d, const union op_attrs *attrs) {
    struct err e = {0};
    struct tensor *in[3], *base[3];
    for (int i = 0; i < op->nin; i++) {
        base[i] = input(test_cpu[0], op, d, SHAPE(90, 40), i);
        assert_int_equal(tensor_view(base[i], &in[i], &e), OK);
        in[i]->shape = SHAPE(20, 90);
        in[i]->offset = 89 * 40 + i % 2;
        in[i]->stride[0] = 2;
        in[i]->stride[1] = -40;
    }
    check_call(op, d, in, attrs);
    for (int i = 0; i < op->nin; i++) {
        tensor_release(in[i]);
        tensor_release(base[i]);
    }
}

static void strides(void **state) {
    (void)state;
    each_dtype(check_strided);
}

static void check_exact(const struct op *op, struct tensor **in, int nin, const void *expect) {
    for (int c = 0; c < test_ncpu; c++) {
        struct tensor *out = test_run(test_cpu[c], op, in, nin, NULL);
        assert_memory_equal(tensor_data(out), expect, tensor_bytes(out));
        tensor_release(out);
    }
}

static void integers_divide_like_python(void **state) {
    (void)state;
    const int32_t a[] = {7, -7, 7, -7, 5, -5, 0, INT32_MIN, INT32_MIN, 6};
    const int32_t b[] = {2, 2, -2, -2, 0, 0, 0, -1, 0, 3};
    const int32_t quotient[] = {3, -4, -4, 3, 0, 0, 0, INT32_MIN, 0, 2};
    const int32_t rest[] = {1, 1, -1, -1, 0, 0, 0, 0, 0, 0};
    struct tensor *in[] = {test_tensor(test_cpu[0], DT_INT32, SHAPE(10), a),
                           test_tensor(test_cpu[0], DT_INT32, SHAPE(10), b)};
    check_exact(&op_floor_divide, in, 2, quotient);
    check_exact(&op_mod, in, 2, rest);
    tensor_release(in[0]);
    tensor_release(in[1]);
    const int64_t c[] = {INT64_MIN, INT64_MIN, -9, 9}, d[] = {-1, 0, 4, -4};
    const int64_t quotient64[] = {INT64_MIN, 0, -3, -3}, rest64[] = {0, 0, 3, -3};
    struct tensor *wide[] = {test_tensor(test_cpu[0], DT_INT64, SHAPE(4), c),
                             test_tensor(test_cpu[0], DT_INT64, SHAPE(4), d)};
    check_exact(&op_floor_divide, wide, 2, quotient64);
    check_exact(&op_mod, wide, 2, rest64);
    tensor_release(wide[0]);
    tensor_release(wide[1]);
}

static void integers_wrap(void **state) {
    (void)state;
    const uint8_t a[] = {250, 3, 16, 0}, b[] = {10, 5, 17, 1}, sum[] = {4, 8, 33, 1}, less[] = {240, 254, 255, 255};
    const uint8_t product[] = {196, 15, 16, 0};
    struct tensor *in[] = {test_tensor(test_cpu[0], DT_UINT8, SHAPE(4), a),
                           test_tensor(test_cpu[0], DT_UINT8, SHAPE(4), b)};
    check_exact(&op_add, in, 2, sum);
    check_exact(&op_sub, in, 2, less);
    check_exact(&op_mul, in, 2, product);
    tensor_release(in[0]);
    tensor_release(in[1]);
    const int32_t most = INT32_MAX, one = 1, least = INT32_MIN;
    struct tensor *edge[] = {test_tensor(test_cpu[0], DT_INT32, SHAPE(1), &most),
                             test_tensor(test_cpu[0], DT_INT32, SHAPE(1), &one)};
    check_exact(&op_add, edge, 2, &least);
    tensor_release(edge[0]);
    tensor_release(edge[1]);
}

static void nan_wins(void **state) {
    (void)state;
    const float a[] = {NAN, 1, NAN, -1}, b[] = {1, NAN, NAN, -2};
    struct tensor *in[] = {test_tensor(test_cpu[0], DT_FLOAT32, SHAPE(4), a),
                           test_tensor(test_cpu[0], DT_FLOAT32, SHAPE(4), b)};
    for (int c = 0; c < test_ncpu; c++) {
        struct tensor *largest = test_run(test_cpu[c], &op_maximum, in, 2, NULL);
        struct tensor *rectified = test_run(test_cpu[c], &op_relu, in, 1, NULL);
        struct tensor *sign = test_run(test_cpu[c], &op_sign, in, 1, NULL);
        for (int i = 0; i < 3; i++) assert_true(isnan(test_at(largest, i)));
        assert_true(test_at(largest, 3) == -1);
        assert_true(isnan(test_at(rectified, 0)) && test_at(rectified, 3) == 0);
        assert_true(isnan(test_at(sign, 0)) && test_at(sign, 3) == -1);
        tensor_release(largest);
        tensor_release(rectified);
        tensor_release(sign);
    }
    tensor_release(in[0]);
    tensor_release(in[1]);
}

static void negative_integer_powers_are_refused(void **state) {
    (void)state;
    struct err e = {0};
    struct tensor *in[] = {test_random(test_cpu[0], DT_INT32, SHAPE(5000), 1, 5, 1),
                           test_random(test_cpu[0], DT_INT32, SHAPE(5000), -1, 5, 2)};
    struct tensor *out;
    assert_int_equal(test_try(test_cpu[1], &op_pow, in, 2, NULL, &out, &e), ERR_VALUE);
    assert_string_equal(e.text, "pow: an integer to a negative integer power");
    tensor_release(in[0]);
    tensor_release(in[1]);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_op_has_loops),
        cmocka_unit_test(broadcasts),
        cmocka_unit_test(strides),
        cmocka_unit_test(integers_divide_like_python),
        cmocka_unit_test(integers_wrap),
        cmocka_unit_test(nan_wins),
        cmocka_unit_test(negative_integer_powers_are_refused),
    };
    return cmocka_run_group_tests(tests, test_cpus_open, test_cpus_close);
}
