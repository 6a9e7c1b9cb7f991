/* What runs with a convolution or its gradients has the bits of the ops run one by one, for each algorithm, on every
 * instruction set and number of threads: pooling, scaling, the other gradient. And the memory that is not needed then. */
#include <stdio.h>

#include "device/cpu/tuned.h"
#include "support/pooled.h"

/* One tile and several, windows that leave a rest (of a tile, of the gradient), that overlap, that stand apart, that
 * hang over; half vectors; so many tiles that kernel gradients sum them in parts. */
static const struct pooled shapes[] = {
    {14, 32, 5, 64, 2, 2, 2, 0}, {7, 16, 5, 48, 2, 2, 2, 0},  {8, 16, 3, 32, 1, 2, 2, 0},  {19, 16, 3, 16, 1, 2, 2, 0},
    {16, 1, 3, 32, 0, 3, 3, 0},  {12, 16, 3, 16, 1, 3, 2, 1}, {14, 16, 5, 16, 2, 3, 2, 1}, {11, 16, 3, 16, 1, 2, 3, 0},
    {28, 1, 5, 16, 2, 2, 2, 0},  {24, 16, 3, 16, 1, 4, 4, 0}, {13, 16, 3, 16, 1, 2, 2, 1}, {10, 3, 3, 24, 1, 2, 2, 0},
    {13, 32, 3, 16, 1, 2, 2, 0}, {13, 16, 3, 32, 0, 2, 2, 0}, {9, 16, 3, 16, 1, 3, 4, 0},  {32, 1, 3, 32, 1, 2, 3, 0},
    {56, 16, 3, 32, 1, 2, 2, 0}, {59, 24, 3, 16, 0, 2, 2, 0},
};

enum { FORWARD = 3, BACK = 2 };
static const struct op *const result[FORWARD] = {&op_max_pool2d, &op_max_pool2d_argmax, &op_max_pool2d_argmax};

/* x, kernel -> the pooled convolution, by the op without places, and with them. */
static struct graph *forward_graph(const struct pooled *p, struct tensor *const in[2], bool places) {
    const union op_attrs conv = pooled_conv(p), pool = pooled_pool(p);
    struct graph *g = graphs_new();
    const int x = graphs_input(g, in[0]->shape), k = graphs_input(g, in[1]->shape);
    const int v = pooled_call(g, places ? &op_max_pool2d_argmax : &op_max_pool2d,
                              pooled_call(g, &op_conv2d, x, k, &conv), 0, &pool);
    graphs_output(g, v);
    if (places) graphs_output(g, v + 1);
    return g;
}

/* x, kernel, dv with the places as a constant -> both gradients. */
static struct graph *back_graph(const struct pooled *p, struct tensor *const in[2], struct tensor *place,
                                const struct tensor *dv) {
    struct err e = {0};
    const union op_attrs conv = pooled_conv(p), pool = pooled_pool(p);
    struct graph *g = graphs_new();
    const int x = graphs_input(g, in[0]->shape), k = graphs_input(g, in[1]->shape), d = graphs_input(g, dv->shape);
    const int dy = pooled_call(g, &op_max_unpool2d, graph_add_constant(g, place, &e), d, &pool);
    graphs_output(g, pooled_call(g, &op_conv2d_grad_input, dy, k, &conv));
    graphs_output(g, pooled_call(g, &op_conv2d_grad_kernel, x, dy, &conv));
    return g;
}

