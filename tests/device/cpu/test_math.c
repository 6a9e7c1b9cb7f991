/* float32 elementary functions swept over all exponents against libm's double: at most 2 ulp; special values. */
#include <math.h>
#include <string.h>

#include "support/cpu.h"

static double sigmoid(double x) {
    return 1 / (1 + exp(-x));
}
static double elu(double x) {
    return x > 0 ? x : expm1(x);
}

static const struct {
    const struct op *op;
    double (*exact)(double);
    bool positive; /* its domain */
} functions[] = {
    {&op_exp, exp, false},   {&op_expm1, expm1, false},     {&op_log, log, true},  {&op_log1p, log1p, false},
    {&op_tanh, tanh, false}, {&op_sigmoid, sigmoid, false}, {&op_erf, erf, false}, {&op_elu, elu, false},
};
enum { NFUNCTION = sizeof functions / sizeof *functions };

static const union op_attrs alpha = {.scalar = 1};

/* The distance of y from the exact value in units of its last place. */
static double ulps(float y, double exact) {
    if (isnan(exact)) return isnan(y) ? 0 : INFINITY;
    if (y == (float)exact) return 0;
    if (isinf(y) || isinf((float)exact)) return INFINITY;
    const float next = nextafterf(fabsf((float)exact), INFINITY);
    return fabs((double)y - exact) / (double)(next - fabsf((float)exact));
}

/* Every `step`-th float of one sign. */
static struct tensor *sweep(bool negative, uint32_t step) {
    static uint32_t bits[1 << 20];
    int64_t n = 0;
    for (uint32_t b = 0; b < 0x7f800000 && n < 1 << 20; b += step) bits[n++] = b | (negative ? 0x80000000u : 0);
    return test_tensor(test_cpu[0], DT_FLOAT32, SHAPE(n), bits);
}

static void within_two_ulp(void **state) {
    (void)state;
    for (int sign = 0; sign < 2; sign++) {
        struct tensor *x = sweep(sign, 2081);
        for (int f = 0; f < NFUNCTION; f++) {
            if (sign && functions[f].positive) continue;
            struct tensor *y = test_everywhere(functions[f].op, &x, 1, &alpha, true);
            double worst = 0;
            int64_t at = 0;
            for (int64_t i = 0; i < tensor_size(x); i++) {
                const double u = ulps((float)test_at(y, i), functions[f].exact(test_at(x, i)));
                if (u > worst) worst = u, at = i;
            }
            if (worst > 2)
                fail_msg("%s(%.9g) = %.9g is %.2f ulp off", functions[f].op->name, test_at(x, at), test_at(y, at),
                         worst);
            tensor_release(y);
        }
        tensor_release(x);
    }
}

static void special_values(void **state) {
    (void)state;
    const float values[] = {NAN,    INFINITY, -INFINITY, 0,      -0.0f,   88.7f, 88.8f,
                            -87.5f, -103.9f,  -104.5f,   1e-45f, -1e-45f, 1,     -1};
    enum { N = sizeof values / sizeof *values };
    struct tensor *x = test_tensor(test_cpu[0], DT_FLOAT32, SHAPE(N), values);
    for (int f = 0; f < NFUNCTION; f++)
        for (int c = 0; c < test_ncpu; c++) {
            struct tensor *y = test_run(test_cpu[c], functions[f].op, &x, 1, &alpha);
            for (int i = 0; i < N; i++) {
                const double exact = functions[f].exact(values[i]);
                if (!(ulps((float)test_at(y, i), exact) <= 2))
                    fail_msg("%s(%g) = %g, not %g", functions[f].op->name, (double)values[i], test_at(y, i), exact);
            }
            tensor_release(y);
        }
    tensor_release(x);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(within_two_ulp), cmocka_unit_test(special_values)};
    return cmocka_run_group_tests(tests, test_cpus_open, test_cpus_close);
}
