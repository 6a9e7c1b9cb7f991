/* What a convolution or its gradients do to what they read and store has the bits of the ops run one by one, for each
 * algorithm, on every instruction set and number of threads: bias and relu, relu's gradient; a channel of ones, whose sums run
 * in another order. */
#include <math.h>

#include "device/cpu/tuned.h"
#include "support/pooled.h"

/* A bias, relu and y > 0 behind a convolution, which may be pooled; `steps` of them. */
static struct graph *finished_graph(const struct pooled *p, struct tensor *const *in, bool pools, int steps) {
    struct err e = {0};
    const union op_attrs conv = pooled_conv(p), pool = pooled_pool(p), none = {.full = {.dtype = DT_FLOAT32}};
    struct graph *g = graphs_new();
    int v[3];
    for (int i = 0; i < 3; i++) v[i] = graphs_input(g, in[i]->shape);
    int y = pooled_call(g, &op_conv2d, v[0], v[1], &conv);
    if (pools) y = pooled_call(g, &op_max_pool2d, y, 0, &pool);
    const int zero = graph_add(g, &op_full, NULL, 0, &none, &e);
    y = graphs_call(g, &op_add, 2, v[2], y);
    if (steps > 1) y = graphs_call(g, &op_relu, 1, y);
    graphs_output(g, y);
    if (steps > 2) graphs_output(g, graphs_call(g, &op_gt, 2, y, zero));
    assert_ok(graph_optimize(g, GRAPH_DCE | GRAPH_FUSE, &e), &e);
    return g;
}

static void check_finished(struct device *d, const struct pooled *p, bool pools, int steps, bool joined) {
    const union op_attrs conv = pooled_conv(p), pool = pooled_pool(p);
    struct tensor *in[3] = {test_random(d, DT_FLOAT32, SHAPE(3, p->size, p->size, p->channels), -1, 1, 1),
                            test_random(d, DT_FLOAT32, SHAPE(p->kernel, p->kernel, p->channels, p->filters), -1, 1, 2),
                            test_random(d, DT_FLOAT32, SHAPE(p->filters), -1, 1, 3)};
    struct tensor *y = test_run(d, &op_conv2d, in, 2, &conv), *value = test_run(d, &op_max_pool2d, &y, 1, &pool);
    struct tensor *sum = test_run(d, &op_add, (struct tensor *[]){pools ? value : y, in[2]}, 2, NULL);
    struct tensor *relu = test_run(d, &op_relu, &sum, 1, NULL), *zero = test_random(d, DT_FLOAT32, SHAPE(1), 0, 0, 1);
    struct tensor *positive = test_run(d, &op_gt, (struct tensor *[]){relu, zero}, 2, NULL);
    struct tensor *want[2] = {steps > 1 ? relu : sum, positive};
    struct graph *g = finished_graph(p, in, pools, steps);
    assert_int_equal(graphs_runs_with(d, g, "bias"), joined && (!pools || graphs_runs_with(d, g, "max_pool2d")));
    pooled_same(d, g, in, want);
    graph_free(g);
    struct tensor *all[] = {in[0], in[1], in[2], y, value, sum, relu, zero, positive};
    for (int i = 0; i < 9; i++) tensor_release(all[i]);
}

