/* What Tab offers behind a name, a dot or a colon. */
#include <stdio.h>

#include "support/host.h"
#include "support/test.h"

static void collect(void *arg, const struct session_candidate *c) {
    struct buf *words = arg;
    buf_printf(words, " %s%s%s ", c->shown_only ? "?" : "", c->word, c->note);
}

/* What is offered at the end of the line; between blanks. */
static void complete(struct host *h, const char *line, struct buf *words) {
    buf_free(words);
    session_complete(h->session, line, strlen(line), collect, words);
}

static void offers(struct host *h, const char *line, const char *word) {
    struct buf words = {0};
    char padded[128];
    complete(h, line, &words);
    snprintf(padded, sizeof padded, " %s ", word);
    if (!strstr(buf_text(&words), padded)) fail_msg("'%s' offers no %s but:%s", line, word, buf_text(&words));
    buf_free(&words);
}

static void offers_not(struct host *h, const char *line, const char *word) {
    struct buf words = {0};
    char padded[128];
    complete(h, line, &words);
    snprintf(padded, sizeof padded, " %s ", word);
    if (strstr(buf_text(&words), padded)) fail_msg("'%s' offers %s", line, word);
    buf_free(&words);
}

static void offers_nothing(struct host *h, const char *line) {
    struct buf words = {0};
    complete(h, line, &words);
    if (words.len) fail_msg("'%s' offers %s", line, buf_text(&words));
    buf_free(&words);
}

static int open_host(void **state) {
    static struct host h;
    host_open(&h);
    *state = &h;
    return 0;
}

static int close_host(void **state) {
    host_close(*state);
    return 0;
}

static void test_names(void **state) {
    struct host *h = *state;
    host_expect(h, "local lowered = 1\nraised = {inner = {leaf = 1}}", "");
    offers(h, "x = low", "lowered");
    offers(h, "rai", "raised");
    offers(h, "whi", "while");
    offers(h, "while not rai", "raised");
    offers(h, "x = {f", "function"); /* of the keywords those that begin a value */
    offers(h, "if x then ret", "return");
    offers_nothing(h, "x = whi");
    offers_nothing(h, "print(1, unti");
    offers_nothing(h, "return  whi");
    offers(h, "raised.inn", "inner");
    offers(h, "raised.inner.", "leaf");
    offers_nothing(h, "raised.nothing.");
    offers_nothing(h, "nothing.at.all");
}

static void test_modules(void **state) {
    struct host *h = *state;
    offers(h, "keras.Seq", "Sequential"); /* the first use of a module loads it */
    offers(h, "keras.layers.Den", "Dense");
    offers(h, "tensor.aran", "arange");
    offers(h, "tensor.random.nor", "normal");
    offers(h, "datasets.fash", "fashion_mnist");
}

static void test_methods(void **state) {
    struct host *h = *state;
    host_expect(h,
                "x = tensor{1}\nv = keras.Variable{1}\nlayer = keras.layers.Dense(1)\n"
                "adam = keras.optimizers.Adam()\nmodel = keras.Sequential()",
                "");
    offers(h, "x:resh", "reshape");
    offers(h, "y = x.su", "sum");
    offers(h, "v:ass", "assign");
    offers(h, "layer:get_w", "get_weights");
    offers(h, "adam:apply_g", "apply_gradients");
    offers(h, "model:fi", "fit");
    offers(h, "model:comp", "compile");
    offers_not(h, "model:", "_build_once");
    offers(h, "model:_b", "_build_once");
    offers_nothing(h, "x:nothing");
}

static void test_arguments(void **state) {
    struct host *h = *state;
    host_expect(h, "model = keras.Sequential()\nfunction mine(alpha, beta) end\nkernel = 1", "");
    offers(h, "keras.layers.Conv2D{", "filters = an integer");
    offers(h, "keras.layers.Conv2D{", "strides = {1, 1}  an integer or a list of 2 integers");
    offers(h, "keras.layers.Conv2D(3, {pad", "padding = \"valid\"  \"valid\" or \"same\"");
    offers(h, "y = {keras.layers.Dense{ker", "kernel_initializer = \"glorot_uniform\"  an initializer or its name");
    offers(h, "y = {keras.layers.Dense{ker", "kernel");
    offers(h, "keras.layers.Conv2D(",
           "?filters"
           "an integer");
    offers(h, "model:fit(x, y, {ep", "epochs = 1");
    offers(h, "model:fit(x, y, {\n  epochs = 2,\n  val", "validation_split = ");
    offers(h, "model:compile{", "optimizer = \"rmsprop\"");
    offers(h, "keras.callbacks.EarlyStopping{", "monitor = \"val_loss\"");
    offers(h, "tensor.random.uniform(3, {", "maxval = 1");
    offers(h, "tensor.zeros(", "?dtype");
    offers(h, "mine(", "?beta");
    offers(h, "keras.callbacks.ModelCheckpoint{", "initial_value_threshold = ");
    offers(h, "tabulate(", "?columns");
    offers(h, "mine(ker", "kernel");
    offers(h, "mine{x = ker", "kernel");
    offers_nothing(h, "keras.layers.Dense{units = 3, unit");
    offers_nothing(h, "keras.layers.Nothing{fil");
}

/* What an argument's value may be, whose quote ends the line. */
static void values(struct host *h, const char *line, const char *word) {
    struct buf words = {0};
    char padded[64];
    session_complete_value(h->session, line, strlen(line) - 1, collect, &words);
    snprintf(padded, sizeof padded, " %s ", word);
    if (!strstr(buf_text(&words), padded)) fail_msg("'%s' offers no %s but:%s", line, word, buf_text(&words));
    buf_free(&words);
}

static void test_values(void **state) {
    struct host *h = *state;
    host_expect(h, "model = keras.Sequential()", "");
    values(h, "keras.layers.Conv2D{padding = '", "same");
    values(h, "keras.layers.Dense(10, {activation = \"", "relu");
    values(h, "keras.layers.Dense{kernel_initializer = '", "glorot_uniform");
    values(h, "model:compile{optimizer = '", "adam");
    values(h, "model:compile{loss = '", "sparse_categorical_crossentropy");
}

static void test_no_user_code_runs(void **state) {
    struct host *h = *state;
    host_expect(
        h, "t = setmetatable({a = 1}, {__index = function() ran = true end, __pairs = function() ran = true end})", "");
    offers(h, "t.", "a");
    offers_nothing(h, "t.b.");
    host_expect(h, "ran", "nil");
}

#define TEST(NAME) cmocka_unit_test_setup_teardown(NAME, open_host, close_host)

int main(void) {
    const struct CMUnitTest tests[] = {TEST(test_names),     TEST(test_modules), TEST(test_methods),
                                       TEST(test_arguments), TEST(test_values),  TEST(test_no_user_code_runs)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
