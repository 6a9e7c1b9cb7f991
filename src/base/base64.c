/* Base64 (RFC 4648). */
#include "base/base64.h"

#include <stdint.h>

void base64_encode(const void *bytes, size_t n, struct buf *out) {
    static const char digit[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const uint8_t *p = bytes;
    for (size_t i = 0; i < n; i += 3) {
        uint32_t v = (uint32_t)p[i] << 16 | (i + 1 < n ? (uint32_t)p[i + 1] << 8 : 0) | (i + 2 < n ? p[i + 2] : 0);
        buf_putc(out, digit[v >> 18]);
        buf_putc(out, digit[v >> 12 & 63]);
        buf_putc(out, i + 1 < n ? digit[v >> 6 & 63] : '=');
        buf_putc(out, i + 2 < n ? digit[v & 63] : '=');
    }
}
