/* The public face in Lua: each script in tests/bind is a cell that checks with assert; run from the repository's root. */
#include <glob.h>

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

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_scripts)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
