/* A notebook in another language, notebooks/NAME.xx.cells, has the code of notebooks/NAME.cells, and texts of its own. */
#include <glob.h>
#include <stdio.h>

#include "cell/notebook.h"
#include "support/test.h"

static struct notebook *read(const char *path) {
    struct err e = {0};
    struct notebook *nb;
    assert_ok(notebook_read(path, &nb, &e), &e);
    return nb;
}

static void compare_cells(const struct cell *a, const struct cell *b, const char *path) {
    assert_int_equal(a->kind, b->kind);
    bool same = strcmp(a->source, b->source) == 0;
    if (a->kind == CELL_CODE && !same) fail_msg("%s:%d: the code is not the original's", path, b->line);
    if (a->kind != CELL_CODE && same) fail_msg("%s:%d: the text is not translated", path, b->line);
    assert_true(json_equal(a->metadata, b->metadata));
}

static void compare(const char *original, const char *translation) {
    struct notebook *a = read(original), *b = read(translation);
    assert_int_equal(a->count, b->count);
    for (size_t i = 0; i < a->count; i++) compare_cells(&a->cells[i], &b->cells[i], translation);
    notebook_free(a);
    notebook_free(b);
}

static void test_translations(void **state) {
    glob_t found;
    char original[200];
    (void)state;
    assert_int_equal(glob("notebooks/*.??.cells", 0, NULL, &found), 0);
    for (size_t i = 0; i < found.gl_pathc; i++) {
        const char *path = found.gl_pathv[i];
        snprintf(original, sizeof original, "%.*s.cells", (int)(strlen(path) - strlen(".xx.cells")), path);
        compare(original, path);
    }
    globfree(&found);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_translations)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
