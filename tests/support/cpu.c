/* See cpu.h. */
#include "support/cpu.h"

#include <math.h>
#include <string.h>

struct device *test_cpu[TEST_CPUS];
int test_ncpu;

int test_cpus_open(void **state) {
    (void)state;
    static const struct {
        const char *isa;
        int threads;
    } all[TEST_CPUS] = {{"portable", 1}, {"portable", 2}, {"portable", 3}, {"avx2", 2}, {"avx512", 2}};
    for (int i = 0; i < TEST_CPUS; i++) {
        struct err e = {0};
        const enum status s = cpu_open(all[i].isa, all[i].threads, &test_cpu[test_ncpu], &e);
        if (s == OK)
            test_ncpu++;
        else if (s != ERR_UNSUPPORTED || i == 0)
            return -1;
    }
    return 0;
}

int test_cpus_close(void **state) {
    (void)state;
    while (test_ncpu > 0) {
        test_ncpu--;
        test_cpu[test_ncpu]->driver->close(test_cpu[test_ncpu]);
    }
    return 0;
}

struct tensor *test_tensor(struct device *d, enum dtype t, struct shape s, const void *bytes) {
    struct err e = {0};
    struct tensor *out;
    if (tensor_from(d, t, &s, bytes, &out, &e) != OK) fail_msg("%s", e.text);
    return out;
}

static void put(void *data, int64_t i, enum dtype t, double x) {
    switch (t) {
    case DT_BOOL: ((uint8_t *)data)[i] = x != 0; break;
    case DT_UINT8: ((uint8_t *)data)[i] = (uint8_t)(int64_t)floor(x); break;
    case DT_INT32: ((int32_t *)data)[i] = (int32_t)floor(x); break;
    case DT_INT64: ((int64_t *)data)[i] = (int64_t)floor(x); break;
    case DT_FLOAT32: ((float *)data)[i] = (float)x; break;
    default: ((double *)data)[i] = x; break;
    }
}

/* Steele, Lea and Flood 2014: splitmix64. */
static double uniform(uint64_t *state) {
    uint64_t z = *state += 0x9e3779b97f4a7c15u;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return (double)((z ^ z >> 31) >> 11) * 0x1p-53;
}

struct tensor *test_random(struct device *d, enum dtype t, struct shape s, double low, double high, uint64_t seed) {
    struct err e = {0};
    struct tensor *out;
    if (tensor_new(d, t, &s, &out, &e) != OK) fail_msg("%s", e.text);
    for (int64_t i = 0; i < tensor_size(out); i++) {
        const double u = uniform(&seed);
        put(tensor_data(out), i, t, t == DT_BOOL ? u < 0.5 : low + (high - low) * u);
    }
    return out;
}

double test_at(const struct tensor *t, int64_t i) {
    int64_t place = 0;
    for (int d = t->shape.rank - 1; d >= 0; d--) {
        place += i % t->shape.dim[d] * t->stride[d];
        i /= t->shape.dim[d];
    }
    const void *data = tensor_data(t);
    switch (t->dtype) {
    case DT_BOOL:
    case DT_UINT8: return ((const uint8_t *)data)[place];
    case DT_INT32: return ((const int32_t *)data)[place];
    case DT_INT64: return (double)((const int64_t *)data)[place];
    case DT_FLOAT32: return (double)((const float *)data)[place];
    default: return ((const double *)data)[place];
    }
}

/* All outputs, which the caller releases; none after an error. */
static enum status run_all(struct device *d, const struct op *op, struct tensor *const *in, int nin,
                           const union op_attrs *attrs, struct tensor **out, struct err *e) {
    static const union op_attrs none;
    struct op_sig sig[OP_MAX_IN], result[OP_MAX_OUT];
    uint64_t ticket;
    int made = 0;
    for (int i = 0; i < nin; i++) sig[i] = (struct op_sig){.dtype = in[i]->dtype, .shape = in[i]->shape};
    if (op_infer(op, sig, nin, attrs, result, e) != OK) return e->status;
    while (made < op->nout && tensor_new(d, result[made].dtype, &result[made].shape, &out[made], e) == OK) made++;
    const struct op_call call = {
        .op = op, .nin = nin, .nout = op->nout, .in = in, .out = out, .attrs = attrs ? attrs : &none};
    if (e->status == OK && d->driver->run(d, &call, &ticket, e) == OK) return OK;
    while (made > 0) tensor_release(out[--made]);
    return e->status;
}

enum status test_try(struct device *d, const struct op *op, struct tensor *const *in, int nin,
                     const union op_attrs *attrs, struct tensor **out, struct err *e) {
    struct tensor *all[OP_MAX_OUT];
    *out = NULL;
    if (run_all(d, op, in, nin, attrs, all, e) != OK) return e->status;
    *out = all[0];
    for (int k = 1; k < op->nout; k++) tensor_release(all[k]);
    return OK;
}

struct tensor *test_run_output(struct device *d, const struct op *op, struct tensor *const *in, int nin,
                               const union op_attrs *attrs, int which) {
    struct err e = {0};
    struct tensor *all[OP_MAX_OUT];
    if (run_all(d, op, in, nin, attrs, all, &e) != OK) fail_msg("%s: %s", op->name, e.text);
    for (int k = 0; k < op->nout; k++)
        if (k != which) tensor_release(all[k]);
    return all[which];
}

struct tensor *test_run(struct device *d, const struct op *op, struct tensor *const *in, int nin,
                        const union op_attrs *attrs) {
    return test_run_output(d, op, in, nin, attrs, 0);
}

struct tensor *test_everywhere(const struct op *op, struct tensor *const *in, int nin, const union op_attrs *attrs,
                               bool all) {
    struct tensor *first = test_run(test_cpu[0], op, in, nin, attrs);
    for (int c = 1; c < test_ncpu; c++) {
        const bool portable = ((struct cpu *)test_cpu[c])->isa == ((struct cpu *)test_cpu[0])->isa;
        struct tensor *other = test_run(test_cpu[c], op, in, nin, attrs);
        if (all || portable) test_same_bits(first, other);
        tensor_release(other);
    }
    return first;
}

void test_same_bits(const struct tensor *a, const struct tensor *b) {
    assert_int_equal(a->dtype, b->dtype);
    assert_true(shape_equal(&a->shape, &b->shape));
    if (tensor_bytes(a)) assert_memory_equal(tensor_data(a), tensor_data(b), tensor_bytes(a));
}
