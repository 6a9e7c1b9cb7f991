/* What runs together has the bits of the ops run one by one, on every instruction set and number of threads: reductions
 * and random numbers with the elementwise node beside them, for rows of every width. And the memory that is not needed
 * then. */
#include "support/cpu.h"
#include "support/graphs.h"

static int reduced(struct graph *g, const struct op *op, int x) {
    struct err e = {0};
    const int v = graph_add(g, op, &x, 1, &(union op_attrs){.axes = {1, {0}, false}}, &e);
    if (v < 0) fail_msg("%s", e.text);
    return v;
}

static struct tensor *reduce(const struct op *op, struct tensor *x) {
    return test_run(test_cpu[0], op, &x, 1, &(union op_attrs){.axes = {1, {0}, false}});
}

/* ---- reductions --------------------------------------------------------------------------------------------------- */

/* The mean of x y, which nobody else reads; the sum of x, which the product reads, too; and exp(x), which is needed. */
enum { OUTPUTS = 4 };
static struct graph *sums(struct shape s) {
    struct graph *g = graphs_new();
    const int x = graphs_input(g, s), y = graphs_input(g, s), e = graphs_call(g, &op_exp, 1, x);
    graphs_output(g, reduced(g, &op_sum, x));
    graphs_output(g, reduced(g, &op_mean, graphs_call(g, &op_mul, 2, x, y)));
    graphs_output(g, reduced(g, &op_max, e));
    graphs_output(g, e);
    return g;
}

static void check_rows(int64_t rows, int64_t width) {
    const struct shape s = SHAPE(rows, width);
    struct tensor *in[2] = {test_random(test_cpu[0], DT_FLOAT32, s, -1, 1, 1),
                            test_random(test_cpu[0], DT_FLOAT32, s, -1, 1, 2)};
    struct tensor *product = test_run(test_cpu[0], &op_mul, in, 2, NULL), *got[OUTPUTS];
    struct tensor *power = test_run(test_cpu[0], &op_exp, in, 1, NULL);
    struct tensor *want[OUTPUTS] = {reduce(&op_sum, in[0]), reduce(&op_mean, product), reduce(&op_max, power), power};
    struct graph *g = sums(s);
    for (int c = 0; c < test_ncpu; c++) {
        graphs_execute(test_cpu[c], g, in, got);
        for (int i = 0; i < OUTPUTS; i++) {
            if (i < 2) test_same_bits(want[i], got[i]); /* exp is not the same on every instruction set */
            tensor_release(got[i]);
        }
    }
    graphs_execute(test_cpu[0], g, in, got);
    for (int i = 0; i < OUTPUTS; i++) {
        test_same_bits(want[i], got[i]);
        tensor_release(got[i]);
        tensor_release(want[i]);
    }
    tensor_release(product);
    for (int i = 0; i < 2; i++) tensor_release(in[i]);
    graph_free(g);
}

static void sums_have_the_bits_of_the_ops(void **state) {
    (void)state;
    static const int64_t size[][2] = {{1, 64},    {7, 32},    {1000, 31},  {5000, 32}, {700, 48},  {513, 64},
                                      {300, 100}, {170, 100}, {40, 1000},  {33, 1024}, {20, 1025}, {9, 3000},
                                      {256, 64},  {257, 64},  {1030, 128}, {3, 1},     {2000, 1}};
    for (size_t i = 0; i < sizeof size / sizeof *size; i++) check_rows(size[i][0], size[i][1]);
}

/* (x - mean) squared, in the mean: the mean must be there before the region that it runs beside. */
static void a_sum_is_there_before_it_is_read(void **state) {
    (void)state;
    struct graph *g = graphs_new();
    const int x = graphs_input(g, SHAPE(600, 64)), mean = reduced(g, &op_mean, x);
    const int centred = graphs_call(g, &op_sub, 2, x, mean);
    graphs_output(g, reduced(g, &op_mean, graphs_call(g, &op_square, 1, centred)));
    struct tensor *in = test_random(test_cpu[0], DT_FLOAT32, SHAPE(600, 64), -1, 1, 1), *m = reduce(&op_mean, in), *got;
    struct tensor *d = test_run(test_cpu[0], &op_sub, (struct tensor *[]){in, m}, 2, NULL);
    struct tensor *square = test_run(test_cpu[0], &op_square, &d, 1, NULL), *want = reduce(&op_mean, square);
    graphs_execute(test_cpu[test_ncpu - 1], g, &in, &got);
    test_same_bits(want, got);
    struct tensor *all[] = {in, m, d, square, want, got};
    for (int i = 0; i < 6; i++) tensor_release(all[i]);
    graph_free(g);
}