static void check_pooled(struct device *d, const struct pooled *p) {
    const union op_attrs conv = pooled_conv(p), pool = pooled_pool(p);
    struct tensor *in[3] = {test_random(d, DT_FLOAT32, SHAPE(3, p->size, p->size, p->channels), -1, 1, 1),
                            test_random(d, DT_FLOAT32, SHAPE(p->kernel, p->kernel, p->channels, p->filters), -1, 1, 2)};
    struct tensor *y = test_run(d, &op_conv2d, in, 2, &conv), *want[FORWARD];
    for (int i = 0; i < FORWARD; i++) want[i] = test_run_output(d, result[i], &y, 1, &pool, i == 2);
    in[2] = test_random(d, DT_FLOAT32, want[0]->shape, -1, 1, 3);
    struct tensor *dy = test_run(d, &op_max_unpool2d, (struct tensor *[]){want[2], in[2]}, 2, &pool);
    struct tensor *dx = test_run(d, &op_conv2d_grad_input, (struct tensor *[]){dy, in[1]}, 2, &conv);
    struct tensor *dk = test_run(d, &op_conv2d_grad_kernel, (struct tensor *[]){in[0], dy}, 2, &conv);
    struct graph *g[3] = {forward_graph(p, in, false), forward_graph(p, in, true), back_graph(p, in, want[2], in[2])};
    pooled_same(d, g[0], in, want);
    pooled_same(d, g[1], in, want + 1);
    pooled_same(d, g[2], in, (struct tensor *[]){dx, dk});
    struct tensor *all[] = {in[0], in[1], in[2], y, want[0], want[1], want[2], dy, dx, dk};
    for (int i = 0; i < 10; i++) tensor_release(all[i]);
    for (int i = 0; i < 3; i++) graph_free(g[i]);
}

static void pooled_convolutions_have_the_bits_of_the_ops(void **state) {
    (void)state;
    for (int c = 0; c < test_ncpu; c++)
        for (int a = 0; cpu_conv_algorithms[a]; a++)
            for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
                pooled_insist((struct cpu *)test_cpu[c], &shapes[i], cpu_conv_algorithms[a]);
                check_pooled(test_cpu[c], &shapes[i]);
            }
    for (int c = 0; c < test_ncpu; c++) cpu_tuned_clear((struct cpu *)test_cpu[c]);
}

/* A view between convolution and pooling, and an unpooled image in the place of x: both must be in memory. */
static void what_only_looks_like_pooling_stays(void **state) {
    (void)state;
    struct err e = {0};
    const struct pooled p = {8, 16, 3, 16, 1, 2, 2, 0};
    const union op_attrs conv = pooled_conv(&p), pool = pooled_pool(&p);
    const union op_attrs turned = {.full.shape = SHAPE(3, 16, 4, 16)};
    struct device *d = test_cpu[0];
    struct tensor *in[3] = {test_random(d, DT_FLOAT32, SHAPE(3, 8, 8, 16), -1, 1, 1),
                            test_random(d, DT_FLOAT32, SHAPE(3, 3, 16, 16), -1, 1, 2),
                            test_random(d, DT_FLOAT32, SHAPE(3, 4, 4, 16), -1, 1, 3)};
    struct tensor *place = test_random(d, DT_UINT8, SHAPE(3, 4, 4, 16), 0, 4, 4);
    struct graph *g = graphs_new();
    pooled_insist((struct cpu *)d, &p, cpu_conv_find("direct"));
    const int x = graphs_input(g, in[0]->shape), k = graphs_input(g, in[1]->shape), v = graphs_input(g, in[2]->shape);
    const int y = pooled_call(g, &op_conv2d, x, k, &conv);
    graphs_output(g, pooled_call(g, &op_max_pool2d, pooled_call(g, &op_reshape, y, 0, &turned), 0, &pool));
    const int wide = pooled_call(g, &op_max_unpool2d, graph_add_constant(g, place, &e), v, &pool);
    graphs_output(g, pooled_call(g, &op_conv2d_grad_kernel, wide, x, &conv));
    struct tensor *conv_y = test_run(d, &op_conv2d, in, 2, &conv);
    struct tensor *reshaped = test_run(d, &op_copy, &conv_y, 1, NULL);
    reshaped->shape = turned.full.shape;
    tensor_strides(&reshaped->shape, reshaped->stride);
    struct tensor *unpooled = test_run(d, &op_max_unpool2d, (struct tensor *[]){place, in[2]}, 2, &pool);
    struct tensor *want[2] = {test_run(d, &op_max_pool2d, &reshaped, 1, &pool),
                              test_run(d, &op_conv2d_grad_kernel, (struct tensor *[]){unpooled, in[0]}, 2, &conv)};
    pooled_same(d, g, in, want);
    cpu_tuned_clear((struct cpu *)d);
    struct tensor *all[] = {in[0], in[1], in[2], place, conv_y, reshaped, unpooled, want[0], want[1]};
    for (int i = 0; i < 9; i++) tensor_release(all[i]);
    graph_free(g);
}

