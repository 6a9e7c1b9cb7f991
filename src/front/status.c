/* The line after each cell: what it cost and what is left. */
#include <stdio.h>
#include <string.h>

#include "base/units.h"
#include "front/front.h"

enum detail { SHORT, COMPACT, FULL };

static void write_full(const struct session_resources *a, const struct session_resources *b, struct buf *out) {
    buf_puts(out, "  RAM ");
    units_bytes((double)b->rss, out);
    buf_puts(out, " (peak ");
    units_bytes((double)b->rss_peak, out);
    buf_puts(out, ", ");
    units_change((double)b->rss - (double)a->rss, out);
    buf_puts(out, ") of ");
    units_bytes((double)b->ram_limit, out);
    buf_puts(out, "  disk ");
    units_bytes((double)b->disk_free, out);
    buf_puts(out, " free (");
    units_change((double)b->disk_free - (double)a->disk_free, out);
    buf_putc(out, ')');
}

/* The same for 80 columns: RAM now/peak and its change in MB. */
static void write_compact(const struct session_resources *a, const struct session_resources *b, struct buf *out) {
    buf_printf(out, " RAM %.0f/%.0f%+.0f MB of ", (double)b->rss * 1e-6, (double)b->rss_peak * 1e-6,
               ((double)b->rss - (double)a->rss) * 1e-6);
    buf_printf(out, "%.0f GB disk ", (double)b->ram_limit * 1e-9);
    units_bytes((double)b->disk_free, out);
    units_change((double)b->disk_free - (double)a->disk_free, out);
}

static void write_line(const struct session_result *r, const char *name, enum detail detail, struct buf *out) {
    const struct session_resources *a = &r->before, *b = &r->after;
    buf_printf(out, "%s  ", name);
    units_seconds(b->wall - a->wall, out);
    if (detail > SHORT) {
        buf_puts(out, " (cpu ");
        units_seconds(b->cpu - a->cpu, out);
        buf_putc(out, ')');
    }
    buf_printf(out, "  %s ", r->device);
    if (r->device_bytes) {
        units_bytes((double)r->device_bytes, out);
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