/* Of every algorithm that can: several tiles, one, odd sizes, few channels. */
static void bias_and_relu_have_the_bits_of_the_ops(void **state) {
    (void)state;
    static const struct pooled some[] = {{14, 32, 5, 64, 2, 2, 2, 0}, {8, 16, 3, 32, 1, 2, 2, 0},
                                         {19, 16, 3, 16, 1, 2, 2, 0}, {16, 1, 3, 32, 0, 3, 3, 0},
                                         {28, 1, 5, 16, 2, 2, 2, 0},  {13, 16, 3, 32, 0, 2, 2, 0}};
    const struct pooled ragged = {9, 16, 3, 20, 1, 2, 2, 0};
    const struct pooled large = {100, 1, 3, 48, 1, 2, 2, 0}; /* 5.8 MB, written past the caches */
    for (int c = 0; c < test_ncpu; c++) {
        struct cpu *cpu = (struct cpu *)test_cpu[c];
        for (int a = 0; cpu_conv_algorithms[a]; a++)
            for (size_t i = 0; i < sizeof some / sizeof *some && cpu_conv_algorithms[a]->finishes[0]; i++) {
                const struct pooled *p = &some[i];
                if (cpu_conv_algorithms[a] == cpu_conv_find("winograd") && p->kernel != 3) continue;
                pooled_insist(cpu, p, cpu_conv_algorithms[a]);
                for (int steps = 1; steps <= 3; steps++)
                    for (int pools = 0; pools < 2; pools++) check_finished(test_cpu[c], p, pools, steps, true);
            }
    }
    pooled_insist((struct cpu *)test_cpu[0], &large, cpu_conv_find("direct"));
    check_finished(test_cpu[0], &large, false, 3, true);
    pooled_insist((struct cpu *)test_cpu[0], &ragged, cpu_conv_find("fft"));
    check_finished(test_cpu[0], &ragged, false, 2, false); /* filters that fill no vectors */
    for (int c = 0; c < test_ncpu; c++) cpu_tuned_clear((struct cpu *)test_cpu[c]);
}

/* relu's gradient behind an input's: dx where mask, else 0. dy, v, may be pooled (place not NULL); `both`: and the
 * kernel's gradient. */
static struct graph *gated_graph(const struct pooled *p, struct tensor *const in[3], struct tensor *mask,
                                 struct tensor *place, bool both) {
    struct err e = {0};
    const union op_attrs conv = pooled_conv(p), pool = pooled_pool(p), none = {.full = {.dtype = DT_FLOAT32}};
    struct graph *g = graphs_new();
    const int x = graphs_input(g, in[0]->shape), k = graphs_input(g, in[1]->shape), v = graphs_input(g, in[2]->shape);
    const int dy = place ? pooled_call(g, &op_max_unpool2d, graph_add_constant(g, place, &e), v, &pool) : v;
    const int dx = pooled_call(g, &op_conv2d_grad_input, dy, k, &conv),
              zero = graph_add(g, &op_full, NULL, 0, &none, &e);
    graphs_output(g, graphs_call(g, &op_where, 3, graph_add_constant(g, mask, &e), dx, zero));
    if (both) graphs_output(g, pooled_call(g, &op_conv2d_grad_kernel, x, dy, &conv));
    return g;
}

static void check_gated(struct device *d, const struct pooled *p, bool pools, bool both, bool joined) {
    const union op_attrs conv = pooled_conv(p), pool = pooled_pool(p);
    struct tensor *x = test_random(d, DT_FLOAT32, SHAPE(3, p->size, p->size, p->channels), -1, 1, 1);
    struct tensor *kernel = test_random(d, DT_FLOAT32, SHAPE(p->kernel, p->kernel, p->channels, p->filters), -1, 1, 2);
    struct tensor *y = test_run(d, &op_conv2d, (struct tensor *[]){x, kernel}, 2, &conv);
    struct tensor *value = test_run(d, &op_max_pool2d_argmax, &y, 1, &pool);
    struct tensor *place = test_run_output(d, &op_max_pool2d_argmax, &y, 1, &pool, 1);
    struct tensor *unpooled = test_run(d, &op_max_unpool2d, (struct tensor *[]){place, value}, 2, &pool);
    struct tensor *dy = pools ? unpooled : y, *mask = test_random(d, DT_BOOL, x->shape, 0, 1, 3);
    struct tensor *dx = test_run(d, &op_conv2d_grad_input, (struct tensor *[]){dy, kernel}, 2, &conv);
    struct tensor *zero = test_random(d, DT_FLOAT32, SHAPE(1), 0, 0, 1);
    struct tensor *want[2] = {test_run(d, &op_where, (struct tensor *[]){mask, dx, zero}, 3, NULL),
                              test_run(d, &op_conv2d_grad_kernel, (struct tensor *[]){x, dy}, 2, &conv)};
    struct tensor *in[3] = {x, kernel, pools ? value : y};
    struct graph *g = gated_graph(p, in, mask, pools ? place : NULL, both);
    assert_int_equal(graphs_runs_with(d, g, "where"), joined);
    pooled_same(d, g, in, want);
    graph_free(g);
    struct tensor *all[] = {x, kernel, y, value, place, unpooled, mask, dx, zero, want[0], want[1]};
    for (int i = 0; i < 11; i++) tensor_release(all[i]);
}

