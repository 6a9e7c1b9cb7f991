/* The line after each cell: what it cost and what is left. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "front/front.h"

void front_write_seconds(double s, struct buf *out) {
    if (s < 0.9995)
        buf_printf(out, s < 0.00995 ? "%.2f ms" : s < 0.0995 ? "%.1f ms" : "%.0f ms", s * 1e3);
    else if (s < 59.95)
        buf_printf(out, "%.*f s", s < 9.995 ? 2 : 1, s);
    else if (s < 3600)
        buf_printf(out, "%d min %d s", (int)s / 60, (int)s % 60);
    else
        buf_printf(out, "%d h %d min", (int)s / 3600, (int)s % 3600 / 60);
}

void front_write_bytes(double bytes, struct buf *out) {
    static const char *const unit[] = {"B", "kB", "MB", "GB", "TB", "PB"};
    int u = 0;
    for (; fabs(bytes) >= 999.5 && u < 5; u++) bytes /= 1000;
    buf_printf(out, u < 1 || fabs(bytes) >= 99.95 ? "%.0f %s" : "%.1f %s", bytes, unit[u]);
}

static void write_change(double bytes, struct buf *out) {
    if (bytes >= 0) buf_putc(out, '+');
    front_write_bytes(bytes, out);
}

enum detail { SHORT, COMPACT, FULL };

static void write_full(const struct session_resources *a, const struct session_resources *b, struct buf *out) {
    buf_puts(out, "  RAM ");
    front_write_bytes((double)b->rss, out);
    buf_puts(out, " (peak ");
    front_write_bytes((double)b->rss_peak, out);
    buf_puts(out, ", ");
    write_change((double)b->rss - (double)a->rss, out);
    buf_puts(out, ") of ");
    front_write_bytes((double)b->ram_limit, out);
    buf_puts(out, "  disk ");
    front_write_bytes((double)b->disk_free, out);
    buf_puts(out, " free (");
    write_change((double)b->disk_free - (double)a->disk_free, out);
    buf_putc(out, ')');
}

/* The same for 80 columns: RAM now/peak and its change in MB. */
static void write_compact(const struct session_resources *a, const struct session_resources *b, struct buf *out) {
    buf_printf(out, " RAM %.0f/%.0f%+.0f MB of ", (double)b->rss * 1e-6, (double)b->rss_peak * 1e-6,
               ((double)b->rss - (double)a->rss) * 1e-6);
    buf_printf(out, "%.0f GB disk ", (double)b->ram_limit * 1e-9);
    front_write_bytes((double)b->disk_free, out);
    write_change((double)b->disk_free - (double)a->disk_free, out);
}

static void write_line(const struct session_result *r, const char *name, enum detail detail, struct buf *out) {
    const struct session_resources *a = &r->before, *b = &r->after;
    buf_printf(out, "%s  ", name);
    front_write_seconds(b->wall - a->wall, out);
    if (detail > SHORT) {
        buf_puts(out, " (cpu ");
        front_write_seconds(b->cpu - a->cpu, out);
        buf_putc(out, ')');
    }
    buf_printf(out, "  %s ", r->device);
    if (r->device_bytes) {
        front_write_bytes((double)r->device_bytes, out);
        buf_putc(out, ' ');
    }
    if (detail == FULL)
        write_full(a, b, out);
    else if (detail == COMPACT)
        write_compact(a, b, out);
    else
        buf_printf(out, " RAM %.0f MB", (double)b->rss * 1e-6);
}

void front_status_line(const struct session_result *r, const char *name, int width, struct buf *out) {
    for (int detail = FULL; detail >= SHORT; detail--) {
        struct buf line = {0};
        write_line(r, name, (enum detail)detail, &line);
        if ((int)line.len < width || detail == SHORT) {
            buf_put(out, buf_text(&line), line.len < (size_t)width ? line.len : (size_t)width - 1);
            detail = -1;
        }
        buf_free(&line);
    }
}
