/* See file.h. */
#include "support/file.h"

#include <stdio.h>
#include <stdlib.h>

#include "support/mutate.h"
#include "support/test.h"

const char *test_path(const char *name) {
    static char path[512];
    const char *folder = getenv("TEST_TMP");
    snprintf(path, sizeof path, "%s/%s", folder ? folder : "/tmp", name);
    return path;
}

const char *test_file(const char *name, const void *bytes, size_t n) {
    const char *path = test_path(name);
    FILE *f = fopen(path, "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(bytes, 1, n, f), n);
    assert_int_equal(fclose(f), 0);
    return path;
}

unsigned char *test_damage(const void *bytes, size_t *n, unsigned seed) {
    size_t size = *n;
    if (mutate_random(&seed) % 2) size = mutate_random(&seed) % (size + 1);
    unsigned char *copy = malloc(size ? size : 1);
    assert_non_null(copy);
    memcpy(copy, bytes, size);
    for (unsigned k = mutate_random(&seed) % 4 + 1; k > 0 && size > 0; k--)
        copy[mutate_random(&seed) % size] = (unsigned char)mutate_random(&seed);
    *n = size;
    return copy;
}
