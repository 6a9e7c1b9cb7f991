/* Combinations of steps: what they compute, bit for bit, and where they may not be used. */
#include <string.h>

#include "graph/graph.h"
#include "support/cpu.h"

enum { NIN = 4 };

/* A region of steps over NIN operands. */
struct region {
    int nstep, nout, out[8];
    struct graph_step step[8];
};

static struct graph_fused fused(struct region *r) {
    return (struct graph_fused){.nstep = r->nstep, .step = r->step, .nout = r->nout, .out = r->out};
}

static void add_step(struct region *r, const struct op *op, int a, int b, enum dtype d) {
    r->step[r->nstep++] = (struct graph_step){.op = op, .nin = op->nin, .in = {a, b}, .dtype = d};
}

static void leaves(struct region *r, int step) {
    r->out[r->nout++] = step;
}

/* Where Adam moves a mean (operand 0) towards its gradient (1): 0 + (1 - 0) * 2. */
static struct region towards(enum dtype d) {
    struct region r = {0};
    add_step(&r, &op_sub, 1, 0, d);
    add_step(&r, &op_mul, NIN, 2, d);
    add_step(&r, &op_add, 0, NIN + 1, d);
    leaves(&r, 2);
    return r;
}

static const struct cpu_combination *at(struct region *r, int first, int operand[CPU_COMBINED]) {
    const struct graph_fused f = fused(r);
    return cpu_combination_of((struct cpu *)test_cpu[0], &f, NIN, first, operand);
}

static void finds_a_mean_that_moves(void **state) {
    (void)state;
    int operand[CPU_COMBINED];
    struct region r = towards(DT_FLOAT32);
    const struct cpu_combination *c = at(&r, 0, operand);
    assert_non_null(c);
    assert_int_equal(c->nstep, 3);
    assert_int_equal(operand[0], 0);
    assert_int_equal(operand[1], 1);
    assert_int_equal(operand[2], 2);
    assert_null(at(&r, 1, operand));
    assert_null(at(&r, 2, operand));
}

static void leaves_what_others_read(void **state) {
    (void)state;
    int operand[CPU_COMBINED];
    struct region r = towards(DT_FLOAT32);
    leaves(&r, 0);
    assert_null(at(&r, 0, operand));
    r = towards(DT_FLOAT32);
    leaves(&r, 1);
    assert_null(at(&r, 0, operand));
    r = towards(DT_FLOAT32);
    add_step(&r, &op_mul, NIN + 2, NIN + 1, DT_FLOAT32);
    assert_null(at(&r, 0, operand));
}

static void wants_its_own_wiring(void **state) {
    (void)state;
    int operand[CPU_COMBINED];
    struct region r = towards(DT_INT32);
    assert_null(at(&r, 0, operand)); /* no loop */
    r = towards(DT_FLOAT32);
    r.step[2].in[0] = 3; /* another mean than was subtracted */
    assert_null(at(&r, 0, operand));
    r = towards(DT_FLOAT32);
    r.step[1].in[1] = NIN; /* the factor is a result within */
    assert_null(at(&r, 0, operand));
    r = towards(DT_FLOAT32);
    r.nstep = 2;
    assert_null(at(&r, 0, operand));
}

/* The combination as a region, its operands a, b, c being 0, 1, 2. */
static struct region region_of(const struct cpu_combination *c, enum dtype d, const struct cpu *cpu) {
    struct region r = {0};
    for (int s = 0; s < c->nstep; s++) {
        int in[2] = {0};
        for (int i = 0; c->step[s].in[i]; i++)
            in[i] = c->step[s].in[i] < 'a' ? NIN + c->step[s].in[i] - '0' : c->step[s].in[i] - 'a';
        const struct op *op = NULL;
        for (int i = 0; i < cpu->nslot; i++)
            if (strcmp(cpu->slot[i].op->name, c->step[s].op) == 0) op = cpu->slot[i].op;
        assert_non_null(op);
        add_step(&r, op, in[0], in[1], d);
    }
    leaves(&r, c->nstep - 1);
    return r;
}

static struct tensor *run_region(struct device *d, const struct graph_fused *f, struct tensor *const *x) {
    struct err e = {0};
    struct tensor *y;
    assert_ok(tensor_new(d, x[0]->dtype, &x[0]->shape, &y, &e), &e);
    struct cpu_elementwise *w = cpu_elementwise_new((struct cpu *)d, f, x, NIN, &y, NULL, &e);
    if (!w) fail_msg("%s", e.text);
    const void *in[NIN];
    for (int i = 0; i < NIN; i++) in[i] = tensor_data(x[i]);
    void *out = tensor_data(y);
    assert_ok(cpu_elementwise_run((struct cpu *)d, w, in, &out, NULL, &e), &e);
    cpu_elementwise_free(w);
    return y;
}

/* Step by step, each an op of its own. */
static struct tensor *run_steps(struct device *d, const struct graph_fused *f, struct tensor *const *x) {
    struct tensor *value[NIN + 8];
    memcpy(value, x, NIN * sizeof *x);
    for (int s = 0; s < f->nstep; s++) {
        const struct graph_step *step = &f->step[s];
        struct tensor *in[2] = {value[step->in[0]], value[step->in[1]]};
        value[NIN + s] = test_run(d, step->op, in, step->nin, NULL);
    }
    for (int s = 0; s < f->nstep - 1; s++) tensor_release(value[NIN + s]);
    return value[NIN + f->nstep - 1];
}

static void computes_what_its_steps_do(struct device *d, const struct cpu_combination *c, enum dtype t) {
    struct tensor *x[NIN];
    int operand[CPU_COMBINED];
    struct region r = region_of(c, t, (struct cpu *)d);
    const struct graph_fused f = fused(&r);
    assert_ptr_equal(cpu_combination_of((struct cpu *)d, &f, NIN, 0, operand), c);
    for (int i = 0; i < NIN; i++) x[i] = test_random(d, t, shape_of(1, (int64_t[]){1237}), 0.001, 3, 7 + (uint64_t)i);
    struct tensor *together = run_region(d, &f, x), *apart = run_steps(d, &f, x);
    test_same_bits(together, apart);
    tensor_release(together);
    tensor_release(apart);
    for (int i = 0; i < NIN; i++) tensor_release(x[i]);
}

static void every_combination_computes_what_its_steps_do(void **state) {
    (void)state;
    for (int i = 0; i < test_ncpu; i++)
        for (const struct cpu_combination *c = ((struct cpu *)test_cpu[i])->isa->combinations; c->nstep; c++)
            for (int t = 0; t < DT_COUNT; t++)
                if (c->loops.fn[t]) computes_what_its_steps_do(test_cpu[i], c, (enum dtype)t);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(finds_a_mean_that_moves),
        cmocka_unit_test(leaves_what_others_read),
        cmocka_unit_test(wants_its_own_wiring),
        cmocka_unit_test(every_combination_computes_what_its_steps_do),
    };
    return cmocka_run_group_tests(tests, test_cpus_open, test_cpus_close);
}
