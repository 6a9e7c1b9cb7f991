/* Compiled kernels on disk. A file is named by the hash of all that it depends on and begins with a head that tells whether
 * the rest is whole; it is written beside its place and renamed. */
#include "device/gpu/cache.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct head {
    char magic[16];
    uint64_t size, sum; /* of what follows */
};
static const char magic[16] = "celda kernel 1\n";

uint64_t gpu_hash(uint64_t h, const void *bytes, size_t n) {
    const unsigned char *p = bytes;
    for (size_t i = 0; i < n; i++) h = (h ^ p[i]) * UINT64_C(0x100000001b3);
    return h;
}

/* ---- places ------------------------------------------------------------------------------------------------------- */

static bool folder(char *path, size_t cap) {
    const char *cache = getenv("XDG_CACHE_HOME"), *home = getenv("HOME");
    if (cache && *cache) return snprintf(path, cap, "%s/celda/kernels", cache) < (int)cap;
    return home && *home && snprintf(path, cap, "%s/.cache/celda/kernels", home) < (int)cap;
}

static bool make_folders(char *path) {
    for (char *p = path + 1; *p; p++) {
        if (*p != '/') continue;
        *p = 0;
        const bool failed = mkdir(path, 0700) && errno != EEXIST;
        *p = '/';
        if (failed) return false;
    }
    return mkdir(path, 0700) == 0 || errno == EEXIST;
}

/* Two hashes make a name: of everything forwards, and of the same with the source first. */
static bool place_of(const struct gpu_facts *f, const char *source, char *path, size_t cap) {
    const size_t identity = strlen(f->identity), build = strlen(f->build), text = strlen(source);
    uint64_t a = gpu_hash(gpu_hash(GPU_HASH, f->identity, identity), f->build, build);
    uint64_t b = gpu_hash(GPU_HASH, source, text);
    a = gpu_hash(a, source, text);
    b = gpu_hash(gpu_hash(b, f->build, build), f->identity, identity);
    if (!folder(path, cap)) return false;
    const size_t n = strlen(path);
    return snprintf(path + n, cap - n, "/%016llx%016llx", (unsigned long long)a, (unsigned long long)b) <
           (int)(cap - n);
}

/* ---- files -------------------------------------------------------------------------------------------------------- */

bool gpu_cache_load(const struct gpu_facts *facts, const char *source, struct buf *binary) {
    char path[1024];
    struct err unused = {0};
    struct buf file = {0};
    struct head h;
    bool whole =
        place_of(facts, source, path, sizeof path) && buf_read_file(&file, path, &unused) == OK && file.len > sizeof h;
    if (whole) {
        memcpy(&h, file.data, sizeof h);
        whole = memcmp(h.magic, magic, sizeof magic) == 0 && h.size == file.len - sizeof h &&
                h.sum == gpu_hash(GPU_HASH, file.data + sizeof h, h.size);
    }
    if (whole) buf_put(binary, file.data + sizeof h, h.size);
    buf_free(&file);
    return whole && !binary->failed;
}

void gpu_cache_store(const struct gpu_facts *facts, const char *source, const struct buf *binary) {
    char path[1024], beside[1056];
    struct head h = {.size = binary->len, .sum = gpu_hash(GPU_HASH, binary->data, binary->len)};
    memcpy(h.magic, magic, sizeof magic);
    if (!folder(path, sizeof path) || !make_folders(path) || !place_of(facts, source, path, sizeof path)) return;
    snprintf(beside, sizeof beside, "%s.%ld", path, (long)getpid());
    FILE *f = fopen(beside, "wb");
    if (!f) return;
    const bool wrote = fwrite(&h, sizeof h, 1, f) == 1 && fwrite(binary->data, binary->len, 1, f) == 1;
    const bool closed = fclose(f) == 0;
    if (!wrote || !closed || rename(beside, path) != 0) remove(beside);
}
