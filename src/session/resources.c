/* What the machine gives and this process holds, read from /proc, the cgroup and the file system. */
#include <fcntl.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/statvfs.h>
#include <time.h>
#include <unistd.h>

#include "base/mem.h"
#include "session/session.h"

static bool peak_is_cells; /* the last session_resources_begin could reset it */

static double seconds(clockid_t clock) {
    struct timespec t;
    clock_gettime(clock, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

/* "VmRSS:" and "VmHWM:" of /proc/self/status, in bytes. */
static void read_rss(size_t *rss, size_t *peak) {
    FILE *f = fopen("/proc/self/status", "r");
    char line[128];
    unsigned long long kb;
    while (f && fgets(line, sizeof line, f)) {
        if (sscanf(line, "VmRSS: %llu", &kb) == 1) *rss = (size_t)kb * 1024;
        if (sscanf(line, "VmHWM: %llu", &kb) == 1) *peak = (size_t)kb * 1024;
    }
    if (f) fclose(f);
}

void session_resources_read(const char *folder, struct session_resources *out) {
    struct statvfs fs;
    *out = (struct session_resources){.wall = seconds(CLOCK_MONOTONIC), .cpu = seconds(CLOCK_PROCESS_CPUTIME_ID)};
    read_rss(&out->rss, &out->rss_peak);
    out->peak_is_cells = peak_is_cells;
    out->ram_limit = mem_limit();
    out->ram_source = mem_limit_source();
    if (statvfs(folder, &fs) == 0) {
        out->disk_free = (size_t)fs.f_bavail * fs.f_frsize;
        out->disk_total = (size_t)fs.f_blocks * fs.f_frsize;
    }
    out->tensor_bytes = mem_block_used();
    out->lua_bytes = mem_used() - out->tensor_bytes;
}

/* Writing 5 to clear_refs makes VmHWM count from now (proc(5)). */
void session_resources_begin(const char *folder, struct session_resources *out) {
    int fd = open("/proc/self/clear_refs", O_WRONLY | O_CLOEXEC);
    peak_is_cells = fd >= 0 && write(fd, "5", 1) == 1;
    if (fd >= 0) close(fd);
    session_resources_read(folder, out);
}
