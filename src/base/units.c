/* Three significant digits and a unit. */
#include "base/units.h"

#include "base/clock.h"

#include <math.h>

void units_seconds(double s, struct buf *out) {
    if (s < 0.9995)
        buf_printf(out, s < 0.00995 ? "%.2f ms" : s < 0.0995 ? "%.1f ms" : "%.0f ms", s * 1e3);
    else if (s < 59.95)
        buf_printf(out, "%.*f s", s < 9.995 ? 2 : 1, s);
    else if (s < 3600)
        buf_printf(out, "%d min %d s", (int)s / 60, (int)s % 60);
    else
        buf_printf(out, "%d h %d min", (int)s / 3600, (int)s % 3600 / 60);
}

void units_bytes(double bytes, struct buf *out) {
    static const char *const unit[] = {"B", "kB", "MB", "GB", "TB", "PB"};
    int u = 0;
    for (; fabs(bytes) >= 999.5 && u < 5; u++) bytes /= 1000;
    buf_printf(out, u < 1 || fabs(bytes) >= 99.95 ? "%.0f %s" : "%.1f %s", bytes, unit[u]);
}

void units_change(double bytes, struct buf *out) {
    if (bytes >= 0) buf_putc(out, '+');
    units_bytes(bytes, out);
}

void units_ago(double date, struct buf *out) {
    static const struct {
        long seconds;
        const char *name;
    } unit[] = {{86400, "day"}, {3600, "hour"}, {60, "minute"}, {1, "second"}};
    long s = (long)(clock_date() - date), u = 0;
    if (s < 1) s = 1;
    while (s < unit[u].seconds) u++;
    const long n = s / unit[u].seconds;
    buf_printf(out, "%ld %s%s ago", n, unit[u].name, n == 1 ? "" : "s");
}
