/* A text on the rows of a terminal. Invariant: every row has all its columns, blank where nothing stands, and a wide glyph
 * lies on one row with both its halves. */
#include <stdio.h>
#include <string.h>
#include <wchar.h>

#include "base/mem.h"
#include "cell/colour.h"
#include "front/repl/input.h"

static const struct input_glyph blank = {"", 1, INPUT_PLAIN}; /* a blank that was typed is a glyph */

/* ---- glyphs ---------------------------------------------------------------------------------------------------------- */

/* The next character of a text: how many bytes and columns it takes. What cannot be shown stands as U+FFFD. */
struct character {
    const char *bytes;
    size_t size, taken; /* bytes that are shown, bytes of the text */
    int width;
};

static struct character next_character(const char *text, size_t n) {
    mbstate_t state = {0};
    wchar_t wide;
    const size_t taken = mbrtowc(&wide, text, n, &state);
    if (taken == 0 || taken > n) return (struct character){"\xEF\xBF\xBD", 3, 1, 1};
    const int width = wcwidth(wide);
    if (width < 0) return (struct character){"\xEF\xBF\xBD", 3, taken, 1};
    return (struct character){text, taken, taken, width};
}

int input_width(const char *text, size_t n) {
    int width = 0;
    while (n > 0) {
        const struct character c = next_character(text, n);
        width += c.width;
        text += c.taken;
        n -= c.taken;
    }
    return width;
}

int input_margin(int prompt, int columns) {
    if (2 * prompt <= columns) return prompt;
    return columns >= 10 ? 5 : 0;
}

/* ---- laying out ------------------------------------------------------------------------------------------------------ */

/* The next glyph goes to `column` of the grid's last row. */
struct pen {
    struct input_grid *grid;
    int column, margin;
    bool plain; /* whatever the styles asked for */
};

static struct input_glyph *row_of(const struct input_grid *g, int row) {
    return g->glyph + (size_t)row * (size_t)g->columns;
}

static bool add_row(struct input_grid *g) {
    if (g->rows == g->room) {
        const int room = g->room ? 2 * g->room : 8;
        struct input_glyph *more = mem_realloc(g->glyph, sizeof *more * (size_t)room * (size_t)g->columns, NULL);
        if (!more) return false;
        g->glyph = more;
        g->room = room;
    }
    struct input_glyph *row = row_of(g, g->rows++);
    for (int i = 0; i < g->columns; i++) row[i] = blank;
    return true;
}

static void begin_row(struct pen *p) {
    if (add_row(p->grid)) p->column = p->margin;
}

/* So that a glyph of this width fits on the row. */
static void make_room(struct pen *p, int width) {
    if (p->column + width > p->grid->columns) begin_row(p);
}

static void put_glyph(struct pen *p, const char *bytes, size_t size, int width, unsigned char style) {
    struct input_grid *g = p->grid;
    make_room(p, width);
    if (p->column + width > g->columns) return; /* no memory, or a window too narrow for it */
    struct input_glyph *at = row_of(g, g->rows - 1) + p->column;
    memcpy(at->text, bytes, size);
    at->text[size] = 0;
    at->width = (unsigned char)width;
    at->style = p->plain ? INPUT_PLAIN : style;
    if (width == 2) at[1] = (struct input_glyph){"", 0, at->style};
    p->column += width;
}

/* A combining mark goes with the glyph before it. */
static void put_mark(struct pen *p, const char *bytes, size_t size) {
    struct input_glyph *row = row_of(p->grid, p->grid->rows - 1);
    int at = p->column - 1;
    if (at >= 0 && row[at].width == 0) at--;
    if (at < 0 || !*row[at].text) return;
    const size_t length = strlen(row[at].text);
    if (length + size >= sizeof row[at].text) return;
    memcpy(row[at].text + length, bytes, size);
    row[at].text[length + size] = 0;
}

/* A tab reaches to the next multiple of 8 of its line; other control characters stand as ^X. */
static void put_control(struct pen *p, char c, unsigned char style) {
    const char shown[] = {'^', (char)(c ^ 0x40), 0};
    if (c != '\t') {
        put_glyph(p, shown, 1, 1, style);
        put_glyph(p, shown + 1, 1, 1, style);
        return;
    }
    do put_glyph(p, " ", 1, 1, style);
    while ((p->column - p->margin) % 8 && p->column < p->grid->columns);
}

/* Puts one character other than a line end; returns the bytes it takes. */
static size_t put_character(struct pen *p, const char *text, size_t n, unsigned char style) {
    const bool control = (unsigned char)*text < ' ' || *text == 127;
    if (control) {
        put_control(p, *text, style);
        return 1;
    }
    const struct character c = next_character(text, n);
    if (c.width > 0)
        put_glyph(p, c.bytes, c.size, c.width, style);
    else
        put_mark(p, c.bytes, c.size);
    return c.taken;
}

static void put_prompt(struct pen *p, const char *prompt) {
    for (size_t n = strlen(prompt); n > 0;) {
        const size_t taken = put_character(p, prompt, n, INPUT_PROMPT);
        prompt += taken;
        n -= taken;
    }
}

static void begin_line(struct pen *p) {
    begin_row(p);
    p->column = p->margin >= 5 ? p->margin - 5 : 0;
    if (p->margin >= 5) put_prompt(p, "...: ");
}

static int width_at(const struct input_view *v, size_t i) {
    return v->text[i] != '\n' ? next_character(v->text + i, v->n - i).width : 1;
}

static void put_cursor(struct pen *p, int width) {
    struct input_grid *g = p->grid;
    make_room(p, width);
    g->row = g->rows - 1;
    g->column = p->column < g->columns ? p->column : g->columns - 1;
}

