/* What may stand as a magic's argument, as its usage line says. */
#include "cell/notebook.h"
#include "magic/magic.h"
#include "support/host.h"
#include "support/test.h"

static struct cell cells[] = {
    {.kind = CELL_CODE, .title = "First", .source = "x = 1"},
    {.kind = CELL_MARKDOWN, .title = "", .source = "text"},
    {.kind = CELL_CODE, .title = "", .source = "y = 2\nz = 3"},
};
static struct notebook notebook = {.cells = cells, .count = 3};
static struct magic_notebook nb = {.notebook = &notebook, .count = 2};

static void collect(void *arg, const char *word, const char *note) {
    buf_printf(arg, "%s|%s ", word, note);
}

static void takes(struct host *h, const char *magic, enum magic_arguments more, const char *words) {
    struct buf got = {0};
    assert_int_equal(magic_complete(h->session, &nb, magic, strlen(magic), collect, &got), more);
    assert_string_equal(buf_text(&got), words);
    buf_free(&got);
}

static void test_arguments(void **state) {
    static struct host h;
    (void)state;
    host_open(&h);
    takes(&h, "goto", MAGIC_TAKES_LUA, "1|First 2|y = 2 ");
    takes(&h, "run", MAGIC_TAKES_LUA, "1|First 2|y = 2 to| stale| ");
    takes(&h, "runtime", MAGIC_TAKES_LUA, "cpu| gpu| opencl| tpu| ");
    takes(&h, "reset", MAGIC_TAKES_LUA, "-f| ");
    takes(&h, "cd", MAGIC_TAKES_PATHS, "");
    takes(&h, "load", MAGIC_TAKES_PATHS, "--salvage| ");
    takes(&h, "time", MAGIC_TAKES_LUA, "");
    takes(&h, "nothing", MAGIC_TAKES_LUA, "");
    struct notebook *open = nb.notebook;
    nb.notebook = NULL;
    takes(&h, "goto", MAGIC_TAKES_LUA, "");
    nb.notebook = open;
    host_close(&h);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_arguments)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
