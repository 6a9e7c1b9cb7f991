/* Pictures as the protocols of terminals carry them: kitty's graphics (a PNG in base64) and sixels. */
#include <string.h>

#include "base/base64.h"
#include "base/mem.h"
#include "draw/internal.h"

enum { CHUNK = 3072, BAND = 6, COLOURS = 216 }; /* CHUNK bytes are 4096 of base64, kitty's most */

/* The width in a PNG file's header. */
static int width_of(const uint8_t *png, size_t n) {
    return n < 24 ? 0 : png[16] << 24 | png[17] << 16 | png[18] << 8 | png[19];
}

void draw_kitty(const void *png, size_t n, int columns, struct buf *out) {
    const char *p = png;
    int wanted = (width_of(png, n) + DRAW_CHAR_WIDTH - 1) / DRAW_CHAR_WIDTH;
    buf_printf(out, "\033_Ga=T,f=100,q=2,c=%d,m=1;\033\\", wanted < columns ? wanted : columns);
    for (size_t at = 0; at < n; at += CHUNK) {
        size_t size = n - at < CHUNK ? n - at : CHUNK;
        buf_printf(out, "\033_Gm=%d;", at + size < n);
        base64_encode(p + at, size, out);
        buf_puts(out, "\033\\");
    }
}

static uint8_t cube_index(const uint8_t *rgb) {
    int r = (rgb[0] * 5 + 127) / 255, g = (rgb[1] * 5 + 127) / 255, b = (rgb[2] * 5 + 127) / 255;
    return (uint8_t)(r * 36 + g * 6 + b);
}

static void put_run(struct buf *out, int count, int bits) {
    if (count > 3)
        buf_printf(out, "!%d%c", count, 63 + bits);
    else
        while (count-- > 0) buf_putc(out, (char)(63 + bits));
}

/* Six rows of pixels in one colour. */
static void put_layer(struct buf *out, const uint8_t *index, int width, int rows, int colour) {
    int run = 0, before = 0;
    buf_printf(out, "#%d", colour);
    for (int x = 0; x < width; x++) {
        int bits = 0;
        for (int y = 0; y < rows; y++) bits |= (index[(size_t)y * (size_t)width + (size_t)x] == colour) << y;
        if (bits != before) {
            put_run(out, run, before);
            run = 0;
        }
        before = bits;
        run++;
    }
    if (before) put_run(out, run, before);
}

static void put_band(struct buf *out, const uint8_t *index, int width, int rows) {
    bool used[COLOURS] = {false}, first = true;
    for (size_t i = 0; i < (size_t)width * (size_t)rows; i++) used[index[i]] = true;
    for (int c = 0; c < COLOURS; c++) {
        if (!used[c]) continue;
        if (!first) buf_putc(out, '$');
        first = false;
        put_layer(out, index, width, rows, c);
    }
    buf_putc(out, '-');
}

enum status draw_sixel(const struct draw_pixels *p, struct buf *out, struct err *e) {
    size_t n = (size_t)p->width * (size_t)p->height;
    uint8_t *index = mem_alloc(n, e);
    if (!index) return e->status;
    for (size_t i = 0; i < n; i++) index[i] = cube_index(p->rgb + 3 * i);
    buf_printf(out, "\033P0;1;0q\"1;1;%d;%d", p->width, p->height);
    for (int c = 0; c < COLOURS; c++) buf_printf(out, "#%d;2;%d;%d;%d", c, c / 36 * 20, c / 6 % 6 * 20, c % 6 * 20);
    for (int y = 0; y < p->height; y += BAND)
        put_band(out, index + (size_t)y * (size_t)p->width, p->width, p->height - y < BAND ? p->height - y : BAND);
    buf_puts(out, "\033\\");
    mem_free(index);
    return buf_status(out, e);
}
