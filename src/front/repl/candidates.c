/* The list of candidates that Tab shows below the input. */
#include <string.h>

#include "front/repl/input.h"

static void put_padded(const char *text, int width, struct buf *out) {
    buf_puts(out, text);
    for (int i = input_width(text, strlen(text)); i < width; i++) buf_putc(out, ' ');
}

/* As much of a text as columns are left for. */
static void put_cut(const char *text, int columns, struct buf *out) {
    size_t n = strlen(text);
    while (n > 0 && (((unsigned char)text[n] & 0xC0) == 0x80 || input_width(text, n) > columns)) n--;
    buf_put(out, text, n);
}

static int widest(const struct input_candidate *c, int n, bool *notes) {
    int width = 0;
    *notes = false;
    for (int i = 0; i < n; i++) {
        const int w = input_width(c[i].word, strlen(c[i].word));
        if (w > width) width = w;
        *notes = *notes || *c[i].note;
    }
    return width;
}

static void put_more(int n, struct buf *out) {
    if (n > 0) buf_printf(out, "... and %d more\n", n);
}

static void put_notes(const struct input_candidate *c, int n, int width, int columns, int lines, struct buf *out) {
    const int shown = n <= lines ? n : lines - 1;
    for (int i = 0; i < shown; i++) {
        if (*c[i].note)
            put_padded(c[i].word, width + 2, out);
        else
            buf_puts(out, c[i].word);
        put_cut(c[i].note, columns - width - 3, out);
        buf_putc(out, '\n');
    }
    put_more(n - shown, out);
}

/* Down the columns, as ls does. */
static void put_columns(const struct input_candidate *c, int n, int width, int columns, int lines, struct buf *out) {
    const int across = columns / (width + 2) > 1 ? columns / (width + 2) : 1;
    const int shown = n <= across * lines ? n : across * (lines - 1), down = (shown + across - 1) / across;
    for (int row = 0; row < down; row++) {
        for (int i = row; i < shown; i += down)
            if (i + down < shown)
                put_padded(c[i].word, width + 2, out);
            else
                put_cut(c[i].word, columns - 1, out);
        buf_putc(out, '\n');
    }
    put_more(n - shown, out);
}

void input_list_candidates(const struct input_candidate *c, int n, int columns, int lines, struct buf *out) {
    bool notes;
    const int width = widest(c, n, &notes);
    if (lines < 2) lines = 2;
    (notes ? put_notes : put_columns)(c, n, width, columns, lines, out);
}