/* Of sum(x y) nothing is kept in memory but partial sums: a 4 MB product has no place in the arena. */
static void what_is_only_summed_needs_no_memory(void **state) {
    (void)state;
    struct err e = {0};
    struct device_program *p;
    struct graph *g = graphs_new();
    const int x = graphs_input(g, SHAPE(10000, 100)), y = graphs_input(g, SHAPE(10000, 100));
    graphs_output(g, reduced(g, &op_sum, graphs_call(g, &op_mul, 2, x, y)));
    assert_ok(test_cpu[0]->driver->compile(test_cpu[0], g, &p, &e), &e);
    assert_in_range(test_cpu[0]->driver->program_bytes(test_cpu[0], p, NULL), 1, 200000);
    test_cpu[0]->driver->program_free(test_cpu[0], p);
    graph_free(g);
}

/* ---- random numbers ----------------------------------------------------------------------------------------------- */

/* x where random numbers are below y, and its sum; `twice`: the numbers are an output, too. */
static struct graph *masked(int64_t rows, int64_t width, bool twice) {
    struct err e = {0};
    struct graph *g = graphs_new();
    const struct op_sig seeds = {DT_INT64, SHAPE(2)};
    const struct shape s = SHAPE(rows, width);
    const int seed = graph_add_input(g, &seeds, &e), x = graphs_input(g, s), y = graphs_input(g, s);
    const int random = graph_add(g, &op_random_uniform, &seed, 1, &(union op_attrs){.full = {.shape = s}}, &e);
    const int out = graphs_call(g, &op_where, 3, graphs_call(g, &op_lt, 2, random, y), x, y);
    graphs_output(g, out);
    graphs_output(g, reduced(g, &op_sum, out));
    if (twice) graphs_output(g, random);
    assert_ok(graph_optimize(g, GRAPH_FUSE, &e), &e);
    return g;
}

static void check_random(int64_t rows, int64_t width, bool twice, bool joined) {
    const struct shape s = SHAPE(rows, width);
    struct tensor *in[3] = {test_random(test_cpu[0], DT_INT64, SHAPE(2), 0, 1000, 3),
                            test_random(test_cpu[0], DT_FLOAT32, s, -1, 1, 1),
                            test_random(test_cpu[0], DT_FLOAT32, s, 0, 1, 2)};
    struct tensor *random = test_run(test_cpu[0], &op_random_uniform, in, 1, &(union op_attrs){.full = {.shape = s}});
    struct tensor *lower = test_run(test_cpu[0], &op_lt, (struct tensor *[]){random, in[2]}, 2, NULL), *got[3];
    struct tensor *out = test_run(test_cpu[0], &op_where, (struct tensor *[]){lower, in[1], in[2]}, 3, NULL);
    struct tensor *want[3] = {out, reduce(&op_sum, out), random};
    struct graph *g = masked(rows, width, twice);
    assert_int_equal(graphs_runs_with(test_cpu[0], g, "with random_uniform, sum"), joined);
    for (int c = 0; c < test_ncpu; c++) {
        graphs_execute(test_cpu[c], g, in, got);
        for (int i = 0; i < 2 + twice; i++) {
            test_same_bits(want[i], got[i]);
            tensor_release(got[i]);
        }
    }
    struct tensor *all[] = {in[0], in[1], in[2], random, lower, out, want[1]};
    for (int i = 0; i < 7; i++) tensor_release(all[i]);
    graph_free(g);
}

static void random_numbers_are_made_where_they_are_used(void **state) {
    (void)state;
    check_random(1000, 64, false, true);
    check_random(333, 96, false, true);
    check_random(1000, 10, false, false); /* 510 numbers at a time are no whole vectors */
    check_random(1000, 64, true, false);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sums_have_the_bits_of_the_ops),
        cmocka_unit_test(a_sum_is_there_before_it_is_read),
        cmocka_unit_test(what_is_only_summed_needs_no_memory),
        cmocka_unit_test(random_numbers_are_made_where_they_are_used),
    };
    return cmocka_run_group_tests(tests, test_cpus_open, test_cpus_close);
}