/* Whether both gradients run together, as expected. */
static void check_both(struct device *d, const struct pooled *p, const char *algorithm, bool together) {
    const int64_t windows = (pooled_out(p) - p->window) / p->stride + 1;
    struct tensor *in[2] = {test_random(d, DT_FLOAT32, SHAPE(3, p->size, p->size, p->channels), -1, 1, 1),
                            test_random(d, DT_FLOAT32, SHAPE(p->kernel, p->kernel, p->channels, p->filters), -1, 1, 2)};
    struct tensor *place = test_random(d, DT_UINT8, SHAPE(3, windows, windows, p->filters), 0, 4, 3);
    struct graph *g = back_graph(p, in, place, place);
    char way[64];
    snprintf(way, sizeof way, "%s, with %smax_unpool2d", algorithm, together ? "conv2d_grad_kernel, " : "");
    pooled_insist((struct cpu *)d, p, cpu_conv_find(algorithm));
    assert_true(graphs_runs_with(d, g, way));
    assert_int_equal(graphs_runs_with(d, g, "conv2d_grad_kernel"), together);
    cpu_tuned_clear((struct cpu *)d);
    graph_free(g);
    tensor_release(place);
    for (int k = 0; k < 2; k++) tensor_release(in[k]);
}

/* FFT with images of one tile, Winograd with tiles that are summed in parts, where no thread goes without one. */
static void both_gradients_run_together(void **state) {
    (void)state;
    const struct pooled one = {7, 16, 5, 48, 2, 2, 2, 0}, parts = {56, 16, 3, 32, 1, 2, 2, 0},
                        few = {13, 16, 3, 32, 1, 2, 2, 0};
    check_both(test_cpu[test_ncpu - 1], &one, "fft", true);
    check_both(test_cpu[test_ncpu - 1], &one, "direct", false);
    check_both(test_cpu[0], &parts, "winograd", true);
    check_both(test_cpu[2], &parts, "winograd", false); /* two parts for three threads */
    check_both(test_cpu[0], &few, "winograd", false);
}

/* A convolution of two chunks of images whose gradients find the spectra of x: of an input, of one times a scale and plus a
 * shift, and of that where somebody else reads it. */
enum kept { PLAIN, SCALED, READ };
static const union op_attrs rows = {.axes = {1, {0}, false}};

static struct graph *kept_graph(struct tensor *const *in, const union op_attrs *conv, enum kept kind) {
    struct err e = {0};
    struct graph *g = graphs_new();
    int v[5];
    for (int i = 0; i < 5; i++) v[i] = graphs_input(g, in[i]->shape);
    const int scaled = graphs_call(g, &op_add, 2, v[4], graphs_call(g, &op_mul, 2, v[3], v[0]));
    const int x = kind == PLAIN ? v[0] : scaled, most = graphs_with(g, &op_max, x, -1, rows);
    const int y = pooled_call(g, &op_conv2d, x, v[1], conv);
    graphs_output(g, graphs_call(g, &op_exp, 1, y));
    graphs_output(g, pooled_call(g, &op_conv2d_grad_input, v[2], v[1], conv));
    graphs_output(g, pooled_call(g, &op_conv2d_grad_kernel, x, v[2], conv));
    if (kind == READ) graphs_output(g, most);
    assert_ok(graph_optimize(g, GRAPH_DCE | GRAPH_FUSE, &e), &e);
    return g;
}

