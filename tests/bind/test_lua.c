/* The public face in Lua: each script in tests/bind is a cell that checks with assert; run from the repository's root. */
#include <glob.h>
#include <stdlib.h>
#include <unistd.h>

#include "support/host.h"
#include "support/test.h"

static void test_scripts(void **state) {
    glob_t found;
    (void)state;
    assert_int_equal(glob("tests/bind/*.lua", 0, NULL, &found), 0);
    assert_true(found.gl_pathc > 0);
    for (size_t i = 0; i < found.gl_pathc; i++) {
        struct host h;
        host_open(&h);
        host_run_file(&h, found.gl_pathv[i]);
        host_close(&h);
    }
    globfree(&found);
}

static int count(const char *text, const char *word) {
    int n = 0;
    while ((text = strstr(text, word))) n++, text++;
    return n;
}

static void test_nan_is_said_once(void **state) {
    struct host h;
    (void)state;
    host_open(&h);
    assert_int_equal(host_run(&h, "m = keras.Sequential{keras.layers.Dense(1, {input_shape = {2}})}\n"
                                  "m:compile{optimizer = 'sgd', loss = 'mse'}\n"
                                  "x = tensor.full({40, 2}, 0 / 0)\n"
                                  "m:fit(x, tensor.ones{40, 1}, {verbose = 0, batch_size = 10, epochs = 3})"),
                     OK);
    assert_int_equal(count(buf_text(&h.out), "NaN from step 1 of epoch 1"), 1);
    assert_int_equal(count(buf_text(&h.out), "NaN"), 1);
    host_close(&h);
}

/* Keras's lines, but for the times. */
static void test_progress_lines(void **state) {
    struct host h;
    (void)state;
    host_open(&h);
    host_expect(&h,
                "local now = 0\ncelda.clock = function() now = now + 0.314 return now end\n"
                "local bar = require('keras.progbar').new(8, 1)\n"
                "bar:update(1, {accuracy = 0.25, loss = 1.321})",
                "\r\033[1m1/8\033[0m \033[32m━━\033[0m\033[37m━━━━━━━━━━━━━━━━━━\033[0m \033[1m2s\033[0m 314ms/step - "
                "accuracy: 0.2500 - loss: 1.3210");
    host_expect(&h,
                "local now = 0\ncelda.clock = function() now = now + 0.1 return now end\n"
                "local bar = require('keras.progbar').new(20, 2)\n"
                "bar:update(20, {accuracy = 0.3375, loss = 0.00012}, true)",
                "20/20 - 0s - 5ms/step - accuracy: 0.3375 - loss: 1.2000e-04");
    host_close(&h);
}

/* The notebook that the demo runs, on few samples; its data set is a package of its own. */
static void test_tutorial(void **state) {
    (void)state;
    if (access("/usr/share/datasets/fashion-mnist/train-images-idx3-ubyte.gz", R_OK)) skip();
    assert_int_equal(
        system("CELDA_TUTORIAL_SAMPLES=256 ${CELDA:-./celda} run notebooks/tutorial.cells >${TEST_TMP:-/tmp}/log 2>&1"),
        0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_scripts),
        cmocka_unit_test(test_nan_is_said_once),
        cmocka_unit_test(test_progress_lines),
        cmocka_unit_test(test_tutorial),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