/* Zeros of more images than dx, which is repeated then, and zeros below 0. */
static void check_other_zeros(struct device *d, const struct pooled *p, struct shape shape, double value) {
    struct err e = {0};
    const union op_attrs conv = pooled_conv(p), zeros = {.full = {.dtype = DT_FLOAT32, .shape = shape, .value = value}};
    const struct shape one = SHAPE(1, p->size, p->size, p->channels);
    struct tensor *dy = test_random(d, DT_FLOAT32, SHAPE(1, p->size, p->size, p->filters), -1, 1, 1);
    struct tensor *kernel = test_random(d, DT_FLOAT32, SHAPE(p->kernel, p->kernel, p->channels, p->filters), -1, 1, 2);
    struct tensor *mask = test_random(d, DT_BOOL, one, 0, 1, 3), *zero = test_random(d, DT_FLOAT32, shape, 0, 0, 1);
    for (int64_t i = 0; i < tensor_size(zero); i++) ((float *)tensor_data(zero))[i] = (float)value;
    struct graph *g = graphs_new();
    const int v = graphs_input(g, dy->shape), k = graphs_input(g, kernel->shape);
    const int dx = pooled_call(g, &op_conv2d_grad_input, v, k, &conv),
              full = graph_add(g, &op_full, NULL, 0, &zeros, &e);
    graphs_output(g, graphs_call(g, &op_where, 3, graph_add_constant(g, mask, &e), dx, full));
    struct tensor *made = test_run(d, &op_conv2d_grad_input, (struct tensor *[]){dy, kernel}, 2, &conv);
    struct tensor *want = test_run(d, &op_where, (struct tensor *[]){mask, made, zero}, 3, NULL);
    assert_false(graphs_runs_with(d, g, "where"));
    pooled_same(d, g, (struct tensor *[]){dy, kernel}, &want);
    graph_free(g);
    struct tensor *all[] = {dy, kernel, mask, zero, made, want};
    for (int i = 0; i < 6; i++) tensor_release(all[i]);
}

static void only_relu_gradients_are_taken_for_such(void **state) {
    (void)state;
    const struct pooled p = {8, 16, 3, 16, 1, 2, 2, 0};
    pooled_insist_for((struct cpu *)test_cpu[0], &p, 1, cpu_conv_find("winograd"));
    check_other_zeros(test_cpu[0], &p, SHAPE(2, 8, 8, 16), 0);
    check_other_zeros(test_cpu[0], &p, SHAPE(1), -0.0);
    cpu_tuned_clear((struct cpu *)test_cpu[0]);
}

/* Of every algorithm, whether it can or not, and where channels fill no vectors. */
static void relu_gradients_have_the_bits_of_the_ops(void **state) {
    (void)state;
    const struct pooled some[] = {{9, 16, 3, 16, 1, 2, 2, 0}, {14, 32, 3, 16, 1, 2, 2, 0}, {7, 20, 3, 16, 1, 2, 2, 0}};
    for (int c = 0; c < test_ncpu; c++)
        for (int a = 0; cpu_conv_algorithms[a]; a++)
            for (int i = 0; i < 3; i++) {
                if (!pooled_insist((struct cpu *)test_cpu[c], &some[i], cpu_conv_algorithms[a])) continue;
                const bool joined = cpu_conv_algorithms[a]->finishes[1] && some[i].channels % 16 == 0;
                for (int k = 0; k < 4; k++) check_gated(test_cpu[c], &some[i], k & 1, k & 2, joined);
            }
    for (int c = 0; c < test_ncpu; c++) cpu_tuned_clear((struct cpu *)test_cpu[c]);
}