static void check_kept(struct device *d, struct tensor *const *in, const union op_attrs *conv, enum kept kind) {
    struct graph *g = kept_graph(in, conv, kind);
    assert_true(graphs_runs_with(d, g, "fft, with conv2d_grad_kernel"));
    assert_int_equal(graphs_runs_with(d, g, "fft, with scaling"), kind == SCALED);
    struct tensor *product = test_run(d, &op_mul, (struct tensor *[]){in[3], in[0]}, 2, NULL), *got[4];
    struct tensor *scaled = test_run(d, &op_add, (struct tensor *[]){in[4], product}, 2, NULL);
    struct tensor *x = kind == PLAIN ? in[0] : scaled;
    struct tensor *y = test_run(d, &op_conv2d, (struct tensor *[]){x, in[1]}, 2, conv);
    struct tensor *want[4] = {
        test_run(d, &op_exp, &y, 1, NULL),
        test_run(d, &op_conv2d_grad_input, (struct tensor *[]){in[2], in[1]}, 2, conv),
        test_run(d, &op_conv2d_grad_kernel, (struct tensor *[]){x, in[2]}, 2, conv),
        test_run(d, &op_max, &x, 1, &rows),
    };
    graphs_execute(d, g, in, got);
    for (int i = 0; i < 4; i++) {
        if (i < g->noutput) test_same_bits(want[i], got[i]);
        if (i < g->noutput) tensor_release(got[i]);
        tensor_release(want[i]);
    }
    tensor_release(product);
    tensor_release(scaled);
    tensor_release(y);
    graph_free(g);
}

static void gradients_take_up_what_the_forward_pass_did(void **state) {
    (void)state;
    const union op_attrs conv = pooled_conv(&(struct pooled){7, 64, 5, 48, 2, 2, 2, 0});
    const struct shape shape[5] = {SHAPE(100, 7, 7, 64), SHAPE(5, 5, 64, 48), SHAPE(100, 7, 7, 48), SHAPE(64),
                                   SHAPE(64)};
    struct tensor *in[5];
    for (int i = 0; i < 5; i++) in[i] = test_random(test_cpu[0], DT_FLOAT32, shape[i], -1, 1, (uint64_t)i);
    for (int c = 0; c < test_ncpu; c++)
        for (enum kept kind = PLAIN; kind <= READ; kind++) check_kept(test_cpu[c], in, &conv, kind);
    for (int i = 0; i < 5; i++) tensor_release(in[i]);
}

/* Two convolutions of one x, whose gradients come in the order of the convolutions: each keeps its own. */
static void two_convolutions_keep_apart(void **state) {
    (void)state;
    struct device *d = test_cpu[test_ncpu - 1];
    const union op_attrs conv[2] = {pooled_conv(&(struct pooled){7, 64, 5, 48, 2, 2, 2, 0}),
                                    pooled_conv(&(struct pooled){7, 64, 3, 48, 1, 2, 2, 0})};
    struct tensor *in[4] = {test_random(d, DT_FLOAT32, SHAPE(100, 7, 7, 64), -1, 1, 1),
                            test_random(d, DT_FLOAT32, SHAPE(5, 5, 64, 48), -1, 1, 2),
                            test_random(d, DT_FLOAT32, SHAPE(3, 3, 64, 48), -1, 1, 3),
                            test_random(d, DT_FLOAT32, SHAPE(100, 7, 7, 48), -1, 1, 4)};
    struct graph *g = graphs_new();
    int v[4], y[2];
    for (int i = 0; i < 4; i++) v[i] = graphs_input(g, in[i]->shape);
    for (int i = 0; i < 2; i++) y[i] = pooled_call(g, &op_conv2d, v[0], v[1 + i], &conv[i]);
    const int dy = graphs_call(g, &op_mul, 2, v[3], graphs_call(g, &op_add, 2, y[0], y[1]));
    for (int i = 0; i < 2; i++) {
        graphs_output(g, pooled_call(g, &op_conv2d_grad_input, dy, v[1 + i], &conv[i]));
        graphs_output(g, pooled_call(g, &op_conv2d_grad_kernel, v[0], dy, &conv[i]));
    }
    struct tensor *r[2], *got[4];
    for (int i = 0; i < 2; i++) r[i] = test_run(d, &op_conv2d, (struct tensor *[]){in[0], in[1 + i]}, 2, &conv[i]);
    struct tensor *sum = test_run(d, &op_add, r, 2, NULL);
    struct tensor *down = test_run(d, &op_mul, (struct tensor *[]){in[3], sum}, 2, NULL);
    graphs_execute(d, g, in, got);
    for (int i = 0; i < 2; i++) {
        struct tensor *dx = test_run(d, &op_conv2d_grad_input, (struct tensor *[]){down, in[1 + i]}, 2, &conv[i]);
        struct tensor *dk = test_run(d, &op_conv2d_grad_kernel, (struct tensor *[]){in[0], down}, 2, &conv[i]);
        test_same_bits(dx, got[2 * i]);
        test_same_bits(dk, got[2 * i + 1]);
        tensor_release(dx);
        tensor_release(dk);
    }
    struct tensor *all[] = {in[0], in[1], in[2], in[3], r[0], r[1], sum, down, got[0], got[1], got[2], got[3]};
    for (int i = 0; i < 12; i++) tensor_release(all[i]);
    graph_free(g);
}

