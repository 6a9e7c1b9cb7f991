/* Greedy line breaking. Invariant: nothing but spaces at a break is lost. */
#include "base/wrap.h"

#include <string.h>

static int columns(const char *text, size_t n) {
    int count = 0;
    for (size_t i = 0; i < n; i++) count += (text[i] & 0xC0) != 0x80;
    return count;
}

static size_t run_of(const char *text, size_t n, size_t from, bool spaces) {
    size_t i = from;
    while (i < n && (text[i] == ' ') == spaces) i++;
    return i - from;
}

static void put_spaces(struct buf *out, size_t n) {
    for (size_t i = 0; i < n; i++) buf_putc(out, ' ');
}

void wrap_line(const char *text, size_t n, int width, int indent, struct buf *out) {
    int column = 0;
    bool first = true; /* no word stands on this line yet */
    for (size_t i = 0; i < n;) {
        size_t gap = run_of(text, n, i, true), word = run_of(text, n, i + gap, false);
        int wide = columns(text + i + gap, word);
        if (!first && word > 0 && column + (int)gap + wide > width) {
            buf_putc(out, '\n');
            put_spaces(out, (size_t)indent);
            column = indent;
        } else {
            put_spaces(out, gap);
            column += (int)gap;
        }
        buf_put(out, text + i + gap, word);
        column += wide;
        first = first && word == 0;
        i += gap + word;
    }
}

/* Where a line's continuation begins. */
static int hanging(const char *text, size_t n, int width) {
    size_t start = run_of(text, n, 0, true);
    int indent = (int)start + 2;
    for (size_t i = start; i < n;) {
        size_t gap = run_of(text, n, i, true);
        int column = columns(text, i + gap);
        if (column > width / 2) break;
        if (gap >= 2) indent = column;
        i += gap + run_of(text, n, i + gap, false);
    }
    return indent;
}

void wrap_text(const char *text, size_t n, int width, struct buf *out) {
    for (size_t i = 0; i < n;) {
        const char *end = memchr(text + i, '\n', n - i);
        size_t line = end ? (size_t)(end - text) - i : n - i;
        wrap_line(text + i, line, width, hanging(text + i, line, width), out);
        if (end) buf_putc(out, '\n');
        i += line + 1;
    }
}

void wrap_to(struct sink *s, enum sink_stream stream, const char *text, size_t n) {
    struct buf out = {0};
    if (s->redraws) wrap_text(text, n, s->width, &out);
    const bool wrapped = s->redraws && !out.failed;
    s->text(s, stream, wrapped ? buf_text(&out) : text, wrapped ? out.len : n);
    buf_free(&out);
}
