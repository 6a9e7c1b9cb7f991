/* Shared libraries, by dlopen. */
#include "base/dl.h"

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* "$CONDA_PREFIX/lib/x.so" with the variable's value; false where it is not set. */
static bool expand(const char *candidate, char *path, size_t cap) {
    char name[64];
    if (*candidate != '$') return snprintf(path, cap, "%s", candidate) < (int)cap;
    const size_t n = strcspn(candidate, "/");
    if (snprintf(name, sizeof name, "%.*s", (int)n - 1, candidate + 1) >= (int)sizeof name) return false;
    const char *value = getenv(name);
    return value && *value && snprintf(path, cap, "%s%s", value, candidate + n) < (int)cap;
}

/* dlerror says "NAME: why". */
static void record(struct buf *tried, const char *path, const char *why) {
    const size_t n = strlen(path);
    if (why && strncmp(why, path, n) == 0 && strncmp(why + n, ": ", 2) == 0) why += n + 2;
    buf_printf(tried, "%s: %s\n", path, why ? why : "found");
}

void *dl_open_any(const char *const *candidates, struct buf *tried) {
    char path[1024];
    for (; *candidates; candidates++) {
        if (!expand(*candidates, path, sizeof path)) continue;
        void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
        record(tried, path, library ? NULL : dlerror());
        if (library) return library;
    }
    return NULL;
}

bool dl_symbol(void *library, const char *name, void *where) {
    void *address = dlsym(library, name);
    if (address) memcpy(where, &address, sizeof address);
    return address != NULL;
}
