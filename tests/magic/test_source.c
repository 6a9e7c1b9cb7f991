/* ??thing: the source of functions of cells and of celda's own Lua, and what is said of others. */
#include "magic/magic.h"
#include "support/host.h"
#include "support/test.h"

static int open_host(void **state) {
    static struct host h;
    host_open(&h);
    session_set_magic(h.session, magic_run_line, NULL);
    *state = &h;
    return 0;
}

static int close_host(void **state) {
    host_close(*state);
    return 0;
}

/* The output of a cell begins with this. */
static void says(struct host *h, const char *source, const char *text) {
    if (host_run(h, source) != OK || strncmp(buf_text(&h->out), text, strlen(text)) != 0)
        fail_msg("%s says not '%s' but:\n%s", source, text, buf_text(&h->out));
}

static void test_functions_of_cells(void **state) {
    struct host *h = *state;
    host_expect(
        h, "x = 1\n-- Adds.\nfunction add(a, b)\n  return a + b\nend\nt = {twice = function(x) return add(x, x) end}",
        "");
    says(h, "??add", "[1]:3\n-- Adds.\nfunction add(a, b)\n  return a + b\nend\n");
    says(h, "t.twice??", "[1]:6\nt = {twice = function(x) return add(x, x) end}\n");
    says(h, "%source add", "[1]:3\n");
    assert_int_equal(host_run(h, "local kept = tensor.zeros(2)"), OK);
    says(h, "?kept", "a tensor: [0. 0.]\n");
    says(h, "?add", "function(a, b)  defined at [1]:3\nAdds.\n");
}

static void test_functions_of_celda(void **state) {
    struct host *h = *state;
    says(h, "??keras.utils.to_categorical", "lua/keras/utils.lua:");
    says(h, "model = keras.Sequential()\n??model:count_params", "lua/keras/model.lua:");
    says(h, "??keras.Sequential", "lua/keras/sequential.lua:");
    says(h, "??keras.layers.Dense", "keras.layers.Dense(units");
    assert_non_null(strstr(buf_text(&h->out), "keras.layers.Dense is written in C"));
}

static void test_others(void **state) {
    struct host *h = *state;
    says(h, "x = 5\n??x", "a number: 5\n");
    says(h, "%source zzzzqq", "nothing is named 'zzzzqq'\n");
    says(h, "??%run", "%run ");
    host_fails(h, "%source", "%source wants a function");
}

static void test_misspelled(void **state) {
    struct host *h = *state;
    says(h, "??tensr", "nothing is named 'tensr'; did you mean 'tensor'?\n");
    says(h, "?keras.layers.Dens", "nothing is named 'keras.layers.Dens'; did you mean 'keras.layers.Dense'?\n");
    says(h, "?keras.layrs.Dense", "nothing is named 'keras.layrs.Dense'; did you mean 'keras.layers'?\n");
    says(h, "local weights = {alpha = 1}\n?weights.alpa",
         "nothing is named 'weights.alpa'; did you mean 'weights.alpha'?");
    says(h, "?wieghts", "nothing is named 'wieghts'; did you mean 'weights'?\n");
    says(h, "?weights..alpha", "nothing is named 'weights..alpha'\n");
    says(h, "%help runtim", "nothing is named 'runtim'; did you mean '%runtime'?\n");
    says(h, "?tiem", "nothing is named 'tiem'; did you mean '%time'?\n");
    says(h, "?%runt", "%runtime [DEVICE");
    says(h, "?", "Type Lua, or:\n");
    says(h, "??", "Type Lua, or:\n");
    host_fails(h, "?%tiem", "no magic %tiem; did you mean %time?");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_functions_of_cells, open_host, close_host),
        cmocka_unit_test_setup_teardown(test_functions_of_celda, open_host, close_host),
        cmocka_unit_test_setup_teardown(test_others, open_host, close_host),
        cmocka_unit_test_setup_teardown(test_misspelled, open_host, close_host),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