/* The gradient of a kernel over x and a channel of ones; dy may be pooled. */
static struct graph *ones_graph(const struct pooled *p, struct tensor *const in[2], struct tensor *place) {
    struct err e = {0};
    const union op_attrs conv = pooled_conv(p), pool = pooled_pool(p), channels = {.axes = {1, {3}, false}};
    union op_attrs ones = {.full = {.dtype = DT_FLOAT32, .shape = in[0]->shape, .value = 1}};
    ones.full.shape.dim[3] = 1;
    struct graph *g = graphs_new();
    const int x = graphs_input(g, in[0]->shape), v = graphs_input(g, in[1]->shape);
    const int dy = place ? pooled_call(g, &op_max_unpool2d, graph_add_constant(g, place, &e), v, &pool) : v;
    const int wide = graphs_with(g, &op_concatenate, x, graph_add(g, &op_full, NULL, 0, &ones, &e), channels);
    graphs_output(g, pooled_call(g, &op_conv2d_grad_kernel, wide, dy, &conv));
    return g;
}

static void check_ones(struct device *d, const struct pooled *p, int64_t n, bool pools, bool joined) {
    const union op_attrs conv = pooled_conv(p), pool = pooled_pool(p), channels = {.axes = {1, {3}, false}};
    const int64_t size = pooled_out(p);
    struct pooled both = *p;
    both.channels++;
    pooled_insist_for((struct cpu *)d, &both, n, cpu_conv_find("direct"));
    struct tensor *x = test_random(d, DT_FLOAT32, SHAPE(n, p->size, p->size, p->channels), -1, 1, 1);
    struct tensor *one = test_random(d, DT_FLOAT32, SHAPE(n, p->size, p->size, 1), 1, 1, 1);
    struct tensor *y = test_random(d, DT_FLOAT32, SHAPE(n, size, size, p->filters), -1, 1, 2);
    struct tensor *value = test_run(d, &op_max_pool2d_argmax, &y, 1, &pool);
    struct tensor *place = test_run_output(d, &op_max_pool2d_argmax, &y, 1, &pool, 1);
    struct tensor *unpooled = test_run(d, &op_max_unpool2d, (struct tensor *[]){place, value}, 2, &pool);
    struct tensor *wide = test_run(d, &op_concatenate, (struct tensor *[]){x, one}, 2, &channels), *got;
    struct tensor *want =
        test_run(d, &op_conv2d_grad_kernel, (struct tensor *[]){wide, pools ? unpooled : y}, 2, &conv);
    struct graph *g = ones_graph(p, (struct tensor *[]){x, pools ? value : y}, pools ? place : NULL);
    assert_int_equal(graphs_runs_with(d, g, "concatenate"), joined);
    graphs_execute(d, g, (struct tensor *[]){x, pools ? value : y}, &got);
    assert_int_equal(tensor_size(got), tensor_size(want));
    for (int64_t i = 0; i < tensor_size(want); i++)
        assert_true(fabs(test_at(got, i) - test_at(want, i)) <= 1e-6 * (double)(n * size * size));
    graph_free(g);
    struct tensor *all[] = {x, one, y, value, place, unpooled, wide, want, got};
    for (int i = 0; i < 9; i++) tensor_release(all[i]);
}

/* Of fewer images than groups and of more; of several strips; where filters fill no vectors. */
static void ones_are_summed_over_images_first(void **state) {
    (void)state;
    const struct pooled p = {28, 1, 5, 48, 2, 2, 2, 0}, small = {9, 2, 3, 16, 0, 2, 2, 0},
                        ragged = {9, 2, 3, 20, 1, 2, 2, 0};
    for (int c = 0; c < test_ncpu; c++)
        for (int pools = 0; pools < 2; pools++) {
            check_ones(test_cpu[c], &p, 3, pools, true);
            check_ones(test_cpu[c], &p, 37, pools, true);
            check_ones(test_cpu[c], &small, 70, pools, true);
            check_ones(test_cpu[c], &ragged, 20, pools, false);
        }
    for (int c = 0; c < test_ncpu; c++) cpu_tuned_clear((struct cpu *)test_cpu[c]);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bias_and_relu_have_the_bits_of_the_ops),
        cmocka_unit_test(relu_gradients_have_the_bits_of_the_ops),
        cmocka_unit_test(only_relu_gradients_are_taken_for_such),
        cmocka_unit_test(ones_are_summed_over_images_first),
    };
    return cmocka_run_group_tests(tests, test_cpus_open, test_cpus_close);
}
