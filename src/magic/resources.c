/* %resources: RAM and disk, as Colab's indicator shows them. */
#include "magic/magic.h"

static void print_share(const struct magic_call *c, const char *what, double used, double total, const char *note) {
    magic_print(c, "%-5s %8.2f GB of %.2f GB (%.0f %%)%s\n", what, used * 1e-9, total * 1e-9,
                total > 0 ? 100 * used / total : 0, note);
}

static enum status run(const struct magic_call *c, struct err *e) {
    struct session_resources r;
    (void)e;
    session_resources_read(session_folder(c->session), &r);
    print_share(c, "RAM", (double)r.rss, (double)r.ram_limit, r.ram_source[0] == 'c' ? ", the cgroup's limit" : "");
    print_share(c, "Disk", (double)(r.disk_total - r.disk_free), (double)r.disk_total, "");
    magic_print(c, "      tensors %.1f MB, Lua and the rest %.1f MB, peak RAM %.1f MB\n", (double)r.tensor_bytes * 1e-6,
                (double)r.lua_bytes * 1e-6, (double)r.rss_peak * 1e-6);
    return OK;
}

const struct magic magic_resources = {
    .name = "resources",
    .usage = "%resources",
    .help = "shows RAM and disk use",
    .run = run,
};