/* The kernel's gradient of exp(dx), which is not there yet when dx is computed. */
static void gradients_that_follow_each_other_stay_apart(void **state) {
    (void)state;
    struct device *d = test_cpu[0];
    const struct pooled p = {7, 16, 5, 16, 2, 2, 2, 0};
    const union op_attrs conv = pooled_conv(&p);
    struct tensor *in[2] = {test_random(d, DT_FLOAT32, SHAPE(3, 7, 7, 16), -1, 1, 1),
                            test_random(d, DT_FLOAT32, SHAPE(5, 5, 16, 16), -1, 1, 2)};
    struct graph *g = graphs_new();
    const int dy = graphs_input(g, in[0]->shape), k = graphs_input(g, in[1]->shape);
    const int x = graphs_call(g, &op_exp, 1, pooled_call(g, &op_conv2d_grad_input, dy, k, &conv));
    graphs_output(g, pooled_call(g, &op_conv2d_grad_kernel, x, dy, &conv));
    pooled_insist((struct cpu *)d, &p, cpu_conv_find("fft"));
    struct tensor *dx = test_run(d, &op_conv2d_grad_input, in, 2, &conv), *e = test_run(d, &op_exp, &dx, 1, NULL);
    struct tensor *want = test_run(d, &op_conv2d_grad_kernel, (struct tensor *[]){e, in[0]}, 2, &conv);
    pooled_same(d, g, in, &want);
    cpu_tuned_clear((struct cpu *)d);
    struct tensor *all[] = {in[0], in[1], dx, e, want};
    for (int i = 0; i < 5; i++) tensor_release(all[i]);
    graph_free(g);
}

/* Of a direct convolution the result, 3.2 MB, has no place; nor has the gradient that is put back in its windows. */
static void what_is_only_pooled_needs_no_memory(void **state) {
    (void)state;
    struct err e = {0};
    struct device *d = test_cpu[0];
    const struct pooled p = {128, 1, 3, 16, 1, 2, 2, 0};
    struct tensor *in[2] = {test_random(d, DT_FLOAT32, SHAPE(3, 128, 128, 1), -1, 1, 1),
                            test_random(d, DT_FLOAT32, SHAPE(3, 3, 1, 16), -1, 1, 2)};
    struct tensor *place = test_random(d, DT_UINT8, SHAPE(3, 64, 64, 16), 0, 4, 3);
    struct graph *g[2] = {forward_graph(&p, in, true), back_graph(&p, in, place, place)};
    pooled_insist((struct cpu *)d, &p, cpu_conv_find("direct"));
    for (int i = 0; i < 2; i++) {
        struct device_program *program;
        assert_ok(d->driver->compile(d, g[i], &program, &e), &e);
        assert_in_range(d->driver->program_bytes(d, program, NULL), 1, 1000000);
        d->driver->program_free(d, program);
        graph_free(g[i]);
    }
    cpu_tuned_clear((struct cpu *)d);
    tensor_release(place);
    for (int i = 0; i < 2; i++) tensor_release(in[i]);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pooled_convolutions_have_the_bits_of_the_ops),
        cmocka_unit_test(what_only_looks_like_pooling_stays),
        cmocka_unit_test(both_gradients_run_together),
        cmocka_unit_test(gradients_take_up_what_the_forward_pass_did),
        cmocka_unit_test(two_convolutions_keep_apart),
        cmocka_unit_test(gradients_that_follow_each_other_stay_apart),
        cmocka_unit_test(what_is_only_pooled_needs_no_memory),
    };
    return cmocka_run_group_tests(tests, test_cpus_open, test_cpus_close);
}
