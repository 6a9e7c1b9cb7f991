/* %tune: measured choices hold for steps that were compiled before, and %tune off takes them back. */
#include "device/cpu/tuned.h"
#include "run/run.h"
#include "support/magic.h"

static int open_host(void **state) {
    magic_host_open(state);
    return host_run(&host, "keras.utils.set_random_seed(1)\n"
                           "model = keras.Sequential{keras.Input{8, 8, 16}, keras.layers.Conv2D(16, {3, 3})}\n"
                           "x = tensor.random.uniform{4, 8, 8, 16}\n"
                           "y = model:predict_on_batch(x)");
}

static void expect_way(const char *way) {
    assert_int_equal(host_run(&host, "%profile z = model:predict_on_batch(x)"), OK);
    if (!strstr(buf_text(&host.out), way)) fail_msg("no %s in:\n%s", way, host.out.data);
    host_expect(&host, "tensor.max(tensor.abs(z - y)):item() < 1e-5", "true");
}

/* What was measured may be what was estimated: another choice is put into the record. */
static void compiled_steps_follow(void **state) {
    struct cpu *c = (struct cpu *)session_runtime(host.session)->device;
    struct err e = {0};
    (void)state;
    const struct cpu_conv g = {.dtype = DT_FLOAT32,
                               .n = 4,
                               .h = 8,
                               .w = 8,
                               .c = 16,
                               .kh = 3,
                               .kw = 3,
                               .o = 16,
                               .oh = 6,
                               .ow = 6,
                               .stride = {1, 1},
                               .dilation = {1, 1},
                               .groups = 1};
    for (int i = 0; cpu_conv_algorithms[i]; i++) {
        const struct cpu_conv_algorithm *a = cpu_conv_algorithms[i];
        char way[40];
        if (!a->supports(&g, CPU_CONV_FORWARD)) continue;
        assert_ok(cpu_tuned_add(c, &g, CPU_CONV_FORWARD, a, &e), &e);
        c->base.choices++;
        snprintf(way, sizeof way, "conv2d (%s", a->name);
        expect_way(way);
    }
    host_expect(&host, "%tune off", "forgotten: estimates choose again");
    snprintf(e.text, sizeof e.text, "conv2d (%s", cpu_conv_estimate(c, &g, CPU_CONV_FORWARD)->name);
    expect_way(e.text);
}

static void what_is_measured_is_said(void **state) {
    (void)state;
    assert_int_equal(host_run(&host, "%tune model:predict_on_batch(x)"), OK);
    assert_non_null(strstr(buf_text(&host.out), "conv2d -> (4, 6, 6, 16): "));
    assert_int_equal(host_run(&host, "%tune z = model:predict_on_batch(x)"), OK);
    assert_string_equal(buf_text(&host.out), "nothing that was not measured before\n");
    assert_int_equal(host_run(&host, "%devices"), OK);
    assert_non_null(strstr(buf_text(&host.out), "1 measured by %tune"));
    host_expect(&host, "%tune off", "forgotten: estimates choose again");
    host_fails(&host, "%tune", "what should be tuned?");
    host_fails(&host, "%tune error('boom')", "boom");
    host_expect(&host, "%tune z = 1", "nothing that was not measured before");
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(compiled_steps_follow),
                                       cmocka_unit_test(what_is_measured_is_said)};
    return cmocka_run_group_tests(tests, open_host, magic_host_close);
}