void input_layout(const struct input_view *v, struct input_grid *g) {
    struct pen p = {g, 0, v->margin, !v->style};
    if (g->columns != v->columns) input_grid_free(g);
    g->columns = v->columns;
    g->rows = g->row = g->column = 0;
    if (!add_row(g)) return;
    put_prompt(&p, v->prompt);
    for (size_t i = 0; i < v->n;) {
        if (i == v->point) put_cursor(&p, width_at(v, i));
        if (v->text[i] == '\n') {
            begin_line(&p);
            i++;
        } else {
            i += put_character(&p, v->text + i, v->n - i, v->style ? v->style[i] : INPUT_PLAIN);
        }
    }
    if (v->point >= v->n) put_cursor(&p, v->point == v->n);
}

void input_crop(struct input_grid *g, int first, int rows) {
    const int left = g->rows - first;
    g->rows = rows < left ? rows : left;
    g->row -= first;
    memmove(g->glyph, row_of(g, first), sizeof *g->glyph * (size_t)g->rows * (size_t)g->columns);
}

void input_grid_free(struct input_grid *g) {
    mem_free(g->glyph);
    *g = (struct input_grid){0};
}

/* ---- bringing a terminal up to date ---------------------------------------------------------------------------------- */

/* The terminal as far as we wrote to it. */
struct writer {
    struct buf *out;
    int row, column; /* column -1: behind the last one, where terminals differ */
    unsigned char style;
};

static const char *escape_of(unsigned char style) {
    switch (style) {
    case INPUT_PROMPT: return "\033[32m";
    case INPUT_MAGIC: return "\033[34m";
    case INPUT_KEYWORD: return cell_colour(CELL_TOKEN_KEYWORD);
    case INPUT_STRING: return cell_colour(CELL_TOKEN_STRING);
    case INPUT_NUMBER: return cell_colour(CELL_TOKEN_NUMBER);
    case INPUT_COMMENT: return cell_colour(CELL_TOKEN_COMMENT);
    case INPUT_WRONG: return "\033[31m";
    case INPUT_MATCH: return "\033[1;4m";
    default: return "";
    }
}

static void set_style(struct writer *w, unsigned char style) {
    if (style == w->style) return;
    if (w->style != INPUT_PLAIN) buf_puts(w->out, "\033[0m");
    buf_puts(w->out, escape_of(style));
    w->style = style;
}

/* Rows below the last one come into being by line ends. */
static void move_to(struct writer *w, int row, int column) {
    if (row == w->row && column == w->column) return;
    set_style(w, INPUT_PLAIN);
    if (row < w->row) buf_printf(w->out, "\033[%dA", w->row - row);
    if (row > w->row || w->column < 0 || column == 0) buf_putc(w->out, '\r'), w->column = 0;
    for (; w->row < row; w->row++) buf_putc(w->out, '\n');
    if (column > w->column) buf_printf(w->out, "\033[%dC", column - w->column);
    if (column < w->column) buf_printf(w->out, "\033[%dD", w->column - column);
    w->row = row;
    w->column = column;
}

static bool same(const struct input_glyph *a, const struct input_glyph *b) {
    return a->width == b->width && a->style == b->style && strcmp(a->text, b->text) == 0;
}

static int length_of(const struct input_glyph *row, int columns) {
    while (columns > 0 && same(&row[columns - 1], &blank)) columns--;
    return columns;
}

static void write_glyphs(struct writer *w, int row, const struct input_glyph *glyph, int from, int to, int columns) {
    if (from >= to) return;
    move_to(w, row, from);
    for (int i = from; i < to; i++) {
        if (glyph[i].width == 0) continue;
        set_style(w, glyph[i].style);
        buf_puts(w->out, *glyph[i].text ? glyph[i].text : " ");
    }
    w->column = to < columns ? to : -1;
}

/* Rewrites a row from its first to its last difference. */
static void update_row(struct writer *w, int row, const struct input_glyph *old, const struct input_glyph *new,
                       int columns) {
    const int old_length = length_of(old, columns), length = length_of(new, columns);
    int from = 0, to = length;
    while (from < columns && same(&old[from], &new[from])) from++;
    if (from == columns) return;
    while (from > 0 && (old[from].width == 0 || new[from].width == 0)) from--;
    while (to > from && same(&old[to - 1], &new[to - 1])) to--;
    while (to < length && new[to].width == 0) to++;
    write_glyphs(w, row, new, from, to, columns);
    if (old_length <= length) return;
    move_to(w, row, length > from ? length : from);
    set_style(w, INPUT_PLAIN);
    buf_puts(w->out, "\033[K");
}

/* A new row is compared with an empty one. */
static void write_row(struct writer *w, int row, const struct input_glyph *new, int columns) {
    move_to(w, row, 0);
    write_glyphs(w, row, new, 0, length_of(new, columns), columns);
}

void input_update(const struct input_grid *from, const struct input_grid *to, struct buf *out) {
    struct writer w = {out, from->row, from->column, INPUT_PLAIN};
    for (int row = 0; row < to->rows; row++) {
        if (row < from->rows)
            update_row(&w, row, row_of(from, row), row_of(to, row), to->columns);
        else
            write_row(&w, row, row_of(to, row), to->columns);
    }
    if (from->rows > to->rows) {
        move_to(&w, to->rows, 0);
        buf_puts(out, "\033[J");
    }
    move_to(&w, to->row, to->column);
    set_style(&w, INPUT_PLAIN);
}

int input_rows_above(const struct input_grid *g, int columns) {
    int rows = 0;
    for (int row = 0; row < g->row; row++) {
        const int length = length_of(row_of(g, row), g->columns);
        rows += length > columns ? (length + columns - 1) / columns : 1;
    }
    return rows + g->column / columns;
}
