/* %runtime: the device and its precision. What was compiled before follows, and what is refused changes nothing. */
#include "base/mem.h"
#include "run/run.h"
#include "support/magic.h"

static struct err why;

static int open_host(void **state) {
    struct device *d;
    magic_host_open(state);
    if (run_device(session_runtime(host.session), "opencl", &d, &why)) return 0;
    return host_run(&host, "keras.utils.set_random_seed(1)\n"
                           "model = keras.Sequential{keras.Input{8, 8, 3}, keras.layers.Conv2D(5, {3, 3}),\n"
                           "  keras.layers.Flatten(), keras.layers.Dense(4)}\n"
                           "model:compile{optimizer = 'adam', loss = 'mse'}\n"
                           "x, y = tensor.random.normal{6, 8, 8, 3}, tensor.random.normal{6, 4}\n"
                           "function predicted() return model:predict_on_batch(x):to 'cpu' end\n"
                           "function apart(a, b) return tensor.max(tensor.abs(a - b)):item() end\n"
                           "model:train_on_batch(x, y)");
}

static void needs_opencl(void) {
    if (why.status == OK) return;
    print_message("[  SKIPPED ] no OpenCL device: %s\n", why.text);
    skip();
}

static void shows(const char *cell, const char *text) {
    assert_int_equal(host_run(&host, cell), OK);
    if (!strstr(buf_text(&host.out), text)) fail_msg("no '%s' in\n%s", text, buf_text(&host.out));
}

static void compiled_steps_follow(void **state) {
    (void)state;
    needs_opencl();
    shows("%runtime opencl", ", products in float32");
    host_run(&host, "wide = predicted()");
    shows("%runtime opencl tf32", "tf32), products in tf32");
    shows("%devices", "products and convolutions in tf32");
    host_run(&host, "narrow = predicted()");
    host_expect(&host, "apart(wide, narrow) > 1e-5, apart(wide, narrow) < 1e-2", "true, true");
    shows("%runtime opencl float32", "products in float32");
    host_expect(&host, "apart(wide, predicted())", "0.0");
    shows("%runtime cpu", "runtime: cpu");
    host_expect(&host, "apart(wide, predicted()) < 1e-5", "true");
}

/* Weights and moments move as they are; a step is as near as its products. */
static void training_goes_on(void **state) {
    (void)state;
    needs_opencl();
    host_run(&host, "weights = model.weights[1]:numpy()");
    shows("%runtime opencl tf32", "products in tf32");
    host_expect(&host, "apart(weights, model.weights[1]:numpy())", "0.0");
    host_run(&host, "before = model:train_on_batch(x, y); after = model:train_on_batch(x, y)");
    shows("%runtime cpu", "runtime: cpu");
    host_expect(&host, "model.optimizer.iterations:item(), after < before", "3, true");
    shows("%runtime opencl", "products in tf32"); /* it stays the device's until it is changed */
    shows("%runtime opencl float32", "products in float32");
    shows("%runtime cpu", "runtime: cpu");
}

static void refusals_change_nothing(void **state) {
    (void)state;
    needs_opencl();
    host_fails(&host, "%runtime cpu tf32", "tf32 needs a graphics card with tensor cores; this is cpu");
    host_fails(&host, "%runtime opencl bf16", "'bf16' is no precision: float32 or tf32");
    host_fails(&host, "%runtime nothere tf32", "unknown device 'nothere'");
    shows("%runtime cpu float32", "runtime: cpu\n");
    host_run(&host, "held = tensor.zeros{1000}");
    struct device *d;
    struct err e = {0};
    assert_ok(run_device(session_runtime(host.session), "opencl", &d, &e), &e);
    mem_fail_after(1);
    const enum status s = host_run(&host, "%runtime opencl tf32");
    mem_fail_after(0);
    assert_int_not_equal(s, OK);
    assert_string_equal(d->precision, "float32");
    assert_string_equal(session_runtime(host.session)->device->name, "cpu");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(compiled_steps_follow),
        cmocka_unit_test(training_goes_on),
        cmocka_unit_test(refusals_change_nothing),
    };
    return cmocka_run_group_tests(tests, open_host, magic_host_close);
}
