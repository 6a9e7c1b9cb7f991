/* See screen.h. */
#include "support/screen.h"

#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>

#include "support/test.h"

void screen_open(struct screen *s, int rows, int columns) {
    setlocale(LC_CTYPE, "C.UTF-8");
    *s = (struct screen){.rows = rows, .columns = columns};
}

void screen_close(struct screen *s) {
    buf_free(&s->partial);
}

static void line_feed(struct screen *s) {
    s->wraps = false;
    if (++s->row < s->rows) return;
    s->row--;
    memmove(s->cell[0], s->cell[1], sizeof s->cell[0] * (size_t)(s->rows - 1));
    memset(s->cell[s->rows - 1], 0, sizeof s->cell[0]);
}

static void put_character(struct screen *s, const char *bytes, size_t n, int width) {
    if (width == 0) {
        strncat(s->cell[s->row][s->column - 1], bytes, n);
        return;
    }
    if (s->wraps || s->column + width > s->columns) {
        s->column = 0;
        line_feed(s);
    }
    char *cell = s->cell[s->row][s->column];
    memset(cell, 0, sizeof s->cell[0][0]);
    memcpy(cell, bytes, n);
    if (width == 2) strcpy(s->cell[s->row][s->column + 1], "\177"); /* its right half */
    s->column += width;
    s->wraps = s->column == s->columns;
    if (s->wraps) s->column--;
}

static void erase_row(struct screen *s, int row, int from) {
    memset(s->cell[row][from], 0, sizeof s->cell[0][0] * (size_t)(SCREEN_COLUMNS - from));
}

/* ESC [ argument letter */
static void run_escape(struct screen *s, const char *argument, char letter) {
    const int n = *argument ? atoi(argument) : 1;
    s->wraps = false;
    switch (letter) {
    case 'A': s->row = s->row > n ? s->row - n : 0; break;
    case 'C': s->column = s->column + n < s->columns ? s->column + n : s->columns - 1; break;
    case 'D': s->column = s->column > n ? s->column - n : 0; break;
    case 'H': s->row = s->column = 0; break;
    case 'K': erase_row(s, s->row, s->column); break;
    case 'J':
        erase_row(s, s->row, *argument == '2' ? 0 : s->column);
        for (int row = *argument == '2' ? 0 : s->row + 1; row < s->rows; row++) erase_row(s, row, 0);
        break;
    case 'm': s->coloured = s->coloured || n > 0; break;
    case 'h':
    case 'l': break;
    default: fail_msg("the terminal does not know ESC [ %s %c", argument, letter);
    }
}

/* Bytes taken from the text's beginning; 0: it is not whole. */
static size_t take(struct screen *s, const char *text, size_t n) {
    char argument[16] = "";
    mbstate_t state = {0};
    wchar_t wide;
    switch (*text) {
    case '\r': s->column = 0, s->wraps = false; return 1;
    case '\n': line_feed(s); return 1;
    case '\a': return 1;
    case '\t': s->column = s->column / 8 * 8 + 8; return 1;
    case '\b': s->column -= s->column > 0; return 1;
    case '\033':
        s->escapes = true;
        if (n < 3) return 0;
        assert_int_equal(text[1], '[');
        const size_t length = strspn(text + 2, "0123456789;?");
        if (2 + length >= n) return 0;
        snprintf(argument, sizeof argument, "%.*s", (int)length, text + 2);
        run_escape(s, argument, text[2 + length]);
        return 3 + length;
    default: break;
    }
    const size_t size = mbrtowc(&wide, text, n, &state);
    if (size > n) return 0;
    put_character(s, text, size, wcwidth(wide));
    return size;
}

void screen_write(struct screen *s, const char *bytes, size_t n) {
    buf_put(&s->partial, bytes, n);
    size_t at = 0;
    for (size_t taken; at < s->partial.len; at += taken) {
        taken = take(s, s->partial.data + at, s->partial.len - at);
        if (taken == 0) break;
    }
    s->partial.len -= at;
    if (at > 0) memmove(s->partial.data, s->partial.data + at, s->partial.len + 1);
}

static int length_of(const struct screen *s, int row) {
    int n = s->columns;
    while (n > 0 && !*s->cell[row][n - 1]) n--;
    return n;
}

void screen_resize(struct screen *s, int columns) {
    static struct screen old;
    old = *s;
    memset(s->cell, 0, sizeof s->cell);
    s->columns = columns;
    s->row = s->column = 0;
    s->wraps = false;
    for (int row = 0; row <= old.row; row++) {
        const int length = length_of(&old, row);
        int from = 0;
        do {
            memcpy(s->cell[s->row], old.cell[row][from], sizeof s->cell[0][0] * (size_t)columns);
            const bool here = row == old.row && (old.column < from + columns || from + columns >= length);
            s->column = old.column - from;
            if (!here) line_feed(s);
            if (here) break;
            from += columns;
        } while (from < length);
    }
}

const char *screen_row(const struct screen *s, int row) {
    static char text[SCREEN_COLUMNS * 16];
    char *end = text;
    *end = 0;
    for (int i = 0, n = length_of(s, row); i < n; i++) {
        const char *cell = s->cell[row][i];
        if (*cell != '\177') end = stpcpy(end, *cell ? cell : " ");
    }
    while (end > text && end[-1] == ' ') *--end = 0;
    return text;
}
