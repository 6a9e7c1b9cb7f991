/* The machine's memory, from /proc and /sys/fs/cgroup. Invariant: a file that is missing or says "max" limits nothing. */
#include "base/machine.h"

#include <limits.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

/* The number after `key` in a file of lines, or after nothing where key is "". False: there is none. */
static bool read_number(const char *path, const char *key, size_t *out) {
    FILE *f = fopen(path, "r");
    char line[256];
    unsigned long long n;
    bool found = false;
    while (f && !found && fgets(line, sizeof line, f))
        found = strncmp(line, key, strlen(key)) == 0 && sscanf(line + strlen(key), "%llu", &n) == 1;
    if (f) fclose(f);
    if (found) *out = (size_t)n;
    return found;
}

static size_t from_meminfo(const char *key, size_t otherwise) {
    size_t kb;
    return read_number("/proc/meminfo", key, &kb) ? kb * 1024 : otherwise;
}

/* ---- control groups ------------------------------------------------------------------------------------------------ */

/* What differs between the versions. */
struct version {
    const char *tag; /* before the group's path in a line of /proc/self/cgroup */
    const char *root, *limit, *usage, *cache;
};

static const struct version versions[] = {
    {"::", "/sys/fs/cgroup", "memory.max", "memory.current", "inactive_file "},
    {":memory:", "/sys/fs/cgroup/memory", "memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file "},
};

/* The path of this process's group, "" where the version is not in use. */
static void find_group(const struct version *v, char *path, size_t size) {
    FILE *f = fopen("/proc/self/cgroup", "r");
    char line[PATH_MAX];
    *path = 0;
    while (f && fgets(line, sizeof line, f)) {
        const char *at = strstr(line, v->tag);
        if (!at || at != strchr(line, ':')) continue;
        at += strlen(v->tag);
        snprintf(path, size, "%.*s", (int)strcspn(at, "\n"), at);
    }
    if (f) fclose(f);
}

static bool read_group(const struct version *v, const char *group, const char *file, const char *key, size_t *out) {
    char path[PATH_MAX + 100];
    snprintf(path, sizeof path, "%s%s/%s", v->root, group, file);
    return read_number(path, key, out);
}

/* Lowers *limit and *room to those of a group and all above it. (In a container the path may be the host's: levels that
 * cannot be seen are skipped.) */
static void narrow(const struct version *v, size_t *limit, size_t *room) {
    char group[PATH_MAX];
    find_group(v, group, sizeof group);
    for (bool root = !*group; !root;) {
        size_t most, usage, cache = 0;
        root = !*group || strcmp(group, "/") == 0;
        if (root) *group = 0;
        if (read_group(v, group, v->limit, "", &most)) {
            if (most < *limit) *limit = most;
            read_group(v, group, "memory.stat", v->cache, &cache);
            if (!read_group(v, group, v->usage, "", &usage)) usage = cache;
            size_t held = usage > cache ? usage - cache : 0, left = most > held ? most - held : 0;
            if (left < *room) *room = left;
        }
        char *slash = strrchr(group, '/');
        if (slash) *slash = 0;
    }
}

/* ---- the machine --------------------------------------------------------------------------------------------------- */

static atomic_size_t limit_read;
static atomic_bool limit_is_group;

size_t machine_memory_limit(void) {
    if (limit_read) return limit_read;
    size_t machine = from_meminfo("MemTotal:", SIZE_MAX), limit = machine, room = SIZE_MAX;
    for (size_t i = 0; i < sizeof versions / sizeof *versions; i++) narrow(&versions[i], &limit, &room);
    limit_is_group = limit < machine;
    limit_read = limit;
    return limit;
}

const char *machine_memory_source(void) {
    machine_memory_limit();
    return limit_is_group ? "cgroup" : "machine";
}

size_t machine_memory_free(void) {
    size_t limit = SIZE_MAX, room = from_meminfo("MemAvailable:", SIZE_MAX);
    for (size_t i = 0; i < sizeof versions / sizeof *versions; i++) narrow(&versions[i], &limit, &room);
    return room;
}
